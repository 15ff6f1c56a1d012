package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type settingsKeepCmd struct {
	Days int `arg:"" help:"Days, from 7 to 3650; 0 for the installation's time."`
}

// Run changes how long recordings are kept.
func (c *settingsKeepCmd) Run(ctx context.Context, p *program) error {
	return p.setRetention(ctx, "/org/settings/recording-retention", map[string]int{"recording_days": c.Days})
}

type settingsAuditCmd struct {
	Days int `arg:"" help:"Days, from 365 to 3650; 0 for the installation's time."`
}

// Help is shown below the usage.
func (settingsAuditCmd) Help() string {
	return "When the time of an event is over, its content is deleted; its place in the ledger stays, and every proof of it holds. This is about what is recorded already, too. Only the platform can allow fewer than 365 days."
}

// Run changes how long the content of the audit log is kept.
func (c *settingsAuditCmd) Run(ctx context.Context, p *program) error {
	return p.setRetention(ctx, "/org/settings/audit-retention", map[string]int{"audit_days": c.Days})
}

func (p *program) setRetention(ctx context.Context, at string, days map[string]int) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPut, at, nil, days)
	if err != nil {
		return err
	}
	var s settings
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { s.show(p) })
}

// hold is a legal hold.
type hold struct {
	SetBy  string    `json:"set_by"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
}

func holdsText(all []hold) string {
	var out []string
	for _, h := range all {
		out = append(out, "set by the "+h.SetBy+" ("+h.By+") "+when(h.At)+": "+h.Reason)
	}
	return first(strings.Join(out, "; "), "none")
}

type orgsHoldCmd struct {
	Show orgsHoldShowCmd `cmd:"" default:"1" help:"Show it."`
	Set  orgsHoldSetCmd  `cmd:"" help:"Set one: from now on nothing is deleted because it is old."`
	Lift orgsHoldLiftCmd `cmd:"" help:"Lift it; this waits for a second person."`
}

type orgsHoldShowCmd struct{}

// Run shows the legal hold of an organization.
func (orgsHoldShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/org/settings", nil)
	if err != nil {
		return err
	}
	var s settings
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Legal hold: %s.", holdsText(s.LegalHolds)) })
}

// holdOf is whose hold an act is about.
type holdOf struct {
	Reason       string `arg:"" help:"Why; kept in the history of the settings."`
	Organization string `placeholder:"SLUG" help:"Another organization, by slug or id, whose hold is the platform's (platform)."`
}

// at is the path of an act, and the organization's name.
func (h holdOf) at(ctx context.Context, p *program) (*remote, string, string, error) {
	if h.Organization == "" {
		r, err := p.remote(ctx)
		return r, "/org/legal-hold", "the organization", err
	}
	r, o, err := p.tenant(ctx, h.Organization)
	return r, path("/platform/organizations/%s/legal-hold", o.ID), o.Slug, err
}

type orgsHoldSetCmd struct{ holdOf }

// Help is shown below the usage.
func (orgsHoldSetCmd) Help() string {
	return "It holds at once, also for a deletion that is under way: neither recordings nor content of the audit log are deleted while it is in force, and the organization cannot be deleted."
}

// Run sets a legal hold.
func (c *orgsHoldSetCmd) Run(ctx context.Context, p *program) error {
	r, at, name, err := c.at(ctx, p)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodPut, at, nil, map[string]string{"reason": c.Reason}); err != nil {
		return err
	}
	p.done("A legal hold is in force: nothing of %s is deleted because it is old.", name)
	return nil
}

type orgsHoldLiftCmd struct{ holdOf }

// Run lifts a legal hold.
func (c *orgsHoldLiftCmd) Run(ctx context.Context, p *program) error {
	r, at, name, err := c.at(ctx, p)
	if err != nil {
		return err
	}
	if _, err := r.post(ctx, at+"/lift", map[string]string{"reason": c.Reason}); err != nil {
		return err
	}
	p.done("The legal hold is lifted: what is too old of %s is deleted again.", name)
	return nil
}

type orgsMinimumCmd struct {
	Organization string `arg:"" help:"Slug or id."`
	Days         int    `arg:"" help:"Days, from 30 to 3650; 0 for 365."`
}

// Run changes the least retention of an organization's audit log.
func (c *orgsMinimumCmd) Run(ctx context.Context, p *program) error {
	r, o, err := p.tenant(ctx, c.Organization)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodPut, path("/platform/organizations/%s/audit-minimum", o.ID), nil, map[string]int{"audit_minimum_days": c.Days}); err != nil {
		return err
	}
	days := strconv.Itoa(c.Days)
	if c.Days == 0 {
		days = "365"
	}
	p.done("%s keeps the content of its audit log for at least %s days.", o.Slug, days)
	return nil
}

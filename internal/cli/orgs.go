package cli

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type orgsCmd struct {
	connection
	List     orgsListCmd     `cmd:"" default:"1" help:"List the organizations that you belong to."`
	Use      orgsUseCmd      `cmd:"" help:"Work in another of your organizations from now on."`
	Settings orgsSettingsCmd `cmd:"" help:"The settings of the organization that you work in."`
	Hold     orgsHoldCmd     `cmd:"" help:"The legal hold: while there is one, nothing is deleted because it is old."`
	Delete   orgsDeleteCmd   `cmd:"" help:"Delete the organization that you work in."`
	All      orgsAllCmd      `cmd:"" help:"List all organizations of the installation (platform)."`
	Suspend  orgsSuspendCmd  `cmd:"" help:"Suspend an organization: nobody acts in it (platform)."`
	Resume   orgsResumeCmd   `cmd:"" help:"Open a suspended organization again (platform)."`
	Seats    orgsSeatsCmd    `cmd:"" help:"Limit how many members an organization may have (platform)."`
	Minimum  orgsMinimumCmd  `cmd:"" name:"audit-minimum" help:"Change the least for which an organization may set that its audit log is kept (platform)."`
}

type orgsListCmd struct{}

// Run lists the caller's organizations.
func (orgsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/org/memberships", nil)
	if err != nil {
		return err
	}
	var m organizations
	if err := a.Into(&m); err != nil {
		return err
	}
	return p.show(a, func() {
		t := table{head: []string{"", "SLUG", "NAME", "ROLE"}, empty: "You belong to no organization."}
		for _, o := range m.Memberships {
			mark := " "
			if o.OrgID == m.ActiveOrgID {
				mark = "*"
			}
			t.row(mark, o.Slug, o.Name, o.Role)
		}
		p.table(t)
	})
}

type orgsUseCmd struct {
	Organization string `arg:"" help:"Slug or id."`
}

// Run changes the organization of the kept sign-in.
func (c *orgsUseCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if r.login == nil {
		return fault.New(fault.Invalid, "there is no kept sign-in to change: VAULTPAM_TOKEN is set; name the organization with --org or VAULTPAM_ORG")
	}
	a, err := r.get(ctx, "/org/memberships", nil)
	if err != nil {
		return err
	}
	var m organizations
	if err := a.Into(&m); err != nil {
		return err
	}
	id, err := m.named(c.Organization)
	if err != nil {
		return err
	}
	h, err := p.home()
	if err != nil {
		return err
	}
	for _, o := range m.Memberships {
		if o.OrgID != id {
			continue
		}
		r.login.OrgID, r.login.OrgSlug = o.OrgID, o.Slug
		if err := h.save(*r.login); err != nil {
			return err
		}
		if p.json {
			return p.value(o)
		}
		p.sayf("You work in %s now, as %s.", o.Slug, o.Role)
	}
	return nil
}

type orgsSettingsCmd struct {
	Show      settingsShowCmd    `cmd:"" default:"1" help:"Show them."`
	Set       settingsSetCmd     `cmd:"" help:"Change some of them."`
	Keep      settingsKeepCmd    `cmd:"" help:"Say how long recordings are kept."`
	KeepAudit settingsAuditCmd   `cmd:"" name:"keep-audit" help:"Say how long the content of the audit log is kept."`
	History   settingsHistoryCmd `cmd:"" help:"Show who changed which, newest first."`
}

// settings are those of an organization.
type settings struct {
	Version            int      `json:"version"`
	Name               string   `json:"name"`
	BrandColor         string   `json:"brand_color"`
	SupportContact     string   `json:"support_contact"`
	AllowedDomains     []string `json:"allowed_domains"`
	WebIdleMinutes     int      `json:"web_idle_minutes"`
	WebAbsoluteMinutes int      `json:"web_absolute_minutes"`
	RequireMFA         bool     `json:"require_mfa"`
	GovernanceAlways   bool     `json:"governance_always"`
	SeatLimit          int      `json:"seat_limit"`
	RecordingDays      int      `json:"recording_days"`
	AuditDays          int      `json:"audit_days"`
	AuditMinimumDays   int      `json:"audit_minimum_days"`
	LegalHolds         []hold   `json:"legal_holds"`
	SMTP               struct {
		Host        string `json:"host"`
		Port        int    `json:"port"`
		TLS         string `json:"tls"`
		User        string `json:"user"`
		PasswordSet bool   `json:"password_set"`
		From        string `json:"from"`
	} `json:"smtp"`
}

func (s settings) show(p *program) {
	minutes := func(n int) string {
		if n == 0 {
			return "the installation's"
		}
		return strconv.Itoa(n) + " minutes"
	}
	mail := "the installation's"
	if s.SMTP.Host != "" {
		mail = s.SMTP.Host + ":" + strconv.Itoa(s.SMTP.Port) + " (" + s.SMTP.TLS + "), from " + s.SMTP.From
	}
	keep := func(days int) string {
		if days == 0 {
			return "for the installation's time"
		}
		return strconv.Itoa(days) + " days"
	}
	seats := "no limit"
	if s.SeatLimit > 0 {
		seats = strconv.Itoa(s.SeatLimit)
	}
	p.facts([][2]string{{"name", s.Name}, {"colour", s.BrandColor}, {"support", s.SupportContact}, {"domains of members", first(strings.Join(s.AllowedDomains, ", "), "any")},
		{"idle limit", minutes(s.WebIdleMinutes)}, {"absolute limit", minutes(s.WebAbsoluteMinutes)}, {"own second factor demanded", yesNo(s.RequireMFA)}, {"sensitive changes wait always", yesNo(s.GovernanceAlways)},
		{"mail server", mail}, {"recordings kept", keep(s.RecordingDays)}, {"content of the audit log kept", keep(s.AuditDays)}, {"legal hold", holdsText(s.LegalHolds)},
		{"seats", seats}, {"version", strconv.Itoa(s.Version)}})
}

type settingsShowCmd struct{}

// Run shows settings.
func (settingsShowCmd) Run(ctx context.Context, p *program) error {
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
	return p.show(a, func() { s.show(p) })
}

type settingsSetCmd struct {
	Name             *string   `placeholder:"NAME" help:"Display name of the organization."`
	Color            *string   `placeholder:"#RRGGBB" help:"Its colour; empty for none."`
	Support          *string   `placeholder:"TEXT" help:"Whom members and invitees can ask; empty for nobody."`
	Domain           *[]string `placeholder:"DOMAIN" help:"The e-mail domains of new members, separated by commas; empty for any."`
	Idle             *int      `placeholder:"MINUTES" help:"End a member's web session that is idle for so long; 0 for the installation's limit."`
	Absolute         *int      `placeholder:"MINUTES" help:"End a member's web session after so long; 0 for the installation's limit."`
	RequireMFA       *bool     `name:"require-mfa" negatable:"" help:"Who accepts an invitation with an account must have proved a second factor of their own."`
	GovernanceAlways *bool     `name:"governance-always" negatable:"" help:"Let sensitive changes wait for a second person even where nobody else in the organization could decide; a platform administrator may then."`
	SMTPHost         *string   `name:"smtp-host" placeholder:"HOST" help:"The organization's own mail server; empty for the installation's."`
	SMTPPort         *int      `name:"smtp-port" placeholder:"PORT" help:"Its port."`
	SMTPTLS          *string   `name:"smtp-tls" enum:"starttls,tls" placeholder:"starttls|tls" help:"How it is encrypted."`
	SMTPUser         *string   `name:"smtp-user" placeholder:"USER" help:"User name at it."`
	SMTPFrom         *string   `name:"smtp-from" placeholder:"ADDRESS" help:"The address that messages come from."`
	SMTPPasswordFrom string    `name:"smtp-password-file" placeholder:"FILE" complete:"file" help:"File that holds the password at it; - is standard input."`
}

// Run changes settings.
func (c *settingsSetCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in, smtp := map[string]any{}, map[string]any{}
	put(in, "name", c.Name)
	put(in, "brand_color", c.Color)
	put(in, "support_contact", c.Support)
	put(in, "web_idle_minutes", c.Idle)
	put(in, "web_absolute_minutes", c.Absolute)
	put(in, "require_mfa", c.RequireMFA)
	put(in, "governance_always", c.GovernanceAlways)
	if c.Domain != nil {
		domains := []string{}
		for _, d := range *c.Domain {
			if d != "" {
				domains = append(domains, d)
			}
		}
		in["allowed_domains"] = domains
	}
	put(smtp, "host", c.SMTPHost)
	put(smtp, "port", c.SMTPPort)
	put(smtp, "tls", c.SMTPTLS)
	put(smtp, "user", c.SMTPUser)
	put(smtp, "from", c.SMTPFrom)
	if c.SMTPHost != nil && *c.SMTPHost == "" { // what belongs to it goes with it
		smtp = map[string]any{"host": "", "port": 0, "tls": "", "user": "", "from": "", "password": ""}
	}
	if c.SMTPPasswordFrom != "" {
		password, err := p.readSecret(c.SMTPPasswordFrom)
		if err != nil {
			return err
		}
		if password, err = oneLine(password); err != nil {
			return err
		}
		smtp["password"] = password.RevealString()
	}
	if len(smtp) > 0 {
		in["smtp"] = smtp
	}
	if len(in) == 0 {
		return fault.New(fault.Invalid, "name a setting to change (see vaultpam orgs settings set --help)")
	}
	a, err := r.call(ctx, http.MethodPatch, "/org/settings", nil, in)
	if err != nil {
		return err
	}
	var s settings
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { s.show(p) })
}

// put sets a value that was given.
func put[T any](in map[string]any, key string, v *T) {
	if v != nil {
		in[key] = *v
	}
}

type settingsHistoryCmd struct {
	Limit int `default:"50" placeholder:"N" help:"How many to show; 0 for all."`
}

// Run shows the history of settings.
func (c *settingsHistoryCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/settings/history", nil, c.Limit)
	if err != nil {
		return err
	}
	type change struct {
		Version int       `json:"version"`
		Group   string    `json:"group"`
		By      string    `json:"by"`
		At      time.Time `json:"at"`
		Changes []struct {
			Field, From, To string
		} `json:"changes"`
	}
	t := table{head: []string{"WHEN", "BY", "GROUP", "CHANGE"}, empty: "Nothing was ever changed."}
	return showList(p, l, t, func(c change) []string {
		var what []string
		for _, x := range c.Changes {
			what = append(what, x.Field+": "+first(x.From, "-")+" -> "+first(x.To, "-"))
		}
		return []string{when(c.At), c.By, c.Group, strings.Join(what, "; ")}
	})
}

type orgsDeleteCmd struct {
	Confirm string `placeholder:"SLUG" help:"The short name of the organization, when you are sure; else you are asked to type it."`
}

// Help is shown below the usage.
func (orgsDeleteCmd) Help() string {
	return "For owners. Nobody gets in any more, live sessions end and invitations are void. What is stored stays, sealed, until the operator of the installation removes it; the short name is not given away again."
}

// Run deletes an organization.
func (c *orgsDeleteCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	typed := c.Confirm
	if typed == "" {
		me, _, err := r.me(ctx)
		if err != nil {
			return err
		}
		if me.Org == nil {
			return fault.New(fault.NotFound, "no organization is active: name one with --org")
		}
		typed, err = p.ask().Line(ctx, cleanf("This deletes %s (%s) for good. Type its short name to go on: ", me.Org.Name, me.Org.Slug))
		if fault.CodeOf(err) == "NO_TERMINAL" {
			return fault.New(fault.Invalid, "there is nobody to confirm this: add --confirm %s when you are sure", me.Org.Slug).WithCode("NO_TERMINAL")
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.post(ctx, "/org/delete", map[string]string{"confirm": typed}); err != nil {
		return err
	}
	p.done("The organization is deleted.")
	return nil
}

// tenant is an organization as the platform sees it.
type tenant struct {
	ID        string    `json:"id"`
	Slug      string    `json:"slug"`
	Name      string    `json:"name"`
	Active    bool      `json:"active"`
	Deleted   bool      `json:"deleted"`
	CreatedAt time.Time `json:"created_at"`
	Members   int       `json:"members"`
	Invited   int       `json:"invited"`
	SeatLimit int       `json:"seat_limit"`
}

func (t tenant) seats() string {
	if t.SeatLimit == 0 {
		return "no limit"
	}
	return strconv.Itoa(t.SeatLimit)
}

func (t tenant) names() []string { return []string{t.ID, t.Slug} }

// tenant finds one of all organizations.
func (p *program) tenant(ctx context.Context, want string) (*remote, tenant, error) {
	return locate[tenant](ctx, p, "/platform/organizations", nil, "organization", want)
}

func (t tenant) state() string {
	switch {
	case t.Deleted:
		return "deleted"
	case !t.Active:
		return "suspended"
	}
	return "active"
}

type orgsAllCmd struct{}

// Run lists all organizations.
func (orgsAllCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/platform/organizations", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"SLUG", "NAME", "STATE", "MEMBERS", "INVITED", "SEATS", "CREATED", "ID"}, empty: "There are no organizations."}
	return showList(p, l, t, func(o tenant) []string {
		return []string{o.Slug, o.Name, o.state(), strconv.Itoa(o.Members), strconv.Itoa(o.Invited), o.seats(), when(o.CreatedAt), o.ID}
	})
}

type orgsSuspendCmd struct {
	Organization string `arg:"" help:"Slug or id."`
	Comment      string `placeholder:"TEXT" help:"Why; kept in the audit log."`
	Yes          bool   `short:"y" help:"Do not ask."`
}

// Run suspends an organization.
func (c *orgsSuspendCmd) Run(ctx context.Context, p *program) error {
	r, o, err := p.tenant(ctx, c.Organization)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Suspend %s? All its live sessions end. [y/N] ", o.Slug); err != nil {
		return err
	}
	in := map[string]string{}
	if c.Comment != "" {
		in["comment"] = c.Comment
	}
	a, err := r.post(ctx, path("/platform/organizations/%s/suspend", o.ID), in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is suspended.", o.Slug) })
}

type orgsResumeCmd struct {
	Organization string `arg:"" help:"Slug or id."`
}

// Run opens an organization again.
func (c *orgsResumeCmd) Run(ctx context.Context, p *program) error {
	r, o, err := p.tenant(ctx, c.Organization)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/platform/organizations/%s/resume", o.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is open again.", o.Slug) })
}

type orgsSeatsCmd struct {
	Organization string `arg:"" help:"Slug or id."`
	Seats        int    `arg:"" help:"How many members there may be; 0 is no limit."`
}

// Run limits an organization.
func (c *orgsSeatsCmd) Run(ctx context.Context, p *program) error {
	r, o, err := p.tenant(ctx, c.Organization)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodPut, path("/platform/organizations/%s/seats", o.ID), nil, map[string]int{"seat_limit": c.Seats}); err != nil {
		return err
	}
	if c.Seats == 0 {
		p.done("%s has no limit of seats.", o.Slug)
		return nil
	}
	p.done("%s may have %s members.", o.Slug, strconv.Itoa(c.Seats))
	return nil
}

package cli

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// rotated is a rotation as the API tells it.
type rotated struct {
	ID            string    `json:"id"`
	Trigger       string    `json:"trigger"`
	State         string    `json:"state"`
	Attempt       int       `json:"attempt"`
	NextAttemptAt time.Time `json:"next_attempt_at"`
	TargetState   string    `json:"target_state"`
	NewVersion    int64     `json:"new_version"`
	OldKey        string    `json:"old_key"`
	Detail        string    `json:"detail"`
	CreatedAt     time.Time `json:"created_at"`
}

// says is a rotation in a few words.
func (r rotated) says() string {
	switch {
	case r.State == "completed" && r.OldKey == "left":
		return "the new key is in use, but the old one is still accepted: " + r.Detail
	case r.State == "tidying" && r.Detail != "":
		return "the new key is in use; the old one is still to be removed: " + r.Detail
	case r.Detail != "" && r.State != "completed":
		return r.Detail
	}
	return ""
}

type accountsRotateCmd struct {
	Account string        `arg:"" complete:"account" help:"Name or id."`
	Wait    bool          `help:"Wait for its end, and fail when it fails."`
	Timeout time.Duration `default:"2m" help:"How long to wait."`
}

// Run rotates a credential now.
func (c *accountsRotateCmd) Run(ctx context.Context, p *program) error {
	r, acc, err := p.account(ctx, c.Account)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/accounts/%s/rotate", acc.ID), nil)
	if err != nil {
		return err
	}
	if !c.Wait {
		return p.show(a, func() {
			p.sayf("The credential of %s is being rotated. See: vaultpam accounts rotations %s", acc.Name, acc.Name)
		})
	}
	var now rotated
	if err := a.Into(&now); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	for now.State == "running" || now.State == "tidying" && now.Detail == "" {
		select {
		case <-time.After(300 * time.Millisecond):
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "the rotation of %s is still under way: vaultpam accounts rotations %s", acc.Name, acc.Name)
		}
		if a, err = r.call(ctx, http.MethodGet, path("/accounts/%s/rotations/%s", acc.ID, now.ID), nil, nil); err != nil {
			return err
		}
		if err = a.Into(&now); err != nil {
			return err
		}
	}
	if now.State != "completed" || now.OldKey == "left" {
		again := ""
		if !now.NextAttemptAt.IsZero() {
			again = "; it is tried again at " + when(now.NextAttemptAt)
		}
		return fault.New(fault.Unavailable, "the credential of %s was not rotated: %s%s", acc.Name, first(now.says(), now.State), again)
	}
	return p.show(a, func() { p.sayf("The credential of %s is rotated: version %d.", acc.Name, now.NewVersion) })
}

type accountsRotationsCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
}

// Run lists the rotations of an account.
func (c *accountsRotationsCmd) Run(ctx context.Context, p *program) error {
	r, acc, err := p.account(ctx, c.Account)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, path("/accounts/%s/rotations", acc.ID), nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"ID", "BEGUN", "BECAUSE OF", "STATE", "ATTEMPT", "WHAT WENT WRONG"}, empty: "The credential of " + acc.Name + " was never rotated."}
	return showList(p, l, t, func(x rotated) []string {
		return []string{x.ID, when(x.CreatedAt), x.Trigger, x.State, strconv.Itoa(x.Attempt), x.says()}
	})
}

type accountsScheduleCmd struct {
	Account string `arg:"" complete:"account" help:"Name or id."`
	Every   int    `required:"" placeholder:"DAYS" help:"Rotate when the credential is so many days old, 1 to 365; 0 for never."`
}

// Run sets when a credential is rotated by itself.
func (c *accountsScheduleCmd) Run(ctx context.Context, p *program) error {
	r, acc, err := p.account(ctx, c.Account)
	if err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPatch, path("/accounts/%s", acc.ID), nil, map[string]any{"rotate_every": c.Every, "version": acc.Version})
	if err != nil {
		return err
	}
	var after account
	if err := a.Into(&after); err != nil {
		return err
	}
	return p.show(a, func() {
		if after.NextRotationAt.IsZero() {
			p.sayf("The credential of %s is rotated by hand only.", acc.Name)
			return
		}
		p.sayf("The credential of %s is rotated every %d days, next at %s.", acc.Name, c.Every, when(after.NextRotationAt))
	})
}

package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
)

type phoneCmd struct {
	connection
	Show    phoneShowCmd    `cmd:"" default:"1" help:"Show your telephone number, and the change that is pending."`
	Set     phoneSetCmd     `cmd:"" help:"Set or replace your number: a code is sent to the new one."`
	Confirm phoneConfirmCmd `cmd:"" help:"Bring the code that was sent."`
	Resend  phoneResendCmd  `cmd:"" help:"Have a new code sent."`
	Cancel  phoneCancelCmd  `cmd:"" help:"Give the change up."`
	Remove  phoneRemoveCmd  `cmd:"" help:"Remove your number."`
}

// phoneRecord is a number as the API tells it.
type phoneRecord struct {
	Number     string    `json:"number"`
	Country    string    `json:"country"`
	VerifiedAt time.Time `json:"verified_at"`
	Version    int       `json:"version"`
	Change     *struct {
		ID            string    `json:"id"`
		Number        string    `json:"number"`
		ByAdmin       bool      `json:"by_admin"`
		ExpiresAt     time.Time `json:"expires_at"`
		CodeExpiresAt time.Time `json:"code_expires_at"`
		AttemptsLeft  int       `json:"attempts_left"`
	} `json:"change"`
}

// phone reads a number and what is pending below path.
func (r *remote) phone(ctx context.Context, path string) (client.Answer, phoneRecord, error) {
	var rec phoneRecord
	a, err := r.get(ctx, path, nil)
	if err == nil {
		err = a.Into(&rec)
	}
	return a, rec, err
}

// pendingPhone is the change that waits below path.
func (r *remote) pendingPhone(ctx context.Context, path string) (phoneRecord, error) {
	_, rec, err := r.phone(ctx, path)
	if err == nil && rec.Change == nil {
		err = fault.New(fault.NotFound, "no change of a number is pending")
	}
	return rec, err
}

func (p *program) phoneRecord(a client.Answer, rec phoneRecord) error {
	return p.show(a, func() {
		facts := [][2]string{{"number", rec.Number}, {"verified", when(rec.VerifiedAt)}}
		if c := rec.Change; c != nil {
			facts = append(facts, [2]string{"pending", c.Number}, [2]string{"until", when(c.ExpiresAt)}, [2]string{"code until", when(c.CodeExpiresAt)},
				[2]string{"tries left", strconv.Itoa(c.AttemptsLeft)}, [2]string{"by an admin", yesNo(c.ByAdmin)})
		}
		p.facts(facts)
	})
}

// number asks for a telephone number. It is never an argument: others on the
// machine could read it in the list of processes.
func (p *program) number(ctx context.Context, stdin bool, prompt string) (string, error) {
	if !stdin {
		return p.ask().Line(ctx, prompt)
	}
	return firstLine(p.in)
}

const ownPhone = "/auth/me/phone"

type phoneShowCmd struct{}

// Run shows the number.
func (phoneShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, rec, err := r.phone(ctx, ownPhone)
	if err != nil {
		return err
	}
	return p.phoneRecord(a, rec)
}

type phoneSetCmd struct {
	Stdin bool `help:"Read the number from standard input."`
}

// Help is shown below the usage.
func (phoneSetCmd) Help() string {
	return "Asks for the number, has a code sent to it, and asks for the code. With --stdin, or without a terminal, bring the code with vaultpam phone confirm."
}

// Run asks for the number and, at a terminal, for the code.
func (c *phoneSetCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	number, err := p.number(ctx, c.Stdin, "The number, such as +49 151 23456789: ")
	if err != nil {
		return err
	}
	a, err := r.post(ctx, ownPhone+"/changes", map[string]string{"number": number})
	if err != nil {
		return err
	}
	var rec phoneRecord
	if err := a.Into(&rec); err != nil {
		return err
	}
	if c.Stdin || rec.Change == nil {
		return p.phoneRecord(a, rec)
	}
	code, err := p.ask().Line(ctx, "The code that was sent to it: ")
	if err != nil {
		return err
	}
	return r.confirmPhone(ctx, rec, code)
}

func (r *remote) confirmPhone(ctx context.Context, rec phoneRecord, code string) error {
	a, err := r.post(ctx, path(ownPhone+"/changes/%s/confirm", rec.Change.ID), map[string]any{"code": code, "version": rec.Version})
	if err != nil {
		return err
	}
	return r.p.show(a, func() { r.p.sayf("%s is your number.", rec.Change.Number) })
}

type phoneConfirmCmd struct {
	Stdin bool `help:"Read the code from standard input."`
}

// Run brings the code.
func (c *phoneConfirmCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	rec, err := r.pendingPhone(ctx, ownPhone)
	if err != nil {
		return err
	}
	code, err := p.number(ctx, c.Stdin, "The code that was sent: ")
	if err != nil {
		return err
	}
	return r.confirmPhone(ctx, rec, code)
}

type phoneResendCmd struct{}

// Run asks for a new code.
func (phoneResendCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	rec, err := r.pendingPhone(ctx, ownPhone)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path(ownPhone+"/changes/%s/resend", rec.Change.ID), map[string]int{"version": rec.Version})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("A new code is on its way; the one before does not count any more.") })
}

type phoneCancelCmd struct{}

// Run gives the change up.
func (phoneCancelCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	return r.cancelPhone(ctx, ownPhone)
}

func (r *remote) cancelPhone(ctx context.Context, below string) error {
	rec, err := r.pendingPhone(ctx, below)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, below+path("/changes/%s", rec.Change.ID), url.Values{"version": {strconv.Itoa(rec.Version)}}, nil); err != nil {
		return err
	}
	r.p.done("The change is given up.")
	return nil
}

type phoneRemoveCmd struct {
	Yes bool `short:"y" help:"Do not ask."`
}

// Run removes the number.
func (c *phoneRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	_, rec, err := r.phone(ctx, ownPhone)
	if err != nil {
		return err
	}
	if rec.Number == "" {
		return fault.New(fault.NotFound, "you have no telephone number to remove").WithCode("PHONE_NONE")
	}
	if err := p.confirm(ctx, c.Yes, "Remove %s? [y/N] ", rec.Number); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, ownPhone, url.Values{"version": {strconv.Itoa(rec.Version)}}, nil); err != nil {
		return err
	}
	p.done("You have no telephone number here any more.")
	return nil
}

type membersPhoneCmd struct {
	Show   membersPhoneShowCmd   `cmd:"" help:"Show a member's telephone number, masked."`
	Set    membersPhoneSetCmd    `cmd:"" help:"Ask a member to verify a number: they get a code and confirm it themselves."`
	Cancel membersPhoneCancelCmd `cmd:"" help:"Give a member's change up."`
}

// memberPhone finds the person, and where their number is.
func (p *program) memberPhone(ctx context.Context, who string) (*remote, string, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, "", err
	}
	m, err := r.findPerson(ctx, who)
	return r, path("/org/members/%s/phone", m.UserID), err
}

type membersPhoneShowCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run shows a member's number.
func (c *membersPhoneShowCmd) Run(ctx context.Context, p *program) error {
	r, below, err := p.memberPhone(ctx, c.Person)
	if err != nil {
		return err
	}
	a, rec, err := r.phone(ctx, below)
	if err != nil {
		return err
	}
	return p.phoneRecord(a, rec)
}

type membersPhoneSetCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
	Stdin  bool   `help:"Read the number from standard input."`
}

// Run asks for a member's number.
func (c *membersPhoneSetCmd) Run(ctx context.Context, p *program) error {
	r, below, err := p.memberPhone(ctx, c.Person)
	if err != nil {
		return err
	}
	number, err := p.number(ctx, c.Stdin, "The number, such as +49 151 23456789: ")
	if err != nil {
		return err
	}
	a, err := r.post(ctx, below+"/changes", map[string]string{"number": number})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("A code was sent. %s confirms it with vaultpam phone confirm.", c.Person) })
}

type membersPhoneCancelCmd struct {
	Person string `arg:"" complete:"person" help:"Handle, e-mail address or id."`
}

// Run gives a member's change up.
func (c *membersPhoneCancelCmd) Run(ctx context.Context, p *program) error {
	r, below, err := p.memberPhone(ctx, c.Person)
	if err != nil {
		return err
	}
	return r.cancelPhone(ctx, below)
}

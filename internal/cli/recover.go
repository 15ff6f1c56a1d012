package cli

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/app"
	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

type recoverCmd struct {
	connection
	Request recoverRequestCmd `cmd:"" help:"Say that every second factor is lost; a link is mailed to you."`
	Confirm recoverConfirmCmd `cmd:"" help:"Give the link of that e-mail; an administrator decides then."`
	Finish  recoverFinishCmd  `cmd:"" help:"Give the link that was mailed after the approval, and enrol a new authenticator app."`
}

// Help is shown below the usage.
func (recoverCmd) Help() string {
	return "You need your password and your mailbox. First request, then confirm with the link from the e-mail, then wait for an administrator, and within fifteen minutes of the second e-mail finish. Links are asked for, or read from standard input with --link-stdin; they are never taken from the command line, where others could see them."
}

// recovering is what each step of a recovery asks for.
type recovering struct {
	Email string `placeholder:"EMAIL" help:"E-mail address or handle. Else VAULTPAM_EMAIL, else you are asked."`
}

// linked is how the link of an e-mail is given.
type linked struct {
	LinkStdin bool `help:"Read the link from standard input."`
}

// ticket is what stands behind the # of the link.
func (l linked) ticket(ctx context.Context, p *program) (string, error) {
	var text string
	var err error
	if l.LinkStdin {
		text, err = firstLine(p.in)
	} else {
		var s secret.Secret
		if s, err = p.ask().Secret(ctx, "The link from the e-mail: "); err == nil {
			text = strings.TrimSpace(s.RevealString())
		}
	}
	if _, behind, ok := strings.Cut(text, "#"); ok {
		text = behind
	}
	return text, err
}

// server is where to go; nobody is signed in.
func (p *program) server(ctx context.Context) (client.Config, *login, error) {
	h, err := p.home()
	if err != nil {
		return client.Config{}, nil, err
	}
	before, _ := h.load() // a sign-in that cannot be read tells nothing
	l, err := p.where(ctx, before)
	return client.Config{Origin: l.URL, CA: []byte(l.CA), Version: app.Version}, before, err
}

// challenge proves the password, and gives the question for the second factor.
func (c recovering) challenge(ctx context.Context, p *program, api *client.Client, before *login) (string, error) {
	email := first(c.Email, p.env["VAULTPAM_EMAIL"])
	var err error
	if email == "" {
		if email, err = p.askEmail(ctx, before); err != nil {
			return "", err
		}
	}
	password := secret.FromString(p.env["VAULTPAM_PASSWORD"])
	if password.Empty() {
		if password, err = p.ask().Secret(ctx, "Password: "); err != nil {
			return "", err
		}
	}
	a, err := api.Call(ctx, http.MethodPost, "/auth/login", nil, map[string]string{"email": email, "password": password.RevealString()})
	password.Wipe()
	if err != nil {
		return "", err
	}
	var in signedIn
	if err := a.Into(&in); err != nil {
		return "", err
	}
	if in.MFA == nil {
		return "", fault.New(fault.Conflict, "no second factor is asked of you, so there is nothing to recover: vaultpam login")
	}
	return in.MFA.ChallengeID, nil
}

type recoveryState struct {
	ID        string    `json:"id"`
	State     string    `json:"state"`
	ExpiresAt time.Time `json:"expires_at"`
}

type recoverRequestCmd struct {
	recovering
	Lost []string `enum:"totp,webauthn,backup_code" placeholder:"METHOD" help:"What is lost: totp, webauthn, backup_code. Else all."`
}

// Run opens a case.
func (c *recoverRequestCmd) Run(ctx context.Context, p *program) error {
	conf, before, err := p.server(ctx)
	if err != nil {
		return err
	}
	api, err := client.New(conf)
	if err != nil {
		return err
	}
	challenge, err := c.challenge(ctx, p, api, before)
	if err != nil {
		return err
	}
	body := map[string]any{"challenge_id": challenge}
	if len(c.Lost) > 0 {
		body["lost_methods"] = c.Lost
	}
	a, err := api.Call(ctx, http.MethodPost, "/auth/recovery", nil, body)
	if err != nil {
		return err
	}
	var s recoveryState
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("A link was mailed to you. Give it to vaultpam recover confirm before %s.", when(s.ExpiresAt))
	})
}

type recoverConfirmCmd struct{ linked }

// Run proves the mailbox.
func (c *recoverConfirmCmd) Run(ctx context.Context, p *program) error {
	conf, _, err := p.server(ctx)
	if err != nil {
		return err
	}
	api, err := client.New(conf)
	if err != nil {
		return err
	}
	proof, err := c.ticket(ctx, p)
	if err != nil {
		return err
	}
	a, err := api.Call(ctx, http.MethodPost, "/auth/recovery/verify", nil, map[string]string{"proof": proof})
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Your administrators were told. Expect their call, and then an e-mail with another link.")
	})
}

type recoverFinishCmd struct {
	recovering
	linked
}

// Run burns the grant and enrols an app.
func (c *recoverFinishCmd) Run(ctx context.Context, p *program) error {
	conf, before, err := p.server(ctx)
	if err != nil {
		return err
	}
	api, err := client.New(conf)
	if err != nil {
		return err
	}
	grant, err := c.ticket(ctx, p)
	if err != nil {
		return err
	}
	challenge, err := c.challenge(ctx, p, api, before)
	if err != nil {
		return err
	}
	a, err := api.Call(ctx, http.MethodPost, "/auth/recovery/redeem", nil, map[string]string{"challenge_id": challenge, "grant": grant})
	if err != nil {
		return err
	}
	var in signedIn
	if err := a.Into(&in); err != nil {
		return err
	}
	conf.Token = secret.FromString(in.AccessToken)
	r := &remote{p: p}
	if r.Client, err = client.New(conf); err != nil {
		return err
	}
	if err := r.enrol(ctx, ""); err != nil {
		return err
	}
	p.notef("Everything that you were signed in to has ended. Sign in with the new app: vaultpam login.")
	return nil
}

type recoveryCmd struct {
	connection
	List    recoveryListCmd    `cmd:"" default:"withargs" help:"List cases, newest first."`
	Approve recoveryApproveCmd `cmd:"" help:"Let the person set up a new second factor. Speak with them first."`
	Deny    recoveryDenyCmd    `cmd:"" help:"Turn a case down."`
}

// desk is whose cases a command is about.
type desk struct {
	Platform bool `help:"Those that the platform's administrators decide."`
}

func (d desk) path() string {
	if d.Platform {
		return "/platform/recoveries"
	}
	return "/org/recoveries"
}

// recoveryCase is a case as the server tells of it.
type recoveryCase struct {
	recoveryState
	Person struct {
		ID     string `json:"id"`
		Email  string `json:"email"`
		Handle string `json:"handle"`
	} `json:"person"`
	LostMethods []string  `json:"lost_methods"`
	SourceIP    string    `json:"source_ip"`
	VerifiedAt  time.Time `json:"verified_at"`
}

func (c recoveryCase) names() []string { return []string{c.ID, c.Person.Handle, c.Person.Email} }

type recoveryListCmd struct {
	desk
	All   bool `help:"Also those that are decided or have ended."`
	Limit int  `default:"50" help:"How many at most; 0 for all."`
}

// Run lists cases.
func (c *recoveryListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, c.path(), c.query(), c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"PERSON", "E-MAIL", "STATE", "UNTIL", "ASKED FROM", "LOST", "ID"}, empty: "Nobody waits."}
	return showList(p, l, t, func(k recoveryCase) []string {
		return []string{k.Person.Handle, k.Person.Email, k.State, when(k.ExpiresAt), k.SourceIP, strings.Join(k.LostMethods, ", "), k.ID}
	})
}

// query asks for what waits, or for all.
func (c *recoveryListCmd) query() url.Values {
	if c.All {
		return nil
	}
	return pendingOnly()
}

func pendingOnly() url.Values { return url.Values{"state": {"pending"}} }

// recoveryDecision is what both decisions take.
type recoveryDecision struct {
	desk
	Case    string `arg:"" help:"The case's id, or the person's handle or e-mail address."`
	Comment string `placeholder:"TEXT" help:"Kept with the case; at a denial the person is told it."`
}

func (c *recoveryDecision) decide(ctx context.Context, p *program, verb, done string) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, c.path(), pendingOnly(), 0)
	if err != nil {
		return err
	}
	items, err := decode[recoveryCase](l.Items)
	if err != nil {
		return err
	}
	k, err := pick(items, "waiting case", c.Case)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, c.path()+path("/%s/"+verb, k.ID), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf(done, k.Person.Handle) })
}

type recoveryApproveCmd struct{ recoveryDecision }

// Run approves a case.
func (c *recoveryApproveCmd) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, "approve", "%s was mailed a link that works once, for fifteen minutes.")
}

type recoveryDenyCmd struct{ recoveryDecision }

// Run denies a case.
func (c *recoveryDenyCmd) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, "deny", "%s was told that the answer is no.")
}

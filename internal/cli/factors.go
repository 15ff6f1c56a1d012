package cli

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type mfaCmd struct {
	connection
	List   mfaListCmd   `cmd:"" default:"1" help:"List your second factors."`
	Enrol  mfaEnrolCmd  `cmd:"" aliases:"enroll" help:"Enrol an authenticator app."`
	Codes  mfaCodesCmd  `cmd:"" name:"backup-codes" help:"Replace your backup codes."`
	Rename mfaRenameCmd `cmd:"" help:"Give a second factor another label."`
	Remove mfaRemoveCmd `cmd:"" help:"Remove a second factor; all your sign-ins end."`
}

type mfaListCmd struct{}

// Run lists factors.
func (mfaListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/mfa/factors", nil)
	if err != nil {
		return err
	}
	var l struct {
		Items []struct {
			ID         string    `json:"id"`
			Kind       string    `json:"kind"`
			Name       string    `json:"name"`
			CreatedAt  time.Time `json:"created_at"`
			LastUsedAt time.Time `json:"last_used_at"`
		} `json:"items"`
		CodesLeft int `json:"backup_codes_left"`
	}
	if err := a.Into(&l); err != nil {
		return err
	}
	return p.show(a, func() {
		t := table{head: []string{"NAME", "KIND", "ENROLLED", "LAST USED", "ID"}, empty: "You have no second factor: vaultpam mfa enrol."}
		for _, f := range l.Items {
			t.row(f.Name, f.Kind, when(f.CreatedAt), when(f.LastUsedAt), f.ID)
		}
		p.table(t)
		if len(l.Items) > 0 {
			p.notef("%d backup codes left.", l.CodesLeft)
		}
	})
}

type mfaEnrolCmd struct {
	Name string `arg:"" optional:"" help:"What to call the app, to tell several apart."`
}

// Run enrols an authenticator app.
func (c *mfaEnrolCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	return r.enrol(ctx, c.Name)
}

// enrol shows the secret, asks for a first code, and shows the backup codes.
func (r *remote) enrol(ctx context.Context, name string) error {
	a, err := r.post(ctx, "/mfa/totp", map[string]string{"name": name})
	if err != nil {
		return err
	}
	var f struct {
		FactorID   string `json:"factor_id"`
		Secret     string `json:"secret"`
		OTPAuthURI string `json:"otpauth_uri"`
	}
	if err := a.Into(&f); err != nil {
		return err
	}
	p := r.p
	if p.json {
		p.raw(a.Body)
	} else {
		p.sayf("Add this account to your authenticator app, by the secret or by the address:")
		p.facts([][2]string{{"secret", f.Secret}, {"address", f.OTPAuthURI}})
	}
	code, err := p.ask().Line(ctx, "The code that the app shows now: ")
	if err != nil {
		return err
	}
	a, err = r.post(ctx, "/mfa/totp/"+url.PathEscape(f.FactorID)+"/confirm", map[string]string{"code": code})
	if err != nil {
		return err
	}
	return r.backupCodes(a.Into, func() { p.raw(a.Body) }, "The authenticator app is enrolled.")
}

// backupCodes shows codes that are never shown again.
func (r *remote) backupCodes(into func(any) error, raw func(), done string) error {
	var b struct {
		Codes []string `json:"backup_codes"`
	}
	if err := into(&b); err != nil {
		return err
	}
	if r.p.json {
		raw()
		return nil
	}
	r.p.sayf("%s", done)
	if len(b.Codes) > 0 {
		r.p.sayf("Your backup codes. Each works once, when the app is not at hand; they are not shown again:")
		r.p.sayf("  %s", strings.Join(b.Codes, "\n  "))
	}
	return nil
}

// offerEnrolment helps a person who just signed in and has no second factor.
func (r *remote) offerEnrolment(ctx context.Context) error {
	required := fault.New(fault.Denied, "you are signed in, but have no second factor, and nothing is open without one: enrol an app with vaultpam mfa enrol, or in the console at %s", r.Origin()).WithCode("MFA_ENROLMENT_REQUIRED")
	answer, err := r.p.ask().Line(ctx, "Your account has no second factor yet, and nothing is open without one. Enrol an authenticator app now? [Y/n] ")
	if fault.CodeOf(err) == "NO_TERMINAL" {
		return required
	}
	if err != nil {
		return err
	}
	if !yes(answer, true) {
		return required
	}
	return r.enrol(ctx, "")
}

type mfaCodesCmd struct{}

// Run replaces the backup codes.
func (mfaCodesCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/mfa/backup-codes", nil)
	if err != nil {
		return err
	}
	return r.backupCodes(a.Into, func() { p.raw(a.Body) }, "The former backup codes do not work any more.")
}

type mfaRenameCmd struct {
	ID   string `arg:"" help:"Id of the factor, as mfa list shows it."`
	Name string `arg:"" help:"The new label."`
}

// Run renames a factor.
func (c *mfaRenameCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodPatch, path("/mfa/factors/%s", c.ID), nil, map[string]string{"name": c.Name}); err != nil {
		return err
	}
	p.done("The second factor is called %s now.", c.Name)
	return nil
}

type mfaRemoveCmd struct {
	ID  string `arg:"" help:"Id of the factor, as mfa list shows it."`
	Yes bool   `short:"y" help:"Do not ask."`
}

// Run removes a factor.
func (c *mfaRemoveCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Remove the second factor %s? All your sign-ins end. [y/N] ", c.ID); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, "/mfa/factors/"+url.PathEscape(c.ID), nil, nil); err != nil {
		return err
	}
	p.done("The second factor is removed. Sign in again: vaultpam login.")
	return nil
}

// The codes with which the server asks for a fresh second factor.
const (
	codeMFARequired    = "MFA_REQUIRED"
	codeStepUpRequired = "STEP_UP_REQUIRED"
)

// wantsFactor tells whether err asks for a second factor that the caller can prove.
func (r *remote) wantsFactor(err error) bool {
	code := fault.CodeOf(err)
	return !r.isToken && fault.Is(err, fault.Denied) && (code == codeMFARequired || code == codeStepUpRequired)
}

// stepUp proves the second factor again; safe is the id of the safe that asks for it.
func (r *remote) stepUp(ctx context.Context, safe string) error {
	in := map[string]string{}
	if safe != "" {
		in["safe_id"] = safe
	}
	a, err := r.Client.Call(ctx, http.MethodPost, "/auth/step-up", nil, in)
	if err != nil {
		return again(err, r.isToken)
	}
	var ch struct {
		ChallengeID string   `json:"challenge_id"`
		Methods     []string `json:"methods"`
	}
	if err := a.Into(&ch); err != nil {
		return err
	}
	if r.p.conn.Code == "" && slices.Contains(ch.Methods, "webauthn") && !slices.Contains(ch.Methods, "totp") {
		if r.p.conn.NoInput {
			return fault.New(fault.Denied, "this asks for a fresh second factor, and yours is a security key, which a terminal cannot ask: run vaultpam step-up where you have a browser").WithCode(codeStepUpRequired)
		}
		return r.stepUpInBrowser(ctx, false)
	}
	code, err := r.p.code(ctx)
	if err != nil {
		return err
	}
	_, err = r.Client.Call(ctx, http.MethodPost, "/auth/step-up/answer", nil, map[string]string{"challenge_id": ch.ChallengeID, "code": code})
	return err
}

// stepUpInBrowser lets the person prove a second factor where security keys and passkeys work.
func (r *remote) stepUpInBrowser(ctx context.Context, noBrowser bool) error {
	return r.p.inBrowser(ctx, r.Client, browserFlow{begin: "/auth/step-up/browser", ask: "/auth/step-up/browser/answer",
		where: "in a browser where you are signed in as the same person", noBrowser: noBrowser}, nil)
}

type stepUpCmd struct {
	connection
	Browser   bool `xor:"how" help:"In your browser, also when you have an authenticator application."`
	NoBrowser bool `xor:"how" help:"Show an address and a code to open in a browser elsewhere, as on a server."`
}

// Help is shown below the usage.
func (stepUpCmd) Help() string {
	return "What changes how people sign in, and other sensitive things, ask for a second factor that was proved a short while ago. Commands ask by themselves when it is needed; this one asks ahead. It takes a one-time code, or where you have a security key or passkey only, your browser."
}

// Run proves a second factor.
func (c *stepUpCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.Browser || c.NoBrowser {
		err = r.stepUpInBrowser(ctx, c.NoBrowser)
	} else {
		err = r.stepUp(ctx, "")
	}
	if err != nil {
		return err
	}
	p.done("Your second factor is proved.")
	return nil
}

// yes reads the answer to a question of yes or no.
func yes(answer string, otherwise bool) bool {
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "":
		return otherwise
	case "y", "yes":
		return true
	}
	return false
}

// confirm asks before something is destroyed.
func (p *program) confirm(ctx context.Context, sure bool, question string, args ...any) error {
	if sure {
		return nil
	}
	answer, err := p.ask().Line(ctx, cleanf(question, args...))
	if fault.CodeOf(err) == "NO_TERMINAL" {
		return fault.New(fault.Invalid, "there is nobody to confirm this: add --yes when you are sure").WithCode("NO_TERMINAL")
	}
	if err != nil {
		return err
	}
	if !yes(answer, false) {
		return fault.New(fault.Conflict, "nothing was changed")
	}
	return nil
}

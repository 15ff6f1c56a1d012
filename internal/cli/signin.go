package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/app"
	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

type loginCmd struct {
	connection
	Email      string `placeholder:"EMAIL" help:"E-mail address or handle. Else VAULTPAM_EMAIL, else you are asked."`
	CodeStdin  bool   `xor:"stdin" help:"Read the one-time code from standard input."`
	TokenStdin bool   `xor:"stdin" help:"Read an API token from standard input and sign in with it. Else VAULTPAM_TOKEN is taken, if it is set."`
	NoBrowser  bool   `xor:"how" help:"Show an address and a code to open in a browser elsewhere, as on a server."`
	Password   bool   `xor:"how" help:"Type e-mail address, password and code here, without a browser."`
}

// Help is shown below the usage.
func (loginCmd) Help() string {
	return "Opens your browser, where you let this command line in by the code that it shows, and keeps the sign-in in a file that only you can read, so that the other commands work. With --password, or when an e-mail address is given, it asks for password and one-time code here instead. Scripts set VAULTPAM_EMAIL and VAULTPAM_PASSWORD and give the code by --code or --code-stdin, or sign in with an API token."
}

// Run signs in.
func (c *loginCmd) Run(ctx context.Context, p *program) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	before, _ := h.load() // what cannot be read is about to be replaced
	l, err := p.where(ctx, before)
	if err != nil {
		return err
	}
	conf := client.Config{Origin: l.URL, CA: []byte(l.CA), Version: app.Version}
	enrol := false
	switch {
	case c.TokenStdin:
		token, err := firstLine(p.in)
		if err != nil {
			return err
		}
		l.Token, l.Kind = token, tokenLogin
	case p.env["VAULTPAM_TOKEN"] != "":
		l.Token, l.Kind = p.env["VAULTPAM_TOKEN"], tokenLogin
	case !c.typed(p):
		l.Kind = sessionLogin
		if err := c.browser(ctx, p, conf, &l); err != nil {
			return err
		}
	default:
		l.Kind = sessionLogin
		if enrol, err = c.session(ctx, p, conf, &l, before); err != nil {
			return err
		}
	}
	conf.Token = secret.FromString(l.Token)
	return p.complete(ctx, h, conf, l, enrol)
}

// where is the server to sign in to, and whom to trust for it.
func (p *program) where(ctx context.Context, before *login) (login, error) {
	var l login
	address := first(p.conn.URL, p.env["VAULTPAM_BASE_URL"])
	if address == "" && before != nil {
		address = before.URL
	}
	if address == "" {
		var err error
		if address, err = p.ask().Line(ctx, "Server address (https://...): "); err != nil {
			return l, errNoAddress(err)
		}
	}
	origin, err := client.Origin(address)
	if err != nil {
		return l, err
	}
	l.URL = origin
	pem, err := p.authority()
	if err != nil {
		return l, err
	}
	l.CA = string(pem)
	if pem == nil && before != nil && before.URL == origin {
		l.CA = before.CA
	}
	return l, nil
}

func errNoAddress(err error) error {
	if fault.CodeOf(err) == "NO_TERMINAL" {
		return fault.New(fault.Invalid, "say which server: vaultpam login --url https://<server>")
	}
	return err
}

// session proves the person by password and second factor. enrol says that they
// have none yet, and may do nothing but enrol one.
func (c *loginCmd) session(ctx context.Context, p *program, conf client.Config, l, before *login) (enrol bool, err error) {
	api, err := client.New(conf)
	if err != nil {
		return false, err
	}
	email := first(c.Email, p.env["VAULTPAM_EMAIL"])
	if email == "" {
		if email, err = p.askEmail(ctx, before); err != nil {
			return false, err
		}
	}
	password := secret.FromString(p.env["VAULTPAM_PASSWORD"])
	if password.Empty() {
		if password, err = p.ask().Secret(ctx, "Password: "); err != nil {
			return false, err
		}
	}
	var in signedIn
	a, err := api.Call(ctx, http.MethodPost, "/auth/login", nil, map[string]string{"email": email, "password": password.RevealString()})
	password.Wipe()
	if err != nil {
		return false, err
	}
	if err := a.Into(&in); err != nil {
		return false, err
	}
	if in.MFA != nil {
		code, err := c.oneTimeCode(ctx, p)
		if err != nil {
			return false, err
		}
		a, err := api.Call(ctx, http.MethodPost, "/auth/mfa", nil, map[string]string{"challenge_id": in.MFA.ChallengeID, "code": code})
		if err != nil {
			return false, err
		}
		in = signedIn{}
		if err := a.Into(&in); err != nil {
			return false, err
		}
	}
	if in.AccessToken == "" {
		return false, fault.New(fault.Internal, "the server gave no sign-in; is it a VaultPAM server of this version?")
	}
	l.Token = in.AccessToken
	if !in.EnrolmentRequired { // otherwise it will be prolonged once a factor is enrolled
		l.ExpiresAt = p.now().Add(time.Duration(in.ExpiresIn) * time.Second).UTC().Truncate(time.Second)
	}
	return in.EnrolmentRequired, nil
}

// signedIn is what the server answers a sign-in.
type signedIn struct {
	AccessToken string `json:"access_token"`
	ExpiresIn   int64  `json:"expires_in"`
	MFA         *struct {
		ChallengeID string   `json:"challenge_id"`
		Methods     []string `json:"methods"`
	} `json:"mfa"`
	EnrolmentRequired bool `json:"enrolment_required"`
}

func (p *program) askEmail(ctx context.Context, before *login) (string, error) {
	prompt := "E-mail: "
	if before != nil && before.Email != "" {
		prompt = fmt.Sprintf("E-mail [%s]: ", clean(before.Email))
	}
	email, err := p.ask().Line(ctx, prompt)
	if err == nil && email == "" && before != nil {
		email = before.Email
	}
	return email, err
}

func (c *loginCmd) oneTimeCode(ctx context.Context, p *program) (string, error) {
	if c.CodeStdin {
		return firstLine(p.in)
	}
	return p.code(ctx)
}

// code is the answer to a second factor's question.
func (p *program) code(ctx context.Context) (string, error) {
	if p.conn.Code != "" {
		return p.conn.Code, nil
	}
	return p.ask().Line(ctx, "One-time or backup code: ")
}

// firstLine reads a secret that was piped in.
func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, 64<<10)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", fault.New(fault.Invalid, "standard input is empty")
	}
	if err != nil && err != io.EOF {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	return line, nil
}

// complete chooses the organization, keeps the sign-in and says so.
func (p *program) complete(ctx context.Context, h home, conf client.Config, l login, enrol bool) error {
	r := &remote{p: p, isToken: l.Kind == tokenLogin, login: &l}
	var err error
	if conf.Org, err = p.organization(ctx, conf, ""); err != nil {
		return err
	}
	if r.Client, err = client.New(conf); err != nil {
		return err
	}
	me, a, err := r.me(ctx)
	if r.isToken && fault.Is(err, fault.Denied) { // a good token, whose scopes leave its owner's profile out
		l.OrgID = conf.Org
		if err := h.save(l); err != nil {
			return err
		}
		p.done("Signed in at %s with an API token.", l.URL)
		return nil
	}
	if err != nil {
		return err
	}
	l.Email, l.Handle = me.User.Email, me.User.Handle
	if me.Org != nil {
		l.OrgID, l.OrgSlug = me.Org.ID, me.Org.Slug
	}
	if err := h.save(l); err != nil {
		return err
	}
	if enrol {
		if err := r.offerEnrolment(ctx); err != nil {
			return err
		}
		if me, a, err = r.me(ctx); err != nil {
			return err
		}
	}
	return p.show(a, func() { p.sayf("Signed in at %s as %s%s.", l.URL, me.sentence(), until(l.ExpiresAt)) })
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", until " + when(t)
}

type logoutCmd struct{}

// Run ends the sign-in at the server, and forgets it here whatever the server says.
func (c *logoutCmd) Run(ctx context.Context, p *program) error {
	h, err := p.home()
	if err != nil {
		return err
	}
	l, err := h.load()
	if err != nil {
		return err
	}
	if l == nil {
		return errNoLogin("")
	}
	if err := h.forget(); err != nil {
		return err
	}
	if l.Kind == tokenLogin {
		p.done("The API token is forgotten here. It is valid until it expires or is revoked: vaultpam tokens revoke.")
		return nil
	}
	conf := client.Config{Origin: l.URL, CA: []byte(l.CA), Version: app.Version}
	if l.Refresh != "" && !p.now().Before(l.AccessUntil) { // its token has ended, and the sign-in has not
		if a, err := refreshOnce(ctx, conf, l.Refresh); err == nil {
			l.Token = a.AccessToken
		}
	}
	conf.Token = secret.FromString(l.Token)
	api, err := client.New(conf)
	if err != nil {
		return err
	}
	if _, err := api.Call(ctx, http.MethodPost, "/auth/logout", nil, nil); err != nil && !fault.Is(err, fault.Unauthenticated) {
		return fault.New(fault.KindOf(err), "the sign-in is forgotten here, but the server was not told, so it stays valid until %s: %s", when(l.ExpiresAt), sentence(err))
	}
	p.done("Signed out of %s.", l.URL)
	return nil
}

type whoamiCmd struct{ connection }

// Run says who the server takes the caller for.
func (c *whoamiCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	me, a, err := r.me(ctx)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		rows := [][2]string{{"person", me.sentence()}, {"e-mail", me.User.Email}, {"server", r.Origin()}}
		if me.Via == "token" {
			rows = append(rows, [2]string{"signed in by", "API token with " + strings.Join(me.Scopes, ", ")})
		} else {
			rows = append(rows, [2]string{"second factor", me.factor()})
		}
		if r.login != nil && !r.login.ExpiresAt.IsZero() {
			rows = append(rows, [2]string{"signed in until", when(r.login.ExpiresAt)})
		}
		if me.SSH.Addr != "" {
			rows = append(rows, [2]string{"ssh gateway", me.SSH.Addr})
		}
		p.facts(rows)
	})
}

// me is what the server knows of the caller.
type me struct {
	User struct {
		ID     string `json:"id"`
		Email  string `json:"email"`
		Handle string `json:"handle"`
		Name   string `json:"name"`
	} `json:"user"`
	Org *struct {
		ID   string `json:"id"`
		Slug string `json:"slug"`
		Name string `json:"name"`
		Role string `json:"role"`
	} `json:"org"`
	PlatformRole string `json:"platform_role"`
	MFA          struct {
		Enrolled   bool      `json:"enrolled"`
		VerifiedAt time.Time `json:"verified_at"`
		CodesLeft  int       `json:"backup_codes_left"`
	} `json:"mfa"`
	Via    string   `json:"via"`
	Scopes []string `json:"scopes"`
	SSH    struct {
		Addr string `json:"addr"`
	} `json:"ssh"`
}

func (r *remote) me(ctx context.Context) (me, client.Answer, error) {
	var m me
	a, err := r.get(ctx, "/auth/me", nil)
	if err != nil {
		return m, a, err
	}
	return m, a, a.Into(&m)
}

func (m me) sentence() string {
	s := m.User.Handle
	if m.User.Name != "" {
		s += " (" + m.User.Name + ")"
	}
	if m.Org != nil {
		s += ", " + m.Org.Role + " of " + m.Org.Slug
	}
	if m.PlatformRole != "" {
		s += ", " + strings.ReplaceAll(m.PlatformRole, "_", " ")
	}
	return s
}

func (m me) factor() string {
	if !m.MFA.Enrolled {
		return "none yet: vaultpam mfa enrol"
	}
	s := fmt.Sprintf("enrolled, %d backup codes left", m.MFA.CodesLeft)
	if !m.MFA.VerifiedAt.IsZero() {
		s += ", proved " + when(m.MFA.VerifiedAt)
	}
	return s
}

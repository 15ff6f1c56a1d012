package cli

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/vaultpam/vaultpam/internal/app"
	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// connection says which server is meant and who asks. All of it is optional after
// one login.
type connection struct {
	URL     string `group:"connection" placeholder:"URL" help:"Address of the server. Else VAULTPAM_BASE_URL, else the one you signed in to."`
	CAFile  string `group:"connection" name:"ca-file" placeholder:"FILE" complete:"file" help:"PEM file of an authority to trust besides the system's. Else VAULTPAM_CA_FILE."`
	Org     string `group:"connection" placeholder:"SLUG" help:"Organization, by slug or id. Else VAULTPAM_ORG, else that of the sign-in."`
	Code    string `group:"connection" placeholder:"CODE" help:"One-time or backup code, for when a second factor is asked for."`
	NoInput bool   `group:"connection" help:"Never ask anything; fail where an answer would be needed."`
}

// AfterApply hands the flags to the program; kong calls it.
func (c *connection) AfterApply(p *program) error {
	p.conn = *c
	return nil
}

// ask is the person at the terminal, or nobody.
func (p *program) ask() terminal.Asker {
	if p.conn.NoInput {
		return terminal.Nobody{}
	}
	if p.asker == nil {
		p.asker, _ = terminal.Open(p.in, p.errw) // the terminal is closed by the end of the program
	}
	return p.asker
}

// remote is a server, as somebody sees it.
type remote struct {
	*client.Client
	p       *program
	isToken bool   // an API token asks, which can prove no second factor
	login   *login // nil when the credential is from the environment
}

// first is the first of values that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// errNoLogin is the answer to a command that needs a sign-in.
func errNoLogin(origin string) error {
	if origin == "" {
		return fault.New(fault.Unauthenticated, "you are not signed in: vaultpam login --url https://<server>").WithCode("NO_LOGIN")
	}
	return fault.New(fault.Unauthenticated, "you are not signed in at %s: vaultpam login --url %s", origin, origin).WithCode("NO_LOGIN")
}

// authority reads the certificates to trust besides the system's; nil: none.
func (p *program) authority() ([]byte, error) {
	path := first(p.conn.CAFile, p.env["VAULTPAM_CA_FILE"])
	if path == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the CA file %s cannot be read: %v", path, cause(err))
	}
	if len(pem) == 0 {
		return nil, fault.New(fault.Invalid, "the CA file %s holds no certificate: it is empty", path)
	}
	return pem, nil
}

// remote finds the server and the credential.
func (p *program) remote(ctx context.Context) (*remote, error) {
	h, err := p.home()
	if err != nil {
		return nil, err
	}
	l, err := h.load()
	if err != nil {
		return nil, err
	}
	r := &remote{p: p}
	conf := client.Config{Version: app.Version}
	if address := first(p.conn.URL, p.env["VAULTPAM_BASE_URL"]); address != "" {
		if conf.Origin, err = client.Origin(address); err != nil {
			return nil, err
		}
	} else if l != nil {
		conf.Origin = l.URL
	}
	token := p.env["VAULTPAM_TOKEN"]
	switch {
	case conf.Origin == "" && token != "":
		return nil, fault.New(fault.Invalid, "VAULTPAM_TOKEN is set, but not where to use it: set VAULTPAM_BASE_URL, or give --url https://<server>").WithCode("NO_SERVER")
	case conf.Origin == "":
		return nil, errNoLogin("")
	case token != "":
		conf.Token, r.isToken = secret.FromString(token), true
	// A sign-in is sent to the server that gave it, and to no other.
	case l == nil || l.URL != conf.Origin:
		return nil, errNoLogin(conf.Origin)
	case !l.ExpiresAt.IsZero() && !p.now().Before(l.ExpiresAt):
		return nil, fault.New(fault.Unauthenticated, "your sign-in has ended: sign in again with vaultpam login").WithCode("LOGIN_EXPIRED")
	default:
		conf.Token, r.isToken, r.login = secret.FromString(l.Token), l.Kind == tokenLogin, l
		conf.Org = l.OrgID
	}
	if conf.CA, err = p.authority(); err != nil {
		return nil, err
	}
	if conf.CA == nil && l != nil && l.URL == conf.Origin {
		conf.CA = []byte(l.CA)
	}
	if r.login != nil {
		if err := p.freshen(ctx, h, l, conf); err != nil {
			return nil, err
		}
		conf.Token = secret.FromString(l.Token)
	}
	if conf.Org, err = p.organization(ctx, conf, conf.Org); err != nil {
		return nil, err
	}
	r.Client, err = client.New(conf)
	return r, err
}

// organization is the id of the organization that the person named, or fallback.
func (p *program) organization(ctx context.Context, conf client.Config, fallback string) (string, error) {
	named := first(p.conn.Org, p.env["VAULTPAM_ORG"])
	if named == "" {
		return fallback, nil
	}
	if _, err := id.Parse[id.Org](named); err == nil || named == "platform" { // which is no organization, but where operators act
		return named, nil
	}
	conf.Org = ""
	c, err := client.New(conf)
	if err != nil {
		return "", err
	}
	m, err := memberships(ctx, c)
	if err != nil {
		return "", again(err, false)
	}
	return m.named(named)
}

// call sends a request. Where the server asks for a fresh second factor, the
// person is asked and the request sent once more.
func (r *remote) call(ctx context.Context, method, path string, query url.Values, in any) (client.Answer, error) {
	a, err := r.Client.Call(ctx, method, path, query, in)
	if r.wantsFactor(err) {
		if err := r.stepUp(ctx, ""); err != nil {
			return a, err
		}
		a, err = r.Client.Call(ctx, method, path, query, in)
	}
	return a, again(err, r.isToken)
}

func (r *remote) get(ctx context.Context, path string, query url.Values) (client.Answer, error) {
	return r.call(ctx, http.MethodGet, path, query, nil)
}

func (r *remote) post(ctx context.Context, path string, in any) (client.Answer, error) {
	return r.call(ctx, http.MethodPost, path, nil, in)
}

// stream is call for an answer that is read while it comes.
func (r *remote) stream(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	b, err := r.Client.Stream(ctx, path, query)
	if r.wantsFactor(err) {
		if err := r.stepUp(ctx, ""); err != nil {
			return nil, err
		}
		b, err = r.Client.Stream(ctx, path, query)
	}
	return b, again(err, r.isToken)
}

// again says what to do when a credential is not accepted any more.
func again(err error, isToken bool) error {
	f := fault.As(err)
	switch {
	case f != nil && f.Code == "MFA_ENROLMENT_REQUIRED":
		return fault.New(f.Kind, "%s; enrol an authenticator app with vaultpam mfa enrol", f.Message).WithCode(f.Code)
	case f == nil || f.Kind != fault.Unauthenticated || f.Code != fault.DefaultCode(fault.Unauthenticated):
		return err
	case isToken:
		return fault.New(fault.Unauthenticated, "the API token is not accepted: it was revoked, has expired, or is for another server").Because(err)
	}
	return fault.New(fault.Unauthenticated, "the server does not know your sign-in any more: sign in again with vaultpam login").Because(err)
}

// organizations are where a person belongs.
type organizations struct {
	ActiveOrgID string `json:"active_org_id"`
	Memberships []struct {
		OrgID string `json:"org_id"`
		Slug  string `json:"slug"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	} `json:"memberships"`
}

func memberships(ctx context.Context, c *client.Client) (organizations, error) {
	var m organizations
	a, err := c.Call(ctx, http.MethodGet, "/org/memberships", nil, nil)
	if err != nil {
		return m, err
	}
	return m, a.Into(&m)
}

func (m organizations) named(want string) (string, error) {
	for _, o := range m.Memberships {
		if strings.EqualFold(o.Slug, want) || o.OrgID == want {
			return o.OrgID, nil
		}
	}
	return "", fault.New(fault.NotFound, "you are in no organization %q; yours: %s", want, m.slugs())
}

func (m organizations) slugs() string {
	if len(m.Memberships) == 0 {
		return "none"
	}
	var out []string
	for _, o := range m.Memberships {
		out = append(out, o.Slug)
	}
	return strings.Join(out, ", ")
}

// cause is a file error without the path, which the sentence around it names.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

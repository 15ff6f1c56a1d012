package sso

import (
	"bytes"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

const (
	flowLife    = 10 * time.Minute // at the provider
	ticketLife  = time.Minute      // between its answer and the console's
	browserSize = 43               // of a cookie's value: 32 random bytes
)

// Choice is a provider that somebody can sign in with.
type Choice struct {
	ID       id.Provider
	Name     string
	Protocol Protocol
}

// Hint is what somebody says of where they belong: an organization's slug, or
// their e-mail address, whose domain tells it.
type Hint struct {
	Org   string
	Email string
}

// Choices lists the providers that a hint leads to. It says nothing about people:
// an address counts by its domain. None is fault.NotFound, whatever is the cause.
func (s *Service) Choices(ctx context.Context, h Hint) ([]Choice, error) {
	var out []Choice
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out = nil
		q := ssosql.New(tx)
		add := func(pid, name, protocol string) {
			out = append(out, Choice{id.Provider(pid), name, Protocol(protocol)})
		}
		if h.Org != "" {
			rows, err := q.ProvidersOfSlug(ctx, h.Org)
			for _, r := range rows {
				add(r.ID, r.Name, r.Protocol)
			}
			return err
		}
		email, err := identity.ParseEmail(h.Email)
		if err != nil {
			return nil
		}
		rows, err := q.ProvidersOfDomain(ctx, domainOf(email))
		for _, r := range rows {
			add(r.ID, r.Name, r.Protocol)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("look for providers: %w", err)
	}
	if len(out) == 0 {
		return nil, notConfigured()
	}
	return out, nil
}

func notConfigured() error {
	return fault.New(fault.NotFound, "no single sign-on is set up for this organization or address: sign in with your password, or ask an administrator").WithCode("SSO_NOT_CONFIGURED")
}

func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }

// StartArgs begin a sign-in.
type StartArgs struct {
	Hint
	Provider id.Provider   // empty: the first that the hint leads to
	ReturnTo string        // a path of the console, for after; may be empty
	Browser  secret.Secret // the cookie that the browser has from an earlier start; may be empty
	From     identity.Origin
}

// Started is a sign-in that has to go on at the provider.
type Started struct {
	URL      string
	Browser  secret.Secret // the cookie to set
	Name     string        // of the provider
	Protocol Protocol      // SAML: the provider's page posts the answer, across sites
}

// Start sends a browser to a provider.
func (s *Service) Start(ctx context.Context, a StartArgs) (Started, error) {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, a.Email); err != nil {
		return Started{}, err
	}
	if a.Provider == "" {
		choices, err := s.Choices(ctx, a.Hint)
		if err != nil {
			return Started{}, err
		}
		a.Provider = choices[0].ID
	}
	p, err := s.enabled(ctx, a.Provider)
	if err != nil {
		return Started{}, err
	}
	browser := a.Browser.RevealString()
	if len(browser) != browserSize {
		browser = secret.Token(32).RevealString()
	}
	flow, state := id.New[id.Flow](), secret.Token(32).RevealString()
	var to string
	if p.Protocol == OIDC {
		to, err = s.authorizeURL(ctx, p, flow, state, browser)
	} else {
		to, err = s.requestURL(p, flow, state)
	}
	if err != nil {
		return Started{}, s.fail(ctx, a.From, p, flow, err)
	}
	now := s.now()
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return ssosql.New(tx).InsertFlow(ctx, ssosql.InsertFlowParams{
			OrgID: string(p.Org), ID: string(flow), ProviderID: string(p.ID), Kind: "sign_in", StateHash: digest("state", state), BrowserHash: digest("browser", browser),
			ReturnTo: consolePath(a.ReturnTo), TicketHash: []byte{}, Now: now, ExpiresAt: now + flowLife.Microseconds(),
		})
	})
	if err != nil {
		return Started{}, fmt.Errorf("store a sign-in: %w", err)
	}
	return Started{URL: to, Browser: secret.FromString(browser), Name: p.Name, Protocol: p.Protocol}, nil
}

// consolePath is a path of our own console, or nothing: it must never lead a
// browser elsewhere.
func consolePath(s string) string {
	ok := len(s) <= 1024 && strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' })
	if !ok {
		return ""
	}
	return s
}

// enabled is a provider that may be used, of an active organization.
func (s *Service) enabled(ctx context.Context, pid id.Provider) (Provider, error) {
	p, err := s.byID(ctx, pid)
	if err == nil && !p.Enabled {
		err = notConfigured()
	}
	return p, err
}

func (s *Service) byID(ctx context.Context, pid id.Provider) (Provider, error) {
	var row ssosql.FindProviderRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = ssosql.New(tx).FindProvider(ctx, string(pid))
		return err
	})
	if db.NotFound(err) {
		return Provider{}, notConfigured()
	}
	if err != nil {
		return Provider{}, fmt.Errorf("read provider %s: %w", pid, err)
	}
	p, err := fromRow(ssosql.SsoProvider{OrgID: row.OrgID, ID: row.ID, Protocol: row.Protocol, Name: row.Name, Enabled: row.Enabled, Issuer: row.Issuer,
		ClientID: row.ClientID, ClientSecret: row.ClientSecret, Scopes: row.Scopes, GroupsClaim: row.GroupsClaim, CaPem: row.CaPem, Metadata: row.Metadata,
		TrustMfa: row.TrustMfa, Provision: row.Provision, DefaultRole: row.DefaultRole, Roles: row.Roles, Version: row.Version, CreatedAt: row.CreatedAt, ChangedAt: row.ChangedAt, SpKey: row.SpKey, SpCert: row.SpCert})
	p.orgName = row.OrgName
	return p, err
}

// Failed is the code of the fault for a leg through a provider that did not hold.
const Failed = "SSO_FAILED"

// Reason is the closed word for why a sign-in did not hold, for the console to
// explain: that of PROVIDER_FLOW_FAILED, or not_permitted.
func Reason(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.why.String()
	}
	if fault.CodeOf(err) == NotPermitted {
		return "not_permitted"
	}
	return "internal"
}

// fail records a leg that did not hold and counts it against its source. What is
// not the leg's failing is returned as it is.
func (s *Service) fail(ctx context.Context, o identity.Origin, p Provider, flow id.Flow, why error) error {
	var f *failure
	if !errors.As(why, &f) {
		return why
	}
	protocol := event.SSOProtocolOIDC
	if p.Protocol == SAML {
		protocol = event.SSOProtocolSAML
	}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		if f.step != event.ProviderStepStart { // what a provider does not answer is not the browser's doing
			if err := s.d.People.CountFailure(ctx, tx, o); err != nil {
				return err
			}
		}
		ev := event.NewProviderFlowFailed(event.By(o.Stranger(p.Org), event.User), event.TenantTarget(p.Org, p.orgName), f.why, p.ID, protocol, event.FlowKindSignIn, f.step)
		if flow != "" {
			ev = ev.WithFlowID(flow)
		}
		_, err := s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fmt.Errorf("record a failed sign-in: %w", err)
	}
	s.d.Log.InfoContext(ctx, "sign-in through a provider failed", "provider_id", p.ID, "step", f.step.String(), "reason", f.why.String(), "cause", f.cause.Error())
	kind := fault.Unauthenticated
	if f.step == event.ProviderStepStart {
		kind = fault.Unavailable
	}
	return fault.New(kind, "the sign-in through %s did not hold: %s", p.Name, inWords(f.why)).WithCode(Failed).Because(f)
}

// inWords tells a person what to do about a reason.
func inWords(why event.ProviderFlowFailedReason) string {
	switch why {
	case event.ProviderFlowFailedStateMismatch:
		return "it was begun in another browser, or answered before: begin again here"
	case event.ProviderFlowFailedTimeout:
		return "it took too long: begin again"
	case event.ProviderFlowFailedUserCancelled:
		return "it was cancelled, or the provider does not let you in: begin again, or ask an administrator"
	case event.ProviderFlowFailedEmailUnverified:
		return "the provider gives no e-mail address that this organization has proved to be its own: ask an administrator"
	case event.ProviderFlowFailedAssertionExpired:
		return "the provider's answer was too old: begin again; if it stays, its clock or ours is wrong"
	}
	return "ask an administrator; the audit log of the organization tells why"
}

// take finds the flow of a state and takes it for its one answer. The error is a
// *failure for what the browser brought.
func (s *Service) take(ctx context.Context, p Provider, state, browser string) (ssosql.SsoFlow, error) {
	var row ssosql.SsoFlow
	var taken int64
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := ssosql.New(tx)
		row, err = q.FlowByState(ctx, ssosql.FlowByStateParams{OrgID: string(p.Org), ProviderID: string(p.ID), StateHash: digest("state", state)})
		if err != nil {
			return err
		}
		taken = 0
		if subtle.ConstantTimeCompare(row.BrowserHash, digest("browser", browser)) != 1 {
			return nil
		}
		taken, err = q.TakeFlow(ctx, ssosql.TakeFlowParams{OrgID: row.OrgID, ID: row.ID, Now: s.now()})
		return err
	})
	step := event.ProviderStepCallback
	switch {
	case db.NotFound(err):
		return row, failed(step, event.ProviderFlowFailedStateMismatch, "the state is not known")
	case err != nil:
		return row, fmt.Errorf("look up a sign-in: %w", err)
	case taken == 1:
		return row, nil
	case !bytes.Equal(row.BrowserHash, digest("browser", browser)):
		return row, failed(step, event.ProviderFlowFailedStateMismatch, "another browser began it")
	case row.State != "open" && p.Protocol == SAML:
		return row, failed(step, event.ProviderFlowFailedAssertionReplayed, "it was answered before")
	case row.State != "open":
		return row, failed(step, event.ProviderFlowFailedStateMismatch, "it was answered before")
	}
	return row, failed(step, event.ProviderFlowFailedTimeout, "its time is over")
}

// CallbackArgs are what an OIDC provider sends a browser back with.
type CallbackArgs struct {
	Provider id.Provider
	State    string
	Code     secret.Secret
	Issuer   string // RFC 9207
	Error    string
	Browser  secret.Secret // the cookie
	From     identity.Origin
}

// Proved is a sign-in whose first factor held. The ticket is good for one
// Complete, by the same browser, for a minute.
type Proved struct {
	Ticket   secret.Secret
	ReturnTo string
}

// answered finds the provider of an answer and takes the flow that it is for; what the
// browser brought and does not hold is recorded.
func (s *Service) answered(ctx context.Context, o identity.Origin, protocol Protocol, pid id.Provider, state string, browser secret.Secret) (Provider, ssosql.SsoFlow, error) {
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return Provider{}, ssosql.SsoFlow{}, err
	}
	p, err := s.enabled(ctx, pid)
	if err == nil && p.Protocol != protocol {
		err = notConfigured()
	}
	if err != nil {
		return Provider{}, ssosql.SsoFlow{}, err
	}
	row, err := s.take(ctx, p, state, browser.RevealString())
	if err != nil {
		err = s.fail(ctx, o, p, id.Flow(row.ID), err)
	}
	return p, row, err
}

// Callback takes a provider's answer.
func (s *Service) Callback(ctx context.Context, a CallbackArgs) (Proved, error) {
	a.From = a.From.OrNew()
	p, row, err := s.answered(ctx, a.From, OIDC, a.Provider, a.State, a.Browser)
	if err != nil {
		return Proved{}, err
	}
	flow := id.Flow(row.ID)
	switch {
	case a.Error == "access_denied" || a.Error == "login_required" || a.Error == "interaction_required" || a.Error == "consent_required":
		err = failed(event.ProviderStepCallback, event.ProviderFlowFailedUserCancelled, "the provider answers %q", a.Error)
	case a.Error != "":
		err = failed(event.ProviderStepCallback, event.ProviderFlowFailedProviderError, "the provider answers %.60q", a.Error)
	case a.Code.Empty():
		err = failed(event.ProviderStepCallback, event.ProviderFlowFailedProviderError, "the provider sent no code")
	}
	if err != nil {
		return Proved{}, s.fail(ctx, a.From, p, flow, err)
	}
	c, err := s.redeem(ctx, p, flow, a.Code, a.Issuer, a.Browser.RevealString())
	if err != nil {
		return Proved{}, s.fail(ctx, a.From, p, flow, err)
	}
	return s.settle(ctx, a.From, p, row, c)
}

// settle finds the person of a claim, gives them their place, and makes the ticket.
func (s *Service) settle(ctx context.Context, o identity.Origin, p Provider, row ssosql.SsoFlow, c claim) (Proved, error) {
	ticket := secret.Token(32).RevealString()
	refuse := func(ctx context.Context, tx *db.Tx, no *notPlaced) error {
		return s.d.People.RefuseSSO(ctx, tx, o, identity.Membership{Org: p.Org, Name: p.orgName}, no.user)
	}
	var no *notPlaced
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		no = nil
		user, err := s.place(ctx, tx, o, p, c)
		if errors.As(err, &no) && no.told {
			return refuse(ctx, tx, no)
		}
		if err != nil {
			return err
		}
		own, err := s.d.Members.OwnFactor(ctx, tx, p.Org, user)
		if err != nil {
			return err
		}
		n, err := ssosql.New(tx).ProveFlow(ctx, ssosql.ProveFlowParams{UserID: string(user), Second: c.second && p.TrustMFA && !own, TicketHash: digest("ticket", ticket),
			ExpiresAt: s.now() + ticketLife.Microseconds(), OrgID: row.OrgID, ID: row.ID})
		if err == nil && n == 0 {
			err = errors.New("the sign-in was settled meanwhile")
		}
		return err
	})
	if no != nil && (err == nil || errors.As(err, &no)) {
		if err != nil { // all that was begun for them is undone; the refusal stands by itself
			if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return refuse(ctx, tx, no) }); err != nil {
				return Proved{}, fmt.Errorf("record a refused sign-in: %w", err)
			}
		}
		return Proved{}, fault.New(fault.Denied, "%s knows you, but you have no place in this organization: %s", p.Name, no.why).WithCode(NotPermitted)
	}
	if err != nil {
		return Proved{}, s.fail(ctx, o, p, id.Flow(row.ID), err)
	}
	return Proved{Ticket: secret.FromString(row.ID + "." + ticket), ReturnTo: row.ReturnTo}, nil
}

// CompleteArgs end a sign-in in the browser that began it.
type CompleteArgs struct {
	Ticket  secret.Secret
	Browser secret.Secret
	From    identity.Origin
}

// Completed is where the sign-in leads, and to which page of the console.
type Completed struct {
	identity.SignIn
	ReturnTo string
}

// Complete redeems a ticket.
func (s *Service) Complete(ctx context.Context, a CompleteArgs) (Completed, error) {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, ""); err != nil {
		return Completed{}, err
	}
	over := fault.New(fault.Unauthenticated, "this sign-in is not known any more: begin again").WithCode(Failed)
	name, ticket, _ := strings.Cut(a.Ticket.RevealString(), ".")
	var out Completed
	var ok bool
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, ok = Completed{}, false
		q := ssosql.New(tx)
		row, err := q.FlowByTicket(ctx, name)
		if db.NotFound(err) || err == nil && (subtle.ConstantTimeCompare(row.TicketHash, digest("ticket", ticket)) != 1 ||
			subtle.ConstantTimeCompare(row.BrowserHash, digest("browser", a.Browser.RevealString())) != 1) {
			return s.d.People.CountFailure(ctx, tx, a.From)
		}
		if err != nil {
			return fmt.Errorf("look up a ticket: %w", err)
		}
		n, err := q.FinishFlow(ctx, ssosql.FinishFlowParams{OrgID: row.OrgID, ID: row.ID, Now: s.now()})
		if err != nil || n == 0 {
			return err
		}
		out.ReturnTo = row.ReturnTo
		out.SignIn, ok, err = s.d.People.SignInBySSO(ctx, tx, identity.SSOArgs{User: id.User(row.UserID), Org: id.Org(row.OrgID), SecondFactor: row.Second, From: a.From})
		return err
	})
	if err != nil {
		return Completed{}, fmt.Errorf("complete a sign-in: %w", err)
	}
	if !ok {
		return Completed{}, over
	}
	return out, nil
}

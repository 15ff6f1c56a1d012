package identity

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// MaxTokenLife is how long an API token can live.
const MaxTokenLife = 180 * 24 * time.Hour

const maxTokens = 100 // live ones of one person in one organization

// Token is an API token, without the token itself.
type Token struct {
	ID          id.Token
	Name        string
	Owner       id.User
	OwnerHandle string
	OwnerEmail  string
	Scopes      []string
	Networks    []netip.Prefix // that it may be used from; none: any
	CreatedAt   time.Time
	ExpiresAt   time.Time
	LastUsedAt  time.Time // zero: never; to the minute
}

// CreateTokenArgs asks for an API token.
type CreateTokenArgs struct {
	Name   string
	Scopes []string
	Life   time.Duration // more than zero, at most MaxTokenLife

	Networks []string // that it may be used from, such as 192.0.2.0/24; none: any
	Owner    id.User  // a service account of the active organization; empty: the actor
}

// Service tells whether the token is that of a service account.
func (t Token) Service() bool { return IsService(t.OwnerEmail) }

// CreateToken issues an API token for the active organization (or the platform): to
// the actor, or as administrator to a service account. It holds at most what both
// the actor's role and its owner's can use. The secret is shown once.
func (s *Service) CreateToken(ctx context.Context, actor authz.Actor, a CreateTokenArgs) (Token, secret.Secret, error) {
	fail := func(err error) (Token, secret.Secret, error) { return Token{}, secret.Secret{}, err }
	t, err := s.draftToken(actor, a)
	if err != nil {
		return fail(err)
	}
	o := tokenOwner{actor: actor}
	if a.Owner != "" && a.Owner != actor.User {
		if o, err = s.ownerOf(ctx, actor, a.Owner); err != nil {
			return fail(err)
		}
		t.Owner, t.OwnerHandle, t.OwnerEmail = o.profile.ID, o.profile.Handle, o.profile.Email
	}
	ev := event.NewAPITokenCreated(o.act(), event.APITokenTarget(t.ID, t.Name), t.Name, t.Owner, o.service, t.Scopes).WithExpiresAt(t.ExpiresAt)
	if err := s.mayCreateToken(ctx, o, a, t.Scopes, ev); err != nil {
		return fail(err)
	}
	shown := apiToken.New()
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.CountTokens(ctx, identitysql.CountTokensParams{OrgID: string(actor.Org), OwnerID: string(t.Owner)})
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return fault.New(fault.Conflict, "there are %d API tokens of this owner already: revoke one first", n).WithCode("TOKEN_LIMIT")
		}
		issuer := ""
		if o.service {
			issuer = string(actor.User)
		}
		if err := q.InsertToken(ctx, identitysql.InsertTokenParams{
			IssuedBy: issuer,
			OrgID:    string(actor.Org), ID: string(t.ID), OwnerID: string(t.Owner), Name: t.Name, TokenHash: apiToken.Hash(shown.RevealString()),
			Scopes: strings.Join(t.Scopes, " "), Networks: networkText(t.Networks), Now: db.Micros(t.CreatedAt), ExpiresAt: db.Micros(t.ExpiresAt),
		}); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fail(fmt.Errorf("create an API token: %w", err))
	}
	return t, shown, nil
}

// draftToken checks what a token is asked to be.
func (s *Service) draftToken(actor authz.Actor, a CreateTokenArgs) (Token, error) {
	name, err := ParseName(a.Name)
	if err != nil {
		return Token{}, err
	}
	scopes, err := parseScopes(a.Scopes)
	if err != nil {
		return Token{}, err
	}
	networks, err := parseNetworks(a.Networks)
	if err != nil {
		return Token{}, err
	}
	if a.Life <= 0 {
		return Token{}, fault.New(fault.Invalid, "an API token needs an end: at least one day from now").WithField("expires_in_days", "must be from 1 to 180")
	}
	now := s.d.Now()
	return Token{
		ID: id.New[id.Token](), Name: name, Owner: actor.User, OwnerHandle: actor.Name, OwnerEmail: actor.Email, Scopes: scopes, Networks: networks,
		CreatedAt: now.UTC().Truncate(time.Microsecond), ExpiresAt: now.Add(a.Life).UTC().Truncate(time.Microsecond),
	}, nil
}

// tokenOwner is whom a token is for, and who asks for it.
type tokenOwner struct {
	actor   authz.Actor
	service bool // a service account; the rest is about it
	profile Profile
	role    authz.Role
}

func (s *Service) ownerOf(ctx context.Context, actor authz.Actor, owner id.User) (tokenOwner, error) {
	p, role, err := s.serviceOf(ctx, actor, owner)
	return tokenOwner{actor: actor, service: true, profile: p, role: role}, err
}

func (o tokenOwner) act() event.Act {
	if o.service {
		return event.By(o.actor, event.TenantAdmin)
	}
	return scope(o.actor, "").Act
}

// check asks for the right to issue the token.
func (o tokenOwner) check(now time.Time) error {
	action, owner := authz.TokenCreate, o.actor.User
	if o.service {
		action, owner = authz.TokenIssue, o.profile.ID
	}
	if err := authz.Check(o.actor, action, authz.Object{Type: authz.TokenObject, Org: o.actor.Org, Owner: owner}); err != nil {
		return err
	}
	return authz.Fresh(o.actor, action, now)
}

// mayCarry tells whether both who asks and who will use it can use anything of a scope.
func (o tokenOwner) mayCarry(scope string) bool {
	ok := authz.MayCarry(o.actor, scope)
	if ok && o.service {
		ok = authz.MayCarry(authz.Actor{User: o.profile.ID, Org: o.actor.Org, Role: o.role}, scope)
	}
	return ok
}

// mayCreateToken checks right, scopes and life; a refusal is recorded as ev.
func (s *Service) mayCreateToken(ctx context.Context, o tokenOwner, a CreateTokenArgs, scopes []string, ev event.APITokenCreated) error {
	actor := o.actor
	if err := o.check(s.d.Now()); err != nil {
		return s.refused(ctx, actor, err, ev.Denied(event.APITokenCreatedNotPermitted))
	}
	for _, sc := range scopes {
		if !o.mayCarry(sc) {
			return s.refused(ctx, actor, fault.New(fault.Denied, "you cannot give this token the scope %s: nothing in it is allowed to you, or to who will use it", sc).
				WithCode("SCOPE_ABOVE_ACTOR").WithField("scopes", "%s is above the role", sc), ev.Denied(event.APITokenCreatedScopeAboveActor))
		}
	}
	if a.Life > MaxTokenLife {
		return s.refused(ctx, actor, fault.New(fault.Invalid, "an API token lives for at most 180 days").
			WithCode("LIFETIME_TOO_LONG").WithField("expires_in_days", "must be from 1 to 180"), ev.Denied(event.APITokenCreatedLifetimeTooLong))
	}
	return nil
}

// refused records a refusal and returns why. When it cannot be recorded, the
// caller is refused all the same, with that as the error. What somebody who is
// not signed in asks for is turned away by the door and is no act.
func (s *Service) refused(ctx context.Context, actor authz.Actor, why error, ev event.Event) error {
	if actor.Kind == authz.Nobody {
		return why
	}
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return why
}

func parseScopes(in []string) ([]string, error) {
	known := authz.Scopes()
	out := slices.Compact(slices.Sorted(slices.Values(in)))
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "an API token needs at least one scope").WithField("scopes", "must name at least one of: %s", strings.Join(known, ", "))
	}
	for _, sc := range out {
		if !slices.Contains(known, sc) {
			return nil, fault.New(fault.Invalid, "%.64q is not a scope: see the field that is named", sc).WithField("scopes", "must be of: %s", strings.Join(known, ", "))
		}
	}
	if slices.Contains(out, authz.AllScopes) {
		return []string{authz.AllScopes}, nil
	}
	return out, nil
}

const maxNetworks = 32

// parseNetworks reads networks in CIDR form, or single addresses.
func parseNetworks(in []string) ([]netip.Prefix, error) {
	wrong := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "the networks of the token are not valid: see the fields that are named").WithField("networks", format, args...)
	}
	if len(in) > maxNetworks {
		return nil, wrong("must be at most %d", maxNetworks)
	}
	var out []netip.Prefix
	for _, text := range in {
		text = strings.TrimSpace(text)
		p, err := netip.ParsePrefix(text)
		if ip, ipErr := netip.ParseAddr(text); ipErr == nil && ip.Zone() == "" {
			p, err = netip.PrefixFrom(ip, ip.BitLen()), nil
		}
		if err != nil || p.Addr().Is4In6() {
			return nil, wrong("%.64q is neither a network such as 192.0.2.0/24 nor an address", text)
		}
		if p = p.Masked(); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out, nil
}

func networkText(in []netip.Prefix) string {
	out := make([]string, len(in))
	for i, p := range in {
		out[i] = p.String()
	}
	return strings.Join(out, " ")
}

// networksOf reads what networkText wrote.
func networksOf(text string) []netip.Prefix {
	var out []netip.Prefix
	for _, f := range strings.Fields(text) {
		p, err := netip.ParsePrefix(f)
		if err != nil { // a row that is damaged lets nobody in
			p = netip.PrefixFrom(netip.IPv6Unspecified(), 128)
		}
		out = append(out, p)
	}
	return out
}

// inNetworks tells whether a token of these networks may be used from an address.
func inNetworks(networks []netip.Prefix, ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return len(networks) == 0 || slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// ReportLeak ends an API token that somebody has found where it should not be.
// Whoever holds a token may do that: they could do worse with it. It tells nobody
// whether there was such a token.
func (s *Service) ReportLeak(ctx context.Context, leaked secret.Secret, o Origin) error {
	hash, ok := apiToken.Parse(leaked)
	if !ok {
		return nil
	}
	o = o.OrNew()
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		row, err := q.TokenByHash(ctx, hash)
		if db.NotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		why := event.APITokenRevokedLeakReported
		n, err := q.EndToken(ctx, identitysql.EndTokenParams{Now: s.now(), Reason: why.String(), OrgID: row.OrgID, ID: row.ID})
		if err != nil || n == 0 {
			return err
		}
		ev := tokenRevoked(systemAct(id.Org(row.OrgID), o.Request), liveToken{row.OrgID, row.ID, row.Name, row.CreatedAt, row.LastUsedAt}, id.User(row.OwnerID), s.d.Now())
		_, err = s.d.Ledger.Record(ctx, tx, ev.Because(why))
		return err
	})
	if err != nil {
		return fmt.Errorf("end a leaked token: %w", err)
	}
	return nil
}

// ListTokens lists live tokens of the active organization: the actor's own, or
// with everyone those of all members, for owners and admins.
func (s *Service) ListTokens(ctx context.Context, actor authz.Actor, everyone bool, p page.Request) (page.List[Token], error) {
	n, after, err := p.Resolve()
	if err != nil {
		return page.List[Token]{}, err
	}
	owner := actor.User
	if everyone {
		owner = ""
	}
	if err := authz.Check(actor, authz.TokenList, authz.Object{Type: authz.TokenObject, Org: actor.Org, Owner: owner}); err != nil {
		return page.List[Token]{}, err
	}
	var rows []identitysql.ListTokensRow
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = identitysql.New(tx).ListTokens(ctx, identitysql.ListTokensParams{
			OrgID: string(actor.Org), Now: s.now(), OwnerID: string(owner), After: after, N: int32(n)})
		return err
	})
	if err != nil {
		return page.List[Token]{}, fmt.Errorf("list API tokens: %w", err)
	}
	out := make([]Token, len(rows))
	for i, r := range rows {
		out[i] = Token{ID: id.Token(r.ID), Name: r.Name, Owner: id.User(r.OwnerID), OwnerHandle: r.OwnerHandle, OwnerEmail: r.OwnerEmail,
			Scopes: strings.Fields(r.Scopes), Networks: networksOf(r.Networks), CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt)}
		if r.LastUsedAt != 0 {
			out[i].LastUsedAt = db.Time(r.LastUsedAt)
		}
	}
	return page.Cut(out, n, func(t Token) string { return string(t.ID) }), nil
}

// RevokeToken ends a token of the active organization: one's own, or as owner or
// admin anybody's.
func (s *Service) RevokeToken(ctx context.Context, actor authz.Actor, token id.Token) error {
	gone := fault.New(fault.NotFound, "no such API token, or it has ended already")
	var row identitysql.GetTokenRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).GetToken(ctx, identitysql.GetTokenParams{OrgID: string(actor.Org), ID: string(token)})
		return err
	})
	if db.NotFound(err) {
		return gone
	}
	if err != nil {
		return fmt.Errorf("read API token %s: %w", token, err)
	}
	own := row.OwnerID == string(actor.User)
	ev := tokenRevoked(actorAct(actor, own), liveToken{row.OrgID, row.ID, row.Name, row.CreatedAt, row.LastUsedAt}, id.User(row.OwnerID), s.d.Now())
	if err := authz.Check(actor, authz.TokenRevoke, authz.Object{Type: authz.TokenObject, ID: row.ID, Org: actor.Org, Owner: id.User(row.OwnerID)}); err != nil {
		return s.refused(ctx, actor, err, ev.Denied(event.APITokenRevokedNotPermitted))
	}
	why := event.APITokenRevokedRevokedByAdmin
	if own {
		why = event.APITokenRevokedRevokedByOwner
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := identitysql.New(tx).EndToken(ctx, identitysql.EndTokenParams{Now: s.now(), Reason: why.String(), OrgID: row.OrgID, ID: row.ID})
		if err != nil {
			return err
		}
		if n == 0 {
			return gone
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev.Because(why))
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke API token %s: %w", token, err)
	}
	return nil
}

// actorAct is an act on one's own token, or as administrator on somebody else's.
func actorAct(actor authz.Actor, own bool) event.Act {
	switch {
	case own:
		return scope(actor, "").Act
	case actor.Org == "":
		return event.By(actor, event.PlatformAdmin)
	}
	return event.By(actor, event.TenantAdmin)
}

type liveToken struct {
	org, id, name         string
	createdAt, lastUsedAt int64
}

func tokenRevoked(act event.Act, t liveToken, owner id.User, now time.Time) event.APITokenRevoked {
	ev := event.NewAPITokenRevoked(act.InOrg(id.Org(t.org)), event.APITokenTarget(id.Token(t.id), t.name), owner, now.Sub(db.Time(t.createdAt)))
	if t.lastUsedAt != 0 {
		ev = ev.WithLastUsedAt(db.Time(t.lastUsedAt))
	}
	return ev
}

// endTokens ends the tokens of a person, in one organization or (org empty and
// everywhere true) in all, each with its event.
func (s *Service) endTokens(ctx context.Context, tx *db.Tx, act event.Act, owner id.User, org id.Org, everywhere bool, why event.APITokenRevokedReason) (int, error) {
	q := identitysql.New(tx)
	var live []liveToken
	if everywhere {
		rows, err := q.LiveTokensOf(ctx, string(owner))
		if err != nil {
			return 0, fmt.Errorf("list the tokens of %s: %w", owner, err)
		}
		for _, r := range rows {
			live = append(live, liveToken{r.OrgID, r.ID, r.Name, r.CreatedAt, r.LastUsedAt})
		}
	} else {
		rows, err := q.LiveTokensIn(ctx, identitysql.LiveTokensInParams{OrgID: string(org), OwnerID: string(owner)})
		if err != nil {
			return 0, fmt.Errorf("list the tokens of %s: %w", owner, err)
		}
		for _, r := range rows {
			live = append(live, liveToken{r.OrgID, r.ID, r.Name, r.CreatedAt, r.LastUsedAt})
		}
	}
	for _, t := range live {
		if _, err := q.EndToken(ctx, identitysql.EndTokenParams{Now: s.now(), Reason: why.String(), OrgID: t.org, ID: t.id}); err != nil {
			return 0, fmt.Errorf("end token %s: %w", t.id, err)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, tokenRevoked(act, t, owner, s.d.Now()).Because(why)); err != nil {
			return 0, err
		}
	}
	return len(live), nil
}

func (s *Service) byToken(ctx context.Context, hash []byte, activeOrg string, o Origin) (authz.Actor, error) {
	var row identitysql.TokenByHashRow
	var st standing
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if row, err = identitysql.New(tx).TokenByHash(ctx, hash); err != nil {
			return err
		}
		st, err = s.standing(ctx, tx, id.User(row.OwnerID))
		return err
	})
	if db.NotFound(err) {
		return authz.Actor{}, badBearer()
	}
	if err != nil {
		return authz.Actor{}, fmt.Errorf("look up an API token: %w", err)
	}
	now := s.now()
	if row.ExpiresAt <= now {
		return authz.Actor{}, badBearer()
	}
	if !inNetworks(networksOf(row.Networks), o.Source.IP) {
		s.d.Log.WarnContext(ctx, "API token used from outside of its networks", "token_id", row.ID, "source", o.Source.IP)
		return authz.Actor{}, fault.New(fault.Denied, "this API token may not be used from this address").WithCode("SOURCE_NOT_ALLOWED")
	}
	var m Membership
	if row.OrgID != "" {
		var ok bool
		if m, ok = st.in(row.OrgID); !ok {
			return authz.Actor{}, badBearer() // its owner left
		}
		st.platform = authz.NoPlatformRole // a token of an organization is for that organization
	} else if !st.platform.Valid() {
		return authz.Actor{}, badBearer()
	}
	if activeOrg != "" && activeOrg != row.OrgID && activeOrg != m.Slug {
		return authz.Actor{}, noSuchOrg(activeOrg)
	}
	actor := st.actor(Profile{ID: id.User(row.OwnerID), Email: row.Email, Handle: row.Handle}, m, o)
	actor.Kind, actor.Token, actor.Name = authz.Token, id.Token(row.ID), row.Name
	actor.Scopes, actor.Issuer = strings.Fields(row.Scopes), id.User(row.IssuedBy)
	if now-row.LastUsedAt >= touchEvery.Microseconds() {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			return identitysql.New(tx).TouchToken(ctx, identitysql.TouchTokenParams{Now: now, OrgID: row.OrgID, ID: row.ID})
		})
		if err != nil {
			return authz.Actor{}, fmt.Errorf("note the use of an API token: %w", err)
		}
	}
	return actor, nil
}

// lapseTokens ends API tokens whose end date has come, a batch at a time.
func (s *Service) lapseTokens(ctx context.Context) (more bool, err error) {
	var due []identitysql.LapsedTokensRow
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = identitysql.New(tx).LapsedTokens(ctx, s.now())
		return err
	})
	if err != nil {
		return false, fmt.Errorf("list lapsed API tokens: %w", err)
	}
	request := id.New[id.Request]()
	for _, r := range due {
		err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			why := event.APITokenRevokedExpired
			n, err := identitysql.New(tx).EndToken(ctx, identitysql.EndTokenParams{Now: s.now(), Reason: why.String(), OrgID: r.OrgID, ID: r.ID})
			if err != nil || n == 0 {
				return err
			}
			ev := tokenRevoked(systemAct(id.Org(r.OrgID), request), liveToken{r.OrgID, r.ID, r.Name, r.CreatedAt, r.LastUsedAt}, id.User(r.OwnerID), s.d.Now())
			_, err = s.d.Ledger.Record(ctx, tx, ev.Because(why))
			return err
		})
		if err != nil {
			return false, fmt.Errorf("end a lapsed API token: %w", err)
		}
	}
	return len(due) == 100, nil
}

package identity

import (
	"context"
	"fmt"
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
	CreatedAt   time.Time
	ExpiresAt   time.Time
	LastUsedAt  time.Time // zero: never; to the minute
}

// CreateTokenArgs asks for an API token.
type CreateTokenArgs struct {
	Name   string
	Scopes []string
	Life   time.Duration // more than zero, at most MaxTokenLife
}

// CreateToken issues an API token to the actor, for their active organization
// (or the platform). It holds at most what the actor's role can use. The secret
// is shown once.
func (s *Service) CreateToken(ctx context.Context, actor authz.Actor, a CreateTokenArgs) (Token, secret.Secret, error) {
	fail := func(err error) (Token, secret.Secret, error) { return Token{}, secret.Secret{}, err }
	name, err := ParseName(a.Name)
	if err != nil {
		return fail(err)
	}
	scopes, err := parseScopes(a.Scopes)
	if err != nil {
		return fail(err)
	}
	if a.Life <= 0 {
		return fail(fault.New(fault.Invalid, "an API token needs an end: at least one day from now").WithField("expires_in_days", "must be from 1 to 180"))
	}
	now := s.d.Now()
	t := Token{
		ID: id.New[id.Token](), Name: name, Owner: actor.User, OwnerHandle: actor.Name, OwnerEmail: actor.Email, Scopes: scopes,
		CreatedAt: now.UTC().Truncate(time.Microsecond), ExpiresAt: now.Add(a.Life).UTC().Truncate(time.Microsecond),
	}
	ev := event.NewAPITokenCreated(scope(actor, "").Act, event.APITokenTarget(t.ID, name), name, actor.User, false, scopes).WithExpiresAt(t.ExpiresAt)
	if err := s.mayCreateToken(ctx, actor, a, scopes, ev); err != nil {
		return fail(err)
	}
	shown := newToken(tokenPrefix)
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := identitysql.New(tx)
		n, err := q.CountTokens(ctx, identitysql.CountTokensParams{OrgID: string(actor.Org), OwnerID: string(actor.User)})
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return fault.New(fault.Conflict, "you have %d API tokens already: revoke one first", n).WithCode("TOKEN_LIMIT")
		}
		if err := q.InsertToken(ctx, identitysql.InsertTokenParams{
			OrgID: string(actor.Org), ID: string(t.ID), OwnerID: string(actor.User), Name: name, TokenHash: hashToken(shown.RevealString()),
			Scopes: strings.Join(scopes, " "), Now: db.Micros(now), ExpiresAt: db.Micros(t.ExpiresAt),
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

// mayCreateToken checks right, scopes and life; a refusal is recorded as ev.
func (s *Service) mayCreateToken(ctx context.Context, actor authz.Actor, a CreateTokenArgs, scopes []string, ev event.APITokenCreated) error {
	err := authz.Check(actor, authz.TokenCreate, authz.Object{Type: authz.TokenObject, Org: actor.Org, Owner: actor.User})
	if err == nil {
		err = s.Fresh(actor)
	}
	if err != nil {
		return s.refused(ctx, actor, err, ev.Denied(event.APITokenCreatedNotPermitted))
	}
	for _, sc := range scopes {
		if !authz.MayCarry(actor, sc) {
			return s.refused(ctx, actor, fault.New(fault.Denied, "you cannot give a token the scope %s: nothing in it is allowed to you", sc).
				WithCode("SCOPE_ABOVE_ACTOR").WithField("scopes", "%s is above your role", sc), ev.Denied(event.APITokenCreatedScopeAboveActor))
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
			return nil, fault.New(fault.Invalid, "%.64q is not a scope", sc).WithField("scopes", "must be of: %s", strings.Join(known, ", "))
		}
	}
	if slices.Contains(out, authz.AllScopes) {
		return []string{authz.AllScopes}, nil
	}
	return out, nil
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
			Scopes: strings.Fields(r.Scopes), CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt)}
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

func (s *Service) byToken(ctx context.Context, text, activeOrg string, o Origin) (authz.Actor, error) {
	var row identitysql.TokenByHashRow
	var st standing
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if row, err = identitysql.New(tx).TokenByHash(ctx, hashToken(text)); err != nil {
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
	actor.Scopes = strings.Fields(row.Scopes)
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

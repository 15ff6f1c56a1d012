package scim

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/scim/scimsql"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Ledger records events.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// People are those whom a directory describes.
type People interface {
	Admit(ctx context.Context, o identity.Origin, claimed string) error
	CountFailure(ctx context.Context, tx *db.Tx, o identity.Origin) error
	IntroduceByEmail(ctx context.Context, tx *db.Tx, sc mfa.Scope, email, name string) (p identity.Profile, known bool, err error)
}

// Members are where people belong.
type Members interface {
	Place(ctx context.Context, tx *db.Tx, p tenancy.Placement) (authz.Role, error)
}

// Groups are where a directory's groups bring rights; group.Service is one.
type Groups interface {
	Push(ctx context.Context, tx *db.Tx, actor authz.Actor, p group.Pushed) error
	Dropped(ctx context.Context, tx *db.Tx, actor authz.Actor, g id.Group) error
	Placed(ctx context.Context, tx *db.Tx, actor authz.Actor, user id.User, groups []id.Group) error
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB      *db.DB
	Ledger  Ledger
	People  People
	Members Members
	Groups  Groups // nil: groups bring roles in the organization and nothing else
	Now     func() time.Time
}

// Service takes what directories push. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts. It opens nothing.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.People == nil || d.Members == nil {
		return nil, errors.New("scim: DB, Ledger, People and Members are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

func (s *Service) now() int64 { return db.Micros(s.d.Now()) }

// tokenKind is what a directory presents.
var tokenKind = secret.TokenKind{Prefix: "vpsc_", Use: "vaultpam-scim-token/v1"}

const (
	MaxTokenLife = 365 * 24 * time.Hour
	maxTokens    = 10 // live ones of one organization
	touchEvery   = time.Minute
	tokenScope   = "scim"
)

// Token lets a directory in, without the token itself.
type Token struct {
	ID         id.Token
	Name       string
	CreatedBy  id.User
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt time.Time // zero: never; to the minute
}

func tokenFromRow(r scimsql.ScimToken) Token {
	t := Token{ID: id.Token(r.ID), Name: r.Name, CreatedBy: id.User(r.CreatedBy), CreatedAt: db.Time(r.CreatedAt), ExpiresAt: db.Time(r.ExpiresAt)}
	if r.LastUsedAt != 0 {
		t.LastUsedAt = db.Time(r.LastUsedAt)
	}
	return t
}

func object(org id.Org) authz.Object {
	return authz.Object{Type: authz.OrgObject, ID: string(org), Org: org}
}

func inOrg(actor authz.Actor) error {
	if actor.Org == "" {
		return fault.New(fault.NotFound, "no organization is active: choose one of yours")
	}
	return nil
}

func (s *Service) view(actor authz.Actor) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	return authz.Check(actor, authz.SSOView, object(actor.Org))
}

// manage checks a right that needs a fresh second factor, and records a refusal.
func (s *Service) manage(ctx context.Context, actor authz.Actor, refusal event.Event) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	err := authz.Check(actor, authz.SSOManage, object(actor.Org))
	if err == nil {
		err = authz.Fresh(actor, authz.SSOManage, s.d.Now())
	}
	if err == nil || actor.Kind == authz.Nobody {
		return err
	}
	if rerr := s.d.Ledger.RecordRefusal(ctx, refusal); rerr != nil {
		return fmt.Errorf("record a refusal: %w", rerr)
	}
	return err
}

// CreateToken makes a token for the organization's directory. It is shown once.
func (s *Service) CreateToken(ctx context.Context, actor authz.Actor, name string, life time.Duration) (Token, secret.Secret, error) {
	fail := func(err error) (Token, secret.Secret, error) { return Token{}, secret.Secret{}, err }
	if wrong := label.Name(name); wrong != "" {
		return fail(fault.New(fault.Invalid, "the token's name %s", wrong).WithField("name", "%s", wrong))
	}
	now := s.d.Now().UTC().Truncate(time.Microsecond)
	t := Token{ID: id.New[id.Token](), Name: name, CreatedBy: actor.User, CreatedAt: now, ExpiresAt: now.Add(life)}
	ev := event.NewAPITokenCreated(event.By(actor, event.TenantAdmin), event.APITokenTarget(t.ID, name), name, actor.User, true, []string{tokenScope}).WithExpiresAt(t.ExpiresAt)
	if life <= 0 || life > MaxTokenLife {
		return fail(fault.New(fault.Invalid, "a SCIM token lives for 1 to 365 days").WithCode("LIFETIME_TOO_LONG").WithField("expires_in_days", "must be from 1 to 365"))
	}
	if err := s.manage(ctx, actor, ev.Denied(event.APITokenCreatedNotPermitted)); err != nil {
		return fail(err)
	}
	shown := tokenKind.New()
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		live, err := q.ListTokens(ctx, scimsql.ListTokensParams{OrgID: string(actor.Org), N: maxTokens})
		if err != nil {
			return err
		}
		if len(live) >= maxTokens {
			return fault.New(fault.Conflict, "there are %d SCIM tokens already: revoke one first", len(live)).WithCode("TOKEN_LIMIT")
		}
		if err := q.InsertToken(ctx, scimsql.InsertTokenParams{OrgID: string(actor.Org), ID: string(t.ID), Name: name, TokenHash: tokenKind.Hash(shown.RevealString()),
			CreatedBy: string(actor.User), Now: db.Micros(now), ExpiresAt: db.Micros(t.ExpiresAt)}); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return fail(fmt.Errorf("create a SCIM token: %w", err))
	}
	return t, shown, nil
}

// Tokens lists the live tokens of the active organization.
func (s *Service) Tokens(ctx context.Context, actor authz.Actor, r page.Request) (page.List[Token], error) {
	if err := s.view(actor); err != nil {
		return page.List[Token]{}, err
	}
	n, after, err := r.Resolve()
	if err != nil {
		return page.List[Token]{}, err
	}
	var rows []scimsql.ScimToken
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = scimsql.New(tx).ListTokens(ctx, scimsql.ListTokensParams{OrgID: string(actor.Org), After: after, N: n})
		return err
	})
	if err != nil {
		return page.List[Token]{}, fmt.Errorf("list SCIM tokens: %w", err)
	}
	out := make([]Token, len(rows))
	for i, row := range rows {
		out[i] = tokenFromRow(row)
	}
	return page.Cut(out, n, func(t Token) string { return string(t.ID) }), nil
}

// RevokeToken ends a token.
func (s *Service) RevokeToken(ctx context.Context, actor authz.Actor, token id.Token) error {
	if err := inOrg(actor); err != nil {
		return err
	}
	gone := fault.New(fault.NotFound, "no such SCIM token, or it has ended already")
	var row scimsql.ScimToken
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = scimsql.New(tx).GetToken(ctx, scimsql.GetTokenParams{OrgID: string(actor.Org), ID: string(token)})
		return err
	})
	if db.NotFound(err) {
		return gone
	}
	if err != nil {
		return fmt.Errorf("read a SCIM token: %w", err)
	}
	ev := event.NewAPITokenRevoked(event.By(actor, event.TenantAdmin), event.APITokenTarget(token, row.Name), id.User(row.CreatedBy), s.d.Now().Sub(db.Time(row.CreatedAt)))
	if row.LastUsedAt != 0 {
		ev = ev.WithLastUsedAt(db.Time(row.LastUsedAt))
	}
	if err := s.manage(ctx, actor, ev.Denied(event.APITokenRevokedNotPermitted)); err != nil {
		return err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := scimsql.New(tx).EndToken(ctx, scimsql.EndTokenParams{Now: s.now(), OrgID: string(actor.Org), ID: string(token)})
		if err != nil {
			return err
		}
		if n == 0 {
			return gone
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev.Because(event.APITokenRevokedRevokedByAdmin))
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke a SCIM token: %w", err)
	}
	return nil
}

// Client is a directory that has shown its token.
type Client struct {
	actor   authz.Actor
	orgName string
	version int64
}

// If is the client for a request that changes one version of a resource and no other.
func (c Client) If(version int64) Client {
	c.version = version
	return c
}

// saw refuses a change of another version than the one that is meant.
func (c Client) saw(now int64) error {
	if c.version != 0 && c.version != now {
		return fault.New(fault.Conflict, "the resource was changed since you read it: read it again").WithCode(Stale)
	}
	return nil
}

// Org is the organization whose directory it is.
func (c Client) Org() id.Org { return c.actor.Org }

// ByToken makes the client of a request. A wrong token counts against its source.
func (s *Service) ByToken(ctx context.Context, shown secret.Secret, o identity.Origin) (Client, error) {
	o = o.OrNew()
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return Client{}, err
	}
	bad := fault.New(fault.Unauthenticated, "this SCIM token is not known, has been revoked or has expired")
	var row scimsql.TokenByHashRow
	var err error = sql.ErrNoRows
	if hash, ok := tokenKind.Parse(shown); ok {
		err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			row, err = scimsql.New(tx).TokenByHash(ctx, hash)
			return err
		})
	}
	if err != nil && !db.NotFound(err) {
		return Client{}, fmt.Errorf("look up a SCIM token: %w", err)
	}
	now := s.now()
	if err != nil || row.ExpiresAt <= now {
		if cerr := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, o) }); cerr != nil {
			return Client{}, cerr
		}
		return Client{}, bad
	}
	if now-row.LastUsedAt >= touchEvery.Microseconds() {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
			return scimsql.New(tx).TouchToken(ctx, scimsql.TouchTokenParams{Now: now, OrgID: row.OrgID, ID: row.ID})
		})
		if err != nil {
			return Client{}, fmt.Errorf("note the use of a SCIM token: %w", err)
		}
	}
	return Client{orgName: row.OrgName, actor: authz.Actor{Kind: authz.Token, User: id.User(row.CreatedBy), Name: row.Name, Org: id.Org(row.OrgID), Token: id.Token(row.ID),
		Scopes: []string{tokenScope}, Source: o.Source, Via: o.Via, Request: o.Request}}, nil
}

// Rule gives the members of a directory's group a role.
type Rule struct {
	Group string     `json:"group"`
	Role  authz.Role `json:"role"`
}

// Settings say what a directory's groups are worth.
type Settings struct {
	DefaultRole authz.Role // None: who is in no group that a rule names has no place
	Roles       []Rule
}

const maxRules = 200

func (s *Service) settings(ctx context.Context, q *scimsql.Queries, org id.Org) (Settings, error) {
	row, err := q.Setting(ctx, string(org))
	if db.NotFound(err) {
		return Settings{DefaultRole: authz.Operator}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read the SCIM settings: %w", err)
	}
	out := Settings{DefaultRole: authz.Role(row.DefaultRole)}
	if err := json.Unmarshal([]byte(row.Roles), &out.Roles); err != nil {
		return Settings{}, fmt.Errorf("read the SCIM rules: %w", err)
	}
	return out, nil
}

// Settings are those of the active organization.
func (s *Service) Settings(ctx context.Context, actor authz.Actor) (Settings, error) {
	if err := s.view(actor); err != nil {
		return Settings{}, err
	}
	var out Settings
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = s.settings(ctx, scimsql.New(tx), actor.Org)
		return err
	})
	return out, err
}

func (a Settings) check() error {
	f := fault.New(fault.Invalid, "the SCIM settings cannot be like this: see the fields that are named")
	good := func(r authz.Role) bool { return r == authz.Admin || r == authz.Operator || r == authz.Auditor }
	if a.DefaultRole != authz.None && !good(a.DefaultRole) {
		f.WithField("default_role", "must be admin, operator, auditor or empty")
	}
	if len(a.Roles) > maxRules {
		f.WithField("roles", "must be at most %d rules", maxRules)
	}
	for i, r := range a.Roles {
		if wrong := label.Name(r.Group); wrong != "" {
			f.WithField(fmt.Sprintf("roles.%d.group", i), "%s", wrong)
		}
		if !good(r.Role) {
			f.WithField(fmt.Sprintf("roles.%d.role", i), "must be admin, operator or auditor; an owner is made by an owner")
		}
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func rulesText(r []Rule) string {
	if len(r) == 0 {
		return "[]"
	}
	text, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings only
	}
	return string(text)
}

// SetSettings changes what groups are worth, for everybody whom the directory has
// pushed, at once.
func (s *Service) SetSettings(ctx context.Context, actor authz.Actor, a Settings) error {
	if err := a.check(); err != nil {
		return err
	}
	refusal := event.NewTenantSettingsUpdated(event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, ""), event.SettingGroupSSO, nil, nil)
	if err := s.manage(ctx, actor, refusal.Denied(event.TenantSettingsUpdatedNotPermitted)); err != nil {
		return err
	}
	var name string
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := scimsql.New(tx)
		old, err := s.settings(ctx, q, actor.Org)
		if err != nil {
			return err
		}
		var changes []event.Change
		if old.DefaultRole != a.DefaultRole {
			changes = append(changes, event.Changed("scim.default_role", string(old.DefaultRole), string(a.DefaultRole)))
		}
		if was, is := rulesText(old.Roles), rulesText(a.Roles); was != is {
			changes = append(changes, event.Changed("scim.roles", was[:min(len(was), 2000)], is[:min(len(is), 2000)]))
		}
		if len(changes) == 0 {
			return nil
		}
		if err := q.SetSetting(ctx, scimsql.SetSettingParams{OrgID: string(actor.Org), DefaultRole: string(a.DefaultRole), Roles: rulesText(a.Roles), Now: s.now()}); err != nil {
			return fmt.Errorf("store the SCIM settings: %w", err)
		}
		name, err = q.OrganizationName(ctx, string(actor.Org))
		if err != nil {
			return fmt.Errorf("read the organization's name: %w", err)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewTenantSettingsUpdated(event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, name), event.SettingGroupSSO, changes, nil)); err != nil {
			return err
		}
		users, err := q.AllUsers(ctx, string(actor.Org))
		if err != nil {
			return fmt.Errorf("list the directory's people: %w", err)
		}
		return s.placeAll(ctx, tx, actor, a, users)
	})
	if err = s.tell(ctx, actor, name, err); err != nil {
		return fmt.Errorf("change the SCIM settings: %w", err)
	}
	return nil
}

package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// rejected is why a grant that was presented is no good.
type rejected struct {
	reason event.ProxySSHAuthRejectedReason
	code   string
	text   string
}

// The codes of grants that are no good.
const (
	CodeGrantInvalid      = "GRANT_INVALID"
	CodeGrantExpired      = "GRANT_EXPIRED"
	CodeGrantReplayed     = "GRANT_REPLAYED"
	CodeGrantWrongGateway = "GRANT_WRONG_GATEWAY"
)

var (
	grantInvalid = &rejected{event.ProxySSHAuthRejectedGrantInvalid, CodeGrantInvalid,
		"this launch grant is not valid: launch the session again"}
	grantExpired = &rejected{event.ProxySSHAuthRejectedGrantExpired, CodeGrantExpired,
		fmt.Sprintf("this launch grant has expired, because it holds for %d seconds only: launch the session again", int(GrantLife.Seconds()))}
	grantReplayed = &rejected{event.ProxySSHAuthRejectedGrantReplayed, CodeGrantReplayed,
		"this launch grant was used already, and each is good for one session: launch the session again, and tell an administrator if it was not you who used it"}
	grantWrongGateway = &rejected{event.ProxySSHAuthRejectedGrantWrongGateway, CodeGrantWrongGateway,
		"this launch grant was made for another kind of client: launch the session again from here"}
)

// reject records that a grant was turned away, and gives what its holder is told.
// Repeats of one source and reason are folded, so that nobody floods the ledger; a
// replay is an incident too. What cannot be recorded is refused all the same.
func (s *Service) reject(ctx context.Context, a RedeemArgs, g sessionsql.LaunchGrant, why *rejected) error {
	org := id.Org(g.OrgID) // empty, so the platform's ledger, when nobody knows the grant
	actor := authz.Actor{Org: org, Source: a.Source, Request: id.New[id.Request]()}
	if a.User != "" {
		actor.Kind, actor.User = authz.Person, a.User
	}
	err := s.fold(ctx, actor, why.reason, func(n int) event.Event {
		ev := event.NewProxySSHAuthRejected(event.By(actor, event.User), event.SessionTarget(id.Session(g.SessionID), ""), why.reason, a.ClientVersion, n)
		if g.ID != "" {
			ev = ev.WithGrantID(id.Grant(g.ID))
		}
		return ev
	})
	if why == grantReplayed {
		err = errors.Join(err, s.flagReplay(ctx, actor, g))
	}
	if err != nil {
		return fmt.Errorf("record a rejected grant: %w", err)
	}
	return fault.New(fault.Denied, "%s", why.text).WithCode(why.code)
}

func (s *Service) fold(ctx context.Context, actor authz.Actor, reason event.ProxySSHAuthRejectedReason, build func(n int) event.Event) error {
	return s.d.Folder.Record(ctx, ledger.FoldKey{
		Org: actor.Org, Constant: event.PROXY_SSH_AUTH_REJECTED, Source: actor.Source.Address(), Reason: reason.String(),
	}, build)
}

// flagReplay raises the incident of a grant that is presented again. It points at
// the launch that made the grant.
func (s *Service) flagReplay(ctx context.Context, actor authz.Actor, g sessionsql.LaunchGrant) error {
	system := authz.SystemActor(actor.Org)
	system.Request = actor.Request
	key := ledger.FoldKey{Org: actor.Org, Constant: event.SECURITY_INCIDENT_FLAGGED, Source: g.ID, Reason: CodeGrantReplayed}
	return s.d.Folder.Record(ctx, key, func(int) event.Event {
		act := event.By(system, event.System).InSession(id.Session(g.SessionID))
		return event.NewSecurityIncidentFlagged(act, event.TenantTarget(actor.Org, ""), id.New[id.Incident](), "launch_grant_replay", "grant",
			[]id.Event{id.Event(g.EventID)}, event.AutomaticActionNone).WithObjectID(event.AnyID(id.Grant(g.ID)))
	})
}

// KeyRejection is a client whose key or certificate opens nothing.
type KeyRejection struct {
	Source        authz.Source
	ClaimedUser   string // the login as it was typed; bounded by the door
	Fingerprint   string // SHA256:..., of the last key that it presented
	ClientVersion string
}

// RejectKey records that a gateway turned a client away which presented a key or
// certificate (PROXY_SSH_AUTH_REJECTED, key_not_authorised), folded as rejected
// grants are. Nobody is proved, so it stands in the platform's ledger.
func (s *Service) RejectKey(ctx context.Context, r KeyRejection) error {
	actor := authz.Actor{Source: r.Source, Request: id.New[id.Request]()}
	reason := event.ProxySSHAuthRejectedKeyNotAuthorised
	err := s.fold(ctx, actor, reason, func(n int) event.Event {
		ev := event.NewProxySSHAuthRejected(event.By(actor, event.User), event.SessionRef{}, reason, r.ClientVersion, n)
		if r.Fingerprint != "" {
			ev = ev.WithKeyFingerprint(r.Fingerprint)
		}
		if r.ClaimedUser != "" {
			ev = ev.WithClaimedUser(r.ClaimedUser)
		}
		return ev
	})
	if err != nil {
		return fmt.Errorf("record a rejected key: %w", err)
	}
	return nil
}

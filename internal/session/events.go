package session

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// facts are what the events of one session say of it, from a ticket or from its row.
type facts struct {
	org       id.Org
	session   id.Session
	safe      id.Safe
	name      string // of the safe; it names the session too
	protocol  event.Protocol
	resource  id.Resource
	account   id.Account
	user      id.User
	grant     id.Grant
	recording id.Recording
	started   time.Time
	system    authz.Actor // one request id for all that the product records at once
}

func (t *Ticket) facts() facts {
	return facts{
		org: t.Org, session: t.Session, safe: t.SafeID, name: t.SafeName, protocol: protocolOf(t.Protocol),
		resource: t.Resource.ID, account: t.Account.ID, user: t.Actor.User, grant: t.Grant,
		system: authz.SystemActor(t.Org),
	}
}

func factsOf(r sessionsql.Session) facts {
	return facts{
		org: id.Org(r.OrgID), session: id.Session(r.ID), safe: id.Safe(r.SafeID), name: r.SafeName,
		protocol: protocolOf(Protocol(r.Protocol)), resource: id.Resource(r.ResourceID), account: id.Account(r.AccountID),
		user: id.User(r.UserID), grant: id.Grant(r.GrantID), recording: id.Recording(r.RecordingID),
		started: db.Time(r.StartedAt), system: authz.SystemActor(id.Org(r.OrgID)),
	}
}

// userOf is the actor of a session as its row remembers them, for an event that
// is recorded when their connection is gone.
func userOf(r sessionsql.Session) authz.Actor {
	a := authz.Actor{
		Kind: authz.Person, User: id.User(r.UserID), Name: r.UserName, Email: r.UserEmail, Org: id.Org(r.OrgID),
		Source: authz.Source{IP: parseAddr(r.SourceIp), UserAgent: r.ClientVersion}, Via: authz.Via(r.Via),
		Request: id.Request(r.RequestID),
	}
	if r.TokenID != "" {
		a.Kind, a.Token, a.Name = authz.Token, id.Token(r.TokenID), r.TokenName
	}
	return a
}

func protocolOf(p Protocol) event.Protocol {
	out, err := event.ParseProtocol(string(p))
	if err != nil {
		return event.ProtocolSSH // the only one that Launch lets in
	}
	return out
}

func (f facts) target() event.SessionRef { return event.SessionTarget(f.session, f.name) }

func (f facts) byUser(a authz.Actor) event.Act {
	return event.By(a, event.User).InOrg(f.org).InSession(f.session)
}

func (f facts) bySystem() event.Act {
	return event.By(f.system, event.System).InSession(f.session)
}

// startRequested is SESSION_START_REQUESTED with outcome success.
func startRequested(act event.Act, p Protocol, t target, sid id.Safe) event.SessionStartRequested {
	ev := event.NewSessionStartRequested(act, event.ConnectionTarget(t.access.Resource, t.resource.Name), protocolOf(p),
		sid, t.access.Account, t.access.PolicyID)
	if r := t.verdict.Decision.Request; r != "" {
		ev = ev.WithAccessRequestID(r)
	}
	return ev
}

func recordingMode(on bool) event.RecordingMode {
	if on {
		return event.RecordingModeRequired
	}
	return event.RecordingModeOff
}

func (f facts) established(act event.Act, recorded bool) event.SessionEstablished {
	return event.NewSessionEstablished(act, f.target(), f.protocol, f.resource, f.safe, f.account, f.grant, false, recordingMode(recorded))
}

var failures = map[Failure]event.SessionEstablishedReason{
	UpstreamUnreachable: event.SessionEstablishedUpstreamUnreachable,
	UpstreamAuthFailed:  event.SessionEstablishedUpstreamAuthFailed,
	HostKeyMismatch:     event.SessionEstablishedHostKeyMismatch,
}

var systemReasons = map[Reason]event.SessionTerminatedBySystemReason{
	ReasonTTL:              event.SessionTerminatedBySystemTTL,
	ReasonIdle:             event.SessionTerminatedBySystemIdle,
	ReasonValidHoursEnd:    event.SessionTerminatedBySystemValidHoursEnd,
	ReasonAccessRevoked:    event.SessionTerminatedBySystemAccessRevoked,
	ReasonAccountDisabled:  event.SessionTerminatedBySystemAccountDisabled,
	ReasonRecordingFailed:  event.SessionTerminatedBySystemRecordingFailed,
	ReasonAuditUnavailable: event.SessionTerminatedBySystemAuditUnavailable,
	ReasonPolicyViolation:  event.SessionTerminatedBySystemPolicyViolation,
	ReasonUpstreamClosed:   event.SessionTerminatedBySystemUpstreamClosed,
	ReasonShutdown:         event.SessionTerminatedBySystemShutdown,
}

// terminated is the one SESSION_TERMINATED_* event of an end by its user or by the product.
func (f facts) terminated(c Cause, actor authz.Actor, at time.Time, toTarget, fromTarget int64) event.Event {
	lasted := max(0, at.Sub(f.started))
	if c.By == ByUser {
		e := event.NewSessionTerminatedByUser(f.byUser(actor), f.target(), f.protocol, f.resource, f.account, lasted, toTarget, fromTarget)
		if f.recording != "" {
			e = e.WithRecordingID(f.recording)
		}
		return e
	}
	e := event.NewSessionTerminatedBySystem(f.bySystem(), f.target(), f.protocol, f.resource, f.account, f.user, lasted)
	if f.recording != "" {
		e = e.WithRecordingID(f.recording)
	}
	if c.Reason.planned() {
		return e.Because(systemReasons[c.Reason])
	}
	return e.Failed(systemReasons[c.Reason])
}

// terminatedByAdmin is SESSION_TERMINATED_BY_ADMIN before its outcome is chosen.
func (f facts) terminatedByAdmin(act event.Act, at time.Time, comment string) event.SessionTerminatedByAdmin {
	e := event.NewSessionTerminatedByAdmin(act.InSession(f.session), f.target(), f.protocol, f.resource, f.account, f.user, max(0, at.Sub(f.started)))
	if comment != "" {
		e = e.WithComment(comment)
	}
	if f.recording != "" {
		e = e.WithRecordingID(f.recording)
	}
	return e
}

// gatewayClosed is PROXY_SSH_SESSION_CLOSED.
func (f facts) gatewayClosed(actor authz.Actor, at time.Time, c Closed) event.Event {
	act := f.bySystem()
	if c.By == ClosedByClient || c.By == ClosedByExit {
		act = f.byUser(actor)
	}
	e := event.NewProxySSHSessionClosed(act, f.target(), f.resource, c.Channels, c.BytesToTarget, c.BytesFromTarget, max(0, at.Sub(f.started)))
	if c.ExitStatus != nil {
		e = e.WithExitStatus(*c.ExitStatus)
	}
	switch c.By {
	case ClosedByClient:
		return e.Because(event.ProxySSHSessionClosedClientDisconnect)
	case ClosedByExit:
		return e.Because(event.ProxySSHSessionClosedChannelClose)
	case ClosedByControl:
		return e.Because(event.ProxySSHSessionClosedEndedByControlPlane)
	case ClosedByUpstream:
		return e.Failed(event.ProxySSHSessionClosedUpstreamEof)
	}
	return e.Failed(event.ProxySSHSessionClosedGatewayError)
}

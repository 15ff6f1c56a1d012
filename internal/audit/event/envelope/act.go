package envelope

import (
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Act is who does something, from where, in which organization and session. It is
// a value: its methods return a changed copy. The zero Act is refused by Encode.
type Act struct {
	kind       authz.Kind
	as         ActorType
	actor      Actor
	source     Source
	org        id.Org
	session    string
	request    id.Request
	happenedAt time.Time
}

// By is the act of actor in the role as. A token appears as ServiceAccount in every
// event that allows it; the system and connectors appear as themselves.
// Organization, source, request and web session are the actor's.
func By(actor authz.Actor, as ActorType) Act {
	a := Act{
		kind: actor.Kind,
		as:   as,
		actor: Actor{
			ID: clean(string(actor.User)), Name: clean(actor.Name),
			Authenticated: actor.Authenticated(), TokenID: actor.Token,
		},
		source:  Source{UserAgent: clean(actor.Source.UserAgent)},
		org:     actor.Org,
		session: string(actor.WebSession),
		request: actor.Request,
	}
	if actor.Source.IP.IsValid() {
		a.source.IP = actor.Source.IP.Unmap().String()
	}
	switch actor.Kind {
	case authz.Nobody:
		a.actor.ID = "" // whoever they say they are is the event's own field, when it has one
	case authz.System:
		a.as = System
	case authz.Connector:
		a.as = Connector
	}
	return a
}

// InOrg puts the act into another organization than the actor's active one.
func (a Act) InOrg(org id.Org) Act { a.org = org; return a }

// OnPlatform puts the act into the platform's ledger, where the event allows that.
func (a Act) OnPlatform() Act { a.org = ""; return a }

// InSession ties the act to a privileged session.
func (a Act) InSession(s id.Session) Act { a.session = string(s); return a }

// InWebSession ties the act to a web session other than the actor's own.
func (a Act) InWebSession(s id.WebSession) Act { a.session = string(s); return a }

// ByDelegation says that the actor used a right that somebody lent to them.
func (a Act) ByDelegation(d id.Delegation) Act { a.actor.DelegationID = d; return a }

// Through names the connector that the act came through; for a connector's own
// act it is also the actor.
func (a Act) Through(c id.Connector) Act {
	a.source.ConnectorID = c
	if a.kind == authz.Connector && a.actor.ID == "" {
		a.actor.ID = string(c)
	}
	return a
}

// At sets the time of the act, for an event that is recorded later than that.
func (a Act) At(t time.Time) Act { a.happenedAt = t; return a }

// Org is the organization of the act; empty is the platform.
func (a Act) Org() id.Org { return a.org }

// Request is the inbound request or job run that the act belongs to.
func (a Act) Request() id.Request { return a.request }

// actorIn gives the actor as it appears in an event that allows types.
func (a Act) actorIn(types []ActorType) Actor {
	out := a.actor
	out.Type = a.as
	if a.kind == authz.Token && slices.Contains(types, ServiceAccount) {
		out.Type = ServiceAccount
	}
	return out
}

package authz

import (
	"net/netip"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Role is a person's role in one organization.
type Role string

// The organization roles, strongest first. None is the absence of membership.
const (
	Owner    Role = "owner"
	Admin    Role = "admin"
	Operator Role = "operator"
	Auditor  Role = "auditor"
	None     Role = ""
)

// PlatformRole is a person's role over the whole installation.
type PlatformRole string

// The platform roles.
const (
	PlatformAdmin   PlatformRole = "platform_admin"
	PlatformAuditor PlatformRole = "platform_auditor"
	NoPlatformRole  PlatformRole = ""
)

// Kind is what an actor is.
type Kind uint8

// The kinds of actors. The zero value is nobody: a person who is not signed in.
const (
	Nobody Kind = iota
	Person
	Token     // an API token, on behalf of its owner
	System    // the product itself: a clock, a start, a consequence
	Connector // a connector of its own
	Enrolling // a person whose password held and who has no second factor: may only enrol one
)

// Source is where an act comes from, after trusted-proxy resolution.
type Source struct {
	IP        netip.Addr // zero only for System
	UserAgent string     // User-Agent header or SSH client version, as sent; bounded by the door
}

// Address is the IP address as rows and messages have it: IPv4 also where it came mapped
// into IPv6, without a zone; empty when there is none.
func (s Source) Address() string {
	if !s.IP.IsValid() {
		return ""
	}
	return s.IP.Unmap().WithZone("").String()
}

// Via is the door through which an actor came.
type Via string

// The doors.
const (
	ViaConsole Via = "console"
	ViaAPI     Via = "api"
	ViaCLI     Via = "cli"
	ViaSSH     Via = "ssh"
	ViaSystem  Via = ""
)

// Actor is who does something, proved by a door, in which organization and
// from where. Every domain method that changes or reads anything takes one.
type Actor struct {
	Kind         Kind
	User         id.User // the person, or the owner of the token
	Name         string  // shown in events and lists: handle, or token name
	Email        string
	Org          id.Org // the active organization; empty on the platform
	Role         Role   // in Org
	PlatformRole PlatformRole
	Token        id.Token // set when Kind is Token
	Scopes       []string // of the token; a person has no limit here
	Issuer       id.User  // who made the token, where its owner is a service account
	WebSession   id.WebSession
	Source       Source
	Via          Via
	Request      id.Request // one per inbound request or job run, equal on all events of one act
	MFAAt        time.Time  // when a second factor was last proved; zero is never
}

// SystemActor is the product acting on its own in org (empty: the platform).
func SystemActor(org id.Org) Actor {
	return Actor{Kind: System, Name: "system", Org: org, Request: id.New[id.Request]()}
}

// Behind tells whether a person acts here: themselves, by a token of theirs, or by a token
// that they made for a service account. Of two people who must agree, these are one.
func (a Actor) Behind(u id.User) bool { return u != "" && (a.User == u || a.Issuer == u) }

// Authenticated tells whether the actor has proved who they are, with all that is asked of them.
func (a Actor) Authenticated() bool { return a.Kind != Nobody && a.Kind != Enrolling }

// HasScope tells whether the actor may use scope: a person always, a token when it was given.
func (a Actor) HasScope(scope string) bool {
	return a.Kind != Token || slices.Contains(a.Scopes, scope) || slices.Contains(a.Scopes, "*")
}

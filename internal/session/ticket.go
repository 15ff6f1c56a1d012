package session

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// LaunchArgs asks for a session.
type LaunchArgs struct {
	Safe     id.Safe
	Name     string // of the safe, in the actor's organization; only read when Safe is empty
	Protocol Protocol
	Client   string // who will present the grant: one of the Client constants
	Ticket   string // of the work that the session is for; policies may ask for one
}

// Launch is the answer: a grant, and the session that it will open.
type Launch struct {
	Grant     id.Grant
	Token     secret.Secret // shown once; the store keeps its hash
	Session   id.Session
	ExpiresAt time.Time
}

// RedeemArgs is what a gateway has in hand when a client presents a grant.
type RedeemArgs struct {
	Token         string
	Protocol      Protocol
	User          id.User // proved at this door; "" when the grant is the only proof
	Source        authz.Source
	Client        string // the client that presents it: one of the Client constants
	ClientVersion string // as sent by the client; bounded by the door
}

// Ticket is a redeemed grant: what one session may be opened with. It is only
// made by Redeem and belongs to one connection.
type Ticket struct {
	Actor         authz.Actor
	Org           id.Org
	Session       id.Session
	Grant         id.Grant
	Protocol      Protocol
	Client        string
	ClientVersion string
	SafeID        id.Safe
	SafeName      string
	Policy        safe.Policy       // what the session may do, as decided when the grant was redeemed
	Resource      resource.Resource // address and confirmed host keys
	Account       vault.Account
	ExpiresAt     time.Time // when the session ends at the latest, by its TTL

	person   string // handle of the user, also when an API token acts for them
	policyID id.Policy
	named    string         // the ticket of the work, from the launch
	verdict  policy.Verdict // that let in
}

// Package id makes and checks the identifiers of the product's objects. Each
// is a TypeID: a prefix that tells the kind, an underscore and 26 characters of
// Crockford base32 over a UUIDv7, so that ids sort by the time they were made.
// Each kind is a Go type of its own; an account's id cannot be passed where a
// safe's is wanted.
package id

import (
	"fmt"

	"github.com/google/uuid"
	"go.jetify.com/typeid/v2"
)

// The kinds of objects. The empty value means "none".
type (
	Org          string // an organization (tenant)
	User         string // a person
	Member       string // a person's membership of an organization
	Group        string
	Safe         string
	SafeMember   string
	Policy       string // the policy of one safe
	Resource     string // a connection definition
	Account      string // a login identity on a resource
	Secret       string // the credential of an account, over all its versions
	Connector    string
	Grant        string // a launch grant
	Session      string // a privileged session
	Recording    string
	WebSession   string // a signed-in browser or CLI
	Token        string // an API token
	Challenge    string // an MFA challenge
	Factor       string // an enrolled second factor
	CodeSet      string // a set of backup codes
	SSHKey       string // a person's registered public key
	Event        string // an audit event
	Log          string // an audit ledger
	Incident     string
	Request      string // one inbound request or job run
	Checkout     string
	Export       string
	Key          string // an encryption or signing key
	Setup        string // the one-time set-up link of an installation
	Governance   string // a governance action
	AccessGrant  string
	AccessReq    string
	Invitation   string
	Job          string
	HostKeySight string // a host key that was seen and waits for confirmation
	Delivery     string // a message to somebody outside of the product
	Review       string // a campaign of access reviews
	ReviewItem   string // one right that is reviewed
	Notice       string // what a person is told inside the product
	Channel      string // where an organization's notices go
)

func (Org) Prefix() string          { return "org" }
func (User) Prefix() string         { return "usr" }
func (Member) Prefix() string       { return "mem" }
func (Group) Prefix() string        { return "grp" }
func (Safe) Prefix() string         { return "safe" }
func (SafeMember) Prefix() string   { return "smem" }
func (Policy) Prefix() string       { return "pol" }
func (Resource) Prefix() string     { return "res" }
func (Account) Prefix() string      { return "acc" }
func (Secret) Prefix() string       { return "sec" }
func (Connector) Prefix() string    { return "con" }
func (Grant) Prefix() string        { return "lgr" }
func (Session) Prefix() string      { return "ses" }
func (Recording) Prefix() string    { return "rec" }
func (WebSession) Prefix() string   { return "web" }
func (Token) Prefix() string        { return "tok" }
func (Challenge) Prefix() string    { return "chl" }
func (Factor) Prefix() string       { return "fac" }
func (CodeSet) Prefix() string      { return "bcs" }
func (SSHKey) Prefix() string       { return "key" }
func (Event) Prefix() string        { return "evt" }
func (Log) Prefix() string          { return "log" }
func (Incident) Prefix() string     { return "inc" }
func (Request) Prefix() string      { return "req" }
func (Checkout) Prefix() string     { return "chk" }
func (Export) Prefix() string       { return "exp" }
func (Key) Prefix() string          { return "kek" }
func (Setup) Prefix() string        { return "set" }
func (Governance) Prefix() string   { return "gov" }
func (Review) Prefix() string       { return "rvw" }
func (ReviewItem) Prefix() string   { return "rvi" }
func (AccessGrant) Prefix() string  { return "agr" }
func (AccessReq) Prefix() string    { return "arq" }
func (Invitation) Prefix() string   { return "inv" }
func (Job) Prefix() string          { return "job" }
func (HostKeySight) Prefix() string { return "hks" }
func (Delivery) Prefix() string     { return "dlv" }
func (Channel) Prefix() string      { return "nch" }
func (Notice) Prefix() string       { return "ntc" }

// Kind is any of the id types of this package.
type Kind interface {
	~string
	Prefix() string
}

// New makes an id that sorts after every id that this process made before, and
// after those that others made in an earlier millisecond (RFC 9562 section 6.2,
// method 3). The ledger orders events of one instant by it. TypeID's own generator
// is not used: its counter starts anywhere and falls back to zero in the middle of
// a millisecond.
func New[T Kind]() T {
	var zero T
	u := uuid.Must(uuid.NewV7())
	t, err := typeid.FromBytes(zero.Prefix(), u[:])
	if err != nil {
		panic(fmt.Sprintf("id: %v", err)) // a prefix of this package that is none
	}
	return T(t.String())
}

// Parse checks that s is an id of kind T. The error is fit to be shown.
func Parse[T Kind](s string) (T, error) {
	var zero T
	t, err := typeid.Parse(s)
	if err != nil || t.Prefix() != zero.Prefix() || t.String() != s {
		return zero, fmt.Errorf("%.64q is not an id of the form %s_ followed by 26 characters", s, zero.Prefix())
	}
	return T(s), nil
}

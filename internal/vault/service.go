package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault/vaultsql"
)

// Ledger records what happens to accounts and their secrets.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Sealer makes secrets unreadable at rest; seal.Keyring is one. It is called
// outside transactions.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
	Reseal(ctx context.Context, org id.Org, context string, sealed []byte) (out []byte, changed bool, err error)
	KeyID(ctx context.Context, org id.Org) (id.Key, error)
}

// Resources knows the resources that accounts are on; resource.Service is one.
type Resources interface {
	// Hold keeps a resource from being deleted until tx ends, and gives its protocol.
	Hold(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (protocol string, err error)
}

// Uses names the things that need an account, such as `safe "web-prod"`, so that
// it is not deleted under them.
type Uses func(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) ([]string, error)

// LiveSessions counts the sessions that an act will end.
type LiveSessions interface {
	OnAccount(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (int, error)
}

// Checkouts ends those of an account that is taken out of use, and tells how many
// there were.
type Checkouts interface {
	OnAccount(ctx context.Context, tx *db.Tx, actor authz.Actor, a id.Account) (int, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB        *db.DB
	Ledger    Ledger
	Sealer    Sealer
	Resources Resources
	Uses      []Uses       // at least one
	Live      LiveSessions // nil: there are no sessions
	Checkouts Checkouts    // nil: there are none
	// Rotating tells whether a rotation holds an account's credential at the moment; nil: none does.
	Rotating func(ctx context.Context, tx *db.Tx, org id.Org, a id.Account) (bool, error)
	Now      func() time.Time // nil: time.Now
}

// Service keeps accounts and credentials. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Sealer == nil || d.Resources == nil || len(d.Uses) == 0 {
		return nil, errors.New("vault: DB, Ledger, Sealer, Resources and Uses are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

// CreateArgs describe a new account with its first credential.
type CreateArgs struct {
	Name       string
	Resource   id.Resource
	Username   string
	Kind       Kind
	Password   secret.Secret // kind password
	PrivateKey secret.Secret // kind ssh_key: as pasted
	Passphrase secret.Secret // of the private key; used once and not kept
}

// Create puts an account under management.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a CreateArgs) (Account, error) {
	acc := Account{
		ID: id.New[id.Account](), Org: actor.Org, Name: a.Name, Resource: a.Resource, Username: a.Username,
		Kind: a.Kind, State: Enabled, Secret: id.New[id.Secret](), CredentialVersion: 1, Version: 1,
	}
	f := acc.check()
	plain, err := a.material(&acc, f)
	if err != nil {
		return Account{}, err
	}
	defer plain.Wipe()
	protocol := ""
	created := func() event.PrivilegedAccountCreated {
		return event.NewPrivilegedAccountCreated(event.By(actor, event.TenantAdmin), acc.target(), acc.Name, protocol, acc.Kind.Event(), false).WithResourceID(acc.Resource)
	}
	if err := s.permit(ctx, actor, authz.AccountCreate, "", func() event.Event {
		return created().Denied(event.PrivilegedAccountCreatedNotPermitted)
	}); err != nil {
		return Account{}, err
	}
	sealed, key, err := s.seal(ctx, acc, 1, plain)
	if err != nil {
		return Account{}, err
	}
	now := db.Micros(s.d.Now())
	acc.CreatedAt, acc.UpdatedAt = db.Time(now), db.Time(now)
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if protocol, err = s.d.Resources.Hold(ctx, tx, actor.Org, a.Resource); err != nil {
			return onField(err, "resource_id")
		}
		q := vaultsql.New(tx)
		err = q.InsertAccount(ctx, vaultsql.InsertAccountParams{
			OrgID: string(acc.Org), ID: string(acc.ID), Name: acc.Name, ResourceID: string(acc.Resource), Username: acc.Username,
			Kind: string(acc.Kind), SecretID: string(acc.Secret), PublicKey: acc.PublicKey, Now: now, CreatedBy: string(actor.User),
		})
		if err != nil {
			return nameTaken(err, acc.Name)
		}
		err = q.InsertVersion(ctx, vaultsql.InsertVersionParams{
			OrgID: string(acc.Org), AccountID: string(acc.ID), Version: 1, Sealed: sealed, KeyID: string(key), Now: now, CreatedBy: string(actor.User),
		})
		if err != nil {
			return fmt.Errorf("store the credential: %w", err)
		}
		_, err = s.d.Ledger.Record(ctx, tx, created())
		return err
	})
	if fault.CodeOf(err) == NameTaken {
		return Account{}, s.refuse(ctx, created().Denied(event.PrivilegedAccountCreatedDuplicateAccount), err)
	}
	if err != nil {
		return Account{}, fmt.Errorf("create account: %w", err)
	}
	return acc, nil
}

// material checks what an account proves itself with, and fills in its public part.
func (a CreateArgs) material(acc *Account, f *fault.Error) (secret.Secret, error) {
	var plain secret.Secret
	add := func(err error) {
		if err != nil {
			f.Fields = append(f.Fields, fault.As(err).Fields...)
		}
	}
	switch acc.Kind {
	case Password:
		if !a.PrivateKey.Empty() || !a.Passphrase.Empty() {
			f.WithField("private_key", "must be left out for an account with a password")
		}
		add(checkPassword(a.Password))
		plain = secret.New(append([]byte(nil), a.Password.Reveal()...))
	case SSHKey:
		if !a.Password.Empty() {
			f.WithField("password", "must be left out for an account with a private key")
		}
		key, err := parseKey(a.PrivateKey, a.Passphrase)
		add(err)
		if err == nil {
			acc.setPublic(key.public)
			plain = key.private
		}
	default:
		f.WithField("kind", "must be %q or %q", Password, SSHKey)
	}
	if len(f.Fields) > 0 {
		plain.Wipe()
		return secret.Secret{}, f
	}
	return plain, nil
}

// Get gives an account, never its secret.
func (s *Service) Get(ctx context.Context, actor authz.Actor, aid id.Account) (Account, error) {
	if err := authz.Check(actor, authz.AccountView, authz.Object{ID: string(aid), Org: actor.Org}); err != nil {
		return Account{}, err
	}
	var acc Account
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		acc, err = s.Find(ctx, tx, actor.Org, aid)
		return err
	})
	return acc, err
}

// Find reads an account within a transaction, for whoever has decided already
// that it may be used. fault.NotFound when there is none.
func (s *Service) Find(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account) (Account, error) {
	row, err := vaultsql.New(tx).GetAccount(ctx, vaultsql.GetAccountParams{OrgID: string(org), ID: string(aid)})
	if db.NotFound(err) {
		return Account{}, notFound(aid)
	}
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	return fromRow(row), nil
}

// Hold keeps an account from being deleted until tx ends, and gives its resource.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account) (id.Resource, error) {
	r, err := vaultsql.New(tx).HoldAccount(ctx, vaultsql.HoldAccountParams{OrgID: string(org), ID: string(aid)})
	if db.NotFound(err) {
		return "", notFound(aid)
	}
	if err != nil {
		return "", fmt.Errorf("hold account: %w", err)
	}
	return id.Resource(r), nil
}

// OnResource names the accounts on a resource: they need it.
func OnResource(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) ([]string, error) {
	names, err := vaultsql.New(tx).AccountsOnResource(ctx, vaultsql.AccountsOnResourceParams{OrgID: string(org), ResourceID: string(r)})
	for i, n := range names {
		names[i] = fmt.Sprintf("account %q", n)
	}
	return names, err
}

// Filter narrows a list.
type Filter struct {
	Resource id.Resource // empty: of all resources
}

// List gives accounts in the order of their names.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Account], error) {
	if err := authz.Check(actor, authz.AccountList, authz.Object{Org: actor.Org}); err != nil {
		return page.List[Account]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Account]{}, err
	}
	var out []Account
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		rows, err := vaultsql.New(tx).ListAccounts(ctx, vaultsql.ListAccountsParams{OrgID: string(actor.Org), After: after, Read: read, ResourceID: string(f.Resource)})
		if err != nil {
			return fmt.Errorf("list accounts: %w", err)
		}
		out = make([]Account, len(rows))
		for i, row := range rows {
			out[i] = fromRow(row)
		}
		return nil
	})
	if err != nil {
		return page.List[Account]{}, err
	}
	return page.Cut(out, read, func(a Account) string { return a.Name }), nil
}

// The codes of conflicts.
const (
	NameTaken       = "NAME_TAKEN"
	InUse           = "IN_USE"
	VersionConflict = "VERSION_CONFLICT"
)

// check finds what is wrong with the plain attributes.
func (a Account) check() *fault.Error {
	f := fault.New(fault.Invalid, "the account is not valid: see the fields that are named")
	if wrong := label.Name(a.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if wrong := label.Login(a.Username); wrong != "" {
		f.WithField("username", "%s", wrong)
	}
	return f
}

func (a *Account) setPublic(key ssh.PublicKey) {
	a.PublicKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
	a.Fingerprint = ssh.FingerprintSHA256(key)
}

func (a Account) target() event.AccountRef { return event.AccountTarget(a.ID, a.Name) }

// Event is the kind in the words of the catalog.
func (k Kind) Event() event.CredentialKind {
	if k == SSHKey {
		return event.CredentialKindSSHKey
	}
	return event.CredentialKindPassword
}

// Field is the name of the kind's secret field, as the API and the ledger have it.
func (k Kind) Field() string {
	if k == SSHKey {
		return "private_key"
	}
	return "password"
}

// place is what a sealed credential is bound to.
func place(a id.Account, version int64, k Kind) string {
	return fmt.Sprintf("account/%s/v/%d/%s", a, version, k)
}

func (s *Service) seal(ctx context.Context, a Account, version int64, plain secret.Secret) ([]byte, id.Key, error) {
	key, err := s.d.Sealer.KeyID(ctx, a.Org)
	if err != nil {
		return nil, "", fmt.Errorf("seal the credential: %w", err)
	}
	sealed, err := s.d.Sealer.Seal(ctx, a.Org, place(a.ID, version, a.Kind), plain.Reveal())
	if err != nil {
		return nil, "", fmt.Errorf("seal the credential: %w", err)
	}
	return sealed, key, nil
}

// permit asks authz and records a refusal.
func (s *Service) permit(ctx context.Context, actor authz.Actor, action authz.Action, aid id.Account, denied func() event.Event) error {
	err := authz.Check(actor, action, authz.Object{ID: string(aid), Org: actor.Org})
	if fault.Is(err, fault.Denied) && actor.Org != "" {
		return s.refuse(ctx, denied(), err)
	}
	return err
}

// refuse records a refusal and returns its cause; what cannot be recorded is
// refused all the same, with the error of recording.
func (s *Service) refuse(ctx context.Context, ev event.Event, cause error) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return cause
}

// peek finds an account for the event of a refusal; only its id when it cannot be had.
func (s *Service) peek(ctx context.Context, org id.Org, aid id.Account) Account {
	acc := Account{ID: aid}
	_ = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		found, err := s.Find(ctx, tx, org, aid)
		if err == nil {
			acc = found
		}
		return err
	})
	return acc
}

func notFound(aid id.Account) error {
	return fault.New(fault.NotFound, "no account with the id %.64q in this organization", aid)
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "the account was changed by somebody else meanwhile; look at it again, then change it").WithCode(VersionConflict)
}

func nameTaken(err error, name string) error {
	if db.Unique(err) {
		return fault.New(fault.Conflict, "account %q exists already; choose another name", name).WithCode(NameTaken).WithField("name", "is taken").Because(err)
	}
	return err
}

// onField turns a missing referred object into a wrong value of the field that named it.
func onField(err error, field string) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "%s", fault.MessageOf(err)).WithField(field, "must be of this organization").Because(err)
	}
	return err
}

func fromRow(row vaultsql.Account) Account {
	a := Account{
		ID: id.Account(row.ID), Org: id.Org(row.OrgID), Name: row.Name, Resource: id.Resource(row.ResourceID), Username: row.Username,
		Kind: Kind(row.Kind), State: State(row.State), Secret: id.Secret(row.SecretID), CredentialVersion: row.CredentialVersion,
		Version: row.Version, CreatedAt: db.Time(row.CreatedAt), UpdatedAt: db.Time(row.UpdatedAt),
	}
	if row.RotationDueAt != 0 {
		a.RotationDue, a.DueBecause = db.Time(row.RotationDueAt), row.RotationDueReason
	}
	a.RotateEvery = int(row.RotateEvery)
	if row.NextRotationAt != 0 {
		a.NextRotation = db.Time(row.NextRotationAt)
	}
	if row.RotatedAt != 0 {
		a.RotatedAt = db.Time(row.RotatedAt)
	}
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(row.PublicKey)); err == nil {
		a.setPublic(key)
	}
	return a
}

package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// LaunchGrantExtension is the certificate extension that carries a launch grant.
const LaunchGrantExtension = "launch-grant@vaultpam"

// The longest lives of certificates.
const (
	MaxCertLife  = 12 * time.Hour
	MaxGrantLife = 10 * time.Minute // of one that carries a launch grant
	certSkew     = 30 * time.Second // clocks of clients and servers differ
)

// sourceAddress is the one critical option that is known here.
const sourceAddress = "source-address"

// CA is the key that signs an organization's user certificates.
type CA struct {
	Org           id.Org
	ID            id.Key
	PublicKey     []byte // RFC 4253 wire form
	AuthorizedKey string // for TrustedUserCAKeys
}

// PrepareCA makes a signing key for a new organization. The function that it
// returns stores it, in the transaction that makes the organization.
func (s *Service) PrepareCA(ctx context.Context, org id.Org) (func(context.Context, *db.Tx) error, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	key := id.New[id.Key]()
	sealed, err := s.d.Seal.Seal(ctx, org, caContext(key), private.Seed())
	if err != nil {
		return nil, fmt.Errorf("seal a signing key: %w", err)
	}
	return func(ctx context.Context, tx *db.Tx) error {
		_, err := identitysql.New(tx).InsertCA(ctx, identitysql.InsertCAParams{
			OrgID: string(org), ID: string(key), PublicKey: public.Marshal(), PrivateKey: sealed, Now: s.now()})
		if err != nil {
			return fmt.Errorf("store a signing key: %w", err)
		}
		return nil
	}, nil
}

func caContext(key id.Key) string { return "ssh-ca/" + string(key) }

func (s *Service) currentCA(ctx context.Context, org id.Org) (identitysql.SshCa, error) {
	var row identitysql.SshCa
	if org == "" {
		return row, fault.New(fault.NotFound, "the platform has no SSH certificate authority: choose an organization")
	}
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).CurrentCA(ctx, string(org))
		return err
	})
	if db.NotFound(err) {
		return row, fault.New(fault.NotFound, "this organization has no SSH certificate authority")
	}
	if err != nil {
		return row, fmt.Errorf("read the certificate authority of %s: %w", org, err)
	}
	return row, nil
}

// SSHCA is the public half of an organization's certificate authority.
func (s *Service) SSHCA(ctx context.Context, org id.Org) (CA, error) {
	row, err := s.currentCA(ctx, org)
	if err != nil {
		return CA{}, err
	}
	public, err := ssh.ParsePublicKey(row.PublicKey)
	if err != nil {
		return CA{}, fmt.Errorf("read the key of authority %s: %w", row.ID, err)
	}
	return CA{Org: org, ID: id.Key(row.ID), PublicKey: row.PublicKey, AuthorizedKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))}, nil
}

// SignArgs asks for a user certificate.
type SignArgs struct {
	PublicKey string         // of the client: a line as in a .pub file
	Life      time.Duration  // zero: five minutes
	Grant     secret.Secret  // a launch grant to carry; the certificate then opens that session and nothing else
	Sources   []netip.Prefix // the networks it may be used from; none: any
}

// Certificate is a signed user certificate.
type Certificate struct {
	AuthorizedKey string // the line of a -cert.pub file
	Serial        uint64
	Fingerprint   string // of the client's key
	ExpiresAt     time.Time
}

// SignUserCert certifies a client's key as the actor's, for the SSH gateway and
// the actor's active organization. An API token gets certificates that carry a
// launch grant only: any other would give it its owner's rights beyond its scopes.
func (s *Service) SignUserCert(ctx context.Context, actor authz.Actor, a SignArgs) (Certificate, error) {
	if err := mayHaveCertificate(actor, a); err != nil {
		sc := scope(actor, "")
		return Certificate{}, s.refused(ctx, actor, err, event.NewSSHCertificateIssued(sc.Act, sc.Target, actor.User, !a.Grant.Empty()).
			Denied(event.SSHCertificateIssuedNotPermitted))
	}
	parsed, err := ParseAuthorizedKey(a.PublicKey)
	if err != nil {
		return Certificate{}, err
	}
	life, limit := a.Life, MaxCertLife
	if !a.Grant.Empty() {
		limit = MaxGrantLife
	}
	if life == 0 {
		life = 5 * time.Minute
	}
	if life < time.Second || life > limit {
		return Certificate{}, fault.New(fault.Invalid, "a certificate lives from one second to %s", limit)
	}
	owner, err := s.ByID(ctx, actor.User) // an API token's actor carries the token's name
	if err != nil {
		return Certificate{}, err
	}
	row, err := s.currentCA(ctx, actor.Org)
	if err != nil {
		return Certificate{}, err
	}
	signer, err := s.caSigner(ctx, row)
	if err != nil {
		return Certificate{}, err
	}
	now := s.d.Now()
	cert, err := newCertificate(parsed, owner, actor, a, now, life)
	if err != nil {
		return Certificate{}, err
	}
	if err := cert.SignCert(rand.Reader, signer); err != nil {
		return Certificate{}, fmt.Errorf("sign a certificate: %w", err)
	}
	out := Certificate{
		AuthorizedKey: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert))), Serial: cert.Serial,
		Fingerprint: parsed.Fingerprint, ExpiresAt: time.Unix(int64(cert.ValidBefore), 0).UTC(),
	}
	mfaAt := int64(0)
	if !actor.MFAAt.IsZero() {
		mfaAt = db.Micros(actor.MFAAt)
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		err := identitysql.New(tx).InsertCertificate(ctx, identitysql.InsertCertificateParams{
			OrgID: string(actor.Org), Serial: int64(cert.Serial), CaID: row.ID, PersonID: string(actor.User), Fingerprint: parsed.Fingerprint,
			MfaAt: mfaAt, Now: db.Micros(now), ExpiresAt: db.Micros(out.ExpiresAt)})
		if err != nil {
			return err
		}
		sc, err := s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewSSHCertificateIssued(sc.Act, sc.Target, actor.User, !a.Grant.Empty()).
			WithCertificateSerial(strconv.FormatUint(cert.Serial, 10)).WithCAKeyID(id.Key(row.ID)).
			WithKeyFingerprint(parsed.Fingerprint).WithExpiresAt(out.ExpiresAt))
		return err
	})
	if err != nil {
		return Certificate{}, fmt.Errorf("store a certificate: %w", err)
	}
	return out, nil
}

func mayHaveCertificate(actor authz.Actor, a SignArgs) error {
	switch actor.Kind {
	case authz.Person:
		if actor.WebSession == "" {
			return fault.New(fault.Denied, "a certificate is given in a web session: sign in first")
		}
		return authz.Check(actor, authz.SelfView, self(actor))
	case authz.Token:
		if a.Grant.Empty() {
			return fault.New(fault.Denied, "an API token gets a certificate only for a session that it has launched")
		}
		return nil
	}
	return authz.Check(actor, authz.SelfManage, self(actor)) // refuses with its own sentence
}

func (s *Service) caSigner(ctx context.Context, row identitysql.SshCa) (ssh.Signer, error) {
	seed, err := s.d.Seal.Open(ctx, id.Org(row.OrgID), caContext(id.Key(row.ID)), row.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("open signing key %s: %w", row.ID, err)
	}
	defer clear(seed)
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("signing key %s has %d bytes", row.ID, len(seed))
	}
	signer, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, fmt.Errorf("use signing key %s: %w", row.ID, err)
	}
	return signer, nil
}

func newCertificate(k PublicKey, owner Profile, actor authz.Actor, a SignArgs, now time.Time, life time.Duration) (*ssh.Certificate, error) {
	public, err := ssh.ParsePublicKey(k.Wire)
	if err != nil {
		return nil, fmt.Errorf("read a checked key again: %w", err)
	}
	var serial [8]byte
	rand.Read(serial[:])
	cert := &ssh.Certificate{
		Key:             public,
		Serial:          binary.BigEndian.Uint64(serial[:]) >> 1, // the store's integers are signed
		CertType:        ssh.UserCert,
		KeyId:           string(actor.Org) + "/" + string(owner.ID),
		ValidPrincipals: []string{owner.Handle},
		ValidAfter:      uint64(now.Add(-certSkew).Unix()),
		ValidBefore:     uint64(now.Add(life).Unix()),
	}
	cert.CriticalOptions = map[string]string{}
	if len(a.Sources) > 0 {
		var nets []string
		for _, p := range a.Sources {
			nets = append(nets, p.Masked().String())
		}
		cert.CriticalOptions[sourceAddress] = strings.Join(nets, ",")
	}
	cert.Extensions = maps.Clone(permitAll)
	if !a.Grant.Empty() {
		cert.Extensions[LaunchGrantExtension] = a.Grant.RevealString()
	}
	return cert, nil
}

// What a certificate permits is narrowed by the safe's policy, not by the certificate.
var permitAll = map[string]string{
	"permit-pty": "", "permit-port-forwarding": "", "permit-agent-forwarding": "", "permit-X11-forwarding": "", "permit-user-rc": "",
}

// checkCertificate holds everything that a certificate says by itself. The
// caller has found ca by the key that signed it.
func checkCertificate(cert *ssh.Certificate, ca []byte, principal string, from netip.Addr, now time.Time) error {
	if cert.CertType != ssh.UserCert {
		return fmt.Errorf("certificate type %d is not a user's", cert.CertType)
	}
	if len(cert.ValidPrincipals) == 0 || cert.ValidBefore == ssh.CertTimeInfinity {
		return fmt.Errorf("a certificate without principals or without an end is not ours")
	}
	if err := checkKey(cert.Key); err != nil {
		return err
	}
	checker := ssh.CertChecker{
		SupportedCriticalOptions: []string{sourceAddress},
		Clock:                    func() time.Time { return now },
		IsUserAuthority:          func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(ca) },
	}
	if !checker.IsUserAuthority(cert.SignatureKey) {
		return fmt.Errorf("signed by another authority")
	}
	if err := checker.CheckCert(principal, cert); err != nil {
		return err
	}
	return checkSource(cert.CriticalOptions, from)
}

// checkSource enforces source-address: a list of addresses and networks.
func checkSource(options map[string]string, from netip.Addr) error {
	list, ok := options[sourceAddress]
	if !ok {
		return nil
	}
	from = from.Unmap().WithZone("")
	for _, item := range strings.Split(list, ",") {
		if p, err := netip.ParsePrefix(item); err == nil && p.Contains(from) {
			return nil
		}
		if ip, err := netip.ParseAddr(item); err == nil && ip.Unmap() == from {
			return nil
		}
	}
	return fmt.Errorf("the certificate may not be used from %s", from)
}

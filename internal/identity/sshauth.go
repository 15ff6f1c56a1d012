package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity/identitysql"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// SSHAuthenticator proves people at the SSH gateway. login is the person's part
// of the SSH user name: a handle or an e-mail address. Every failure is
// fault.Unauthenticated with one text, or fault.Exhausted for the whole source.
type SSHAuthenticator struct{ s *Service }

// NewSSHAuthenticator gives the gateway its view of s.
func NewSSHAuthenticator(s *Service) *SSHAuthenticator { return &SSHAuthenticator{s} }

func overSSH(o Origin) Origin {
	o.Via = authz.ViaSSH
	return o.OrNew()
}

// Offer is a key or certificate that a client has asked about and that would do.
// The client has not signed with it: an Offer names nobody, and only Prove,
// called for the key whose signature held, turns it into a Person.
type Offer struct {
	wire        []byte // exactly what was offered
	fingerprint string
	person      Profile
	key         id.SSHKey // a registered key; empty for a certificate
	org         id.Org    // a certificate: the organization whose authority signed it
	serial      int64
	mfaAt       time.Time
	grant       secret.Secret
}

// Person is somebody who has proved who they are, for one connection. Only this
// package makes one that Actor accepts.
type Person struct {
	Profile
	MFAAt time.Time     // when a second factor was proved; zero: not for this sign-in
	Grant secret.Secret // the launch grant that their certificate carried; empty without one

	proof proof
}

type proof struct {
	held bool
	key  bool   // a registered key, and nothing that was proved through a provider
	org  id.Org // a certificate is good in this organization only; empty: in all
}

// KeyOffered tells whether key, in SSH wire form, is registered with the person
// of login. Give it ssh.PublicKey.Marshal() from PublicKeyCallback.
func (a *SSHAuthenticator) KeyOffered(ctx context.Context, login string, key []byte, o Origin) (Offer, error) {
	if err := a.s.admit(ctx, overSSH(o), login, event.SignInMethodSSHKey); err != nil {
		return Offer{}, err
	}
	l, err := ParseLogin(login)
	if err != nil {
		return Offer{}, authFailed()
	}
	parsed, err := parseWireKey(key)
	if err != nil {
		return Offer{}, authFailed()
	}
	fingerprint := ssh.FingerprintSHA256(parsed)
	var row identitysql.SSHKeyOwnerRow
	err = a.s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = identitysql.New(tx).SSHKeyOwner(ctx, identitysql.SSHKeyOwnerParams{Fingerprint: fingerprint, Email: l.Email, Handle: l.Handle})
		return err
	})
	if db.NotFound(err) {
		return Offer{}, authFailed()
	}
	if err != nil {
		return Offer{}, fmt.Errorf("look up an SSH key: %w", err)
	}
	if !bytes.Equal(row.PublicKey, key) || row.State != "active" || row.LockedUntil > a.s.now() {
		return Offer{}, authFailed()
	}
	return Offer{
		wire: bytes.Clone(key), fingerprint: fingerprint, key: id.SSHKey(row.ID),
		person: Profile{ID: id.User(row.PersonID), Email: row.Email, Handle: row.Handle, Name: row.Name},
	}, nil
}

// CertificateOffered tells whether a user certificate, in SSH wire form, is of our
// own authority and names the person of login. Authority, signature, principal,
// validity, revocation and critical options are checked here; source-address is
// enforced against o.
func (a *SSHAuthenticator) CertificateOffered(ctx context.Context, login string, wire []byte, o Origin) (Offer, error) {
	if err := a.s.admit(ctx, overSSH(o), login, event.SignInMethodSSHCertificate); err != nil {
		return Offer{}, err
	}
	offer, err := a.certificate(ctx, login, wire, o)
	if err != nil {
		var no notOurs
		if errors.As(err, &no) {
			a.s.d.Log.InfoContext(ctx, "SSH certificate refused", "reason", no.Error(), "source", o.Source.IP)
			return Offer{}, authFailed()
		}
		return Offer{}, fmt.Errorf("check an SSH certificate: %w", err)
	}
	return offer, nil
}

// notOurs says why a certificate is refused, for the log.
type notOurs struct{ error }

func (a *SSHAuthenticator) certificate(ctx context.Context, login string, wire []byte, o Origin) (Offer, error) {
	cert, err := parseCertificate(wire)
	if err != nil {
		return Offer{}, notOurs{err}
	}
	l, err := ParseLogin(login)
	if err != nil {
		return Offer{}, notOurs{err}
	}
	var ca identitysql.CAByPublicKeyRow
	var row identitysql.GetCertificateRow
	err = a.s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := identitysql.New(tx)
		if ca, err = q.CAByPublicKey(ctx, cert.SignatureKey.Marshal()); err != nil {
			return err
		}
		row, err = q.GetCertificate(ctx, identitysql.GetCertificateParams{OrgID: ca.OrgID, Serial: int64(cert.Serial)})
		return err
	})
	if db.NotFound(err) {
		return Offer{}, notOurs{errors.New("its authority or its serial number is not known")}
	}
	if err != nil {
		return Offer{}, err
	}
	if err := checkCertificate(cert, ca.PublicKey, row.Handle, o.Source.IP, a.s.d.Now()); err != nil {
		return Offer{}, notOurs{err}
	}
	fingerprint := ssh.FingerprintSHA256(cert.Key)
	now := a.s.now()
	switch {
	case l.Email != row.Email && l.Handle != row.Handle:
		return Offer{}, notOurs{errors.New("it names another person than the login")}
	case row.CaID != ca.ID || row.Fingerprint != fingerprint:
		return Offer{}, notOurs{errors.New("it is not what was signed under its serial number")}
	case row.RevokedAt != 0:
		return Offer{}, notOurs{errors.New("it is revoked")}
	case row.ExpiresAt <= now || row.State != "active" || row.LockedUntil > now:
		return Offer{}, notOurs{errors.New("its time is over, or its person is suspended or locked")}
	}
	offer := Offer{
		wire: bytes.Clone(wire), fingerprint: fingerprint, org: id.Org(ca.OrgID), serial: row.Serial,
		person: Profile{ID: id.User(row.PersonID), Email: row.Email, Handle: row.Handle, Name: row.Name},
		grant:  secret.FromString(cert.Extensions[LaunchGrantExtension]),
	}
	if row.MfaAt != 0 {
		offer.mfaAt = db.Time(row.MfaAt)
	}
	return offer, nil
}

// parseCertificate reads a certificate as SSH sends it.
func parseCertificate(wire []byte) (*ssh.Certificate, error) {
	if len(wire) > maxKeyLine {
		return nil, errors.New("too long")
	}
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return nil, err
	}
	cert, ok := key.(*ssh.Certificate)
	if !ok {
		return nil, errors.New("a key, not a certificate")
	}
	if !bytes.Equal(cert.Marshal(), wire) {
		return nil, errors.New("not in canonical form")
	}
	if cert.Serial > 1<<63-1 {
		return nil, errors.New("its serial number is not one of ours")
	}
	return cert, nil
}

// Prove turns an offer into the person, once the client has signed with it. Call
// it in VerifiedPublicKeyCallback and nowhere else; signedWith is the key of that
// call, in wire form, and must be what was offered. What may have changed since
// the offer is looked at again, and the sign-in is recorded.
func (a *SSHAuthenticator) Prove(ctx context.Context, offer Offer, signedWith []byte, o Origin) (Person, error) {
	if len(offer.wire) == 0 || !bytes.Equal(offer.wire, signedWith) {
		return Person{}, authFailed()
	}
	o = overSSH(o)
	p := Person{Profile: offer.person, MFAAt: offer.mfaAt, Grant: offer.grant, proof: proof{held: true, key: offer.key != "", org: offer.org}}
	ok := false
	err := a.s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		ok = false
		method, still, err := a.stillGood(ctx, tx, offer)
		if err != nil {
			return err
		}
		try := attempt{o: o, method: method, claimed: offer.person.Handle, fingerprint: offer.fingerprint,
			who: &account{Profile: offer.person, active: true}}
		locked, err := a.s.hold(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		if !still || locked {
			why := event.AuthSignInFailedNotPermitted
			if locked {
				why = event.AuthSignInFailedLocked
			}
			return a.s.turnAway(ctx, tx, try, true, why) // a key is not guessed: no strike
		}
		st, err := a.s.standing(ctx, tx, p.ID)
		if err != nil {
			return err
		}
		home := st.home()
		if m, in := st.in(string(offer.org)); in {
			home = m
		}
		sc := scope(st.actor(p.Profile, home, o), home.Name)
		ok = true
		_, err = a.s.d.Ledger.Record(ctx, tx, event.NewAuthSignInSucceeded(sc.Act, sc.Target, p.ID, method, event.DoorSSH, false).WithKeyFingerprint(offer.fingerprint))
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("sign in with an SSH key: %w", err)
	}
	if !ok {
		return Person{}, authFailed()
	}
	return p, nil
}

func (a *SSHAuthenticator) stillGood(ctx context.Context, tx *db.Tx, offer Offer) (event.SignInMethod, bool, error) {
	q := identitysql.New(tx)
	person, err := q.PersonByID(ctx, string(offer.person.ID))
	if err != nil {
		return event.SignInMethodSSHKey, false, fmt.Errorf("read a person: %w", err)
	}
	active := person.State == "active"
	if offer.key != "" {
		n, err := q.TouchSSHKey(ctx, identitysql.TouchSSHKeyParams{Now: a.s.now(), PersonID: person.ID, ID: string(offer.key)})
		if err != nil {
			err = fmt.Errorf("note the use of a key: %w", err)
		}
		return event.SignInMethodSSHKey, active && n == 1, err
	}
	row, err := q.GetCertificate(ctx, identitysql.GetCertificateParams{OrgID: string(offer.org), Serial: offer.serial})
	if err != nil && !db.NotFound(err) {
		return event.SignInMethodSSHCertificate, false, fmt.Errorf("read a certificate: %w", err)
	}
	return event.SignInMethodSSHCertificate, active && err == nil && row.RevokedAt == 0 && row.ExpiresAt > a.s.now(), nil
}

// PasswordAndCode needs both to hold, and does the same work whichever does not.
// The code is a TOTP code or a backup code.
func (a *SSHAuthenticator) PasswordAndCode(ctx context.Context, login string, password, code secret.Secret, o Origin) (Person, error) {
	o = overSSH(o)
	if err := a.s.admit(ctx, o, login, event.SignInMethodPassword); err != nil {
		return Person{}, err
	}
	who, match, err := a.s.password(ctx, login, password)
	if err != nil {
		return Person{}, err
	}
	var user id.User
	if who != nil {
		user = who.ID
	}
	weighed, err := a.s.d.MFA.Weigh(ctx, user, "", code)
	if err != nil {
		return Person{}, err
	}
	try := attempt{o: o, method: event.SignInMethodPassword, claimed: login, who: who}
	var ok bool
	err = a.s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		var st standing
		var err error
		if st, ok, err = a.s.firstFactor(ctx, tx, try, match); err != nil || !ok {
			return err
		}
		ok, err = a.secondFactor(ctx, tx, try, st, weighed)
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("sign in with password and code: %w", err)
	}
	if !ok {
		return Person{}, authFailed()
	}
	return Person{Profile: who.Profile, MFAAt: a.s.d.Now().UTC(), proof: proof{held: true}}, nil
}

func (a *SSHAuthenticator) secondFactor(ctx context.Context, tx *db.Tx, try attempt, st standing, weighed mfa.Attempt) (bool, error) {
	home := st.home()
	enrolled, err := a.s.d.MFA.Enrolled(ctx, tx, try.who.ID)
	if err != nil {
		return false, err
	}
	if !enrolled { // a password alone opens nothing, and says nothing either
		return false, a.s.turnAway(ctx, tx, try, true, event.AuthSignInFailedNotPermitted)
	}
	yes := scope(st.actor(try.who.Profile, home, try.o), home.Name)
	no := mfa.Scope{Act: event.By(try.o.Stranger(home.Org), event.User), Target: yes.Target}
	if _, err := a.s.d.Ledger.Record(ctx, tx, event.NewAuthSignInSucceeded(no.Act, no.Target, try.who.ID, try.method, event.DoorSSH, true)); err != nil {
		return false, err
	}
	d := mfa.Demand{User: try.who.ID, Purpose: mfa.SignIn, Org: home.Org}
	v, err := a.s.d.MFA.Answer(ctx, tx, yes, no, d, weighed, false)
	if err != nil {
		return false, err
	}
	if v.OK {
		return true, a.s.forgive(ctx, tx, try.who.ID)
	}
	if err := a.s.CountFailure(ctx, tx, try.o); err != nil {
		return false, err
	}
	_, err = a.s.strike(ctx, tx, try.o, try.who.ID, home)
	return false, err
}

// SSHStepUpArgs is the answer of a person at the gateway to the safe whose policy asks.
type SSHStepUpArgs struct {
	Org  id.Org
	Safe id.Safe
	Code secret.Secret
}

// StepUp proves a second factor of a person who has signed in; MFAAt of the
// answer is now. A wrong code is fault.Unauthenticated.
func (a *SSHAuthenticator) StepUp(ctx context.Context, p Person, in SSHStepUpArgs, o Origin) (Person, error) {
	o = overSSH(o)
	if err := a.s.admit(ctx, o, p.Handle, event.SignInMethodSSHKey); err != nil {
		return Person{}, err
	}
	actor, err := a.Actor(ctx, p, string(in.Org), o)
	if err != nil {
		return Person{}, err
	}
	weighed, err := a.s.d.MFA.Weigh(ctx, p.ID, "", in.Code)
	if err != nil {
		return Person{}, err
	}
	var ok bool
	err = a.s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		sc, err := a.s.ownScope(ctx, tx, actor)
		if err != nil {
			return err
		}
		d := mfa.Demand{User: p.ID, Purpose: mfa.StepUp, Org: actor.Org, Safe: in.Safe}
		c, err := a.s.d.MFA.Challenge(ctx, tx, sc, d)
		if err != nil {
			return err
		}
		f := mfa.Found{ID: c.ID, User: p.ID, Purpose: d.Purpose, Org: d.Org}
		ok, err = a.s.settleStepUp(ctx, tx, actor, sc, f, weighed)
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("prove a second factor: %w", err)
	}
	if !ok {
		return Person{}, authFailed()
	}
	p.MFAAt = a.s.d.Now().UTC()
	return p, nil
}

// Memberships lists where the person may act: all their organizations, or the
// one whose authority signed their certificate.
func (a *SSHAuthenticator) Memberships(ctx context.Context, p Person) ([]Membership, error) {
	if !p.proof.held {
		return nil, authFailed()
	}
	all, err := a.s.OrgsOf(ctx, p.ID)
	if err != nil {
		return nil, err
	}
	if p.proof.org == "" {
		return a.opened(p, standing{members: all}).members, nil
	}
	for _, m := range all {
		if m.Org == p.proof.org {
			return []Membership{m}, nil
		}
	}
	return nil, nil
}

// opened is where a person's proof leads. A certificate was asked for by somebody
// who was in its organization, through its provider where it demands one.
func (a *SSHAuthenticator) opened(p Person, st standing) standing {
	switch {
	case p.proof.org != "":
		return st
	case p.proof.key:
		return st.byKey(a.s.d.Now())
	}
	return st.through("")
}

// Actor is the person as they act in an organization, given by id or slug; empty
// is their first one. They must belong to it at this moment (else
// fault.NotFound). A Person that nothing has proved is refused.
func (a *SSHAuthenticator) Actor(ctx context.Context, p Person, org string, o Origin) (authz.Actor, error) {
	if !p.proof.held {
		return authz.Actor{}, authFailed()
	}
	o = overSSH(o)
	var st standing
	err := a.s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		row, err := identitysql.New(tx).PersonByID(ctx, string(p.ID))
		if err != nil {
			return err
		}
		if row.State != "active" {
			return authFailed()
		}
		st, err = a.s.standing(ctx, tx, p.ID)
		return err
	})
	if err != nil {
		return authz.Actor{}, fmt.Errorf("find where a person belongs: %w", err)
	}
	all := st
	st = a.opened(p, st)
	if org == "" {
		org = string(p.proof.org)
		if org == "" {
			org = string(st.home().Org)
		}
	}
	m, ok := st.in(org)
	if shut, in := all.in(org); in && !ok {
		return authz.Actor{}, elsewhere(shut, "")
	}
	if !ok || p.proof.org != "" && m.Org != p.proof.org {
		return authz.Actor{}, noSuchOrg(org)
	}
	st.platform = authz.NoPlatformRole // nothing of the platform is reached over SSH
	actor := st.actor(p.Profile, m, o)
	actor.MFAAt = p.MFAAt
	if !p.Grant.Empty() {
		return authz.Actor{}, fault.New(fault.Denied, "this certificate is for one session that was launched before: it opens nothing else")
	}
	return actor, nil
}

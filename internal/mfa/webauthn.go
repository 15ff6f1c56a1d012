package mfa

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/mfa/mfasql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const maxResponse = 64 << 10 // bytes of an authenticator's answer; attestation certificates make it long

// RelyingParty is the name that authenticators bind a credential to, and the
// origins at which it may be used.
type RelyingParty struct {
	ID      string // a host name; empty: no security keys and passkeys
	Origins []string
}

// PartyOf is the relying party of an installation that people reach at publicURL.
// Browsers bind credentials to names, never to an IP address: an installation at a
// loopback address has the name localhost, and one at another address has none.
func PartyOf(publicURL string) RelyingParty {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return RelyingParty{}
	}
	host := strings.ToLower(u.Hostname())
	if ip, err := netip.ParseAddr(host); err == nil {
		if !ip.IsLoopback() {
			return RelyingParty{}
		}
		origin := "https://localhost"
		if u.Port() != "" {
			origin += ":" + u.Port()
		}
		return RelyingParty{ID: "localhost", Origins: []string{origin}}
	}
	return RelyingParty{ID: host, Origins: []string{strings.TrimSuffix(publicURL, "/")}}
}

// party makes the verifier; nil when the installation has no name.
func (r RelyingParty) party(name string) (*webauthn.WebAuthn, error) {
	if r.ID == "" {
		return nil, nil
	}
	return webauthn.New(&webauthn.Config{RPID: r.ID, RPDisplayName: name, RPOrigins: r.Origins, AttestationPreference: protocol.PreferNoAttestation})
}

// ErrNoWebAuthn says that the installation has no name that a credential could be bound to.
var ErrNoWebAuthn = fault.New(fault.Unavailable, "security keys and passkeys need a host name: this installation is reached by an IP address, see https.public_url").WithCode("WEBAUTHN_UNAVAILABLE")

// The bytes that an authenticator signs follow from the token of the question, so
// that nothing but the token's hash is stored, and nobody but its holder can answer.
func challengeBytes(token string) string {
	sum := sha256.Sum256([]byte("vaultpam-webauthn/v1\x00" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// holder is a person as the verifier wants to see them.
type holder struct {
	user  id.User
	creds []webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return []byte(h.user) }
func (h holder) WebAuthnName() string                       { return string(h.user) }
func (h holder) WebAuthnDisplayName() string                { return string(h.user) }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.creds }

func holderOf(user id.User, rows []mfasql.WebauthnCredential) holder {
	h := holder{user: user}
	for _, r := range rows {
		c := webauthn.Credential{ID: r.CredentialID, PublicKey: r.PublicKey}
		c.Flags.BackupEligible = r.BackupEligible
		c.Authenticator.SignCount = uint32(r.SignCount)
		h.creds = append(h.creds, c)
	}
	return h
}

// assertion is what the answer of an authenticator matches.
type assertion struct {
	ok       bool
	verified bool  // the authenticator asked for a PIN or a finger
	count    int64 // its counter after this
	why      event.MFAVerificationFailedReason
}

// WeighAssertion compares an authenticator's answer with what the person has
// enrolled. It decides nothing before Settle. Call it outside a transaction.
func (s *Service) WeighAssertion(ctx context.Context, f Found, response []byte) (Attempt, error) {
	a := Attempt{method: WebAuthn, user: f.User, n: -1, assertion: &assertion{why: event.MFAVerificationFailedBadAssertion}}
	if s.party == nil {
		return a, ErrNoWebAuthn
	}
	parsed, err := parseAssertion(response)
	if err != nil {
		return a, nil
	}
	var rows []mfasql.WebauthnCredential
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = mfasql.New(tx).CredentialsOf(ctx, string(f.User))
		return err
	})
	if err != nil {
		return a, fmt.Errorf("read the credentials of %s: %w", f.User, err)
	}
	s.verify(&a, rows, parsed, f.token, protocol.VerificationPreferred)
	return a, nil
}

// verify fills an attempt from an assertion.
func (s *Service) verify(a *Attempt, rows []mfasql.WebauthnCredential, parsed *protocol.ParsedCredentialAssertionData, token string, uv protocol.UserVerificationRequirement) {
	var allowed [][]byte
	for _, r := range rows {
		allowed = append(allowed, r.CredentialID)
		if bytes.Equal(r.CredentialID, parsed.RawID) {
			a.factor = id.Factor(r.ID)
		}
	}
	if a.factor == "" {
		a.assertion.why = event.MFAVerificationFailedUnknownCredential
		return
	}
	session := webauthn.SessionData{Challenge: challengeBytes(token), RelyingPartyID: s.d.Party.ID, UserID: []byte(a.user), AllowedCredentialIDs: allowed, UserVerification: uv}
	c, err := s.party.ValidateLogin(holderOf(a.user, rows), session, parsed)
	switch {
	case err != nil:
		return // bad_assertion
	case c.Authenticator.CloneWarning:
		a.assertion.why = event.MFAVerificationFailedCounterRegressed
		return
	}
	a.assertion.ok, a.assertion.verified, a.assertion.count = true, parsed.Response.AuthenticatorData.Flags.UserVerified(), int64(c.Authenticator.SignCount)
}

func parseAssertion(response []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(response) > maxResponse {
		return nil, fmt.Errorf("an assertion of %d bytes", len(response))
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, err
	}
	if len(p.RawID) == 0 || len(p.RawID) > 1023 { // CTAP allows no longer one
		return nil, fmt.Errorf("a credential id of %d bytes", len(p.RawID))
	}
	return p, nil
}

// Ceremony is a question to an authenticator: an enrolment, or a sign-in of
// whoever has the passkey. Handle is a secret between the product and who asked.
type Ceremony struct {
	Handle    secret.Secret
	ExpiresAt time.Time
	Creation  *CreationOptions // an enrolment
	Request   *RequestOptions  // a sign-in
}

func (s *Service) begin(ctx context.Context, user id.User, session id.WebSession, name string, passkey, replaces bool) (Ceremony, string, error) {
	now := s.d.Now()
	key := id.New[id.Challenge]()
	token := secret.Token(32).RevealString()
	c := Ceremony{Handle: secret.FromString(string(key) + "." + token), ExpiresAt: now.Add(challengeLife).UTC().Truncate(time.Microsecond)}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := mfasql.New(tx)
		if user != "" {
			if err := room(ctx, q, user, replaces); err != nil {
				return err
			}
		}
		return q.InsertCeremony(ctx, mfasql.InsertCeremonyParams{
			ID: string(key), PersonID: string(user), WebSessionID: string(session), TokenHash: hashHandle(token), Name: name, Passkey: passkey,
			Now: db.Micros(now), ExpiresAt: db.Micros(c.ExpiresAt),
		})
	})
	return c, token, err
}

// ceremony looks up the question of a handle. ok is false for one that is not known.
func (s *Service) ceremony(ctx context.Context, handle secret.Secret) (row mfasql.WebauthnCeremony, token string, ok bool, err error) {
	name, token, cut := strings.Cut(handle.RevealString(), ".")
	key, perr := id.Parse[id.Challenge](name)
	if !cut || perr != nil || len(token) > 64 {
		return row, "", false, nil
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = mfasql.New(tx).GetCeremony(ctx, string(key))
		return err
	})
	if db.NotFound(err) {
		return row, "", false, nil
	}
	if err != nil {
		return row, "", false, fmt.Errorf("read a ceremony: %w", err)
	}
	good := subtle.ConstantTimeCompare(row.TokenHash, hashHandle(token)) == 1 && row.UsedAt == 0 && row.ExpiresAt > db.Micros(s.d.Now())
	return row, token, good, nil
}

func (s *Service) spend(ctx context.Context, q *mfasql.Queries, ceremony string) (bool, error) {
	n, err := q.SpendCeremony(ctx, mfasql.SpendCeremonyParams{Now: db.Micros(s.d.Now()), ID: ceremony})
	if err != nil {
		return false, fmt.Errorf("spend a ceremony: %w", err)
	}
	return n == 1, nil
}

// NewKey says what is to be enrolled.
type NewKey struct {
	User       id.User
	WebSession id.WebSession // that asks; the same one has to finish
	Account    string        // shown by the authenticator: the e-mail address
	Display    string        // the person's name
	Name       string        // what the factor will be called
	Passkey    bool          // it has to be able to sign in by itself
	Replaces   bool          // it will take the place of all that the person has
}

// BeginWebAuthn asks for a new credential. Nothing counts before EnrolWebAuthn.
func (s *Service) BeginWebAuthn(ctx context.Context, k NewKey) (Ceremony, error) {
	if s.party == nil {
		return Ceremony{}, ErrNoWebAuthn
	}
	var have []mfasql.WebauthnCredential
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		have, err = mfasql.New(tx).CredentialsOf(ctx, string(k.User))
		return err
	})
	if err != nil {
		return Ceremony{}, fmt.Errorf("read the credentials of %s: %w", k.User, err)
	}
	c, token, err := s.begin(ctx, k.User, k.WebSession, k.Name, k.Passkey, k.Replaces)
	if err != nil {
		return Ceremony{}, fmt.Errorf("begin an enrolment: %w", err)
	}
	c.Creation = creation(s.d.Party.ID, s.d.Issuer, k, challengeBytes(token), have)
	return c, nil
}

// Attestation is the outcome of checking a new credential. It decides nothing
// before EnrolWebAuthn.
type Attestation struct {
	user     id.User
	ceremony string
	name     string
	row      *mfasql.InsertCredentialParams // nil: it does not hold

	Replaces bool // as with BeginWebAuthn
}

// WeighAttestation checks what an authenticator made for a pending enrolment.
func (s *Service) WeighAttestation(ctx context.Context, user id.User, session id.WebSession, handle secret.Secret, response []byte) (Attestation, error) {
	if s.party == nil {
		return Attestation{}, ErrNoWebAuthn
	}
	row, token, ok, err := s.ceremony(ctx, handle)
	if err != nil {
		return Attestation{}, err
	}
	if !ok || row.PersonID == "" || row.PersonID != string(user) || row.WebSessionID != string(session) {
		return Attestation{}, fault.New(fault.NotFound, "no enrolment waits for this answer: begin again")
	}
	a := Attestation{user: user, ceremony: row.ID, name: row.Name}
	c, props, err := s.created(user, token, row.Passkey, response)
	if err != nil || row.Passkey && props.known && !props.discoverable {
		return a, nil
	}
	a.row = &mfasql.InsertCredentialParams{
		ID: string(id.New[id.Factor]()), PersonID: string(user), Name: row.Name, CredentialID: c.ID, PublicKey: c.PublicKey,
		SignCount: int64(c.Authenticator.SignCount), Aaguid: hex.EncodeToString(c.Authenticator.AAGUID), Transports: transports(c.Transport),
		BackupEligible: c.Flags.BackupEligible, UserVerified: c.Flags.UserVerified, Discoverable: props.discoverable || row.Passkey,
	}
	return a, nil
}

// properties is what the browser says of a credential that it had made.
type properties struct{ known, discoverable bool }

func (s *Service) created(user id.User, token string, passkey bool, response []byte) (*webauthn.Credential, properties, error) {
	var props properties
	if len(response) > maxResponse {
		return nil, props, fmt.Errorf("an attestation of %d bytes", len(response))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, props, err
	}
	session := webauthn.SessionData{Challenge: challengeBytes(token), RelyingPartyID: s.d.Party.ID, UserID: []byte(user), UserVerification: protocol.VerificationPreferred}
	session.Extensions.Requested = []string{"credProps"}
	if passkey {
		session.UserVerification = protocol.VerificationRequired
	}
	for _, alg := range algorithms {
		session.CredParams = append(session.CredParams, protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: alg})
	}
	c, err := s.party.CreateCredential(holder{user: user}, session, parsed)
	if err != nil {
		return nil, props, err
	}
	if len(c.ID) == 0 || len(c.ID) > 1023 {
		return nil, props, fmt.Errorf("a credential id of %d bytes", len(c.ID))
	}
	var said struct {
		Extensions struct {
			CredProps *struct {
				RK *bool `json:"rk"`
			} `json:"credProps"`
		} `json:"clientExtensionResults"`
	}
	if err := json.Unmarshal(response, &said); err == nil && said.Extensions.CredProps != nil && said.Extensions.CredProps.RK != nil {
		props = properties{true, *said.Extensions.CredProps.RK}
	}
	return c, props, nil
}

// EnrolWebAuthn makes a new credential count, and records it. With the first
// factor the person gets backup codes. What does not hold is recorded and gives
// OK false.
func (s *Service) EnrolWebAuthn(ctx context.Context, tx *db.Tx, sc Scope, a Attestation) (Enrolment, error) {
	q := mfasql.New(tx)
	n, err := q.CountConfirmed(ctx, string(a.user))
	if err != nil {
		return Enrolment{}, fmt.Errorf("count factors: %w", err)
	}
	if err := room(ctx, q, a.user, a.Replaces); err != nil {
		return Enrolment{}, err
	}
	if ok, err := s.spend(ctx, q, a.ceremony); err != nil {
		return Enrolment{}, err
	} else if !ok {
		return Enrolment{}, fault.New(fault.Conflict, "this enrolment was finished or took too long: look at your second factors")
	}
	if a.row == nil {
		ev := event.NewMFAFactorEnrolled(sc.Act, sc.Target, a.user, "", event.FactorKindWebAuthn, n == 0)
		_, err := s.d.Ledger.Record(ctx, tx, ev.Denied(event.MFAFactorEnrolledBadAssertion))
		return Enrolment{}, err
	}
	row := *a.row
	row.Now = db.Micros(s.d.Now())
	if err := q.InsertCredential(ctx, row); err != nil {
		return Enrolment{}, fmt.Errorf("store a credential: %w", err)
	}
	return s.enrolled(ctx, tx, sc, a.user, id.Factor(row.ID), event.FactorKindWebAuthn, n == 0)
}

// BeginPasskey asks whoever has a passkey to sign in. It says nothing about anybody.
func (s *Service) BeginPasskey(ctx context.Context) (Ceremony, error) {
	if s.party == nil {
		return Ceremony{}, ErrNoWebAuthn
	}
	c, token, err := s.begin(ctx, "", "", "", true, false)
	if err != nil {
		return Ceremony{}, fmt.Errorf("begin a sign-in: %w", err)
	}
	c.Request = request(s.d.Party.ID, challengeBytes(token), nil, true)
	return c, nil
}

// Claim is whose passkey has answered, and whether the answer holds.
type Claim struct {
	User     id.User // empty: nobody's, or to no question of ours
	Attempt  Attempt
	ceremony string
}

// Holds tells whether the answer proves the person.
func (c Claim) Holds() bool { return c.User != "" && c.Attempt.matched() }

// Regressed tells whether the authenticator's counter went back: there are two of it.
func (c Claim) Regressed() bool {
	return c.Attempt.assertion != nil && c.Attempt.assertion.why == event.MFAVerificationFailedCounterRegressed
}

// WeighPasskey looks up whose passkey answered a sign-in, and checks the answer:
// with a PIN or a finger, because there is no other factor.
func (s *Service) WeighPasskey(ctx context.Context, handle secret.Secret, response []byte) (Claim, error) {
	if s.party == nil {
		return Claim{}, ErrNoWebAuthn
	}
	row, token, ok, err := s.ceremony(ctx, handle)
	if err != nil || !ok || row.PersonID != "" {
		return Claim{}, err
	}
	c := Claim{ceremony: row.ID}
	parsed, err := parseAssertion(response)
	if err != nil {
		return c, nil
	}
	var found mfasql.WebauthnCredential
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		found, err = mfasql.New(tx).CredentialByRawID(ctx, parsed.RawID)
		return err
	})
	if db.NotFound(err) || err == nil && string(parsed.Response.UserHandle) != found.PersonID {
		return c, nil
	}
	if err != nil {
		return Claim{}, fmt.Errorf("look up a passkey: %w", err)
	}
	c.User = id.User(found.PersonID)
	c.Attempt = Attempt{method: WebAuthn, user: c.User, n: -1, assertion: &assertion{why: event.MFAVerificationFailedBadAssertion}}
	s.verify(&c.Attempt, []mfasql.WebauthnCredential{found}, parsed, token, protocol.VerificationRequired)
	return c, nil
}

// Spend takes the question of a claim for its one use; false when it was answered
// before. A claim to no question of ours has nothing to spend.
func (s *Service) Spend(ctx context.Context, tx *db.Tx, c Claim) (bool, error) {
	if c.ceremony == "" {
		return false, nil
	}
	return s.spend(ctx, mfasql.New(tx), c.ceremony)
}

// Flag records that two authenticators show the same credential. cause is the
// event of the answer that showed it.
func (s *Service) Flag(ctx context.Context, tx *db.Tx, sc Scope, factor id.Factor, cause id.Event) error {
	system := authz.SystemActor(sc.Act.Org())
	system.Request = sc.Act.Request()
	_, err := s.d.Ledger.Record(ctx, tx, event.NewSecurityIncidentFlagged(event.By(system, event.System), sc.Target, id.New[id.Incident](),
		"webauthn_counter_regressed", "mfa_factor", []id.Event{cause}, event.AutomaticActionNone).WithObjectID(event.AnyID(factor)))
	return err
}

// Factor is which factor an attempt matched; empty when none.
func (a Attempt) Factor() id.Factor { return a.factor }

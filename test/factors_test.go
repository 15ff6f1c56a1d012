package test

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/mfa/mfatest"
)

// Security keys and passkeys, with an authenticator in software and with Chromium's.

func init() {
	maps.Copy(bodies, map[string]obj{
		"answer-passkey": {"challenge_id": "x", "credential": obj{}}, "begin-webauthn": {"name": "x"}, "confirm-webauthn": {"enrolment_id": "x", "credential": obj{}},
		"rename-factor": {"name": "x"}, "sign-out-member": {"comment": "x"}, "end-member-sign-in": {"comment": "x"},
	})
}

// atName is the server by the name that credentials are bound to; browsers bind none to an IP address.
func (s *Server) atName() string { return strings.Replace(s.URL, "127.0.0.1", "localhost", 1) }

type ceremony struct {
	EnrolmentID string          `json:"enrolment_id"`
	ChallengeID string          `json:"challenge_id"`
	PublicKey   json.RawMessage `json:"public_key"`
}

// addSecurityKey enrols a security key with the person's session.
func (p *Person) addSecurityKey(t testing.TB, passkey bool) (key *mfatest.Authenticator, id string, codes []string) {
	t.Helper()
	key = mfatest.New(p.s.atName())
	begun := get[ceremony](t, p.Client, "POST", "/mfa/webauthn", obj{"name": "blue key", "passkey": passkey})
	secrets.add("enrolment handle", begun.EnrolmentID)
	made, err := key.Create(begun.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	done := get[struct {
		FactorID string   `json:"factor_id"`
		Codes    []string `json:"backup_codes"`
	}](t, p.Client, "POST", "/mfa/webauthn/confirm", obj{"enrolment_id": begun.EnrolmentID, "credential": made})
	secrets.add("backup code", done.Codes...)
	return key, done.FactorID, done.Codes
}

// touch is the key's answer to a question.
func touch(t testing.TB, key *mfatest.Authenticator, question json.RawMessage) obj {
	t.Helper()
	a, err := key.Get(question)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// challenged signs in with the password and gives the question to the person's keys.
func (p *Person) challenged(t testing.TB) ceremony {
	t.Helper()
	in := get[struct{ MFA ceremony }](t, p.nobody(t), "POST", "/auth/login", obj{"email": p.Email, "password": p.Password})
	secrets.add("challenge handle", in.MFA.ChallengeID)
	return in.MFA
}

func TestSecurityKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		key, factor, codes := p.addSecurityKey(t, false)
		if len(codes) != 0 {
			t.Error("a second factor brings backup codes again")
		}
		w.saw(Want{Constant: "MFA_FACTOR_ENROLLED", ActorID: p.ID, Where: obj{"subject_user_id": p.ID, "factor_id": factor}, Meta: obj{"new_mfa_method": "webauthn", "first_factor": false}})

		ask := p.challenged(t)
		answer := obj{"challenge_id": ask.ChallengeID, "method": "webauthn", "credential": touch(t, key, ask.PublicKey)}
		in := get[signedIn](t, p.nobody(t), "POST", "/auth/mfa", answer)
		secrets.add("access token", in.AccessToken)
		asked := w.saw(Want{Constant: "MFA_CHALLENGE_TRIGGERED", Where: obj{"subject_user_id": p.ID}, Meta: obj{"methods_offered": []string{"totp", "webauthn", "backup_code"}, "mfa_purpose": "sign_in"}})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: p.ID, Actor: "User", Target: "Tenant", Where: obj{"challenge_id": asked.Metadata["challenge_id"]},
			Meta: obj{"mfa_method": "webauthn", "credential_id": factor, "user_verified": true}})
		p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/mfa", answer)
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "challenge_expired", Where: obj{"subject_user_id": p.ID}})
		w.hasNone(Want{Constant: "SECURITY_INCIDENT_FLAGGED"})

		for reason, spoil := range map[string]func(k *mfatest.Authenticator){
			"bad_assertion":      func(k *mfatest.Authenticator) { k.Origin = "https://localhost.example:8443" },
			"unknown_credential": func(k *mfatest.Authenticator) { k.ID = []byte("a credential that nobody has enrolled") },
		} {
			ask := p.challenged(t)
			bad := key.Clone()
			spoil(bad)
			p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/mfa", obj{"challenge_id": ask.ChallengeID, "credential": touch(t, bad, ask.PublicKey)})
			w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: reason, Actor: "User", Where: obj{"subject_user_id": p.ID, "mfa_method": "webauthn", "failed_count": 1}})
		}
		clone := key.Clone()
		clone.Count = 0
		ask = p.challenged(t)
		p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/mfa", obj{"challenge_id": ask.ChallengeID, "credential": touch(t, clone, ask.PublicKey)})
		failed := w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "counter_regressed", Where: obj{"subject_user_id": p.ID}})
		w.saw(Want{Constant: "SECURITY_INCIDENT_FLAGGED", Actor: "System", Target: "Tenant", TargetID: w.Org, Where: obj{"detector": "webauthn_counter_regressed"},
			Meta: obj{"object_id": factor, "related_events": []string{failed.ID}, "automatic_action": "none"}})

		p.must(t, "PATCH", "/mfa/factors/"+factor, obj{"name": "the one on my keyring"})
		w.saw(Want{Constant: "MFA_FACTOR_RENAMED", ActorID: p.ID, Meta: obj{"factor_id": factor, "old_name": "blue key", "new_name": "the one on my keyring"}})
		w.Owner.refused(t, 404, "NOT_FOUND", "PATCH", "/mfa/factors/"+factor, obj{"name": "mine"})
		var mine struct {
			Items []struct {
				ID, Kind, Name string
				LastUsedAt     time.Time `json:"last_used_at"`
			}
		}
		p.must(t, "GET", "/mfa/factors", nil).into(t, &mine)
		if n := len(mine.Items); n != 2 || mine.Items[1].Name != "the one on my keyring" || mine.Items[1].Kind != "webauthn" || mine.Items[1].LastUsedAt.IsZero() {
			t.Errorf("factors: %+v", mine)
		}
		p.must(t, "DELETE", "/mfa/factors/"+factor, nil)
		w.saw(Want{Constant: "MFA_FACTOR_REMOVED", ActorID: p.ID, Where: obj{"factor_id": factor}, Meta: obj{"new_mfa_method": "webauthn"}})
	})
}

func TestPasskeysSignInAlone(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		key, _, _ := p.addSecurityKey(t, true)
		nobody := p.nobody(t)
		begin := func() ceremony {
			t.Helper()
			c := get[ceremony](t, nobody, "POST", "/auth/passkey", nil)
			secrets.add("challenge handle", c.ChallengeID)
			return c
		}
		c := begin()
		answer := obj{"challenge_id": c.ChallengeID, "credential": touch(t, key, c.PublicKey)}
		in := get[signedIn](t, nobody, "POST", "/auth/passkey/answer", answer)
		secrets.add("access token", in.AccessToken)
		nobody.with(in.AccessToken).must(t, "POST", "/tokens", obj{"name": "fresh enough", "scopes": []string{"safes:read"}, "expires_in_days": 1})
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"subject_user_id": p.ID, "sign_in_method": "passkey"}, Meta: obj{"door": "api", "second_factor_demanded": true}})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: p.ID, Where: obj{"mfa_method": "webauthn", "mfa_purpose": "sign_in"}, Meta: obj{"user_verified": true}})

		nobody.refused(t, 401, "AUTH_FAILED", "POST", "/auth/passkey/answer", answer) // a second time
		c = begin()
		lazy := key.Clone()
		lazy.NotVerified = true
		nobody.refused(t, 401, "AUTH_FAILED", "POST", "/auth/passkey/answer", obj{"challenge_id": c.ChallengeID, "credential": touch(t, lazy, c.PublicKey)})
		nobody.refused(t, 401, "AUTH_FAILED", "POST", "/auth/passkey/answer", obj{"challenge_id": "nonsense", "credential": obj{"id": "x"}})
		key.Count++ // what the lazy one has signed counts too
		c = begin()
		key.OtherKey = true
		nobody.refused(t, 401, "AUTH_FAILED", "POST", "/auth/passkey/answer", obj{"challenge_id": c.ChallengeID, "credential": touch(t, key, c.PublicKey)})
		w.hasNone(Want{Constant: "SECURITY_INCIDENT_FLAGGED"})
	})
}

// A browser, its own authenticator, and the server by its name.
func TestPasskeyInABrowser(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := s.newPerson("browser")
		made := get[struct {
			UserID string `json:"user_id"`
		}](t, w.Owner.Client, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": "Bea", "password": p.Password, "role": "operator"})
		need(t, "node")
		web, err := filepath.Abs("../web")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(web, "node_modules", "playwright-core")); err != nil {
			without(t, "the console's packages are needed: make console")
		}
		in, err := json.Marshal(obj{"url": s.atName(), "spki": s.spki(t), "email": p.Email, "password": p.Password, "timeout_ms": (2 * patience).Milliseconds()})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "test/webauthn.e2e.mjs")
		cmd.Dir, cmd.Stdin, cmd.WaitDelay = web, bytes.NewReader(in), 10*time.Second
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			t.Log(strings.TrimSpace(line))
		}
		if err != nil {
			t.Fatalf("the browser failed: %v", err)
		}
		about := obj{"subject_user_id": made.UserID}
		w.saw(Want{Constant: "MFA_FACTOR_ENROLLED", ActorID: made.UserID, Where: about, Meta: obj{"new_mfa_method": "webauthn", "first_factor": true}})
		w.saw(Want{Constant: "MFA_BACKUP_CODES_GENERATED", ActorID: made.UserID, Where: about})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: made.UserID, Where: obj{"mfa_method": "webauthn", "mfa_purpose": "sensitive_action"}})
		w.saw(Want{Constant: "AUTH_SIGN_IN_SUCCEEDED", Where: obj{"subject_user_id": made.UserID, "sign_in_method": "passkey"}, Meta: obj{"door": "api"}})
		w.saw(Want{Constant: "AUTH_DEVICE_DECIDED", ActorID: made.UserID, Where: obj{"device_decision": "approved"}, Meta: obj{"device_client": "a test's device"}})
	})
}

// spki names the server's certificate for Chromium: the SHA-256 of its public key.
func (s *Server) spki(t testing.TB) string {
	t.Helper()
	conn, err := tls.Dial("tcp", strings.TrimPrefix(s.URL, "https://"), &tls.Config{RootCAs: s.authorities(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	sum := sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

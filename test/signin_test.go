package test

import (
	"testing"
)

// How people prove who they are, and what the ledger tells of it.

// answer sends a code for an open challenge.
func (p *Person) answer(t testing.TB, in signedIn, method, code string) Answer {
	t.Helper()
	a := p.nobody(t).do(t, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "method": method, "code": code})
	if a.Status == 200 {
		var done signedIn
		a.into(t, &done)
		secrets.add("access token", done.AccessToken)
	}
	return a
}

func TestSecondFactorsLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		about := func(more obj) obj {
			m := obj{"subject_user_id": p.ID}
			for k, v := range more {
				m[k] = v
			}
			return m
		}
		w.saw(Want{Constant: "MFA_BACKUP_CODES_GENERATED", ActorID: p.ID, Actor: "User", Target: "Secret", Meta: about(obj{"code_count": 10, "set_id": present})})

		p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": p.Email, "password": newSecret("wrong-password")})
		w.hasNone(Want{Constant: "MFA_CHALLENGE_TRIGGERED", Where: obj{"subject_user_id": p.ID}})
		w.saw(Want{Constant: "AUTH_SIGN_IN_FAILED", Outcome: "failure", Reason: "bad_credentials", Where: obj{"subject_user_id": p.ID}, IP: p.Source})

		in := p.login(t)
		code := p.code(t)
		if a := p.answer(t, in, "totp", code); a.Status != 200 {
			t.Fatalf("the right code: %d %s", a.Status, a.Body)
		}
		asked := w.saw(Want{Constant: "MFA_CHALLENGE_TRIGGERED", Actor: "User", Target: "Tenant", TargetID: w.Org, Where: obj{"subject_user_id": p.ID},
			Meta: obj{"challenge_id": present, "mfa_purpose": "sign_in", "methods_offered": []string{"totp", "backup_code"}}})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: p.ID, Actor: "User", Target: "Tenant",
			Where: about(obj{"challenge_id": asked.Metadata["challenge_id"]}), Meta: obj{"mfa_method": "totp", "mfa_purpose": "sign_in", "credential_id": p.Factor}})

		in = p.login(t)
		p.answer(t, in, "totp", code) // it was used already
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "code_replayed", Actor: "User", Target: "Tenant",
			Where: about(obj{"failed_count": 1}), Meta: obj{"mfa_method": "totp", "locked_out": false}})
		p.answer(t, in, "totp", newSecret("wrong-code"))
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "bad_code", Where: about(obj{"failed_count": 2}), Meta: obj{"locked_out": false}})
		for range 3 {
			p.answer(t, in, "backup_code", newSecret("wrong-backup-code"))
		}
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "bad_code", Where: about(obj{"failed_count": 5}), Meta: obj{"locked_out": true, "mfa_method": "backup_code"}})
		if a := p.answer(t, in, "totp", p.code(t)); a.Status != 401 {
			t.Errorf("a challenge with five wrong answers still takes one: %d", a.Status)
		}
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "locked_out", Where: about(nil)})
	})
}

func TestBackupCodesLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		if a := p.answer(t, p.login(t), "backup_code", p.Codes[0]); a.Status != 200 {
			t.Fatalf("a backup code: %d %s", a.Status, a.Body)
		}
		used := w.saw(Want{Constant: "MFA_BACKUP_CODES_USED", ActorID: p.ID, Actor: "User", Target: "Secret", Meta: obj{"subject_user_id": p.ID, "codes_left": 9, "challenge_id": present}})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: p.ID, Where: obj{"challenge_id": used.Metadata["challenge_id"]}, Meta: obj{"mfa_method": "backup_code"}})
		if a := p.answer(t, p.login(t), "backup_code", p.Codes[0]); a.Status != 401 {
			t.Errorf("a backup code opened twice: %d", a.Status)
		}
		w.saw(Want{Constant: "MFA_VERIFICATION_FAILED", Outcome: "failure", Reason: "code_replayed", Where: obj{"subject_user_id": p.ID, "mfa_method": "backup_code"}})
		var made struct {
			Codes []string `json:"backup_codes"`
		}
		p.must(t, "POST", "/mfa/backup-codes", nil).into(t, &made)
		secrets.add("backup code", made.Codes...)
		w.saw(Want{Constant: "MFA_BACKUP_CODES_REGENERATED", ActorID: p.ID, Actor: "User", Target: "Secret",
			Meta: obj{"subject_user_id": p.ID, "replaced_set_id": used.Metadata["set_id"], "unused_codes_voided": 9, "code_count": 10}})
		if a := p.answer(t, p.login(t), "backup_code", p.Codes[1]); a.Status != 401 {
			t.Errorf("a code of the replaced set opened: %d", a.Status)
		}
		w.hasNone(Want{Constant: "MFA_BACKUP_CODES_USED", Where: obj{"set_id": used.Metadata["set_id"], "codes_left": 8}})
	})
}

func TestFactorsThatGoEndSessions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		old := p.Factor
		p.refused(t, 409, "LAST_FACTOR", "DELETE", "/mfa/factors/"+old, nil)
		w.hasNone(Want{Constant: "MFA_SESSIONS_INVALIDATED"})
		_, token := p.token(t, "safes:read")
		p.addTOTP(t)
		p.must(t, "DELETE", "/mfa/factors/"+old, nil)
		removed := w.saw(Want{Constant: "MFA_FACTOR_REMOVED", ActorID: p.ID, Where: obj{"subject_user_id": p.ID}})
		w.saw(Want{Constant: "MFA_SESSIONS_INVALIDATED", ActorID: p.ID, Actor: "User", Target: "Tenant",
			Meta: obj{"subject_user_id": p.ID, "invalidation_cause": "factor_removed", "sessions_ended": 1, "tokens_revoked": 1, "caused_by": removed.ID}})
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "revoked_by_owner", ActorID: p.ID})
		for what, c := range map[string]*Client{"session": p.Client, "token": token} {
			if a := c.do(t, "GET", "/auth/me", nil); a.Status != 401 {
				t.Errorf("the %s is still good: %d %s", what, a.Status, a.Body)
			}
		}
	})
}

func TestTokensLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		id, c := oscar.token(t, "safes:read")
		w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: oscar.ID, Actor: "User", Target: "API Token", TargetID: id,
			Meta: obj{"owner_id": oscar.ID, "scopes": []string{"safes:read"}, "service_account": false, "expires_at": present}})
		oscar.refused(t, 422, "LIFETIME_TOO_LONG", "POST", "/tokens", obj{"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 181})
		w.saw(Want{Constant: "API_TOKEN_CREATED", Outcome: "denied", Reason: "lifetime_too_long", ActorID: oscar.ID})

		c.must(t, "GET", "/safes", nil)
		c.refused(t, 403, "SCOPE_MISSING", "GET", "/sessions", nil)
		oscar.refused(t, 403, "SCOPE_ABOVE_ACTOR", "POST", "/tokens", obj{"name": "x", "scopes": []string{"resources:write"}, "expires_in_days": 1})
		w.saw(Want{Constant: "API_TOKEN_CREATED", Outcome: "denied", Reason: "scope_above_actor", ActorID: oscar.ID})
		robot, rc := w.Owner.token(t, "resources:write")
		rc.must(t, "POST", "/resources", obj{"name": "by a token", "protocol": "ssh", "host": "192.0.2.1"})
		if e := w.saw(Want{Constant: "CONNECTION_DEFINITION_CREATED", ActorID: w.Owner.ID, Actor: "ServiceAccount", Target: "Connection"}); e.Actor.TokenID != robot {
			t.Errorf("the event names the token %q, not %q", e.Actor.TokenID, robot)
		}
		c.refused(t, 403, "NOT_PERMITTED", "POST", "/tokens", obj{"name": "from a token", "scopes": []string{"safes:read"}, "expires_in_days": 1})

		mara := w.add("operator")
		mara.refused(t, 403, "NOT_PERMITTED", "DELETE", "/tokens/"+id, nil)
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID})
		w.Owner.must(t, "DELETE", "/tokens/"+id, nil)
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "revoked_by_admin", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "API Token", TargetID: id, Meta: obj{"owner_id": oscar.ID, "age_seconds": present}})
		c.refused(t, 401, "AUTH_FAILED", "GET", "/safes", nil)
		second, _ := oscar.token(t, "safes:read")
		oscar.must(t, "DELETE", "/tokens/"+second, nil)
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "revoked_by_owner", ActorID: oscar.ID, Actor: "User", TargetID: second})
	})
}

func TestAccountsLockAndTellNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		unknown := s.newPerson("nobody")
		words := p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": unknown.Email, "password": unknown.Password}).Detail
		for range 10 {
			said := p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": p.Email, "password": newSecret("wrong-password")}).Detail
			if said != words {
				t.Fatalf("a wrong password is told as %q, an unknown person as %q", said, words)
			}
		}
		w.saw(Want{Constant: "AUTH_LOCKED", Where: obj{"subject_user_id": p.ID}, Meta: obj{"failed_count": 10}})
		if said := p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/login", obj{"email": p.Email, "password": p.Password}).Detail; said != words {
			t.Errorf("a locked account is told as %q, an unknown person as %q", said, words)
		}
		v := w.safe(host(t), nil, p)
		r := p.run(t, v, "true")
		if r.Code != 255 {
			t.Errorf("a locked person came in by key: %s", r)
		}
	})
}

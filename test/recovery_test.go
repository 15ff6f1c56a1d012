package test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/notify"
)

// Somebody has lost every second factor and comes back, or is turned away.

// recoveryCase is a case as those see it who decide.
type recoveryCase struct {
	ID, State string
	Person    struct{ ID, Handle string }
}

// proof opens a case for p and gives what its link carries.
func (p *Person) proof(t testing.TB, nth int) (recovery, token string) {
	t.Helper()
	recovery = p.loses(t)
	_, token = p.s.letter(t, p.Email, notify.RecoveryProofKind, nth).Link()
	return recovery, token
}

// asks opens a case for p and proves the mailbox.
func (p *Person) asks(t testing.TB, nth int) (recovery string) {
	t.Helper()
	recovery, proof := p.proof(t, nth)
	got := get[recoveryCase](t, p.nobody(t), "POST", "/auth/recovery/verify", obj{"proof": proof})
	if got.ID != recovery || got.State != "pending" {
		t.Fatalf("%+v", got)
	}
	return recovery
}

// approved is a case of p that an owner has approved, with its grant.
func (w *World) approved(p *Person, nth int) (recovery, grant string) {
	w.t.Helper()
	recovery = p.asks(w.t, nth)
	w.Owner.must(w.t, "POST", "/org/recoveries/"+recovery+"/approve", obj{"comment": "spoke with them"})
	_, grant = w.s.letter(w.t, p.Email, notify.RecoveryGrantKind, nth).Link()
	return recovery, grant
}

// redeem presents a grant together with the password.
func (p *Person) redeem(t testing.TB, grant string) Answer {
	t.Helper()
	in := p.login(t)
	return p.nobody(t).do(t, "POST", "/auth/recovery/redeem", obj{"challenge_id": in.MFA.ChallengeID, "grant": grant})
}

func problem(t testing.TB, a Answer) string {
	t.Helper()
	var p Problem
	a.into(t, &p)
	return p.Code
}

func TestLostFactorsAreRecovered(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p, adam := w.person("operator"), w.person("admin")
		_, token := p.token(t, "safes:read")
		rec, proof := p.proof(t, 1)
		about := obj{"recovery_id": rec}
		w.saw(Want{Constant: "MFA_RECOVERY_REQUESTED", TargetID: rec, Actor: "User", Target: "GovernanceAction", IP: p.Source,
			Where: about, Meta: obj{"subject_user_id": p.ID, "lost_methods": []string{"totp"}}})
		if got := list[recoveryCase](t, w.Owner.Client, "/org/recoveries"); len(got) != 0 {
			t.Errorf("a case without proof is in the queue: %+v", got)
		}
		p.nobody(t).must(t, "POST", "/auth/recovery/verify", obj{"proof": proof})
		w.saw(Want{Constant: "MFA_RECOVERY_VERIFIED", Actor: "User", Target: "GovernanceAction", Where: about, Meta: obj{"subject_user_id": p.ID, "channel": "email", "attempts": 1}})
		w.saw(Want{Constant: "MFA_RECOVERY_PENDING_ADMIN_APPROVAL", Actor: "System", Target: "GovernanceAction", Where: about,
			Meta: obj{"subject_user_id": p.ID, "approvers_notified": 2, "expires_at": present}})
		for _, who := range []*Person{w.Owner, adam} {
			l := s.letter(t, who.Email, notify.RecoveryWaitingKind, 1)
			if link, token := l.Link(); token != "" || link.Path != "/organization/recoveries" || !strings.Contains(l.Text, p.Email) {
				t.Errorf("%+v", l)
			}
		}
		got := list[recoveryCase](t, adam.Client, "/org/recoveries?state=pending")
		if len(got) != 1 || got[0].ID != rec || got[0].Person.ID != p.ID {
			t.Fatalf("%+v", got)
		}
		adam.must(t, "POST", "/org/recoveries/"+rec+"/approve", obj{"comment": "spoke with them"})
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: rec,
			Meta: obj{"recovery_id": rec, "subject_user_id": p.ID, "waited_seconds": present, "comment": "spoke with them"}})
		issued := w.saw(Want{Constant: "MFA_RECOVERY_GRANT_ISSUED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: rec,
			Meta: obj{"subject_user_id": p.ID, "grant_id": present, "expires_at": present, "delivered_via": "email"}})
		_, grant := s.letter(t, p.Email, notify.RecoveryGrantKind, 1).Link()
		a := p.redeem(t, grant)
		var in signedIn
		a.into(t, &in)
		secrets.add("access token", in.AccessToken)
		if a.Status != 200 || !in.Enrolment || in.AccessToken == "" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_CONSUMED", Actor: "User", Target: "GovernanceAction", TargetID: rec,
			Meta: obj{"recovery_id": rec, "subject_user_id": p.ID, "grant_id": issued.Metadata["grant_id"]}})
		limited := p.nobody(t).with(in.AccessToken)
		limited.refused(t, 403, "MFA_ENROLMENT_REQUIRED", "GET", "/safes", nil)
		before, oldCode := p.Client, p.Codes[0]
		p.Client, p.Codes = limited, nil
		p.addTOTP(t)
		if len(p.Codes) != 10 {
			t.Errorf("%d backup codes", len(p.Codes))
		}
		done := w.saw(Want{Constant: "MFA_RECOVERY_COMPLETED", ActorID: p.ID, Actor: "User", Target: "GovernanceAction", TargetID: rec,
			Meta: obj{"subject_user_id": p.ID, "grant_id": issued.Metadata["grant_id"], "new_mfa_method": "totp", "methods_removed": []string{"backup_code", "totp"}}})
		w.saw(Want{Constant: "MFA_SESSIONS_INVALIDATED", ActorID: p.ID, Actor: "User", Target: "Tenant", TargetID: w.Org,
			Where: obj{"invalidation_cause": "recovery_completed"}, Meta: obj{"subject_user_id": p.ID, "sessions_ended": 2, "tokens_revoked": 1, "caused_by": done.ID}})
		for what, c := range map[string]*Client{"old session": before, "recovery's session": limited, "token": token} {
			if a := c.do(t, "GET", "/auth/me", nil); a.Status != 401 {
				t.Errorf("the %s is still good: %d %s", what, a.Status, a.Body)
			}
		}
		if a := p.answer(t, p.login(t), "backup_code", oldCode); a.Status != 401 {
			t.Errorf("an old backup code opens: %d", a.Status)
		}
		s.letter(t, p.Email, notify.RecoveryCompletedKind, 1)
		p.Client = p.signIn(t)
		if got := problem(t, p.redeem(t, grant)); got != "RECOVERY_GRANT_USED" {
			t.Errorf("a second use: %s", got)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_CONSUMED", Outcome: "denied", Reason: "already_used", TargetID: rec})
	})
}

func TestRecoveriesAreDeniedAndRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p, adam, ola := w.person("operator"), w.person("admin"), w.add("operator")
		p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/recovery", obj{"challenge_id": "chl_nonsense.x"})
		rec, proof := p.proof(t, 1)
		in := p.login(t)
		p.nobody(t).refused(t, 409, "RECOVERY_OPEN", "POST", "/auth/recovery", obj{"challenge_id": in.MFA.ChallengeID})
		w.saw(Want{Constant: "MFA_RECOVERY_REQUESTED", Outcome: "denied", Reason: "open_case_exists", Where: obj{"subject_user_id": p.ID}})
		wrong := newSecret("recovery-proof-of-forty-three-characters-xx")[:43]
		p.nobody(t).refused(t, 401, "RECOVERY_PROOF_INVALID", "POST", "/auth/recovery/verify", obj{"proof": rec + "." + wrong})
		w.saw(Want{Constant: "MFA_RECOVERY_VERIFIED", Outcome: "failure", Reason: "wrong_proof", Where: obj{"recovery_id": rec}, Meta: obj{"attempts": 1}})
		p.nobody(t).refused(t, 401, "RECOVERY_PROOF_INVALID", "POST", "/auth/recovery/verify", obj{"proof": "nonsense"})
		p.nobody(t).must(t, "POST", "/auth/recovery/verify", obj{"proof": proof})
		p.nobody(t).refused(t, 409, "RECOVERY_PROOF_USED", "POST", "/auth/recovery/verify", obj{"proof": proof})

		at := "/org/recoveries/" + rec
		ola.refused(t, 403, "NOT_PERMITTED", "GET", "/org/recoveries", nil)
		ola.refused(t, 403, "NOT_PERMITTED", "POST", at+"/approve", nil)
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", Outcome: "denied", Reason: "not_permitted", ActorID: ola.ID, Where: obj{"recovery_id": rec}})
		_, robot := adam.token(t, "*")
		robot.refused(t, 403, "NOT_PERMITTED", "POST", at+"/approve", nil)
		other := newWorld(t, s)
		other.Owner.refused(t, 404, "NOT_FOUND", "POST", at+"/approve", nil)
		other.Owner.refused(t, 404, "NOT_FOUND", "GET", at, nil)
		s.Root.refused(t, 404, "NOT_FOUND", "GET", "/platform/recoveries/"+rec, nil)
		adam.proved(t, time.Hour)
		adam.refused(t, 403, "STEP_UP_REQUIRED", "POST", at+"/deny", nil)
		w.saw(Want{Constant: "MFA_RECOVERY_DENIED", Outcome: "denied", Reason: "not_permitted", ActorID: adam.ID, Where: obj{"recovery_id": rec}})
		adam.Client = adam.signIn(t)
		adam.must(t, "POST", at+"/deny", obj{"comment": "not her voice"})
		w.saw(Want{Constant: "MFA_RECOVERY_DENIED", ActorID: adam.ID, Actor: "OrgAdmin", Target: "GovernanceAction", TargetID: rec,
			Meta: obj{"subject_user_id": p.ID, "waited_seconds": present, "comment": "not her voice"}})
		if l := s.letter(t, p.Email, notify.RecoveryDeniedKind, 1); !strings.Contains(l.Text, "not her voice") {
			t.Errorf("%+v", l)
		}
		adam.refused(t, 409, "RECOVERY_CLOSED", "POST", at+"/approve", nil)
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", Outcome: "denied", Reason: "case_closed", ActorID: adam.ID})
		p.must(t, "GET", "/auth/me", nil) // nothing of theirs has ended

		// Nobody decides their own.
		mine := adam.asks(t, 1)
		adam.refused(t, 403, "SELF_APPROVAL", "POST", "/org/recoveries/"+mine+"/approve", nil)
		w.saw(Want{Constant: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED", Outcome: "denied", Reason: "self_approval", ActorID: adam.ID, Actor: "OrgAdmin", TargetID: mine,
			Meta: obj{"case_kind": "mfa_recovery", "case_id": mine, "requester_id": adam.ID, "decided_via": "direct"}})
	})
}

func TestRecoveryGrantsAreForOnePerson(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p, ola := w.person("operator"), w.add("operator")
		rec, grant := w.approved(p, 1)
		if got := problem(t, ola.redeem(t, grant)); got != "RECOVERY_GRANT_INVALID" {
			t.Errorf("another person: %s", got)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_CONSUMED", Outcome: "denied", Reason: "wrong_user", Where: obj{"recovery_id": rec}, Meta: obj{"subject_user_id": p.ID}})
		if got := problem(t, p.redeem(t, "nonsense")); got != "RECOVERY_GRANT_INVALID" {
			t.Errorf("nonsense: %s", got)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_CONSUMED", Outcome: "denied", Reason: "unknown", Where: obj{"subject_user_id": p.ID}})
		p.nobody(t).refused(t, 401, "AUTH_FAILED", "POST", "/auth/recovery/redeem", obj{"challenge_id": "chl_nonsense.x", "grant": grant})
		s.outside(t, `update mfa_recovery set expires_at = $1 where id = $2 /* platform-wide: a test */`, time.Now().Add(-time.Second).UnixMicro(), rec)
		if got := problem(t, p.redeem(t, grant)); got != "RECOVERY_GRANT_EXPIRED" {
			t.Errorf("too late: %s", got)
		}
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_CONSUMED", Outcome: "denied", Reason: "expired", Where: obj{"recovery_id": rec}})
		w.saw(Want{Constant: "MFA_RECOVERY_EXPIRED", Actor: "System", Target: "GovernanceAction", TargetID: rec, Where: obj{"stage": "grant"}, Meta: obj{"subject_user_id": p.ID, "grant_id": present}})
	})
}

func TestRecoveriesExpireByTheClock(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		late := func(rec string) {
			s.outside(t, `update mfa_recovery set expires_at = $1 where id = $2 /* platform-wide: a test */`, time.Now().Add(-time.Second).UnixMicro(), rec)
		}
		rec, proof := p.proof(t, 1)
		late(rec)
		p.nobody(t).refused(t, 409, "RECOVERY_EXPIRED", "POST", "/auth/recovery/verify", obj{"proof": proof})
		w.saw(Want{Constant: "MFA_RECOVERY_EXPIRED", Actor: "System", Target: "GovernanceAction", TargetID: rec, Meta: obj{"subject_user_id": p.ID, "stage": "verification"}})
		rec = p.asks(t, 2)
		late(rec)
		w.Owner.refused(t, 409, "RECOVERY_CLOSED", "POST", "/org/recoveries/"+rec+"/approve", nil)
		w.saw(Want{Constant: "MFA_RECOVERY_EXPIRED", Actor: "System", TargetID: rec, Meta: obj{"stage": "approval"}})
		rec, proof = p.proof(t, 3)
		name, _, _ := strings.Cut(proof, ".")
		for range 5 {
			p.nobody(t).refused(t, 401, "RECOVERY_PROOF_INVALID", "POST", "/auth/recovery/verify", obj{"proof": name + "." + strings.Repeat("x", 42) + "A"})
		}
		w.saw(Want{Constant: "MFA_RECOVERY_VERIFIED", Outcome: "failure", Reason: "attempts_exhausted", TargetID: rec, Meta: obj{"attempts": 5}})
		if a := p.nobody(t).do(t, "POST", "/auth/recovery/verify", obj{"proof": proof}); a.Status < 400 {
			t.Errorf("the right proof after five wrong ones: %d %s", a.Status, a.Body)
		}
		in := p.login(t)
		p.nobody(t).refused(t, 429, "RATE_LIMITED", "POST", "/auth/recovery", obj{"challenge_id": in.MFA.ChallengeID})
		w.saw(Want{Constant: "MFA_RECOVERY_REQUESTED", Outcome: "denied", Reason: "rate_limited", Where: obj{"subject_user_id": p.ID}})
	})
}

func TestThePlatformRecoversWhomNobodyElseMay(t *testing.T) {
	// A server of its own: elsewhere other tests make administrators who may decide.
	ownEach(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		adam := w.person("admin") // may not decide an owner's
		rec := w.Owner.asks(t, 1)
		adam.refused(t, 404, "NOT_FOUND", "POST", "/org/recoveries/"+rec+"/approve", nil)
		s.Root.proved(t, 0)
		s.Root.must(t, "POST", "/platform/recoveries/"+rec+"/approve", nil)
		w.saw(Want{Constant: "MFA_RECOVERY_APPROVED", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: rec, Meta: obj{"subject_user_id": w.Owner.ID}})
		w.saw(Want{Constant: "MFA_RECOVERY_GRANT_ISSUED", ActorID: s.Root.ID, Actor: "PlatformAdmin", TargetID: rec})
		in := s.Root.login(t)
		s.Root.nobody(t).refused(t, 409, "RECOVERY_NOT_ELIGIBLE", "POST", "/auth/recovery", obj{"challenge_id": in.MFA.ChallengeID})
		found := false
		for _, e := range s.ledger().events(t, "MFA_RECOVERY_REQUESTED") {
			found = found || e.Reason == "not_eligible" && e.Metadata["subject_user_id"] == s.Root.ID
		}
		if !found {
			t.Error("the platform's ledger does not tell of the refusal")
		}
	})
}

// The person's side and the administrator's, by the command line.
func TestRecoveryByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		p := w.person("operator")
		run := func(env []string, stdin string, args ...string) string {
			t.Helper()
			cmd := exec.Command(theCommand(t), args...)
			cmd.Env = append([]string{"HOME=" + t.TempDir(), "VAULTPAM_BASE_URL=" + s.URL, "VAULTPAM_CA_FILE=" + s.Dir + "/tls/ca.pem", "PATH=/usr/bin:/bin"}, env...)
			cmd.Stdin = strings.NewReader(stdin)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("vaultpam %s: %v\n%s", strings.Join(args, " "), err, out)
			}
			drove(args)
			return string(out)
		}
		me := []string{"VAULTPAM_EMAIL=" + p.Email, "VAULTPAM_PASSWORD=" + p.Password}
		run(me, "", "recover", "request", "--lost", "totp")
		link, _ := s.letter(t, p.Email, notify.RecoveryProofKind, 1).Link()
		run(me, link.String()+"\n", "recover", "confirm", "--link-stdin")
		cases := list[recoveryCase](t, w.Owner.Client, "/org/recoveries?state=pending")
		if len(cases) != 1 {
			t.Fatalf("%+v", cases)
		}
		_, reader := w.Owner.token(t, "members:read", "mail:read")
		env := []string{"VAULTPAM_TOKEN=" + reader.bearer}
		if out := run(env, "", "recovery", "list"); !strings.Contains(out, p.Handle) || !strings.Contains(out, "pending") {
			t.Errorf("%s", out)
		}
		if out := run(env, "", "mail", "list"); !strings.Contains(out, p.Email) || !strings.Contains(out, string(notify.RecoveryProofKind)) {
			t.Errorf("%s", out)
		}
		sent := w.mailTo(p.Email, "sent")
		if out := run(env, "", "mail", "show", sent.ID); !strings.Contains(out, "sent") {
			t.Errorf("%s", out)
		}
	})
}

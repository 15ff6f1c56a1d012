package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// A session that does not come about says why to the person, and to the ledger.

func TestLaunchesAreRefusedWithTheirReason(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, other := w.person("operator"), newWorld(t, s)
		refused := func(v *Safe, reason string, more Want) {
			t.Helper()
			more.Constant, more.Outcome, more.Reason = "SESSION_START_REQUESTED", "denied", reason
			more.Actor, more.Target = "User", "Connection"
			if v != nil {
				more.Where = obj{"safe_id": v.ID}
			}
			w.saw(more)
		}
		stranger := w.safe(host(t), nil)
		told := oscar.isRefused(t, stranger, "no safe", stranger.Name).Stderr
		refused(stranger, "not_a_member", Want{ActorID: oscar.ID, IP: oscar.Source})
		for name, v := range map[string]*Safe{"unknown": {Name: "s-" + random(4)}, "of another organization": other.safe(host(t), nil)} {
			if said := oscar.isRefused(t, v).Stderr; strings.ReplaceAll(said, v.Name, "") != strings.ReplaceAll(told, stranger.Name, "") {
				t.Errorf("a safe that is %s is told apart: %q, not %q", name, said, told)
			}
		}
		if n := len(w.ledger().events(t, "SESSION_START_REQUESTED", "actor", oscar.ID)); n != 3 {
			t.Errorf("%d refused launches are told, not 3", n)
		}
		other.hasNone(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "not_a_member"})

		day := strings.ToLower(time.Now().UTC().Add(72 * time.Hour).Format("Mon"))
		closed := w.safe(host(t), obj{"valid_hours": obj{"days": []string{day}, "from": "08:00", "to": "09:00", "time_zone": "UTC"}}, oscar)
		oscar.isRefused(t, closed, "hours")
		refused(closed, "outside_valid_hours", Want{ActorID: oscar.ID})

		elsewhere := w.safe(host(t), obj{"source_networks": []string{"192.0.2.0/24"}}, oscar)
		oscar.isRefused(t, elsewhere, "network")
		refused(elsewhere, "not_a_member", Want{ActorID: oscar.ID})

		off := w.safe(host(t), nil, oscar)
		w.Owner.must(t, "POST", "/accounts/"+off.Account+"/disable", nil)
		oscar.isRefused(t, off, "disabled")
		refused(off, "account_disabled", Want{ActorID: oscar.ID})

		audrey := w.person("auditor")
		w.join(off, audrey, "user")
		audrey.isRefused(t, off, "auditor")
		refused(off, "not_a_member", Want{ActorID: audrey.ID})

		if n := len(list[Session](t, w.Owner.Client, "/sessions")); n != 0 {
			t.Errorf("%d sessions came about", n)
		}
		s.ready(t)
	})
}

func TestStepUpIsDemandedAtLaunch(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), obj{"step_up": true}, oscar)
		_, token := oscar.token(t, "sessions:launch")
		token.refused(t, 403, "MFA_REQUIRED", "POST", "/sessions/launch", obj{"safe_id": v.ID})
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "mfa_required", Actor: "ServiceAccount", Target: "Connection", TargetID: v.Resource, Meta: obj{"safe_id": v.ID}})
		if r := oscar.run(t, v, "true"); r.Code != 255 {
			t.Errorf("a key alone opened a safe that wants a second factor: %s", r)
		}
		term := oscar.terminal(t, oscar.sshOptions(t), "PreferredAuthentications=publickey,keyboard-interactive", v, "echo came in")
		term.expect("One-time code: ")
		term.say(oscar.code(t))
		term.expect("came in")
		term.wait()
		w.saw(Want{Constant: "MFA_CHALLENGE_TRIGGERED", Where: obj{"subject_user_id": oscar.ID, "mfa_purpose": "step_up"}, Meta: obj{"safe_id": v.ID}})
		w.saw(Want{Constant: "MFA_VERIFICATION_SUCCEEDED", ActorID: oscar.ID, Where: obj{"mfa_purpose": "step_up"}})
		w.saw(Want{Constant: "SESSION_START_REQUESTED", ActorID: oscar.ID, Actor: "User", Where: obj{"safe_id": v.ID}})
		w.ended(v)
	})
}

func TestSessionsAtOnceAreLimited(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), obj{"max_sessions": 1}, oscar)
		first := oscar.open(t, v)
		oscar.isRefused(t, v, "session")
		w.saw(Want{Constant: "SESSION_START_REQUESTED", Outcome: "denied", Reason: "concurrency_limit", ActorID: oscar.ID, TargetID: v.Resource})
		first.Stdin.Close()
		if r := first.wait(); r.Code != 0 {
			t.Errorf("the first session: %s", r)
		}
		w.ended(v)
		oscar.succeeds(t, v, "true") // there is room again
		w.ended(v)
	})
}

func TestTargetsThatFailAreToldApart(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		for reason, spoil := range map[string]func(h *passwordHost){
			"upstream_unreachable": func(h *passwordHost) { h.ln.Close() },
			"upstream_auth_failed": func(h *passwordHost) { h.newPassword() },
			"host_key_mismatch":    func(h *passwordHost) { h.newHostKey(t) },
		} {
			h := newPasswordHost(t, nil)
			v := w.safe(h, nil, oscar)
			spoil(h)
			words := map[string][]string{"upstream_unreachable": {"target", "does not answer"}, "upstream_auth_failed": {"credential"}, "host_key_mismatch": {"host key"}}[reason]
			oscar.isRefused(t, v, words...)
			x := w.session(v)
			w.saw(Want{Constant: "SESSION_ESTABLISHED", Outcome: "failure", Reason: reason, Session: x.ID, Actor: "User", ActorID: oscar.ID, Target: "Session",
				Meta: obj{"safe_id": v.ID, "connection_id": v.Resource, "account_id": v.Account}})
			for _, never := range []string{"SESSION_TERMINATED_BY_USER", "SESSION_RECORDING_STARTED", "PROXY_SSH_SESSION_OPENED"} {
				w.hasNone(Want{Constant: never, Session: x.ID})
			}
		}
		s.ready(t)
	})
}

func TestKeysThatNobodyRegisteredAreRejected(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		good, public := oscar.KeyFile, ""
		oscar.KeyFile, public = newKeyFile(t, s.dir(), "unregistered")
		r := oscar.run(t, v, "true")
		if r.Code != 255 || !strings.Contains(r.Stderr, "Permission denied") {
			t.Errorf("an unknown key: %s", r)
		}
		oscar.run(t, v, "true") // the same again is folded, and told later with its count
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
		if err != nil {
			t.Fatal(err)
		}
		s.saw(t, Want{Constant: "PROXY_SSH_AUTH_REJECTED", Outcome: "denied", Reason: "key_not_authorised", Actor: "User", Target: "Session", IP: oscar.Source,
			Where: obj{"key_fingerprint": ssh.FingerprintSHA256(key)}, Meta: obj{"claimed_user": oscar.loginTo(v), "coalesced": 1, "client_version": present}})
		w.hasNone(Want{Constant: "SESSION_START_REQUESTED"})
		oscar.KeyFile = good
		oscar.succeeds(t, v, "true")
		w.ended(v)
	})
}

func TestNobodyIsToldWhoExists(t *testing.T) {
	s := shared(t, SQLite)
	t.Parallel()
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	said := map[string]string{}
	for who, handle := range map[string]string{"a person": oscar.Handle, "nobody": "nobody-" + random(4)} {
		p := *w.s.newPerson("x")
		p.Handle = handle
		p.KeyFile, _ = newKeyFile(t, s.dir(), "unregistered")
		r := p.run(t, v, "true")
		said[who] = strings.ReplaceAll(fmt.Sprint(r.Code, r.Stderr), handle, "")
	}
	if said["a person"] != said["nobody"] {
		t.Errorf("a person is told as %q, nobody as %q", said["a person"], said["nobody"])
	}
}

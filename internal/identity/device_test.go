package identity_test

import (
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func beginDevice(t *testing.T, w *World) identity.DeviceLogin {
	t.Helper()
	d, err := w.Identity.BeginDevice(t.Context(), "vaultpam on laptop", From)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// ask asks as the device does, once its interval is over.
func ask(t *testing.T, w *World, d identity.DeviceLogin) (identity.Session, error) {
	t.Helper()
	w.Clock.Pass(identity.DeviceInterval)
	return w.Identity.DeviceSession(t.Context(), d.DeviceCode, From)
}

func TestDeviceIsLetIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		d := beginDevice(t, w)
		if _, err := ask(t, w, d); fault.CodeOf(err) != identity.CodePending {
			t.Fatalf("before anybody has answered: %v", err)
		}
		if _, err := w.Identity.DeviceSession(t.Context(), d.DeviceCode, From); fault.CodeOf(err) != identity.CodeSlow {
			t.Fatalf("at once again: %v", err)
		}
		w.Expect(t)
		code := secret.FromString(" " + d.UserCode.RevealString()[:4] + " " + d.UserCode.RevealString()[5:] + "\n") // any spelling
		seen, err := w.Identity.LookUpDevice(t.Context(), owner.Actor, code)
		if err != nil || seen.Client != "vaultpam on laptop" || seen.SourceIP != "192.0.2.10" {
			t.Fatalf("%+v %v", seen, err)
		}
		if err := w.Identity.AnswerDevice(t.Context(), owner.Actor, code, true); err != nil {
			t.Fatal(err)
		}
		s, err := ask(t, w, d)
		if err != nil || s.Refresh.Empty() {
			t.Fatalf("%+v %v", s, err)
		}
		events := w.Expect(t, "AUTH_DEVICE_DECIDED", "AUTH_SIGN_IN_SUCCEEDED")
		if Meta(events[0], "device_client") != "vaultpam on laptop" || Meta(events[1], "sign_in_method") != "device" || events[1].Actor.ID != string(owner.ID) {
			t.Errorf("%+v", events)
		}
		a, err := w.Identity.ByBearer(t.Context(), s.Token, "", From)
		if err != nil || a.User != owner.ID || !a.MFAAt.Equal(owner.Actor.MFAAt) {
			t.Errorf("%+v %v", a, err)
		}
		if _, err := ask(t, w, d); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("a second time: %v", err)
		}
		if err := w.Identity.AnswerDevice(t.Context(), owner.Actor, d.UserCode, true); fault.CodeOf(err) != "UNKNOWN_CODE" {
			t.Errorf("answered twice: %v", err)
		}
	})
}

func TestDevicesThatAreNotLetIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		d := beginDevice(t, w)
		if err := w.Identity.AnswerDevice(t.Context(), owner.Actor, d.UserCode, false); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t, w, d); fault.CodeOf(err) != identity.CodeDenied {
			t.Errorf("sent away: %v", err)
		}
		late := beginDevice(t, w)
		w.Clock.Pass(10 * time.Minute)
		if _, err := ask(t, w, late); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("too late: %v", err)
		}
		w.Take(t)
		if err := w.Identity.AnswerDevice(t.Context(), owner.Actor, late.UserCode, true); fault.CodeOf(err) != "UNKNOWN_CODE" {
			t.Errorf("answered too late: %v", err)
		}
		w.Expect(t, "AUTH_DEVICE_DECIDED unknown_code")
		for _, typed := range []string{"", "BCDF", "AAAA-AAAA", "bcdf-ghj1", string(make([]byte, 100))} {
			if _, err := w.Identity.LookUpDevice(t.Context(), owner.Actor, secret.FromString(typed)); fault.CodeOf(err) != "UNKNOWN_CODE" {
				t.Errorf("%q: %v", typed, err)
			}
		}
		for _, code := range []string{"", "vpdc_", "vpat_" + d.DeviceCode.RevealString()[5:], d.UserCode.RevealString()} {
			if _, err := w.Identity.DeviceSession(t.Context(), secret.FromString(code), From); fault.CodeOf(err) != identity.CodeExpired {
				t.Errorf("%q: %v", code, err)
			}
		}
		// Who answers with a stale factor, with an API token, or is suspended in between.
		third := beginDevice(t, w)
		_, shown, err := w.Identity.CreateToken(t.Context(), w.Again(t, owner, "").Actor, identity.CreateTokenArgs{Name: "t", Scopes: []string{"*"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		robot, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if err := w.Identity.AnswerDevice(t.Context(), robot, third.UserCode, true); !fault.Is(err, fault.Denied) {
			t.Errorf("by a token: %v", err)
		}
		stale := owner.Actor
		stale.MFAAt = w.Clock.Now().Add(-16 * time.Minute)
		if err := w.Identity.AnswerDevice(t.Context(), stale, third.UserCode, true); fault.CodeOf(err) != "STEP_UP_REQUIRED" {
			t.Errorf("with a stale factor: %v", err)
		}
		w.Expect(t, "AUTH_DEVICE_DECIDED not_permitted", "AUTH_DEVICE_DECIDED mfa_required")
		if err := w.Identity.AnswerDevice(t.Context(), w.Again(t, owner, "").Actor, third.UserCode, true); err != nil {
			t.Fatal(err)
		}
		if _, err := w.DB.Raw().Exec(`update person set state = 'suspended' where id = $1`, string(owner.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := ask(t, w, third); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("of somebody suspended: %v", err)
		}
	})
}

func TestApprovedDeviceSignsInOnce(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		d := beginDevice(t, w)
		if err := w.Identity.AnswerDevice(t.Context(), owner.Actor, d.UserCode, true); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		in := make(chan bool, 8)
		for range cap(in) {
			wg.Go(func() {
				_, err := w.Identity.DeviceSession(t.Context(), d.DeviceCode, From)
				in <- err == nil
			})
		}
		wg.Wait()
		close(in)
		n := 0
		for ok := range in {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d sign-ins by one code", n)
		}
	})
}

// device is somebody's signed-in device.
func device(t *testing.T, w *World, s Someone) identity.Session {
	t.Helper()
	d := beginDevice(t, w)
	if err := w.Identity.AnswerDevice(t.Context(), s.Actor, d.UserCode, true); err != nil {
		t.Fatal(err)
	}
	out, err := ask(t, w, d)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDeviceRefreshesItsSignIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		s := device(t, w, owner)
		alive := func(token secret.Secret) bool {
			_, err := w.Identity.ByBearer(t.Context(), token, "", From)
			return err == nil
		}
		w.Take(t)
		for range 23 { // of half an hour each
			w.Clock.Pass(30 * time.Minute)
			if alive(s.Token) {
				t.Fatal("a token outlived its half hour")
			}
			if err := w.Identity.Sweep(t.Context()); err != nil { // idle sign-ins end; this one waits to be refreshed
				t.Fatal(err)
			}
			next, err := w.Identity.Refresh(t.Context(), s.Refresh, From)
			if err != nil || next.ID != s.ID || !alive(next.Token) || alive(s.Token) {
				t.Fatalf("%+v %v", next, err)
			}
			s = next
		}
		w.Clock.Pass(30 * time.Minute)
		if _, err := w.Identity.Refresh(t.Context(), s.Refresh, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after twelve hours: %v", err)
		}
	})
}

func TestCopiedRefreshTokenEndsTheSignIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		first := device(t, w, owner)
		second, err := w.Identity.Refresh(t.Context(), first.Refresh, From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.Refresh(t.Context(), first.Refresh, From); fault.CodeOf(err) != "REFRESHED_MEANWHILE" {
			t.Errorf("at once: %v", err)
		}
		w.Clock.Pass(31 * time.Second)
		w.Take(t)
		if _, err := w.Identity.Refresh(t.Context(), first.Refresh, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("later: %v", err)
		}
		events := w.Expect(t, "AUTH_SIGNED_OUT copied", "SECURITY_INCIDENT_FLAGGED")
		if Meta(events[1], "detector") != "refresh_token_reuse" || Meta(events[1], "object_id") != string(first.ID) {
			t.Errorf("%+v", events[1].Metadata)
		}
		if _, err := w.Identity.Refresh(t.Context(), second.Refresh, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the good one: %v", err)
		}
		if _, err := w.Identity.ByBearer(t.Context(), second.Token, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("its token: %v", err)
		}
		for _, junk := range []string{"", "vprt_", second.Token.RevealString(), second.Refresh.RevealString() + "x"} {
			if _, err := w.Identity.Refresh(t.Context(), secret.FromString(junk), From); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%q: %v", junk, err)
			}
		}
	})
}

func TestSignInsOfOneself(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		again := w.Again(t, bob, "")
		dev := device(t, w, again)
		list, err := w.Identity.WebSessions(t.Context(), again.Actor)
		if err != nil || len(list) != 3 {
			t.Fatalf("%+v %v", list, err)
		}
		for _, x := range list {
			if x.Current != (x.ID == again.Actor.WebSession) || x.SourceIP != "192.0.2.10" || x.UserAgent != "test" {
				t.Errorf("%+v", x)
			}
		}
		w.Take(t)
		if err := w.Identity.EndWebSession(t.Context(), owner.Actor, dev.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		if err := w.Identity.EndWebSession(t.Context(), again.Actor, dev.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.Refresh(t.Context(), dev.Refresh, From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("an ended sign-in is refreshed: %v", err)
		}
		if n, err := w.Identity.EndOtherWebSessions(t.Context(), again.Actor); n != 1 || err != nil {
			t.Errorf("%d %v", n, err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT by_user", "AUTH_SIGNED_OUT by_user")
		w.LiveSessions = 2
		if _, err := w.Identity.SignOutMember(t.Context(), again.Actor, owner.ID, ""); !fault.Is(err, fault.Denied) || w.LiveSessions != 2 {
			t.Errorf("by an operator: %v", err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT not_permitted")
		if _, err := w.Identity.MemberWebSessions(t.Context(), again.Actor, owner.ID); !fault.Is(err, fault.Denied) {
			t.Errorf("somebody without the right lists sign-ins: %v", err)
		}
		if _, err := w.Identity.MemberWebSessions(t.Context(), owner.Actor, w.Admin.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("sign-ins of somebody who is no member: %v", err)
		}
		if l, err := w.Identity.MemberWebSessions(t.Context(), owner.Actor, bob.ID); err != nil || len(l) == 0 || l[0].Current || l[0].SourceIP == "" {
			t.Errorf("%+v %v", l, err)
		}
		ada := w.Member(t, owner, "ada", authz.Admin)
		w.Take(t)
		if _, err := w.Identity.SignOutMember(t.Context(), ada.Actor, owner.ID, ""); fault.CodeOf(err) != "ROLE_ABOVE_ACTOR" || w.LiveSessions != 2 {
			t.Errorf("an admin signs an owner out: %v", err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT not_permitted")
		// One sign-in of a member, by whoever may end them all.
		second := w.Again(t, bob, string(owner.Org()))
		w.Take(t)
		end := func(by, of Someone, web id.WebSession) (identity.Ended, error) {
			return w.Identity.EndMemberWebSession(t.Context(), by.Actor, of.ID, web, "")
		}
		for what, c := range map[string]struct {
			by, of Someone
			web    id.WebSession
			kind   fault.Kind
			events []string
		}{
			"by an operator":         {again, owner, owner.Actor.WebSession, fault.Denied, []string{"AUTH_SIGNED_OUT not_permitted"}},
			"of an owner":            {ada, owner, owner.Actor.WebSession, fault.Denied, []string{"AUTH_SIGNED_OUT not_permitted"}},
			"another person's":       {owner, bob, ada.Actor.WebSession, fault.NotFound, nil},
			"of no member":           {owner, w.Admin, w.Admin.Actor.WebSession, fault.NotFound, nil},
			"one that does not live": {owner, bob, "web_x", fault.NotFound, nil},
		} {
			if _, err := end(c.by, c.of, c.web); !fault.Is(err, c.kind) || w.LiveSessions != 2 {
				t.Errorf("%s: %v", what, err)
			}
			w.Expect(t, c.events...)
		}
		if got, err := end(owner, bob, second.Actor.WebSession); err != nil || got.WebSessions != 1 || got.Sessions != 2 {
			t.Errorf("%+v %v", got, err)
		}
		if e := w.Expect(t, "AUTH_SIGNED_OUT by_admin")[0]; Meta(e, "sessions_ended") != "1" || Meta(e, "subject_user_id") != string(bob.ID) || e.OrgID != owner.Org() {
			t.Errorf("%+v", e)
		}
		if _, err := w.Identity.ByBearer(t.Context(), second.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the sign-in is still good: %v", err)
		}
		if _, err := end(owner, bob, second.Actor.WebSession); !fault.Is(err, fault.NotFound) {
			t.Errorf("twice: %v", err)
		}
		w.LiveSessions = 2

		got, err := w.Identity.SignOutMember(t.Context(), owner.Actor, bob.ID, "go home")
		if err != nil || got.WebSessions != 1 || got.Sessions != 2 {
			t.Errorf("%+v %v", got, err)
		}
		w.Expect(t, "AUTH_SIGNED_OUT by_admin")
		if _, err := w.Identity.SignOutMember(t.Context(), owner.Actor, w.Admin.ID, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody who is no member: %v", err)
		}
	})
}

// A device that is signed in lets its person prove a second factor where keys work.
func TestDeviceStepsUpInABrowser(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		own := device(t, w, owner)
		w.Clock.Pass(20 * time.Minute)
		at := func(s identity.Session) authz.Actor {
			t.Helper()
			a, err := w.Identity.ByBearer(t.Context(), s.Token, "", From)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		begin := func() identity.DeviceLogin {
			t.Helper()
			d, err := w.Identity.BeginDeviceStepUp(t.Context(), at(own), "a shell")
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		poll := func(d identity.DeviceLogin) error {
			w.Clock.Pass(identity.DeviceInterval)
			return w.Identity.DeviceStepUp(t.Context(), at(own), d.DeviceCode)
		}
		d := begin()
		if err := poll(d); fault.CodeOf(err) != identity.CodePending {
			t.Fatal(err)
		}
		if err := w.Identity.DeviceStepUp(t.Context(), at(own), d.DeviceCode); fault.CodeOf(err) != identity.CodeSlow {
			t.Errorf("at once again: %v", err)
		}
		if _, err := ask(t, w, d); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("it opens a session: %v", err)
		}
		if err := w.Identity.DeviceStepUp(t.Context(), bob.Actor, d.DeviceCode); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("somebody else's session asks: %v", err)
		}
		w.Take(t)
		if _, err := w.Identity.LookUpDevice(t.Context(), bob.Actor, d.UserCode); fault.CodeOf(err) != "UNKNOWN_CODE" {
			t.Errorf("somebody else sees it: %v", err)
		}
		w.Expect(t, "AUTH_DEVICE_DECIDED unknown_code")

		browser := w.Again(t, owner, "")
		w.Clock.Pass(time.Second)
		later := begin() // after the browser's factor was proved
		w.Take(t)
		w.Clock.Pass(time.Minute)
		seen, err := w.Identity.LookUpDevice(t.Context(), browser.Actor, later.UserCode)
		if err != nil || !seen.StepUp || seen.Client != "a shell" {
			t.Errorf("%+v %v", seen, err)
		}
		w.Clock.Pass(time.Second)
		if err := w.Identity.AnswerDevice(t.Context(), browser.Actor, later.UserCode, true); fault.CodeOf(err) != authz.StepUpRequired {
			t.Errorf("with a factor from before the question: %v", err)
		}
		w.Expect(t, "AUTH_DEVICE_DECIDED mfa_required")
		if authz.Fresh(at(own), authz.SelfManage, w.Clock.Now()) == nil {
			t.Fatal("fresh without a factor")
		}
		if err := w.Identity.AnswerDevice(t.Context(), browser.Actor, d.UserCode, true); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "AUTH_DEVICE_DECIDED")[0]; Meta(e, "device_decision") != "approved" || Meta(e, "device_client") != "a shell" {
			t.Errorf("%v", e.Metadata)
		}
		if a := at(own); authz.Fresh(a, authz.SelfManage, w.Clock.Now()) != nil || !a.MFAAt.Equal(browser.Actor.MFAAt) {
			t.Errorf("not fresh: %v, the browser's is of %v", a.MFAAt, browser.Actor.MFAAt)
		}
		if err := poll(d); err != nil {
			t.Errorf("the device is not told: %v", err)
		}
		if err := poll(d); fault.CodeOf(err) != identity.CodeExpired {
			t.Errorf("told twice: %v", err)
		}
		if err := w.Identity.AnswerDevice(t.Context(), browser.Actor, later.UserCode, false); err != nil {
			t.Fatal(err)
		}
		if err := poll(later); fault.CodeOf(err) != identity.CodeDenied {
			t.Errorf("sent away: %v", err)
		}
	})
}

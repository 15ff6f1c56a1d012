package invitation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/invitation"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// post is a mail server that keeps what it gets.
type post struct {
	mu      sync.Mutex
	letters []invitation.Letter
	fail    error
}

func (p *post) Prepare(_ context.Context, _ id.Org, l invitation.Letter) (func(context.Context, *db.Tx) error, error) {
	return func(_ context.Context, tx *db.Tx) error {
		tx.AfterCommit(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.letters = append(p.letters, l)
		})
		return p.fail
	}, nil
}

// last is the newest link to an address.
func (p *post) last(t *testing.T, to string) secret.Secret {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.letters) - 1; i >= 0; i-- {
		if p.letters[i].To == to {
			return p.letters[i].Token
		}
	}
	t.Fatalf("no letter to %s", to)
	return secret.Secret{}
}

// doors are the safes of a world: one, called by any id that begins with safe_.
type doors struct{ welcomed []string }

func (d *doors) Invitable(_ context.Context, _ *db.Tx, _ id.Org, s id.Safe, _ authz.SafeRole) error {
	if !strings.HasPrefix(string(s), "safe_") {
		return fault.New(fault.Invalid, "no safe %s", s)
	}
	return nil
}

func (d *doors) Welcome(_ context.Context, tx *db.Tx, act event.Act, org id.Org, s id.Safe, u id.User, r authz.SafeRole, by id.User) error {
	tx.AfterCommit(func() { d.welcomed = append(d.welcomed, fmt.Sprint(s, " ", r)) })
	return nil
}

// World is an organization that invites.
type world struct {
	*World
	inv   *invitation.Service
	post  *post
	doors *doors
	org   id.Org
	owner Someone
}

func each(t *testing.T, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := &world{World: New(t, d, identity.Limits{}).Setup(t), post: &post{}, doors: &doors{}}
		var err error
		w.inv, err = invitation.New(invitation.Deps{DB: d, Ledger: w.Ledger, Folder: w.Ledger.NewFolder(ledger.FoldWindow), People: w.Identity,
			Members: w.Tenancy, Safes: w.doors, Mail: w.post, Now: w.Clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		org, owner := w.Org(t, "acme")
		w.org, w.owner = org.ID, owner
		w.Take(t)
		f(t, w)
	})
}

func (w *world) send(t *testing.T, email string, role authz.Role) invitation.Invitation {
	t.Helper()
	i, err := w.inv.Send(t.Context(), w.owner.Actor, invitation.SendArgs{Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	w.Expect(t, "INVITATION_SENT")
	return i
}

func (w *world) start(t *testing.T, email string) invitation.Flow {
	t.Helper()
	f, err := w.inv.Start(t.Context(), w.post.last(t, email), From)
	if err != nil {
		t.Fatal(err)
	}
	w.Expect(t, "INVITE_ACCEPT_STARTED")
	return f
}

func newcomer(handle string) identity.NewPerson {
	return identity.NewPerson{Handle: handle, Name: "Somebody " + handle, Password: secret.FromString("a passphrase nobody knows")}
}

// again is somebody's actor in no particular organization.
func (w *world) actorOf(t *testing.T, s Someone) authz.Actor {
	t.Helper()
	a, err := w.Identity.ByBearer(t.Context(), s.Session, "", From)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSomebodyNewAccepts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		i, err := w.inv.Send(t.Context(), w.owner.Actor, invitation.SendArgs{Email: " Nora@Example.com ", Role: authz.Operator,
			Safes: []invitation.Place{{Safe: "safe_x", Role: authz.SafeUser}}})
		if err != nil || i.Email != "nora@example.com" || i.State != invitation.Pending || i.Inviter.Handle != w.owner.Handle {
			t.Fatalf("%+v %v", i, err)
		}
		e := w.Expect(t, "INVITATION_SENT")[0]
		if e.Actor.Type != "TenantAdmin" || e.Target.ID != string(i.ID) || Meta(e, "invitee_email") != "nora@example.com" || Meta(e, "safe_ids") != "[safe_x]" || e.OrgID != w.org {
			t.Errorf("%+v", e)
		}
		link := w.post.last(t, "nora@example.com")
		l, err := w.inv.Look(t.Context(), link, From)
		if err != nil || l.Known || l.OrgName != "Org acme" || l.Role != authz.Operator {
			t.Fatalf("%+v %v", l, err)
		}
		w.Expect(t) // looking leaves nothing
		f := w.start(t, "nora@example.com")
		w.Clock.Pass(90 * time.Second)
		j, err := w.inv.Accept(t.Context(), authz.Actor{}, invitation.AcceptArgs{Flow: f.Token, Person: newcomer("nora"), From: From})
		if err != nil || j.Role != authz.Operator || j.Session == nil || !j.Session.Enrolment {
			t.Fatalf("%+v %v", j, err)
		}
		got := w.Expect(t, "PASSWORD_CHANGED", "INVITATION_ACCEPTED", "INVITE_ACCEPTED", "AUTH_SIGN_IN_SUCCEEDED")
		if Meta(got[1], "member_user_id") != string(j.Person.ID) || Meta(got[1], "accepted_via") != "link" || Meta(got[1], "flow_id") != string(f.ID) || got[1].Actor.Type != "User" {
			t.Errorf("%+v", got[1])
		}
		if Meta(got[2], "accepted_event") != string(got[1].ID) || Meta(got[2], "identity_method") != "password" || Meta(got[2], "flow_seconds") != "90" {
			t.Errorf("%+v", got[2])
		}
		if fmt.Sprint(w.doors.welcomed) != "[safe_x user]" {
			t.Errorf("%v", w.doors.welcomed)
		}
		m, err := w.Tenancy.Members(t.Context(), w.owner.Actor, page.Request{})
		if err != nil || len(m.Items) != 2 || m.Items[0].Handle != "nora" || m.Items[0].Role != authz.Operator {
			t.Errorf("%+v %v", m, err)
		}
		list, err := w.inv.List(t.Context(), w.owner.Actor, invitation.Accepted, page.Request{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Member != j.Person.ID || list.Items[0].EndedAt.IsZero() {
			t.Errorf("%+v %v", list, err)
		}
		// Neither the link nor the flow works again.
		w.wrong(t, "the link", func() error { _, err := w.inv.Start(t.Context(), link, From); return err }, "INVITATION_USED", "INVITE_TOKEN_INVALID_OR_EXPIRED already_used")
		w.Clock.Pass(time.Minute)
		w.wrong(t, "the flow", func() error {
			_, err := w.inv.Accept(t.Context(), authz.Actor{}, invitation.AcceptArgs{Flow: f.Token, Person: newcomer("nora2"), From: From})
			return err
		}, "INVITATION_USED", "INVITE_TOKEN_INVALID_OR_EXPIRED already_used")
	})
}

// wrong runs a step that must be refused with this code and leave these events.
func (w *world) wrong(t *testing.T, what string, step func() error, code string, events ...string) {
	t.Helper()
	err := step()
	if err == nil || fault.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
	if got := Names(w.Take(t)); strings.Join(got, ", ") != strings.Join(events, ", ") {
		t.Errorf("%s: events %v, want %v", what, got, events)
	}
}

func TestSomebodyKnownAccepts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, other := w.Org(t, "globex")
		bob := w.Member(t, other, "bob", authz.Auditor)
		w.Take(t)
		w.send(t, bob.Email, authz.Admin)
		f := w.start(t, bob.Email)
		if !f.Known {
			t.Error("the landing page does not say that there is an account")
		}
		accept := func(a authz.Actor, flow secret.Secret) func() error {
			return func() error {
				_, err := w.inv.Accept(t.Context(), a, invitation.AcceptArgs{Flow: flow, Person: newcomer("bob2"), From: From})
				return err
			}
		}
		w.wrong(t, "nobody", accept(authz.Actor{}, f.Token), "SIGN_IN_REQUIRED")
		w.wrong(t, "another person", accept(other.Actor, f.Token), "EMAIL_MISMATCH", "INVITE_EMAIL_MISMATCH_BLOCKED email_mismatch")
		token := bob.Actor
		token.Kind = authz.Token
		w.wrong(t, "an API token", accept(token, f.Token), "NOT_PERMITTED")
		if err := accept(bob.Actor, f.Token)(); err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "INVITATION_ACCEPTED", "INVITE_ACCEPTED")
		if e[0].OrgID != w.org || e[0].Actor.ID != string(bob.ID) || Meta(e[0], "role") != "admin" {
			t.Errorf("%+v", e[0])
		}
		if orgs, err := w.Identity.OrgsOf(t.Context(), bob.ID); err != nil || len(orgs) != 2 || orgs[1].Role != authz.Admin {
			t.Errorf("%+v %v", orgs, err)
		}
	})
}

func TestOwnInvitationsWantAProvedAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, other := w.Org(t, "globex")
		bob := w.Member(t, other, "bob", authz.Auditor) // an account that an administrator made, for any address
		w.Take(t)
		i := w.send(t, bob.Email, authz.Operator)
		mine, err := w.inv.For(t.Context(), bob.Actor)
		if err != nil || len(mine) != 1 || mine[0].ID != i.ID || mine[0].OrgName() != "Org acme" {
			t.Fatalf("%+v %v", mine, err)
		}
		accept := func(who Someone) func() error {
			return func() error { _, err := w.inv.AcceptMine(t.Context(), who.Actor, i.ID); return err }
		}
		w.wrong(t, "not proved", accept(bob), "EMAIL_NOT_PROVED")
		w.wrong(t, "another's", accept(other), "NOT_FOUND")
		if err := w.DB.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) error { return w.Identity.ProveEmail(ctx, tx, bob.ID, bob.Email) }); err != nil {
			t.Fatal(err)
		}
		if err := accept(bob)(); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "INVITATION_ACCEPTED")[0]; Meta(e, "accepted_via") != "api" || e.Metadata["flow_id"] != nil {
			t.Errorf("%v", e.Metadata)
		}
		w.wrong(t, "twice", accept(bob), "NOT_FOUND")
	})
}

func TestSendingIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := w.Member(t, w.owner, "admin", authz.Admin)
		bob := w.Member(t, w.owner, "bob", authz.Operator)
		w.Take(t)
		w.send(t, "open@example.com", authz.Operator)
		send := func(a authz.Actor, s invitation.SendArgs) func() error {
			return func() error { _, err := w.inv.Send(t.Context(), a, s); return err }
		}
		to := func(email string, role authz.Role) invitation.SendArgs {
			return invitation.SendArgs{Email: email, Role: role}
		}
		w.wrong(t, "an operator", send(bob.Actor, to("x@example.com", authz.Operator)), "NOT_PERMITTED", "INVITATION_SENT not_permitted")
		w.wrong(t, "an admin makes an owner", send(admin.Actor, to("x@example.com", authz.Owner)), "ROLE_ABOVE_ACTOR", "INVITATION_SENT role_above_actor")
		w.wrong(t, "a member", send(w.owner.Actor, to("BOB@example.com", authz.Operator)), "ALREADY_MEMBER", "INVITATION_SENT already_member")
		w.wrong(t, "twice", send(w.owner.Actor, to("Open@Example.com", authz.Operator)), "ALREADY_INVITED", "INVITATION_SENT open_invitation")
		w.wrong(t, "no address", send(w.owner.Actor, to("nobody", authz.Operator)), "INVALID")
		w.wrong(t, "no role", send(w.owner.Actor, to("x@example.com", "king")), "INVALID")
		w.wrong(t, "no safe", send(w.owner.Actor, invitation.SendArgs{Email: "x@example.com", Role: authz.Operator, Safes: []invitation.Place{{Safe: "else_x", Role: authz.SafeUser}}}), "INVALID")
		w.wrong(t, "no role on a safe", send(w.owner.Actor, invitation.SendArgs{Email: "x@example.com", Role: authz.Operator, Safes: []invitation.Place{{Safe: "safe_x", Role: "king"}}}), "INVALID")
		w.wrong(t, "nobody", send(authz.Actor{}, to("x@example.com", authz.Operator)), "SIGN_IN_REQUIRED")
		domains := []string{"corp.example"}
		if _, err := w.Tenancy.Update(t.Context(), w.owner.Actor, tenancy.Patch{AllowedDomains: &domains}); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED")
		w.wrong(t, "another domain", send(w.owner.Actor, to("x@example.com", authz.Operator)), "DOMAIN_NOT_ALLOWED", "INVITATION_SENT domain_not_allowed")
		if _, err := w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, w.org, 4); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "TENANT_SETTINGS_UPDATED")
		w.wrong(t, "no seat", send(w.owner.Actor, to("x@corp.example", authz.Operator)), "SEAT_LIMIT", "INVITATION_SENT seat_limit")
		w.post.fail = errors.New("no mail")
		domains = nil
		if len(w.post.letters) != 1 {
			t.Errorf("%d letters", len(w.post.letters))
		}
	})
}

func TestSeveralAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		out, err := w.inv.SendMany(t.Context(), w.owner.Actor, []invitation.SendArgs{
			{Email: "a@example.com", Role: authz.Operator}, {Email: "wrong", Role: authz.Operator}, {Email: "A@example.com", Role: authz.Auditor}, {Email: "b@example.com", Role: authz.Auditor}})
		if err != nil || out[0].Invitation == nil || out[1].Err == nil || fault.CodeOf(out[2].Err) != "ALREADY_INVITED" || out[3].Invitation == nil {
			t.Fatalf("%+v %v", out, err)
		}
		w.Expect(t, "INVITATION_SENT", "INVITATION_SENT open_invitation", "INVITATION_SENT")
		if _, err := w.inv.SendMany(t.Context(), w.owner.Actor, nil); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
		if _, err := w.inv.SendMany(t.Context(), w.owner.Actor, make([]invitation.SendArgs, invitation.MaxBulk+1)); !fault.Is(err, fault.Invalid) {
			t.Error(err)
		}
	})
}

func TestResendVoidsTheOldLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob := w.Member(t, w.owner, "bob", authz.Operator)
		w.Take(t)
		i := w.send(t, "nora@example.com", authz.Operator)
		old := w.post.last(t, "nora@example.com")
		resend := func(a authz.Actor) func() error {
			return func() error { _, err := w.inv.Resend(t.Context(), a, i.ID); return err }
		}
		w.wrong(t, "at once", resend(w.owner.Actor), "RATE_LIMITED", "INVITATION_RESENT rate_limited")
		w.Clock.Pass(2 * time.Minute)
		w.wrong(t, "an operator", resend(bob.Actor), "NOT_PERMITTED", "INVITATION_RESENT not_permitted")
		if err := resend(w.owner.Actor)(); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "INVITATION_RESENT")[0]; Meta(e, "resend_count") != "1" || Meta(e, "invitation_scope") != "org" {
			t.Errorf("%v", e.Metadata)
		}
		w.wrong(t, "the old link", func() error { _, err := w.inv.Look(t.Context(), old, From); return err }, "INVITATION_SUPERSEDED", "INVITE_TOKEN_INVALID_OR_EXPIRED superseded")
		if _, err := w.inv.Look(t.Context(), w.post.last(t, "nora@example.com"), From); err != nil {
			t.Error(err)
		}
		w.Clock.Pass(invitation.Life)
		w.wrong(t, "an expired one", resend(w.owner.Actor), "INVITATION_NOT_PENDING", "INVITATION_RESENT not_pending")
	})
}

func TestRevokedAndExpired(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bob := w.Member(t, w.owner, "bob", authz.Operator)
		_, stranger := w.Org(t, "globex")
		w.Take(t)
		i := w.send(t, "nora@example.com", authz.Operator)
		f := w.start(t, "nora@example.com")
		revoke := func(a authz.Actor) func() error {
			return func() error { return w.inv.Revoke(t.Context(), a, i.ID) }
		}
		w.wrong(t, "an operator", revoke(bob.Actor), "NOT_PERMITTED", "INVITATION_REVOKED not_permitted")
		w.wrong(t, "another organization", revoke(stranger.Actor), "NOT_FOUND")
		if err := revoke(w.owner.Actor)(); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "INVITATION_REVOKED revoked_by_admin")
		w.wrong(t, "twice", revoke(w.owner.Actor), "INVITATION_NOT_PENDING")
		w.wrong(t, "its flow", func() error {
			_, err := w.inv.Accept(t.Context(), authz.Actor{}, invitation.AcceptArgs{Flow: f.Token, Person: newcomer("nora"), From: From})
			return err
		}, "INVITATION_REVOKED", "INVITE_TOKEN_INVALID_OR_EXPIRED revoked")

		second := w.send(t, "nora@example.com", authz.Operator)
		link := w.post.last(t, "nora@example.com")
		w.Clock.Pass(invitation.Life - time.Second)
		if _, err := w.inv.Look(t.Context(), link, From); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		w.Clock.Pass(time.Second)
		w.wrong(t, "a link past its time", func() error { _, err := w.inv.Look(t.Context(), link, From); return err }, "INVITATION_EXPIRED", "INVITE_TOKEN_INVALID_OR_EXPIRED expired")
		if err := w.inv.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "INVITATION_EXPIRED")[0]; e.Target.ID != string(second.ID) || e.Actor.Type != "System" {
			t.Errorf("%+v", e)
		}
		if err := w.inv.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Expect(t)
		w.send(t, "nora@example.com", authz.Operator)
		// A third that nobody has swept yet makes room for the next one.
		w.Clock.Pass(invitation.Life)
		w.owner = w.Again(t, w.owner, "acme")
		w.Take(t)
		if _, err := w.inv.Send(t.Context(), w.owner.Actor, invitation.SendArgs{Email: "nora@example.com", Role: authz.Operator}); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "INVITATION_EXPIRED", "INVITATION_SENT")
	})
}

func TestBadTokensAreFolded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 5 {
			if _, err := w.inv.Look(t.Context(), secret.FromString("vpin_"+strings.Repeat("A", 43)), From); fault.CodeOf(err) != "INVITATION_UNKNOWN" {
				t.Fatal(err)
			}
		}
		e := w.Expect(t, "INVITE_TOKEN_INVALID_OR_EXPIRED unknown")[0]
		if e.OrgID != "" || Meta(e, "invitation_scope") != "unknown" || Meta(e, "coalesced") != "1" {
			t.Errorf("%+v", e)
		}
		w.wrong(t, "malformed", func() error { _, err := w.inv.Start(t.Context(), secret.FromString("x"), From); return err }, "INVITATION_UNKNOWN", "INVITE_TOKEN_INVALID_OR_EXPIRED malformed")
		for range 50 {
			w.inv.Look(t.Context(), secret.FromString("x"), From)
		}
		if _, err := w.inv.Look(t.Context(), secret.FromString("x"), From); !fault.Is(err, fault.Exhausted) {
			t.Errorf("guessing has no end: %v", err)
		}
	})
}

func TestAcceptanceMeetsTheRulesAsTheyAre(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, other := w.Org(t, "globex")
		bob := w.Member(t, other, "bob", authz.Auditor)
		admin := w.Member(t, w.owner, "admin", authz.Admin)
		w.Take(t)
		i, err := w.inv.Send(t.Context(), admin.Actor, invitation.SendArgs{Email: bob.Email, Role: authz.Operator})
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		f := w.start(t, bob.Email)
		blocked := func(what, code, reason string) {
			t.Helper()
			w.wrong(t, what, func() error {
				_, err := w.inv.Accept(t.Context(), w.actorOf(t, bob), invitation.AcceptArgs{Flow: f.Token, From: From})
				return err
			}, code, "INVITATION_ACCEPT_BLOCKED "+reason)
		}
		step := func(what string, err error) {
			t.Helper()
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			w.Take(t)
		}
		if _, err := w.Tenancy.Suspend(t.Context(), w.Admin.Actor, w.org, "overdue"); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		blocked("suspended", "ORG_SUSPENDED", "org_suspended")
		_, err = w.Tenancy.Resume(t.Context(), w.Admin.Actor, w.org)
		step("resume", err)
		_, err = w.Tenancy.ChangeRole(t.Context(), w.owner.Actor, admin.ID, authz.Operator)
		step("demote the inviter", err)
		blocked("the inviter is an operator now", "INVITER_LOST_RIGHT", "inviter_lost_right")
		_, err = w.Tenancy.ChangeRole(t.Context(), w.owner.Actor, admin.ID, authz.Admin)
		step("promote the inviter", err)
		_, err = w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, w.org, 2)
		step("limit seats", err)
		blocked("no seat", "SEAT_LIMIT", "seat_limit")
		_, err = w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, w.org, 0)
		step("no limit", err)
		domains := []string{"corp.example"}
		_, err = w.Tenancy.Update(t.Context(), w.owner.Actor, tenancy.Patch{AllowedDomains: &domains})
		step("domains", err)
		blocked("another domain", "DOMAIN_NOT_ALLOWED", "domain_not_allowed")
		domains = []string{}
		_, err = w.Tenancy.Update(t.Context(), w.owner.Actor, tenancy.Patch{AllowedDomains: &domains})
		step("any domain", err)
		_, err = w.Tenancy.AddMember(t.Context(), w.owner.Actor, tenancy.AddMemberArgs{Person: identity.NewPerson{Email: bob.Email, Handle: "bob"}, Role: authz.Auditor})
		step("a member already", err)
		blocked("a member already", "ALREADY_MEMBER", "already_member")
		step("and no more", w.Tenancy.RemoveMember(t.Context(), w.owner.Actor, bob.ID))
		if list, err := w.inv.List(t.Context(), w.owner.Actor, invitation.Pending, page.Request{}); err != nil || len(list.Items) != 1 || list.Items[0].ID != i.ID {
			t.Errorf("a blocked acceptance has changed the invitation: %+v %v", list, err)
		}
		if _, err := w.inv.Accept(t.Context(), w.actorOf(t, bob), invitation.AcceptArgs{Flow: f.Token, From: From}); err != nil {
			t.Error(err)
		}
	})
}

func TestForcedSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, other := w.Org(t, "globex")
		bob := w.Member(t, other, "bob", authz.Auditor)
		w.Take(t)
		if _, err := w.inv.Send(t.Context(), w.owner.Actor, invitation.SendArgs{Email: bob.Email, Role: authz.Operator, RequireMFA: true}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		f := w.start(t, bob.Email)
		bare := bob.Actor
		bare.MFAAt = time.Time{} // as somebody is whom an identity provider let in
		w.wrong(t, "without a factor of their own", func() error {
			_, err := w.inv.Accept(t.Context(), bare, invitation.AcceptArgs{Flow: f.Token, From: From})
			return err
		}, "STEP_UP_REQUIRED")
		if _, err := w.inv.Accept(t.Context(), bob.Actor, invitation.AcceptArgs{Flow: f.Token, From: From}); err != nil {
			t.Error(err)
		}
	})
}

func TestAnIdentityProviderAcceptsForTheInvited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, other := w.Org(t, "globex")
		bob := w.Member(t, other, "bob", authz.Auditor)
		w.Take(t)
		match := func(email string) (invited, joined bool) {
			t.Helper()
			err := w.DB.InPlatform(t.Context(), func(ctx context.Context, tx *db.Tx) (err error) {
				invited, joined, err = w.inv.Match(ctx, tx, From, w.org, email, func() (id.User, error) { return bob.ID, nil })
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return invited, joined
		}
		if invited, _ := match(bob.Email); invited {
			t.Error("somebody is invited whom nobody has asked")
		}
		w.Expect(t)
		if _, err := w.inv.Send(t.Context(), w.owner.Actor, invitation.SendArgs{Email: bob.Email, Role: authz.Operator, RequireMFA: true}); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, err := w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, w.org, 1); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if invited, joined := match(bob.Email); !invited || joined {
			t.Error(invited, joined)
		}
		if e := w.Expect(t, "INVITATION_ACCEPT_BLOCKED seat_limit")[0]; Meta(e, "accepted_via") != "sso_match" {
			t.Errorf("%v", e.Metadata)
		}
		if _, err := w.Tenancy.SetSeats(t.Context(), w.Admin.Actor, w.org, 0); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		if _, joined := match(bob.Email); !joined {
			t.Error("not let in")
		}
		if e := w.Expect(t, "INVITATION_ACCEPTED")[0]; Meta(e, "accepted_via") != "sso_match" || e.Actor.ID != string(bob.ID) || e.Metadata["flow_id"] != nil {
			t.Errorf("%+v", e)
		}
		own := false
		err := w.DB.ReadOrg(t.Context(), w.org, func(ctx context.Context, tx *db.Tx) (err error) {
			own, err = w.Tenancy.OwnFactor(ctx, tx, w.org, bob.ID)
			return err
		})
		if err != nil || !own {
			t.Errorf("no factor of their own is demanded of the forced one: %v", err)
		}
	})
}

func TestWhoLeavesTakesTheirPromisesAlong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		admin := w.Member(t, w.owner, "admin", authz.Admin)
		if _, err := w.inv.Send(t.Context(), admin.Actor, invitation.SendArgs{Email: "nora@example.com", Role: authz.Operator}); err != nil {
			t.Fatal(err)
		}
		w.send2(t)
		err := w.DB.InOrg(t.Context(), w.org, func(ctx context.Context, tx *db.Tx) error {
			return w.inv.UserLeft(ctx, tx, event.By(w.owner.Actor, event.TenantAdmin), w.org, admin.ID)
		})
		if err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "INVITATION_REVOKED inviter_removed")[0]; e.Actor.Type != "System" || Meta(e, "invitee_email") != "nora@example.com" {
			t.Errorf("%+v", e)
		}
		err = w.DB.InOrg(t.Context(), w.org, func(ctx context.Context, tx *db.Tx) error {
			return w.inv.OrgDeleted(ctx, tx, event.By(w.owner.Actor, event.TenantAdmin), w.org)
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "INVITATION_REVOKED org_suspended")
	})
}

// send2 invites one more person on the owner's behalf.
func (w *world) send2(t *testing.T) {
	t.Helper()
	w.Take(t)
	w.send(t, "otto@example.com", authz.Operator)
}

// Two browsers that end the same flow at once make one member.
func TestOneFlowEndsOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.send(t, "nora@example.com", authz.Operator)
		f := w.start(t, "nora@example.com")
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for n := range errs {
			wg.Go(func() {
				_, errs[n] = w.inv.Accept(t.Context(), authz.Actor{}, invitation.AcceptArgs{Flow: f.Token, Person: newcomer("nora" + string(rune('a'+n))), From: From})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.Is(err, fault.Internal) {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d acceptances: %v", won, errs)
		}
		if m, _ := w.Tenancy.Members(t.Context(), w.owner.Actor, page.Request{}); len(m.Items) != 2 {
			t.Errorf("%d members", len(m.Items))
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add("vpin_" + strings.Repeat("A", 43))
	f.Add("vpin_")
	f.Add(" vpif_x\n")
	f.Fuzz(func(t *testing.T, s string) {
		hash, ok := invitation.ParseLink(s)
		if ok != (hash != nil) {
			t.Fatalf("%q: %v %v", s, hash, ok)
		}
		if !ok {
			return
		}
		text := strings.TrimSpace(s)
		if len(text) != 48 || !strings.HasPrefix(text, "vpin_") {
			t.Fatalf("%q passes", s)
		}
		if again, ok := invitation.ParseLink(text); !ok || string(again) != string(hash) {
			t.Fatalf("%q means two things", s)
		}
	})
}

package signup_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/signup"
)

// post is a mail server that keeps what it gets.
type post struct {
	mu    sync.Mutex
	links []signup.Link
	told  []string
}

func (p *post) queue(f func()) (signup.Queue, error) {
	return func(_ context.Context, tx *db.Tx) error {
		tx.AfterCommit(func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			f()
		})
		return nil
	}, nil
}

func (p *post) Link(_ context.Context, l signup.Link) (signup.Queue, error) {
	return p.queue(func() { p.links = append(p.links, l) })
}

func (p *post) Approved(_ context.Context, to, name, slug string) (signup.Queue, error) {
	return p.queue(func() { p.told = append(p.told, fmt.Sprint("approved ", to, " ", name, " ", slug)) })
}

func (p *post) Rejected(_ context.Context, to, name string, again bool, comment string) (signup.Queue, error) {
	return p.queue(func() { p.told = append(p.told, fmt.Sprint("rejected ", to, " ", name, " ", again, " ", comment)) })
}

type world struct {
	*World
	signup *signup.Service
	post   *post
	phones *numbers
}

func each(t *testing.T, more func(*signup.Deps), f func(t *testing.T, w *world)) {
	t.Helper()
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := &world{World: New(t, d, identity.Limits{}).Setup(t), post: &post{}}
		deps := signup.Deps{DB: d, Ledger: w.Ledger, People: w.Identity, Orgs: w.Tenancy, Mail: w.post, Now: w.Clock.Now}
		if more != nil {
			more(&deps)
		}
		var err error
		if w.signup, err = signup.New(deps); err != nil {
			t.Fatal(err)
		}
		w.phones, _ = deps.Phones.(*numbers)
		w.Take(t)
		f(t, w)
	})
}

// begin opens a case for an address.
func (w *world) begin(t *testing.T, email string) signup.Access {
	t.Helper()
	if err := w.signup.Ask(t.Context(), email, From); err != nil {
		t.Fatal(err)
	}
	w.Expect(t)
	a, err := w.signup.Start(t.Context(), w.post.links[len(w.post.links)-1].Token, From)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func args(slug, handle string) signup.SubmitArgs {
	return signup.SubmitArgs{OrgName: "The " + slug, Slug: slug, Note: "We keep bees.", Person: identity.NewPerson{Handle: handle, Name: "Ada", Password: secret.FromString("a passphrase nobody knows")}}
}

// wrong runs a step that must be refused with this code and leave these events.
func (w *world) wrong(t *testing.T, what string, err error, code string, events ...string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
	if got := Names(w.Take(t)); strings.Join(got, ", ") != strings.Join(events, ", ") {
		t.Errorf("%s: events %v, want %v", what, got, events)
	}
}

func TestStrangerBecomesOwner(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		a := w.begin(t, " Ada@Example.com ")
		if a.Email != "ada@example.com" || a.State != signup.Draft || a.Known {
			t.Fatalf("%+v", a.Case)
		}
		e := w.Expect(t, "ORG_SUBMISSION_STARTED")[0]
		if Meta(e, "submission_id") != string(a.ID) || Meta(e, "applicant_email") != "ada@example.com" || e.OrgID != "" || e.Actor.Type != "User" {
			t.Errorf("%+v", e)
		}
		if c, err := w.signup.Look(t.Context(), a.Token, From); err != nil || c.State != signup.Draft {
			t.Errorf("%+v %v", c, err)
		}
		w.Expect(t) // a draft waits for nobody
		c, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From)
		if err != nil || c.State != signup.Submitted {
			t.Fatalf("%+v %v", c, err)
		}
		if e := w.Expect(t, "ORG_SUBMISSION_SUBMITTED")[0]; Meta(e, "resubmission") != "false" || Meta(e, "org_name") != "The bees" {
			t.Errorf("%v", e.Metadata)
		}
		w.Clock.Pass(time.Hour)
		for range 3 {
			if _, err := w.signup.Look(t.Context(), a.Token, From); err != nil {
				t.Fatal(err)
			}
		}
		if e := w.Expect(t, "PENDING_STATE_VIEWED")[0]; Meta(e, "waiting_seconds") != "3600" || Meta(e, "pending_kind") != "org_submission" {
			t.Errorf("%v", e.Metadata)
		}
		l, err := w.signup.List(t.Context(), w.Admin.Actor, signup.Submitted, page.Request{})
		if err != nil || len(l.Items) != 1 || l.Items[0].Handle != "ada" {
			t.Fatalf("%+v %v", l, err)
		}
		done, err := w.signup.Approve(t.Context(), w.Admin.Actor, a.ID)
		if err != nil || done.State != signup.Approved || done.Org == "" {
			t.Fatalf("%+v %v", done, err)
		}
		got := w.Expect(t, "PASSWORD_CHANGED", "ORG_SUBMISSION_APPROVED", "ORG_SUBMISSION_APPROVED", "ROLE_ASSIGNMENT_CHANGED")
		if got[1].OrgID != "" || got[2].OrgID != done.Org || got[1].RequestID != got[2].RequestID || Meta(got[1], "waited_seconds") != "3600" ||
			Meta(got[2], "new_org_id") != string(done.Org) || Meta(got[0], "by_admin") != "false" {
			t.Errorf("%+v", got)
		}
		in, err := w.Identity.SignIn(t.Context(), identity.SignInArgs{Email: "ada", Password: secret.FromString("a passphrase nobody knows"), From: From})
		if err != nil || in.Session == nil {
			t.Fatalf("%+v %v", in, err)
		}
		actor, err := w.Identity.ByBearer(t.Context(), in.Session.Token, "bees", From)
		if err != nil || actor.Role != authz.Owner {
			t.Errorf("%+v %v", actor, err)
		}
		if len(w.post.told) != 1 || w.post.told[0] != "approved ada@example.com The bees bees" {
			t.Errorf("%v", w.post.told)
		}
		w.Take(t)
		_, err = w.signup.Approve(t.Context(), w.Admin.Actor, a.ID)
		w.wrong(t, "twice", err, "ALREADY_DECIDED", "ORG_SUBMISSION_APPROVED already_decided")
		_, err = w.signup.Reject(t.Context(), w.Admin.Actor, a.ID, signup.RejectArgs{Comment: "no"})
		w.wrong(t, "and rejected", err, "ALREADY_DECIDED", "ORG_SUBMISSION_REJECTED already_decided")
	})
}

func TestReturnedAndSentAgain(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		_, owner := w.Org(t, "globex")
		w.Take(t)
		a := w.begin(t, "ada@example.com")
		if _, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From); err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		_, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From)
		w.wrong(t, "while it waits", err, "SIGNUP_STATE")
		_, err = w.signup.Reject(t.Context(), owner.Actor, a.ID, signup.RejectArgs{Comment: "no"})
		w.wrong(t, "an owner rejects", err, "NOT_PERMITTED", "ORG_SUBMISSION_REJECTED not_permitted")
		_, err = w.signup.Approve(t.Context(), owner.Actor, a.ID)
		w.wrong(t, "an owner approves", err, "NOT_PERMITTED", "ORG_SUBMISSION_APPROVED not_permitted")
		_, err = w.signup.List(t.Context(), owner.Actor, "", page.Request{})
		w.wrong(t, "an owner lists", err, "NOT_PERMITTED")
		_, err = w.signup.Reject(t.Context(), w.Admin.Actor, a.ID, signup.RejectArgs{})
		w.wrong(t, "without a word", err, "INVALID")
		c, err := w.signup.Reject(t.Context(), w.Admin.Actor, a.ID, signup.RejectArgs{Comment: "Which bees?", MayResubmit: true})
		if err != nil || c.State != signup.Returned {
			t.Fatalf("%+v %v", c, err)
		}
		if e := w.Expect(t, "ORG_SUBMISSION_REJECTED returned")[0]; Meta(e, "may_resubmit") != "true" || Meta(e, "comment") != "Which bees?" || e.Outcome != "success" {
			t.Errorf("%+v", e)
		}
		// A new link leads back to the same case.
		again := w.begin(t, "ada@example.com")
		if again.ID != a.ID || again.State != signup.Returned || again.Comment != "Which bees?" {
			t.Fatalf("%+v", again.Case)
		}
		w.Expect(t)
		if _, err := w.signup.Submit(t.Context(), again.Token, args("honeybees", "ada"), From); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "ORG_SUBMISSION_SUBMITTED")[0]; Meta(e, "resubmission") != "true" {
			t.Errorf("%v", e.Metadata)
		}
		if _, err := w.signup.Reject(t.Context(), w.Admin.Actor, a.ID, signup.RejectArgs{Comment: "No bees."}); err != nil {
			t.Fatal(err)
		}
		w.Expect(t, "ORG_SUBMISSION_REJECTED rejected")
		_, err = w.signup.Submit(t.Context(), again.Token, args("honeybees", "ada"), From)
		w.wrong(t, "after the last word", err, "SIGNUP_STATE")
		if fresh := w.begin(t, "ada@example.com"); fresh.ID == a.ID {
			t.Error("a rejected case was opened again")
		}
		w.Expect(t, "ORG_SUBMISSION_STARTED")
	})
}

func TestSubmittingIsRefused(t *testing.T) {
	each(t, func(d *signup.Deps) { d.Domains = []string{"example.com"} }, func(t *testing.T, w *world) {
		w.Org(t, "globex")
		w.Take(t)
		a := w.begin(t, "ada@example.com")
		w.Take(t)
		submit := func(s signup.SubmitArgs) error { _, err := w.signup.Submit(t.Context(), a.Token, s, From); return err }
		w.wrong(t, "a taken slug", submit(args("globex", "ada")), "SLUG_TAKEN", "ORG_SUBMISSION_SUBMITTED duplicate_organization")
		w.wrong(t, "a reserved slug", submit(args("admin", "ada")), "INVALID")
		w.wrong(t, "a bad slug", submit(args("a--b", "ada")), "INVALID")
		w.wrong(t, "a taken handle", submit(args("bees", "owner-globex")), "HANDLE_TAKEN")
		bare := args("bees", "ada")
		bare.Person.Password = secret.Secret{}
		w.wrong(t, "no password", submit(bare), "INVALID")
		other := w.begin(t, "eve@elsewhere.example")
		w.Take(t)
		_, err := w.signup.Submit(t.Context(), other.Token, args("bees", "eve"), From)
		w.wrong(t, "another domain", err, "DOMAIN_NOT_ALLOWED", "ORG_SUBMISSION_SUBMITTED domain_not_allowed")
		_, err = w.signup.Submit(t.Context(), secret.FromString("vpsu_"+strings.Repeat("A", 43)), args("bees", "ada"), From)
		w.wrong(t, "an invented hold", err, "SIGNUP_ACCESS")
		if err := submit(args("bees", "ada")); err != nil {
			t.Error(err)
		}
	})
}

func TestLinksWorkOnceAndForAnHour(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		w.begin(t, "ada@example.com")
		w.Take(t)
		_, err := w.signup.Start(t.Context(), w.post.links[0].Token, From)
		w.wrong(t, "twice", err, "SIGNUP_LINK")
		if err := w.signup.Ask(t.Context(), "ada@example.com", From); err != nil {
			t.Fatal(err)
		}
		w.Clock.Pass(time.Hour)
		_, err = w.signup.Start(t.Context(), w.post.links[1].Token, From)
		w.wrong(t, "after an hour", err, "SIGNUP_LINK")
		_, err = w.signup.Start(t.Context(), secret.FromString("x"), From)
		w.wrong(t, "an invented link", err, "SIGNUP_LINK")
		// Many requests send few letters, and are all answered alike.
		before := len(w.post.links)
		for range 20 {
			if err := w.signup.Ask(t.Context(), "bob@example.com", From); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(w.post.links) - before; n != 5 {
			t.Errorf("%d letters", n)
		}
		if err := w.signup.Sweep(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Somebody with an account stays as they are, whatever the form says.
func TestKnownApplicantKeepsTheirAccount(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		_, owner := w.Org(t, "globex")
		w.Take(t)
		a := w.begin(t, owner.Email)
		if !a.Known {
			t.Error("not told")
		}
		if _, err := w.signup.Submit(t.Context(), a.Token, args("bees", "somebody-else"), From); err != nil {
			t.Fatal(err)
		}
		if _, err := w.signup.Approve(t.Context(), w.Admin.Actor, a.ID); err != nil {
			t.Fatal(err)
		}
		orgs, err := w.Identity.OrgsOf(t.Context(), owner.ID)
		if err != nil || len(orgs) != 2 || orgs[1].Slug != "bees" || orgs[1].Role != authz.Owner {
			t.Errorf("%+v %v", orgs, err)
		}
		if p, err := w.Identity.ByID(t.Context(), owner.ID); err != nil || p.Handle != owner.Handle {
			t.Errorf("%+v %v", p, err)
		}
	})
}

// Two administrators who approve at once make one organization.
func TestOneApproval(t *testing.T) {
	each(t, nil, func(t *testing.T, w *world) {
		a := w.begin(t, "ada@example.com")
		if _, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			wg.Go(func() { _, errs[i] = w.signup.Approve(t.Context(), w.Admin.Actor, a.ID) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.CodeOf(err) != "ALREADY_DECIDED" {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%v", errs)
		}
	})
}

// numbers verifies any number by the code 123456.
type numbers struct {
	n        int
	verified id.PhoneVerification
	carried  id.User
}

func (p *numbers) Register(_ context.Context, _ authz.Actor, _ id.PhoneVerification, typed string) (phone.Registration, error) {
	p.n++
	return phone.Registration{ID: id.PhoneVerification(fmt.Sprint("pvf_", p.n)), Masked: typed[:3] + "..."}, nil
}

func (p *numbers) Registered(_ context.Context, v id.PhoneVerification) (phone.Registration, error) {
	return phone.Registration{ID: v, Verified: v == p.verified}, nil
}

func (p *numbers) ConfirmRegistration(_ context.Context, _ authz.Actor, v id.PhoneVerification, code secret.Secret) error {
	if code.RevealString() != "123456" {
		return fault.New(fault.Invalid, "no").WithCode("BAD_CODE")
	}
	p.verified = v
	return nil
}

func (p *numbers) RegisteredDigest(context.Context, id.PhoneVerification) (event.PhoneDigest, error) {
	return event.NewPhoneDigest("pd-1", [32]byte{1}), nil
}

func (p *numbers) CarryOver(context.Context, id.Org, id.PhoneVerification) (func(context.Context, *db.Tx, id.User, id.Request) error, error) {
	return func(_ context.Context, _ *db.Tx, u id.User, _ id.Request) error { p.carried = u; return nil }, nil
}

func TestPhoneWhereItIsDemanded(t *testing.T) {
	each(t, func(d *signup.Deps) { d.Phones, d.PhoneDemanded = &numbers{}, true }, func(t *testing.T, w *world) {
		a := w.begin(t, "ada@example.com")
		w.Take(t)
		submit := func() error { _, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From); return err }
		w.wrong(t, "without a number", submit(), "PHONE_REQUIRED")
		w.wrong(t, "a code before the number", w.signup.ConfirmPhone(t.Context(), a.Token, secret.FromString("123456"), From), "NOT_FOUND")
		if _, err := w.signup.AskPhone(t.Context(), a.Token, "+49 151 1", From); err != nil {
			t.Fatal(err)
		}
		w.wrong(t, "a wrong code", w.signup.ConfirmPhone(t.Context(), a.Token, secret.FromString("1"), From), "BAD_CODE")
		w.wrong(t, "not verified", submit(), "PHONE_REQUIRED")
		if err := w.signup.ConfirmPhone(t.Context(), a.Token, secret.FromString("123456"), From); err != nil {
			t.Fatal(err)
		}
		if _, err := w.signup.AskPhone(t.Context(), a.Token, "+49 151 2", From); err != nil {
			t.Fatal(err)
		}
		w.wrong(t, "another number since", submit(), "PHONE_REQUIRED")
		if err := w.signup.ConfirmPhone(t.Context(), a.Token, secret.FromString("123456"), From); err != nil {
			t.Fatal(err)
		}
		if err := submit(); err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "ORG_SUBMISSION_SUBMITTED")[0]; e.Metadata["phone"] == nil {
			t.Errorf("%v", e.Metadata)
		}
		_, err := w.signup.AskPhone(t.Context(), a.Token, "+49 151 3", From)
		w.wrong(t, "after it was sent", err, "SIGNUP_STATE")
		if _, err := w.signup.Approve(t.Context(), w.Admin.Actor, a.ID); err != nil || w.phones.carried == "" {
			t.Fatalf("%q %v", w.phones.carried, err)
		}
	})
}

func TestClosedDoor(t *testing.T) {
	each(t, func(d *signup.Deps) { d.Closed = true }, func(t *testing.T, w *world) {
		w.wrong(t, "closed", w.signup.Ask(t.Context(), "ada@example.com", From), "SIGNUP_CLOSED")
	})
}

// Where no number is demanded nobody can have codes sent, and a registration needs none.
func TestPhoneWhereItIsNotDemanded(t *testing.T) {
	each(t, func(d *signup.Deps) { d.Phones = &numbers{} }, func(t *testing.T, w *world) {
		a := w.begin(t, "ada@example.com")
		_, err := w.signup.AskPhone(t.Context(), a.Token, "+49 151 1", From)
		w.Take(t)
		w.wrong(t, "a number", err, "PHONE_NOT_DEMANDED")
		w.wrong(t, "a code", w.signup.ConfirmPhone(t.Context(), a.Token, secret.FromString("123456"), From), "PHONE_NOT_DEMANDED")
		if _, err := w.signup.Submit(t.Context(), a.Token, args("bees", "ada"), From); err != nil {
			t.Error(err)
		}
	})
}

package platform_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func args(token secret.Secret, handle string) platform.SetupArgs {
	return platform.SetupArgs{Token: token, From: From, Person: identity.NewPerson{
		Email: handle + "@example.com", Handle: handle, Password: secret.FromString("a passphrase nobody knows")}}
}

func TestSetupLinkWorksOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{})
		old, needed, err := w.Platform.SetupLink(t.Context())
		if err != nil || !needed {
			t.Fatal(needed, err)
		}
		link, _, err := w.Platform.SetupLink(t.Context()) // the server starts again
		if err != nil {
			t.Fatal(err)
		}
		if e := w.Expect(t, "PLATFORM_SETUP_LINK_CREATED", "PLATFORM_SETUP_LINK_CREATED"); Meta(e[0], "links_voided") != "0" || Meta(e[1], "links_voided") != "1" {
			t.Errorf("%+v", e)
		}
		refused := func(name string, a platform.SetupArgs, reason string) {
			t.Helper()
			if _, err := w.Platform.Setup(t.Context(), a); fault.CodeOf(err) != "AUTH_FAILED" {
				t.Errorf("%s: %v", name, err)
			}
			w.Expect(t, "PLATFORM_SETUP_COMPLETED "+reason)
		}
		refused("a link of an earlier start", args(old.Token, "root"), "token_unknown")
		refused("a made-up link", args(secret.FromString("x"), "root"), "token_unknown")
		refused("no link", args(secret.Secret{}, "root"), "token_unknown")
		weak := args(link.Token, "root")
		weak.Person.Password = secret.FromString("short")
		if _, err := w.Platform.Setup(t.Context(), weak); !fault.Is(err, fault.Invalid) {
			t.Errorf("weak password: %v", err)
		}
		w.Expect(t)
		p, err := w.Platform.Setup(t.Context(), args(link.Token, "root"))
		if err != nil {
			t.Fatal(err)
		}
		e := w.Expect(t, "PASSWORD_CHANGED", "PLATFORM_SETUP_COMPLETED")
		if Meta(e[0], "by_admin") != "false" || Meta(e[1], "subject_user_id") != string(p.ID) || e[1].OrgID != "" {
			t.Errorf("%+v", e)
		}
		refused("the same link", args(link.Token, "root2"), "already_used")
		if _, needed, err := w.Platform.SetupLink(t.Context()); err != nil || needed {
			t.Errorf("a link with an administrator there: %v", err)
		}
	})
}

func TestSetupLinkEndsAfterADay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{})
		link, _, err := w.Platform.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		w.Clock.Pass(24 * time.Hour)
		if _, err := w.Platform.Setup(t.Context(), args(link.Token, "root")); fault.CodeOf(err) != "AUTH_FAILED" {
			t.Error(err)
		}
		w.Expect(t, "PLATFORM_SETUP_COMPLETED token_expired")
	})
}

func TestTwoCannotUseOneLink(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{})
		link, _, err := w.Platform.SetupLink(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		errs := make([]error, 5)
		for i := range errs {
			wg.Go(func() { _, errs[i] = w.Platform.Setup(t.Context(), args(link.Token, "root"+string(rune('a'+i)))) })
		}
		wg.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			}
		}
		if made != 1 {
			t.Errorf("%d administrators by one link", made)
		}
	})
}

// A guesser of links is turned away like a guesser of passwords.
func TestGuessingLinksIsLimited(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{SourceFailures: 3})
		for range 3 {
			w.Platform.Setup(t.Context(), args(secret.FromString("guess"), "root"))
		}
		if _, err := w.Platform.Setup(t.Context(), args(secret.FromString("guess"), "root")); !fault.Is(err, fault.Exhausted) {
			t.Error(err)
		}
	})
}

func TestThereIsAlwaysAnAdministrator(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Parallel()
		w := New(t, d, identity.Limits{}).Setup(t)
		_, owner := w.Org(t, "acme")
		second := w.Member(t, owner, "second", authz.Operator)
		third := w.Member(t, owner, "third", authz.Operator)
		operator := func(u id.User, role string) {
			t.Helper()
			if _, err := d.Raw().Exec(`insert into platform_operator (person_id, role, created_at, changed_at) values ($1, $2, 1, 1)`, string(u), role); err != nil {
				t.Fatal(err)
			}
		}
		w.Take(t)
		root := w.Admin
		step := func(name string, err error, kind fault.Kind, events ...string) {
			t.Helper()
			if err == nil && kind != fault.Internal || err != nil && fault.KindOf(err) != kind {
				t.Errorf("%s: %v", name, err)
			}
			if got := Names(w.Take(t)); !slices.Equal(got, events) {
				t.Errorf("%s: events %v, want %v", name, got, events)
			}
		}
		const fine = fault.Internal // stands for no error
		step("last one leaves", w.Platform.Remove(t.Context(), root.Actor, root.ID), fault.Conflict, "PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED last_admin")
		step("last one is demoted", w.Platform.ChangeRole(t.Context(), root.Actor, root.ID, authz.PlatformAuditor), fault.Conflict, "PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED last_admin")
		step("an owner removes", w.Platform.Remove(t.Context(), owner.Actor, root.ID), fault.Denied, "PLATFORM_USER_REMOVED not_permitted")
		step("an owner demotes", w.Platform.ChangeRole(t.Context(), owner.Actor, root.ID, authz.PlatformAuditor), fault.Denied, "PLATFORM_USER_ROLE_CHANGED not_permitted")
		step("nobody removes", w.Platform.Remove(t.Context(), authz.Actor{}, root.ID), fault.Unauthenticated)
		operator(second.ID, "platform_admin")
		operator(third.ID, "platform_auditor")
		step("oneself", w.Platform.Remove(t.Context(), root.Actor, root.ID), fault.Conflict, "PLATFORM_SELF_REMOVAL_BLOCKED self_removal")
		auditor, err := w.Identity.ByBearer(t.Context(), third.Session, "", From)
		if err != nil || auditor.PlatformRole != authz.PlatformAuditor {
			t.Fatal(err)
		}
		step("an auditor removes", w.Platform.Remove(t.Context(), auditor, second.ID), fault.Denied, "PLATFORM_USER_REMOVED not_permitted")
		step("a stranger", w.Platform.Remove(t.Context(), root.Actor, owner.ID), fault.NotFound)
		step("demotion", w.Platform.ChangeRole(t.Context(), root.Actor, second.ID, authz.PlatformAuditor), fine, "PLATFORM_USER_ROLE_CHANGED")
		step("promotion", w.Platform.ChangeRole(t.Context(), root.Actor, second.ID, authz.PlatformAdmin), fine, "PLATFORM_USER_ROLE_CHANGED")
		step("removal", w.Platform.Remove(t.Context(), root.Actor, second.ID), fine, "AUTH_SIGNED_OUT role_changed", "PLATFORM_USER_REMOVED")
		if _, err := w.Identity.ByBearer(t.Context(), second.Session, "", From); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("a removed operator stays signed in: %v", err)
		}
		l, err := w.Platform.Operators(t.Context(), root.Actor, page.Request{})
		if err != nil || len(l.Items) != 2 || l.Items[0].Handle != "root" || l.Items[1].Role != authz.PlatformAuditor {
			t.Errorf("%+v %v", l, err)
		}
		if e := w.Expect(t, "PLATFORM_USERS_LISTED")[0]; Meta(e, "rows_returned") != "2" {
			t.Errorf("%v", e.Metadata)
		}
		_, err = w.Platform.Operators(t.Context(), owner.Actor, page.Request{})
		step("an owner lists operators", err, fault.Denied, "PLATFORM_USERS_LISTED not_permitted")
	})
}

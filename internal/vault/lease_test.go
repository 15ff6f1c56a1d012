package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

func TestLeaseIsToldBeforeItIsGiven(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		a := w.Account("root", w.Resource("web").ID, "canary-lease")
		ses, sid := id.New[id.Session](), id.New[id.Safe]()
		w.Events()
		c, err := w.Accounts.Lease(ctx, w.Operator, a.ID, ses, sid)
		if err != nil || c.Password.RevealString() != "canary-lease" || c.Username != "root" || c.Kind != vault.Password || c.Version != 1 {
			t.Fatalf("Lease: %v, %v", c, err)
		}
		e := w.One(event.SECRET_ACCESSED, event.Success, "", event.User)
		if e.SessionID != string(ses) || e.Target.ID != string(a.Secret) || e.Metadata["account_id"] != string(a.ID) || e.Metadata["safe_id"] != string(sid) ||
			fmt.Sprint(e.Metadata["secret_version"]) != "1" || e.Metadata["secret_access_mode"] != "injection" || fmt.Sprint(e.Metadata["field_names"]) != "[password]" {
			t.Errorf("event %+v", e)
		}
		c.Wipe()
		if strings.Contains(c.Password.RevealString(), "canary") {
			t.Error("Wipe left the password")
		}
		w.Clean([]string{"canary-lease"}, fmt.Sprintf("%v %+v %#v", c, c, c))

		if _, err := w.Accounts.Lease(ctx, w.Operator, a.ID, "", sid); !fault.Is(err, fault.Denied) {
			t.Errorf("without a session: %v", err)
		}
		w.One(event.SECRET_ACCESSED, event.Denied, "no_lease", event.User)

		if _, err := w.Accounts.Disable(ctx, w.Admin, a.ID); err != nil {
			t.Fatal(err)
		}
		w.Events()
		if _, err := w.Accounts.Lease(ctx, w.Operator, a.ID, ses, sid); fault.CodeOf(err) != vault.AccountDisabled {
			t.Errorf("of a disabled account: %v", err)
		}
		w.One(event.SECRET_ACCESSED, event.Denied, "not_permitted", event.User)

		stranger := w.Stranger
		if _, err := w.Accounts.Lease(ctx, stranger, a.ID, ses, sid); fault.CodeOf(err) != vault.AccountDisabled {
			t.Errorf("of another organization: %v", err)
		}
		if e := w.One(event.SECRET_ACCESSED, event.Denied, "not_permitted", event.User); e.OrgID != stranger.Org || e.Target.ID != "" {
			t.Errorf("event %+v", e)
		}
	})
}

func TestLeaseWithoutTheKeysFails(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		a := w.Account("root", w.Resource("web").ID, "canary-altered")
		w.Events()
		if _, err := w.DB.Raw().Exec(`update credential_version set version = version, sealed = $1`, []byte{1, 2, 3, 4, 5, 6}); err != nil {
			t.Fatal(err)
		}
		_, err := w.Accounts.Lease(ctx, w.Operator, a.ID, id.New[id.Session](), "")
		if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != vault.SecretStoreUnavailable {
			t.Errorf("Lease: %v", err)
		}
		e := w.One(event.SECRET_ACCESSED, event.Failure, "secret_store_unavailable", event.User)
		if e.Metadata["account_id"] != string(a.ID) {
			t.Errorf("metadata %v", e.Metadata)
		}
	})
}

// A sealed credential that is copied over another account's does not open there.
func TestCredentialIsBoundToItsAccount(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		high, low := w.Account("root", r.ID, "canary-high"), w.Account("guest", r.ID, "canary-low")
		_, err := w.DB.Raw().Exec(`update credential_version set sealed = (select sealed from credential_version where account_id = $1) where account_id = $2`, string(high.ID), string(low.ID))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Accounts.Lease(ctx, w.Operator, low.ID, id.New[id.Session](), ""); fault.CodeOf(err) != vault.SecretStoreUnavailable {
			t.Errorf("Lease: %v", err)
		}
	})
}

func TestResealAfterRotation(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		var accounts []vault.Account
		for i := range 5 {
			accounts = append(accounts, w.Account(fmt.Sprint("a", i), r.ID, fmt.Sprint("canary-", i)))
		}
		if _, err := w.Accounts.Update(ctx, w.Admin, accounts[0].ID, vault.UpdateArgs{Password: secret.FromString("canary-new")}); err != nil {
			t.Fatal(err)
		}
		before := sealedRows(t, w)
		next, err := w.Keyring.RotateOrg(ctx, w.Org, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.Accounts.Reseal(ctx, w.Org); err != nil || n != 6 {
			t.Fatalf("Reseal moved %d, %v; want 6", n, err)
		}
		if n, err := w.Accounts.Reseal(ctx, w.Org); err != nil || n != 0 {
			t.Errorf("a second Reseal moved %d, %v", n, err)
		}
		for place, row := range sealedRows(t, w) {
			if bytes.Equal(row.sealed, before[place].sealed) || row.key != string(next) {
				t.Errorf("%s was not moved", place)
			}
		}
		for i, a := range accounts {
			want := fmt.Sprint("canary-", i)
			if i == 0 {
				want = "canary-new"
			}
			if c, err := w.Accounts.Lease(ctx, w.Operator, a.ID, id.New[id.Session](), ""); err != nil || c.Password.RevealString() != want {
				t.Errorf("account %d after the pass: %v", i, err)
			}
		}
	})
}

type sealedRow struct {
	sealed []byte
	key    string
}

func sealedRows(t *testing.T, w *safetest.World) map[string]sealedRow {
	t.Helper()
	rows, err := w.DB.Raw().Query(`select account_id, version, sealed, key_id from credential_version`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]sealedRow{}
	for rows.Next() {
		var a string
		var v int64
		var r sealedRow
		if err := rows.Scan(&a, &v, &r.sealed, &r.key); err != nil {
			t.Fatal(err)
		}
		out[fmt.Sprint(a, v)] = r
	}
	return out
}

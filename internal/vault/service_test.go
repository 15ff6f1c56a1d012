package vault_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/vault"
)

func each(t *testing.T, f func(t *testing.T, ctx context.Context, w *safetest.World)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, t.Context(), safetest.New(t, d)) })
}

// key makes a private key, as text, and its public half.
func key(t *testing.T, passphrase string) (string, ssh.PublicKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(priv, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block)), public
}

func changesOf(e event.Envelope) []string {
	var out []string
	for _, c := range e.Metadata["changes"].([]any) {
		m := c.(map[string]any)
		out = append(out, m["field"].(string)+" "+m["old"].(string)+" -> "+m["new"].(string))
	}
	return out
}

func TestLifeOfAnAccount(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		w.Events()
		a, err := w.Accounts.Create(ctx, w.Admin, vault.CreateArgs{Name: "web root", Resource: r.ID, Username: "root", Kind: vault.Password, Password: secret.FromString("canary-one")})
		if err != nil {
			t.Fatal(err)
		}
		e := w.One(event.PRIVILEGED_ACCOUNT_CREATED, event.Success, "", event.TenantAdmin)
		if e.Target.ID != string(a.ID) || e.Metadata["account_name"] != "web root" || e.Metadata["platform"] != "ssh" || e.Metadata["resource_id"] != string(r.ID) ||
			e.Metadata["credential_kind"] != "password" || e.Metadata["discovered"] != false {
			t.Errorf("event %+v", e)
		}
		got, err := w.Accounts.Get(ctx, w.Auditor, a.ID)
		if err != nil || got.State != vault.Enabled || got.CredentialVersion != 1 || got.Username != "root" || got.Resource != r.ID {
			t.Errorf("Get: %+v, %v", got, err)
		}

		user := "admin"
		a, err = w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{Username: &user, Password: secret.FromString("canary-two"), Version: 1})
		if err != nil || a.Version != 2 || a.CredentialVersion != 2 {
			t.Fatalf("Update: %+v, %v", a, err)
		}
		e = w.One(event.PRIVILEGED_ACCOUNT_UPDATED, event.Success, "", event.TenantAdmin)
		if got, want := changesOf(e), []string{"username root -> admin", "password  -> replaced"}; !slices.Equal(got, want) || e.Metadata["credential_replaced"] != true || e.Metadata["enabled_again"] != false {
			t.Errorf("changes %q (%v), want %q", got, e.Metadata, want)
		}
		if same, err := w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{Username: &user}); err != nil || same.Version != 2 {
			t.Errorf("an update that changes nothing: %+v, %v", same, err)
		}
		if _, err := w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{Username: &r.Name, Version: 1}); fault.CodeOf(err) != vault.VersionConflict {
			t.Errorf("update of an old version: %v", err)
		}
		w.None()

		w.Live.N = 2
		if a, err = w.Accounts.Disable(ctx, w.Admin, a.ID); err != nil || a.State != vault.Disabled {
			t.Fatalf("Disable: %+v, %v", a, err)
		}
		if e := w.One(event.PRIVILEGED_ACCOUNT_DISABLED, event.Success, "", event.TenantAdmin); e.Metadata["mode"] != "disabled" || fmt.Sprint(e.Metadata["sessions_ended"]) != "2" {
			t.Errorf("metadata %v", e.Metadata)
		}
		if _, err = w.Accounts.Disable(ctx, w.Admin, a.ID); err != nil {
			t.Errorf("disabling it again: %v", err)
		}
		w.None()
		if a, err = w.Accounts.Enable(ctx, w.Admin, a.ID); err != nil || a.State != vault.Enabled {
			t.Fatalf("Enable: %+v, %v", a, err)
		}
		e = w.One(event.PRIVILEGED_ACCOUNT_UPDATED, event.Success, "", event.TenantAdmin)
		if got := changesOf(e); !slices.Equal(got, []string{"state disabled -> enabled"}) || e.Metadata["enabled_again"] != true {
			t.Errorf("changes %q (%v)", got, e.Metadata)
		}

		if err := w.Accounts.Delete(ctx, w.Admin, a.ID, 0); err != nil {
			t.Fatal(err)
		}
		if e := w.One(event.PRIVILEGED_ACCOUNT_DISABLED, event.Success, "", event.TenantAdmin); e.Metadata["mode"] != "deleted" {
			t.Errorf("metadata %v", e.Metadata)
		}
		if _, err := w.Accounts.Get(ctx, w.Admin, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted account: %v", err)
		}
		var left int
		if err := w.DB.Raw().QueryRow(`select count(*) from credential_version`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d sealed credentials are left, %v", left, err)
		}
		w.Account("web root", r.ID, "x") // the name is free again
		w.Clean([]string{"canary-one", "canary-two"})
	})
}

func TestKeyAccount(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		text, public := key(t, "canary passphrase")
		args := vault.CreateArgs{Name: "deploy", Resource: r.ID, Username: "deploy", Kind: vault.SSHKey, PrivateKey: secret.FromString(text), Passphrase: secret.FromString("canary passphrase")}
		a, err := w.Accounts.Create(ctx, w.Admin, args)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
		if a.PublicKey != want || a.Fingerprint != ssh.FingerprintSHA256(public) {
			t.Errorf("public key %q, want %q", a.PublicKey, want)
		}
		if got, err := w.Accounts.Get(ctx, w.Admin, a.ID); err != nil || got.PublicKey != want || got.Fingerprint != a.Fingerprint {
			t.Errorf("Get: %+v, %v", got, err)
		}
		c, err := w.Accounts.Lease(ctx, w.Operator, a.ID, id.New[id.Session](), "")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := c.Signer(); err != nil || !bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
			t.Errorf("the leased key is another: %v", err)
		}
		w.Events()

		next, nextPublic := key(t, "")
		a, err = w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{PrivateKey: secret.FromString(next)})
		if err != nil || a.Fingerprint != ssh.FingerprintSHA256(nextPublic) {
			t.Fatalf("Update: %+v, %v", a, err)
		}
		if got := changesOf(w.Events()[0]); !slices.Equal(got, []string{"key_fingerprint " + ssh.FingerprintSHA256(public) + " -> " + a.Fingerprint, "private_key  -> replaced"}) {
			t.Errorf("changes %q", got)
		}
		body := strings.Split(text, "\n")[2]
		w.Clean([]string{"canary passphrase", body, strings.Split(next, "\n")[2], "OPENSSH PRIVATE KEY"}, fmt.Sprintf("%+v %#v", a, c))
	})
}

func TestBadAccountNamesItsFields(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		w.Events()
		const canary = "canary-bad-input"
		text, _ := key(t, "")
		ok := vault.CreateArgs{Name: "n", Resource: r.ID, Username: "u", Kind: vault.Password, Password: secret.FromString(canary)}
		for name, c := range map[string]struct {
			change func(*vault.CreateArgs)
			want   []string
		}{
			"everything":       {func(a *vault.CreateArgs) { *a = vault.CreateArgs{Resource: r.ID} }, []string{"kind", "name", "username"}},
			"no password":      {func(a *vault.CreateArgs) { a.Password = secret.Secret{} }, []string{"password"}},
			"a pasted newline": {func(a *vault.CreateArgs) { a.Password = secret.FromString(canary + "\n") }, []string{"password"}},
			"both":             {func(a *vault.CreateArgs) { a.PrivateKey = secret.FromString(text) }, []string{"private_key"}},
			"password for key": {func(a *vault.CreateArgs) { a.Kind, a.PrivateKey = vault.SSHKey, secret.FromString(text) }, []string{"password"}},
			"garbage for key": {func(a *vault.CreateArgs) {
				a.Kind, a.Password, a.PrivateKey = vault.SSHKey, secret.Secret{}, secret.FromString(canary)
			}, []string{"private_key"}},
			"user of an option": {func(a *vault.CreateArgs) { a.Username = "-oProxyCommand=x" }, []string{"username"}},
			"no resource":       {func(a *vault.CreateArgs) { a.Resource = id.New[id.Resource]() }, []string{"resource_id"}},
		} {
			a := ok
			c.change(&a)
			_, err := w.Accounts.Create(ctx, w.Admin, a)
			f := fault.As(err)
			if f == nil || f.Kind != fault.Invalid {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var paths []string
			for _, x := range f.Fields {
				paths = append(paths, x.Path)
			}
			slices.Sort(paths)
			if !slices.Equal(paths, c.want) {
				t.Errorf("%s: fields %v, want %v", name, paths, c.want)
			}
			w.Clean([]string{canary}, err.Error(), fmt.Sprintf("%+v", f))
		}
		a := ok
		other, err := w.Accounts.Create(ctx, w.Stranger, a)
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("an account on another organization's resource: %+v, %v", other, err)
		}
		w.None()

		w.Account("taken", r.ID, "x")
		w.Events()
		a.Name = "taken"
		if _, err := w.Accounts.Create(ctx, w.Admin, a); fault.CodeOf(err) != vault.NameTaken {
			t.Errorf("a taken name: %v", err)
		}
		w.One(event.PRIVILEGED_ACCOUNT_CREATED, event.Denied, "duplicate_account", event.TenantAdmin)
		w.Clean([]string{canary})
	})
}

func TestUpdateKeepsTheKindOfCredential(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		a := w.Account("root", w.Resource("web").ID, "x")
		w.Events()
		text, _ := key(t, "")
		for _, u := range []vault.UpdateArgs{{PrivateKey: secret.FromString(text)}, {Passphrase: secret.FromString("x")}, {Password: secret.FromString("a\nb")}} {
			if _, err := w.Accounts.Update(ctx, w.Admin, a.ID, u); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v", err)
			}
		}
		w.None()
	})
}

func TestRightsOnAccounts(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		a := w.Account("root", r.ID, "x")
		w.Events()
		name := "n"
		token := w.Admin
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"accounts:read"}
		acts := []struct {
			c   event.Constant
			act func(authz.Actor) error
		}{
			{event.PRIVILEGED_ACCOUNT_UPDATED, func(by authz.Actor) error {
				_, err := w.Accounts.Update(ctx, by, a.ID, vault.UpdateArgs{Name: &name})
				return err
			}},
			{event.PRIVILEGED_ACCOUNT_UPDATED, func(by authz.Actor) error { _, err := w.Accounts.Enable(ctx, by, a.ID); return err }},
			{event.PRIVILEGED_ACCOUNT_DISABLED, func(by authz.Actor) error { _, err := w.Accounts.Disable(ctx, by, a.ID); return err }},
			{event.PRIVILEGED_ACCOUNT_DISABLED, func(by authz.Actor) error { return w.Accounts.Delete(ctx, by, a.ID, 0) }},
		}
		for _, x := range acts {
			for by, as := range map[*authz.Actor]event.ActorType{&w.Operator: event.TenantAdmin, &w.Auditor: event.TenantAdmin, &token: event.ServiceAccount} {
				if err := x.act(*by); !fault.Is(err, fault.Denied) {
					t.Errorf("%s by %s: %v", x.c, by.Name, err)
				}
				if e := w.One(x.c, event.Denied, "not_permitted", as); e.Target.Name != "root" {
					t.Errorf("target %+v", e.Target)
				}
			}
			if err := x.act(w.Stranger); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s by a stranger: %v", x.c, err)
			}
			w.None()
		}
		_, err := w.Accounts.Create(ctx, w.Operator, vault.CreateArgs{Name: "x", Resource: r.ID, Username: "u", Kind: vault.Password, Password: secret.FromString("p")})
		if !fault.Is(err, fault.Denied) {
			t.Errorf("Create by an operator: %v", err)
		}
		w.One(event.PRIVILEGED_ACCOUNT_CREATED, event.Denied, "not_permitted", event.TenantAdmin)
		if l, err := w.Accounts.List(ctx, w.Stranger, vault.Filter{}, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("List by a stranger: %+v, %v", l, err)
		}
		other := w.Resource("db")
		w.Account("dba", other.ID, "x")
		if l, err := w.Accounts.List(ctx, w.Auditor, vault.Filter{Resource: r.ID}, page.Request{}); err != nil || len(l.Items) != 1 || l.Items[0].Name != "root" {
			t.Errorf("List of one resource: %+v, %v", l, err)
		}
		if l, err := w.Accounts.List(ctx, w.Auditor, vault.Filter{}, page.Request{Limit: 1}); err != nil || len(l.Items) != 1 || l.Next == "" {
			t.Errorf("List: %+v, %v", l, err)
		}
	})
}

func TestAccountInUseIsKept(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		w.Events()
		if err := w.Accounts.Delete(ctx, w.Admin, s.Account.ID, 0); fault.CodeOf(err) != vault.InUse || !strings.Contains(fault.MessageOf(err), `safe "prod"`) {
			t.Errorf("Delete: %v", err)
		}
		w.One(event.PRIVILEGED_ACCOUNT_DISABLED, event.Denied, "in_use", event.TenantAdmin)
		if _, err := w.Accounts.Lease(ctx, w.Operator, s.Account.ID, id.New[id.Session](), s.ID); err != nil {
			t.Errorf("its credential is gone: %v", err)
		}
	})
}

// Two who replace a credential at once: one wins, the other is told, nothing is lost.
func TestConcurrentUpdatesDoNotLoseACredential(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		a := w.Account("root", w.Resource("web").ID, "first")
		var work sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			work.Go(func() {
				_, errs[i] = w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{Password: secret.FromString(fmt.Sprint("p", i)), Version: 1})
			})
		}
		work.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Error("two updates of one version succeeded")
			case fault.CodeOf(err) != vault.VersionConflict:
				t.Errorf("update %d: %v", i, err)
			}
		}
		if winner < 0 {
			t.Fatal("nobody succeeded")
		}
		c, err := w.Accounts.Lease(ctx, w.Operator, a.ID, id.New[id.Session](), "")
		if err != nil || c.Password.RevealString() != fmt.Sprint("p", winner) || c.Version != 2 {
			t.Errorf("the credential is not the winner's: %v", err)
		}
	})
}

// Nothing of a secret is in the files of the embedded store, freed pages and log included.
func TestCanaryIsInNoFileOfTheStore(t *testing.T) {
	dir := t.TempDir()
	d := dbtest.Open(t, "sqlite:"+filepath.Join(dir, "test.db"))
	w := safetest.New(t, d)
	ctx := t.Context()
	r := w.Resource("web")
	a := w.Account("root", r.ID, "canary-in-a-file")
	text, _ := key(t, "canary-passphrase")
	k, err := w.Accounts.Create(ctx, w.Admin, vault.CreateArgs{Name: "key", Resource: r.ID, Username: "u", Kind: vault.SSHKey, PrivateKey: secret.FromString(text), Passphrase: secret.FromString("canary-passphrase")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Accounts.Update(ctx, w.Admin, a.ID, vault.UpdateArgs{Password: secret.FromString("canary-second")}); err != nil {
		t.Fatal(err)
	}
	for _, aid := range []id.Account{a.ID, k.ID} {
		if _, err := w.Accounts.Lease(ctx, w.Operator, aid, id.New[id.Session](), ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Accounts.Delete(ctx, w.Admin, a.ID, 0); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{"canary-in-a-file", "canary-second", "canary-passphrase", "PRIVATE KEY"} {
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s holds %q in the clear", filepath.Base(f), canary)
			}
		}
	}
}

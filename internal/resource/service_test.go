package resource_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/db/dbtest"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/safe/safetest"
)

func each(t *testing.T, f func(t *testing.T, ctx context.Context, w *safetest.World)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, t.Context(), safetest.New(t, d)) })
}

// changesOf is the changes of an event as "field old -> new".
func changesOf(e event.Envelope) []string {
	var out []string
	for _, c := range e.Metadata["changes"].([]any) {
		m := c.(map[string]any)
		out = append(out, m["field"].(string)+" "+m["old"].(string)+" -> "+m["new"].(string))
	}
	return out
}

func TestLifeOfAResource(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "Web 1", Protocol: resource.SSH, Host: "Web1.Example.", Description: "front"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Host != "web1.example" || r.Port != 22 || r.Version != 1 {
			t.Errorf("created %+v", r)
		}
		e := w.One(event.CONNECTION_DEFINITION_CREATED, event.Success, "", event.TenantAdmin)
		if e.Target.ID != string(r.ID) || e.Target.Name != "Web 1" || e.Metadata["address_host"] != "web1.example" || e.Metadata["protocol"] != "ssh" || e.OrgID != w.Org {
			t.Errorf("event %+v", e)
		}
		got, err := w.Resources.Get(ctx, w.Auditor, r.ID)
		if err != nil || got.Name != r.Name || got.Description != "front" || !got.CreatedAt.Equal(r.CreatedAt) {
			t.Errorf("Get: %+v, %v", got, err)
		}

		name, host, port := "Web One", "10.0.0.7", 2222
		up, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Name: &name, Host: &host, Port: &port, Version: r.Version})
		if err != nil || up.Version != 2 || up.Host != host {
			t.Fatalf("Update: %+v, %v", up, err)
		}
		e = w.One(event.CONNECTION_DEFINITION_UPDATED, event.Success, "", event.TenantAdmin)
		if got, want := changesOf(e), []string{"name Web 1 -> Web One", "host web1.example -> 10.0.0.7", "port 22 -> 2222"}; !slices.Equal(got, want) {
			t.Errorf("changes %q, want %q", got, want)
		}
		if e.Metadata["address_changed"] != true || e.Metadata["account_binding_changed"] != false {
			t.Errorf("metadata %v", e.Metadata)
		}

		if same, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Name: &name}); err != nil || same.Version != 2 {
			t.Errorf("an update that changes nothing: %+v, %v", same, err)
		}
		w.None()
		if _, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Description: &name, Version: 1}); fault.CodeOf(err) != "VERSION_CONFLICT" {
			t.Errorf("update of an old version: %v", err)
		}
		if err := w.Resources.Delete(ctx, w.Admin, r.ID, 1); fault.CodeOf(err) != "VERSION_CONFLICT" {
			t.Errorf("deletion of an old version: %v", err)
		}
		w.None()

		w.Live.N = 3
		if err := w.Resources.Delete(ctx, w.Admin, r.ID, 2); err != nil {
			t.Fatal(err)
		}
		if e := w.One(event.CONNECTION_DEFINITION_DELETED, event.Success, "", event.TenantAdmin); fmt.Sprint(e.Metadata["sessions_ended"]) != "3" {
			t.Errorf("sessions_ended is %v", e.Metadata["sessions_ended"])
		}
		if _, err := w.Resources.Get(ctx, w.Admin, r.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("a deleted resource: %v", err)
		}
		if again := w.Resource("Web One"); again.ID == r.ID {
			t.Error("the name is not free again")
		}
	})
}

func TestBadResourceNamesItsFields(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		_, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "a\x1b[2J", Protocol: "telnet", Host: "a b", Port: 65536, Description: "\x00"})
		f := fault.As(err)
		if f == nil || f.Kind != fault.Invalid {
			t.Fatalf("Create: %v", err)
		}
		var paths []string
		for _, x := range f.Fields {
			paths = append(paths, x.Path)
		}
		slices.Sort(paths)
		if want := []string{"description", "host", "name", "port", "protocol"}; !slices.Equal(paths, want) {
			t.Errorf("fields %v, want %v", paths, want)
		}
		w.None()
		w.Resource("taken")
		w.Events()
		_, err = w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "taken", Protocol: resource.SSH, Host: "b"})
		if fault.CodeOf(err) != "NAME_TAKEN" || fault.KindOf(err) != fault.Conflict {
			t.Errorf("a taken name: %v", err)
		}
		w.None()
	})
}

func TestForbiddenAddressIsRefusedAndTold(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		_, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "metadata", Protocol: resource.SSH, Host: "169.254.169.254", Port: 80})
		if fault.CodeOf(err) != resource.AddressForbidden || !fault.Is(err, fault.Denied) {
			t.Errorf("Create: %v", err)
		}
		e := w.One(event.CONNECTION_DEFINITION_CREATED, event.Denied, "address_forbidden", event.TenantAdmin)
		if e.Metadata["address_host"] != "169.254.169.254" {
			t.Errorf("metadata %v", e.Metadata)
		}
		r := w.Resource("web")
		w.Events()
		host := "::ffff:169.254.169.254"
		if _, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Host: &host}); fault.CodeOf(err) != resource.AddressForbidden {
			t.Errorf("Update: %v", err)
		}
		if e := w.One(event.CONNECTION_DEFINITION_UPDATED, event.Denied, "address_forbidden", event.TenantAdmin); e.Target.Name != "web" {
			t.Errorf("target %+v", e.Target)
		}
	})
}

func TestRightsOnResources(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		r := w.Resource("web")
		w.Events()
		name := "x"
		token := w.Admin
		token.Kind, token.Token, token.Scopes = authz.Token, id.New[id.Token](), []string{"resources:read"}
		acts := map[event.Constant]func(authz.Actor) error{
			event.CONNECTION_DEFINITION_CREATED: func(a authz.Actor) error {
				_, err := w.Resources.Create(ctx, a, resource.CreateArgs{Name: "n", Protocol: resource.SSH, Host: "h"})
				return err
			},
			event.CONNECTION_DEFINITION_UPDATED: func(a authz.Actor) error {
				_, err := w.Resources.Update(ctx, a, r.ID, resource.UpdateArgs{Name: &name})
				return err
			},
			event.CONNECTION_DEFINITION_DELETED: func(a authz.Actor) error { return w.Resources.Delete(ctx, a, r.ID, 0) },
		}
		for c, act := range acts {
			for _, a := range []struct {
				actor authz.Actor
				as    event.ActorType
			}{{w.Operator, event.TenantAdmin}, {w.Auditor, event.TenantAdmin}, {token, event.ServiceAccount}} {
				if err := act(a.actor); !fault.Is(err, fault.Denied) {
					t.Errorf("%s by %s: %v", c, a.actor.Name, err)
				}
				w.One(c, event.Denied, "not_permitted", a.as)
			}
		}
		for _, act := range []func() error{
			func() error { _, err := w.Resources.Scan(ctx, w.Operator, r.ID); return err },
			func() error { _, err := w.Resources.ConfirmHostKey(ctx, w.Operator, r.ID, "SHA256:x"); return err },
			func() error { _, err := w.Resources.UnpinHostKey(ctx, w.Operator, r.ID, "SHA256:x"); return err },
		} {
			if err := act(); !fault.Is(err, fault.Denied) {
				t.Errorf("host keys by an operator: %v", err)
			}
			w.One(event.CONNECTION_DEFINITION_UPDATED, event.Denied, "not_permitted", event.TenantAdmin)
		}
		if _, err := w.Resources.List(ctx, w.Operator, page.Request{}); !fault.Is(err, fault.Denied) {
			t.Errorf("list by an operator: %v", err)
		}

		// Of another organization: not there, whatever is tried.
		for c, act := range acts {
			if c == event.CONNECTION_DEFINITION_CREATED {
				continue
			}
			if err := act(w.Stranger); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s by a stranger: %v", c, err)
			}
		}
		if _, err := w.Resources.Get(ctx, w.Stranger, r.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("Get by a stranger: %v", err)
		}
		if l, err := w.Resources.List(ctx, w.Stranger, page.Request{}); err != nil || len(l.Items) != 0 {
			t.Errorf("List by a stranger: %+v, %v", l, err)
		}
		if _, err := w.Resources.Get(ctx, authz.Actor{}, r.ID); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("Get by nobody: %v", err)
		}
		w.None()
	})
}

func TestResourceInUseIsKept(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		s := w.Safe("prod", nil)
		w.Events()
		err := w.Resources.Delete(ctx, w.Admin, s.Resource.ID, 0)
		if fault.CodeOf(err) != resource.InUse || !strings.Contains(fault.MessageOf(err), `account "prod root", safe "prod"`) {
			t.Errorf("Delete: %v", err)
		}
		w.One(event.CONNECTION_DEFINITION_DELETED, event.Denied, "in_use", event.TenantAdmin)
		if _, err := w.Resources.Get(ctx, w.Admin, s.Resource.ID); err != nil {
			t.Errorf("it is gone: %v", err)
		}
	})
}

func TestResourcesArePaged(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		for _, n := range []string{"c", "a", "e", "b", "d"} {
			w.Resource(n)
		}
		var got []string
		for p := (page.Request{Limit: 2}); ; {
			l, err := w.Resources.List(ctx, w.Admin, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range l.Items {
				got = append(got, r.Name)
			}
			if p.Cursor = l.Next; p.Cursor == "" {
				break
			}
		}
		if !slices.Equal(got, []string{"a", "b", "c", "d", "e"}) {
			t.Errorf("pages give %v", got)
		}
	})
}

// target is an SSH server that shows some host keys.
type target struct {
	ln   net.Listener
	keys chan []ssh.Signer
}

func newTarget(t *testing.T, keys ...ssh.Signer) *target {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tg := &target{ln: ln, keys: make(chan []ssh.Signer, 1)}
	tg.keys <- keys
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			shown := <-tg.keys
			tg.keys <- shown
			conf := &ssh.ServerConfig{NoClientAuth: true}
			for _, k := range shown {
				conf.AddHostKey(k)
			}
			go func() {
				defer conn.Close()
				if sc, _, _, err := ssh.NewServerConn(conn, conf); err == nil {
					t.Errorf("somebody signed in as %s", sc.User())
				}
			}()
		}
	}()
	return tg
}

func (tg *target) show(keys ...ssh.Signer) { <-tg.keys; tg.keys <- keys }

func (tg *target) addr() (string, int) {
	ap := netip.MustParseAddrPort(tg.ln.Addr().String())
	return ap.Addr().String(), int(ap.Port())
}

func signer(t *testing.T, key crypto.Signer) ssh.Signer {
	s, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func edKey(t *testing.T) ssh.Signer {
	_, k, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, k)
}

func ecKey(t *testing.T) ssh.Signer {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, k)
}

func TestHostKeyIsSeenConfirmedAndHeld(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		first, ec, changed := edKey(t), ecKey(t), edKey(t)
		tg := newTarget(t, first, ec)
		host, port := tg.addr()
		r, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "web", Protocol: resource.SSH, Host: host, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		w.Events()
		var mismatch *resource.HostKeyMismatch
		if err := r.CheckHostKey(first.PublicKey()); !errors.As(err, &mismatch) || len(mismatch.Pinned) != 0 {
			t.Errorf("a key that nobody confirmed: %v", err)
		}
		fp := ssh.FingerprintSHA256(first.PublicKey())
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, fp); fault.CodeOf(err) != "HOST_KEY_NOT_SEEN" {
			t.Errorf("confirmed a key that no scan saw: %v", err)
		}

		seen, err := w.Resources.Scan(ctx, w.Admin, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		if seen.Fingerprint != fp || seen.Type != ssh.KeyAlgoED25519 || seen.Pinned || seen.ID == "" {
			t.Errorf("seen %+v, want %s", seen, fp)
		}
		if r, _ := w.Resources.Get(ctx, w.Admin, r.ID); len(r.HostKeys) != 0 {
			t.Error("a scan pinned the key")
		}
		w.None()
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, ssh.FingerprintSHA256(ec.PublicKey())); fault.CodeOf(err) != "HOST_KEY_NOT_SEEN" {
			t.Errorf("confirmed another key than the seen one: %v", err)
		}
		r, err = w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, fp)
		if err != nil || len(r.HostKeys) != 1 || r.HostKeys[0].ConfirmedBy != w.Admin.User || r.Version != 2 {
			t.Fatalf("ConfirmHostKey: %+v, %v", r, err)
		}
		e := w.One(event.CONNECTION_DEFINITION_UPDATED, event.Success, "", event.TenantAdmin)
		if got := changesOf(e); !slices.Equal(got, []string{"host_key  -> " + fp}) || e.Metadata["address_changed"] != false {
			t.Errorf("changes %q", got)
		}
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, fp); err != nil {
			t.Errorf("confirming it again: %v", err)
		}
		w.None()

		if err := r.CheckHostKey(first.PublicKey()); err != nil {
			t.Errorf("the confirmed key: %v", err)
		}
		if got := r.HostKeyAlgorithms(); !slices.Equal(got, []string{ssh.KeyAlgoED25519}) {
			t.Errorf("algorithms %v", got)
		}
		if err := r.CheckHostKey(changed.PublicKey()); !errors.As(err, &mismatch) || mismatch.Seen != ssh.FingerprintSHA256(changed.PublicKey()) || !slices.Equal(mismatch.Pinned, []string{fp}) {
			t.Errorf("a changed key: %v", err)
		}

		// The target is rebuilt: the new key takes the place of the old one only once it is confirmed.
		tg.show(changed)
		seen, err = w.Resources.Scan(ctx, w.Admin, r.ID)
		if err != nil || seen.Pinned {
			t.Fatalf("Scan: %+v, %v", seen, err)
		}
		r, err = w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, seen.Fingerprint)
		if err != nil || len(r.HostKeys) != 1 || r.CheckHostKey(changed.PublicKey()) != nil || r.CheckHostKey(first.PublicKey()) == nil {
			t.Errorf("after the rebuild: %+v, %v", r, err)
		}
		if got := changesOf(w.Events()[0]); !slices.Equal(got, []string{"host_key " + fp + " -> " + seen.Fingerprint}) {
			t.Errorf("changes %q", got)
		}

		// Keys of another kind stand beside it.
		tg.show(ec)
		if seen, err = w.Resources.Scan(ctx, w.Admin, r.ID); err != nil {
			t.Fatal(err)
		}
		if r, err = w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); err != nil || len(r.HostKeys) != 2 {
			t.Errorf("a second kind: %+v, %v", r, err)
		}
		if r, err = w.Resources.UnpinHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); err != nil || len(r.HostKeys) != 1 {
			t.Errorf("UnpinHostKey: %+v, %v", r, err)
		}
		if _, err = w.Resources.UnpinHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); !fault.Is(err, fault.NotFound) {
			t.Errorf("a second UnpinHostKey: %v", err)
		}
		if l, err := w.Resources.List(ctx, w.Admin, page.Request{}); err != nil || len(l.Items) != 1 || len(l.Items[0].HostKeys) != 1 {
			t.Errorf("List: %+v, %v", l, err)
		}
	})
}

// What was seen elsewhere or long ago cannot be confirmed.
func TestSightingsAreOfOnePlaceAndDay(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		key := edKey(t)
		tg := newTarget(t, key)
		host, port := tg.addr()
		r, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "web", Protocol: resource.SSH, Host: host, Port: port})
		if err != nil {
			t.Fatal(err)
		}
		seen, err := w.Resources.Scan(ctx, w.Admin, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere := "10.0.0.1"
		if _, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Host: &elsewhere}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); fault.CodeOf(err) != "HOST_KEY_NOT_SEEN" {
			t.Errorf("confirmed after the address changed: %v", err)
		}
		if _, err := w.Resources.Update(ctx, w.Admin, r.ID, resource.UpdateArgs{Host: &host}); err != nil {
			t.Fatal(err)
		}
		w.Now = w.Now.Add(24*time.Hour + time.Second)
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); fault.CodeOf(err) != "HOST_KEY_NOT_SEEN" {
			t.Errorf("confirmed a day later: %v", err)
		}
		if again, err := w.Resources.Scan(ctx, w.Admin, r.ID); err != nil || again.Fingerprint != seen.Fingerprint {
			t.Errorf("a second scan: %+v, %v", again, err)
		}
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Admin, r.ID, seen.Fingerprint); err != nil {
			t.Errorf("confirmed after a second scan: %v", err)
		}
		if _, err := w.Resources.ConfirmHostKey(ctx, w.Stranger, r.ID, seen.Fingerprint); !fault.Is(err, fault.NotFound) {
			t.Errorf("confirmed by a stranger: %v", err)
		}
	})
}

func TestScanOfWhatIsNoSSHServer(t *testing.T) {
	each(t, func(t *testing.T, ctx context.Context, w *safetest.World) {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
				c.Close()
			}
		}()
		ap := netip.MustParseAddrPort(ln.Addr().String())
		r, err := w.Resources.Create(ctx, w.Admin, resource.CreateArgs{Name: "web", Protocol: resource.SSH, Host: "127.0.0.1", Port: int(ap.Port())})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Resources.Scan(ctx, w.Admin, r.ID); fault.CodeOf(err) != resource.TargetUnreachable || !strings.Contains(fault.MessageOf(err), "not as an SSH server") {
			t.Errorf("Scan: %v", err)
		}
		w.Dialer.Loopback = false
		w.Events()
		if _, err := w.Resources.Scan(ctx, w.Admin, r.ID); fault.CodeOf(err) != resource.AddressForbidden {
			t.Errorf("Scan of loopback: %v", err)
		}
		w.One(event.CONNECTION_DEFINITION_UPDATED, event.Denied, "address_forbidden", event.TenantAdmin)
	})
}

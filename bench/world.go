package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/crypto/ssh"
)

const safeName = "bench" // leads to the target

// world is the product with an OpenSSH target behind it, and beside it the peer:
// OpenSSH's own server as the jump host to the same target.
type world struct {
	dir       string
	key       string // private key file that target and jump host let in
	target    *sshd
	jump      *sshd
	product   *product
	sshConfig string
}

// needWorld starts everything at the first call.
func (b *bench) needWorld(ctx context.Context) (*world, error) {
	if b.world != nil {
		return b.world, nil
	}
	bin, err := b.needBinary(ctx)
	if err != nil {
		return nil, err
	}
	w := &world{dir: filepath.Join(b.dir, "world")}
	if err := w.start(ctx, bin); err != nil {
		w.stop()
		return nil, fmt.Errorf("start the product and OpenSSH's server: %w", err)
	}
	b.world = w
	return w, nil
}

func (w *world) start(ctx context.Context, bin string) error {
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return err
	}
	w.key = filepath.Join(w.dir, "key")
	key, err := newKey(w.key)
	if err != nil {
		return err
	}
	if w.target, err = startSSHD(filepath.Join(w.dir, "target"), key); err != nil {
		return err
	}
	if w.jump, err = startSSHD(filepath.Join(w.dir, "jump"), key); err != nil {
		return err
	}
	if w.product, err = startProduct(ctx, bin, filepath.Join(w.dir, "product")); err != nil {
		return err
	}
	if err := w.openSafe(ctx); err != nil {
		return err
	}
	if err := w.clientConfig(); err != nil {
		return err
	}
	for _, v := range []way{direct, jumped, gateway} {
		if _, err := timed(w.client(ctx, "ssh", v, v.host, "true")); err != nil {
			return err
		}
	}
	return nil
}

// openSafe makes the safe that leads to the target, over the API as an owner would.
func (w *world) openSafe(ctx context.Context) error {
	p := w.product
	private, err := os.ReadFile(w.key)
	if err != nil {
		return err
	}
	type object struct {
		ID          string `json:"id"`
		Fingerprint string `json:"fingerprint"`
	}
	var resource, account, safe, seen object
	type fields = map[string]any
	if err := p.call(ctx, "POST", "/resources", fields{"name": safeName, "protocol": "ssh", "host": "127.0.0.1", "port": w.target.port}, &resource); err != nil {
		return err
	}
	if err := p.call(ctx, "POST", "/resources/"+resource.ID+"/host-key/scan", nil, &seen); err != nil {
		return err
	}
	if ours := ssh.FingerprintSHA256(w.target.hostKey); seen.Fingerprint != ours {
		return fmt.Errorf("the scan saw host key %s, and the target has %s", seen.Fingerprint, ours)
	}
	if err := p.call(ctx, "POST", "/resources/"+resource.ID+"/host-key", fields{"fingerprint": seen.Fingerprint}, nil); err != nil {
		return err
	}
	if err := p.call(ctx, "POST", "/accounts", fields{"name": safeName, "resource_id": resource.ID, "username": w.target.user, "kind": "ssh_key", "private_key": string(private)}, &account); err != nil {
		return err
	}
	if err := p.call(ctx, "POST", "/safes", fields{"name": safeName, "description": "", "resource_id": resource.ID, "account_id": account.ID}, &safe); err != nil {
		return err
	}
	member, err := p.memberID(ctx, "operator")
	if err != nil {
		return err
	}
	p.safe = safe.ID
	return p.call(ctx, "POST", "/safes/"+safe.ID+"/members", fields{"user_id": member, "role": "user"}, nil)
}

func (w *world) stop() {
	var all sync.WaitGroup
	if w.product != nil {
		all.Go(w.product.stop)
	}
	for _, s := range []*sshd{w.target, w.jump} {
		if s != nil {
			all.Go(s.stop)
		}
	}
	all.Wait()
}

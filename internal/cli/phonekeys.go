package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type auditPhoneLookupCmd struct {
	connection
	Stdin bool `help:"Read the number from standard input."`
}

// Help is shown below the usage.
func (auditPhoneLookupCmd) Help() string {
	return "Asks for the number at the terminal, and finds its events under every key of the ledger that is not destroyed. The ledger holds digests, never numbers. The search itself leaves its event."
}

// Run finds the events of a number.
func (c *auditPhoneLookupCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	number, err := p.number(ctx, c.Stdin, "The number, such as +49 151 23456789: ")
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/audit/phone-lookup", map[string]string{"number": number})
	if err != nil {
		return err
	}
	var found struct {
		Digests []struct {
			KeyID  string `json:"key_id"`
			Digest string `json:"digest"`
		} `json:"digests"`
		Items []json.RawMessage `json:"items"`
		More  bool              `json:"more"`
	}
	if err := a.Into(&found); err != nil {
		return err
	}
	if p.json {
		p.raw(a.Body)
		return nil
	}
	t := table{head: []string{"KEY", "DIGEST"}, empty: "No key of this ledger has made a digest yet."}
	for _, d := range found.Digests {
		t.row(d.KeyID, d.Digest)
	}
	p.table(t)
	if len(found.Items) == 0 {
		p.notef("The ledger tells nothing of this number.")
		return nil
	}
	p.sayf("")
	if err := p.eventLines(found.Items); err != nil {
		return err
	}
	if found.More {
		p.notef("There are more; vaultpam audit tail --grep <digest> shows them.")
	}
	return nil
}

type auditPhoneKeysCmd struct {
	connection
	List    auditPhoneKeysListCmd    `cmd:"" default:"1" help:"List the keys of phone digests."`
	Rotate  auditPhoneKeysRotateCmd  `cmd:"" help:"Make a new key; the former one only finds its digests again."`
	Destroy auditPhoneKeysDestroyCmd `cmd:"" help:"Destroy a read-only key: nobody can link its digests to a number any more."`
}

type auditPhoneKeysListCmd struct{}

// Run lists keys.
func (auditPhoneKeysListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/audit/phone-keys", nil)
	if err != nil {
		return err
	}
	var l struct {
		Items []struct {
			ID          string    `json:"id"`
			State       string    `json:"state"`
			CreatedAt   time.Time `json:"created_at"`
			RetiredAt   time.Time `json:"retired_at"`
			DestroyedAt time.Time `json:"destroyed_at"`
		} `json:"items"`
	}
	if err := a.Into(&l); err != nil {
		return err
	}
	return p.show(a, func() {
		t := table{head: []string{"KEY", "STATE", "CREATED", "RETIRED", "DESTROYED"}, empty: "No key has been needed yet."}
		for _, k := range l.Items {
			t.row(k.ID, k.State, when(k.CreatedAt), when(k.RetiredAt), when(k.DestroyedAt))
		}
		p.table(t)
	})
}

type auditPhoneKeysRotateCmd struct {
	Incident bool `help:"Say that the former key may be known to somebody."`
}

// Run rotates the key.
func (c *auditPhoneKeysRotateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/audit/phone-keys", map[string]bool{"incident": c.Incident})
	if err != nil {
		return err
	}
	var k struct {
		ID string `json:"id"`
	}
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s makes digests from now on.", k.ID) })
}

type auditPhoneKeysDestroyCmd struct {
	Key string `arg:"" help:"A read-only key, such as pd-1."`
	Yes bool   `short:"y" help:"Do not ask."`
}

// Run destroys a key.
func (c *auditPhoneKeysDestroyCmd) Run(ctx context.Context, p *program) error {
	if c.Key == "" {
		return fault.New(fault.Invalid, "which key? vaultpam audit phone-keys lists them")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Destroy %s? The events that it was used in can never be found by their number again. [y/N] ", c.Key); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/audit/phone-keys/%s", c.Key), nil, nil); err != nil {
		return err
	}
	p.done("%s is destroyed.", c.Key)
	return nil
}

package cli

import (
	"context"
	"strconv"
	"strings"
	"time"
)

type platformCmd struct {
	connection
	Users       platformUsersCmd       `cmd:"" help:"Who operates the installation."`
	Invitations platformInvitationsCmd `cmd:"" help:"Invitations to operate the installation."`
	Keys        platformKeysCmd        `cmd:"" help:"The root key of the installation, and the platform's own key."`
	Ledgers     platformLedgersCmd     `cmd:"" help:"The audit ledgers: how they are, their signing keys."`
}

type platformKeysCmd struct {
	Show       platformKeysShowCmd `cmd:"" default:"1" help:"Show which root keys there are."`
	RotateRoot platformRotateRoot  `cmd:"" name:"rotate-root" help:"Replace the root key; everything stays readable meanwhile."`
	RotateData platformRotateData  `cmd:"" name:"rotate-data" help:"Give the platform a new key, for what belongs to no organization."`
}

type rootKey struct {
	ID      string   `json:"root_key_id"`
	Older   []string `json:"older_root_key_ids"`
	Keysets int64    `json:"keysets"`
	Waiting int64    `json:"keysets_waiting"`
}

func (p *program) showRootKey(k rootKey) {
	p.facts([][2]string{
		{"root key", k.ID}, {"older, still in the file", strings.Join(k.Older, ", ")},
		{"keys under root keys", strconv.FormatInt(k.Keysets, 10)}, {"not under the newest yet", strconv.FormatInt(k.Waiting, 10)},
	})
	if len(k.Older) > 0 {
		p.notef("A rotation was begun and not finished: vaultpam platform keys rotate-root --step finish.")
	}
}

type platformKeysShowCmd struct{}

// Run shows the root keys.
func (platformKeysShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, "/platform/keys/root", nil)
	if err != nil {
		return err
	}
	var k rootKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() { p.showRootKey(k) })
}

type platformRotateRoot struct {
	Step string `default:"all" enum:"all,begin,finish" help:"all, or, where servers have a root key file each: begin on one, copy the file to the others, then finish."`
	Yes  bool   `short:"y" help:"Do not ask."`
}

// Run rotates the root key.
func (c *platformRotateRoot) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Replace the root key of the installation? Its file changes and has to be backed up again. [y/N] "); err != nil {
		return err
	}
	a, err := r.post(ctx, "/platform/keys/root/rotate", map[string]string{"step": c.Step})
	if err != nil {
		return err
	}
	var k rootKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() {
		p.showRootKey(k)
		p.notef("Back up the root key file now: without it, nothing that is sealed from now on can be opened.")
	})
}

type dataKey struct {
	ID       string `json:"key_id"`
	Replaced string `json:"replaced_key_id"`
	Moved    int    `json:"secrets_moved"`
}

type platformRotateData struct{}

// Run rotates the platform's own key.
func (platformRotateData) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/platform/keys/data/rotate", nil)
	if err != nil {
		return err
	}
	var k dataKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("The platform seals with key %s now. Key %s still opens what it has sealed.", k.ID, k.Replaced)
	})
}

type orgKeyCmd struct {
	connection
	Rotate orgKeyRotateCmd `cmd:"" help:"Give your organization a new encryption key; for owners."`
}

type orgKeyRotateCmd struct{}

// Run rotates an organization's key.
func (orgKeyRotateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, "/org/key/rotate", nil)
	if err != nil {
		return err
	}
	var k dataKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Your organization seals with key %s now, and %d secrets have moved to it. Key %s still opens what else it has sealed.", k.ID, k.Moved, k.Replaced)
	})
}

type platformLedgersCmd struct {
	List      platformLedgersList   `cmd:"" default:"1" help:"List the ledgers."`
	RotateKey platformLedgersRotate `cmd:"" name:"rotate-key" help:"Give a ledger a new signing key; the old one signs beside it for 30 days."`
	Resume    platformLedgersResume `cmd:"" help:"Let a stopped ledger go on, after you have looked at it."`
}

// ledgerState is a ledger as operators see it.
type ledgerState struct {
	LogID      string    `json:"log_id"`
	OrgID      string    `json:"org_id"`
	OrgName    string    `json:"org_name"`
	Size       int64     `json:"size"`
	Waiting    int64     `json:"waiting"`
	SignedSize int64     `json:"signed_size"`
	SignedAt   time.Time `json:"signed_at"`
	Stopped    bool      `json:"stopped"`
	StopReason string    `json:"stop_reason"`
}

func (l ledgerState) owner() string {
	if l.OrgID == "" {
		return "platform"
	}
	return first(l.OrgName, l.OrgID)
}

func (l ledgerState) names() []string { return []string{l.LogID, l.owner(), l.OrgID} }

func (r *remote) findLedger(ctx context.Context, want string) (ledgerState, error) {
	return find[ledgerState](ctx, r, "/platform/ledgers", "ledger", want)
}

type platformLedgersList struct{}

// Run lists ledgers.
func (platformLedgersList) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/platform/ledgers", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"LEDGER OF", "EVENTS", "WAITING", "SIGNED", "SIGNED AT", "STATE", "ID"}, empty: "There are no ledgers yet."}
	return showList(p, l, t, func(s ledgerState) []string {
		state := "runs"
		if s.Stopped {
			state = "stopped: " + s.StopReason
		}
		return []string{s.owner(), strconv.FormatInt(s.Size, 10), strconv.FormatInt(s.Waiting, 10), strconv.FormatInt(s.SignedSize, 10), when(s.SignedAt), state, s.LogID}
	})
}

type platformLedgersRotate struct {
	Ledger string `arg:"" help:"Id of the ledger, name of its organization, or platform."`
}

// Run rotates the key of a ledger.
func (c *platformLedgersRotate) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.findLedger(ctx, c.Ledger)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/platform/ledgers/%s/key/rotate", l.LogID), nil)
	if err != nil {
		return err
	}
	var k struct {
		VKey      string    `json:"vkey"`
		SignUntil time.Time `json:"replaced_signs_until"`
	}
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() {
		p.facts([][2]string{{"new key", k.VKey}, {"the replaced one signs until", when(k.SignUntil)}})
		p.notef("Give the new key to whoever verifies this ledger before the replaced one ends.")
	})
}

type platformLedgersResume struct {
	Ledger string `arg:"" help:"Id of the ledger, name of its organization, or platform."`
	Yes    bool   `short:"y" help:"Do not ask."`
}

// Run resumes a ledger.
func (c *platformLedgersResume) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.findLedger(ctx, c.Ledger)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "The ledger of %s is stopped: %s. Let it go on? [y/N] ", l.owner(), first(l.StopReason, "it is not")); err != nil {
		return err
	}
	a, err := r.post(ctx, path("/platform/ledgers/%s/resume", l.LogID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("The ledger of %s goes on.", l.owner()) })
}

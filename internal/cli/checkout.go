package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type checkoutCmd struct {
	connection
	Safe   string        `arg:"" complete:"safe" help:"Name or id."`
	Reason string        `placeholder:"TEXT" help:"What for. Needed, but with --again."`
	For    time.Duration `placeholder:"30m" help:"For how long. Else as long as the safe allows."`
	Ticket string        `placeholder:"ID" help:"The ticket of the work."`
	Again  bool          `help:"Show the credential that you have checked out already."`
	Out    string        `placeholder:"FILE" help:"Write the password or private key into a new file that only you can read, and print no secret."`
}

// Help is shown below the usage.
func (checkoutCmd) Help() string {
	return "The credential of the safe's account is shown to you, and to nobody else until you check it in: `vaultpam checkin SAFE`. You need the role checkout on the safe, or an approved request for a checkout: `vaultpam request SAFE --use checkout --reason TEXT`. Prefer `vaultpam ssh SAFE` where it does the work: there nobody sees the credential."
}

// heldCredential is a checkout as the API tells it.
type heldCredential struct {
	ID      string `json:"id"`
	Safe    ref    `json:"safe"`
	Account struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"account"`
	Kind string `json:"credential_kind"`
	User struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"user"`
	Reason      string    `json:"reason"`
	Ticket      string    `json:"ticket"`
	StartedAt   time.Time `json:"started_at"`
	ExpiresAt   time.Time `json:"expires_at"`
	EndedAt     time.Time `json:"ended_at"`
	EndedBy     string    `json:"ended_by"`
	EndedByName string    `json:"ended_by_name"`
	Reveals     int       `json:"reveals"`
}

func (h heldCredential) names() []string {
	return []string{h.ID, h.Safe.Name, h.Safe.ID, h.Account.Name}
}

func (h heldCredential) status() string {
	if h.EndedAt.IsZero() {
		return "until " + when(h.ExpiresAt)
	}
	return "ended " + when(h.EndedAt) + reason(h.EndedBy)
}

// openedCredential is the one answer that holds the secret.
type openedCredential struct {
	Checkout   heldCredential `json:"checkout"`
	Credential struct {
		Username   string `json:"username"`
		Kind       string `json:"kind"`
		Password   string `json:"password"`
		PrivateKey string `json:"private_key"`
	} `json:"credential"`
}

// Run checks a credential out, or shows it again.
func (c *checkoutCmd) Run(ctx context.Context, p *program) error {
	if c.Reason == "" && !c.Again {
		return fault.New(fault.Invalid, "say what for: --reason TEXT")
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if _, err := os.Lstat(c.Out); !errors.Is(err, fs.ErrNotExist) {
			return fault.New(fault.Invalid, "%s exists already: name a new file", c.Out)
		}
	}
	if c.For < 0 || c.For%time.Second != 0 {
		return fault.New(fault.Invalid, "--for %s: whole seconds, such as 90s or 30m", c.For)
	}
	address, in := "/checkouts", safeBody(c.Safe)
	if c.Again {
		id, err := findHeld(ctx, r, c.Safe, true)
		if err != nil {
			return err
		}
		address, in = path("/checkouts/%s/reveal", id), nil
	} else {
		in["reason"], in["ticket"], in["duration_seconds"] = c.Reason, c.Ticket, int64(c.For/time.Second)
	}
	a, err := r.post(ctx, address, in)
	if err != nil {
		return err
	}
	var got openedCredential
	if err := a.Into(&got); err != nil {
		return err
	}
	secret := got.Credential.Password + got.Credential.PrivateKey
	if c.Out != "" {
		if err := writeSecret(c.Out, secret); err != nil {
			return err
		}
		if a.Body, err = withoutSecret(a.Body); err != nil {
			return err
		}
		secret = ""
	}
	return p.show(a, func() {
		fmt.Fprintf(p.out, "user      %s\n", got.Credential.Username)
		switch {
		case c.Out != "":
			fmt.Fprintf(p.out, "written   %s\n", c.Out)
		case got.Credential.PrivateKey != "":
			fmt.Fprint(p.out, secret)
		default:
			fmt.Fprintf(p.out, "password  %s\n", secret)
		}
		p.sayf("It is yours until %s. Check it in when you are done: vaultpam checkin %s", when(got.Checkout.ExpiresAt), got.Checkout.Safe.Name)
	})
}

// writeSecret writes a file that did not exist and that only its owner can read.
func writeSecret(name, secret string) error {
	f, err := os.OpenFile(filepath.Clean(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write the credential: %w", err)
	}
	_, err = f.WriteString(secret)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the credential: %w", err)
	}
	return nil
}

// withoutSecret is the answer as --json shows it when the secret went into a file.
func withoutSecret(body []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	var credential map[string]any
	if err := errors.Join(json.Unmarshal(body, &all), json.Unmarshal(all["credential"], &credential)); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	delete(credential, "password")
	delete(credential, "private_key")
	var err error
	if all["credential"], err = json.Marshal(credential); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.NewEncoder(&out).Encode(all)
	return out.Bytes(), err
}

// findHeld finds an open checkout by its id, its safe or its account: one's own, and
// unless only those are meant, where there is none one that the caller may see.
func findHeld(ctx context.Context, r *remote, want string, own bool) (string, error) {
	if strings.HasPrefix(want, "chk_") {
		return want, nil
	}
	who, _, err := r.me(ctx)
	if err != nil && !fault.Is(err, fault.Denied) { // a token may not read who it acts for
		return "", err
	}
	l, err := r.list(ctx, "/checkouts", url.Values{"active": {"true"}}, 0)
	if err != nil {
		return "", err
	}
	items, err := decode[heldCredential](l.Items)
	if err != nil {
		return "", err
	}
	others := slices.DeleteFunc(slices.Clone(items), func(h heldCredential) bool { return h.User.ID == who.User.ID })
	items = slices.DeleteFunc(items, func(h heldCredential) bool { return h.User.ID != who.User.ID })
	if !own || who.User.ID == "" {
		items = append(items, others...)
	}
	var found []heldCredential
	for _, h := range items {
		if slices.Contains(h.names(), want) && (len(found) == 0 || (found[0].User.ID == who.User.ID) == (h.User.ID == who.User.ID)) {
			found = append(found, h)
		}
	}
	switch {
	case len(found) == 0:
		return "", fault.New(fault.NotFound, "nothing of %q is checked out: see vaultpam checkouts", want)
	case len(found) > 1:
		const few = 5
		var which []string
		for _, h := range found[:min(len(found), few)] {
			which = append(which, fmt.Sprintf("%s (%s, safe %s, by %s)", h.ID, h.Account.Name, h.Safe.Name, first(h.User.Email, h.User.Name, h.User.ID)))
		}
		if more := len(found) - few; more > 0 {
			which = append(which, fmt.Sprintf("and %d more, see vaultpam checkouts", more))
		}
		return "", fault.New(fault.Invalid, "%q names %d checkouts; give the id of one: %s", want, len(found), strings.Join(which, ", "))
	}
	return found[0].ID, nil
}

type checkinCmd struct {
	connection
	What    string `arg:"" name:"safe" complete:"safe" help:"The safe, its account, or the checkout's id."`
	Comment string `placeholder:"TEXT" help:"Kept with the checkout."`
}

// Help is shown below the usage.
func (checkinCmd) Help() string {
	return "Ends your checkout; an owner, an admin and a manager of the safe end anybody's. The credential is due for rotation then, because somebody has seen it."
}

// Run ends a checkout.
func (c *checkinCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	id, err := findHeld(ctx, r, c.What, false)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/checkouts/%s/check-in", id), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	var h heldCredential
	if err := a.Into(&h); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Checked in: %s. Its credential is due for rotation.", h.Safe.Name) })
}

type checkoutsCmd struct {
	connection
	All   bool   `help:"Also those that are over."`
	Safe  string `placeholder:"NAME" complete:"safe" help:"Only those of this safe."`
	User  string `placeholder:"PERSON" complete:"person" help:"Only those of this person: handle, e-mail address, id, or me."`
	Limit int    `default:"50" help:"How many at most; 0 for all."`
}

// Run lists checkouts.
func (c *checkoutsCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if !c.All {
		q.Set("active", "true")
	}
	user, err := r.userID(ctx, c.User)
	if err != nil {
		return err
	}
	if user != "" {
		q.Set("user", user)
	}
	if c.Safe != "" {
		s, err := r.findSafe(ctx, c.Safe)
		if err != nil {
			return err
		}
		q.Set("safe", s.ID)
	}
	l, err := r.list(ctx, "/checkouts", q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"SAFE", "ACCOUNT", "PERSON", "STATE", "REASON", "TICKET", "STARTED", "ID"}, empty: "Nothing is checked out."}
	return showList(p, l, t, func(h heldCredential) []string {
		return []string{h.Safe.Name, h.Account.Name, h.User.Email, h.status(), h.Reason, h.Ticket, when(h.StartedAt), h.ID}
	})
}

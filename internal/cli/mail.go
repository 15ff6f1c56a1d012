package cli

import (
	"context"
	"strconv"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
)

type mailCmd struct {
	connection
	List mailListCmd `cmd:"" default:"withargs" help:"List messages, newest first."`
	Show mailShowCmd `cmd:"" help:"Show one message, with each try to deliver it."`

	Test   mailTestCmd   `cmd:"" help:"Send a test message to yourself, and tell how its delivery goes."`
	Resend mailResendCmd `cmd:"" help:"Send a message that did not arrive once more."`
}

// message is a message as the server tells of it.
type message struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	Kind      string    `json:"kind"`
	Recipient string    `json:"recipient"`
	State     string    `json:"state"`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"last_error"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	NextAt    time.Time `json:"next_at"`
	EndedAt   time.Time `json:"ended_at"`
	Tries     []struct {
		N       int       `json:"n"`
		EndedAt time.Time `json:"ended_at"`
		Outcome string    `json:"outcome"`
		Via     string    `json:"via"`
		Error   string    `json:"error"`
	} `json:"tries"`
}

// mailbox is whose messages a command is about.
type mailbox struct {
	Platform bool `help:"Those of the platform, not of your organization."`
}

func (m mailbox) path() string {
	if m.Platform {
		return "/platform/mail"
	}
	return "/org/mail"
}

type mailListCmd struct {
	mailbox
	Limit int `default:"50" help:"How many at most; 0 is all."`
}

// Run lists messages.
func (c *mailListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, c.path(), nil, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"CREATED", "TO", "KIND", "STATE", "TRIES", "LAST ERROR", "ID"}, empty: "No messages."}
	return showList(p, l, t, func(m message) []string {
		return []string{when(m.CreatedAt), m.Recipient, m.Kind, m.State, strconv.Itoa(m.Attempts), m.LastError, m.ID}
	})
}

type mailShowCmd struct {
	mailbox
	ID string `arg:"" help:"The message's id, as mail list has it."`
}

// Run shows one message.
func (c *mailShowCmd) Run(ctx context.Context, p *program) error {
	return p.showMessage(ctx, c.path(), c.ID)
}

func (p *program) showMessage(ctx context.Context, list, id string) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, list+path("/%s", id), nil)
	if err != nil {
		return err
	}
	var m message
	if err := a.Into(&m); err != nil {
		return err
	}
	return p.show(a, func() {
		facts := [][2]string{{"to", m.Recipient}, {"kind", m.Kind}, {"state", m.State}, {"created", when(m.CreatedAt)}}
		if m.EndedAt.IsZero() {
			facts = append(facts, [2]string{"next try", when(m.NextAt)}, [2]string{"until", when(m.ExpiresAt)})
		} else {
			facts = append(facts, [2]string{"ended", when(m.EndedAt)})
		}
		p.facts(facts)
		t := table{head: []string{"TRY", "ENDED", "OUTCOME", "VIA", "ERROR"}, empty: "It was not tried yet."}
		for _, try := range m.Tries {
			t.row(strconv.Itoa(try.N), when(try.EndedAt), try.Outcome, try.Via, try.Error)
		}
		p.table(t)
	})
}

type mailTestCmd struct {
	mailbox
}

// Run sends a test.
func (c *mailTestCmd) Run(ctx context.Context, p *program) error { return c.order(ctx, p, "/test") }

type mailResendCmd struct {
	mailbox
	ID string `arg:"" help:"The message's id, as mail list has it."`
}

// Run sends a message again.
func (c *mailResendCmd) Run(ctx context.Context, p *program) error {
	return c.order(ctx, p, path("/%s/resend", c.ID))
}

func (m mailbox) order(ctx context.Context, p *program, what string) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	return r.sendByHand(ctx, m.path()+what, m.path())
}

func shownBy(list string) string {
	if list == deliveriesPath {
		return "channels deliveries"
	}
	return "mail"
}

// sendByHand has a message of the list sent, and waits a little for how that goes.
func (r *remote) sendByHand(ctx context.Context, order, list string) error {
	p := r.p
	a, err := r.post(ctx, order, nil)
	if err != nil {
		return err
	}
	var now message
	if err := a.Into(&now); err != nil {
		return err
	}
	before := now.Attempts
	for range 20 {
		if now.Attempts > before && now.State != "sending" {
			break
		}
		select {
		case <-ctx.Done():
			return terminal.ErrInterrupted
		case <-time.After(p.poll):
		}
		if a, err = r.get(ctx, list+path("/%s", now.ID), nil); err != nil {
			return err
		}
		if err := a.Into(&now); err != nil {
			return err
		}
	}
	if now.State == "failed" {
		return fault.New(fault.Unavailable, "the message to %s was refused: %s", now.Recipient, now.LastError)
	}
	return p.show(a, func() {
		switch {
		case now.State == "sent":
			p.sayf("Sent to %s.", now.Recipient)
		case now.LastError != "":
			p.sayf("Not sent to %s yet: %s. It is tried again; see vaultpam %s show %s", now.Recipient, now.LastError, shownBy(list), now.ID)
		default:
			p.sayf("On its way to %s; see vaultpam %s show %s", now.Recipient, shownBy(list), now.ID)
		}
	})
}

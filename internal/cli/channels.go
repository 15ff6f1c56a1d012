package cli

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

type channelsCmd struct {
	connection
	List       channelsListCmd   `cmd:"" default:"1" help:"List channels in their order, and whether they work."`
	Kinds      channelsKindsCmd  `cmd:"" help:"List the kinds of notices that channels can be told of."`
	Add        channelsAddCmd    `cmd:"" help:"Add a channel: Slack, or a signed webhook."`
	Set        channelsSetCmd    `cmd:"" help:"Change a channel."`
	Remove     channelsRemoveCmd `cmd:"" help:"Remove a channel."`
	Order      channelsOrderCmd  `cmd:"" help:"Say which channel is asked in place of one that fails."`
	Rotate     channelsRotateCmd `cmd:"" help:"Give a webhook a new secret; it is shown once."`
	Test       channelsTestCmd   `cmd:"" help:"Send a test by a channel."`
	Introduce  introduceCmd      `cmd:"" help:"Say something of your own before a kind of notice."`
	Deliveries deliveriesCmd     `cmd:"" help:"What was sent by e-mail and by channels, and how it went."`
}

const channelsPath = "/org/notifications/channels"

type channel struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"`
	Name         string    `json:"name"`
	Enabled      bool      `json:"enabled"`
	Kinds        []string  `json:"kinds"`
	Host         string    `json:"host"`
	FailingSince time.Time `json:"failing_since"`
	LastError    string    `json:"last_error"`
	LastSentAt   time.Time `json:"last_sent_at"`
	Until        time.Time `json:"previous_until"`
	Secret       string    `json:"secret"`
}

func (c channel) names() []string { return []string{c.ID, c.Name} }

func (c channel) state() string {
	switch {
	case !c.Enabled:
		return "off"
	case !c.FailingSince.IsZero():
		return "failing since " + when(c.FailingSince) + ": " + c.LastError
	case c.LastSentAt.IsZero():
		return "not used yet"
	}
	return "works, last " + when(c.LastSentAt)
}

type channelsListCmd struct{}

// Run lists channels.
func (channelsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, channelsPath, nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "KIND", "HOST", "NOTICES", "STATE", "ID"}, empty: "There are no channels: notices go by e-mail alone."}
	return showList(p, l, t, func(c channel) []string {
		return []string{c.Name, c.Kind, c.Host, first(strings.Join(c.Kinds, " "), "all"), c.state(), c.ID}
	})
}

type channelsKindsCmd struct{}

// Run lists kinds.
func (channelsKindsCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/org/notifications/kinds", nil, 0)
	if err != nil {
		return err
	}
	return showList(p, l, table{head: []string{"KIND", "TELLS"}}, func(k struct{ Kind, Title string }) []string { return []string{k.Kind, k.Title} })
}

// address is a channel's URL, which is as good as a password.
type address struct {
	URLFile string `name:"url-file" placeholder:"FILE" help:"Read the URL from a file; - is standard input. It is never an argument: others on the machine could read it."`
	CAFile  string `name:"ca" placeholder:"FILE" help:"Authorities, in PEM, that sign the receiver's certificate; default: the server's machine's."`
}

func (a address) read(ctx context.Context, p *program, body map[string]any, needed bool) error {
	var u secret.Secret
	var err error
	switch {
	case a.URLFile != "":
		if u, err = p.readSecret(a.URLFile); err == nil {
			u = secret.FromString(strings.TrimSpace(u.RevealString()))
		}
	case needed:
		u, err = p.ask().Secret(ctx, "URL of the channel: ")
	}
	if err != nil {
		return err
	}
	if !u.Empty() {
		body["url"] = u.RevealString()
	}
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return fault.New(fault.Invalid, "%s cannot be read: %v", a.CAFile, cause(err))
		}
		body["ca_pem"] = string(pem)
	}
	return nil
}

type channelsAddCmd struct {
	Kind string   `arg:"" enum:"slack,webhook" help:"slack: the URL of an incoming webhook of Slack. webhook: messages of Standard Webhooks, signed."`
	Name string   `arg:"" help:"What you call it."`
	Only []string `name:"only" placeholder:"KIND" help:"Only notices of these kinds; several are possible. Default: all."`
	Off  bool     `help:"Do not switch it on yet."`
	address
}

// Run adds a channel. The secret alone goes to standard output.
func (c *channelsAddCmd) Run(ctx context.Context, p *program) error {
	body := map[string]any{"kind": c.Kind, "name": c.Name, "kinds": c.Only, "enabled": !c.Off}
	if c.Only == nil {
		body["kinds"] = []string{}
	}
	if err := c.read(ctx, p, body, true); err != nil {
		return err
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, channelsPath, body)
	if err != nil {
		return err
	}
	var made channel
	if err := a.Into(&made); err != nil {
		return err
	}
	return p.show(a, func() {
		p.secretOnce(made, "Channel "+made.Name+" is added; see whether it works with: vaultpam channels test "+made.ID)
	})
}

func (p *program) secretOnce(c channel, done string) {
	p.notef("%s", done)
	if c.Secret != "" {
		p.notef("The secret that signs is shown once, now.")
		p.sayf("%s", c.Secret)
	}
}

type channelsSetCmd struct {
	Channel string   `arg:"" help:"Name or id."`
	Name    string   `help:"A new name."`
	Only    []string `name:"only" placeholder:"KIND" xor:"kinds" help:"Only notices of these kinds."`
	All     bool     `xor:"kinds" help:"Notices of all kinds."`
	On      bool     `xor:"state" help:"Switch it on."`
	Off     bool     `xor:"state" help:"Switch it off: what waits for it goes by the next."`
	address
}

// Run changes a channel.
func (c *channelsSetCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	at, err := find[channel](ctx, r, channelsPath, "channel", c.Channel)
	if err != nil {
		return err
	}
	body := map[string]any{}
	if c.Name != "" {
		body["name"] = c.Name
	}
	if c.All {
		body["kinds"] = []string{}
	} else if len(c.Only) > 0 {
		body["kinds"] = c.Only
	}
	if c.On || c.Off {
		body["enabled"] = c.On
	}
	if err := c.read(ctx, p, body, false); err != nil {
		return err
	}
	a, err := r.call(ctx, http.MethodPatch, path(channelsPath+"/%s", at.ID), nil, body)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.done("Channel %s is changed.", at.Name) })
}

type channelsRemoveCmd struct {
	Channel string `arg:"" help:"Name or id."`
	Yes     bool   `short:"y" help:"Do not ask whether you are sure."`
}

// Run removes a channel.
func (c *channelsRemoveCmd) Run(ctx context.Context, p *program) error {
	r, at, err := locate[channel](ctx, p, channelsPath, nil, "channel", c.Channel)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Remove the channel %s? [y/N] ", at.Name); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path(channelsPath+"/%s", at.ID), nil, nil); err != nil {
		return err
	}
	p.done("Channel %s is removed.", at.Name)
	return nil
}

type channelsOrderCmd struct {
	Channels []string `arg:"" help:"All channels, by name or id, in their new order."`
}

// Run orders the channels.
func (c *channelsOrderCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	ids := []string{}
	for _, name := range c.Channels {
		at, err := find[channel](ctx, r, channelsPath, "channel", name)
		if err != nil {
			return err
		}
		ids = append(ids, at.ID)
	}
	a, err := r.call(ctx, http.MethodPut, "/org/notifications/order", nil, map[string]any{"ids": ids})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.done("The order is changed.") })
}

type channelsRotateCmd struct {
	Channel string `arg:"" help:"Name or id of a webhook."`
	Overlap int    `default:"24" placeholder:"HOURS" help:"How long the previous secret signs too; 0 to 168."`
}

// Run rotates a secret. The new one alone goes to standard output.
func (c *channelsRotateCmd) Run(ctx context.Context, p *program) error {
	r, at, err := locate[channel](ctx, p, channelsPath, nil, "channel", c.Channel)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path(channelsPath+"/%s/rotate-secret", at.ID), map[string]any{"overlap_hours": c.Overlap})
	if err != nil {
		return err
	}
	var made channel
	if err := a.Into(&made); err != nil {
		return err
	}
	done := "Channel " + made.Name + " is signed with a new secret."
	if !made.Until.IsZero() {
		done = "Channel " + made.Name + " is signed with a new secret, and with the previous one too until " + when(made.Until) + "."
	}
	return p.show(a, func() { p.secretOnce(made, done) })
}

type channelsTestCmd struct {
	Channel string `arg:"" help:"Name or id."`
}

// Run sends a test.
func (c *channelsTestCmd) Run(ctx context.Context, p *program) error {
	r, at, err := locate[channel](ctx, p, channelsPath, nil, "channel", c.Channel)
	if err != nil {
		return err
	}
	return r.sendByHand(ctx, path(channelsPath+"/%s/test", at.ID), deliveriesPath)
}

type deliveriesCmd struct {
	List   deliveriesListCmd   `cmd:"" default:"withargs" help:"List deliveries, newest first."`
	Show   deliveriesShowCmd   `cmd:"" help:"Show one delivery, with each try."`
	Resend deliveriesResendCmd `cmd:"" help:"Try a delivery again that did not arrive."`
}

const deliveriesPath = "/org/notifications/deliveries"

type deliveriesListCmd struct {
	Channel string `placeholder:"NAME" help:"Only by this channel: a name, an id, or email."`
	State   string `enum:",queued,sending,sent,failed,expired" default:"" help:"Only in this state: queued, sending, sent, failed or expired."`
	Limit   int    `default:"50" help:"How many at most; 0 is all."`
}

// Run lists deliveries.
func (c *deliveriesListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.State != "" {
		q.Set("state", c.State)
	}
	if c.Channel == "email" {
		q.Set("channel", c.Channel)
	} else if c.Channel != "" {
		at, err := find[channel](ctx, r, channelsPath, "channel", c.Channel)
		if err != nil {
			return err
		}
		q.Set("channel", at.ID)
	}
	l, err := r.list(ctx, deliveriesPath, q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"CREATED", "BY", "TO", "KIND", "STATE", "TRIES", "LAST ERROR", "ID"}, empty: "No deliveries."}
	return showList(p, l, t, func(m message) []string {
		return []string{when(m.CreatedAt), m.Channel, m.Recipient, m.Kind, m.State, strconv.Itoa(m.Attempts), m.LastError, m.ID}
	})
}

type deliveriesShowCmd struct {
	ID string `arg:"" help:"The delivery's id."`
}

// Run shows one delivery.
func (c *deliveriesShowCmd) Run(ctx context.Context, p *program) error {
	return p.showMessage(ctx, deliveriesPath, c.ID)
}

type deliveriesResendCmd struct {
	ID string `arg:"" help:"The delivery's id."`
}

// Run tries a delivery again.
func (c *deliveriesResendCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	return r.sendByHand(ctx, deliveriesPath+path("/%s/resend", c.ID), deliveriesPath)
}

type introduceCmd struct {
	Kind  string  `arg:"" optional:"" help:"A kind of notice; without one all are listed."`
	Words *string `help:"Plain text; {organization} and {support} are replaced. Empty takes the words away."`
}

type introduction struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Words string `json:"words"`
}

func (i introduction) names() []string { return []string{i.Kind} }

// Run lists or sets an organization's words.
func (c *introduceCmd) Run(ctx context.Context, p *program) error {
	const at = "/org/notifications/introductions"
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.Kind == "" || c.Words == nil {
		l, err := r.list(ctx, at, nil, 0)
		if err != nil {
			return err
		}
		return showList(p, l, table{head: []string{"KIND", "WORDS", "BEFORE"}}, func(i introduction) []string { return []string{i.Kind, i.Words, i.Title} })
	}
	a, err := r.call(ctx, http.MethodPut, path(at+"/%s", c.Kind), nil, map[string]any{"words": *c.Words})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.done("The introduction of %s is changed.", c.Kind) })
}

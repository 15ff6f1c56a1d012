package notify

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Way is how a channel is spoken to.
type Way string

// The ways of channels. E-mail goes to persons and is no channel that is set up.
const (
	Slack   Way = "slack"   // an incoming webhook of Slack
	Webhook Way = "webhook" // signed, as Standard Webhooks has it

	emailWay = "email"
)

const (
	maxChannels = 20 // of one organization
	maxURL      = 2048
	maxCA       = 64 << 10
	maxOverlap  = 7 * 24 * time.Hour
)

// Channel is where an organization is told of what happens in it. Its URL is as good as
// a password, and is never told again.
type Channel struct {
	ID            id.Channel
	Way           Way
	Name          string
	Enabled       bool
	Kinds         []Kind // empty: all that channels can be told of
	Host          string // of its URL
	OwnCA         bool   // its certificate is verified with authorities that were given
	PreviousUntil time.Time
	Version       int
	FailingSince  time.Time
	LastError     string
	LastSentAt    time.Time
	CreatedAt     time.Time
	ChangedAt     time.Time
}

// hidden is what of a channel is sealed.
type hidden struct {
	URL      string `json:"url"`
	CA       string `json:"ca,omitempty"`
	Secret   []byte `json:"secret,omitempty"`
	Previous []byte `json:"previous,omitempty"`
}

func channelContext(c string) string { return "notify-channel/" + c }

func channelOf(r notifysql.NotifyChannel) Channel {
	at := func(us int64) time.Time {
		if us == 0 {
			return time.Time{}
		}
		return db.Time(us)
	}
	c := Channel{ID: id.Channel(r.ID), Way: Way(r.Kind), Name: r.Name, Enabled: r.Enabled, Kinds: []Kind{}, Host: r.Host, PreviousUntil: at(r.PreviousUntil), Version: int(r.Version),
		FailingSince: at(r.FailingSince), LastError: r.LastError, LastSentAt: at(r.LastSentAt), CreatedAt: db.Time(r.CreatedAt), ChangedAt: db.Time(r.ChangedAt)}
	for _, k := range strings.Fields(r.Kinds) {
		c.Kinds = append(c.Kinds, Kind(k))
	}
	return c
}

// wants tells whether the channel is to hear of a kind.
func wants(r notifysql.NotifyChannel, k Kind) bool {
	return r.Enabled && (r.Kinds == "" || slices.Contains(strings.Fields(r.Kinds), string(k)))
}

// parseURL checks where a channel leads and gives what of it may be shown. The URL
// itself stands in no error.
func parseURL(s string) (host string, why string) {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "", "is needed"
	case len(s) > maxURL:
		return "", fmt.Sprintf("has more than %d characters", maxURL)
	case err != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return "", "is not a URL"
	case u.Scheme != "https":
		return "", "must begin with https://"
	case u.Hostname() == "" || u.Opaque != "":
		return "", "names no host"
	case u.User != nil:
		return "", "must not carry a user name or password"
	case u.Fragment != "":
		return "", "must not have a fragment"
	}
	return strings.ToLower(u.Host), ""
}

func parseKinds(way Way, in []Kind) (string, string) {
	var out []string
	for _, k := range in {
		if kindInfo(k).Asks && (way != Webhook || len(in) > 1) {
			return "", fmt.Sprintf("%s is for a webhook that is told of nothing else: name it alone", k)
		}
		if !kindInfo(k).Shared && !kindInfo(k).Asks {
			return "", fmt.Sprintf("%.64q is not a kind of notice that channels are told of", string(k))
		}
		out = append(out, string(k))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " "), ""
}

// ChannelArgs describe a new channel.
type ChannelArgs struct {
	Way     Way
	Name    string
	URL     secret.Secret
	Kinds   []Kind // empty: all
	Enabled bool
	CA      string // PEM; empty: the machine's authorities
}

// ChannelPatch changes a channel; nil leaves a field as it is.
type ChannelPatch struct {
	Version *int // the one that was looked at; another one since is a conflict
	Name    *string
	URL     *secret.Secret
	Kinds   *[]Kind
	Enabled *bool
	CA      *string
}

// draft is a channel with what is sealed of it, while it is changed.
type draft struct {
	row notifysql.NotifyChannel
	in  hidden
}

// apply writes the changes of p into d, and reports every wrong value at once.
func (d *draft) apply(p ChannelPatch) error {
	f := fault.New(fault.Invalid, "the channel cannot be like this: see the fields that are named")
	if p.Name != nil {
		d.row.Name = norm.NFC.String(strings.TrimSpace(*p.Name))
		d.row.NameKey = cases.Fold().String(d.row.Name)
		if wrong := label.Name(d.row.Name); wrong != "" {
			f.WithField("name", "%s", wrong)
		}
	}
	if p.URL != nil {
		d.in.URL = strings.TrimSpace(p.URL.RevealString())
		var why string
		if d.row.Host, why = parseURL(d.in.URL); why != "" {
			f.WithField("url", "%s", why)
		}
	}
	if p.Kinds != nil {
		var why string
		if d.row.Kinds, why = parseKinds(Way(d.row.Kind), *p.Kinds); why != "" {
			f.WithField("kinds", "%s", why)
		}
	}
	if p.Enabled != nil {
		d.row.Enabled = *p.Enabled
	}
	if p.CA != nil {
		d.in.CA = strings.TrimSpace(*p.CA)
		if d.in.CA != "" && (len(d.in.CA) > maxCA || !x509.NewCertPool().AppendCertsFromPEM([]byte(d.in.CA))) {
			f.WithField("ca_pem", "must hold certificates in PEM form")
		}
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// newSigningSecret makes what a webhook is signed with, as Standard Webhooks asks: 24 to
// 64 random bytes.
func newSigningSecret() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails: crypto/rand aborts the process instead
	return b
}

// shownSecret is a signing secret as its receiver gets it.
func shownSecret(b []byte) secret.Secret {
	if len(b) == 0 {
		return secret.Secret{}
	}
	return secret.FromString("whsec_" + base64.StdEncoding.EncodeToString(b))
}

// Channels lists the channels of the active organization in their order.
func (s *Service) Channels(ctx context.Context, actor authz.Actor) ([]Channel, error) {
	if err := authz.Check(actor, authz.OrgSettings, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org}); err != nil {
		return nil, err
	}
	rows, err := s.channels(ctx, actor.Org)
	if err != nil {
		return nil, err
	}
	out := make([]Channel, len(rows))
	for i, r := range rows {
		out[i] = channelOf(r)
		if h, err := s.unseal(ctx, r); err == nil {
			out[i].OwnCA = h.CA != ""
		}
	}
	return out, nil
}

// Channel is one of them.
func (s *Service) Channel(ctx context.Context, actor authz.Actor, name id.Channel) (Channel, error) {
	all, err := s.Channels(ctx, actor)
	if err != nil {
		return Channel{}, err
	}
	for _, c := range all {
		if c.ID == name {
			return c, nil
		}
	}
	return Channel{}, noChannel(name)
}

func noChannel(name id.Channel) error {
	return fault.New(fault.NotFound, "no channel %.64q here", name)
}

func (s *Service) channels(ctx context.Context, org id.Org) (rows []notifysql.NotifyChannel, err error) {
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = notifysql.New(tx).Channels(ctx, string(org))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	return rows, nil
}

func (s *Service) channel(ctx context.Context, org id.Org, name id.Channel) (notifysql.NotifyChannel, error) {
	var row notifysql.NotifyChannel
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = notifysql.New(tx).GetChannel(ctx, notifysql.GetChannelParams{OrgID: string(org), ID: string(name)})
		return err
	})
	if db.NotFound(err) {
		return row, noChannel(name)
	}
	if err != nil {
		return row, fmt.Errorf("read channel %s: %w", name, err)
	}
	return row, nil
}

func (s *Service) unseal(ctx context.Context, r notifysql.NotifyChannel) (h hidden, err error) {
	plain, err := s.d.Seal.Open(ctx, id.Org(r.OrgID), channelContext(r.ID), r.Sealed)
	if err != nil {
		return h, fmt.Errorf("open channel %s: %w", r.ID, err)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &h); err != nil {
		return h, fmt.Errorf("open channel %s: what is sealed cannot be read", r.ID)
	}
	return h, nil
}

func (s *Service) seal(ctx context.Context, org id.Org, name string, h hidden) ([]byte, error) {
	plain, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode a channel: %w", err)
	}
	defer clear(plain)
	sealed, err := s.d.Seal.Seal(ctx, org, channelContext(name), plain)
	if err != nil {
		return nil, fmt.Errorf("seal a channel: %w", err)
	}
	return sealed, nil
}

package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// NoticeChannel is where an organization is told of what happens in it.
type NoticeChannel struct {
	ID             id.Channel `json:"id"`
	Kind           string     `json:"kind" enum:"slack,webhook"`
	Name           string     `json:"name"`
	Enabled        bool       `json:"enabled"`
	Kinds          []string   `json:"kinds" doc:"Of notices; empty: all"`
	Host           string     `json:"host" doc:"Of its URL; the URL itself is never told again"`
	OwnAuthorities bool       `json:"own_authorities" doc:"Its certificate is verified with the authorities that were given for it"`
	PreviousUntil  time.Time  `json:"previous_until,omitzero" doc:"Until then messages are signed with the previous secret too"`
	FailingSince   time.Time  `json:"failing_since,omitzero"`
	LastError      string     `json:"last_error,omitempty"`
	LastSentAt     time.Time  `json:"last_sent_at,omitzero"`
	CreatedAt      time.Time  `json:"created_at"`
	ChangedAt      time.Time  `json:"changed_at"`
	Version        int        `json:"version"`
	Secret         string     `json:"secret,omitempty" doc:"Of a webhook, when it is made or rotated: it is told once. Standard Webhooks, whsec_ and base64"`
}

func channelJSON(c notify.Channel) NoticeChannel {
	out := NoticeChannel{ID: c.ID, Kind: string(c.Way), Name: c.Name, Enabled: c.Enabled, Kinds: []string{}, Host: c.Host, OwnAuthorities: c.OwnCA, PreviousUntil: c.PreviousUntil, FailingSince: c.FailingSince,
		LastError: c.LastError, LastSentAt: c.LastSentAt, CreatedAt: c.CreatedAt, ChangedAt: c.ChangedAt, Version: c.Version}
	for _, k := range c.Kinds {
		out.Kinds = append(out.Kinds, string(k))
	}
	return out
}

type channelOut struct{ Body NoticeChannel }

func channelWith(c notify.Channel, shown secret.Secret, err error) (*channelOut, error) {
	if err != nil {
		return nil, err
	}
	out := channelJSON(c)
	out.Secret = shown.RevealString()
	return &channelOut{out}, nil
}

func noticeKinds(in []string) []notify.Kind {
	out := make([]notify.Kind, len(in))
	for i, k := range in {
		out[i] = notify.Kind(k)
	}
	return out
}

// NoticeKind is a kind of notice.
type NoticeKind struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
}

// NoticeDelivery is a notice on its way by one channel. Its content is never shown.
type NoticeDelivery struct {
	ID        id.Delivery `json:"id"`
	Channel   string      `json:"channel" enum:"email,slack,webhook"`
	ChannelID string      `json:"channel_id" doc:"email, or the channel's id"`
	Kind      string      `json:"kind"`
	Recipient string      `json:"recipient" doc:"The e-mail address, or the channel's name"`
	State     string      `json:"state" enum:"queued,sending,sent,failed,expired"`
	Attempts  int         `json:"attempts"`
	LastError string      `json:"last_error,omitempty"`
	FellBack  bool        `json:"fell_back" doc:"It kept failing: the next channel was asked in its place"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at"`
	NextAt    time.Time   `json:"next_at,omitzero" doc:"When it is tried again"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	Tries     []MailTry   `json:"tries,omitempty" doc:"Of one delivery only, not in lists"`
}

func deliveryJSON(d notify.Delivery) NoticeDelivery {
	m := NoticeDelivery{ID: d.ID, Channel: d.Channel, ChannelID: d.ChannelID, Kind: string(d.Kind), Recipient: d.Recipient, State: d.State, Attempts: d.Attempts, LastError: d.LastError, FellBack: d.FellBack,
		CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt, NextAt: d.NextAt, EndedAt: d.EndedAt}
	for _, t := range d.Tries {
		m.Tries = append(m.Tries, MailTry(t))
	}
	return m
}

type deliveryOut struct{ Body NoticeDelivery }

func oneDelivery(d notify.Delivery, err error) (*deliveryOut, error) {
	if err != nil {
		return nil, err
	}
	return &deliveryOut{deliveryJSON(d)}, nil
}

// ChannelPath names a channel, or a delivery.
type ChannelPath struct {
	ID string `path:"id" maxLength:"64"`
}

// pageOfAll cuts a page out of a short list that is there as a whole, in its own order.
func pageOfAll[T, J any](all []T, err error, in PageIn, key func(T) string, show func(T) J) (*pageOut[J], error) {
	if err != nil {
		return nil, err
	}
	n, after, err := in.request().Resolve()
	if err != nil {
		return nil, err
	}
	if after != "" {
		all = all[slices.IndexFunc(all, func(t T) bool { return key(t) == after })+1:]
	}
	return pageOf(page.Cut(all[:min(len(all), int(n))], n, key), show, nil)
}

const noticesTag = "notifications"

func (s *Server) channelRoutes() {
	const tag, at = noticesTag, "/org/notifications/channels"
	const sensitive = " An administrator in person does this, with a fresh second factor (STEP_UP_REQUIRED)."
	first := PageIn{Limit: page.Max}
	handle(s, signedIn, huma.Operation{OperationID: "list-channels", Method: http.MethodGet, Path: at, Summary: "List the channels of notices, in their order", Tags: []string{tag},
		Description: "A notice goes to every channel that wants its kind. Where one fails three times it is asked of the next in this order that does not have it, and last of the administrators by e-mail."},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[NoticeChannel], error) {
			all, err := s.Mail.Channels(ctx, a)
			return pageOfAll(all, err, in.PageIn, func(c notify.Channel) string { return string(c.ID) }, channelJSON)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-channel", Method: http.MethodPost, Path: at, Summary: "Add a channel: Slack, or a signed webhook", DefaultStatus: 201, Tags: []string{tag},
		Description: "Slack wants the URL of an incoming webhook. A webhook gets messages of Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature), and its secret is told once, here." + sensitive},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Kind    string        `json:"kind" enum:"slack,webhook"`
				Name    string        `json:"name"`
				URL     secret.Secret `json:"url" doc:"https; private addresses are refused unless the installation allows their network"`
				Kinds   []string      `json:"kinds,omitempty" doc:"Of notices; empty: all"`
				Enabled *bool         `json:"enabled,omitempty" doc:"Absent: true"`
				CAPEM   string        `json:"ca_pem,omitempty" doc:"Authorities that sign its certificate; empty: the machine's"`
			}
		}) (*channelOut, error) {
			b := in.Body
			return channelWith(s.Mail.AddChannel(ctx, a, notify.ChannelArgs{Way: notify.Way(b.Kind), Name: b.Name, URL: b.URL, Kinds: noticeKinds(b.Kinds), Enabled: b.Enabled == nil || *b.Enabled, CA: b.CAPEM}))
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-channel", Method: http.MethodGet, Path: at + "/{id}", Summary: "Get a channel", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ChannelPath) (*channelOut, error) {
			c, err := s.Mail.Channel(ctx, a, id.Channel(in.ID))
			return channelWith(c, secret.Secret{}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "update-channel", Method: http.MethodPatch, Path: at + "/{id}", Summary: "Change a channel", Tags: []string{tag}, Description: "What is absent stays." + sensitive},
		func(ctx context.Context, a authz.Actor, in *struct {
			ChannelPath
			Body struct {
				Version *int           `json:"version,omitempty" doc:"The one that you looked at; another one since is VERSION_CONFLICT"`
				Name    *string        `json:"name,omitempty"`
				URL     *secret.Secret `json:"url,omitempty"`
				Kinds   *[]string      `json:"kinds,omitempty"`
				Enabled *bool          `json:"enabled,omitempty"`
				CAPEM   *string        `json:"ca_pem,omitempty" doc:"Empty: the machine's authorities"`
			}
		}) (*channelOut, error) {
			b := in.Body
			p := notify.ChannelPatch{Version: b.Version, Name: b.Name, URL: b.URL, Enabled: b.Enabled, CA: b.CAPEM}
			if b.Kinds != nil {
				k := noticeKinds(*b.Kinds)
				p.Kinds = &k
			}
			c, err := s.Mail.ChangeChannel(ctx, a, id.Channel(in.ID), p)
			return channelWith(c, secret.Secret{}, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-channel", Method: http.MethodDelete, Path: at + "/{id}", Summary: "Delete a channel", DefaultStatus: 204, Tags: []string{tag},
		Description: "What still waits for it goes by the next." + sensitive},
		func(ctx context.Context, a authz.Actor, in *ChannelPath) (*struct{}, error) {
			return nothing(s.Mail.RemoveChannel(ctx, a, id.Channel(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "rotate-channel-secret", Method: http.MethodPost, Path: at + "/{id}/rotate-secret", Summary: "Give a webhook a new secret, told once", Tags: []string{tag},
		Description: "Until the overlap ends each message has two signatures, by the new secret and by the previous." + sensitive},
		func(ctx context.Context, a authz.Actor, in *struct {
			ChannelPath
			Body struct {
				Overlap int `json:"overlap_hours" minimum:"0" maximum:"168" doc:"How long the previous secret signs too"`
			}
		}) (*channelOut, error) {
			return channelWith(s.Mail.RotateSecret(ctx, a, id.Channel(in.ID), time.Duration(in.Body.Overlap)*time.Hour))
		})
	handle(s, signedIn, huma.Operation{OperationID: "test-channel", Method: http.MethodPost, Path: at + "/{id}/test", Summary: "Send a test by a channel", DefaultStatus: 202, Tags: []string{tag},
		Description: "Also by one that is switched off. Ask for the delivery by its id to see how it went. At most five tests in ten minutes."},
		func(ctx context.Context, a authz.Actor, in *ChannelPath) (*deliveryOut, error) {
			return oneDelivery(s.Mail.SendChannelTest(ctx, a, id.Channel(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "order-channels", Method: http.MethodPut, Path: "/org/notifications/order", Summary: "Say which channel is asked in place of one that fails", Tags: []string{tag}, Description: "All channels, each once." + sensitive},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				IDs []string `json:"ids" maxItems:"100"`
			}
		}) (*pageOut[NoticeChannel], error) {
			order := make([]id.Channel, len(in.Body.IDs))
			for i, c := range in.Body.IDs {
				order[i] = id.Channel(c)
			}
			all, err := s.Mail.OrderChannels(ctx, a, order)
			return pageOfAll(all, err, first, func(c notify.Channel) string { return string(c.ID) }, channelJSON)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-notice-kinds", Method: http.MethodGet, Path: "/org/notifications/kinds", Summary: "List the kinds of notices that channels can be told of", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[NoticeKind], error) {
			return pageOfAll(notify.Kinds(), nil, in.PageIn, func(k notify.KindInfo) string { return string(k.Kind) }, func(k notify.KindInfo) NoticeKind { return NoticeKind{string(k.Kind), k.Title} })
		})
	s.deliveryRoutes()
}

func (s *Server) deliveryRoutes() {
	const tag, at = noticesTag, "/org/notifications/deliveries"
	handle(s, signedIn, huma.Operation{OperationID: "list-deliveries", Method: http.MethodGet, Path: at, Summary: "List what was sent by e-mail and by channels, newest first", Tags: []string{tag},
		Description: "Each delivery is one notice by one way, with how it went. The content is never shown, and is deleted once it is delivered."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Channel string `query:"channel" maxLength:"64" doc:"email, or a channel's id"`
			State   string `query:"state" enum:"queued,sending,sent,failed,expired,"`
		}) (*pageOut[NoticeDelivery], error) {
			l, err := s.Mail.Deliveries(ctx, a, a.Org, notify.DeliveryFilter{Channel: in.Channel, State: in.State}, in.request())
			return pageOf(l, deliveryJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-delivery", Method: http.MethodGet, Path: at + "/{id}", Summary: "Get a delivery, with each try", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *ChannelPath) (*deliveryOut, error) {
			return oneDelivery(s.Mail.Get(ctx, a, a.Org, id.Delivery(in.ID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resend-delivery", Method: http.MethodPost, Path: at + "/{id}/resend", Summary: "Try a delivery again that did not arrive", DefaultStatus: 202, Tags: []string{tag},
		Description: "One that failed is kept, sealed, until it expires; one that waits is tried at once. MAIL_GONE: it was sent, is on its way, or has expired."},
		func(ctx context.Context, a authz.Actor, in *ChannelPath) (*deliveryOut, error) {
			return oneDelivery(s.Mail.Resend(ctx, a, a.Org, id.Delivery(in.ID)))
		})
}

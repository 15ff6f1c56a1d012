package notify

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Channels are settings of an organization: whoever says where notices go must be an
// administrator in person who has proved a second factor lately, and
// TENANT_SETTINGS_UPDATED tells what changed without any secret.

func settingsEvent(actor authz.Actor, changes []event.Change) event.TenantSettingsUpdated {
	return event.NewTenantSettingsUpdated(event.By(actor, event.TenantAdmin), event.TenantTarget(actor.Org, ""), event.SettingGroupNotifications, changes, []string{})
}

// History keeps what was changed in the settings of an organization.
type History interface {
	Keep(ctx context.Context, tx *db.Tx, actor authz.Actor, g event.SettingGroup, changes []event.Change) error
}

// tell enters a change into the ledger and into the history of the organization's settings.
func (s *Service) tell(ctx context.Context, tx *db.Tx, actor authz.Actor, changes []event.Change) error {
	if err := s.d.History.Keep(ctx, tx, actor, event.SettingGroupNotifications, changes); err != nil {
		return err
	}
	_, err := s.d.Ledger.Record(ctx, tx, settingsEvent(actor, changes))
	return err
}

// mayConfigure checks that the actor may say where notices go. A refusal leaves its event.
func (s *Service) mayConfigure(ctx context.Context, actor authz.Actor) error {
	if s.d.Ledger == nil || s.d.History == nil {
		return fault.New(fault.Unavailable, "this server has no channels")
	}
	err := authz.Check(actor, authz.OrgUpdate, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org})
	if err == nil && actor.Kind == authz.Token {
		err = fault.New(fault.Denied, "an API token may not say where notices go: sign in as a person to do it")
	}
	if err == nil {
		err = authz.Fresh(actor, authz.OrgUpdate, s.d.Now())
	}
	if err == nil || actor.Kind == authz.Nobody || actor.Org == "" {
		return err
	}
	return s.orderRefused(ctx, err, settingsEvent(actor, []event.Change{}).Denied(event.TenantSettingsUpdatedNotPermitted))
}

func (d draft) field(name string) string { return "channels." + d.row.Name + "." + name }

// AddChannel makes a channel, last in the order. The secret of a webhook is told once, here.
func (s *Service) AddChannel(ctx context.Context, actor authz.Actor, a ChannelArgs) (Channel, secret.Secret, error) {
	fail := func(err error) (Channel, secret.Secret, error) { return Channel{}, secret.Secret{}, err }
	if err := s.mayConfigure(ctx, actor); err != nil {
		return fail(err)
	}
	if a.Way != Slack && a.Way != Webhook {
		return fail(fault.New(fault.Invalid, "%.32q is not a kind of channel", a.Way).WithField("kind", "must be slack or webhook"))
	}
	d := draft{row: notifysql.NotifyChannel{OrgID: string(actor.Org), ID: string(id.New[id.Channel]()), Kind: string(a.Way)}}
	if err := d.apply(ChannelPatch{Name: &a.Name, URL: &a.URL, Kinds: &a.Kinds, Enabled: &a.Enabled, CA: &a.CA}); err != nil {
		return fail(err)
	}
	if a.Way == Webhook {
		d.in.Secret = newSigningSecret()
	}
	var err error
	if d.row.Sealed, err = s.seal(ctx, actor.Org, d.row.ID, d.in); err != nil {
		return fail(err)
	}
	changes := []event.Change{event.Changed(d.field("kind"), "", string(a.Way)), event.Changed(d.field("enabled"), "", strconv.FormatBool(a.Enabled)),
		event.Changed(d.field("host"), "", d.row.Host), event.Changed(d.field("kinds"), "", shownKinds(d.row.Kinds)), event.SecretSet(d.field("url"))}
	if len(d.in.Secret) > 0 {
		changes = append(changes, event.SecretSet(d.field("secret")))
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		n, err := q.InsertChannel(ctx, notifysql.InsertChannelParams{OrgID: d.row.OrgID, ID: d.row.ID, Kind: d.row.Kind, Name: d.row.Name, NameKey: d.row.NameKey, Enabled: d.row.Enabled,
			Kinds: d.row.Kinds, Host: d.row.Host, Sealed: d.row.Sealed, Now: db.Micros(s.d.Now()), Most: maxChannels})
		if err != nil {
			return fmt.Errorf("store a channel: %w", err)
		}
		if n == 0 {
			all, err := q.Channels(ctx, d.row.OrgID)
			if err != nil {
				return fmt.Errorf("list channels: %w", err)
			}
			if len(all) >= maxChannels {
				return fault.New(fault.Exhausted, "there are %d channels already, and no organization has more", maxChannels).WithCode("TOO_MANY_CHANNELS")
			}
			return nameTaken(d.row.Name)
		}
		return s.tell(ctx, tx, actor, changes)
	})
	if err != nil {
		return fail(fmt.Errorf("add a channel: %w", err))
	}
	c, err := s.Channel(ctx, actor, id.Channel(d.row.ID))
	return c, shownSecret(d.in.Secret), err
}

func nameTaken(name string) error {
	return fault.New(fault.Conflict, "there is a channel named %q already", name).WithCode("NAME_TAKEN").WithField("name", "is taken")
}

func shownKinds(s string) string {
	if s == "" {
		return "all"
	}
	return s
}

// ChangeChannel changes a channel.
func (s *Service) ChangeChannel(ctx context.Context, actor authz.Actor, name id.Channel, p ChannelPatch) (Channel, error) {
	if err := s.mayConfigure(ctx, actor); err != nil {
		return Channel{}, err
	}
	old, err := s.open(ctx, actor.Org, name)
	if err != nil {
		return Channel{}, err
	}
	if p.Version != nil && int64(*p.Version) != old.row.Version {
		return Channel{}, channelChanged()
	}
	next := old
	if err := next.apply(p); err != nil {
		return Channel{}, err
	}
	var changes []event.Change
	changed := func(field, from, to string) {
		if from != to {
			changes = append(changes, event.Changed(old.field(field), from, to))
		}
	}
	changed("name", old.row.Name, next.row.Name)
	changed("enabled", strconv.FormatBool(old.row.Enabled), strconv.FormatBool(next.row.Enabled))
	changed("host", old.row.Host, next.row.Host)
	changed("kinds", shownKinds(old.row.Kinds), shownKinds(next.row.Kinds))
	changed("own_authorities", strconv.FormatBool(old.in.CA != ""), strconv.FormatBool(next.in.CA != ""))
	if old.in.URL != next.in.URL {
		changes = append(changes, event.SecretReplaced(old.field("url")))
	}
	if len(changes) == 0 && old.in.CA == next.in.CA {
		return s.Channel(ctx, actor, name)
	}
	if len(changes) == 0 {
		changes = append(changes, event.Changed(old.field("own_authorities"), "true", "replaced"))
	}
	if err := s.store(ctx, actor, next, changes, old.in.URL != next.in.URL || old.in.CA != next.in.CA); err != nil {
		return Channel{}, fmt.Errorf("change a channel: %w", err)
	}
	return s.Channel(ctx, actor, name)
}

func channelChanged() error {
	return fault.New(fault.Conflict, "somebody changed this channel meanwhile: look again, then change it").WithCode("VERSION_CONFLICT")
}

// open reads a channel with what is sealed of it.
func (s *Service) open(ctx context.Context, org id.Org, name id.Channel) (draft, error) {
	row, err := s.channel(ctx, org, name)
	if err != nil {
		return draft{}, err
	}
	h, err := s.unseal(ctx, row)
	return draft{row, h}, err
}

// store writes a changed channel with its event; fresh forgets how it failed.
func (s *Service) store(ctx context.Context, actor authz.Actor, d draft, changes []event.Change, fresh bool) error {
	sealed, err := s.seal(ctx, actor.Org, d.row.ID, d.in)
	if err != nil {
		return err
	}
	return s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		all, err := q.Channels(ctx, d.row.OrgID)
		if err != nil {
			return fmt.Errorf("list channels: %w", err)
		}
		if slices.ContainsFunc(all, func(r notifysql.NotifyChannel) bool { return r.NameKey == d.row.NameKey && r.ID != d.row.ID }) {
			return nameTaken(d.row.Name)
		}
		n, err := q.UpdateChannel(ctx, notifysql.UpdateChannelParams{Name: d.row.Name, NameKey: d.row.NameKey, Enabled: d.row.Enabled, Kinds: d.row.Kinds, Host: d.row.Host, Sealed: sealed,
			PreviousUntil: d.row.PreviousUntil, Fresh: fresh, Now: db.Micros(s.d.Now()), OrgID: d.row.OrgID, ID: d.row.ID, Version: d.row.Version})
		if err != nil {
			return fmt.Errorf("store a channel: %w", err)
		}
		if n == 0 {
			return channelChanged()
		}
		return s.tell(ctx, tx, actor, changes)
	})
}

// RotateSecret gives a webhook a new secret, told once, here. For the time of overlap
// each message carries a signature by either.
func (s *Service) RotateSecret(ctx context.Context, actor authz.Actor, name id.Channel, overlap time.Duration) (Channel, secret.Secret, error) {
	fail := func(err error) (Channel, secret.Secret, error) { return Channel{}, secret.Secret{}, err }
	if err := s.mayConfigure(ctx, actor); err != nil {
		return fail(err)
	}
	if overlap < 0 || overlap > maxOverlap {
		return fail(fault.New(fault.Invalid, "the previous secret cannot be used for %v more", overlap).WithField("overlap_hours", "must be from 0 to %d", int(maxOverlap.Hours())))
	}
	d, err := s.open(ctx, actor.Org, name)
	if err != nil {
		return fail(err)
	}
	if Way(d.row.Kind) != Webhook {
		return fail(fault.New(fault.Conflict, "only webhooks are signed; a Slack channel has a URL, and no secret beside it").WithCode("NOT_SIGNED"))
	}
	d.in.Previous, d.row.PreviousUntil = nil, 0
	if overlap > 0 {
		d.in.Previous, d.row.PreviousUntil = d.in.Secret, db.Micros(s.d.Now().Add(overlap))
	}
	d.in.Secret = newSigningSecret()
	changes := []event.Change{event.SecretReplaced(d.field("secret")), event.Changed(d.field("previous_valid_hours"), 0, int(overlap.Hours()))}
	if err := s.store(ctx, actor, d, changes, false); err != nil {
		return fail(fmt.Errorf("rotate a channel's secret: %w", err))
	}
	c, err := s.Channel(ctx, actor, name)
	return c, shownSecret(d.in.Secret), err
}

// RemoveChannel deletes a channel. What still waits for it fails, and goes by the next.
func (s *Service) RemoveChannel(ctx context.Context, actor authz.Actor, name id.Channel) error {
	if err := s.mayConfigure(ctx, actor); err != nil {
		return err
	}
	row, err := s.channel(ctx, actor.Org, name)
	if err != nil {
		return err
	}
	d := draft{row: row}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := notifysql.New(tx).DeleteChannel(ctx, notifysql.DeleteChannelParams{OrgID: row.OrgID, ID: row.ID})
		if err != nil {
			return fmt.Errorf("delete a channel: %w", err)
		}
		if n == 0 {
			return noChannel(name)
		}
		return s.tell(ctx, tx, actor, []event.Change{event.Changed(d.field("kind"), row.Kind, ""), event.SecretCleared(d.field("url"))})
	})
	if err != nil {
		return fmt.Errorf("remove a channel: %w", err)
	}
	return nil
}

// OrderChannels says which channel is asked in the place of one that fails: the next. All
// channels must be named, each once.
func (s *Service) OrderChannels(ctx context.Context, actor authz.Actor, order []id.Channel) ([]Channel, error) {
	if err := s.mayConfigure(ctx, actor); err != nil {
		return nil, err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		rows, err := q.Channels(ctx, string(actor.Org))
		if err != nil {
			return fmt.Errorf("list channels: %w", err)
		}
		var before, after []string
		for _, r := range rows {
			before = append(before, r.Name)
			if !slices.Contains(order, id.Channel(r.ID)) {
				return wrongOrder()
			}
		}
		if len(order) != len(rows) {
			return wrongOrder()
		}
		for i, c := range order {
			at := slices.IndexFunc(rows, func(r notifysql.NotifyChannel) bool { return r.ID == string(c) })
			if at < 0 || slices.Index(order, c) != i {
				return wrongOrder()
			}
			after = append(after, rows[at].Name)
			if _, err := q.PlaceChannel(ctx, notifysql.PlaceChannelParams{Place: int64(i + 1), OrgID: string(actor.Org), ID: string(c)}); err != nil {
				return fmt.Errorf("order channels: %w", err)
			}
		}
		if slices.Equal(before, after) {
			return nil
		}
		return s.tell(ctx, tx, actor, []event.Change{event.Changed("channels.order", strings.Join(before, ", "), strings.Join(after, ", "))})
	})
	if err != nil {
		return nil, fmt.Errorf("order channels: %w", err)
	}
	return s.Channels(ctx, actor)
}

func wrongOrder() error {
	return fault.New(fault.Invalid, "the order must name each channel of the organization once").WithField("ids", "must be the ids of all channels, each once")
}

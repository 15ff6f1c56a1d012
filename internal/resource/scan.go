package resource

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/resource/resourcesql"
)

// sightingLife is how long after a scan the key that it saw can be confirmed.
const sightingLife = 24 * time.Hour

// Scan connects to the target and keeps the host key that it shows, so that an
// administrator can compare the fingerprint and confirm it. Nothing is trusted by
// it: it is a look, not a change, and leaves no event unless it is refused.
func (s *Service) Scan(ctx context.Context, actor authz.Actor, rid id.Resource) (Sighting, error) {
	if err := s.permit(ctx, actor, authz.ResourceHostKey, rid, s.updateDenied(ctx, actor, rid)); err != nil {
		return Sighting{}, err
	}
	var r Resource
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		r, err = s.Find(ctx, tx, actor.Org, rid)
		return err
	})
	if err != nil {
		return Sighting{}, err
	}
	key, err := s.shownKey(ctx, r)
	if fault.CodeOf(err) == AddressForbidden {
		return Sighting{}, s.refuse(ctx, s.updateEvent(ctx, actor, rid).Denied(event.ConnectionDefinitionUpdatedAddressForbidden), err)
	}
	if err != nil {
		return Sighting{}, fmt.Errorf("scan host key: %w", err)
	}
	now := db.Time(db.Micros(s.d.Now()))
	seen := Sighting{
		Fingerprint: ssh.FingerprintSHA256(key), Type: key.Type(), PublicKey: key.Marshal(),
		Host: r.Host, Port: r.Port, SeenAt: now, Pinned: r.CheckHostKey(key) == nil,
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := resourcesql.New(tx)
		if err := q.ForgetSightings(ctx, resourcesql.ForgetSightingsParams{
			OrgID: string(r.Org), ResourceID: string(rid), Before: db.Micros(now.Add(-sightingLife)),
		}); err != nil {
			return fmt.Errorf("forget old sightings: %w", err)
		}
		kept, err := q.SeeHostKey(ctx, resourcesql.SeeHostKeyParams{
			OrgID: string(r.Org), ID: string(id.New[id.HostKeySight]()), ResourceID: string(rid),
			Fingerprint: seen.Fingerprint, KeyType: seen.Type, PublicKey: seen.PublicKey,
			Host: r.Host, Port: int64(r.Port), SeenBy: string(actor.User), SeenAt: db.Micros(now),
		})
		if err != nil {
			return fmt.Errorf("keep a sighting: %w", err)
		}
		seen.ID = id.HostKeySight(kept)
		return nil
	})
	if err != nil {
		return Sighting{}, err
	}
	return seen, nil
}

var errSeen = errors.New("the host key was seen")

// shownKey is the host key of a target, which has proved that it holds its
// private part. The connection ends before anything else happens on it.
func (s *Service) shownKey(ctx context.Context, r Resource) (ssh.PublicKey, error) {
	conn, err := s.d.Dialer.Dial(ctx, r.Host, r.Port)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, fmt.Errorf("limit the handshake: %w", err)
	}
	var seen ssh.PublicKey
	_, _, _, err = ssh.NewClientConn(conn, net.JoinHostPort(r.Host, strconv.Itoa(r.Port)), &ssh.ClientConfig{
		User:              "host-key-scan",
		HostKeyAlgorithms: hostKeyOrder,
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return errSeen
		},
	})
	if seen == nil {
		return nil, fault.New(fault.Unavailable, "%s port %d answers, but not as an SSH server that we can talk to; check the port", r.Host, r.Port).WithCode(TargetUnreachable).Because(err)
	}
	return seen, nil
}

// ConfirmHostKey makes the key with this fingerprint one that gateways accept. A
// scan of the last day must have seen it at the present address, and it takes the
// place of confirmed keys of its own type.
func (s *Service) ConfirmHostKey(ctx context.Context, actor authz.Actor, rid id.Resource, fingerprint string) (Resource, error) {
	return s.changeKeys(ctx, actor, rid, func(ctx context.Context, tx *db.Tx, r Resource, now time.Time) ([]event.Change, error) {
		for _, k := range r.HostKeys {
			if k.Fingerprint == fingerprint {
				return nil, nil
			}
		}
		q := resourcesql.New(tx)
		seen, err := q.GetSighting(ctx, resourcesql.GetSightingParams{
			OrgID: string(r.Org), ResourceID: string(rid), Fingerprint: fingerprint,
			Host: r.Host, Port: int64(r.Port), Since: db.Micros(now.Add(-sightingLife)),
		})
		if db.NotFound(err) {
			return nil, fault.New(fault.Conflict, "no scan of the last day saw this host key at %s port %d; scan again and compare the fingerprint", r.Host, r.Port).
				WithCode("HOST_KEY_NOT_SEEN").WithField("fingerprint", "must be the one that the last scan showed")
		}
		if err != nil {
			return nil, fmt.Errorf("read the sighting: %w", err)
		}
		var replaced []string
		for _, k := range r.HostKeys {
			if k.Type != seen.KeyType {
				continue
			}
			if err := dropKey(ctx, tx, r, k.Fingerprint); err != nil {
				return nil, err
			}
			replaced = append(replaced, k.Fingerprint)
		}
		err = q.InsertHostKey(ctx, resourcesql.InsertHostKeyParams{
			OrgID: string(r.Org), ResourceID: string(rid), Fingerprint: seen.Fingerprint, KeyType: seen.KeyType,
			PublicKey: seen.PublicKey, ConfirmedBy: string(actor.User), ConfirmedAt: db.Micros(now),
		})
		if err != nil {
			return nil, fmt.Errorf("store the host key: %w", err)
		}
		return []event.Change{event.Changed("host_key", strings.Join(replaced, " "), seen.Fingerprint)}, nil
	})
}

// UnpinHostKey takes a confirmed key away; gateways refuse it from now on.
func (s *Service) UnpinHostKey(ctx context.Context, actor authz.Actor, rid id.Resource, fingerprint string) (Resource, error) {
	return s.changeKeys(ctx, actor, rid, func(ctx context.Context, tx *db.Tx, r Resource, _ time.Time) ([]event.Change, error) {
		for _, k := range r.HostKeys {
			if k.Fingerprint == fingerprint {
				return []event.Change{event.Changed("host_key", fingerprint, "")}, dropKey(ctx, tx, r, fingerprint)
			}
		}
		return nil, fault.New(fault.NotFound, "no confirmed host key with this fingerprint on resource %q", r.Name)
	})
}

func dropKey(ctx context.Context, tx *db.Tx, r Resource, fingerprint string) error {
	_, err := resourcesql.New(tx).DeleteHostKey(ctx, resourcesql.DeleteHostKeyParams{OrgID: string(r.Org), ResourceID: string(r.ID), Fingerprint: fingerprint})
	if err != nil {
		return fmt.Errorf("drop a host key: %w", err)
	}
	return nil
}

// changeKeys runs change in a transaction with its event; no changes, no event.
func (s *Service) changeKeys(ctx context.Context, actor authz.Actor, rid id.Resource,
	change func(ctx context.Context, tx *db.Tx, r Resource, now time.Time) ([]event.Change, error)) (Resource, error) {
	if err := s.permit(ctx, actor, authz.ResourceHostKey, rid, s.updateDenied(ctx, actor, rid)); err != nil {
		return Resource{}, err
	}
	var out Resource
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		r, err := s.Find(ctx, tx, actor.Org, rid)
		if err != nil {
			return err
		}
		now := s.d.Now()
		changes, err := change(ctx, tx, r, now)
		if err != nil || len(changes) == 0 {
			out = r
			return err
		}
		n, err := resourcesql.New(tx).TouchResource(ctx, resourcesql.TouchResourceParams{
			OrgID: string(r.Org), ID: string(rid), Version: r.Version, Now: db.Micros(now),
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewConnectionDefinitionUpdated(event.By(actor, event.TenantAdmin), r.target(), changes, false, false)); err != nil {
			return err
		}
		out, err = s.Find(ctx, tx, r.Org, rid)
		return err
	})
	if err != nil {
		return Resource{}, fmt.Errorf("change host keys: %w", err)
	}
	return out, nil
}

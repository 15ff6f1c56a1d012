package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
	"github.com/vaultpam/vaultpam/internal/page"
)

// keepNotices is how long a person finds what they were told.
const keepNotices = 90 * 24 * time.Hour

// Notice is what a person is told inside the product.
type Notice struct {
	ID        id.Notice
	Org       id.Org // empty: about their account
	Kind      Kind
	Subject   string
	Text      string
	Link      string // path of the console; empty: none
	LinkLabel string
	CreatedAt time.Time
	ReadAt    time.Time // zero: not yet
}

// row is a notice to be stored.
type inboxRow struct {
	id       id.Notice
	user     id.User
	subject  string
	parts    string
	hidden   bool
	anywhere bool
	digestAt int64
}

// toInbox writes a notice for one person inside the product: without one-time tokens.
func (s *Service) toInbox(d Data, user id.User, lead []part, p Preference) (inboxRow, error) {
	w := writer{base: s.d.PublicURL, bare: true}
	d.letter(&w)
	parts, err := json.Marshal(append(slices.Clone(lead), w.parts...))
	if err != nil {
		return inboxRow{}, fmt.Errorf("encode a notice: %w", err)
	}
	r := inboxRow{id: id.New[id.Notice](), user: user, subject: w.topic, parts: string(parts), hidden: !p.InApp, anywhere: kindInfo(d.Kind()).Anywhere}
	if at := p.digest(s.d.Now()); !at.IsZero() {
		r.digestAt = db.Micros(at)
	}
	return r, nil
}

func (s *Service) insertNotice(ctx context.Context, tx *db.Tx, org id.Org, k Kind, r inboxRow) error {
	if r.hidden && r.digestAt == 0 {
		return nil
	}
	err := notifysql.New(tx).InsertNotice(ctx, notifysql.InsertNoticeParams{OrgID: string(org), ID: string(r.id), UserID: string(r.user), Kind: string(k), Subject: r.subject, Parts: r.parts,
		Hidden: r.hidden, Anywhere: r.anywhere, DigestAt: r.digestAt, Now: db.Micros(s.d.Now())})
	if err != nil {
		return fmt.Errorf("store a notice: %w", err)
	}
	return nil
}

func self(actor authz.Actor) authz.Object {
	return authz.Object{Type: authz.SelfObject, ID: string(actor.User), Owner: actor.User}
}

// Notices lists what the actor was told in the active organization, about their account,
// and of kinds that are told anywhere; newest first.
func (s *Service) Notices(ctx context.Context, actor authz.Actor, unread bool, p page.Request) (page.List[Notice], error) {
	fail := func(err error) (page.List[Notice], error) { return page.List[Notice]{}, err }
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return fail(err)
	}
	n, before, err := p.Resolve()
	if err != nil {
		return fail(err)
	}
	if before == "" {
		before = "~" // after every id
	}
	var rows []notifysql.ListNoticesRow
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = notifysql.New(tx).ListNotices(ctx, notifysql.ListNoticesParams{UserID: string(actor.User), OrgID: string(actor.Org), Before: before, Unread: unread, N: n})
		return err
	})
	if err != nil {
		return fail(fmt.Errorf("list notices: %w", err))
	}
	out := make([]Notice, len(rows))
	for i, r := range rows {
		out[i] = Notice{ID: id.Notice(r.ID), Org: id.Org(r.OrgID), Kind: Kind(r.Kind), Subject: r.Subject, CreatedAt: db.Time(r.CreatedAt)}
		if r.ReadAt != 0 {
			out[i].ReadAt = db.Time(r.ReadAt)
		}
		var parts []part
		if err := json.Unmarshal([]byte(r.Parts), &parts); err != nil {
			return fail(fmt.Errorf("read notice %s: %w", r.ID, err))
		}
		for _, p := range parts {
			if p.Link != "" {
				out[i].LinkLabel, out[i].Link = p.Text, strings.TrimPrefix(string(p.Link), strings.TrimRight(s.d.PublicURL, "/"))
				break
			}
		}
		out[i].Text = strings.TrimRight(body(slices.DeleteFunc(parts, func(p part) bool { return p.Link != "" })), "\n")
	}
	return page.Cut(out, n, func(n Notice) string { return string(n.ID) }), nil
}

// Unread counts what the actor has not read yet.
func (s *Service) Unread(ctx context.Context, actor authz.Actor) (int, error) {
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return 0, err
	}
	return s.unread(ctx, actor)
}

func (s *Service) unread(ctx context.Context, actor authz.Actor) (int, error) {
	var n int64
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = notifysql.New(tx).CountUnread(ctx, notifysql.CountUnreadParams{UserID: string(actor.User), OrgID: string(actor.Org)})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("count notices: %w", err)
	}
	return int(n), nil
}

const maxMarked = 200

// MarkRead marks notices of the actor as read: those that are named, or all up to one.
// What is not theirs or is read already changes nothing. It gives how many are left.
func (s *Service) MarkRead(ctx context.Context, actor authz.Actor, ids []id.Notice, until id.Notice) (int, error) {
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		return 0, err
	}
	if len(ids) > maxMarked {
		return 0, fault.New(fault.Invalid, "%d notices at once are too many", len(ids)).WithField("ids", "must be at most %d", maxMarked)
	}
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		now := db.Micros(s.d.Now())
		if until != "" {
			if _, err := q.ReadNotices(ctx, notifysql.ReadNoticesParams{Now: now, UserID: string(actor.User), OrgID: string(actor.Org), Until: string(until)}); err != nil {
				return err
			}
		}
		for _, n := range ids {
			if _, err := q.ReadNotice(ctx, notifysql.ReadNoticeParams{Now: now, UserID: string(actor.User), OrgID: string(actor.Org), ID: string(n)}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("mark notices as read: %w", err)
	}
	return s.unread(ctx, actor)
}

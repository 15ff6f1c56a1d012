package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"path/filepath"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
)

const crowd = 10_000 // members of the organization

// memberPages is the list of an organization's ten thousand members, page by page
// over the API, on both stores, and a group of all of them. As many people belong to another organization, so
// that the store has somebody to pass over.
func memberPages(ctx context.Context, b *bench) error {
	if err := b.membersOn(ctx, "SQLite", func(dir string) (string, func() error, error) {
		return "sqlite:" + filepath.Join(dir, "members.db"), func() error { return nil }, nil
	}); err != nil {
		return err
	}
	return b.membersOn(ctx, "PostgreSQL", func(dir string) (string, func() error, error) {
		pg, url, err := startPostgres(ctx, filepath.Join(b.dir, "members-postgres"))
		if err != nil {
			return "", nil, err
		}
		return url, pg.stop, nil
	})
}

func (b *bench) membersOn(ctx context.Context, store string, open func(dir string) (string, func() error, error)) (err error) {
	bin, err := b.needBinary(ctx)
	if err != nil {
		return err
	}
	dir := filepath.Join(b.dir, "members-"+store)
	dbURL, end, err := open(b.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	p, err := startProduct(ctx, bin, dir, "VAULTPAM_DATABASE_URL="+dbURL) // makes the organization
	if err != nil {
		return err
	}
	p.stop()
	members, err := seedMembers(ctx, dbURL, id.Org(p.dev.Organization.ID))
	if err != nil {
		return fmt.Errorf("fill the organization on %s: %w", store, err)
	}
	if p, err = startProduct(ctx, bin, dir, "VAULTPAM_DATABASE_URL="+dbURL); err != nil {
		return err
	}
	defer p.stop()
	var took []float64
	for range b.pick(5, 2) {
		one, seen, err := p.pages(ctx, 100)
		if err != nil {
			return err
		}
		if seen < crowd {
			return fmt.Errorf("the pages on %s show %d members of %d", store, seen, crowd)
		}
		took = append(took, one...)
	}
	b.report.value(false, 50, fmt.Sprintf("page of 100 of %d members, on %s, p99", crowd, store), "ms", 1000*quantile(took, 0.99), math.NaN())
	return b.largeGroup(ctx, store, p, members)
}

// pages reads the whole list and tells how many seconds each page took.
func (p *product) pages(ctx context.Context, limit int) (took []float64, seen int, err error) {
	cursor := ""
	for {
		q := url.Values{"limit": {fmt.Sprint(limit)}}
		if cursor != "" {
			q.Set("cursor", cursor)
		}
		var page struct {
			Items      []struct{} `json:"items"`
			NextCursor string     `json:"next_cursor"`
		}
		began := time.Now()
		if err := p.call(ctx, "GET", "/org/members?"+q.Encode(), nil, &page); err != nil {
			return nil, 0, err
		}
		took = append(took, time.Since(began).Seconds())
		seen += len(page.Items)
		if cursor = page.NextCursor; cursor == "" {
			return took, seen, nil
		}
	}
}

// seedMembers writes them as the store holds them: ten thousand invitations would
// measure the invitations.
func seedMembers(ctx context.Context, dbURL string, org id.Org) (members []id.User, err error) {
	d, err := db.Open(ctx, db.Config{URL: dbURL, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer d.Close()
	err = d.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		members = members[:0]
		now, other := db.Micros(time.Now()), id.New[id.Org]()
		if _, err := tx.ExecContext(ctx, "insert into organization (id, slug, name, state, created_at, changed_at) values ($1, 'others', 'Others', 'active', $2, $2)", string(other), now); err != nil {
			return err
		}
		for i := range 2 * crowd {
			who, to := id.New[id.User](), org
			if i%2 == 1 {
				to = other
			} else {
				members = append(members, who)
			}
			handle := fmt.Sprintf("member-%05d", (i*7919)%(2*crowd)) // not in the order of their ids
			if _, err := tx.ExecContext(ctx, "insert into person (id, email, handle, name, state, created_at, changed_at) values ($1, $2, $3, $4, 'active', $5, $5)",
				string(who), handle+"@example.com", handle, "Member "+handle, now); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "insert into member (org_id, user_id, role, created_at, changed_at) values ($1, $2, 'operator', $3, $3)", string(to), string(who), now); err != nil {
				return err
			}
		}
		return nil
	})
	return members, err
}

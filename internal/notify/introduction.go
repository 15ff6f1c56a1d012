package notify

import (
	"context"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

// Brand is how an organization shows itself.
type Brand struct {
	Name    string
	Color   string // of the form #1f6feb; empty: the product's
	Support string // whom to ask
}

// Brands knows them. It is called outside of transactions.
type Brands interface {
	Brand(ctx context.Context, org id.Org) (Brand, error)
}

const maxIntroduction = 1000

// The names that may stand in braces in an introduction.
var placeholders = []string{"organization", "support"}

// Introduction is an organization's own words before what a kind of notice tells. They
// are text and nothing else: names in braces are replaced, and no markup means anything.
type Introduction struct {
	Kind      Kind
	Title     string
	Words     string
	ChangedAt time.Time // zero: there are none
}

var braces = regexp.MustCompile(`\{([^{}]*)\}|[{}]`)

// parseIntroduction checks an organization's words.
func parseIntroduction(s string) (string, string) {
	s = norm.NFC.String(strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")))
	if s != paragraph(s, maxIntroduction+1) {
		return "", "must be plain text without links or invisible characters"
	}
	if n := len([]rune(s)); n > maxIntroduction {
		return "", fmt.Sprintf("has %d characters; at most %d are possible", n, maxIntroduction)
	}
	for _, m := range braces.FindAllStringSubmatch(s, -1) {
		if !slices.Contains(placeholders, m[1]) {
			return "", fmt.Sprintf("has %.40q; in braces there can be {%s}", m[0], strings.Join(placeholders, "} or {"))
		}
	}
	return s, ""
}

// fill puts the names in; what they are is cleaned, and looked at no further.
func fill(words string, b Brand) string {
	return braces.ReplaceAllStringFunc(words, func(m string) string {
		switch m {
		case "{organization}":
			return line(b.Name, maxShown)
		case "{support}":
			return line(b.Support, maxShown)
		}
		return m
	})
}

// lead is how an organization shows itself in a notice, and what it says first.
func (s *Service) lead(ctx context.Context, org id.Org, k Kind) (b Brand, parts []part, err error) {
	if org == "" {
		return b, nil, nil
	}
	if s.d.Brands != nil {
		if b, err = s.d.Brands.Brand(ctx, org); err != nil {
			return b, nil, fmt.Errorf("read how an organization shows itself: %w", err)
		}
	}
	if !introduced(k) {
		return b, nil, nil
	}
	var words string
	err = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		words, err = notifysql.New(tx).Introduction(ctx, notifysql.IntroductionParams{OrgID: string(org), Kind: string(k)})
		return err
	})
	if db.NotFound(err) {
		return b, nil, nil
	}
	if err != nil {
		return b, nil, fmt.Errorf("read an introduction: %w", err)
	}
	return b, []part{{Text: fill(words, b)}}, nil
}

// introduced tells whether organizations may say something before a kind of notice.
func introduced(k Kind) bool { return kindInfo(k).InApp || kindInfo(k).Shared }

var brandColor = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// buttonColor is the colour of buttons: the organization's, if white can be read on it.
func buttonColor(b Brand) template.CSS {
	const ours = "#1c5fd4"
	if !brandColor.MatchString(b.Color) {
		return ours
	}
	var r, g, bl int
	if _, err := fmt.Sscanf(b.Color, "#%02x%02x%02x", &r, &g, &bl); err != nil || 299*r+587*g+114*bl > 140_000 {
		return ours
	}
	return template.CSS(b.Color)
}

// Introductions lists the words of the active organization, for every kind that can have some.
func (s *Service) Introductions(ctx context.Context, actor authz.Actor) ([]Introduction, error) {
	if err := authz.Check(actor, authz.OrgSettings, authz.Object{Type: authz.OrgObject, ID: string(actor.Org), Org: actor.Org}); err != nil {
		return nil, err
	}
	var rows []notifysql.IntroductionsRow
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = notifysql.New(tx).Introductions(ctx, string(actor.Org))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list introductions: %w", err)
	}
	out := make([]Introduction, 0, len(kinds))
	for _, k := range kinds {
		in := Introduction{Kind: k.Kind, Title: k.Title}
		if !introduced(k.Kind) {
			continue
		}
		if at := slices.IndexFunc(rows, func(r notifysql.IntroductionsRow) bool { return r.Kind == string(k.Kind) }); at >= 0 {
			in.Words, in.ChangedAt = rows[at].Words, db.Time(rows[at].ChangedAt)
		}
		out = append(out, in)
	}
	return out, nil
}

// Introduce sets the words of the active organization before a kind of notice; empty takes
// them away.
func (s *Service) Introduce(ctx context.Context, actor authz.Actor, k Kind, words string) (Introduction, error) {
	if err := s.mayConfigure(ctx, actor); err != nil {
		return Introduction{}, err
	}
	all, err := s.Introductions(ctx, actor)
	if err != nil {
		return Introduction{}, err
	}
	at := slices.IndexFunc(all, func(i Introduction) bool { return i.Kind == k })
	if at < 0 {
		return Introduction{}, fault.New(fault.NotFound, "%.64q is not a kind of notice that an organization introduces", string(k))
	}
	now, why := parseIntroduction(words)
	if why != "" {
		return Introduction{}, fault.New(fault.Invalid, "the introduction cannot be like this").WithField("words", "%s", why)
	}
	in := all[at]
	if now == in.Words {
		return in, nil
	}
	changes := []event.Change{event.Changed("introductions."+string(k), in.Words, now)}
	in.Words, in.ChangedAt = now, s.d.Now()
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		if now == "" {
			in.ChangedAt = time.Time{}
			if _, err := q.DropIntroduction(ctx, notifysql.DropIntroductionParams{OrgID: string(actor.Org), Kind: string(k)}); err != nil {
				return err
			}
		} else if err := q.SetIntroduction(ctx, notifysql.SetIntroductionParams{OrgID: string(actor.Org), Kind: string(k), Words: now, Now: db.Micros(in.ChangedAt)}); err != nil {
			return err
		}
		return s.tell(ctx, tx, actor, changes)
	})
	if err != nil {
		return Introduction{}, fmt.Errorf("introduce a kind of notice: %w", err)
	}
	return in, nil
}

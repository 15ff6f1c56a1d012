package notify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

// EmailWhen is when a person wants a kind of notice by e-mail.
type EmailWhen string

// The times.
const (
	EmailNow    EmailWhen = "now"
	EmailHourly EmailWhen = "hourly" // in a summary at the full hour
	EmailDaily  EmailWhen = "daily"  // in a summary at seven in the morning, UTC
	EmailOff    EmailWhen = "off"
)

const dailyHour = 7

// Preference is how a person hears of one kind of notice.
type Preference struct {
	Kind     Kind
	Title    string
	InApp    bool
	Email    EmailWhen
	Required bool // it cannot be chosen
	Urgent   bool // somebody waits: no summaries, and not by no way at all
}

func standard(k KindInfo) Preference {
	return Preference{Kind: k.Kind, Title: k.Title, InApp: true, Email: EmailNow, Required: k.Required, Urgent: k.Urgent}
}

// digest is when the next summary goes that a notice of now belongs to; zero: none.
func (p Preference) digest(now time.Time) time.Time {
	now = now.UTC()
	switch p.Email {
	case EmailHourly:
		return now.Truncate(time.Hour).Add(time.Hour)
	case EmailDaily:
		at := time.Date(now.Year(), now.Month(), now.Day(), dailyHour, 0, 0, 0, time.UTC)
		if !at.After(now) {
			at = at.AddDate(0, 0, 1)
		}
		return at
	}
	return time.Time{}
}

// Preferences lists how the actor hears of each kind that can reach them.
func (s *Service) Preferences(ctx context.Context, actor authz.Actor) ([]Preference, error) {
	if err := authz.Check(actor, authz.SelfView, self(actor)); err != nil {
		return nil, err
	}
	var rows []notifysql.PreferencesRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = notifysql.New(tx).Preferences(ctx, string(actor.User))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list preferences: %w", err)
	}
	var out []Preference
	for _, k := range kinds {
		if !k.InApp {
			continue
		}
		p := standard(k)
		if at := slices.IndexFunc(rows, func(r notifysql.PreferencesRow) bool { return r.Kind == string(k.Kind) }); at >= 0 && !k.Required {
			p.InApp, p.Email = rows[at].InApp, EmailWhen(rows[at].Email)
		}
		out = append(out, p)
	}
	return out, nil
}

// Prefer sets how the actor hears of one kind. Those that are required cannot be changed.
func (s *Service) Prefer(ctx context.Context, actor authz.Actor, k Kind, inApp bool, email EmailWhen) (Preference, error) {
	if err := authz.Check(actor, authz.SelfUpdate, self(actor)); err != nil {
		return Preference{}, s.preferRefused(ctx, actor, err, k, inApp, email)
	}
	if s.d.Ledger == nil {
		return Preference{}, fault.New(fault.Unavailable, "this server keeps no preferences")
	}
	info := kindInfo(k)
	if !info.InApp {
		return Preference{}, fault.New(fault.NotFound, "%.64q is not a kind of notice that can be chosen", string(k))
	}
	wrong := fault.New(fault.Invalid, "notices of this kind cannot be sent like this: see the fields that are named")
	switch {
	case info.Required:
		return Preference{}, fault.New(fault.Conflict, "notices of this kind are always shown and mailed at once").WithCode("NOTICE_REQUIRED")
	case !slices.Contains([]EmailWhen{EmailNow, EmailHourly, EmailDaily, EmailOff}, email):
		return Preference{}, wrong.WithField("email", "must be now, hourly, daily or off")
	case info.Urgent && (email == EmailHourly || email == EmailDaily):
		return Preference{}, wrong.WithField("email", "must be now or off: somebody waits, so there is no summary")
	case info.Urgent && email == EmailOff && !inApp:
		return Preference{}, wrong.WithField("in_app", "must be true where there is no e-mail: somebody waits")
	}
	ev := preferenceEvent(actor, k, inApp, email)
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		old, err := q.Preference(ctx, notifysql.PreferenceParams{UserID: string(actor.User), Kind: string(k)})
		if db.NotFound(err) {
			old, err = notifysql.PreferenceRow{InApp: true, Email: string(EmailNow)}, nil
		}
		if err != nil || old.InApp == inApp && old.Email == string(email) {
			return err
		}
		if err := q.SetPreference(ctx, notifysql.SetPreferenceParams{UserID: string(actor.User), Kind: string(k), InApp: inApp, Email: string(email), Now: db.Micros(s.d.Now())}); err != nil {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if err != nil {
		return Preference{}, fmt.Errorf("set a preference: %w", err)
	}
	p := standard(info)
	p.InApp, p.Email = inApp, email
	return p, nil
}

var emailWhens = map[EmailWhen]event.EmailWhen{EmailNow: event.EmailWhenNow, EmailHourly: event.EmailWhenHourly, EmailDaily: event.EmailWhenDaily, EmailOff: event.EmailWhenOff}

func preferenceEvent(actor authz.Actor, k Kind, inApp bool, email EmailWhen) event.NoticePreferenceChanged {
	return event.NewNoticePreferenceChanged(event.By(actor, event.User), orderTarget(actor.Org), string(k), emailWhens[email], inApp)
}

// preferRefused records that somebody may not choose, and returns why. What they named is
// entered only where it is known.
func (s *Service) preferRefused(ctx context.Context, actor authz.Actor, why error, k Kind, inApp bool, email EmailWhen) error {
	if actor.Kind == authz.Nobody || !kindInfo(k).InApp || emailWhens[email] == (event.EmailWhen{}) {
		return why
	}
	return s.orderRefused(ctx, why, preferenceEvent(actor, k, inApp, email).Denied(event.NoticePreferenceChangedNotPermitted))
}

// reader is the person behind an address, with how they want to hear of a kind. Nobody
// has the address: only the mail is left.
func (s *Service) reader(ctx context.Context, email string, k KindInfo) (user id.User, p Preference, err error) {
	p = standard(k)
	if !k.InApp {
		return "", p, nil
	}
	err = s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		found, err := q.PersonByEmail(ctx, email)
		if err != nil {
			return err
		}
		user = id.User(found)
		row, err := q.Preference(ctx, notifysql.PreferenceParams{UserID: found, Kind: string(k.Kind)})
		if err == nil && !k.Required {
			p.InApp, p.Email = row.InApp, EmailWhen(row.Email)
		}
		if db.NotFound(err) {
			return nil
		}
		return err
	})
	if db.NotFound(err) {
		return "", p, nil
	}
	if err != nil {
		return "", p, fmt.Errorf("look for whom a notice is: %w", err)
	}
	return user, p, nil
}

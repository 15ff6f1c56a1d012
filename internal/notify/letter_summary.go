package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// SummaryKind is the kind of an e-mail that tells several notices at once.
const SummaryKind Kind = "summary"

// Summary tells a person of the notices that they want by the hour or by the day.
type Summary struct {
	Name     string
	Subjects []string
	Times    []time.Time
}

func (Summary) Kind() Kind { return SummaryKind }

func (d Summary) letter(w *writer) {
	what := "1 notice"
	if n := len(d.Subjects); n != 1 {
		what = fmt.Sprintf("%d notices", n)
	}
	w.subject("%s for you", what)
	w.text("Hello %s, this happened:", d.Name)
	for i, s := range d.Subjects {
		w.fact(d.Times[i].UTC().Format("2 January, 15:04 UTC"), s)
	}
	w.link("Look at them", "/notices", secret.Secret{})
	w.text("You have chosen to get these in a summary; your profile has the choice.")
}

// summarize queues the summaries that are due.
func (s *Service) summarize(ctx context.Context) error {
	now := s.d.Now()
	var due []notifysql.DueDigestsRow
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = notifysql.New(tx).DueDigests(ctx, notifysql.DueDigestsParams{Now: db.Micros(now), N: 100})
		return err
	})
	if err != nil {
		return fmt.Errorf("list due summaries: %w", err)
	}
	for _, d := range due {
		if err := s.summary(ctx, d, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) summary(ctx context.Context, d notifysql.DueDigestsRow, now time.Time) error {
	var rows []notifysql.DigestOfRow
	belongs := d.OrgID == ""
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		q := notifysql.New(tx)
		if !belongs {
			n, err := q.InOrganization(ctx, notifysql.InOrganizationParams{OrgID: d.OrgID, UserID: d.UserID})
			if err != nil {
				return err
			}
			belongs = n > 0
		}
		rows, err = q.DigestOf(ctx, notifysql.DigestOfParams{OrgID: d.OrgID, UserID: d.UserID, Now: db.Micros(now)})
		return err
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	data := Summary{Name: d.Name}
	for _, r := range rows {
		data.Subjects, data.Times = append(data.Subjects, r.Subject), append(data.Times, db.Time(r.CreatedAt))
	}
	var letter Prepared
	if belongs {
		if letter, err = s.Prepare(ctx, id.Org(d.OrgID), Message{To: Recipient{Email: d.Email, Name: d.Name}, Data: data}); err != nil {
			return err
		}
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := notifysql.New(tx).Digested(ctx, notifysql.DigestedParams{OrgID: d.OrgID, UserID: d.UserID, Now: db.Micros(now), Until: rows[len(rows)-1].ID})
		if err != nil || n == 0 || !belongs { // another server was faster, or they have left
			return err
		}
		return s.Queue(ctx, tx, letter)
	})
	if err != nil {
		return fmt.Errorf("queue a summary: %w", err)
	}
	return nil
}

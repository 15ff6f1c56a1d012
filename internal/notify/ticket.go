package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify/notifysql"
)

// An organization's ticket system is a webhook that is told of nothing, and asked: its
// only kind is TicketQuestionKind. What a safe does with the answer is package access's.

// TicketQuestionKind makes a webhook the organization's ticket system.
const TicketQuestionKind Kind = "ticket_question"

const (
	askTime   = 5 * time.Second
	maxReply  = 16 << 10
	yes, nope = "true", "false"
)

// TicketQuestion asks whether a ticket is open, for somebody who wants to open a safe.
type TicketQuestion struct {
	Ticket    string
	Requester string // handle
	Email     string
	Safe      string // name
	SafeID    id.Safe
	Uses      string // "session", "checkout" (the credential is shown) or "both"
	Duration  time.Duration
}

func asks(r notifysql.NotifyChannel) bool {
	return slices.Equal(strings.Fields(r.Kinds), []string{string(TicketQuestionKind)})
}

// TicketOpen asks the organization's ticket system: the first webhook in its order that is
// there for it. Whatever goes wrong is an error whose words may be shown to approvers, and
// never an open ticket. It waits for another machine: never call it in a transaction.
func (s *Service) TicketOpen(ctx context.Context, org id.Org, q TicketQuestion) (bool, error) {
	channels, err := s.channels(ctx, org)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(channels, func(r notifysql.NotifyChannel) bool { return r.Enabled && asks(r) })
	if at < 0 || s.d.Web == nil {
		return false, fault.New(fault.Unavailable, "there is none: an administrator adds a webhook of the kind ticket_question")
	}
	row := channels[at]
	h, err := s.unseal(ctx, row)
	if err != nil {
		return false, err
	}
	open, err := s.askTicket(ctx, h, row.PreviousUntil > db.Micros(s.d.Now()), q)
	var text string
	if err != nil {
		text = line(err.Error(), 300)
		open, err = false, fault.New(fault.Unavailable, "%s", text)
	}
	s.complain(ctx, "how the ticket system answered could not be kept", s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		q := notifysql.New(tx)
		if text != "" {
			return q.ChannelFailed(ctx, notifysql.ChannelFailedParams{Now: db.Micros(s.d.Now()), LastError: text, OrgID: row.OrgID, ID: row.ID})
		}
		return q.ChannelSent(ctx, notifysql.ChannelSentParams{Now: db.Micros(s.d.Now()), OrgID: row.OrgID, ID: row.ID})
	}))
	return open, err
}

func (s *Service) askTicket(ctx context.Context, h hidden, previous bool, q TicketQuestion) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	body, err := json.Marshal(map[string]any{"type": TicketQuestionKind, "timestamp": s.d.Now().UTC().Format(time.RFC3339), "ticket": q.Ticket, "requester": q.Requester, "requester_email": q.Email,
		"safe": q.Safe, "safe_id": q.SafeID, "uses": q.Uses, "duration_seconds": int64(q.Duration / time.Second)})
	if err != nil {
		return false, fmt.Errorf("write the question: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("its URL cannot be used")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "VaultPAM")
	s.signed(r, id.New[id.Delivery](), h, previous, body)
	c, err := s.caller(h)
	if err != nil {
		return false, err
	}
	a, err := c.Do(r)
	if err != nil {
		return false, callError(err, askTime)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusOK {
		return false, fmt.Errorf("it answered %d, not 200", a.StatusCode)
	}
	said, err := io.ReadAll(io.LimitReader(a.Body, maxReply+1))
	if err != nil {
		return false, callError(err, askTime)
	}
	return parseTicket(said)
}

var errTicketAnswer = errors.New(`it did not answer {"open": true} or {"open": false}`)

// parseTicket reads an answer: one JSON object with exactly one member "open", which is
// true or false. Other members are of no account.
func parseTicket(b []byte) (bool, error) {
	if len(b) > maxReply {
		return false, errTicketAnswer
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false, errTicketAnswer
	}
	answer := ""
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return false, errTicketAnswer
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return false, errTicketAnswer
		}
		if key != "open" {
			continue
		}
		if answer != "" || string(v) != yes && string(v) != nope {
			return false, errTicketAnswer
		}
		answer = string(v)
	}
	if _, err := d.Token(); err != nil || answer == "" { // the closing brace
		return false, errTicketAnswer
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return false, errTicketAnswer
	}
	return answer == yes, nil
}

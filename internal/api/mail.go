package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/notify"
)

// MailMessage is a message that the product sends or has sent. Its content is never shown.
type MailMessage struct {
	ID        id.Delivery `json:"id"`
	Channel   string      `json:"channel" enum:"email"`
	Kind      string      `json:"kind" doc:"What it tells, such as mfa_recovery_grant"`
	Recipient string      `json:"recipient"`
	State     string      `json:"state" enum:"queued,sending,sent,failed,expired"`
	Attempts  int         `json:"attempts"`
	LastError string      `json:"last_error,omitempty" doc:"Why the last try did not work"`
	CreatedAt time.Time   `json:"created_at"`
	ExpiresAt time.Time   `json:"expires_at" doc:"It is of no use after this, and not sent any more"`
	NextAt    time.Time   `json:"next_at,omitzero" doc:"When it is tried again"`
	EndedAt   time.Time   `json:"ended_at,omitzero"`
	Tries     []MailTry   `json:"tries,omitempty" doc:"Of one message only, not in lists"`
}

// MailTry is one attempt to deliver a message.
type MailTry struct {
	N         int       `json:"n"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Outcome   string    `json:"outcome" enum:"sent,retry,refused,lost" doc:"refused: for good; lost: the server stopped meanwhile"`
	Via       string    `json:"via,omitempty" doc:"Mail server, or folder in development"`
	Error     string    `json:"error,omitempty"`
}

func mailJSON(d notify.Delivery) MailMessage {
	m := MailMessage{ID: d.ID, Channel: d.Channel, Kind: string(d.Kind), Recipient: d.Recipient, State: d.State, Attempts: d.Attempts,
		LastError: d.LastError, CreatedAt: d.CreatedAt, ExpiresAt: d.ExpiresAt, NextAt: d.NextAt, EndedAt: d.EndedAt}
	for _, t := range d.Tries {
		m.Tries = append(m.Tries, MailTry(t))
	}
	return m
}

type mailPath struct {
	ID string `path:"id" maxLength:"64"`
}

func (s *Server) mailRoutes() {
	s.mailRoutesOf("/org/mail", "organization", "of your organization", "", func(a authz.Actor) id.Org { return a.Org })
	s.mailRoutesOf("/platform/mail", "platform", "of the platform", "platform-", func(authz.Actor) id.Org { return "" })
}

func (s *Server) mailRoutesOf(path, tag, whose, prefix string, org func(authz.Actor) id.Org) {
	handle(s, signedIn, huma.Operation{OperationID: "list-" + prefix + "mail", Method: http.MethodGet, Path: path, Summary: "List the messages " + whose + ", newest first", Tags: []string{tag},
		Description: "What was sent to whom, and how its delivery went. The content of a message is never shown, and is deleted once it is delivered."},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[MailMessage], error) {
			l, err := s.Mail.List(ctx, a, org(a), in.request())
			return pageOf(l, mailJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-" + prefix + "mail", Method: http.MethodGet, Path: path + "/{id}", Summary: "One message " + whose + ", with each try to deliver it", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *mailPath) (*struct{ Body MailMessage }, error) {
			d, err := s.Mail.Get(ctx, a, org(a), id.Delivery(in.ID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body MailMessage }{mailJSON(d)}, nil
		})
	sent := func(d notify.Delivery, err error) (*struct{ Body MailMessage }, error) {
		if err != nil {
			return nil, err
		}
		return &struct{ Body MailMessage }{mailJSON(d)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "test-" + prefix + "mail", Method: http.MethodPost, Path: path + "/test", Summary: "Send a test message " + whose + " to yourself", DefaultStatus: 202, Tags: []string{tag},
		Description: "It goes the way that the messages " + whose + " go, to your own address. Ask for the message by its id to see how its delivery went. At most five in ten minutes."},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body MailMessage }, error) {
			return sent(s.Mail.SendTest(ctx, a, org(a)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resend-" + prefix + "mail", Method: http.MethodPost, Path: path + "/{id}/resend", Summary: "Send a message " + whose + " that did not arrive once more", DefaultStatus: 202, Tags: []string{tag},
		Description: "One that failed is kept, sealed, until it expires; one that waits for its next try is tried at once. MAIL_GONE: it was sent, is on its way, or has expired."},
		func(ctx context.Context, a authz.Actor, in *mailPath) (*struct{ Body MailMessage }, error) {
			return sent(s.Mail.Resend(ctx, a, org(a), id.Delivery(in.ID)))
		})
}

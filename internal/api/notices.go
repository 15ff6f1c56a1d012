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

// Notice is what a person is told inside the product.
type Notice struct {
	ID        id.Notice `json:"id"`
	OrgID     id.Org    `json:"org_id,omitempty" doc:"Absent: it is about your account"`
	Kind      string    `json:"kind"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	Link      string    `json:"link,omitempty" doc:"Path of the console that it leads to"`
	LinkLabel string    `json:"link_label,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	ReadAt    time.Time `json:"read_at,omitzero"`
}

func noticeJSON(n notify.Notice) Notice {
	return Notice{ID: n.ID, OrgID: n.Org, Kind: string(n.Kind), Subject: n.Subject, Text: n.Text, Link: n.Link, LinkLabel: n.LinkLabel, CreatedAt: n.CreatedAt, ReadAt: n.ReadAt}
}

// UnreadNotices is how many notices wait to be read.
type UnreadNotices struct {
	Unread int `json:"unread"`
}

type unreadOut struct{ Body UnreadNotices }

func unread(n int, err error) (*unreadOut, error) {
	if err != nil {
		return nil, err
	}
	return &unreadOut{UnreadNotices{n}}, nil
}

// NoticePreference is how a person hears of one kind of notice.
type NoticePreference struct {
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	InApp    bool   `json:"in_app"`
	Email    string `json:"email" enum:"now,hourly,daily,off" doc:"hourly and daily: in a summary"`
	Required bool   `json:"required" doc:"It is always shown and mailed at once: about security, or about how people are let in"`
	Urgent   bool   `json:"urgent" doc:"Somebody waits: there is no summary, and not neither way"`
}

func preferenceJSON(p notify.Preference) NoticePreference {
	return NoticePreference{string(p.Kind), p.Title, p.InApp, string(p.Email), p.Required, p.Urgent}
}

// NoticeIntroduction is an organization's own words before what a kind of notice tells.
type NoticeIntroduction struct {
	Kind      string    `json:"kind"`
	Title     string    `json:"title"`
	Words     string    `json:"words" doc:"Empty: none"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
}

func introductionJSON(i notify.Introduction) NoticeIntroduction {
	return NoticeIntroduction{string(i.Kind), i.Title, i.Words, i.ChangedAt}
}

func (s *Server) noticeRoutes() {
	const tag = noticesTag
	handle(s, signedIn, huma.Operation{OperationID: "list-notices", Method: http.MethodGet, Path: "/notices", Summary: "List what you were told, newest first", Tags: []string{tag},
		Description: "In the active organization, about your account, and invitations to others. Notices are kept for 90 days."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Unread bool `query:"unread" doc:"Only those that you have not read"`
		}) (*pageOut[Notice], error) {
			l, err := s.Mail.Notices(ctx, a, in.Unread, in.request())
			return pageOf(l, noticeJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "count-unread-notices", Method: http.MethodGet, Path: "/notices/unread", Summary: "Count what you have not read", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*unreadOut, error) {
			return unread(s.Mail.Unread(ctx, a))
		})
	handle(s, signedIn, huma.Operation{OperationID: "read-notices", Method: http.MethodPost, Path: "/notices/read", Summary: "Mark notices as read", Tags: []string{tag},
		Description: "What is not yours changes nothing. Answers how many are left."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				IDs   []string `json:"ids,omitempty" maxItems:"200"`
				Until string   `json:"until,omitempty" maxLength:"64" doc:"All up to this one, itself included"`
			}
		}) (*unreadOut, error) {
			ids := make([]id.Notice, len(in.Body.IDs))
			for i, n := range in.Body.IDs {
				ids[i] = id.Notice(n)
			}
			return unread(s.Mail.MarkRead(ctx, a, ids, id.Notice(in.Body.Until)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-notice-preferences", Method: http.MethodGet, Path: "/notices/preferences", Summary: "How you hear of each kind of notice", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[NoticePreference], error) {
			all, err := s.Mail.Preferences(ctx, a)
			return pageOfAll(all, err, in.PageIn, func(p notify.Preference) string { return string(p.Kind) }, preferenceJSON)
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-notice-preference", Method: http.MethodPut, Path: "/notices/preferences/{kind}", Summary: "Say how you hear of a kind of notice", Tags: []string{tag},
		Description: "Kinds that are required cannot be changed (NOTICE_REQUIRED)."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Kind string `path:"kind" maxLength:"64"`
			Body struct {
				InApp bool   `json:"in_app"`
				Email string `json:"email" enum:"now,hourly,daily,off"`
			}
		}) (*struct{ Body NoticePreference }, error) {
			p, err := s.Mail.Prefer(ctx, a, notify.Kind(in.Kind), in.Body.InApp, notify.EmailWhen(in.Body.Email))
			if err != nil {
				return nil, err
			}
			return &struct{ Body NoticePreference }{preferenceJSON(p)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-notice-introductions", Method: http.MethodGet, Path: "/org/notifications/introductions", Summary: "Your organization's own words before each kind of notice", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[NoticeIntroduction], error) {
			all, err := s.Mail.Introductions(ctx, a)
			return pageOfAll(all, err, in.PageIn, func(i notify.Introduction) string { return string(i.Kind) }, introductionJSON)
		})
	handle(s, signedIn, huma.Operation{OperationID: "set-notice-introduction", Method: http.MethodPut, Path: "/org/notifications/introductions/{kind}", Summary: "Say something before a kind of notice", Tags: []string{tag},
		Description: "Plain text; {organization} and {support} are replaced by what the settings say. An administrator in person does this, with a fresh second factor (STEP_UP_REQUIRED)."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Kind string `path:"kind" maxLength:"64"`
			Body struct {
				Words string `json:"words" doc:"At most 1000 characters; empty: none"`
			}
		}) (*struct{ Body NoticeIntroduction }, error) {
			i, err := s.Mail.Introduce(ctx, a, notify.Kind(in.Kind), in.Body.Words)
			if err != nil {
				return nil, err
			}
			return &struct{ Body NoticeIntroduction }{introductionJSON(i)}, nil
		})
}

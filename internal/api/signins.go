package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
)

// SignInItem is a live sign-in.
type SignInItem struct {
	ID         id.WebSession `json:"id"`
	Current    bool          `json:"current" doc:"It is the one that asks"`
	Enrolment  bool          `json:"enrolment,omitempty" doc:"It may only enrol a second factor"`
	SourceIP   string        `json:"source_ip"`
	UserAgent  string        `json:"user_agent"`
	CreatedAt  time.Time     `json:"created_at"`
	LastSeenAt time.Time     `json:"last_seen_at" doc:"To the minute"`
	ExpiresAt  time.Time     `json:"expires_at" doc:"At the latest; it also ends when it is not used"`
	VerifiedAt time.Time     `json:"verified_at,omitzero" doc:"When a second factor was last proved in it"`
}

func signIns(list []identity.WebSession) *pageOut[SignInItem] {
	out := &pageOut[SignInItem]{Page[SignInItem]{Items: []SignInItem{}}}
	for _, w := range list {
		out.Body.Items = append(out.Body.Items, SignInItem{ID: w.ID, Current: w.Current, Enrolment: w.Enrolment, SourceIP: w.SourceIP, UserAgent: w.UserAgent,
			CreatedAt: w.CreatedAt, LastSeenAt: w.LastSeenAt, ExpiresAt: w.ExpiresAt, VerifiedAt: w.MFAAt})
	}
	return out
}

// signOutOrder goes with an administrator's order.
type signOutOrder struct {
	Comment string `json:"comment,omitempty" maxLength:"256" doc:"Shown to the person where a live session ends"`
}

// signInRoutes list and end sign-ins: one's own, and as administrator those of members.
func (s *Server) signInRoutes() {
	const tag = "sign-in"
	handle(s, signedIn, huma.Operation{OperationID: "list-sign-ins", Method: http.MethodGet, Path: "/auth/sessions", Summary: "Where you are signed in", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*pageOut[SignInItem], error) {
			list, err := s.Identity.WebSessions(ctx, a)
			if err != nil {
				return nil, err
			}
			return signIns(list), nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "end-sign-in", Method: http.MethodDelete, Path: "/auth/sessions/{id}", Summary: "End one of your sign-ins", DefaultStatus: 204, Tags: []string{tag},
		Description: "The privileged sessions that were launched from it end within two seconds."},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"64"`
		}) (*struct{}, error) {
			return nothing(s.Identity.EndWebSession(ctx, a, id.WebSession(in.ID)))
		})
	type ended struct {
		SignIns  int  `json:"sign_ins_ended"`
		Sessions *int `json:"sessions_ended,omitempty" doc:"Privileged ones"`
	}
	handle(s, signedIn, huma.Operation{OperationID: "end-other-sign-ins", Method: http.MethodDelete, Path: "/auth/sessions", Summary: "End all your sign-ins but this one", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body ended }, error) {
			n, err := s.Identity.EndOtherWebSessions(ctx, a)
			if err != nil {
				return nil, err
			}
			return &struct{ Body ended }{ended{SignIns: n}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-member-sign-ins", Method: http.MethodGet, Path: "/org/members/{user_id}/sign-ins", Summary: "Where a member is signed in", Tags: []string{"organization"},
		Description: "For whoever may end their sign-ins."},
		func(ctx context.Context, a authz.Actor, in *MemberPath) (*pageOut[SignInItem], error) {
			list, err := s.Identity.MemberWebSessions(ctx, a, id.User(in.UserID))
			if err != nil {
				return nil, err
			}
			return signIns(list), nil
		})
	order := func(body *signOutOrder, f func(comment string) (identity.Ended, error)) (*struct{ Body ended }, error) {
		comment := ""
		if body != nil {
			comment = body.Comment
		}
		r, err := f(comment)
		if err != nil {
			return nil, err
		}
		return &struct{ Body ended }{ended{SignIns: r.WebSessions, Sessions: &r.Sessions}}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "end-member-sign-in", Method: http.MethodPost, Path: "/org/members/{user_id}/sign-ins/{id}/end", Summary: "End one sign-in of a member", Tags: []string{"organization"},
		Description: "The privileged sessions that were launched from it in this organization end within two seconds. Their other sign-ins and their certificates stay."},
		func(ctx context.Context, a authz.Actor, in *struct {
			UserID string `path:"user_id" maxLength:"64"`
			ID     string `path:"id" maxLength:"64"`
			Body   *signOutOrder
		}) (*struct{ Body ended }, error) {
			return order(in.Body, func(comment string) (identity.Ended, error) {
				return s.Identity.EndMemberWebSession(ctx, a, id.User(in.UserID), id.WebSession(in.ID), comment)
			})
		})
	handle(s, signedIn, huma.Operation{OperationID: "sign-out-member", Method: http.MethodPost, Path: "/org/members/{user_id}/sign-out", Summary: "End the sign-ins and live sessions of a member", Tags: []string{"organization"},
		Description: "Ends their sign-ins everywhere, and their certificates and live privileged sessions in this organization. They can sign in again: remove whoever must not."},
		func(ctx context.Context, a authz.Actor, in *struct {
			UserID string `path:"user_id" maxLength:"64"`
			Body   *signOutOrder
		}) (*struct{ Body ended }, error) {
			return order(in.Body, func(comment string) (identity.Ended, error) {
				return s.Identity.SignOutMember(ctx, a, id.User(in.UserID), comment)
			})
		})
}

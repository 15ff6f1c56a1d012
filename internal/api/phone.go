package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// PhoneRecord is a person's telephone number and what is pending.
type PhoneRecord struct {
	Number     string       `json:"number,omitempty" doc:"E.164; of others only the last digits are shown"`
	Country    string       `json:"country,omitempty" doc:"ISO 3166-1 alpha-2"`
	VerifiedAt time.Time    `json:"verified_at,omitzero"`
	Version    int          `json:"version" doc:"Name it when you confirm or cancel: nothing is done when it has changed since"`
	Change     *PhoneChange `json:"change,omitempty"`
}

// PhoneChange is a number that waits for its code.
type PhoneChange struct {
	ID            id.PhoneChange `json:"id"`
	Number        string         `json:"number"`
	ByAdmin       bool           `json:"by_admin" doc:"An administrator asked for it"`
	CreatedAt     time.Time      `json:"created_at"`
	ExpiresAt     time.Time      `json:"expires_at" doc:"Of the change; further codes can be asked for until then"`
	CodeExpiresAt time.Time      `json:"code_expires_at"`
	AttemptsLeft  int            `json:"attempts_left" doc:"0: ask for a new code"`
}

func phoneJSON(r phone.Record, own bool) PhoneRecord {
	show := phone.Number.Masked
	if own {
		show = phone.Number.E164
	}
	out := PhoneRecord{Number: show(r.Number), Country: r.Number.Country(), VerifiedAt: r.VerifiedAt, Version: r.Version}
	if c := r.Change; c != nil {
		out.Change = &PhoneChange{ID: c.ID, Number: show(c.Number), ByAdmin: c.ByAdmin, CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, CodeExpiresAt: c.CodeExpiresAt, AttemptsLeft: c.AttemptsLeft}
	}
	return out
}

type phoneOut struct{ Body PhoneRecord }

func phoneAnswer(own bool) func(phone.Record, error) (*phoneOut, error) {
	return func(r phone.Record, err error) (*phoneOut, error) {
		if err != nil {
			return nil, err
		}
		return &phoneOut{phoneJSON(r, own)}, nil
	}
}

// PhoneNumberIn is a number as somebody typed it.
type PhoneNumberIn struct {
	Number string `json:"number" maxLength:"64" doc:"International form, such as +49 151 23456789"`
}

// PhoneChangePath names a change.
type PhoneChangePath struct {
	ID string `path:"id" maxLength:"64"`
}

// PhoneVersionIn is what the caller saw.
type PhoneVersionIn struct {
	Version int `query:"version" minimum:"0" doc:"Of the record that you saw"`
}

func (s *Server) phoneRoutes() {
	s.ownPhoneRoutes()
	s.memberPhoneRoutes()
	s.phoneKeyRoutes()
}

func (s *Server) ownPhoneRoutes() {
	const tag = "telephone number"
	own := phoneAnswer(true)
	handle(s, signedIn, huma.Operation{OperationID: "get-phone", Method: http.MethodGet, Path: "/auth/me/phone", Summary: "Your telephone number, and the change that is pending", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*phoneOut, error) {
			return own(s.Phone.Get(ctx, a, a.User))
		})
	handle(s, signedIn, huma.Operation{OperationID: "remove-phone", Method: http.MethodDelete, Path: "/auth/me/phone", Summary: "Remove your telephone number", DefaultStatus: 204, Tags: []string{tag},
		Description: "Needs a second factor that was proved lately. A change that is pending goes on. PHONE_NONE: there is none. VERSION_CONFLICT: something was altered since you looked."},
		func(ctx context.Context, a authz.Actor, in *PhoneVersionIn) (*struct{}, error) {
			return nothing(s.Phone.Remove(ctx, a, in.Version))
		})
	handle(s, signedIn, huma.Operation{OperationID: "request-phone-change", Method: http.MethodPost, Path: "/auth/me/phone/changes", Summary: "Set or replace your number: a code is sent to the new one", DefaultStatus: 201, Tags: []string{tag},
		Description: "Needs a second factor that was proved lately. What was pending before is given up. SMS_UNAVAILABLE and SMS_REJECTED say that the change waits, but no code was sent: resend, or begin again."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body PhoneNumberIn }) (*phoneOut, error) {
			return own(s.Phone.Request(ctx, a, a.User, in.Body.Number))
		})
	handle(s, signedIn, huma.Operation{OperationID: "confirm-phone-change", Method: http.MethodPost, Path: "/auth/me/phone/changes/{id}/confirm", Summary: "Bring the code: the new number is yours", Tags: []string{tag},
		Description: "A code is good for ten minutes and five tries. BAD_CODE: look again. CODE_EXPIRED: ask for a new one. CODE_EXHAUSTED, PHONE_CHANGE_OVER: begin again. VERSION_CONFLICT: something was altered since you looked."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PhoneChangePath
			Body struct {
				Code    secret.Secret `json:"code"`
				Version int           `json:"version" minimum:"0" doc:"Of the record that you saw"`
			}
		}) (*phoneOut, error) {
			return own(s.Phone.Confirm(ctx, a, id.PhoneChange(in.ID), in.Body.Version, in.Body.Code))
		})
	handle(s, signedIn, huma.Operation{OperationID: "resend-phone-code", Method: http.MethodPost, Path: "/auth/me/phone/changes/{id}/resend", Summary: "Send a new code; the one before does not count any more", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PhoneChangePath
			Body struct {
				Version int `json:"version" minimum:"0" doc:"Of the record that you saw"`
			}
		}) (*phoneOut, error) {
			return own(s.Phone.Resend(ctx, a, id.PhoneChange(in.ID), in.Body.Version))
		})
	handle(s, signedIn, huma.Operation{OperationID: "cancel-phone-change", Method: http.MethodDelete, Path: "/auth/me/phone/changes/{id}", Summary: "Give the change up", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PhoneChangePath
			PhoneVersionIn
		}) (*struct{}, error) {
			return nothing(s.Phone.Cancel(ctx, a, a.User, id.PhoneChange(in.ID), in.Version))
		})
}

func (s *Server) memberPhoneRoutes() {
	const tag = "organization"
	masked := phoneAnswer(false)
	handle(s, signedIn, huma.Operation{OperationID: "get-member-phone", Method: http.MethodGet, Path: "/org/members/{user_id}/phone", Summary: "A member's telephone number, masked", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *MemberPath) (*phoneOut, error) {
			return masked(s.Phone.Get(ctx, a, id.User(in.UserID)))
		})
	handle(s, signedIn, huma.Operation{OperationID: "request-member-phone-change", Method: http.MethodPost, Path: "/org/members/{user_id}/phone/changes", Summary: "Ask a member to verify a number: they get a code and confirm it themselves", DefaultStatus: 201, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			MemberPath
			Body PhoneNumberIn
		}) (*phoneOut, error) {
			return masked(s.Phone.Request(ctx, a, id.User(in.UserID), in.Body.Number))
		})
	handle(s, signedIn, huma.Operation{OperationID: "cancel-member-phone-change", Method: http.MethodDelete, Path: "/org/members/{user_id}/phone/changes/{id}", Summary: "Give a member's change up", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			MemberPath
			PhoneChangePath
			PhoneVersionIn
		}) (*struct{}, error) {
			return nothing(s.Phone.Cancel(ctx, a, id.User(in.UserID), id.PhoneChange(in.ID), in.Version))
		})
}

// PhoneKey is a key of the digests that stand for numbers in the ledger.
type PhoneKey struct {
	ID          string    `json:"id"`
	State       string    `json:"state" enum:"signing,read_only,destroyed" doc:"signing makes digests, read_only only finds them again"`
	CreatedAt   time.Time `json:"created_at"`
	RetiredAt   time.Time `json:"retired_at,omitzero"`
	DestroyedAt time.Time `json:"destroyed_at,omitzero"`
}

func phoneKeyJSON(k phone.Key) PhoneKey {
	return PhoneKey{ID: string(k.ID), State: k.State, CreatedAt: k.CreatedAt, RetiredAt: k.RetiredAt, DestroyedAt: k.DestroyedAt}
}

// PhoneLookup is what a ledger tells of one number.
type PhoneLookup struct {
	Digests []PhoneDigest `json:"digests" nullable:"false" doc:"What stands for the number, the newest key first"`
	Items   []AuditEvent  `json:"items" nullable:"false" doc:"The number's events, newest first for each key"`
	More    bool          `json:"more" doc:"There are further events: search for the digests"`
}

// PhoneDigest stands for a number under one key.
type PhoneDigest struct {
	KeyID  string `json:"key_id"`
	Digest string `json:"digest"`
}

func (s *Server) phoneKeyRoutes() {
	const tag = "audit"
	handle(s, signedIn, huma.Operation{OperationID: "list-phone-keys", Method: http.MethodGet, Path: "/audit/phone-keys", Summary: "The keys of phone digests of this ledger, oldest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*pageOut[PhoneKey], error) {
			keys, err := s.Phone.Keys(ctx, a)
			if err != nil {
				return nil, err
			}
			out := &pageOut[PhoneKey]{Page[PhoneKey]{Items: []PhoneKey{}}}
			for _, k := range keys {
				out.Body.Items = append(out.Body.Items, phoneKeyJSON(k))
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "rotate-phone-key", Method: http.MethodPost, Path: "/audit/phone-keys", Summary: "Make a new key for phone digests; the former one only finds its digests again", DefaultStatus: 201, Tags: []string{tag},
		Description: "Needs a second factor that was proved lately. The clock does it once a year by itself."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				Incident bool `json:"incident,omitempty" doc:"The former key may be known to somebody"`
			}
		}) (*struct{ Body PhoneKey }, error) {
			k, err := s.Phone.RotateKey(ctx, a, in.Body != nil && in.Body.Incident)
			if err != nil {
				return nil, err
			}
			return &struct{ Body PhoneKey }{phoneKeyJSON(k)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "destroy-phone-key", Method: http.MethodDelete, Path: "/audit/phone-keys/{id}", Summary: "Destroy a read-only key: nobody can link its digests to a number any more", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			ID string `path:"id" maxLength:"32"`
		}) (*struct{}, error) {
			return nothing(s.Phone.DestroyKey(ctx, a, in.ID))
		})
	handle(s, signedIn, huma.Operation{OperationID: "look-up-phone", Method: http.MethodPost, Path: "/audit/phone-lookup", Summary: "Find the events of a telephone number, across all keys", Tags: []string{tag},
		Description: "Up to 200 events for each key. Each search leaves AUDIT_LOG_VIEWED with the digest."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body PhoneNumberIn }) (*struct{ Body PhoneLookup }, error) {
			digests, err := s.Phone.Lookup(ctx, a, in.Body.Number)
			if err != nil {
				return nil, err
			}
			out := PhoneLookup{Digests: []PhoneDigest{}, Items: []AuditEvent{}}
			for _, d := range digests {
				out.Digests = append(out.Digests, PhoneDigest{string(d.Key), d.Digest})
				entries, next, err := s.Review.Search(ctx, a, ledger.Filter{Text: d.Digest}, ledger.Page{Limit: 200})
				if err != nil {
					return nil, err
				}
				for _, e := range entries {
					j, err := auditJSON(e)
					if err != nil {
						return nil, err
					}
					if j.Constant != "AUDIT_LOG_VIEWED" { // an earlier search for the same number
						out.Items = append(out.Items, j)
					}
				}
				out.More = out.More || next != ""
			}
			return &struct{ Body PhoneLookup }{out}, nil
		})
}

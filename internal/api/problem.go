package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
)

// Problem is every error answer of the API (RFC 9457, application/problem+json).
type Problem struct {
	Type      string        `json:"type" doc:"Always about:blank; the code tells problems apart"`
	Title     string        `json:"title" doc:"The status in words"`
	Status    int           `json:"status"`
	Detail    string        `json:"detail" doc:"What was wrong, what was expected, what to do"`
	Code      string        `json:"code" doc:"Stable; programs may depend on it"`
	Errors    []fault.Field `json:"errors,omitempty" doc:"The values that are wrong, by JSON path"`
	RequestID id.Request    `json:"request_id,omitempty" doc:"Names the request in the logs and in audit events"`

	retryAfter int
}

func (p *Problem) Error() string             { return p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return "application/problem+json" }
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(p.retryAfter))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="vaultpam"`)
	}
	return h
}

// problem turns what a domain returned into an answer. What is not a fault is
// logged whole and told as an internal error with the id to look for.
func (s *Server) problem(ctx context.Context, err error) *Problem {
	request := actorOf(ctx).Request
	f := fault.As(err)
	if f == nil || f.Kind == fault.Internal {
		if errors.Is(err, context.Canceled) {
			s.log.DebugContext(ctx, "client went away", "error", err.Error())
		} else {
			s.log.ErrorContext(ctx, "request failed", "error", err.Error())
		}
		f = fault.New(fault.Internal, "internal error; if it stays, give your administrator this reference: %s", request)
	} else if f.Err != nil {
		s.log.LogAttrs(ctx, slog.LevelInfo, "request refused", slog.String("code", f.Code), slog.String("cause", f.Err.Error()))
	}
	status := fault.HTTPStatus(f)
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: f.Message, Code: f.Code, Errors: f.Fields, RequestID: request}
	if f.RetryAfter > 0 {
		p.retryAfter = int(f.RetryAfter.Seconds()) + 1
	}
	return p
}

// newError makes the errors of the framework itself (a body that does not
// parse, an unknown property) look like ours.
func newError(status int, msg string, errs ...error) huma.StatusError {
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: sentence(msg), Code: codeOf(status)}
	for _, e := range errs {
		var d huma.ErrorDetailer
		if errors.As(e, &d) {
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, fault.Field{Path: detail.Location, Message: detail.Message})
		} else if e != nil {
			p.Errors = append(p.Errors, fault.Field{Message: e.Error()})
		}
	}
	if len(p.Errors) > 0 {
		var parts []string
		for _, e := range p.Errors {
			parts = append(parts, strings.TrimSpace(e.Path+" "+e.Message))
		}
		p.Detail += ": " + strings.Join(parts, "; ")
	}
	return p
}

// newErrorOf is newError for a request that is known.
func newErrorOf(c huma.Context, status int, msg string, errs ...error) huma.StatusError {
	e := newError(status, msg, errs...)
	if p, ours := e.(*Problem); ours && c != nil {
		p.RequestID = actorOf(c.Context()).Request
	}
	return e
}

func sentence(s string) string {
	if s == "validation failed" {
		return "the request is not valid"
	}
	return s
}

func codeOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "BODY_TOO_LARGE"
	case http.StatusRequestTimeout:
		return "BODY_TOO_SLOW"
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return "MEDIA_TYPE"
	case http.StatusMethodNotAllowed:
		return "METHOD_NOT_ALLOWED"
	}
	for k := fault.Invalid; k <= fault.Unavailable; k++ {
		if fault.HTTPStatus(fault.New(k, "")) == status {
			return fault.DefaultCode(k)
		}
	}
	if status >= 500 {
		return fault.DefaultCode(fault.Internal)
	}
	return fault.DefaultCode(fault.Invalid)
}

type actorKey struct{}

// actorOf is who sent the request; before sign-in nobody, with source and request id.
func actorOf(ctx context.Context) authz.Actor {
	a, _ := ctx.Value(actorKey{}).(authz.Actor)
	return a
}

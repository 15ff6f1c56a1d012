package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// CookieName is the console's session cookie. The __Host- prefix makes browsers
// refuse it from anywhere but this very origin, over TLS.
const CookieName = "__Host-vaultpam"

// OrgHeader chooses the organization where a person has several.
const OrgHeader = "X-Active-Org-Id"

// authenticate proves the sender of every operation that is not open.
func (s *Server) authenticate(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	need, _ := c.Operation().Metadata[accessKey].(admission)
	token, cookie := credentials(r)
	if need == open && token.Empty() {
		next(c)
		return
	}
	ctx, err := s.admit(r, w.Header(), token, cookie, need)
	if err != nil && need != open {
		s.write(w, r, err)
		return
	}
	if err == nil {
		c = huma.WithContext(c, ctx)
	}
	next(c)
}

// admit resolves the credential into an actor and counts the call.
func (s *Server) admit(r *http.Request, h http.Header, token secret.Secret, cookie bool, need admission) (context.Context, error) {
	ctx := r.Context()
	nobody := actorOf(ctx)
	if token.Empty() {
		return nil, fault.New(fault.Unauthenticated, "sign in first: send Authorization: Bearer with an access token or an API token")
	}
	if cookie && !safeMethod(r.Method) && !s.sameOrigin(r) {
		return nil, fault.New(fault.Denied, "this request carries the console's cookie but does not come from the console").WithCode("CROSS_ORIGIN")
	}
	via := authz.ViaAPI
	if cookie {
		via = authz.ViaConsole
	}
	actor, err := s.Identity.ByBearer(ctx, token, r.Header.Get(OrgHeader), identity.Origin{Source: nobody.Source, Via: via, Request: nobody.Request})
	if err != nil {
		return nil, err
	}
	actor.Request = nobody.Request
	if err := s.limits.actor(h, actor, sensitive(r)); err != nil {
		return nil, err
	}
	if need != enrolling && actor.Kind == authz.Enrolling {
		return nil, fault.New(fault.Denied, "add a second factor first: nothing else is open to an account without one").WithCode("MFA_ENROLMENT_REQUIRED")
	}
	return context.WithValue(ctx, actorKey{}, actor), nil
}

func credentials(r *http.Request) (token secret.Secret, cookie bool) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, v, _ := strings.Cut(h, " ")
		if strings.EqualFold(scheme, "bearer") {
			return secret.FromString(strings.TrimSpace(v)), false
		}
		return secret.FromString("?"), false // another scheme proves nothing, and is not "no credential"
	}
	if c, err := r.Cookie(CookieName); err == nil {
		return secret.FromString(c.Value), true
	}
	return secret.Secret{}, false
}

func safeMethod(m string) bool { return m == http.MethodGet || m == http.MethodHead }

// sameOrigin tells whether a browser made the request from our own console.
func (s *Server) sameOrigin(r *http.Request) bool {
	o := r.Header.Get("Origin")
	return o != "" && (o == s.PublicURL || o == "https://"+r.Host)
}

// sensitive calls have a limit of their own.
func sensitive(r *http.Request) bool {
	p := strings.TrimPrefix(r.URL.Path, Prefix)
	return r.Method == http.MethodPost && (p == "/sessions/launch" || p == "/tokens" || p == "/mfa/backup-codes" || strings.HasPrefix(p, "/accounts"))
}

func splitHeader(values []string) []string {
	var out []string
	for _, v := range values {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// clip bounds what an outsider sent, at a rune's border.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

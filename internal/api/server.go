package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"reflect"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/logctx"
)

// Prefix is where the API lives.
const Prefix = "/api/v1"

// maxBody bounds every JSON body. The largest thing anybody sends is a private key.
const maxBody = 256 << 10

// Server is the REST door. Handler serves it.
type Server struct {
	Deps
	log    *slog.Logger
	mux    *http.ServeMux
	api    huma.API
	limits *limits
}

// New registers all routes.
func New(d Deps) (*Server, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return register(d), nil
}

// Describe is the OpenAPI 3.1 document of this version, made without a server.
func Describe(version string) ([]byte, error) {
	s := register(Deps{Log: slog.New(slog.DiscardHandler), Metrics: NewMetrics(prometheus.NewRegistry()), Now: time.Now, Version: version})
	return json.MarshalIndent(s.api.OpenAPI(), "", "  ")
}

func register(d Deps) *Server {
	frameworkErrors.Do(func() { huma.NewError, huma.NewErrorWithContext = newError, newErrorOf })
	s := &Server{Deps: d, log: d.Log.With("component", "api"), mux: http.NewServeMux(), limits: newLimits(d.Limits, d.Now)}
	conf := huma.DefaultConfig("VaultPAM", d.Version)
	conf.Info.Description = "Privileged access management: safes, sessions, recordings and the audit ledger. Every error is an RFC 9457 problem with a stable `code`."
	conf.OpenAPIPath, conf.DocsPath, conf.SchemasPath = "", "", ""
	conf.CreateHooks = nil // no $schema in bodies
	conf.Formats = bodyFormats()
	conf.RejectUnknownQueryParameters = true
	conf.Servers = []*huma.Server{{URL: Prefix}}
	conf.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	conf.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "An access token from /auth/login, or an API token (vpat_...)."},
		"cookie": {Type: "apiKey", In: "cookie", Name: CookieName, Description: "The console's session. State-changing calls need an Origin header of this installation."},
	}
	s.api = humago.NewWithPrefix(s.mux, Prefix, conf)
	s.api.UseMiddleware(s.authenticate, s.idempotent)
	s.routes()
	s.describe()
	s.mux.HandleFunc(Prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		s.write(w, r, fault.New(fault.NotFound, "there is no %s %s; %s/openapi.json lists every route", r.Method, r.URL.Path, Prefix))
	})
	return s
}

// schemaName keeps types of the same name from other packages apart.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if from := path.Base(t.PkgPath()); t.Name() != "" && from != "." && from != "api" && from != "huma" {
		return strings.ToUpper(from[:1]) + from[1:] + name
	}
	return name
}

var frameworkErrors sync.Once // the framework has its error constructors once for the whole process

// describe serves the OpenAPI document, made once.
func (s *Server) describe() {
	doc, err := json.Marshal(s.api.OpenAPI())
	if err != nil {
		panic(fmt.Sprintf("encode the API description: %v", err)) // a bug in a route's types
	}
	s.mux.HandleFunc("GET "+Prefix+"/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		w.Write(doc)
	})
	s.mux.HandleFunc("GET "+DocsPath, s.docs)
	s.mux.HandleFunc("GET "+DocsPath+".css", s.docsStyle)
}

// Handler serves everything under Prefix.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Now()
		src := authz.Source{IP: s.clientIP(r), UserAgent: clip(r.UserAgent(), 256)}
		actor := authz.Actor{Source: src, Via: authz.ViaAPI, Request: id.New[id.Request]()}
		ctx := context.WithValue(r.Context(), actorKey{}, actor)
		ctx = logctx.With(ctx, slog.String("request_id", string(actor.Request)), slog.String("source_ip", src.IP.String()))
		h := w.Header()
		h.Set("X-Request-Id", string(actor.Request))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		rec := &recorder{ResponseWriter: w}
		r = r.WithContext(ctx)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				s.log.ErrorContext(ctx, "panic in a handler", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					s.write(rec, r, errors.New("a handler panicked"))
				}
			}
			s.Metrics.request(r.Method, rec.status, s.Now().Sub(began))
			s.log.DebugContext(ctx, "request", "method", r.Method, "path", r.URL.Path, "status", rec.status, "duration_ms", s.Now().Sub(began).Milliseconds())
		}()
		if err := s.limits.source(rec.Header(), r, src); err != nil {
			s.write(rec, r, err)
			return
		}
		s.mux.ServeHTTP(rec, r)
	})
}

// clientIP is the address of the person: the peer, or, when that is one of our
// own proxies, the nearest address in X-Forwarded-For that is not.
func (s *Server) clientIP(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap()
	hops := splitHeader(r.Header.Values("X-Forwarded-For"))
	for i := len(hops) - 1; i >= 0 && s.trusted(ip); i-- {
		next, err := netip.ParseAddr(hops[i])
		if err != nil {
			break
		}
		ip = next.Unmap()
	}
	return ip
}

func (s *Server) trusted(ip netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// write answers outside of the framework.
func (s *Server) write(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), err)
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	json.NewEncoder(w).Encode(p)
}

// recorder remembers the status for the log. It passes Flush and Hijack through
// http.ResponseController.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush is what streaming answers look for.
func (r *recorder) Flush() { http.NewResponseController(r.ResponseWriter).Flush() }

// bodyTime is how long a client may take to send a body.
const bodyTime = 15 * time.Second

// admission says what an operation asks of its caller before the domain is asked.
type admission uint8

const (
	signedIn  admission = iota // a proved actor; the domain checks rights
	open                       // anybody: sign-in, set-up
	enrolling                  // also a person who has yet to enrol a second factor
)

const accessKey = "access"

// handle registers one operation. h gets the actor and returns what the domain
// returned; its error is told as a problem.
func handle[I, O any](s *Server, a admission, op huma.Operation, h func(ctx context.Context, actor authz.Actor, in *I) (*O, error)) {
	if op.Metadata[waitsKey] != nil {
		s.describeWaiting(&op)
	}
	op.Metadata = map[string]any{accessKey: a, secretKey: op.Metadata[secretKey]}
	op.MaxBodyBytes, op.BodyReadTimeout = maxBody, bodyTime
	if a != open {
		op.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	if a != open && !safeMethod(op.Method) {
		op.Parameters = append(op.Parameters, &huma.Param{Name: IdempotencyHeader, In: "header", Schema: &huma.Schema{Type: "string"},
			Description: "A name for this request: a repeat within a day gets the first answer again and does nothing"})
	}
	op.Errors = append(op.Errors, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError)
	if a != open {
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, actorOf(ctx), in)
		var w *governance.Waiting
		if errors.As(err, &w) {
			return nil, &ChangeWaiting{w.Error(), governanceJSON(actorOf(ctx))(w.Action)}
		}
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

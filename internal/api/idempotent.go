package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/idempotency"
)

// IdempotencyHeader names a write, so that it is done once however often it is sent.
const IdempotencyHeader = "Idempotency-Key"

// keptHeaders are the headers of an answer that are given again with it.
var keptHeaders = []string{"Content-Type", "Retry-After"}

// idempotent answers a repeated write with what was answered before. It stands
// after authenticate: a key belongs to who is signed in.
func (s *Server) idempotent(c huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(c)
	key := r.Header.Get(IdempotencyHeader)
	actor := actorOf(c.Context())
	if key == "" || safeMethod(r.Method) || !actor.Authenticated() {
		next(c)
		return
	}
	r = r.WithContext(c.Context())
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		s.write(w, r, fault.New(fault.Invalid, "the body ended early").Because(err))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	request := idempotency.Request{
		Owner: strings.Join([]string{string(actor.User), string(actor.Token), string(actor.Org)}, "/"),
		Key:   key,
		What:  slices.Concat([]byte(r.Method+" "+r.URL.RequestURI()+"\n"), body),
	}
	kept, err := s.Idempotency.Begin(r.Context(), request)
	if err != nil {
		s.write(w, r, err)
		return
	}
	if kept != nil {
		maps.Copy(w.Header(), kept.Header)
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(kept.Status)
		w.Write(kept.Body)
		return
	}
	k := &keeper{ResponseWriter: w}
	next(huma.WithContext(humago.NewContext(c.Operation(), r, k), r.Context()))
	// Not reached when a handler panics: nobody knows then what was done, and the
	// key stays claimed.
	s.settle(r, request, k, c.Operation().Metadata[secretKey] != nil)
}

const secretKey = "secret"

// holdsSecret marks an operation whose answer holds a secret in the clear, so that it is
// kept nowhere, not even sealed.
func holdsSecret(op huma.Operation) huma.Operation {
	op.Metadata = map[string]any{secretKey: true}
	return op
}

// CodeAnswerNotKept is the answer to a repeat of what was done and answered with a secret.
const CodeAnswerNotKept = "ANSWER_NOT_KEPT"

// settle keeps the answer of what was done or refused for good. What may work
// later (a limit, a part that did not answer, a fault of ours) is forgotten.
func (s *Server) settle(r *http.Request, request idempotency.Request, k *keeper, secret bool) {
	var err error
	if k.status == 0 || k.status >= 500 || k.status == http.StatusTooManyRequests {
		err = s.Idempotency.Forget(r.Context(), request)
	} else {
		a := idempotency.Answer{Status: k.status, Header: map[string][]string{}, Body: k.body.Bytes()}
		for _, h := range keptHeaders {
			if v := k.Header().Values(h); len(v) > 0 {
				a.Header[h] = v
			}
		}
		if secret && k.status < 300 {
			a = s.notKept(r)
		}
		err = s.Idempotency.Keep(r.Context(), request, a)
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "an idempotency key could not be settled", "error", err.Error())
	}
}

// notKept is kept in place of an answer that holds a secret.
func (s *Server) notKept(r *http.Request) idempotency.Answer {
	p := s.problem(r.Context(), fault.New(fault.Conflict, "this was done already, and its answer is not kept, because it held a secret: list your checkouts, and show it again").WithCode(CodeAnswerNotKept))
	body, err := json.Marshal(p)
	if err != nil {
		panic(fmt.Sprintf("encode a problem: %v", err)) // a bug in its type
	}
	return idempotency.Answer{Status: p.Status, Header: map[string][]string{"Content-Type": {p.ContentType("")}}, Body: body}
}

// keeper remembers the answer while it is sent.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *keeper) WriteHeader(status int) {
	if k.status == 0 {
		k.status = status
	}
	k.ResponseWriter.WriteHeader(status)
}

func (k *keeper) Write(b []byte) (int, error) {
	if k.status == 0 {
		k.status = http.StatusOK
	}
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

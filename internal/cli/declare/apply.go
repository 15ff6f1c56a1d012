package declare

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// run is a plan being made true.
type run struct {
	srv      Server
	made     map[string]string // refs to ids
	versions map[string]int64  // of what this run has changed itself
	waits    map[string]string
}

// id is the id behind a ref. What waits for a second person has none yet, and what
// needs it waits too.
func (r *run) id(ref string) (string, error) {
	if !strings.HasPrefix(ref, fresh) {
		return ref, nil
	}
	if got, ok := r.made[ref]; ok {
		return got, nil
	}
	if w, ok := r.waits[ref]; ok {
		return "", &client.Waiting{ID: w, Detail: "it needs what waits for a second person"}
	}
	return "", fault.New(fault.Internal, "%s was not made", strings.TrimPrefix(ref, fresh))
}

func (r *run) filled(in map[string]any) (map[string]any, error) {
	out, err := fill(in, r.id)
	if err != nil {
		return nil, err
	}
	return maps.Clone(out.(map[string]any)), nil
}

func (r *run) call(ctx context.Context, method, path string, in map[string]any) error {
	var body any
	if in != nil {
		body = in
	}
	_, err := r.srv.Do(ctx, method, path, nil, body)
	return err
}

func (r *run) create(ctx context.Context, path, ref string, in map[string]any) error {
	in, err := r.filled(in)
	if err != nil {
		return err
	}
	a, err := r.srv.Do(ctx, http.MethodPost, path, nil, in)
	var w *client.Waiting
	if errors.As(err, &w) {
		r.waits[ref] = w.ID
	}
	if err != nil {
		return err
	}
	return r.keep(a, ref)
}

// keep remembers what an answer tells.
func (r *run) keep(a client.Answer, ref string) error {
	var t thing
	if err := a.Into(&t); err != nil {
		return err
	}
	r.made[ref], r.versions[t.ID] = t.ID, t.Version
	return nil
}

// version is what was seen of a thing: in the plan, or in the answer to a step before.
func (r *run) version(t thing) int64 {
	if v, ok := r.versions[t.ID]; ok {
		return v
	}
	return t.Version
}

func (r *run) change(ctx context.Context, method, path string, t thing, in map[string]any) error {
	in, err := r.filled(in)
	if err != nil {
		return err
	}
	in["version"] = r.version(t)
	a, err := r.srv.Do(ctx, method, path, nil, in)
	if err != nil {
		return err
	}
	return r.keep(a, t.ID)
}

func (r *run) replace(ctx context.Context, path string, t thing, in map[string]any) error {
	in, err := r.filled(in)
	if err != nil {
		return err
	}
	a, err := r.srv.Do(ctx, http.MethodPut, path, r.seen(t), in)
	if err != nil {
		return err
	}
	return r.keep(a, t.ID)
}

func (r *run) remove(ctx context.Context, base string, t thing) error {
	_, err := r.srv.Do(ctx, http.MethodDelete, base+"/"+url.PathEscape(t.ID), r.seen(t), nil)
	return err
}

func (r *run) seen(t thing) url.Values {
	return url.Values{"version": {strconv.FormatInt(r.version(t), 10)}}
}

// scopes are what an API token needs for each kind.
var scopes = map[string]string{"resource": "resources:write", "group": "groups:write", "safe": "safes:write", "policy": "policies:write"}

// Check tells what can be told before anything is changed: whether whoever asks may make
// the changes, and whether the policies are valid.
func (p *Plan) Check(ctx context.Context, srv Server) error {
	for _, s := range p.Steps {
		if scope := scopes[s.Kind]; !p.state.may(scope) {
			return fault.New(fault.Denied, "nothing was changed: the plan changes a %s, for which the API token needs the scope %s", s.Kind, scope).WithCode("SCOPE_MISSING")
		}
		if !p.state.Administers() && !s.managed {
			return fault.New(fault.Denied, "nothing was changed: the plan would %s, which only an owner or administrator of the organization may", s.Title())
		}
	}
	for _, s := range p.Steps {
		if s.check == nil || s.State != Planned {
			continue
		}
		if err := s.check(ctx, srv); err != nil {
			return err
		}
	}
	return nil
}

// Title is a step in words.
func (s *Step) Title() string {
	name := s.Kind + " " + s.Name
	if len(s.Parts) == 0 {
		return s.Op + " " + name
	}
	parts := strings.Join(s.Parts[:min(3, len(s.Parts))], ", ")
	if more := len(s.Parts) - 3; more > 0 {
		parts += " and " + strconv.Itoa(more) + " more"
	}
	switch s.Op {
	case "add":
		return "add " + parts + " to " + name
	case "remove":
		return "remove " + parts + " from " + name
	}
	return "change " + parts + " of " + name
}

var actionID = regexp.MustCompile(`\bgov_[a-z0-9]+\b`)

// Apply makes the steps that are planned, tells of each, and stops at the first that is
// refused: the error is that one's, and what came before it stays.
func (p *Plan) Apply(ctx context.Context, srv Server, told func(*Step)) error {
	r := &run{srv: srv, made: map[string]string{}, versions: map[string]int64{}, waits: maps.Clone(p.waits)}
	var failed error
	for _, s := range p.Steps {
		switch {
		case s.State != Planned:
			continue
		case failed != nil:
			s.State = Left
			continue
		}
		err := s.do(ctx, r)
		var w *client.Waiting
		switch {
		case err == nil:
			s.State = Done
		case errors.As(err, &w):
			s.State, s.Action, s.Problem = Waits, w.ID, w.Detail
		case fault.CodeOf(err) == "GOVERNANCE_DUPLICATE": // somebody was faster, or the caller may not see the queue
			s.State, s.Problem = Waits, fault.MessageOf(err)
			s.Action = actionID.FindString(s.Problem)
		default:
			s.State, failed = Failed, err
			if s.Problem = fault.MessageOf(err); fault.As(err) != nil {
				s.Problem = wordsOf(fault.As(err))
			}
		}
		told(s)
	}
	return failed
}

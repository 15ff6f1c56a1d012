package api

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/scim"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// SCIMPrefix is where directories push people and groups to. It is a door of its
// own beside the API: other bodies, other errors, other tokens (RFC 7644).
const SCIMPrefix = "/scim/v2"

const scimType = "application/scim+json"

// scimHandler answers one request of a directory: a status and a body, or an error.
type scimHandler func(r *http.Request, c scim.Client, body []byte) (status int, answer any, err error)

func (s *Server) scimRoutes() {
	on := func(pattern string, h scimHandler) {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" "+SCIMPrefix+path, func(w http.ResponseWriter, r *http.Request) { s.scim(w, r, h) })
	}
	on("GET /ServiceProviderConfig", described(s.scimConfig))
	on("GET /ResourceTypes", described(func(*http.Request) (any, error) { return listed(s.scimTypes()), nil }))
	on("GET /ResourceTypes/{id}", described(func(r *http.Request) (any, error) { return named(r, s.scimTypes()) }))
	on("GET /Schemas", described(func(*http.Request) (any, error) { return listed(s.scimSchemas()), nil }))
	on("GET /Schemas/{id}", described(func(r *http.Request) (any, error) { return named(r, s.scimSchemas()) }))
	on("GET /Users", s.scimUsers)
	on("POST /Users", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		u, err := scim.ParseUser(body)
		if err == nil {
			u, err = s.SCIM.CreateUser(r.Context(), c, u)
		}
		return http.StatusCreated, s.scimUser(u), err
	})
	on("GET /Users/{id}", func(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
		u, err := s.SCIM.User(r.Context(), c, pathUser(r))
		return http.StatusOK, s.scimUser(u), err
	})
	on("PUT /Users/{id}", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		fresh, err := scim.ParseUser(body)
		if err != nil {
			return 0, nil, err
		}
		u, err := s.SCIM.ChangeUser(r.Context(), c, pathUser(r), func(u *scim.User) error { *u = fresh; return nil })
		return http.StatusOK, s.scimUser(u), err
	})
	on("PATCH /Users/{id}", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		ops, err := scim.ParsePatch(body)
		if err != nil {
			return 0, nil, err
		}
		u, err := s.SCIM.ChangeUser(r.Context(), c, pathUser(r), func(u *scim.User) error { return u.Apply(ops) })
		return http.StatusOK, s.scimUser(u), err
	})
	on("DELETE /Users/{id}", func(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
		return http.StatusNoContent, nil, s.SCIM.DeleteUser(r.Context(), c, pathUser(r))
	})
	on("GET /Groups", s.scimGroups)
	on("POST /Groups", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		ch, err := scim.ParseGroup(body)
		if err != nil {
			return 0, nil, err
		}
		g, err := s.SCIM.CreateGroup(r.Context(), c, ch)
		return http.StatusCreated, s.scimGroup(g), err
	})
	on("GET /Groups/{id}", func(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
		g, err := s.SCIM.Group(r.Context(), c, pathGroup(r))
		return http.StatusOK, s.scimGroup(g), err
	})
	on("PUT /Groups/{id}", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		ch, err := scim.ParseGroup(body)
		if err != nil {
			return 0, nil, err
		}
		g, err := s.SCIM.ChangeGroup(r.Context(), c, pathGroup(r), ch)
		return http.StatusOK, s.scimGroup(g), err
	})
	on("PATCH /Groups/{id}", func(r *http.Request, c scim.Client, body []byte) (int, any, error) {
		ops, err := scim.ParsePatch(body)
		if err != nil {
			return 0, nil, err
		}
		ch, err := scim.PatchGroup(ops)
		if err != nil {
			return 0, nil, err
		}
		g, err := s.SCIM.ChangeGroup(r.Context(), c, pathGroup(r), ch)
		return http.StatusOK, s.scimGroup(g), err
	})
	on("DELETE /Groups/{id}", func(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
		return http.StatusNoContent, nil, s.SCIM.DeleteGroup(r.Context(), c, pathGroup(r))
	})
	s.mux.HandleFunc(SCIMPrefix+"/", func(w http.ResponseWriter, r *http.Request) {
		s.scimError(w, r, fault.New(fault.NotFound, "there is no %s %s", r.Method, r.URL.Path))
	})
}

func pathUser(r *http.Request) id.User   { return id.User(clip(r.PathValue("id"), 64)) }
func pathGroup(r *http.Request) id.Group { return id.Group(clip(r.PathValue("id"), 64)) }

// scim proves the directory, reads the body and writes the answer.
func (s *Server) scim(w http.ResponseWriter, r *http.Request, h scimHandler) {
	token, cookie := credentials(r)
	if cookie {
		token = secret.Secret{} // a browser is not a directory
	}
	c, err := s.SCIM.ByToken(r.Context(), token, origin(actorOf(r.Context())))
	if err != nil {
		s.scimError(w, r, err)
		return
	}
	http.NewResponseController(w).SetReadDeadline(s.Now().Add(bodyTime)) // a test's recorder has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.scimError(w, r, fault.New(fault.Invalid, "the body is too long or ended early").WithCode(scim.InvalidSyntax).Because(err))
		return
	}
	status, answer, err := h(r, c.If(wanted(r)), body)
	if err != nil {
		s.scimError(w, r, err)
		return
	}
	if !safeMethod(r.Method) {
		s.Sessions.Notify() // who lost their place loses live sessions
	}
	w.Header().Set("Content-Type", scimType)
	if one, ok := answer.(interface{ meta() scimMeta }); ok {
		m := one.meta()
		w.Header().Set("ETag", m.Version)
		if status == http.StatusCreated {
			w.Header().Set("Location", m.Location)
		}
		if r.Method == http.MethodGet && slices.Contains(tags(r, "If-None-Match"), m.Version) {
			status = http.StatusNotModified
		}
	}
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.Header().Del("Content-Type")
		w.WriteHeader(status)
		return
	}
	answer, err = choose(r, answer)
	if err != nil {
		s.scimError(w, r, err)
		return
	}
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer)
}

// scimError tells an error as RFC 7644, section 3.12, wants it.
func (s *Server) scimError(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), err)
	status := p.Status
	e := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:Error"}, "detail": p.Detail}
	switch p.Code {
	case scim.InvalidFilter, scim.InvalidPath, scim.InvalidSyntax, scim.InvalidValue, scim.Mutability, scim.NoTarget, scim.TooMany:
		status = http.StatusBadRequest
		e["scimType"] = p.Code
	case scim.Uniqueness:
		e["scimType"] = p.Code
	case scim.Stale:
		status = http.StatusPreconditionFailed
	case tenancy.SeatLimit:
		status = http.StatusForbidden // 409 would say that there is such a user already
	}
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
		e["scimType"] = scim.InvalidValue
	}
	e["status"] = fmt.Sprint(status)
	for k, v := range p.GetHeaders() {
		w.Header()[k] = v
	}
	w.Header().Set("Content-Type", scimType)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(e)
}

type scimMeta struct {
	ResourceType string    `json:"resourceType"`
	Created      time.Time `json:"created,omitzero"`
	LastModified time.Time `json:"lastModified,omitzero"`
	Location     string    `json:"location"`
	Version      string    `json:"version,omitempty"`
}

type scimRef struct {
	Value   string `json:"value"`
	Display string `json:"display,omitempty"`
	Ref     string `json:"$ref,omitempty"`
}

type scimEmail struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

type scimUserBody struct {
	Schemas    []string `json:"schemas"`
	ID         id.User  `json:"id"`
	ExternalID string   `json:"externalId,omitempty"`
	UserName   string   `json:"userName"`
	Name       struct {
		Given     string `json:"givenName,omitempty"`
		Family    string `json:"familyName,omitempty"`
		Formatted string `json:"formatted,omitempty"`
	} `json:"name"`
	Display string      `json:"displayName,omitempty"`
	Emails  []scimEmail `json:"emails"`
	Active  bool        `json:"active"`
	Groups  []scimRef   `json:"groups,omitempty"`
	Meta    scimMeta    `json:"meta"`
}

func (u scimUserBody) meta() scimMeta { return u.Meta }

func (s *Server) scimUser(u scim.User) scimUserBody {
	out := scimUserBody{Schemas: []string{scim.UserSchema}, ID: u.ID, ExternalID: u.ExternalID, UserName: u.UserName, Display: u.Display,
		Emails: []scimEmail{{u.Email, "work", true}}, Active: u.Active,
		Meta: scimMeta{"User", u.CreatedAt, u.ChangedAt, s.PublicURL + SCIMPrefix + "/Users/" + string(u.ID), version(u.Version)}}
	out.Name.Given, out.Name.Family, out.Name.Formatted = u.Given, u.Family, strings.TrimSpace(u.Given+" "+u.Family)
	for _, g := range u.Groups {
		out.Groups = append(out.Groups, scimRef{g.ID, g.Name, s.PublicURL + SCIMPrefix + "/Groups/" + g.ID})
	}
	return out
}

func version(n int64) string { return fmt.Sprintf(`W/"%d"`, n) }

type scimGroupBody struct {
	Schemas    []string  `json:"schemas"`
	ID         id.Group  `json:"id"`
	ExternalID string    `json:"externalId,omitempty"`
	Display    string    `json:"displayName"`
	Members    []scimRef `json:"members,omitempty"`
	Meta       scimMeta  `json:"meta"`
}

func (g scimGroupBody) meta() scimMeta { return g.Meta }

func (s *Server) scimGroup(g scim.Group) scimGroupBody {
	out := scimGroupBody{Schemas: []string{scim.GroupSchema}, ID: g.ID, ExternalID: g.ExternalID, Display: g.Display,
		Meta: scimMeta{"Group", g.CreatedAt, g.ChangedAt, s.PublicURL + SCIMPrefix + "/Groups/" + string(g.ID), version(g.Version)}}
	for _, m := range g.Members {
		out.Members = append(out.Members, scimRef{m.ID, m.Name, s.PublicURL + SCIMPrefix + "/Users/" + m.ID})
	}
	return out
}

type scimList struct {
	Schemas []string `json:"schemas"`
	Total   int      `json:"totalResults"`
	Start   int      `json:"startIndex"`
	Count   int      `json:"itemsPerPage"`
	Items   []any    `json:"Resources"`
}

func newSCIMList(total, start int, items []any) scimList {
	if items == nil {
		items = []any{}
	}
	return scimList{[]string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"}, total, start, len(items), items}
}

// scimPage reads which part of a list is asked for.
func scimPage(r *http.Request) (f scim.Filter, start, count int, err error) {
	q := r.URL.Query()
	if f, err = scim.ParseFilter(q.Get("filter")); err != nil {
		return f, 0, 0, err
	}
	number := func(name string, otherwise int) int {
		n, nerr := strconv.Atoi(q.Get(name))
		if q.Get(name) == "" {
			return otherwise
		}
		if nerr != nil || n > 1<<30 {
			err = fault.New(fault.Invalid, "%s must be a number", name).WithCode(scim.InvalidValue)
		}
		return n
	}
	start, count = max(1, number("startIndex", 1)), min(max(0, number("count", scim.MaxCount)), scim.MaxCount)
	return f, start, count, err
}

func (s *Server) scimUsers(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
	f, start, count, err := scimPage(r)
	if err != nil {
		return 0, nil, err
	}
	l, err := s.SCIM.Users(r.Context(), c, f, start, count)
	var items []any
	for _, u := range l.Items {
		items = append(items, s.scimUser(u))
	}
	return http.StatusOK, newSCIMList(l.Total, start, items), err
}

func (s *Server) scimGroups(r *http.Request, c scim.Client, _ []byte) (int, any, error) {
	f, start, count, err := scimPage(r)
	if err != nil {
		return 0, nil, err
	}
	l, err := s.SCIM.Groups(r.Context(), c, f, start, count, !leftOut(r, "members"))
	var items []any
	for _, g := range l.Items {
		items = append(items, s.scimGroup(g))
	}
	return http.StatusOK, newSCIMList(l.Total, start, items), err
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/policy"
)

// AccessPolicy is a policy of an organization.
type AccessPolicy struct {
	ID          id.Policy           `json:"id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	Effects     []string            `json:"effects" doc:"What it does when it matches: allow, require_approval, deny"`
	Text        string              `json:"text" doc:"Cedar"`
	Form        *policy.Form        `json:"form" doc:"The same as a form; null when a form cannot say it"`
	Enabled     bool                `json:"enabled"`
	Everywhere  bool                `json:"everywhere" doc:"On every safe, also on those that are made later"`
	Safes       []NamedRef[id.Safe] `json:"safes" doc:"Where it is, if not everywhere"`
	Priority    int64               `json:"priority" doc:"Of several that let in, the lowest decides what the session may do"`
	Version     int64               `json:"version"`
	CreatedAt   time.Time           `json:"created_at"`
	UpdatedAt   time.Time           `json:"updated_at"`
	CreatedBy   id.User             `json:"created_by"`
	UpdatedBy   id.User             `json:"updated_by"`
}

func accessPolicyJSON(p policy.Policy) AccessPolicy {
	out := AccessPolicy{ID: p.ID, Name: p.Name, Description: p.Description, Text: p.Text, Enabled: p.Enabled, Everywhere: p.Everywhere, Priority: p.Priority,
		Version: p.Version, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, CreatedBy: p.CreatedBy, UpdatedBy: p.UpdatedBy, Safes: []NamedRef[id.Safe]{}}
	for _, e := range p.Effects() {
		out.Effects = append(out.Effects, string(e))
	}
	for _, r := range p.Safes {
		out.Safes = append(out.Safes, NamedRef[id.Safe]{r.ID, r.Name})
	}
	if f, ok := p.Form(); ok {
		out.Form = &f
	}
	return out
}

// PolicyDraft says what a policy should be. In a change, what is absent stays.
type PolicyDraft struct {
	Name        *string      `json:"name,omitempty"`
	Description *string      `json:"description,omitempty"`
	Form        *policy.Form `json:"form,omitempty" doc:"The policy as a form, or"`
	Text        *string      `json:"text,omitempty" maxLength:"32768" doc:"as Cedar"`
	Enabled     *bool        `json:"enabled,omitempty" doc:"Default true"`
	Everywhere  *bool        `json:"everywhere,omitempty"`
	Safes       *[]id.Safe   `json:"safes,omitempty" maxItems:"5000" doc:"All the safes that it is on"`
	Priority    *int64       `json:"priority,omitempty" doc:"Default 100"`
	Comment     string       `json:"comment,omitempty" maxLength:"2000" doc:"Why; kept in the history"`
	Version     int64        `json:"version,omitempty" doc:"What you saw; a change made since then is a CONFLICT. Absent: change whatever is there"`
}

func (d PolicyDraft) draft() policy.Draft {
	return policy.Draft{Name: d.Name, Description: d.Description, Form: d.Form, Text: d.Text, Enabled: d.Enabled, Everywhere: d.Everywhere, Safes: d.Safes,
		Priority: d.Priority, Comment: d.Comment, Version: d.Version}
}

// PolicyVersion is what a policy was, and who made it so.
type PolicyVersion struct {
	Version     int64        `json:"version"`
	Change      string       `json:"change" enum:"created,edited,assigned,restored,deleted"`
	Comment     string       `json:"comment"`
	ChangedAt   time.Time    `json:"changed_at"`
	ChangedBy   id.User      `json:"changed_by"`
	ChangedName string       `json:"changed_by_name"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Text        string       `json:"text"`
	Form        *policy.Form `json:"form"`
	Enabled     bool         `json:"enabled"`
	Everywhere  bool         `json:"everywhere"`
	Safes       []id.Safe    `json:"safes"`
	Priority    int64        `json:"priority"`
}

func policyVersionJSON(v policy.Version) PolicyVersion {
	out := PolicyVersion{Version: v.Version, Change: v.Change, Comment: v.Comment, ChangedAt: v.ChangedAt, ChangedBy: v.ChangedBy, ChangedName: v.ChangedByName, Name: v.Name,
		Description: v.Description, Text: v.Text, Enabled: v.Enabled, Everywhere: v.Everywhere, Safes: []id.Safe{}, Priority: v.Priority}
	for _, r := range v.Safes {
		out.Safes = append(out.Safes, r.ID)
	}
	if f, ok := v.Form(); ok {
		out.Form = &f
	}
	return out
}

// PolicyTemplate is a form to begin with.
type PolicyTemplate struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Form        policy.Form `json:"form"`
	Text        string      `json:"text"`
}

// PolicyLanguage is what policies are written in.
type PolicyLanguage struct {
	Schema  string `json:"schema" doc:"What a policy may look at, as a Cedar schema"`
	Builtin string `json:"builtin" doc:"The product's own rules, which are evaluated beside an organization's"`
}

// CheckedPolicy is a policy in both of its shapes.
type CheckedPolicy struct {
	Text    string       `json:"text"`
	Form    *policy.Form `json:"form" doc:"Null when a form cannot say it"`
	Effects []string     `json:"effects"`
}

type PolicyID struct {
	ID string `path:"policy_id" maxLength:"64"`
}

type accessPolicyOut struct{ Body AccessPolicy }

func (s *Server) accessPolicyRoutes() {
	const tag = "policies"
	one := func(p policy.Policy, err error) (*accessPolicyOut, error) {
		if err != nil {
			return nil, err
		}
		s.Sessions.Notify()
		return &accessPolicyOut{accessPolicyJSON(p)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-policies", Method: http.MethodGet, Path: "/org/policies", Summary: "List the organization's policies", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			Safe string `query:"safe" maxLength:"64" doc:"Only those that are on this safe"`
		}) (*pageOut[AccessPolicy], error) {
			l, err := s.Policies.List(ctx, a, id.Safe(in.Safe), in.request())
			return pageOf(l, accessPolicyJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "create-policy", Method: http.MethodPost, Path: "/org/policies", Summary: "Create a policy", DefaultStatus: 201, Tags: []string{tag},
		Description: "As a form or as Cedar text. Deny beats require-approval beats allow, and what nothing permits is refused. Live sessions that it does not allow end."},
		func(ctx context.Context, a authz.Actor, in *struct{ Body PolicyDraft }) (*accessPolicyOut, error) {
			return one(s.Policies.Create(ctx, a, in.Body.draft()))
		})
	handle(s, signedIn, huma.Operation{OperationID: "policy-templates", Method: http.MethodGet, Path: "/org/policies/templates", Summary: "Forms to begin with", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*struct{ Body Page[PolicyTemplate] }, error) {
			if err := authz.Check(a, authz.PolicyList, authz.Object{Org: a.Org}); err != nil {
				return nil, err
			}
			out := &struct{ Body Page[PolicyTemplate] }{}
			for _, t := range policy.Templates() {
				text, err := t.Form.Text()
				if err != nil {
					return nil, err
				}
				out.Body.Items = append(out.Body.Items, PolicyTemplate{ID: t.ID, Name: t.Name, Description: t.Description, Form: t.Form, Text: text})
			}
			return out, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "policy-language", Method: http.MethodGet, Path: "/org/policies/language", Summary: "The schema of policies, and the product's own rules", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body PolicyLanguage }, error) {
			if err := authz.Check(a, authz.PolicyList, authz.Object{Org: a.Org}); err != nil {
				return nil, err
			}
			return &struct{ Body PolicyLanguage }{PolicyLanguage{Schema: policy.SchemaText(), Builtin: policy.BuiltinText()}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "check-policy", Method: http.MethodPost, Path: "/org/policies/check", Summary: "Check a policy, and show it as text and as a form", Tags: []string{tag},
		Description: "Nothing is saved. POLICY_INVALID says what is wrong, and in which line."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Form *policy.Form `json:"form,omitempty"`
				Text *string      `json:"text,omitempty" maxLength:"32768"`
			}
		}) (*struct{ Body CheckedPolicy }, error) {
			if err := authz.Check(a, authz.PolicyList, authz.Object{Org: a.Org}); err != nil {
				return nil, err
			}
			text, form, effects, err := policy.Check(policy.Draft{Form: in.Body.Form, Text: in.Body.Text})
			if err != nil {
				return nil, err
			}
			out := CheckedPolicy{Text: text, Form: form}
			for _, e := range effects {
				out.Effects = append(out.Effects, string(e))
			}
			return &struct{ Body CheckedPolicy }{out}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-policy", Method: http.MethodGet, Path: "/org/policies/{policy_id}", Summary: "Get a policy", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *PolicyID) (*accessPolicyOut, error) {
			p, err := s.Policies.Get(ctx, a, id.Policy(in.ID))
			if err != nil {
				return nil, err
			}
			return &accessPolicyOut{accessPolicyJSON(p)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "update-policy", Method: http.MethodPatch, Path: "/org/policies/{policy_id}", Summary: "Change a policy", Tags: []string{tag},
		Description: "Live sessions that it does not allow any more end within two seconds."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PolicyID
			Body PolicyDraft
		}) (*accessPolicyOut, error) {
			return one(s.Policies.Update(ctx, a, id.Policy(in.ID), in.Body.draft()))
		})
	handle(s, signedIn, huma.Operation{OperationID: "delete-policy", Method: http.MethodDelete, Path: "/org/policies/{policy_id}", Summary: "Delete a policy; its history stays", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PolicyID
			VersionIn
		}) (*struct{}, error) {
			err := s.Policies.Delete(ctx, a, id.Policy(in.ID), in.Version)
			s.Sessions.Notify()
			return nothing(err)
		})
	s.policyHistoryRoutes(tag, one)
}

func (s *Server) policyHistoryRoutes(tag string, one func(policy.Policy, error) (*accessPolicyOut, error)) {
	handle(s, signedIn, huma.Operation{OperationID: "list-policy-versions", Method: http.MethodGet, Path: "/org/policies/{policy_id}/versions", Summary: "What a policy was, and who changed it; newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PolicyID
			PageIn
		}) (*pageOut[PolicyVersion], error) {
			l, err := s.Policies.Versions(ctx, a, id.Policy(in.ID), in.request())
			return pageOf(l, policyVersionJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "restore-policy", Method: http.MethodPost, Path: "/org/policies/{policy_id}/restore", Summary: "Make a policy again what it was at a version", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PolicyID
			Body struct {
				Version int64  `json:"version" minimum:"1"`
				Comment string `json:"comment,omitempty" maxLength:"2000"`
			}
		}) (*accessPolicyOut, error) {
			return one(s.Policies.Restore(ctx, a, id.Policy(in.ID), in.Body.Version, in.Body.Comment))
		})
	type assignment struct {
		PolicyID
		Safe string `path:"safe_id" maxLength:"64"`
	}
	handle(s, signedIn, huma.Operation{OperationID: "assign-policy", Method: http.MethodPut, Path: "/org/policies/{policy_id}/safes/{safe_id}", Summary: "Put a policy on a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *assignment) (*accessPolicyOut, error) {
			return one(s.Policies.AssignSafe(ctx, a, id.Policy(in.ID), id.Safe(in.Safe), true))
		})
	handle(s, signedIn, huma.Operation{OperationID: "unassign-policy", Method: http.MethodDelete, Path: "/org/policies/{policy_id}/safes/{safe_id}", Summary: "Take a policy off a safe", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *assignment) (*accessPolicyOut, error) {
			return one(s.Policies.AssignSafe(ctx, a, id.Policy(in.ID), id.Safe(in.Safe), false))
		})
}

package api

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
)

// GovernanceAction is a sensitive change that waits for a second person, or did.
type GovernanceAction struct {
	ID          id.Governance      `json:"id"`
	OrgID       id.Org             `json:"org_id"`
	OrgSlug     string             `json:"org_slug,omitempty" doc:"Across organizations only"`
	OrgName     string             `json:"org_name,omitempty" doc:"Across organizations only"`
	Kind        string             `json:"kind" doc:"Stable, as recording_off"`
	Title       string             `json:"title" doc:"The kind in words"`
	Summary     string             `json:"summary" doc:"Completes: somebody asks to ..."`
	SubjectID   string             `json:"subject_id" doc:"What would be changed"`
	SubjectName string             `json:"subject_name"`
	Changes     []GovernanceChange `json:"changes" nullable:"false" doc:"Exactly what would change; a secret shows as set, replaced or cleared"`
	Digest      string             `json:"payload_digest" doc:"SHA-256 of what would be applied, as the event of the request has it"`
	State       string             `json:"state" enum:"open,approved,rejected,withdrawn,expired,superseded"`
	RequestedBy GovernancePerson   `json:"requested_by"`
	TokenID     id.Token           `json:"token_id,omitempty" doc:"The API token by which it was asked for"`
	CreatedAt   time.Time          `json:"created_at"`
	ExpiresAt   time.Time          `json:"expires_at" doc:"It lapses then"`
	DecidedBy   *GovernancePerson  `json:"decided_by,omitempty" doc:"Absent: nobody yet, or the clock"`
	DecidedAt   time.Time          `json:"decided_at,omitzero"`
	Comment     string             `json:"comment,omitempty" doc:"Of who decided"`
	Superseded  string             `json:"superseded_because,omitempty" doc:"What had changed meanwhile"`
	OutOfDate   string             `json:"out_of_date,omitempty" doc:"Of an open one: what has changed since it was asked for. Approving it would do nothing"`
	EffectEvent id.Event           `json:"effect_event,omitempty" doc:"Of an approved one: the audit event that tells its effect"`
	Mine        bool               `json:"mine" doc:"You asked for it, or made the token that did: you can withdraw it and not decide it"`
}

// GovernanceChange is one thing that an action changes.
type GovernanceChange struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// GovernancePerson is who asked or decided.
type GovernancePerson struct {
	ID   id.User `json:"id"`
	Name string  `json:"name" doc:"Handle, or name of the API token"`
}

func governanceJSON(actor authz.Actor) func(governance.Action) GovernanceAction {
	return func(a governance.Action) GovernanceAction {
		out := GovernanceAction{ID: a.ID, OrgID: a.Org, OrgSlug: a.OrgSlug, OrgName: a.OrgName, Kind: a.Kind, Title: a.Title, Summary: a.Summary, SubjectID: a.Subject, SubjectName: a.SubjectName,
			Changes: []GovernanceChange{}, Digest: a.Digest, State: string(a.State), RequestedBy: GovernancePerson{a.RequestedBy, a.RequesterName}, TokenID: a.Token,
			CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt, DecidedAt: a.DecidedAt, Comment: a.Comment, Superseded: a.Note, OutOfDate: a.OutOfDate, EffectEvent: a.Effect, Mine: a.AskedBy(actor)}
		for _, f := range a.Fields {
			out.Changes = append(out.Changes, GovernanceChange(f))
		}
		if a.DecidedBy != "" {
			out.DecidedBy = &GovernancePerson{a.DecidedBy, a.DecidedByName}
		}
		return out
	}
}

// ChangeWaiting is the answer to a change that waits for a second person. It travels as an
// error, so that it takes the place of whatever an operation answers else.
type ChangeWaiting struct {
	Detail string           `json:"detail" doc:"What happens next"`
	Action GovernanceAction `json:"governance_action"`
}

func (w *ChangeWaiting) Error() string             { return w.Detail }
func (w *ChangeWaiting) GetStatus() int            { return http.StatusAccepted }
func (w *ChangeWaiting) ContentType(string) string { return "application/json" }

const waitsKey = "waits"

// waits marks an operation whose change may wait for a second person.
func waits(op huma.Operation) huma.Operation {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[waitsKey] = true
	return op
}

// describeWaiting adds the answer of an operation that may wait.
func (s *Server) describeWaiting(op *huma.Operation) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["202"] = &huma.Response{Description: "It waits for a second person: nothing has changed yet",
		Content: map[string]*huma.MediaType{"application/json": {Schema: s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[ChangeWaiting](), true, "ChangeWaiting")}}}
}

// GovernancePath names an action.
type GovernancePath struct {
	ID string `path:"id" maxLength:"64"`
}

type governanceDecision struct {
	GovernancePath
	Body *struct {
		Comment string `json:"comment,omitempty" maxLength:"500" doc:"Kept with the action and in the event; who asked is told it"`
	}
}

func (d *governanceDecision) comment() string {
	if d.Body == nil {
		return ""
	}
	return d.Body.Comment
}

type GovernanceFilter struct {
	State string `query:"state" enum:"open,approved,rejected,withdrawn,expired,superseded" doc:"Absent: all"`
	Kind  string `query:"kind" maxLength:"64" doc:"Absent: all"`
}

func (f GovernanceFilter) filter() governance.Filter {
	return governance.Filter{State: governance.State(f.State), Kind: f.Kind}
}

type governanceOut struct{ Body GovernanceAction }

func (s *Server) governanceRoutes() {
	const tag = "governance"
	one := func(a authz.Actor, g governance.Action, err error) (*governanceOut, error) {
		if err != nil {
			return nil, err
		}
		return &governanceOut{governanceJSON(a)(g)}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "list-governance-actions", Method: http.MethodGet, Path: "/org/governance/actions", Summary: "List sensitive changes that wait for a second person, or did, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			GovernanceFilter
		}) (*pageOut[GovernanceAction], error) {
			l, err := s.Governance.List(ctx, a, in.filter(), in.request())
			return pageOf(l, governanceJSON(a), err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-governance-action", Method: http.MethodGet, Path: "/org/governance/actions/{id}", Summary: "One sensitive change, with what it changes", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *GovernancePath) (*governanceOut, error) {
			g, err := s.Governance.Get(ctx, a, id.Governance(in.ID))
			return one(a, g, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "withdraw-governance-action", Method: http.MethodPost, Path: "/org/governance/actions/{id}/withdraw", Summary: "Take back what you have asked for", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *governanceDecision) (*governanceOut, error) {
			g, err := s.Governance.Withdraw(ctx, a, id.Governance(in.ID), in.comment())
			return one(a, g, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "list-platform-governance-actions", Method: http.MethodGet, Path: "/platform/governance/actions", Summary: "List the sensitive changes of all organizations, newest first", Tags: []string{tag},
		Description: "Each query is told in the platform's ledger and in that of each organization whose actions it shows. For persons only."},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			GovernanceFilter
			AcrossOrgs
		}) (*pageOut[GovernanceAction], error) {
			f := in.filter()
			f.Org = id.Org(in.Org)
			l, err := s.Governance.Across(ctx, a, f, in.request())
			return pageOf(l, governanceJSON(a), err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-platform-governance-action", Method: http.MethodGet, Path: "/platform/governance/actions/{id}", Summary: "One sensitive change of any organization", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *GovernancePath) (*governanceOut, error) {
			g, err := s.Governance.GetAcross(ctx, a, id.Governance(in.ID))
			return one(a, g, err)
		})
	s.governanceDesk(governance.OfOrganization, "/org/governance", "", "")
	s.governanceDesk(governance.OfPlatform, "/platform/governance", "platform-", " of an organization where nobody else can decide")
}

func (s *Server) governanceDesk(desk governance.Desk, path, prefix, which string) {
	const tag = "governance"
	decide := func(verb, summary, more string, f func(context.Context, authz.Actor, governance.Desk, id.Governance, string) (governance.Action, error)) {
		handle(s, signedIn, huma.Operation{OperationID: verb + "-" + prefix + "governance-action", Method: http.MethodPost, Path: path + "/actions/{id}/" + verb, Summary: summary + which, Tags: []string{tag},
			Description: more + "Asks for a freshly proved second factor (STEP_UP_REQUIRED), and for somebody else than who asked (SELF_APPROVAL)."},
			func(ctx context.Context, a authz.Actor, in *governanceDecision) (*governanceOut, error) {
				g, err := f(ctx, a, desk, id.Governance(in.ID), in.comment())
				if err != nil {
					return nil, err
				}
				s.Sessions.Notify()
				return &governanceOut{governanceJSON(a)(g)}, nil
			})
	}
	decide("approve", "Approve a sensitive change, which makes it", "What is another change by now is not made (GOVERNANCE_STALE). ", s.approveGovernance)
	decide("reject", "Reject a sensitive change", "", s.rejectGovernance)
	export := huma.Operation{OperationID: "export-" + prefix + "governance", Method: http.MethodGet, Path: path + "/export", Summary: "The queue as a file", Tags: []string{tag},
		Description: "At most 10000 actions. In CSV, a text that a spreadsheet would take for a formula has an apostrophe before it. For persons only."}
	if desk == governance.OfPlatform {
		handle(s, signedIn, export, func(ctx context.Context, a authz.Actor, in *struct {
			GovernanceExport
			AcrossOrgs
		}) (*fileOut, error) {
			f := in.filter()
			f.Org = id.Org(in.Org)
			return s.exportGovernance(ctx, a, desk, in.Format, f)
		})
		return
	}
	handle(s, signedIn, export, func(ctx context.Context, a authz.Actor, in *GovernanceExport) (*fileOut, error) {
		return s.exportGovernance(ctx, a, desk, in.Format, in.filter())
	})
}

// AcrossOrgs narrows what the platform sees.
type AcrossOrgs struct {
	Org string `query:"org_id" maxLength:"64" doc:"Absent: all"`
}

// GovernanceExport says what of a queue is exported, and as what.
type GovernanceExport struct {
	GovernanceFilter
	Format string `query:"format" enum:"json,csv" default:"json"`
}

// fileOut is a file to be kept.
type fileOut struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (s *Server) exportGovernance(ctx context.Context, a authz.Actor, desk governance.Desk, as string, which governance.Filter) (*fileOut, error) {
	format, err := event.ParseQueueExportFormat(as)
	if err != nil {
		return nil, err
	}
	f, err := s.Governance.Export(ctx, a, desk, format, which)
	if err != nil {
		return nil, err
	}
	out := &fileOut{"application/json", fmt.Sprintf("attachment; filename=%q", f.Name), f.Body}
	if format == event.QueueExportFormatCSV {
		out.Type = "text/csv; charset=utf-8; header=present"
	}
	return out, nil
}

// Described without a server, too: the parts are looked up when they are called.
func (s *Server) approveGovernance(ctx context.Context, a authz.Actor, d governance.Desk, g id.Governance, comment string) (governance.Action, error) {
	return s.Governance.Approve(ctx, a, d, g, comment)
}

func (s *Server) rejectGovernance(ctx context.Context, a authz.Actor, d governance.Desk, g id.Governance, comment string) (governance.Action, error) {
	return s.Governance.Reject(ctx, a, d, g, comment)
}

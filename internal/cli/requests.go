package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type requestCmd struct {
	connection
	Safe      requestSafeCmd      `cmd:"" default:"withargs" help:"Ask for access to a safe."`
	Emergency requestEmergencyCmd `cmd:"" help:"Open a safe in an emergency without approval; every administrator is told."`
	List      requestListCmd      `cmd:"" help:"List requests: your own, newest first."`
	Show      requestShowCmd      `cmd:"" help:"Show a request with its decisions, comments and sessions."`
	Comment   requestCommentCmd   `cmd:"" help:"Write a comment to a request."`
	Withdraw  requestWithdrawCmd  `cmd:"" help:"Take a request of yours back."`
	Grants    requestGrantsCmd    `cmd:"" help:"List access that was opened for a time."`
	End       requestEndCmd       `cmd:"" help:"End access before its time: your own, or as approver."`
}

// Help is shown below the usage.
func (requestCmd) Help() string {
	return "A safe may ask that one or two other people approve before you open it. Ask with `vaultpam request SAFE --reason TEXT`; you are written to when it is decided, and `vaultpam ssh SAFE` works then until the time is over. A request is named by its id, or by SAFE where only one of that safe is open."
}

type accessPerson struct {
	ID     string `json:"id"`
	Handle string `json:"handle"`
	Email  string `json:"email"`
}

// accessRequest is a request as the API tells it.
type accessRequest struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"`
	State string `json:"state"`
	Safe  struct {
		ID           string `json:"id"`
		Name         string `json:"name"`
		ResourceName string `json:"resource_name"`
		Host         string `json:"host"`
		Port         int    `json:"port"`
		Username     string `json:"username"`
	} `json:"safe"`
	Requester       accessPerson `json:"requester"`
	Uses            string       `json:"uses"`
	Reason          string       `json:"reason"`
	Ticket          string       `json:"ticket"`
	RuleNote        string       `json:"rule_note"`
	StartsAt        time.Time    `json:"starts_at"`
	DurationSeconds int64        `json:"duration_seconds"`
	ApprovalsNeeded int          `json:"approvals_needed"`
	ApprovalsHave   int          `json:"approvals_have"`
	CreatedAt       time.Time    `json:"created_at"`
	ExpiresAt       time.Time    `json:"expires_at"`
	Grant           *struct {
		ID      string    `json:"id"`
		EndsAt  time.Time `json:"ends_at"`
		EndedAt time.Time `json:"ended_at"`
	} `json:"grant"`
	Decisions []struct {
		By      accessPerson `json:"by"`
		Verdict string       `json:"verdict"`
		Comment string       `json:"comment"`
		At      time.Time    `json:"at"`
	} `json:"decisions"`
	Comments []struct {
		By   accessPerson `json:"by"`
		Text string       `json:"text"`
		At   time.Time    `json:"at"`
	} `json:"comments"`
	Sessions []struct {
		ID        string    `json:"id"`
		State     string    `json:"state"`
		StartedAt time.Time `json:"started_at"`
	} `json:"sessions"`
	Checkouts []struct {
		ID        string    `json:"id"`
		StartedAt time.Time `json:"started_at"`
		EndedBy   string    `json:"ended_by"`
	} `json:"checkouts"`
}

func (q accessRequest) names() []string { return []string{q.ID, q.Safe.Name, q.Safe.ID} }

// deciding are the names by which an approver calls a request.
type deciding struct{ accessRequest }

func (q deciding) names() []string {
	return []string{q.ID, q.Safe.Name, q.Requester.Handle, q.Requester.Email}
}

// status says how far a request has come.
func (q accessRequest) status() string {
	switch {
	case q.State == "open":
		return fmt.Sprintf("open, %d of %d", q.ApprovalsHave, q.ApprovalsNeeded)
	case q.Grant == nil:
		return q.State
	case !q.Grant.EndedAt.IsZero():
		return "over"
	}
	return "until " + when(q.Grant.EndsAt)
}

type requestSafeCmd struct {
	Safe   string        `arg:"" complete:"safe" help:"Name or id."`
	Reason string        `required:"" placeholder:"TEXT" help:"What for; those who decide read it."`
	For    time.Duration `placeholder:"2h" help:"For how long. Else an hour, or what the safe allows at most."`
	Ticket string        `placeholder:"ID" help:"The ticket of the work."`
	Use    string        `default:"session" enum:"session,checkout,both" help:"What for: session, checkout (the credential is shown to you) or both."`
	From   string        `placeholder:"TIME" help:"From when, as 2026-01-31T08:00:00Z. Else when it is approved."`
}

// Run asks for access.
func (c *requestSafeCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in := safeBody(c.Safe)
	in["reason"], in["uses"] = c.Reason, c.Use
	if c.For != 0 {
		in["duration_seconds"] = int64(c.For / time.Second)
	}
	if c.Ticket != "" {
		in["ticket"] = c.Ticket
	}
	if c.From != "" {
		t, err := time.Parse(time.RFC3339, c.From)
		if err != nil {
			return fault.New(fault.Invalid, "%q is not a time such as 2026-01-31T08:00:00Z", c.From)
		}
		in["starts_at"] = t
	}
	a, err := r.post(ctx, "/access/requests", in)
	if err != nil {
		return err
	}
	var q accessRequest
	if err := a.Into(&q); err != nil {
		return err
	}
	return p.show(a, func() {
		if q.State == "approved" {
			p.sayf("Approved at once, until %s. Open it with: vaultpam %s %s", when(q.Grant.EndsAt), map[bool]string{true: "checkout", false: "ssh"}[q.Uses == "checkout"], q.Safe.Name)
			return
		}
		p.sayf("Asked for %s for %s: %s. %d must approve before %s; you are written to then.", q.Safe.Name, span(q.DurationSeconds), q.ID, q.ApprovalsNeeded, when(q.ExpiresAt))
	})
}

type requestEmergencyCmd struct {
	Safe   string        `arg:"" complete:"safe" help:"Name or id."`
	Reason string        `required:"" placeholder:"TEXT" help:"What has happened; every administrator reads it."`
	For    time.Duration `placeholder:"1h" help:"For how long. Else an hour, or what the safe allows at most."`
	Ticket string        `placeholder:"ID" help:"The ticket of the work."`
}

// Run opens a safe in an emergency.
func (c *requestEmergencyCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in := safeBody(c.Safe)
	in["reason"], in["ticket"], in["duration_seconds"] = c.Reason, c.Ticket, int64(c.For/time.Second)
	a, err := r.post(ctx, "/access/emergency", in)
	if err != nil {
		return err
	}
	var q accessRequest
	if err := a.Into(&q); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%s is open to you until %s. Every administrator has been told. Open it with: vaultpam ssh %s", q.Safe.Name, when(q.Grant.EndsAt), q.Safe.Name)
	})
}

// safeBody is a safe in a body, by its id or its name.
func safeBody(safe string) map[string]any {
	if strings.HasPrefix(safe, "safe_") {
		return map[string]any{"safe_id": safe}
	}
	return map[string]any{"safe": safe}
}

type requestListCmd struct {
	Open  bool `help:"Only those that wait for a decision."`
	All   bool `help:"All that you may see, not only your own."`
	Limit int  `default:"50" help:"How many at most; 0 for all."`
}

// Run lists requests.
func (c *requestListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if !c.All {
		q.Set("mine", "true")
	}
	if c.Open {
		q.Set("state", "open")
	}
	l, err := r.list(ctx, "/access/requests", q, c.Limit)
	if err != nil {
		return err
	}
	return showList(p, l, requestTable("You have asked for nothing."), requestRow)
}

func requestTable(empty string) table {
	return table{head: []string{"SAFE", "PERSON", "STATE", "USE", "FOR", "TICKET", "REASON", "ASKED", "ID"}, empty: empty}
}

func requestRow(q accessRequest) []string {
	return []string{q.Safe.Name, q.Requester.Handle, q.status(), q.Uses, span(q.DurationSeconds), q.Ticket, q.Reason, when(q.CreatedAt), q.ID}
}

// findRequest finds a request by its id, or among those of the query by another name.
func findRequest[T identified](ctx context.Context, r *remote, q url.Values, want string) (string, error) {
	if strings.HasPrefix(want, "arq_") {
		return want, nil
	}
	l, err := r.list(ctx, "/access/requests", q, 0)
	if err != nil {
		return "", err
	}
	items, err := decode[T](l.Items)
	if err != nil {
		return "", err
	}
	found, err := pick(items, "open request", want)
	if err != nil {
		return "", err
	}
	return found.id(), nil
}

type identified interface {
	named
	id() string
}

func (q accessRequest) id() string { return q.ID }

func myOpen() url.Values { return url.Values{"mine": {"true"}, "state": {"open"}} }

// oneRequest is the request that a command is about.
type oneRequest struct {
	Request string `arg:"" help:"Its id, or the safe of an open one of yours."`
}

func (o oneRequest) act(ctx context.Context, p *program, below string, in any, done string) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	id, err := findRequest[accessRequest](ctx, r, myOpen(), o.Request)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/access/requests/%s", id)+below, in)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s", done) })
}

type requestShowCmd struct{ oneRequest }

// Run shows a request.
func (c *requestShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	id, err := findRequest[accessRequest](ctx, r, myOpen(), c.Request)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/access/requests/%s", id), nil)
	if err != nil {
		return err
	}
	var q accessRequest
	if err := a.Into(&q); err != nil {
		return err
	}
	return p.show(a, func() { p.showRequest(q) })
}

func (p *program) showRequest(q accessRequest) {
	facts := [][2]string{{"request", q.ID}, {"safe", q.Safe.Name}, {"leads to", q.Safe.Username + " at " + q.Safe.ResourceName + " (" + hostPort(q.Safe.Host, q.Safe.Port) + ")"},
		{"person", q.Requester.Handle + " <" + q.Requester.Email + ">"}, {"state", q.status()}, {"reason", q.Reason}, {"use", q.Uses}, {"for", span(q.DurationSeconds)}, {"asked", when(q.CreatedAt)}}
	if q.Ticket != "" {
		facts = append(facts, [2]string{"ticket", q.Ticket})
	}
	if q.RuleNote != "" {
		facts = append(facts, [2]string{"not approved by itself", q.RuleNote})
	}
	if q.State == "open" {
		facts = append(facts, [2]string{"lapses", when(q.ExpiresAt)})
	}
	if q.Grant != nil {
		facts = append(facts, [2]string{"grant", q.Grant.ID})
	}
	for _, d := range q.Decisions {
		facts = append(facts, [2]string{d.Verdict, strings.TrimSpace(d.By.Handle + ", " + when(d.At) + "  " + d.Comment)})
	}
	for _, c := range q.Comments {
		facts = append(facts, [2]string{"comment", c.By.Handle + ", " + when(c.At) + "  " + c.Text})
	}
	for _, s := range q.Sessions {
		facts = append(facts, [2]string{"session", s.ID + "  " + s.State + "  " + when(s.StartedAt)})
	}
	for _, c := range q.Checkouts {
		facts = append(facts, [2]string{"checkout", strings.TrimSpace(c.ID + "  " + when(c.StartedAt) + "  " + c.EndedBy)})
	}
	p.facts(facts)
}

type requestCommentCmd struct {
	oneRequest
	Text string `arg:"" help:"What you want to say."`
}

// Run writes a comment.
func (c *requestCommentCmd) Run(ctx context.Context, p *program) error {
	return c.act(ctx, p, "/comments", map[string]string{"text": c.Text}, "Written.")
}

type requestWithdrawCmd struct{ oneRequest }

// Run takes a request back.
func (c *requestWithdrawCmd) Run(ctx context.Context, p *program) error {
	return c.act(ctx, p, "/withdraw", nil, "Withdrawn.")
}

type accessGrant struct {
	ID        string       `json:"id"`
	RequestID string       `json:"request_id"`
	Kind      string       `json:"kind"`
	Safe      ref          `json:"safe"`
	Person    accessPerson `json:"person"`
	StartsAt  time.Time    `json:"starts_at"`
	EndsAt    time.Time    `json:"ends_at"`
	EndedAt   time.Time    `json:"ended_at"`
	EndReason string       `json:"end_reason"`
}

type requestGrantsCmd struct {
	All   bool `help:"Also what is over."`
	Limit int  `default:"50" help:"How many at most; 0 for all."`
}

// Run lists grants.
func (c *requestGrantsCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if !c.All {
		q.Set("active", "true")
	}
	l, err := r.list(ctx, "/access/grants", q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"SAFE", "PERSON", "BY", "FROM", "UNTIL", "ENDED", "ID"}, empty: "Nothing is open."}
	return showList(p, l, t, func(g accessGrant) []string {
		return []string{g.Safe.Name, g.Person.Handle, g.Kind, when(g.StartsAt), when(g.EndsAt), g.EndReason, g.ID}
	})
}

type requestEndCmd struct {
	Grant   string `arg:"" help:"The grant's id: see vaultpam request grants."`
	Comment string `placeholder:"TEXT" help:"The person is told it."`
}

// Run ends a grant.
func (c *requestEndCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/access/grants/%s/revoke", c.Grant), map[string]string{"comment": c.Comment})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("Ended. Open sessions on it end within two seconds.") })
}

// decisionArgs are what both decisions take.
type decisionArgs struct {
	Comment string `placeholder:"TEXT" help:"The requester is told it."`
}

func (d decisionArgs) decide(ctx context.Context, p *program, want, verb string) (accessRequest, error) {
	var q accessRequest
	r, err := p.remote(ctx)
	if err != nil {
		return q, err
	}
	id, err := findRequest[deciding](ctx, r, url.Values{"to_decide": {"true"}}, want)
	if err != nil {
		return q, err
	}
	a, err := r.post(ctx, path("/access/requests/%s/"+verb, id), map[string]string{"comment": d.Comment})
	if err != nil {
		return q, err
	}
	if err := a.Into(&q); err != nil {
		return q, err
	}
	return q, p.show(a, func() {
		switch {
		case verb == "reject":
			p.sayf("Rejected. %s is told.", q.Requester.Handle)
		case q.Grant != nil:
			p.sayf("Approved: %s may open %s until %s.", q.Requester.Handle, q.Safe.Name, when(q.Grant.EndsAt))
		default:
			p.sayf("Approved. %d more must approve before %s may open %s.", q.ApprovalsNeeded-q.ApprovalsHave, q.Requester.Handle, q.Safe.Name)
		}
	})
}

type approveCmd struct {
	connection
	decisionArgs
	Request string `arg:"" optional:"" help:"The request's id, or the handle of who asks, or the safe."`
}

// Run approves a request, or lists what waits.
func (c *approveCmd) Run(ctx context.Context, p *program) error {
	if c.Request != "" {
		_, err := c.decide(ctx, p, c.Request, "approve")
		return err
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/access/requests", url.Values{"to_decide": {"true"}}, 0)
	if err != nil {
		return err
	}
	return showList(p, l, requestTable("Nothing waits for you."), requestRow)
}

type rejectCmd struct {
	connection
	decisionArgs
	Request string `arg:"" help:"The request's id, or the handle of who asks, or the safe."`
}

// Run rejects a request.
func (c *rejectCmd) Run(ctx context.Context, p *program) error {
	_, err := c.decide(ctx, p, c.Request, "reject")
	return err
}

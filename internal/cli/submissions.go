package cli

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

type submissionsCmd struct {
	connection
	List    submissionsListCmd    `cmd:"" default:"1" help:"List those that wait, or others."`
	Show    submissionsShowCmd    `cmd:"" help:"Show one."`
	Approve submissionsApproveCmd `cmd:"" help:"Let one in: the organization is made, with the applicant as its owner."`
	Reject  submissionsRejectCmd  `cmd:"" help:"Turn one down, or return it for correction."`
}

// submission is an organization that asks to be let in.
type submission struct {
	ID          string    `json:"id"`
	State       string    `json:"state"`
	Email       string    `json:"email"`
	OrgName     string    `json:"org_name"`
	Slug        string    `json:"slug"`
	Note        string    `json:"note"`
	Handle      string    `json:"handle"`
	Name        string    `json:"name"`
	SubmittedAt time.Time `json:"submitted_at"`
	DecidedAt   time.Time `json:"decided_at"`
	Comment     string    `json:"comment"`
	Submissions int       `json:"submissions"`
	OrgID       string    `json:"org_id"`
}

func (s submission) names() []string { return []string{s.ID, s.Slug, s.Email} }

type submissionsListCmd struct {
	State string `enum:"submitted,returned,rejected,approved,all" default:"submitted" placeholder:"STATE" help:"submitted, returned, rejected, approved or all."`
}

// Run lists submissions.
func (c *submissionsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.State != "all" {
		q.Set("state", c.State)
	}
	l, err := r.list(ctx, "/platform/submissions", q, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"SLUG", "NAME", "APPLICANT", "STATE", "SENT", "ID"}, empty: "No organization waits for a decision."}
	return showList(p, l, t, func(s submission) []string {
		return []string{s.Slug, s.OrgName, s.Email, s.State, when(s.SubmittedAt), s.ID}
	})
}

type submissionsShowCmd struct {
	Submission string `arg:"" help:"Slug, e-mail address of the applicant, or id."`
}

// Run shows a submission.
func (c *submissionsShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	s, err := find[submission](ctx, r, "/platform/submissions", "submission", c.Submission)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/platform/submissions/%s", s.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.facts([][2]string{{"organization", s.OrgName}, {"short name", s.Slug}, {"applicant", s.Email}, {"owner", s.Handle + " (" + s.Name + ")"}, {"state", s.State},
			{"sent", when(s.SubmittedAt)}, {"times sent", strconv.Itoa(s.Submissions)}, {"decided", when(s.DecidedAt)}, {"comment", s.Comment}, {"note", s.Note}, {"id", s.ID}})
	})
}

type submissionsApproveCmd struct {
	Submission string `arg:"" help:"Slug, e-mail address of the applicant, or id."`
}

// Run lets an organization in.
func (c *submissionsApproveCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.waiting(ctx, c.Submission)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/platform/submissions/%s/approve", s.ID), nil)
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%s is let in; %s is its owner and is told by e-mail.", s.Slug, s.Email) })
}

type submissionsRejectCmd struct {
	Submission string `arg:"" help:"Slug, e-mail address of the applicant, or id."`
	Comment    string `required:"" placeholder:"TEXT" help:"Why. The applicant reads it."`
	Return     bool   `help:"Return it for correction: it can be sent again."`
}

// Run turns an organization down.
func (c *submissionsRejectCmd) Run(ctx context.Context, p *program) error {
	r, s, err := p.waiting(ctx, c.Submission)
	if err != nil {
		return err
	}
	in := map[string]any{"comment": c.Comment}
	if c.Return {
		in["may_resubmit"] = true
	}
	a, err := r.post(ctx, path("/platform/submissions/%s/reject", s.ID), in)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		if c.Return {
			p.sayf("%s is returned for correction; %s is told by e-mail.", s.Slug, s.Email)
			return
		}
		p.sayf("%s is turned down; %s is told by e-mail.", s.Slug, s.Email)
	})
}

// waiting finds a submission that waits for a decision.
func (p *program) waiting(ctx context.Context, want string) (*remote, submission, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, submission{}, err
	}
	l, err := r.list(ctx, "/platform/submissions", url.Values{"state": {"submitted"}}, 0)
	if err != nil {
		return nil, submission{}, err
	}
	items, err := decode[submission](l.Items)
	if err != nil {
		return nil, submission{}, err
	}
	s, err := pick(items, "waiting submission", want)
	return r, s, err
}

package cli

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

type noticesCmd struct {
	connection
	List   noticesListCmd   `cmd:"" default:"withargs" help:"List what you were told, newest first."`
	Read   noticesReadCmd   `cmd:"" help:"Mark notices as read."`
	Prefer noticesPreferCmd `cmd:"" help:"See or say how you hear of each kind of notice."`
}

type notice struct {
	ID        string    `json:"id"`
	Kind      string    `json:"kind"`
	Subject   string    `json:"subject"`
	CreatedAt time.Time `json:"created_at"`
	ReadAt    time.Time `json:"read_at"`
}

type noticesListCmd struct {
	Unread bool `help:"Only those that you have not read."`
	Limit  int  `default:"50" help:"How many at most; 0 is all."`
}

// Run lists notices.
func (c *noticesListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.Unread {
		q.Set("unread", "true")
	}
	l, err := r.list(ctx, "/notices", q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"AT", "READ", "WHAT", "ID"}, empty: "No notices."}
	return showList(p, l, t, func(n notice) []string {
		return []string{when(n.CreatedAt), yesNo(!n.ReadAt.IsZero()), n.Subject, n.ID}
	})
}

type noticesReadCmd struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Ids of notices; without any all are marked."`
}

// Run marks notices as read.
func (c *noticesReadCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	body := map[string]any{"ids": c.IDs}
	if len(c.IDs) == 0 {
		body = map[string]any{"until": "~"} // after every id
	}
	a, err := r.post(ctx, "/notices/read", body)
	if err != nil {
		return err
	}
	var left struct {
		Unread int `json:"unread"`
	}
	if err := a.Into(&left); err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("%d unread.", left.Unread) })
}

type noticesPreferCmd struct {
	Kind  string `arg:"" optional:"" help:"A kind of notice; without one all are listed."`
	Email string `enum:",now,hourly,daily,off" default:"" help:"now, in an hourly or daily summary, or off."`
	InApp string `name:"in-app" enum:",on,off" default:"" help:"Whether it is shown in the product: on or off."`
}

type noticePreference struct {
	Kind     string `json:"kind"`
	Title    string `json:"title"`
	InApp    bool   `json:"in_app"`
	Email    string `json:"email"`
	Required bool   `json:"required"`
}

func (k noticePreference) names() []string { return []string{k.Kind} }

// Run lists or sets preferences.
func (c *noticesPreferCmd) Run(ctx context.Context, p *program) error {
	const at = "/notices/preferences"
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.Kind == "" {
		l, err := r.list(ctx, at, nil, 0)
		if err != nil {
			return err
		}
		t := table{head: []string{"KIND", "E-MAIL", "SHOWN", "MAY CHANGE", "TELLS"}}
		return showList(p, l, t, func(k noticePreference) []string {
			return []string{k.Kind, k.Email, yesNo(k.InApp), yesNo(!k.Required), k.Title}
		})
	}
	k, err := find[noticePreference](ctx, r, at, "kind of notice", c.Kind)
	if err != nil {
		return err
	}
	k.Email = first(c.Email, k.Email)
	if c.InApp != "" {
		k.InApp = c.InApp == "on"
	}
	a, err := r.call(ctx, http.MethodPut, path(at+"/%s", k.Kind), nil, map[string]any{"in_app": k.InApp, "email": k.Email})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.done("%s: e-mail %s, shown: %s.", k.Kind, k.Email, yesNo(k.InApp)) })
}

package governance

import (
	"context"
	"fmt"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/governance/governancesql"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/page"
)

// Filter narrows a queue. The zero value finds all.
type Filter struct {
	State State
	Kind  string
	Org   id.Org // across organizations only
}

// texts are the filter as events name it.
func (f Filter) texts() []string {
	out := []string{}
	for _, kv := range [][2]string{{"state", string(f.State)}, {"kind", f.Kind}, {"org", string(f.Org)}} {
		if kv[1] != "" {
			out = append(out, kv[0]+"="+kv[1])
		}
	}
	return out
}

func anyRow(r governancesql.GetAnyActionRow) governancesql.GovernanceAction {
	return governancesql.GovernanceAction{OrgID: r.OrgID, ID: r.ID, Kind: r.Kind, Subject: r.Subject, SubjectName: r.SubjectName, Summary: r.Summary, Changes: r.Changes,
		Payload: r.Payload, PayloadDigest: r.PayloadDigest, State: r.State, RequesterID: r.RequesterID, RequesterName: r.RequesterName, RequesterToken: r.RequesterToken,
		RequesterScopes: r.RequesterScopes, RequesterIssuer: r.RequesterIssuer, RequesterIp: r.RequesterIp, RequesterAgent: r.RequesterAgent, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		DecidedBy: r.DecidedBy, DecidedByName: r.DecidedByName, DecidedAt: r.DecidedAt, Comment: r.Comment, Note: r.Note, EffectEvent: r.EffectEvent}
}

func (s *Service) anyAction(r governancesql.GetAnyActionRow) Action {
	a := s.actionOf(anyRow(r))
	a.OrgName, a.OrgSlug = r.OrgName, r.OrgSlug
	return a
}

// last is the key behind every id: lists are newest first.
const last = "~"

// List lists the queue of the actor's organization, newest first.
func (s *Service) List(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Action], error) {
	none := page.List[Action]{}
	if err := OfOrganization.check(actor, authz.GovernanceList, ""); err != nil {
		return none, err
	}
	n, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = last
	}
	var out []Action
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		out, err = s.read(ctx, tx, actor.Org, f, before, n)
		return err
	})
	if err != nil {
		return none, err
	}
	list := page.Cut(out, n, func(a Action) string { return string(a.ID) })
	return list, s.compare(ctx, list.Items)
}

func (s *Service) read(ctx context.Context, tx *db.Tx, org id.Org, f Filter, before string, n int32) ([]Action, error) {
	rows, err := governancesql.New(tx).ListActions(ctx, governancesql.ListActionsParams{OrgID: string(org), Before: before, State: string(f.State), Kind: f.Kind, N: n})
	if err != nil {
		return nil, fmt.Errorf("list governance actions: %w", err)
	}
	out := make([]Action, len(rows))
	for i, r := range rows {
		out[i] = s.actionOf(r)
	}
	return out, nil
}

// Get is one action of the actor's organization.
func (s *Service) Get(ctx context.Context, actor authz.Actor, g id.Governance) (Action, error) {
	if err := OfOrganization.check(actor, authz.GovernanceList, ""); err != nil {
		return Action{}, err
	}
	row, _, err := s.find(ctx, actor, OfOrganization, g)
	if err != nil {
		return Action{}, err
	}
	a := []Action{s.actionOf(row)}
	err = s.compare(ctx, a)
	return a[0], err
}

// Across lists the queues of all organizations, newest first, for operators of the
// platform. Each query is told in the platform's ledger and in that of each organization
// whose actions it shows.
func (s *Service) Across(ctx context.Context, actor authz.Actor, f Filter, p page.Request) (page.List[Action], error) {
	none := page.List[Action]{}
	if err := s.maySeeAll(ctx, actor, f.texts()); err != nil {
		return none, err
	}
	n, before, err := p.Resolve()
	if err != nil {
		return none, err
	}
	if before == "" {
		before = last
	}
	var list page.List[Action]
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		out, err := s.readAll(ctx, tx, f, before, n)
		if err != nil {
			return err
		}
		list = page.Cut(out, n, func(a Action) string { return string(a.ID) })
		return s.viewed(ctx, tx, actor, f.texts(), list.Items)
	})
	if err != nil {
		return none, err
	}
	return list, s.compare(ctx, list.Items)
}

func (s *Service) readAll(ctx context.Context, tx *db.Tx, f Filter, before string, n int32) ([]Action, error) {
	rows, err := governancesql.New(tx).ListAllActions(ctx, governancesql.ListAllActionsParams{Before: before, OnlyOrg: string(f.Org), State: string(f.State), Kind: f.Kind, N: n})
	if err != nil {
		return nil, fmt.Errorf("list governance actions: %w", err)
	}
	out := make([]Action, len(rows))
	for i, r := range rows {
		out[i] = s.anyAction(governancesql.GetAnyActionRow(r))
	}
	return out, nil
}

// GetAcross is one action of any organization, for operators of the platform.
func (s *Service) GetAcross(ctx context.Context, actor authz.Actor, g id.Governance) (Action, error) {
	about := []string{"id=" + string(g)}
	if err := s.maySeeAll(ctx, actor, about); err != nil {
		return Action{}, err
	}
	_, row, err := s.find(ctx, actor, OfPlatform, g)
	if err != nil {
		return Action{}, err
	}
	a := s.anyAction(row)
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.viewed(ctx, tx, actor, about, []Action{a}) })
	if err != nil {
		return Action{}, err
	}
	one := []Action{a}
	err = s.compare(ctx, one)
	return one[0], err
}

func queueTarget() event.GovernanceRef { return event.GovernanceTarget("", "governance queue") }

func (s *Service) maySeeAll(ctx context.Context, actor authz.Actor, about []string) error {
	err := OfPlatform.check(actor, "", authz.PlatformGovernanceList)
	if err == nil || actor.Kind == authz.Token { // the event knows persons only
		return err
	}
	ev := event.NewPlatformCrossOrgGovernanceViewed(event.By(actor, event.PlatformAdmin).OnPlatform(), queueTarget(), about, 0)
	return s.refused(ctx, actor, err, ev.Denied(event.PlatformCrossOrgGovernanceViewedNotPermitted))
}

// viewed tells of a look across organizations.
func (s *Service) viewed(ctx context.Context, tx *db.Tx, actor authz.Actor, about []string, shown []Action) error {
	orgs, order := rowsByOrg(shown)
	act := event.By(actor, event.PlatformAdmin)
	if _, err := s.d.Ledger.Record(ctx, tx, event.NewPlatformCrossOrgGovernanceViewed(act.OnPlatform(), queueTarget(), about, len(shown)).WithOrgsShown(len(order))); err != nil {
		return err
	}
	for _, org := range order {
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewPlatformCrossOrgGovernanceViewed(act.InOrg(org), queueTarget(), about, orgs[org])); err != nil {
			return err
		}
	}
	return nil
}

// rowsByOrg counts the rows of each organization, which are given in their order.
func rowsByOrg(all []Action) (map[id.Org]int, []id.Org) {
	n, order := map[id.Org]int{}, []id.Org{}
	for _, a := range all {
		if n[a.Org] == 0 {
			order = append(order, a.Org)
		}
		n[a.Org]++
	}
	return n, order
}

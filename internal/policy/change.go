package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/policy/policysql"
)

// Policy is a policy of an organization.
type Policy struct {
	ID          id.Policy
	Org         id.Org
	Name        string // unique in the organization
	Description string
	Text        string // Cedar
	Enabled     bool
	Everywhere  bool      // on every safe, also on those that are made later
	Safes       []SafeRef // where it is, if not everywhere
	Priority    int64     // of several that let in, the lowest decides what the session may do
	Version     int64     // grows with every change; give it back to change what you saw
	CreatedAt   time.Time
	UpdatedAt   time.Time
	CreatedBy   id.User
	UpdatedBy   id.User
}

// SafeRef names a safe.
type SafeRef struct {
	ID   id.Safe
	Name string
}

// Form reads the policy as a form; false when a form cannot say it.
func (p Policy) Form() (Form, bool) { return ReadForm(p.Text) }

// Effects are what the statements of the policy do, each once.
func (p Policy) Effects() []Effect {
	list, err := compiled(p.Text)
	if err != nil {
		return []Effect{Deny} // a broken policy denies
	}
	var out []Effect
	for _, st := range list {
		if !slices.Contains(out, st.effect) {
			out = append(out, st.effect)
		}
	}
	return out
}

// Draft says what a policy should be, or what to change in it; nil leaves a value
// as it is. Text and Form are two ways to say the same: give one.
type Draft struct {
	Name        *string
	Description *string
	Text        *string
	Form        *Form
	Enabled     *bool
	Everywhere  *bool
	Safes       *[]id.Safe
	Priority    *int64
	Comment     string // why, for the history
	Version     int64  // what the caller saw; 0: whatever is there
}

// The bounds of an organization's policies.
const (
	MaxPolicies     = 1000
	MaxSafes        = 5000 // of one policy
	DefaultPriority = 100
	MaxPriority     = 1_000_000
	NameTaken       = "NAME_TAKEN"
	VersionConflict = "VERSION_CONFLICT"
	TooManyPolicies = "LIMIT_REACHED"
	maxTold         = 500 // bytes of a text in an event
)

// Text of a draft, from its form or as it stands; nil when the draft has neither.
func (d Draft) text() (*string, error) {
	switch {
	case d.Text != nil && d.Form != nil:
		return nil, fault.New(fault.Invalid, "give the policy as a form or as text, not as both").WithField("text", "must be absent when form is given")
	case d.Form != nil:
		text, err := d.Form.Text()
		return &text, err
	case d.Text != nil:
		text := strings.TrimSpace(*d.Text) + "\n"
		_, err := parseText(text)
		return &text, err
	}
	return nil, nil
}

func (d Draft) apply(p *Policy) error {
	text, err := d.text()
	if err != nil {
		return err
	}
	f := fault.New(fault.Invalid, "the policy is not valid: see the fields that are named")
	if text != nil {
		p.Text = *text
	}
	if d.Name != nil {
		p.Name = *d.Name
	}
	if d.Description != nil {
		p.Description = *d.Description
	}
	if d.Enabled != nil {
		p.Enabled = *d.Enabled
	}
	if d.Priority != nil {
		p.Priority = *d.Priority
	}
	if d.Everywhere != nil {
		p.Everywhere = *d.Everywhere
	}
	if d.Safes != nil {
		p.Safes = nil
		for _, s := range *d.Safes {
			if !slices.ContainsFunc(p.Safes, func(r SafeRef) bool { return r.ID == s }) {
				p.Safes = append(p.Safes, SafeRef{ID: s})
			}
		}
		if d.Everywhere == nil && len(p.Safes) > 0 {
			p.Everywhere = false
		}
	}
	if p.Everywhere {
		if d.Safes != nil && len(p.Safes) > 0 {
			f.WithField("safes", "must be empty for a policy that is on every safe")
		}
		p.Safes = nil
	}
	if wrong := label.Name(p.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if wrong := label.Note(p.Description); wrong != "" {
		f.WithField("description", "%s", wrong)
	}
	if wrong := label.Note(d.Comment); wrong != "" {
		f.WithField("comment", "%s", wrong)
	}
	if len(p.Safes) > MaxSafes {
		f.WithField("safes", "must be at most %d", MaxSafes)
	}
	if p.Priority < 0 || p.Priority > MaxPriority {
		f.WithField("priority", "must be from 0 to %d", MaxPriority)
	}
	if p.Text == "" {
		f.WithField("text", "is needed, or a form")
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

// Create writes a new policy. Live sessions that it does not allow end.
func (s *Service) Create(ctx context.Context, actor authz.Actor, d Draft) (Policy, error) {
	p := Policy{ID: id.New[id.Policy](), Org: actor.Org, Enabled: true, Priority: DefaultPriority}
	if err := d.apply(&p); err != nil {
		return Policy{}, err
	}
	if err := s.permit(ctx, actor, p, event.PolicyChangeCreated); err != nil {
		return Policy{}, err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := policysql.New(tx).CountPolicies(ctx, string(actor.Org))
		if err != nil {
			return err
		}
		if n >= MaxPolicies {
			return fault.New(fault.Exhausted, "this organization has %d policies, which is the most: delete one first", n).WithCode(TooManyPolicies)
		}
		p, err = s.save(ctx, tx, actor, Policy{}, p, event.PolicyChangeCreated, d.Comment)
		return err
	})
	if err != nil {
		return Policy{}, fmt.Errorf("create policy: %w", err)
	}
	return p, nil
}

// Update changes a policy; a save that changes nothing does nothing.
func (s *Service) Update(ctx context.Context, actor authz.Actor, pid id.Policy, d Draft) (Policy, error) {
	what := event.PolicyChangeEdited
	if d.Name == nil && d.Description == nil && d.Text == nil && d.Form == nil && d.Priority == nil && d.Enabled == nil && (d.Safes != nil || d.Everywhere != nil) {
		what = event.PolicyChangeAssigned
	}
	return s.change(ctx, actor, pid, what, d.Version, d.Comment, func(p *Policy) error { return d.apply(p) })
}

// AssignSafe puts a policy on one safe, or takes it off.
func (s *Service) AssignSafe(ctx context.Context, actor authz.Actor, pid id.Policy, sid id.Safe, on bool) (Policy, error) {
	return s.change(ctx, actor, pid, event.PolicyChangeAssigned, 0, "", func(p *Policy) error {
		if p.Everywhere {
			return fault.New(fault.Conflict, "policy %q is on every safe: say first that it is not", p.Name).WithCode("EVERYWHERE")
		}
		p.Safes = slices.DeleteFunc(slices.Clone(p.Safes), func(r SafeRef) bool { return r.ID == sid })
		if on {
			p.Safes = append(p.Safes, SafeRef{ID: sid})
		}
		return nil
	})
}

// Restore makes a policy again what it was at a version.
func (s *Service) Restore(ctx context.Context, actor authz.Actor, pid id.Policy, version int64, comment string) (Policy, error) {
	return s.changeIn(ctx, actor, pid, event.PolicyChangeRestored, 0, comment, func(ctx context.Context, tx *db.Tx, p *Policy) error {
		v, err := policysql.New(tx).GetVersion(ctx, policysql.GetVersionParams{OrgID: string(actor.Org), PolicyID: string(pid), Version: version})
		if db.NotFound(err) {
			return fault.New(fault.NotFound, "policy %q has no version %d", p.Name, version)
		}
		if err != nil {
			return err
		}
		there, err := s.safeNames(ctx, tx)
		if err != nil {
			return err
		}
		safes := versionSafes(v.Safes)
		safes = slices.DeleteFunc(safes, func(sid id.Safe) bool { return there[sid] == "" }) // deleted meanwhile
		return Draft{Name: &v.Name, Description: &v.Description, Text: &v.Text, Enabled: &v.Enabled, Everywhere: &v.Everywhere, Safes: &safes, Priority: &v.Priority, Comment: comment}.apply(p)
	})
}

func versionSafes(text string) []id.Safe {
	var out []id.Safe
	_ = json.Unmarshal([]byte(text), &out) // we wrote it
	return out
}

func (s *Service) change(ctx context.Context, actor authz.Actor, pid id.Policy, what event.PolicyChange, version int64, comment string, edit func(*Policy) error) (Policy, error) {
	return s.changeIn(ctx, actor, pid, what, version, comment, func(_ context.Context, _ *db.Tx, p *Policy) error { return edit(p) })
}

func (s *Service) changeIn(ctx context.Context, actor authz.Actor, pid id.Policy, what event.PolicyChange, version int64, comment string,
	edit func(ctx context.Context, tx *db.Tx, p *Policy) error) (Policy, error) {
	if err := s.permit(ctx, actor, Policy{ID: pid}, what); err != nil {
		return Policy{}, err
	}
	var out Policy
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		old, err := s.find(ctx, tx, pid)
		if err != nil {
			return err
		}
		if version != 0 && version != old.Version {
			return changedMeanwhile()
		}
		next := old
		if err := edit(ctx, tx, &next); err != nil {
			return err
		}
		out, err = s.save(ctx, tx, actor, old, next, what, comment)
		return err
	})
	if err != nil {
		return Policy{}, fmt.Errorf("change policy %s: %w", pid, err)
	}
	return out, nil
}

// Delete takes a policy away from every safe, for ever; its history stays.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, pid id.Policy, version int64) error {
	if err := s.permit(ctx, actor, Policy{ID: pid}, event.PolicyChangeDeleted); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		old, err := s.find(ctx, tx, pid)
		if err != nil {
			return err
		}
		if version != 0 && version != old.Version {
			return changedMeanwhile()
		}
		next := old
		next.Enabled, next.Everywhere, next.Safes = false, false, nil
		_, err = s.save(ctx, tx, actor, old, next, event.PolicyChangeDeleted, "")
		return err
	})
	if err != nil {
		return fmt.Errorf("delete policy %s: %w", pid, err)
	}
	return nil
}

// permit refuses who may not change policies, and records it.
func (s *Service) permit(ctx context.Context, actor authz.Actor, p Policy, what event.PolicyChange) error {
	err := authz.Check(actor, authz.PolicyManage, authz.Object{Org: actor.Org})
	if !fault.Is(err, fault.Denied) || actor.Org == "" {
		return err
	}
	ev := event.NewAccessPolicyChanged(event.By(actor, event.TenantAdmin), event.PolicyTarget(p.ID, p.Name), what, nil).Denied(event.AccessPolicyChangedNotPermitted)
	if e := s.d.Ledger.RecordRefusal(ctx, ev); e != nil {
		return fmt.Errorf("record a refusal: %w", e)
	}
	return err
}

// save stores what a policy has become, with its version and its events.
func (s *Service) save(ctx context.Context, tx *db.Tx, actor authz.Actor, old, next Policy, what event.PolicyChange, comment string) (Policy, error) {
	names, err := s.safeNames(ctx, tx)
	if err != nil {
		return Policy{}, err
	}
	if err := s.named(ctx, tx, old, &next, names); err != nil {
		return Policy{}, err
	}
	changes := diffPolicies(old, next)
	if len(changes) == 0 && what != event.PolicyChangeDeleted {
		return old, nil
	}
	now := db.Micros(s.d.Now())
	before, err := s.current(ctx, tx)
	if err != nil {
		return Policy{}, err
	}
	next.Version, next.UpdatedAt, next.UpdatedBy = old.Version+1, db.Time(now), actor.User
	if err := s.store(ctx, tx, old, next, what, now); err != nil {
		return Policy{}, err
	}
	q := policysql.New(tx)
	if err := s.reassign(ctx, q, old, next, now); err != nil {
		return Policy{}, err
	}
	safes, err := json.Marshal(ids(next.Safes))
	if err != nil {
		return Policy{}, err
	}
	err = q.InsertVersion(ctx, policysql.InsertVersionParams{OrgID: string(next.Org), PolicyID: string(next.ID), Version: next.Version, Change: what.String(), Name: next.Name,
		Description: next.Description, Text: next.Text, Enabled: next.Enabled, Everywhere: next.Everywhere, Priority: next.Priority, Safes: string(safes), Comment: comment,
		Now: now, ChangedBy: string(actor.User), ChangedByName: actor.Name})
	if err != nil {
		return Policy{}, fmt.Errorf("keep the version: %w", err)
	}
	if _, err := q.BumpSet(ctx, policysql.BumpSetParams{OrgID: string(next.Org), Now: now}); err != nil {
		return Policy{}, fmt.Errorf("count the change: %w", err)
	}
	if old.Version == 0 {
		next.CreatedAt, next.CreatedBy = next.UpdatedAt, next.UpdatedBy
	}
	return next, s.tell(ctx, tx, actor, old, next, what, comment, changes, names, before)
}

func (s *Service) store(ctx context.Context, tx *db.Tx, old, next Policy, what event.PolicyChange, now int64) error {
	q := policysql.New(tx)
	by := string(next.UpdatedBy)
	if old.Version == 0 {
		err := q.InsertPolicy(ctx, policysql.InsertPolicyParams{OrgID: string(next.Org), ID: string(next.ID), Name: next.Name, Description: next.Description, Text: next.Text,
			Enabled: next.Enabled, Everywhere: next.Everywhere, Priority: next.Priority, Now: now, ChangedBy: by})
		return nameTaken(err, next.Name)
	}
	var n int64
	var err error
	if what == event.PolicyChangeDeleted {
		n, err = q.DeletePolicy(ctx, policysql.DeletePolicyParams{OrgID: string(next.Org), ID: string(next.ID), Version: old.Version, Now: now, ChangedBy: by})
	} else {
		n, err = q.UpdatePolicy(ctx, policysql.UpdatePolicyParams{OrgID: string(next.Org), ID: string(next.ID), Version: old.Version, Name: next.Name, Description: next.Description,
			Text: next.Text, Enabled: next.Enabled, Everywhere: next.Everywhere, Priority: next.Priority, Now: now, ChangedBy: by})
	}
	if err != nil {
		return nameTaken(err, next.Name)
	}
	if n == 0 {
		return changedMeanwhile()
	}
	return nil
}

func (s *Service) reassign(ctx context.Context, q *policysql.Queries, old, next Policy, now int64) error {
	for _, r := range old.Safes {
		if !slices.Contains(ids(next.Safes), r.ID) {
			if err := q.Unassign(ctx, policysql.UnassignParams{OrgID: string(next.Org), PolicyID: string(next.ID), SafeID: string(r.ID)}); err != nil {
				return fmt.Errorf("take the policy off a safe: %w", err)
			}
		}
	}
	for _, r := range next.Safes {
		if !slices.Contains(ids(old.Safes), r.ID) {
			err := q.Assign(ctx, policysql.AssignParams{OrgID: string(next.Org), PolicyID: string(next.ID), SafeID: string(r.ID), Now: now, AssignedBy: string(next.UpdatedBy)})
			if err != nil {
				return fmt.Errorf("put the policy on a safe: %w", err)
			}
		}
	}
	return nil
}

// named finds the names of the safes that a policy is put on, and refuses what its
// text names and the organization does not have.
func (s *Service) named(ctx context.Context, tx *db.Tx, old Policy, next *Policy, names map[id.Safe]string) error {
	for i, r := range next.Safes {
		if names[r.ID] == "" {
			return fault.New(fault.Invalid, "no safe with the id %.64q in this organization", r.ID).WithField(fmt.Sprintf("safes[%d]", i), "must be a safe of this organization")
		}
		next.Safes[i].Name = names[r.ID]
	}
	slices.SortFunc(next.Safes, func(a, b SafeRef) int { return strings.Compare(a.Name, b.Name) })
	if next.Text == old.Text {
		return nil
	}
	list, err := parseText(next.Text)
	if err != nil {
		return err
	}
	q := policysql.New(tx)
	unknown := func(what, id string) error {
		return fault.New(fault.Invalid, "the policy names the %s %.64q, which this organization does not have", what, id).WithCode(PolicyInvalid).
			WithField("text", "names the %s %.64q, which this organization does not have", what, id)
	}
	for _, uid := range mentioned(list) {
		var n int64 = 1
		what := "safe"
		switch uid.Type {
		case "Group":
			what = "group"
			n, err = q.GroupExists(ctx, policysql.GroupExistsParams{OrgID: string(tx.Org()), ID: string(uid.ID)})
		case "Person":
			what = "person"
			n, err = q.MemberExists(ctx, policysql.MemberExistsParams{OrgID: string(tx.Org()), UserID: string(uid.ID)})
		case "Safe":
			if names[id.Safe(uid.ID)] == "" {
				n = 0
			}
		case "Role":
			what = "role"
			if !authz.Role(uid.ID).Valid() && uid.ID != "member" {
				n = 0
			}
		}
		if err != nil {
			return fmt.Errorf("look for what the policy names: %w", err)
		}
		if n == 0 {
			return unknown(what, string(uid.ID))
		}
	}
	return nil
}

// mentioned are the entities that statements name, each once.
func mentioned(list []*statement) []cedar.EntityUID {
	var out []cedar.EntityUID
	add := func(uid cedar.EntityUID) {
		if uid.ID != "" && !slices.Contains(out, uid) {
			out = append(out, uid)
		}
	}
	for _, st := range list {
		add(st.principal.uid)
		add(st.resource.uid)
		for _, c := range (*ast.Policy)(st.policy.AST()).Conditions {
			for _, uid := range uids(c.Body) {
				add(uid)
			}
		}
		for _, a := range st.approvers {
			switch a.Kind {
			case GroupApprovers:
				add(cedar.NewEntityUID("Group", cedar.String(a.ID)))
			case UserApprover:
				add(cedar.NewEntityUID("Person", cedar.String(a.ID)))
			}
		}
	}
	return out
}

func (s *Service) safeNames(ctx context.Context, tx *db.Tx) (map[id.Safe]string, error) {
	rows, err := policysql.New(tx).SafesByID(ctx, string(tx.Org()))
	if err != nil {
		return nil, fmt.Errorf("list safes: %w", err)
	}
	out := make(map[id.Safe]string, len(rows))
	for _, r := range rows {
		out[id.Safe(r.ID)] = r.Name
	}
	return out, nil
}

// current is the compiled set as it is now, within a transaction.
func (s *Service) current(ctx context.Context, tx *db.Tx) (*Set, error) {
	version, err := s.SetVersion(ctx, tx, tx.Org())
	if err != nil {
		return nil, err
	}
	return s.set(ctx, tx, tx.Org(), version)
}

func ids(list []SafeRef) []id.Safe {
	out := make([]id.Safe, len(list))
	for i, r := range list {
		out[i] = r.ID
	}
	return out
}

func (s *Service) find(ctx context.Context, tx *db.Tx, pid id.Policy) (Policy, error) {
	q := policysql.New(tx)
	row, err := q.GetPolicy(ctx, policysql.GetPolicyParams{OrgID: string(tx.Org()), ID: string(pid)})
	if db.NotFound(err) {
		return Policy{}, fault.New(fault.NotFound, "no policy with the id %.64q in this organization", pid)
	}
	if err != nil {
		return Policy{}, fmt.Errorf("read policy: %w", err)
	}
	p := fromRow(row)
	assigned, err := q.AssignmentsOf(ctx, policysql.AssignmentsOfParams{OrgID: string(tx.Org()), PolicyID: string(pid)})
	if err != nil {
		return Policy{}, fmt.Errorf("read where a policy is: %w", err)
	}
	for _, a := range assigned {
		p.Safes = append(p.Safes, SafeRef{id.Safe(a.SafeID), a.Name})
	}
	return p, nil
}

func fromRow(r policysql.AccessPolicy) Policy {
	return Policy{ID: id.Policy(r.ID), Org: id.Org(r.OrgID), Name: r.Name, Description: r.Description, Text: r.Text, Enabled: r.Enabled, Everywhere: r.Everywhere,
		Priority: r.Priority, Version: r.Version, CreatedAt: db.Time(r.CreatedAt), UpdatedAt: db.Time(r.UpdatedAt), CreatedBy: id.User(r.CreatedBy), UpdatedBy: id.User(r.UpdatedBy)}
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "the policy was changed by somebody else meanwhile; look at it again, then change it").WithCode(VersionConflict)
}

func nameTaken(err error, name string) error {
	if db.Unique(err) {
		return fault.New(fault.Conflict, "policy %q exists already; choose another name", name).WithCode(NameTaken).WithField("name", "is taken").Because(err)
	}
	return err
}

func onOff(b bool) string { return map[bool]string{true: "on", false: "off"}[b] }

// diffPolicies lists what differs, as events and people read it.
func diffPolicies(from, to Policy) []event.Change {
	var out []event.Change
	note := func(field, a, b string) {
		if a != b {
			out = append(out, event.Changed(field, cut(a), cut(b)))
		}
	}
	where := func(p Policy) string {
		switch {
		case p.Version == 0 && p.Name == "":
			return ""
		case p.Everywhere:
			return "every safe"
		}
		var names []string
		for _, r := range p.Safes {
			names = append(names, r.Name)
		}
		return strings.Join(names, " ")
	}
	state := func(p Policy, v string) string {
		if p.ID == "" {
			return ""
		}
		return v
	}
	note("name", from.Name, to.Name)
	note("description", from.Description, to.Description)
	note("text", from.Text, to.Text)
	note("enabled", state(from, onOff(from.Enabled)), onOff(to.Enabled))
	note("safes", where(from), where(to))
	note("priority", state(from, strconv.FormatInt(from.Priority, 10)), strconv.FormatInt(to.Priority, 10))
	return out
}

func cut(s string) string {
	if len(s) > maxTold {
		return strings.ToValidUTF8(s[:maxTold], "") + "..."
	}
	return s
}

// Check reads a policy and gives it in both of its shapes, without saving anything;
// form is nil when a form cannot say it.
func Check(d Draft) (text string, form *Form, effects []Effect, err error) {
	t, err := d.text()
	if err != nil {
		return "", nil, nil, err
	}
	if t == nil {
		return "", nil, nil, fault.New(fault.Invalid, "there is no policy to check: give a form or a text").WithField("text", "is needed, or a form")
	}
	p := Policy{Text: *t}
	if f, ok := p.Form(); ok {
		form = &f
	}
	return *t, form, p.Effects(), nil
}

package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/resource/resourcesql"
)

// Ledger records what happens to resources.
type Ledger interface {
	Record(ctx context.Context, tx *db.Tx, ev event.Event) (id.Event, error)
	RecordRefusal(ctx context.Context, ev event.Event) error
}

// Uses names the things that need a resource, such as `account "root"`, so that
// it is not deleted under them.
type Uses func(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) ([]string, error)

// LiveSessions counts the sessions that an act will end.
type LiveSessions interface {
	OnResource(ctx context.Context, tx *db.Tx, org id.Org, r id.Resource) (int, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB     *db.DB
	Ledger Ledger
	Dialer *Dialer
	Uses   []Uses           // at least one
	Live   LiveSessions     // nil: there are no sessions
	Now    func() time.Time // nil: time.Now
}

// Service keeps the resources. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Ledger == nil || d.Dialer == nil || len(d.Uses) == 0 {
		return nil, errors.New("resource: DB, Ledger, Dialer and Uses are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d: d}, nil
}

// CreateArgs describe a new resource.
type CreateArgs struct {
	Name        string
	Protocol    Protocol
	Host        string
	Port        int // 0: the protocol's own
	Description string
	Labels      []string
}

// Create saves a connection definition. It has no host key yet: see Scan.
func (s *Service) Create(ctx context.Context, actor authz.Actor, a CreateArgs) (Resource, error) {
	if a.Port == 0 {
		a.Port = 22
	}
	r := Resource{ID: id.New[id.Resource](), Org: actor.Org, Name: a.Name, Protocol: a.Protocol, Host: a.Host, Port: a.Port, Description: a.Description, Labels: a.Labels, Version: 1}
	if err := r.normalize(); err != nil {
		return Resource{}, err
	}
	created := func() event.ConnectionDefinitionCreated {
		return event.NewConnectionDefinitionCreated(event.By(actor, event.TenantAdmin), r.target(), event.ProtocolSSH, r.Host, r.Port)
	}
	if err := s.permit(ctx, actor, authz.ResourceCreate, "", func() event.Event {
		return created().Denied(event.ConnectionDefinitionCreatedNotPermitted)
	}); err != nil {
		return Resource{}, err
	}
	if err := s.d.Dialer.CheckHost(r.Host, r.Port); err != nil {
		return Resource{}, s.refuse(ctx, created().Denied(event.ConnectionDefinitionCreatedAddressForbidden), err)
	}
	now := db.Micros(s.d.Now())
	r.CreatedAt, r.UpdatedAt = db.Time(now), db.Time(now)
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		err := resourcesql.New(tx).InsertResource(ctx, resourcesql.InsertResourceParams{
			OrgID: string(r.Org), ID: string(r.ID), Name: r.Name, Protocol: string(r.Protocol), Host: r.Host,
			Port: int64(r.Port), Description: r.Description, Labels: labelText(r.Labels), Now: now, CreatedBy: string(actor.User),
		})
		if err != nil {
			return nameTaken(err, r.Name)
		}
		_, err = s.d.Ledger.Record(ctx, tx, created())
		return err
	})
	if err != nil {
		return Resource{}, fmt.Errorf("create resource: %w", err)
	}
	return r, nil
}

// Get gives a resource with its confirmed host keys.
func (s *Service) Get(ctx context.Context, actor authz.Actor, rid id.Resource) (Resource, error) {
	if err := authz.Check(actor, authz.ResourceView, authz.Object{ID: string(rid), Org: actor.Org}); err != nil {
		return Resource{}, err
	}
	var r Resource
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		r, err = s.Find(ctx, tx, actor.Org, rid)
		return err
	})
	return r, err
}

// Find reads a resource within a transaction, for whoever has decided already
// that it may be used. fault.NotFound when there is none.
func (s *Service) Find(ctx context.Context, tx *db.Tx, org id.Org, rid id.Resource) (Resource, error) {
	q := resourcesql.New(tx)
	row, err := q.GetResource(ctx, resourcesql.GetResourceParams{OrgID: string(org), ID: string(rid)})
	if db.NotFound(err) {
		return Resource{}, notFound(rid)
	}
	if err != nil {
		return Resource{}, fmt.Errorf("read resource: %w", err)
	}
	keys, err := q.HostKeys(ctx, resourcesql.HostKeysParams{OrgID: string(org), ResourceID: string(rid)})
	if err != nil {
		return Resource{}, fmt.Errorf("read host keys: %w", err)
	}
	r := fromRow(row)
	for _, k := range keys {
		r.HostKeys = append(r.HostKeys, keyFromRow(k))
	}
	return r, nil
}

// Hold keeps a resource from being deleted until tx ends, and gives its protocol.
func (s *Service) Hold(ctx context.Context, tx *db.Tx, org id.Org, rid id.Resource) (string, error) {
	protocol, err := resourcesql.New(tx).HoldResource(ctx, resourcesql.HoldResourceParams{OrgID: string(org), ID: string(rid)})
	if db.NotFound(err) {
		return "", notFound(rid)
	}
	if err != nil {
		return "", fmt.Errorf("hold resource: %w", err)
	}
	return protocol, nil
}

// List gives resources in the order of their names.
func (s *Service) List(ctx context.Context, actor authz.Actor, p page.Request) (page.List[Resource], error) {
	if err := authz.Check(actor, authz.ResourceList, authz.Object{Org: actor.Org}); err != nil {
		return page.List[Resource]{}, err
	}
	read, after, err := p.Resolve()
	if err != nil {
		return page.List[Resource]{}, err
	}
	var out []Resource
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := resourcesql.New(tx)
		rows, err := q.ListResources(ctx, resourcesql.ListResourcesParams{OrgID: string(actor.Org), After: after, Read: read})
		if err != nil {
			return fmt.Errorf("list resources: %w", err)
		}
		keys, err := q.HostKeysOfList(ctx, resourcesql.HostKeysOfListParams{OrgID: string(actor.Org), After: after, Read: read})
		if err != nil {
			return fmt.Errorf("list host keys: %w", err)
		}
		of := map[string][]HostKey{}
		for _, k := range keys {
			of[k.ResourceID] = append(of[k.ResourceID], keyFromRow(k))
		}
		out = make([]Resource, len(rows))
		for i, row := range rows {
			out[i] = fromRow(row)
			out[i].HostKeys = of[row.ID]
		}
		return nil
	})
	if err != nil {
		return page.List[Resource]{}, err
	}
	return page.Cut(out, read, func(r Resource) string { return r.Name }), nil
}

// UpdateArgs say what to change; nil leaves a value as it is.
type UpdateArgs struct {
	Name        *string
	Host        *string
	Port        *int
	Description *string
	Labels      *[]string
	Version     int64 // what the caller saw; 0: whatever is there
}

// Update changes a resource. A new address keeps the confirmed host keys: if it
// is another machine they do not match, and it is refused until one is confirmed.
func (s *Service) Update(ctx context.Context, actor authz.Actor, rid id.Resource, a UpdateArgs) (Resource, error) {
	if err := s.permit(ctx, actor, authz.ResourceUpdate, rid, s.updateDenied(ctx, actor, rid)); err != nil {
		return Resource{}, err
	}
	var out Resource
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		old, err := s.Find(ctx, tx, actor.Org, rid)
		if err != nil {
			return err
		}
		if a.Version != 0 && a.Version != old.Version {
			return changedMeanwhile()
		}
		r := old
		a.apply(&r)
		if err := r.normalize(); err != nil {
			return err
		}
		changes, moved := diff(old, r)
		if len(changes) == 0 {
			out = old
			return nil
		}
		if moved {
			if err := s.d.Dialer.CheckHost(r.Host, r.Port); err != nil {
				return err
			}
		}
		now := db.Micros(s.d.Now())
		n, err := resourcesql.New(tx).UpdateResource(ctx, resourcesql.UpdateResourceParams{
			OrgID: string(r.Org), ID: string(r.ID), Version: old.Version, Now: now,
			Name: r.Name, Host: r.Host, Port: int64(r.Port), Description: r.Description, Labels: labelText(r.Labels),
		})
		if err != nil {
			return nameTaken(err, r.Name)
		}
		if n == 0 {
			return changedMeanwhile()
		}
		r.Version, r.UpdatedAt = old.Version+1, db.Time(now)
		_, err = s.d.Ledger.Record(ctx, tx, event.NewConnectionDefinitionUpdated(event.By(actor, event.TenantAdmin), r.target(), changes, moved, false))
		out = r
		return err
	})
	if fault.CodeOf(err) == AddressForbidden {
		return Resource{}, s.refuse(ctx, s.updateEvent(ctx, actor, rid).Denied(event.ConnectionDefinitionUpdatedAddressForbidden), err)
	}
	if err != nil {
		return Resource{}, fmt.Errorf("update resource: %w", err)
	}
	return out, nil
}

// Delete removes a resource that nothing needs any more; fault.Conflict with the
// code IN_USE names what does.
func (s *Service) Delete(ctx context.Context, actor authz.Actor, rid id.Resource, version int64) error {
	var seen Resource // for the event of a refusal
	deleted := func(r Resource, ended int) event.ConnectionDefinitionDeleted {
		return event.NewConnectionDefinitionDeleted(event.By(actor, event.TenantAdmin), event.ConnectionTarget(rid, r.Name), event.ProtocolSSH, r.Host, ended)
	}
	if err := s.permit(ctx, actor, authz.ResourceDelete, rid, func() event.Event {
		return deleted(s.peek(ctx, actor.Org, rid), 0).Denied(event.ConnectionDefinitionDeletedNotPermitted)
	}); err != nil {
		return err
	}
	err := s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		r, err := s.Find(ctx, tx, actor.Org, rid)
		if err != nil {
			return err
		}
		seen = r
		if version != 0 && version != r.Version {
			return changedMeanwhile()
		}
		// First the row, then the look at who uses it: see HoldResource.
		n, err := resourcesql.New(tx).DeleteResource(ctx, resourcesql.DeleteResourceParams{
			OrgID: string(actor.Org), ID: string(rid), Version: r.Version, Now: db.Micros(s.d.Now()),
		})
		if err != nil {
			return err
		}
		if n == 0 {
			return changedMeanwhile()
		}
		if err := s.unused(ctx, tx, r); err != nil {
			return err
		}
		ended := 0
		if s.d.Live != nil {
			if ended, err = s.d.Live.OnResource(ctx, tx, actor.Org, rid); err != nil {
				return fmt.Errorf("count live sessions: %w", err)
			}
		}
		_, err = s.d.Ledger.Record(ctx, tx, deleted(r, ended))
		return err
	})
	if fault.CodeOf(err) == InUse {
		return s.refuse(ctx, deleted(seen, 0).Denied(event.ConnectionDefinitionDeletedInUse), err)
	}
	if err != nil {
		return fmt.Errorf("delete resource: %w", err)
	}
	return nil
}

// InUse is the code of the fault for a resource that something needs.
const InUse = "IN_USE"

func (s *Service) unused(ctx context.Context, tx *db.Tx, r Resource) error {
	var names []string
	for _, uses := range s.d.Uses {
		more, err := uses(ctx, tx, r.Org, r.ID)
		if err != nil {
			return fmt.Errorf("find what uses the resource: %w", err)
		}
		names = append(names, more...)
	}
	if len(names) == 0 {
		return nil
	}
	shown := names[:min(len(names), 5)]
	more := ""
	if n := len(names) - len(shown); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fault.New(fault.Conflict, "resource %q is used by %s%s; take it out of them first", r.Name, strings.Join(shown, ", "), more).WithCode(InUse)
}

// normalize checks all values and brings them to their canonical form.
func (r *Resource) normalize() error {
	f := fault.New(fault.Invalid, "the resource is not valid: see the fields that are named")
	if wrong := label.Name(r.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if wrong := label.Note(r.Description); wrong != "" {
		f.WithField("description", "%s", wrong)
	}
	if r.Protocol != SSH {
		f.WithField("protocol", "must be %q", SSH)
	}
	if r.Port < 1 || r.Port > 65535 {
		f.WithField("port", "must be from 1 to 65535")
	}
	r.Labels = slices.Clone(r.Labels)
	slices.Sort(r.Labels)
	r.Labels = slices.Compact(r.Labels)
	if len(r.Labels) > MaxLabels {
		f.WithField("labels", "must be at most %d", MaxLabels)
	}
	for i, l := range r.Labels {
		if !labelForm.MatchString(l) {
			f.WithField(fmt.Sprintf("labels[%d]", i), "must be a label such as env=prod: letters, digits and . _ / - before and after one =, at most 63 of each")
			break
		}
	}
	host, err := ParseHost(r.Host)
	if err != nil {
		f.Fields = append(f.Fields, fault.As(err).Fields...)
	}
	r.Host = host
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

func (a UpdateArgs) apply(r *Resource) {
	if a.Name != nil {
		r.Name = *a.Name
	}
	if a.Host != nil {
		r.Host = *a.Host
	}
	if a.Port != nil {
		r.Port = *a.Port
	}
	if a.Description != nil {
		r.Description = *a.Description
	}
	if a.Labels != nil {
		r.Labels = *a.Labels
	}
}

func diff(old, r Resource) (changes []event.Change, moved bool) {
	if old.Name != r.Name {
		changes = append(changes, event.Changed("name", old.Name, r.Name))
	}
	if old.Host != r.Host {
		changes, moved = append(changes, event.Changed("host", old.Host, r.Host)), true
	}
	if old.Port != r.Port {
		changes, moved = append(changes, event.Changed("port", old.Port, r.Port)), true
	}
	if old.Description != r.Description {
		changes = append(changes, event.Changed("description", old.Description, r.Description))
	}
	if !slices.Equal(old.Labels, r.Labels) {
		changes = append(changes, event.Changed("labels", strings.Join(old.Labels, " "), strings.Join(r.Labels, " ")))
	}
	return changes, moved
}

func (r Resource) target() event.ConnectionRef { return event.ConnectionTarget(r.ID, r.Name) }

// permit asks authz and records a refusal.
func (s *Service) permit(ctx context.Context, actor authz.Actor, action authz.Action, rid id.Resource, denied func() event.Event) error {
	err := authz.Check(actor, action, authz.Object{ID: string(rid), Org: actor.Org})
	if fault.Is(err, fault.Denied) && actor.Org != "" {
		return s.refuse(ctx, denied(), err)
	}
	return err
}

// refuse records a refusal and returns its cause; what cannot be recorded is
// refused all the same, with the error of recording.
func (s *Service) refuse(ctx context.Context, ev event.Event, cause error) error {
	if err := s.d.Ledger.RecordRefusal(ctx, ev); err != nil {
		return fmt.Errorf("record a refusal: %w", err)
	}
	return cause
}

func (s *Service) updateEvent(ctx context.Context, actor authz.Actor, rid id.Resource) event.ConnectionDefinitionUpdated {
	return event.NewConnectionDefinitionUpdated(event.By(actor, event.TenantAdmin), event.ConnectionTarget(rid, s.peek(ctx, actor.Org, rid).Name), nil, false, false)
}

func (s *Service) updateDenied(ctx context.Context, actor authz.Actor, rid id.Resource) func() event.Event {
	return func() event.Event {
		return s.updateEvent(ctx, actor, rid).Denied(event.ConnectionDefinitionUpdatedNotPermitted)
	}
}

// peek finds a resource for the event of a refusal; the zero Resource when it cannot be had.
func (s *Service) peek(ctx context.Context, org id.Org, rid id.Resource) (r Resource) {
	_ = s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		r, err = s.Find(ctx, tx, org, rid)
		return err
	})
	return r
}

func notFound(rid id.Resource) error {
	return fault.New(fault.NotFound, "no resource with the id %.64q in this organization", rid)
}

func changedMeanwhile() error {
	return fault.New(fault.Conflict, "the resource was changed by somebody else meanwhile; look at it again, then change it").WithCode("VERSION_CONFLICT")
}

func nameTaken(err error, name string) error {
	if db.Unique(err) {
		return fault.New(fault.Conflict, "resource %q exists already; choose another name", name).WithCode("NAME_TAKEN").WithField("name", "is taken").Because(err)
	}
	return err
}

func fromRow(row resourcesql.Resource) Resource {
	return Resource{
		ID: id.Resource(row.ID), Org: id.Org(row.OrgID), Name: row.Name, Protocol: Protocol(row.Protocol), Host: row.Host,
		Port: int(row.Port), Description: row.Description, Labels: labelsOf(row.Labels), Version: row.Version,
		CreatedAt: db.Time(row.CreatedAt), UpdatedAt: db.Time(row.UpdatedAt),
	}
}

func keyFromRow(k resourcesql.ResourceHostKey) HostKey {
	return HostKey{Fingerprint: k.Fingerprint, Type: k.KeyType, PublicKey: k.PublicKey, ConfirmedBy: id.User(k.ConfirmedBy), ConfirmedAt: db.Time(k.ConfirmedAt)}
}

// MaxLabels is how many labels a resource may have.
const MaxLabels = 32

var labelForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}=[A-Za-z0-9._/-]{0,63}$`)

func labelText(list []string) string {
	b, _ := json.Marshal(append([]string{}, list...)) // texts can be written
	return string(b)
}

func labelsOf(s string) []string {
	var out []string
	_ = json.Unmarshal([]byte(s), &out) // we wrote it; what is unreadable is no label
	return out
}

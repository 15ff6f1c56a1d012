package tenancy

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy/tenancysql"
)

// Settings is what an organization has set for itself. The zero value is that of a new one.
type Settings struct {
	Version int `json:"-"` // 0: nothing was ever set

	Name           string `json:"-"` // of the organization; kept in its own row
	BrandColor     string `json:"brand_color,omitempty"`
	SupportContact string `json:"support_contact,omitempty"`

	AllowedDomains     []string `json:"allowed_domains,omitempty"`      // of members' addresses; empty: any
	WebIdleMinutes     int      `json:"web_idle_minutes,omitempty"`     // 0: the installation's limit
	WebAbsoluteMinutes int      `json:"web_absolute_minutes,omitempty"` // 0: the installation's limit
	RequireMFA         bool     `json:"require_mfa,omitempty"`

	SMTPHost string `json:"smtp_host,omitempty"` // empty: the installation's mail server
	SMTPPort int    `json:"smtp_port,omitempty"`
	SMTPTLS  string `json:"smtp_tls,omitempty"` // starttls or tls
	SMTPUser string `json:"smtp_user,omitempty"`
	SMTPFrom string `json:"smtp_from,omitempty"`

	GovernanceAlways bool `json:"governance_always,omitempty"` // sensitive changes wait for a second person even where nobody else could decide

	RecordingDays int `json:"recording_days,omitempty"`     // 0: the installation's; see SetRetention
	AuditDays     int `json:"audit_days,omitempty"`         // of payloads of the audit log; 0: the installation's
	AuditMinimum  int `json:"audit_minimum_days,omitempty"` // set by the platform; 0: MinAuditDays

	Holds []Hold `json:"-"` // in force; see SetHold

	SMTPPasswordSet bool `json:"-"`
	SeatLimit       int  `json:"-"` // set by the platform; 0: none

	sealedPassword []byte
	changedAt      int64
}

// Patch changes some settings. Nil leaves one as it is.
type Patch struct {
	Version *int // the one that was looked at; another one since is a conflict

	Name, BrandColor, SupportContact   *string
	AllowedDomains                     *[]string
	WebIdleMinutes, WebAbsoluteMinutes *int
	RequireMFA                         *bool
	GovernanceAlways                   *bool
	SMTPHost, SMTPTLS, SMTPUser        *string
	SMTPFrom                           *string
	SMTPPort                           *int
	SMTPPassword                       *secret.Secret // empty: none
}

// The bounds of the limits on web sessions, in minutes.
const (
	minIdle, maxIdle         = 5, 24 * 60
	minAbsolute, maxAbsolute = 15, 7 * 24 * 60
)

func smtpContext() string { return "organization-smtp-password" }

func (s *Service) settings(ctx context.Context, tx *db.Tx, org id.Org) (Settings, error) {
	row, err := tenancysql.New(tx).GetSettings(ctx, string(org))
	if db.NotFound(err) {
		return Settings{}, nil
	}
	if err != nil {
		return Settings{}, fmt.Errorf("read the settings of %s: %w", org, err)
	}
	var st Settings
	if err := json.Unmarshal([]byte(row.Settings), &st); err != nil {
		return Settings{}, fmt.Errorf("read the settings of %s: %w", org, err)
	}
	st.Version, st.SeatLimit, st.changedAt = int(row.Version), int(row.SeatLimit), row.ChangedAt
	st.sealedPassword, st.SMTPPasswordSet = row.SmtpPassword, len(row.SmtpPassword) > 0
	return st, nil
}

func (s *Service) settingsWithName(ctx context.Context, tx *db.Tx, org id.Org) (Settings, error) {
	st, err := s.settings(ctx, tx, org)
	if err == nil {
		st.Name, err = Directory{}.Name(ctx, tx, org)
	}
	if err == nil {
		st.Holds, err = holds(ctx, tx, org)
	}
	return st, err
}

func orgObject(org id.Org) authz.Object {
	return authz.Object{Type: authz.OrgObject, ID: string(org), Org: org}
}

// Settings shows the settings of the active organization to those who administer or audit it.
func (s *Service) Settings(ctx context.Context, actor authz.Actor) (Settings, error) {
	if err := authz.Check(actor, authz.OrgSettings, orgObject(actor.Org)); err != nil {
		return Settings{}, err
	}
	var st Settings
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.settingsWithName(ctx, tx, actor.Org)
		return err
	})
	return st, err
}

// Brand is how an organization shows itself to its members.
func (s *Service) Brand(ctx context.Context, org id.Org) (Settings, error) {
	var st Settings
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.settingsWithName(ctx, tx, org)
		return err
	})
	return Settings{Name: st.Name, BrandColor: st.BrandColor, SupportContact: st.SupportContact}, err
}

// Update changes settings of the active organization. Whoever weakens a control, or says
// where mail goes, must have proved a second factor lately.
func (s *Service) Update(ctx context.Context, actor authz.Actor, p Patch) (Settings, error) {
	org := actor.Org
	target := event.TenantTarget(org, "")
	denied := func(err error) error {
		if org == "" {
			return err
		}
		ev := event.NewTenantSettingsUpdated(event.By(actor, event.TenantAdmin), target, event.SettingGroupOther, []event.Change{}, []string{})
		return s.refused(ctx, actor, err, ev.Denied(event.TenantSettingsUpdatedNotPermitted))
	}
	if err := authz.Check(actor, authz.OrgUpdate, orgObject(org)); err != nil {
		return Settings{}, denied(err)
	}
	var old Settings
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		old, err = s.settingsWithName(ctx, tx, org)
		return err
	})
	if err != nil {
		return Settings{}, err
	}
	next, err := p.apply(old)
	if err != nil {
		return Settings{}, err
	}
	if p.SMTPPassword != nil {
		next.sealedPassword = []byte{}
		if !p.SMTPPassword.Empty() {
			if next.sealedPassword, err = s.d.Seal.Seal(ctx, org, smtpContext(), p.SMTPPassword.Reveal()); err != nil {
				return Settings{}, fmt.Errorf("seal a mail server's password: %w", err)
			}
		}
		next.SMTPPasswordSet = len(next.sealedPassword) > 0
	}
	if next.SMTPHost == "" && next.SMTPPasswordSet && p.SMTPPassword == nil { // it goes with its server
		next.sealedPassword, next.SMTPPasswordSet = []byte{}, false
		p.SMTPPassword = &secret.Secret{}
	}
	if (next.SMTPUser == "") == next.SMTPPasswordSet {
		return Settings{}, fault.New(fault.Invalid, "the mail server needs a user name and a password, or neither").WithField("smtp_user", "needs smtp_password beside it, and the other way round")
	}
	all := diff(old, next, p.SMTPPassword != nil)
	if len(all) == 0 {
		return old, nil
	}
	if sensitive(all) {
		if err := s.inPerson(actor); err != nil {
			return Settings{}, denied(err)
		}
	}
	err = s.d.DB.InOrg(ctx, org, func(ctx context.Context, tx *db.Tx) error {
		if err := s.demandSettings(ctx, tx, actor, governance.Permit{}, lifted(old, next), p, old, next, all); err != nil {
			return err
		}
		_, err := s.storeSettings(ctx, tx, event.By(actor, event.TenantAdmin), actor, governance.Permit{}, org, old, next, all)
		return err
	})
	if err = s.d.Governance.Queue(ctx, actor, err); err != nil {
		return Settings{}, fmt.Errorf("change settings: %w", err)
	}
	next.Version = old.Version + 1
	return next, nil
}

// storeSettings stores settings with their events, and gives the one that tells most.
func (s *Service) storeSettings(ctx context.Context, tx *db.Tx, act event.Act, actor authz.Actor, p governance.Permit, org id.Org, old, next Settings, all []groupDiff) (told id.Event, err error) {
	q := tenancysql.New(tx)
	text, err := json.Marshal(next)
	if err != nil {
		return "", fmt.Errorf("encode settings: %w", err)
	}
	minute := time.Minute.Microseconds()
	if next.sealedPassword == nil {
		next.sealedPassword = []byte{}
	}
	var n int64
	if old.Version == 0 {
		n, err = q.InsertSettings(ctx, tenancysql.InsertSettingsParams{OrgID: string(org), Settings: string(text), IdleUs: int64(next.WebIdleMinutes) * minute,
			AbsoluteUs: int64(next.WebAbsoluteMinutes) * minute, SmtpPassword: next.sealedPassword, SeatLimit: int64(next.SeatLimit), Now: s.now()})
	} else {
		n, err = q.UpdateSettings(ctx, tenancysql.UpdateSettingsParams{OrgID: string(org), Settings: string(text), IdleUs: int64(next.WebIdleMinutes) * minute,
			AbsoluteUs: int64(next.WebAbsoluteMinutes) * minute, SmtpPassword: next.sealedPassword, SeatLimit: int64(next.SeatLimit), Now: s.now(), Old: int64(old.Version)})
	}
	if err != nil {
		return "", fmt.Errorf("store settings: %w", err)
	}
	if n == 0 {
		return "", settingsChanged()
	}
	if next.Name != old.Name {
		if _, err := q.RenameOrganization(ctx, tenancysql.RenameOrganizationParams{Name: next.Name, Now: s.now(), ID: string(org)}); err != nil {
			return "", fmt.Errorf("rename an organization: %w", err)
		}
	}
	target := event.TenantTarget(org, next.Name)
	for _, g := range all {
		kept, err := json.Marshal(g.changes)
		if err != nil {
			return "", fmt.Errorf("encode changes: %w", err)
		}
		if err := q.InsertSettingChange(ctx, tenancysql.InsertSettingChangeParams{OrgID: string(org), Version: int64(old.Version + 1), GroupName: g.group.String(),
			Changes: string(kept), Weakened: strings.Join(g.weakened, " "), ActorID: string(actor.User), ActorName: actor.Name, Now: s.now()}); err != nil {
			return "", fmt.Errorf("store a change of settings: %w", err)
		}
		ev := event.NewTenantSettingsUpdated(act, target, g.group, g.events(), g.weakened)
		if p.Given() {
			ev = ev.WithGovernanceActionID(p.Action())
		}
		eid, err := s.d.Ledger.Record(ctx, tx, ev)
		if err != nil {
			return "", err
		}
		if told == "" || len(g.weakened) > 0 {
			told = eid
		}
	}
	return told, nil
}

func settingsChanged() error {
	return fault.New(fault.Conflict, "somebody changed these settings meanwhile: look again, then change them").WithCode("VERSION_CONFLICT")
}

// SettingChange is one changed setting, as the history keeps it.
type SettingChange struct {
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`

	secret bool
}

// groupDiff is what changed in one group of settings.
type groupDiff struct {
	group    event.SettingGroup
	changes  []SettingChange
	weakened []string
}

func (g groupDiff) events() []event.Change {
	out := make([]event.Change, len(g.changes))
	for i, c := range g.changes {
		switch {
		case !c.secret:
			out[i] = event.Changed(c.Field, c.From, c.To)
		case c.To == "cleared":
			out[i] = event.SecretCleared(c.Field)
		case c.To == "set":
			out[i] = event.SecretSet(c.Field)
		default:
			out[i] = event.SecretReplaced(c.Field)
		}
	}
	return out
}

// inPerson refuses API tokens, and persons who have not proved a second factor lately.
func (s *Service) inPerson(actor authz.Actor) error {
	if actor.Kind == authz.Token {
		return personsOnly()
	}
	return authz.Fresh(actor, authz.OrgUpdate, s.d.Now())
}

func personsOnly() error {
	return fault.New(fault.Denied, "an API token may not weaken a control, touch a legal hold or say where mail goes: sign in as a person to do it")
}

// sensitive changes want a fresh second factor: what weakens, and where mail goes.
func sensitive(all []groupDiff) bool {
	return slices.ContainsFunc(all, func(g groupDiff) bool { return len(g.weakened) > 0 || g.group == event.SettingGroupNotifications })
}

// diff tells what differs, by group.
func diff(old, next Settings, password bool) []groupDiff {
	var out []groupDiff
	group := func(g event.SettingGroup, rows ...SettingChange) *groupDiff {
		d := groupDiff{group: g, weakened: []string{}}
		for _, c := range rows {
			if c.From != c.To {
				d.changes = append(d.changes, c)
			}
		}
		if len(d.changes) == 0 {
			return &groupDiff{}
		}
		out = append(out, d)
		return &out[len(out)-1]
	}
	text := func(field, from, to string) SettingChange { return SettingChange{Field: field, From: from, To: to} }
	number := func(field string, from, to int) SettingChange {
		return text(field, strconv.Itoa(from), strconv.Itoa(to))
	}
	group(event.SettingGroupBranding, text("name", old.Name, next.Name), text("brand_color", old.BrandColor, next.BrandColor),
		text("support_contact", old.SupportContact, next.SupportContact))
	a := group(event.SettingGroupAuthentication, text("allowed_domains", strings.Join(old.AllowedDomains, " "), strings.Join(next.AllowedDomains, " ")),
		number("web_idle_minutes", old.WebIdleMinutes, next.WebIdleMinutes), number("web_absolute_minutes", old.WebAbsoluteMinutes, next.WebAbsoluteMinutes))
	weaker := func(d *groupDiff, field string, is bool) {
		if is {
			d.weakened = append(d.weakened, field)
		}
	}
	weaker(a, "allowed_domains", len(old.AllowedDomains) > 0 && (len(next.AllowedDomains) == 0 ||
		slices.ContainsFunc(next.AllowedDomains, func(d string) bool { return !slices.Contains(old.AllowedDomains, d) })))
	longer := func(was, is int) bool { return was > 0 && (is == 0 || is > was) }
	weaker(a, "web_idle_minutes", longer(old.WebIdleMinutes, next.WebIdleMinutes))
	weaker(a, "web_absolute_minutes", longer(old.WebAbsoluteMinutes, next.WebAbsoluteMinutes))
	m := group(event.SettingGroupMFA, text("require_mfa", fmt.Sprint(old.RequireMFA), fmt.Sprint(next.RequireMFA)))
	weaker(m, "require_mfa", old.RequireMFA && !next.RequireMFA)
	rows := []SettingChange{text("smtp_host", old.SMTPHost, next.SMTPHost), number("smtp_port", old.SMTPPort, next.SMTPPort),
		text("smtp_tls", old.SMTPTLS, next.SMTPTLS), text("smtp_user", old.SMTPUser, next.SMTPUser), text("smtp_from", old.SMTPFrom, next.SMTPFrom)}
	if password && (old.SMTPPasswordSet || next.SMTPPasswordSet) {
		how := map[[2]bool]string{{false, true}: "set", {true, true}: "replaced", {true, false}: "cleared"}[[2]bool{old.SMTPPasswordSet, next.SMTPPasswordSet}]
		rows = append(rows, SettingChange{Field: "smtp_password", To: how, secret: true})
	}
	group(event.SettingGroupNotifications, rows...)
	o := group(event.SettingGroupOther, number("seat_limit", old.SeatLimit, next.SeatLimit), number("audit_minimum_days", old.LeastAuditDays(), next.LeastAuditDays()),
		text("governance_always", fmt.Sprint(old.GovernanceAlways), fmt.Sprint(next.GovernanceAlways)))
	weaker(o, "audit_minimum_days", next.LeastAuditDays() < old.LeastAuditDays())
	weaker(o, "governance_always", old.GovernanceAlways && !next.GovernanceAlways)
	return out
}

var color = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// apply makes the settings that the patch asks for, and reports every wrong value at once.
func (p Patch) apply(st Settings) (Settings, error) {
	if p.Version != nil && *p.Version != st.Version {
		return st, settingsChanged()
	}
	f := fault.New(fault.Invalid, "the settings cannot be changed like this: see the fields that are named")
	set := func(to *string, from *string) {
		if from != nil {
			*to = norm.NFC.String(strings.TrimSpace(*from)) // names that look alike are alike
		}
	}
	number := func(field string, to *int, from *int, lo, hi int) {
		if from == nil {
			return
		}
		if *to = *from; *from != 0 && (*from < lo || *from > hi) {
			f.WithField(field, "must be from %d to %d, or 0 for the installation's", lo, hi)
		}
	}
	set(&st.Name, p.Name)
	set(&st.BrandColor, p.BrandColor)
	set(&st.SupportContact, p.SupportContact)
	if wrong := label.Name(st.Name); wrong != "" {
		f.WithField("name", "%s", wrong)
	}
	if st.BrandColor = strings.ToLower(st.BrandColor); st.BrandColor != "" && !color.MatchString(st.BrandColor) {
		f.WithField("brand_color", "must be of the form #1f6feb")
	}
	if st.SupportContact != "" && label.Name(st.SupportContact) != "" {
		f.WithField("support_contact", "%s", label.Name(st.SupportContact))
	}
	if p.AllowedDomains != nil {
		var err error
		if st.AllowedDomains, err = ParseDomains(*p.AllowedDomains); err != nil {
			f.Fields = append(f.Fields, fault.As(err).Fields...)
		}
	}
	number("web_idle_minutes", &st.WebIdleMinutes, p.WebIdleMinutes, minIdle, maxIdle)
	number("web_absolute_minutes", &st.WebAbsoluteMinutes, p.WebAbsoluteMinutes, minAbsolute, maxAbsolute)
	if p.GovernanceAlways != nil {
		st.GovernanceAlways = *p.GovernanceAlways
	}
	if p.RequireMFA != nil {
		st.RequireMFA = *p.RequireMFA
	}
	p.smtp(&st, set, f)
	if len(f.Fields) > 0 {
		return st, f
	}
	return st, nil
}

func (p Patch) smtp(st *Settings, set func(to, from *string), f *fault.Error) {
	set(&st.SMTPHost, p.SMTPHost)
	set(&st.SMTPTLS, p.SMTPTLS)
	set(&st.SMTPUser, p.SMTPUser)
	set(&st.SMTPFrom, p.SMTPFrom)
	if p.SMTPPort != nil {
		st.SMTPPort = *p.SMTPPort
	}
	if st.SMTPHost == "" {
		if st.SMTPPort != 0 || st.SMTPTLS != "" || st.SMTPUser != "" || st.SMTPFrom != "" {
			f.WithField("smtp_host", "is needed by the other settings of the mail server; clear them with it")
		}
		return
	}
	if st.SMTPTLS == "" {
		st.SMTPTLS = "starttls"
	}
	if st.SMTPPort == 0 {
		st.SMTPPort = map[string]int{"tls": 465}[st.SMTPTLS]
		if st.SMTPPort == 0 {
			st.SMTPPort = 587
		}
	}
	if _, err := idna.Lookup.ToASCII(st.SMTPHost); (err != nil && net.ParseIP(st.SMTPHost) == nil) || len(st.SMTPHost) > 253 {
		f.WithField("smtp_host", "must be a host name")
	}
	if st.SMTPPort < 1 || st.SMTPPort > 65535 {
		f.WithField("smtp_port", "must be from 1 to 65535")
	}
	if st.SMTPTLS != "starttls" && st.SMTPTLS != "tls" {
		f.WithField("smtp_tls", "must be starttls or tls")
	}
	if st.SMTPUser != "" && label.Name(st.SMTPUser) != "" {
		f.WithField("smtp_user", "%s", label.Name(st.SMTPUser))
	}
	from, err := identity.ParseEmail(st.SMTPFrom)
	if err != nil {
		f.WithField("smtp_from", "must be the e-mail address that messages come from")
	}
	st.SMTPFrom = from
}

const maxDomains = 50

// ParseDomains brings domains of e-mail addresses to canonical form, sorted and without repeats.
func ParseDomains(in []string) ([]string, error) {
	wrong := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "the list of e-mail domains is not valid").WithField("allowed_domains", format, args...)
	}
	if len(in) > maxDomains {
		return nil, wrong("must be at most %d", maxDomains)
	}
	out := []string{}
	for _, d := range in {
		email, err := identity.ParseEmail("x@" + strings.TrimSpace(d))
		if err != nil || !strings.Contains(email, ".") {
			return nil, wrong("%.64q is not a domain such as example.com", d)
		}
		out = append(out, strings.TrimPrefix(email, "x@"))
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// SettingHistory is one saved change of one group of settings.
type SettingHistory struct {
	Version  int
	Group    string
	Changes  []SettingChange
	Weakened []string
	By       id.User
	ByName   string
	At       time.Time
}

// History lists the changes of the active organization's settings, newest first.
func (s *Service) History(ctx context.Context, actor authz.Actor, p page.Request) (page.List[SettingHistory], error) {
	fail := func(err error) (page.List[SettingHistory], error) { return page.List[SettingHistory]{}, err }
	if err := authz.Check(actor, authz.OrgSettings, orgObject(actor.Org)); err != nil {
		return fail(err)
	}
	n, after, err := p.Resolve()
	if err != nil {
		return fail(err)
	}
	version, group := int64(1)<<62, ""
	if after != "" {
		v, g, ok := strings.Cut(after, " ")
		if version, err = strconv.ParseInt(v, 10, 64); err != nil || !ok {
			return fail(fault.New(fault.Invalid, "the cursor is not one that this list gave; begin without it").WithField("cursor", "must be a next_cursor of this list"))
		}
		group = g
	}
	var rows []tenancysql.OrganizationSettingChange
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = tenancysql.New(tx).ListSettingChanges(ctx, tenancysql.ListSettingChangesParams{OrgID: string(actor.Org), Before: version, AfterGroup: group, N: n})
		return err
	})
	if err != nil {
		return fail(fmt.Errorf("list changes of settings: %w", err))
	}
	out := make([]SettingHistory, len(rows))
	for i, r := range rows {
		out[i] = SettingHistory{Version: int(r.Version), Group: r.GroupName, Weakened: strings.Fields(r.Weakened), By: id.User(r.ActorID), ByName: r.ActorName, At: db.Time(r.ChangedAt)}
		if err := json.Unmarshal([]byte(r.Changes), &out[i].Changes); err != nil {
			return fail(fmt.Errorf("read a change of settings: %w", err))
		}
	}
	return page.Cut(out, n, func(h SettingHistory) string { return fmt.Sprintf("%d %s", h.Version, h.Group) }), nil
}

// MailServer is an organization's own; nil when it has none.
type MailServer struct {
	Host     string
	Port     int
	TLS      string // starttls or tls
	User     string
	Password secret.Secret
	From     string
}

// MailServer gives the mail server that an organization has set, with its password.
// Call it outside a transaction.
func (s *Service) MailServer(ctx context.Context, org id.Org) (*MailServer, error) {
	if org == "" {
		return nil, nil
	}
	var st Settings
	err := s.d.DB.ReadOrg(ctx, org, func(ctx context.Context, tx *db.Tx) (err error) {
		st, err = s.settings(ctx, tx, org)
		return err
	})
	if err != nil || st.SMTPHost == "" {
		return nil, err
	}
	m := &MailServer{Host: st.SMTPHost, Port: st.SMTPPort, TLS: st.SMTPTLS, User: st.SMTPUser, From: st.SMTPFrom}
	if st.SMTPPasswordSet {
		plain, err := s.d.Seal.Open(ctx, org, smtpContext(), st.sealedPassword)
		if err != nil {
			return nil, fmt.Errorf("open a mail server's password: %w", err)
		}
		m.Password = secret.New(plain)
	}
	return m, nil
}

package policy

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/safe"
)

var (
	wednesday = time.Date(2026, 3, 4, 10, 0, 0, 0, time.UTC)
	aGroup    = id.New[id.Group]()
	aSafe     = id.New[id.Safe]()
	aUser     = id.New[id.User]()
)

// question is of an operator, a user of the safe, at ten on a Wednesday from 10.1.2.3.
func question(change ...func(*Question)) *Question {
	q := &Question{Org: "org_1", Who: Person{ID: aUser, Handle: "otto", Email: "otto@vaultpam.test", Role: authz.Operator},
		Safe: Target{ID: aSafe, Name: "web-prod", Role: authz.SafeUser, Type: "ssh", ResourceName: "web", Host: "web.internal", Labels: []string{"env=prod", "team=web"},
			AccountEnabled: true, Settings: safe.Default()},
		Moment: Moment{At: wednesday, Source: netip.MustParseAddr("10.1.2.3"), MFAAge: 60}}
	for _, f := range change {
		f(q)
	}
	return q
}

func set(texts ...string) *Set {
	var list []Source
	for i, t := range texts {
		list = append(list, Source{ID: id.Policy("pol_" + string(rune('a'+i))), Name: "policy " + string(rune('a'+i)), Text: t, Version: 1, Enabled: true, Everywhere: true})
	}
	return Compile(7, list)
}

const (
	allowAll  = `permit (principal, action, resource);`
	denyAll   = `forbid (principal, action, resource);`
	askAll    = `@require_approval("1") permit (principal, action, resource);`
	askTwo    = `@require_approval("2") @approvers("safe") permit (principal, action, resource);`
	office    = `permit (principal, action, resource) when { context.hours.contains("mon-fri 08:00-18:00 UTC") };`
	fresh     = `permit (principal, action, resource) when { context.mfa_age <= 30 };`
	home      = `permit (principal, action, resource) when { context.source.isInRange(ip("192.0.2.0/24")) };`
	noNight   = `forbid (principal, action, resource) unless { context.hours.contains("mon-fri 11:00-18:00 UTC") };`
	freshOnly = `forbid (principal, action, resource) unless { context.mfa_age <= 30 };`
	ticketed  = `permit (principal, action, resource) when { context.ticket != "" };`
)

func TestPrecedence(t *testing.T) {
	approved := func(n int) func(*Question) {
		return func(q *Question) {
			g := Grant{ID: "agr_1", Until: wednesday.Add(time.Hour)}
			for range n {
				g.ApprovedBy = append(g.ApprovedBy, id.New[id.User]())
			}
			q.Moment.Grants = append(q.Moment.Grants, g)
		}
	}
	for _, c := range []struct {
		name    string
		set     *Set
		q       *Question
		outcome Outcome
		why     Why
		by      string
	}{
		{"no policy at all, as it always was", set(), question(), Allowed, "", "builtin:members"},
		{"allow", set(allowAll), question(), Allowed, "", "pol_a"},
		{"deny beats allow", set(allowAll, denyAll), question(), Denied, PolicyDenies, "pol_b"},
		{"require-approval beats allow", set(allowAll, askAll), question(), ApprovalNeeded, NoApproval, "pol_b"},
		{"and the product's own permit", set(askAll), question(), ApprovalNeeded, NoApproval, "pol_a"},
		{"deny beats require-approval", set(askAll, denyAll), question(), Denied, PolicyDenies, "pol_b"},
		{"deny beats an approval", set(askAll, denyAll), question(approved(1)), Denied, PolicyDenies, "pol_b"},
		{"approved", set(askAll), question(approved(1)), Allowed, "", "pol_a"},
		{"one is not two", set(askAll, askTwo), question(approved(1)), ApprovalNeeded, NoApproval, "pol_b"},
		{"two are", set(askAll, askTwo), question(approved(2)), Allowed, "", "pol_b"},
		{"an approval that is over", set(askAll), question(approved(1), func(q *Question) { q.Moment.At = wednesday.Add(time.Hour) }), ApprovalNeeded, NoApproval, "pol_a"},
		{"nothing matches a governed safe", set(home, `permit (principal in Role::"auditor", action, resource);`), question(), Denied, WrongSource, "pol_a"},
		{"a policy that does not match and does not allow changes nothing", set(`@require_approval("1") permit (principal, action, resource) when { resource.labels.contains("env=dev") };`), question(), Allowed, "", "builtin:members"},
		{"within hours", set(office), question(), Allowed, "", "pol_a"},
		{"after hours", set(office), question(func(q *Question) { q.Moment.At = wednesday.Add(9 * time.Hour) }), Denied, OutsideHours, "pol_a"},
		{"denied at this hour", set(noNight), question(), Denied, OutsideHours, "pol_a"},
		{"a factor would do", set(fresh), question(), Denied, MFARequired, "pol_a"},
		{"a factor would do, too", set(freshOnly), question(), Denied, MFARequired, "pol_a"},
		{"a factor would not do", set(freshOnly, noNight), question(), Denied, OutsideHours, "pol_b"},
		{"from elsewhere", set(home), question(), Denied, WrongSource, "pol_a"},
		{"without a ticket", set(ticketed), question(), Denied, NothingPermits, "pol_a"},
		{"with one", set(ticketed), question(func(q *Question) { q.Moment.Ticket = "OPS-1" }), Allowed, "", "pol_a"},
		{"with that of the request", set(ticketed), question(func(q *Question) {
			q.Moment.Grants = []Grant{{ID: "agr_1", Until: wednesday.Add(1), Ticket: "OPS-2"}}
		}), Allowed, "", "pol_a"},
		{"no policy lets in who has no role", set(allowAll), question(func(q *Question) { q.Safe.Role = "" }), Denied, NotPermitted, "role:session.launch"},
		{"an approved request does", set(), question(approved(1), func(q *Question) { q.Safe.Role = "" }), Allowed, "", "builtin:approved-request"},
		{"an auditor never", set(allowAll), question(approved(1), func(q *Question) { q.Who.Role = authz.Auditor }), Denied, NotPermitted, "role:session.launch"},
		{"a token without the scope", set(), question(func(q *Question) { q.Who.Token = true }), Denied, NotPermitted, "role:session.launch"},
		{"a disabled account", set(allowAll), question(func(q *Question) { q.Safe.AccountEnabled = false }), Denied, AccountDisabled, "account"},
		{"a policy that cannot be evaluated", set(allowAll, `forbid (principal, action, resource) when { context.mfa_age * 9223372036854775807 > 0 };`), question(), Denied, BrokenPolicy, "pol_b"},
		{"a text that is not valid any more", set(allowAll, `permit (principal, action, resource) when { context.gone };`), question(), Denied, BrokenPolicy, "pol_b"},
	} {
		d := c.set.Decide(c.q)
		if d.Outcome != c.outcome || d.Why != c.why || len(d.Reasons) == 0 || d.Reasons[0].ID != c.by {
			t.Errorf("%s: %s %q by %+v, want %s %q by %s", c.name, d.Outcome, d.Why, d.Reasons, c.outcome, c.why, c.by)
		}
		if (d.Outcome == Allowed) == (d.Sentence() != "") {
			t.Errorf("%s: the person is told %q", c.name, d.Sentence())
		}
		if again := c.set.Decide(c.q); !reflect.DeepEqual(again.Reasons, d.Reasons) || again.Outcome != d.Outcome {
			t.Errorf("%s: asked twice, answered twice: %+v and %+v", c.name, d, again)
		}
	}
}

// The settings of a safe are asked by the same engine, and told before other denials.
// Who opens sessions only is told that an approved request would show them the
// credential, unless none would.
func TestBeyondTheRole(t *testing.T) {
	reveal := func(q *Question) { q.Use = ForCheckout }
	for _, c := range []struct {
		name   string
		set    *Set
		change func(*Question)
		want   Outcome
		why    Why
		count  int
		by     id.Policy
	}{
		{"a user", set(), func(*Question) {}, ApprovalNeeded, NoApproval, 1, ""},
		{"a user without a factor, which is proved later", set(), func(q *Question) { q.Moment.MFAAge = NeverProved }, ApprovalNeeded, NoApproval, 1, ""},
		{"a user where two approve", set(askTwo), func(*Question) {}, ApprovalNeeded, NoApproval, 2, "pol_a"},
		{"a user where all is denied", set(denyAll), func(*Question) {}, Denied, PolicyDenies, 0, ""},
		{"a user at the wrong hour", set(noNight), func(*Question) {}, Denied, OutsideHours, 0, ""},
		{"a user whose request was approved", set(), func(q *Question) {
			q.Moment.Grants = []Grant{{ID: "agr_1", Until: wednesday.Add(time.Hour), ApprovedBy: []id.User{"usr_1"}}}
		}, Allowed, NotRefused, 0, ""},
		{"who may check out", set(), func(q *Question) { q.Safe.Role = authz.SafeCheckout }, Allowed, NotRefused, 0, ""},
		{"no member", set(), func(q *Question) { q.Safe.Role = authz.NoSafeRole }, Denied, NotPermitted, 0, ""},
		{"an auditor", set(), func(q *Question) { q.Who.Role = authz.Auditor }, Denied, NotPermitted, 0, ""},
		{"a token whose scopes do not reach", set(), func(q *Question) { q.Who.Token, q.Who.Scopes = true, []string{"safes:read"} }, Denied, NotPermitted, 0, ""},
	} {
		d := c.set.Decide(question(reveal, c.change))
		if d.Outcome != c.want || d.Why != c.why || d.Use != ForCheckout || (d.Outcome != Allowed && len(d.Reasons) == 0) {
			t.Errorf("%s: %s %q by %+v", c.name, d.Outcome, d.Why, d.Reasons)
		}
		if c.count > 0 && (d.Approval == nil || d.Approval.Count != c.count || d.Approval.Policy != c.by || d.Reasons[0].ID != "role:secret.reveal") {
			t.Errorf("%s: %+v by %+v", c.name, d.Approval, d.Reasons)
		}
	}
}

func TestWhoIsShutOut(t *testing.T) {
	lent := func(q *Question) {
		q.Safe.Role, q.Moment.Grants = authz.NoSafeRole, []Grant{{Until: wednesday.Add(time.Hour)}}
	}
	outside := func(q *Question) { q.Safe.Role = authz.NoSafeRole }
	for _, c := range []struct {
		name string
		set  *Set
		q    *Question
		want bool
	}{
		{"no policy", set(), question(), false},
		{"no member", set(), question(outside), true},
		{"who has it lent", set(), question(lent), false},
		{"who has it lent and is denied", set(denyAll), question(lent), true},
		{"an auditor", set(), question(func(q *Question) { q.Who.Role = authz.Auditor }), true},
		{"denied", set(denyAll), question(), true},
		{"denied beside allowed", set(allowAll, denyAll), question(), true},
		{"asks for approval", set(askAll), question(), false},
		{"the wrong hour", set(noNight), question(), false},
		{"the wrong hour, and denied", set(noNight, denyAll), question(), true},
		{"allowed in the office only, at night", set(office), question(func(q *Question) { q.Moment.At = wednesday.Add(12 * time.Hour) }), false},
		{"the wrong network", set(home), question(), false},
		{"a stale factor", set(freshOnly), question(), false},
		{"no ticket", set(ticketed), question(), false},
		{"only others are allowed", set(`permit (principal, action, resource) when { principal.handle == "anna" };`), question(), true},
		{"a policy that is broken", set("forbid ("), question(), false},
		{"a disabled account", set(), question(func(q *Question) { q.Safe.AccountEnabled = false }), false},
	} {
		if got := c.set.Shut(c.q); got != c.want {
			t.Errorf("%s: shut is %v", c.name, got)
		}
	}
}

func TestSettingsOfTheSafe(t *testing.T) {
	strict := func(q *Question) {
		q.Safe.Settings.ValidHours = &safe.ValidHours{Days: []time.Weekday{time.Wednesday}, From: 8 * 60, To: 18 * 60, TimeZone: "UTC"}
		q.Safe.Settings.SourceNetworks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}
		q.Safe.Settings.StepUp, q.Safe.Settings.StepUpFreshness = true, 5*time.Minute
	}
	for _, c := range []struct {
		name   string
		change func(*Question)
		why    Why
	}{
		{"as it should be", func(*Question) {}, ""},
		{"after hours", func(q *Question) { q.Moment.At = wednesday.Add(8 * time.Hour) }, OutsideHours},
		{"from elsewhere", func(q *Question) { q.Moment.Source = netip.MustParseAddr("192.0.2.1") }, WrongSource},
		{"from nowhere", func(q *Question) { q.Moment.Source = netip.Addr{} }, WrongSource},
		{"mapped into IPv6", func(q *Question) { q.Moment.Source = netip.MustParseAddr("::ffff:10.1.2.3") }, ""},
		{"IPv6 with a zone", func(q *Question) { q.Moment.Source = netip.MustParseAddr("2001:db8::1%eth0") }, ""},
		{"a factor on the edge", func(q *Question) { q.Moment.MFAAge = 300 }, ""},
		{"a stale factor", func(q *Question) { q.Moment.MFAAge = 301 }, MFARequired},
		{"no factor", func(q *Question) { q.Moment.MFAAge = NeverProved }, MFARequired},
		{"no factor from elsewhere after hours", func(q *Question) {
			q.Moment.MFAAge, q.Moment.Source, q.Moment.At = NeverProved, netip.Addr{}, wednesday.Add(8*time.Hour)
		}, OutsideHours},
	} {
		d := set(allowAll).Decide(question(strict, c.change))
		if d.Why != c.why {
			t.Errorf("%s: %q, want %q: %+v", c.name, d.Why, c.why, d.Reasons)
		}
		if c.why != "" && d.Reasons[0].Kind != "safe" {
			t.Errorf("%s: told by %+v", c.name, d.Reasons)
		}
	}
	if text := SettingsText(safe.Default()); text != "" {
		t.Errorf("settings without a condition: %s", text)
	}
}

// Options belong to the one policy that let in.
func TestOptionsAreNeverMerged(t *testing.T) {
	files := `@file_transfer("block") @session_ttl("1h") permit (principal, action, resource) when { context.source.isInRange(ip("10.0.0.0/8")) };`
	forwards := `@local_forward("block") permit (principal, action, resource);`
	q := question(func(q *Question) { q.Safe.Settings.LocalForward = true })
	d := set(files, forwards).Decide(q)
	if d.By != "pol_a" || d.Settings.FileTransfer != safe.FilesBlock || d.Settings.SessionTTL != time.Hour || !d.Settings.LocalForward {
		t.Errorf("%s: %+v", d.By, d.Settings)
	}
	q.Moment.Source = netip.MustParseAddr("192.0.2.1")
	d = set(files, forwards).Decide(q)
	if d.By != "pol_b" || d.Settings.FileTransfer != safe.FilesAudit || d.Settings.LocalForward {
		t.Errorf("%s: %+v", d.By, d.Settings)
	}
	first := Compile(1, []Source{
		{ID: "pol_a", Name: "late", Text: allowAll, Enabled: true, Everywhere: true, Priority: 20},
		{ID: "pol_b", Name: "early", Text: forwards, Enabled: true, Safes: []id.Safe{aSafe}, Priority: 10},
		{ID: "pol_c", Name: "elsewhere", Text: denyAll, Enabled: true, Safes: []id.Safe{"safe_other"}},
		{ID: "pol_d", Name: "off", Text: denyAll, Everywhere: true},
	})
	if d := first.Decide(q); d.Outcome != Allowed || d.By != "pol_b" {
		t.Errorf("by %s: %+v", d.By, d.Reasons)
	}
	var o Options
	if got := o.narrow(safe.Default()); !got.Equal(safe.Default()) {
		t.Errorf("no option changed %+v", got)
	}
}

func TestWrongTextsAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "empty",
		"permit":                               "parse",
		"permit (principal, action, resource)": "",
		`permit (principal, action, resource) when { context.nope };`:                                                         "nope",
		`permit (principal, action == Action::"safe.delete", resource);`:                                                      "safe.delete",
		`permit (principal in User::"x", action, resource);`:                                                                  "User",
		`permit (principal, action, resource) when { context.source.isInRange(ip("office")) };`:                               "",
		`permit (principal, action, resource) when { context.hours.contains("always") };`:                                     "hours",
		`permit (principal, action, resource) when { context.hours.contains("mon-fri 08:00-18:00 Mars/Base") };`:              "time_zone",
		`permit (principal, action, resource) when { context.hours == ["x"] };`:                                               "hours",
		`permit (principal, action, resource) when { context.hours.contains(context.ticket) };`:                               "text",
		`permit (principal, action, resource) when { context == context };`:                                                   "hours",
		`@colour("red") permit (principal, action, resource);`:                                                                "colour",
		`@require_approval("3") permit (principal, action, resource);`:                                                        "require_approval",
		`@require_approval("1") forbid (principal, action, resource);`:                                                        "require_approval",
		`@approvers("safe") permit (principal, action, resource);`:                                                            "approvers",
		`@require_approval("1") @approvers("everybody") permit (principal, action, resource);`:                                "approvers",
		`@file_transfer("allow") permit (principal, action, resource);`:                                                       "narrows",
		`@file_transfer("block") forbid (principal, action, resource);`:                                                       "permit",
		`@session_ttl("1s") permit (principal, action, resource);`:                                                            "session_ttl",
		`@id("a") permit (principal, action, resource); @id("a") forbid (principal, action, resource);`:                       "@id",
		strings.Repeat(allowAll, MaxStatements+1):                                                                             "statements",
		`permit (principal, action, resource) when { ` + strings.Repeat("(", 100) + "true" + strings.Repeat(")", 100) + ` };`: "nested",
		`permit (principal, action, resource) when { "` + strings.Repeat("x", MaxText) + `" == "" };`:                         "longer",
	} {
		_, err := parseText(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.90s: %v, want %q", text, err, want)
		}
	}
}

func everyForm() []Form {
	g, u, s1, s2 := string(aGroup), string(aUser), string(aSafe), string(id.New[id.Safe]())
	forms := []Form{
		{Effect: Allow}, {Effect: Deny}, {Effect: RequireApproval, Approvals: 1},
		{Effect: Allow, Roles: []string{"admin"}}, {Effect: Allow, Groups: []string{g}}, {Effect: Deny, People: []string{u}},
		{Effect: Allow, Roles: []string{"admin", "owner"}, Groups: []string{g}, People: []string{u}},
		{Effect: Allow, Safes: []string{s1}}, {Effect: Allow, Safes: []string{s1, s2}}, {Effect: Deny, SafeRoles: []string{"user", "checkout"}},
		{Effect: Allow, Types: []string{"ssh"}, Labels: []string{"env=prod", `a="b"\c`, "größe=1"}},
		{Effect: Allow, Hours: []string{"mon-fri 08:00-18:00 Europe/Vienna"}},
		{Effect: Allow, Hours: []string{"mon-fri 08:00-18:00 Europe/Vienna", "sat,sun 10:00-12:00 UTC"}, Networks: []string{"10.0.0.0/8"}},
		{Effect: Deny, Unless: true, Hours: []string{"mon 22:00-06:00 UTC", "tue 22:00-06:00 UTC"}, Networks: []string{"10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"}, MFAWithin: 900, Ticket: true},
		{Effect: Deny, Networks: []string{"10.0.0.0/8", "192.0.2.0/24"}}, {Effect: Allow, MFAWithin: 300}, {Effect: Allow, Ticket: true},
		{Effect: RequireApproval, Approvals: 2, Approvers: []string{"safe", "group:" + g, "person:" + u}, Message: `ask in #ops "please"`, Labels: []string{"env=prod"}},
		{Effect: Allow, Options: FormOptions{Recording: true, RecordInput: true, FileTransfer: "block", BlockLocalForward: true, BlockRemoteForward: true, BlockAgentForward: true,
			BlockX11Forward: true, BlockJump: true, SessionTTLSeconds: 3600, IdleTimeoutSeconds: 90}},
	}
	for _, t := range Templates() {
		forms = append(forms, t.Form)
	}
	return forms
}

func TestFormsAreReadBack(t *testing.T) {
	for _, f := range everyForm() {
		text, err := f.Text()
		if err != nil {
			t.Errorf("%+v: %v", f, err)
			continue
		}
		got, ok := ReadForm(text)
		if !ok || !reflect.DeepEqual(got, f) {
			t.Errorf("%+v\nwritten as %s\nread as %v %+v", f, text, ok, got)
		}
	}
	for _, text := range []string{
		`permit (principal, action, resource);`, // any action: the form names one
		`permit (principal, action == Action::"session.launch", resource) when { context.mfa_age < 30 };`,
		`permit (principal, action == Action::"session.launch", resource) when { principal.handle == "otto" };`,
		`permit (principal, action == Action::"session.launch", resource) when { context.ticket != "x" };`,
		`permit (principal, action == Action::"session.launch", resource) unless { context.ticket != "" } when { context.mfa_age <= 3 };`,
		`@id("x") permit (principal, action == Action::"session.launch", resource);`,
		allowAll + allowAll, "nonsense",
	} {
		if f, ok := ReadForm(text); ok {
			t.Errorf("%s was read as %+v", text, f)
		}
	}
}

func TestWrongFormsNameTheirFields(t *testing.T) {
	for field, f := range map[string]Form{
		"form.effect": {}, "form.roles[0]": {Effect: Allow, Roles: []string{"king"}}, "form.groups[0]": {Effect: Allow, Groups: []string{"x"}},
		"form.hours[0]": {Effect: Allow, Hours: []string{"tue,mon 8-9 UTC"}}, "form.networks[0]": {Effect: Allow, Networks: []string{"10.0.0.1/8"}},
		"form.approvals": {Effect: Allow, Approvals: 1}, "form.options": {Effect: Deny, Options: FormOptions{Recording: true}}, "form.unless": {Effect: Deny, Unless: true},
		"form.people[1]": {Effect: Allow, People: []string{string(aUser), string(aUser)}}, "form.message": {Effect: Allow, Message: "a\nb"},
		"form.types[0]": {Effect: Allow, Types: []string{"fax"}}, "form.options.session_ttl_seconds": {Effect: Allow, Options: FormOptions{SessionTTLSeconds: 1}},
	} {
		_, err := f.Text()
		if err == nil || !slices.ContainsFunc(faultFields(err), func(p string) bool { return p == field }) {
			t.Errorf("%s: %v %v", field, err, faultFields(err))
		}
	}
}

func TestHoursText(t *testing.T) {
	for in, want := range map[string]string{
		"mon-fri 08:00-18:00 UTC": "mon-fri 08:00-18:00 UTC", "mon,tue,wed 00:00-24:00 UTC": "mon-wed 00:00-24:00 UTC", "sun,mon,tue 01:00-02:00 UTC": "mon,tue,sun 01:00-02:00 UTC",
		"fri-mon 22:00-06:00 Europe/Vienna": "mon,fri-sun 22:00-06:00 Europe/Vienna",
	} {
		h, err := ParseHours(in)
		if err != nil || HoursText(h) != want {
			t.Errorf("%s: %s, %v", in, HoursText(h), err)
		}
	}
}

// FuzzText checks the laws of texts: what is taken decides something, never both
// ways, and what a form reads of it says the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{allowAll, denyAll, askAll, office, fresh, home, noNight, ticketed, SchemaText(), BuiltinText()} {
		f.Add(s)
	}
	for _, form := range everyForm() {
		text, _ := form.Text()
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseText(text)
		if err != nil {
			return
		}
		s := set(text)
		if len(s.everywhere) != len(list) {
			t.Fatalf("%d rules of %d statements", len(s.everywhere), len(list))
		}
		d := s.Decide(question())
		if len(d.Reasons) == 0 || (d.Outcome == Allowed) != (d.Why == "") {
			t.Fatalf("%+v", d)
		}
		if form, ok := ReadForm(text); ok {
			again, err := form.Text()
			if err != nil {
				t.Fatal(err)
			}
			if e := set(again).Decide(question()); e.Outcome != d.Outcome || e.Why != d.Why {
				t.Fatalf("%s\nas a form %s", text, again)
			}
		}
	})
}

func faultFields(err error) []string {
	var out []string
	if f := fault.As(err); f != nil {
		for _, x := range f.Fields {
			out = append(out, x.Path)
		}
	}
	return out
}

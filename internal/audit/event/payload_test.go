package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cyberphone/json-canonicalization/go/src/webpki.org/jsoncanonicalizer"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/event/eventtest"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
)

var update = flag.Bool("update", false, "write the golden files anew")

func payload(t *testing.T, ev event.Event) []byte {
	t.Helper()
	p, err := eventtest.Payload(ev)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestEverySampleIsEncodedAndRead(t *testing.T) {
	all := append(eventtest.All(), eventtest.Unsuccessful()...)
	seen := map[event.Constant]map[event.Outcome]bool{}
	for _, ev := range all {
		d := ev.Definition()
		p := payload(t, ev)
		if again, err := jsoncanonicalizer.Transform(p); err != nil || !bytes.Equal(again, p) {
			t.Errorf("%s: not canonical: %v\n%s", d.Constant, err, p)
		}
		e, err := event.Decode(p)
		if err != nil {
			t.Errorf("%s: %v\n%s", d.Constant, err, p)
			continue
		}
		checkEnvelope(t, ev, e)
		if seen[d.Constant] == nil {
			seen[d.Constant] = map[event.Outcome]bool{}
		}
		seen[d.Constant][ev.Outcome()] = true
	}
	for _, d := range event.Catalog() {
		for _, o := range d.Outcomes {
			if !seen[d.Constant][o] {
				t.Errorf("%s: no sample with outcome %s", d.Constant, o)
			}
		}
	}
}

// checkEnvelope compares what was read with the event and its definition.
func checkEnvelope(t *testing.T, ev event.Event, e event.Envelope) {
	t.Helper()
	d := ev.Definition()
	switch {
	case e.SchemaVersion != 1,
		e.Constant != d.Constant, e.Event != d.Wire, e.Category != d.Category,
		e.Severity != d.SeverityOf(ev.Outcome()), e.Severity != ev.Severity(),
		e.Outcome != ev.Outcome(), e.Reason != ev.Reason(),
		e.Target.Type != d.TargetType, !slices.Contains(d.ActorTypes, e.Actor.Type),
		!e.Time.Time().Equal(eventtest.At), !e.RecordedAt.Time().Equal(eventtest.At.Add(time.Millisecond)),
		e.OrgID != ev.Org(), e.RequestID == "":
		t.Errorf("%s: envelope is %+v", d.Constant, e)
	}
	if (e.Source.IP == "") != (e.Actor.Type == event.System) {
		t.Errorf("%s by %s has source address %q", d.Constant, e.Actor.Type, e.Source.IP)
	}
	for _, f := range d.Metadata {
		got, ok := e.Metadata[f.Name]
		if !ok || !eventtest.Carries(f, got) {
			t.Errorf("%s: metadata %s (%s) is %v", d.Constant, f.Name, f.Type, got)
		}
	}
	if len(e.Metadata) != len(d.Metadata) {
		t.Errorf("%s: metadata has %d fields, the catalog %d: %v", d.Constant, len(e.Metadata), len(d.Metadata), e.Metadata)
	}
}

// TestPayloadsNeverChange compares the bytes of every event with those of the golden
// file. A change there is a change of the public format.
func TestPayloadsNeverChange(t *testing.T) {
	var got bytes.Buffer
	for _, ev := range append(eventtest.All(), eventtest.Unsuccessful()...) {
		got.Write(append(payload(t, ev), '\n'))
	}
	golden := filepath.Join("testdata", "payloads.ndjson")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got.String(), "\n"), strings.Split(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if at(g, i) != at(w, i) {
			t.Fatalf("payload %d is\n%s\nwant\n%s", i+1, at(g, i), at(w, i))
		}
	}
}

// TestOptionalFieldsAreLeftOut takes one event with all and without any optional field.
func TestOptionalFieldsAreLeftOut(t *testing.T) {
	bare := event.NewProxySSHSessionClosed(person(event.User), session(), "res_1", 2, 10, 20, 90*time.Second)
	e := decoded(t, bare)
	want := map[string]any{
		"connection_id": "res_1", "channels": json.Number("2"), "bytes_to_target": json.Number("10"),
		"bytes_from_target": json.Number("20"), "duration_seconds": json.Number("90"),
	}
	if !reflect.DeepEqual(e.Metadata, want) {
		t.Errorf("metadata is %v", e.Metadata)
	}
	if e := decoded(t, bare.WithExitStatus(0)); e.Metadata["exit_status"] != json.Number("0") {
		t.Errorf("an exit status of 0 is a value: %v", e.Metadata)
	}
	if _, ok := decoded(t, bare).Metadata["exit_status"]; ok {
		t.Error("With changed the event that it was called on")
	}
}

func decoded(t *testing.T, ev event.Event) event.Envelope {
	t.Helper()
	e, err := event.Decode(payload(t, ev))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func person(as event.ActorType) event.Act {
	return event.By(authz.Actor{Kind: authz.Person, User: "usr_1", Name: "ann", Org: "org_1", WebSession: "web_1", Request: "req_1"}, as)
}

func session() event.SessionRef { return event.SessionTarget("ses_1", "web-prod") }

func TestActorIsMapped(t *testing.T) {
	token := authz.Actor{Kind: authz.Token, User: "usr_1", Name: "ci", Org: "org_1", Token: "tok_1"}
	nobody := authz.Actor{Kind: authz.Nobody, User: "usr_1", Name: "ann", Org: "org_1"}
	connector := authz.Actor{Kind: authz.Connector, Name: "berlin-1", Org: "org_1"}
	launch := func(a authz.Actor) event.Event {
		return event.NewSessionStartRequested(event.By(a, event.User), event.ConnectionTarget("res_1", "web"),
			event.ProtocolSSH, "safe_1", "acc_1", "pol_1")
	}
	closing := func(act event.Act) event.Event {
		return event.NewProxySSHSessionClosed(act, session(), "res_1", 1, 0, 0, 0)
	}
	challenge := event.NewMFAChallengeTriggered(event.By(token, event.User), event.TenantTarget("org_1", "acme"),
		"usr_1", "chl_1", event.MFAPurposeStepUp, nil)
	for _, c := range []struct {
		ev   event.Event
		want event.Actor
	}{
		{launch(token), event.Actor{Type: event.ServiceAccount, ID: "usr_1", Name: "ci", Authenticated: true, TokenID: "tok_1"}},
		{challenge, event.Actor{Type: event.User, ID: "usr_1", Name: "ci", Authenticated: true, TokenID: "tok_1"}},
		{launch(nobody), event.Actor{Type: event.User, Name: "ann"}},
		{closing(event.By(authz.SystemActor("org_1"), event.User)), event.Actor{Type: event.System, Name: "system", Authenticated: true}},
		{closing(event.By(connector, event.User).Through("con_1")), event.Actor{Type: event.Connector, ID: "con_1", Name: "berlin-1", Authenticated: true}},
		{closing(person(event.User).ByDelegation("dlg_1")), event.Actor{Type: event.User, ID: "usr_1", Name: "ann", Authenticated: true, DelegationID: "dlg_1"}},
	} {
		if got := decoded(t, c.ev).Actor; got != c.want {
			t.Errorf("actor is %+v, want %+v", got, c.want)
		}
	}
}

func TestActChangesOrganizationSessionAndTime(t *testing.T) {
	then := time.Date(2026, 1, 2, 3, 4, 5, 6_007, time.FixedZone("", 3600))
	ev := event.NewProxySSHSessionClosed(person(event.User).InOrg("org_2").InSession("ses_9").At(then), session(), "res_1", 1, 0, 0, 0)
	e := decoded(t, ev)
	if e.OrgID != "org_2" || e.SessionID != "ses_9" || e.Time.String() != "2026-01-02T02:04:05.000006Z" {
		t.Errorf("envelope is %+v", e)
	}
	if e := decoded(t, event.NewProxySSHSessionClosed(person(event.User), session(), "res_1", 1, 0, 0, 0)); e.SessionID != "web_1" {
		t.Errorf("without another, the session is the actor's web session, not %q", e.SessionID)
	}
}

// TestRulesThatOnlyRunTimeCanSee lists the events that must not become a payload.
func TestRulesThatOnlyRunTimeCanSee(t *testing.T) {
	tenant := event.TenantTarget("org_1", "acme")
	safe := event.SafeTarget("safe_1", "web")
	type wrapped struct{ event.SafeMemberAdded }
	for _, c := range []struct {
		ev   event.Event
		want string
	}{
		{nil, "nil"},
		{event.SafeMemberAdded{}, "not built by its constructor"},
		{event.SafeMemberAdded{}.WithEndsAt(time.Now()), "not built by its constructor"},
		{wrapped{event.NewSafeMemberAdded(person(event.OrgAdmin), safe, "usr_2", "user")}, "not built by its constructor"},
		{event.NewSafeMemberAdded(event.Act{}, safe, "usr_2", "user"), "no act"},
		{event.NewSafeMemberAdded(person(event.User), safe, "usr_2", "user"), "actor type User is not one of"},
		{event.NewSafeMemberAdded(person("root"), safe, "usr_2", "user"), "actor type root is not one of"},
		{event.NewSafeMemberAdded(person(event.OrgAdmin).OnPlatform(), safe, "usr_2", "user"), "organization's ledger"},
		{event.NewPlatformUserMFAReset(person(event.PlatformAdmin), event.PlatformTarget(), "usr_2", nil, 0), "platform's ledger"},
		{event.NewSafeMemberAdded(person(event.OrgAdmin), safe, "", "user"), "metadata subject_user_id is missing"},
		{event.NewGroupCreated(person(event.TenantAdmin), tenant, "grp_1", "ops", event.GroupSource{}), "metadata group_source is missing"},
		{event.NewAPITokenCreated(person(event.User), event.APITokenTarget("tok_1", "ci"), "ci", "usr_1", false, nil).
			Denied(event.APITokenCreatedReason{}), "needs a reason"},
		{event.NewUserAccessRequestCreated(person(event.User), safe, "arq_1", event.ApprovalModeSingle, 1, time.Time{}, time.Now()), "metadata requested_from is missing"},
	} {
		_, err := event.Encode(c.ev, "evt_1", "log_1", orgOf(c.ev), eventtest.At, eventtest.At)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%T: error is %v, want one that says %q", c.ev, err, c.want)
		}
	}
}

func orgOf(ev event.Event) id.Org {
	if ev == nil {
		return ""
	}
	return ev.Org()
}

func TestEncodeNeedsIdLedgerAndTimes(t *testing.T) {
	ev := event.NewSafeMemberAdded(person(event.OrgAdmin), event.SafeTarget("safe_1", "web"), "usr_2", "user")
	for _, c := range []struct {
		evt      id.Event
		log      id.Log
		at, kept time.Time
	}{
		{"", "log_1", eventtest.At, eventtest.At},
		{"evt_1", "", eventtest.At, eventtest.At},
		{"evt_1", "log_1", time.Time{}, eventtest.At},
		{"evt_1", "log_1", eventtest.At, time.Time{}},
	} {
		if _, err := event.Encode(ev, c.evt, c.log, "org_1", c.at, c.kept); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
}

// TestRefusedActMayLackAnObject: where an act was refused there may be nothing yet that an id could be of.
func TestRefusedActMayLackAnObject(t *testing.T) {
	ev := event.NewAgentPairingInitiated(person(event.TenantAdmin), event.AgentTarget("", ""), "", "berlin-1", false, time.Time{}).
		Denied(event.AgentPairingInitiatedConnectorLimit)
	e := decoded(t, ev)
	if e.Metadata["enrolment_token_id"] != "" || e.Metadata["expires_at"] != nil || e.Target.ID != "" {
		t.Errorf("envelope is %+v", e)
	}
	if _, ok := e.Metadata["expires_at"]; !ok {
		t.Error("a required field is left out")
	}
}

func TestTextIsBoundedAndCleaned(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"},
		{"a\x00b\nc\x1b[31md\x7fe\u0085f", "abc[31mdef"},
		{"user\u202egpj.exe\u2028x", "usergpj.exex"},
		{"bad \xff\xfe bytes", "bad \ufffd\ufffd bytes"},
		{strings.Repeat("x", 256), strings.Repeat("x", 256)},
		{strings.Repeat("x", 257), strings.Repeat("x", 255) + "…"},
		{strings.Repeat("ü", 256), strings.Repeat("ü", 256)},
		{strings.Repeat("ü", 9999), strings.Repeat("ü", 255) + "…"},
		{strings.Repeat("\n", 9999) + "x", "x"},
		{`"\</script>&`, `"\</script>&`},
	} {
		ev := event.NewProxySSHAuthRejected(
			event.By(authz.Actor{Kind: authz.Nobody, Name: c.in, Org: "org_1", Source: authz.Source{UserAgent: c.in}}, event.User),
			event.SessionTarget("", c.in), event.ProxySSHAuthRejectedGrantInvalid, c.in, 1).WithClaimedUser(c.in)
		e := decoded(t, ev)
		for where, got := range map[string]any{
			"actor": e.Actor.Name, "user agent": e.Source.UserAgent, "target": e.Target.Name,
			"required field": e.Metadata["client_version"], "optional field": e.Metadata["claimed_user"],
		} {
			if got != c.want {
				t.Errorf("%s: %.40q became %.40q, want %.40q", where, c.in, got, c.want)
			}
		}
	}
}

func TestListsAreBounded(t *testing.T) {
	var names []string
	var changes []event.Change
	var events []id.Event
	for range 100 {
		names = append(names, "x")
		changes = append(changes, event.Changed("port", 22, 2222))
		events = append(events, "evt_1")
	}
	e := decoded(t, event.NewPolicyAssignmentChanged(person(event.OrgAdmin), event.PolicyTarget("pol_1", "web"),
		"safe_1", event.AssignmentChangeEdited, changes, names))
	for _, f := range []string{"changes", "weakened_controls"} {
		list := e.Metadata[f].([]any)
		if len(list) != 64 {
			t.Errorf("%s has %d items", f, len(list))
		}
		if last, _ := json.Marshal(list[63]); !strings.Contains(string(last), "+37 more") {
			t.Errorf("%s ends in %s", f, last)
		}
	}
	e = decoded(t, event.NewSecurityIncidentFlagged(person(event.User), event.TenantTarget("org_1", "acme"),
		"inc_1", "grant_replay", "session", events, event.AutomaticActionNone))
	if n := len(e.Metadata["related_events"].([]any)); n != 64 {
		t.Errorf("related_events has %d items", n)
	}
}

func TestPayloadIsBounded(t *testing.T) {
	var changes []event.Change
	for range 64 {
		changes = append(changes, event.Changed("banner", strings.Repeat("a", 256), strings.Repeat("語", 256)))
	}
	ev := event.NewTenantSettingsUpdated(person(event.TenantAdmin), event.TenantTarget("org_1", "acme"),
		event.SettingGroupBranding, changes, nil)
	if _, err := eventtest.Payload(ev); err == nil || !strings.Contains(err.Error(), "at most 32768") {
		t.Errorf("error is %v", err)
	}
}

func TestSecretSettingsShowOnlyThatTheyChanged(t *testing.T) {
	canary := "hunter2-canary"
	e := event.NewConnectionDefinitionUpdated(person(event.TenantAdmin), event.ConnectionTarget("res_1", "web"), []event.Change{
		event.SecretSet("passphrase"), event.SecretReplaced("private_key"), event.SecretCleared("password"),
		event.Changed("smtp.password", canary, "x"), event.Changed("Password", "", canary),
		event.Changed("api_token", canary, ""), event.Changed("port", 22, 23), event.Changed("recording", true, false),
	}, false, false)
	p := payload(t, e)
	if bytes.Contains(p, []byte(canary)) {
		t.Fatalf("a secret is in %s", p)
	}
	var got []string
	for _, c := range decoded(t, e).Metadata["changes"].([]any) {
		m := c.(map[string]any)
		got = append(got, m["field"].(string)+":"+m["old"].(string)+">"+m["new"].(string))
	}
	want := []string{
		"passphrase:>set", "private_key:>replaced", "password:>cleared", "smtp.password:>replaced",
		"Password:>set", "api_token:>cleared", "port:22>23", "recording:true>false",
	}
	if !slices.Equal(got, want) {
		t.Errorf("changes are %v", got)
	}
}

func TestNumbersStayExact(t *testing.T) {
	for in, want := range map[int64]string{
		1<<53 - 1: "9007199254740991", 1 << 53: "9007199254740991", 1<<63 - 1: "9007199254740991",
		-1 << 63: "-9007199254740991", 100000000000000000: "9007199254740991", 1234567890123456: "1234567890123456",
	} {
		e := decoded(t, event.NewProxySSHSessionClosed(person(event.User), session(), "res_1", 1, in, 0, 0))
		if got := e.Metadata["bytes_to_target"]; got != json.Number(want) {
			t.Errorf("%d became %v", in, got)
		}
	}
}

func TestParseReadsOnlyTheClosedList(t *testing.T) {
	if p, err := event.ParseProtocol("ssh"); err != nil || p != event.ProtocolSSH {
		t.Errorf("ssh is %v, %v", p, err)
	}
	if c, err := event.ParseFirstChannel("sftp"); err != nil || c != event.FirstChannelSFTP {
		t.Errorf("sftp is %v, %v", c, err)
	}
	for _, s := range []string{"", "SSH", "telnet", "ssh ", strings.Repeat("x", 1<<20)} {
		if p, err := event.ParseProtocol(s); err == nil || p != (event.Protocol{}) || len(err.Error()) > 200 {
			t.Errorf("%.20q is %v, error %.300v", s, p, err)
		}
	}
}

func TestDecodeRefusesWhatEncodeDoesNotWrite(t *testing.T) {
	good := payload(t, eventtest.All()[0])
	replace := func(old, with string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("%q is not in %s", old, good)
		}
		return bytes.Replace(good, []byte(old), []byte(with), 1)
	}
	for name, p := range map[string][]byte{
		"empty":           nil,
		"cut":             good[:len(good)-1],
		"two":             append(slices.Clone(good), good...),
		"space":           append(slices.Clone(good), ' '),
		"array":           []byte(`[]`),
		"unknown field":   replace(`{"actor"`, `{"aaa":1,"actor"`),
		"missing field":   replace(`"reason":"",`, ``),
		"other case":      replace(`"reason"`, `"Reason"`),
		"other version":   replace(`"schema_version":1`, `"schema_version":2`),
		"local time":      replace(`09:26:53.589793Z`, `10:26:53.589793+01:00`),
		"short time":      replace(`09:26:53.589793Z`, `09:26:53Z`),
		"number too fine": replace(`"schema_version":1`, `"schema_version":1.0`),
		"not UTF-8":       replace(`"the target"`, "\"the \xfftarget\""),
		"too long":        replace(`"the target"`, `"`+strings.Repeat("x", event.MaxPayload)+`"`),
	} {
		if e, err := event.Decode(p); err == nil {
			t.Errorf("%s: read as %+v", name, e)
		} else if !utf8.ValidString(err.Error()) || len(err.Error()) > 300 {
			t.Errorf("%s: error is %q", name, err)
		}
	}
}

// FuzzDecode holds the law that what is read is written again as the same bytes.
func FuzzDecode(f *testing.F) {
	for _, ev := range append(eventtest.All(), eventtest.Unsuccessful()...) {
		p, err := eventtest.Payload(ev)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Add([]byte(`{"actor":{}}`))
	f.Add([]byte(`{"schema_version":1,"schema_version":1}`))
	f.Add([]byte(strings.Repeat(`{"metadata":`, 5000)))
	f.Fuzz(func(t *testing.T, p []byte) {
		e, err := event.Decode(p)
		if err != nil {
			return
		}
		again, err := e.Canonical()
		if err != nil || !bytes.Equal(again, p) {
			t.Fatalf("%q is written again as %q, %v", p, again, err)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	ev := event.NewProxySSHSessionClosed(person(event.User), session(), "res_1", 2, 10, 20, 90*time.Second).WithExitStatus(1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eventtest.Payload(ev); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	p, err := eventtest.Payload(eventtest.All()[0])
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := event.Decode(p); err != nil {
			b.Fatal(err)
		}
	}
}

package event_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/vaultpam/vaultpam/internal/audit/event"
)

// page is audit-events.yaml, the written agreement on the public catalog.
type page struct {
	SchemaVersion int                             `yaml:"schema_version"`
	OCSFVersion   string                          `yaml:"ocsf_version"`
	ECSVersion    string                          `yaml:"ecs_version"`
	Severities    []event.Severity                `yaml:"severities"`
	ActorTypes    []event.ActorType               `yaml:"actor_types"`
	TargetTypes   []event.TargetType              `yaml:"target_types"`
	SeverityMap   map[event.Severity]pageSeverity `yaml:"severity_map"`
	Events        []pageEvent                     `yaml:"events"`
}

type pageSeverity struct {
	OCSF   int `yaml:"ocsf_severity_id"`
	Syslog int `yaml:"syslog"`
	CEF    int `yaml:"cef"`
	OTLP   int `yaml:"otlp"`
}

type pageEvent struct {
	Constant             event.Constant    `yaml:"constant"`
	Wire                 string            `yaml:"wire"`
	Category             event.Category    `yaml:"category"`
	Severity             event.Severity    `yaml:"severity"`
	SeverityIfNotSuccess event.Severity    `yaml:"severity_if_not_success"`
	ActorTypes           []event.ActorType `yaml:"actor_types"`
	TargetType           event.TargetType  `yaml:"target_type"`
	Log                  event.LogKind     `yaml:"log"`
	Outcomes             []event.Outcome   `yaml:"outcomes"`
	Reasons              []string          `yaml:"reasons"`
	Trigger              string            `yaml:"trigger"`
	Metadata             []pageField       `yaml:"metadata"`
	OCSF                 pageOCSF          `yaml:"ocsf"`
	ECS                  pageECS           `yaml:"ecs"`
}

type pageField struct {
	Name     string `yaml:"name"`
	Type     string `yaml:"type"`
	Optional bool   `yaml:"optional"`
}

type pageOCSF struct {
	ClassUID     int    `yaml:"class_uid"`
	ClassName    string `yaml:"class_name"`
	ActivityID   int    `yaml:"activity_id"`
	ActivityName string `yaml:"activity_name"`
	TypeUID      int    `yaml:"type_uid"`
}

type pageECS struct {
	Category []string `yaml:"category"`
	Type     []string `yaml:"type"`
	Outcome  []string `yaml:"outcome"`
}

// readPage refuses any key that the structs above do not know: otherwise a new one
// would go unnoticed.
func readPage(t *testing.T) page {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "audit-events.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dec := yaml.NewDecoder(f)
	dec.KnownFields(true)
	var p page
	if err := dec.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p
}

// asPage writes a definition in the page's own form, so that a comparison leaves no field out.
func asPage(d event.Definition) pageEvent {
	out := pageEvent{
		Constant: d.Constant, Wire: d.Wire, Category: d.Category, Severity: d.Severity,
		SeverityIfNotSuccess: d.SeverityIfNotSuccess, ActorTypes: d.ActorTypes, TargetType: d.TargetType,
		Log: d.Log, Outcomes: d.Outcomes, Reasons: d.Reasons, Trigger: d.Trigger,
		OCSF: pageOCSF(d.OCSF), ECS: pageECS(d.ECS),
	}
	for _, f := range d.Metadata {
		out.Metadata = append(out.Metadata, pageField(f))
	}
	return out
}

func public() []event.Definition {
	return slices.DeleteFunc(event.Catalog(), func(d event.Definition) bool { return d.Tier != event.Public })
}

// TestCatalogIsThePage holds both directions: every event of the page, in its order,
// and no other.
func TestCatalogIsThePage(t *testing.T) {
	p := readPage(t)
	got := public()
	if len(p.Events) != 134 || len(got) != len(p.Events) {
		t.Fatalf("the page has %d events, Go has %d, the product promises 134", len(p.Events), len(got))
	}
	for i, want := range p.Events {
		have := asPage(got[i])
		if have.Constant != want.Constant {
			t.Fatalf("event %d is %s in Go and %s on the page", i, have.Constant, want.Constant)
		}
		h, w := reflect.ValueOf(have), reflect.ValueOf(want)
		for f := range h.NumField() {
			if !reflect.DeepEqual(h.Field(f).Interface(), w.Field(f).Interface()) {
				t.Errorf("%s: %s is\n  %+v in Go and\n  %+v on the page", want.Constant, h.Type().Field(f).Name, h.Field(f), w.Field(f))
			}
		}
	}
}

func TestVocabularyIsThePage(t *testing.T) {
	p := readPage(t)
	if p.SchemaVersion != event.SchemaVersion {
		t.Errorf("schema version is %d in Go and %d on the page", event.SchemaVersion, p.SchemaVersion)
	}
	if p.OCSFVersion != event.OCSFVersion || p.ECSVersion != event.ECSVersion {
		t.Errorf("OCSF %s, ECS %s in Go; %s, %s on the page", event.OCSFVersion, event.ECSVersion, p.OCSFVersion, p.ECSVersion)
	}
	if !slices.Equal(p.Severities, event.Severities()) {
		t.Errorf("severities: %v in Go, %v on the page", event.Severities(), p.Severities)
	}
	if !slices.Equal(p.ActorTypes, event.ActorTypes()) {
		t.Errorf("actor types: %v in Go, %v on the page", event.ActorTypes(), p.ActorTypes)
	}
	if !slices.Equal(p.TargetTypes, event.TargetTypes()) {
		t.Errorf("target types: %v in Go, %v on the page", event.TargetTypes(), p.TargetTypes)
	}
	if len(p.SeverityMap) != len(event.Severities()) {
		t.Errorf("the page maps %d severities", len(p.SeverityMap))
	}
	for s, want := range p.SeverityMap {
		if got := pageSeverity(s.Levels()); got != want {
			t.Errorf("%s maps to %+v in Go and %+v on the page", s, got, want)
		}
	}
}

func TestCatalogIsTheTable(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "audit-events.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{"constant\twire\tcategory"}
	for _, d := range public() {
		got = append(got, strings.Join([]string{string(d.Constant), d.Wire, string(d.Category)}, "\t"))
	}
	want := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d differs: %d lines in Go, %d in the table\nGo:    %s\ntable: %s", i+1, len(got), len(want), at(got, i), at(want, i))
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(nothing)"
}

func TestNamesAreUnique(t *testing.T) {
	constants, wires := map[event.Constant]bool{}, map[string]bool{}
	for _, d := range event.Catalog() {
		if constants[d.Constant] || wires[d.Wire] {
			t.Errorf("%s, %q: a name is used twice", d.Constant, d.Wire)
		}
		constants[d.Constant], wires[d.Wire] = true, true
		if found, ok := event.Lookup(d.Constant); !ok || !reflect.DeepEqual(found, d) {
			t.Errorf("%s: Lookup finds %v", d.Constant, found.Constant)
		}
	}
	if _, ok := event.Lookup("NO_SUCH_EVENT"); ok {
		t.Error("Lookup finds an event that is not there")
	}
}

func TestInternalTierIsOffThePublicCatalog(t *testing.T) {
	var internal []event.Constant
	for _, d := range event.Catalog() {
		if d.Tier == event.Internal {
			internal = append(internal, d.Constant)
			if d.Category != event.InternalTier {
				t.Errorf("%s has category %s", d.Constant, d.Category)
			}
		}
	}
	want := []event.Constant{
		event.AUTH_SIGN_IN_SUCCEEDED, event.AUTH_SIGN_IN_FAILED, event.AUTH_SIGNED_OUT, event.AUTH_LOCKED, event.AUTH_DEVICE_DECIDED,
		event.MFA_FACTOR_ENROLLED, event.MFA_FACTOR_REMOVED, event.MFA_FACTOR_RENAMED, event.SSH_KEY_ADDED, event.SSH_KEY_REMOVED,
		event.PASSWORD_CHANGED, event.ORGANIZATION_CREATED, event.PLATFORM_SETUP_COMPLETED,
		event.ROOT_KEY_ROTATION, event.ORG_KEY_ROTATED, event.LEDGER_KEY_ROTATED, event.LEDGER_RESUMED,
		event.SSH_CERTIFICATE_ISSUED, event.PLATFORM_SETUP_LINK_CREATED,
		event.ORGANIZATION_STATE_CHANGED, event.PASSWORD_RESET_REQUESTED, event.MAIL_ORDERED, event.AUTH_ACT_REFUSED, event.MEMBER_SUSPENDED, event.MEMBER_RESUMED,
		event.ACCESS_POLICY_CHANGED,
		event.PHONE_NUMBER_REMOVED,
		event.ACCESS_GRANT_OPENED, event.ACCESS_GRANT_ENDED, event.ACCESS_REQUEST_COMMENTED, event.NOTICE_PREFERENCE_CHANGED,
		event.ACCESS_REVIEW_OPENED, event.ACCESS_REVIEW_ITEM_DECIDED, event.ACCESS_REVIEW_CLOSED, event.ACCESS_REVIEW_CANCELLED, event.ACCESS_REVIEW_EXPORTED,
	}
	if !slices.Equal(internal, want) {
		t.Errorf("internal tier is %v", internal)
	}
}

func TestSeverityFollowsTheOutcome(t *testing.T) {
	for _, c := range []struct {
		constant event.Constant
		outcome  event.Outcome
		want     event.Severity
	}{
		{event.CONNECTOR_UPGRADE, event.Success, event.Info},
		{event.CONNECTOR_UPGRADE, event.Failure, event.Error},            // severity_if_not_success
		{event.SESSION_START_REQUESTED, event.Denied, event.Warn},        // the default
		{event.PHONE_VERIFICATION_EXPIRED, event.Failure, event.Info},    // its only outcome
		{event.AGENT_PAIRING_FAILED, event.Denied, event.Error},          // its only outcome
		{event.SECURITY_INCIDENT_FLAGGED, event.Success, event.Critical}, // can only succeed
		{event.CONNECTOR_DECOMMISSIONED, event.Denied, event.Warn},       // never lower than severity
		{event.SESSION_TERMINATED_BY_SYSTEM, event.Failure, event.Warn},  // the default
		{event.SESSION_RECORDING_FINALIZED, event.Failure, event.Error},  // severity_if_not_success
		{event.PLATFORM_LAST_ADMIN_REMOVAL_BLOCKED, event.Denied, event.Critical},
	} {
		d, _ := event.Lookup(c.constant)
		if got := d.SeverityOf(c.outcome); got != c.want {
			t.Errorf("%s with outcome %s: severity %s, want %s", c.constant, c.outcome, got, c.want)
		}
	}
	high := event.Definition{Severity: event.Critical, Outcomes: []event.Outcome{event.Success, event.Denied}}
	if got := high.SeverityOf(event.Denied); got != event.Critical {
		t.Errorf("a refused critical act is %s", got)
	}
}

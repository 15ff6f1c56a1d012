package event_test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/event/eventtest"
)

func TestEveryEventReadsAsASentence(t *testing.T) {
	seen := map[event.Constant]bool{}
	for _, ev := range append(eventtest.All(), eventtest.Unsuccessful()...) {
		payload, err := eventtest.Payload(ev)
		if err != nil {
			t.Fatal(err)
		}
		env, err := event.Decode(payload)
		if err != nil {
			t.Fatal(err)
		}
		seen[ev.Constant()] = true
		s := event.Sentence(env)
		if strings.ContainsAny(s, "{}[]|") || strings.Contains(s, "recorded "+env.Event) || strings.Contains(s, "  ") || len(s) > 600 {
			t.Errorf("%s reads %q", ev.Constant(), s)
		}
		if env.Reason != "" && !strings.Contains(s, strings.ReplaceAll(env.Reason, "_", " ")) {
			t.Errorf("%s does not say why: %q", ev.Constant(), s)
		}
	}
	for _, d := range event.Catalog() {
		if !seen[d.Constant] {
			t.Errorf("%s was not tried", d.Constant)
		}
	}
}

func TestASentenceSaysWhoDidWhat(t *testing.T) {
	e := event.Envelope{Constant: event.SAFE_MEMBER_ADDED, Outcome: event.Success, Metadata: map[string]any{"role": "manager"}}
	e.Actor.Name, e.Target.Name = "olivia", "web-{prod}"
	if s := event.Sentence(e); s != "olivia added a member to safe web-(prod) as manager" {
		t.Error(s)
	}
	e.Constant, e.Outcome, e.Reason = event.SESSION_START_REQUESTED, event.Denied, "not_a_member"
	if s := event.Sentence(e); s != "olivia was not allowed to ask for a session on web-(prod) (not a member)" {
		t.Error(s)
	}
	e = event.Envelope{Constant: event.SESSION_POLICY_ENFORCED, Actor: event.Actor{Type: event.System}, Target: event.Target{Name: "web"}, Outcome: event.Denied,
		Reason: "clipboard_blocked", Metadata: map[string]any{"control": "clipboard"}}
	if s := event.Sentence(e); s != "VaultPAM enforced the policy of safe web on clipboard (clipboard blocked)" {
		t.Error(s)
	}
}

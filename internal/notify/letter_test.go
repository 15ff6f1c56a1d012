package notify

import (
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/secret"
)

// Each kind stands here once, so that each is rendered by the tests.
var samples = []Data{
	RecoveryProof{Name: "Ada", Source: "192.0.2.1", Proof: secret.FromString("rcv_x.token"), ExpiresAt: time.Unix(1e9, 0)},
	RecoveryWaiting{Person: "Ada", Email: "ada@example.com", Organization: "Acme", Lost: "totp", Source: "192.0.2.1", Path: "/organization/recoveries", ExpiresAt: time.Unix(1e9, 0)},
	RecoveryGrant{Name: "Ada", By: "Bob", Grant: secret.FromString("rgr_x.token"), ExpiresAt: time.Unix(1e9, 0)},
	RecoveryDenied{Name: "Ada", By: "Bob", Comment: "Call me first.\nBob"},
	GovernanceWaiting{Requester: "Ada", Organization: "Acme", Summary: "turn recording off on the safe web", Changes: []string{"recording: on -> off"}, Path: "/organization/governance/gov_x", ExpiresAt: time.Unix(1e9, 0)},
	GovernanceDecided{Name: "Ada", Summary: "turn recording off on the safe web", Outcome: "approved", By: "Bob", Comment: "As agreed.", Path: "/organization/governance/gov_x"},
	ReviewWaiting{Name: "Ada", Review: "First quarter", By: "Bob", Rights: 12, Revokes: true, Path: "/access-reviews/arv_x", Deadline: time.Unix(1e9, 0)},
	ReviewEnding{Name: "Ada", Review: "First quarter", Rights: 3, Path: "/access-reviews/arv_x", Deadline: time.Unix(1e9, 0)},
	RecoveryCompleted{Name: "Ada", Source: "192.0.2.1", At: time.Unix(1e9, 0)},
}

func TestEveryKindIsWhole(t *testing.T) {
	seen := map[Kind]bool{}
	for _, d := range samples {
		if seen[d.Kind()] {
			t.Errorf("%s stands here twice", d.Kind())
		}
		seen[d.Kind()] = true
		r, err := render("https://vault.example.com", d, Brand{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for what, text := range map[string]string{"subject": r.Subject, "text": r.Text, "HTML": r.HTML} {
			if text == "" || strings.Contains(text, "%!") || strings.Contains(text, "[secret]") || strings.Contains(text, "ZgotmplZ") {
				t.Errorf("%s: the %s is %q", d.Kind(), what, text)
			}
		}
		for _, bad := range []string{"<img", "<script", "<link", "src=", "url("} {
			if strings.Contains(r.HTML, bad) {
				t.Errorf("%s loads something from outside: %s", d.Kind(), bad)
			}
		}
	}
}

func TestNothingThatSomebodyTypedBecomesMarkupOrALink(t *testing.T) {
	evil := "<b>Bob</b>\r\nBcc: x@example.com https://evil.example/ \u202eevil"
	r, err := render("https://vault.example.com", RecoveryDenied{Name: evil, By: evil, Comment: evil}, Brand{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	all := r.Subject + r.Text + r.HTML
	if strings.Contains(r.HTML, "<b>") {
		t.Errorf("markup came through:\n%s", r.HTML)
	}
	for _, bad := range []string{"https://evil", "\u202e", "\r"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q came through:\n%s", bad, all)
		}
	}
	if strings.Contains(r.Subject, "\n") || strings.Contains(r.Text, "\nBcc:") && !strings.Contains(r.Text, "> Bcc:") {
		t.Errorf("a line of its own was made: %q", r.Text)
	}
}

func TestTokensTravelInTheFragment(t *testing.T) {
	r, err := render("https://vault.example.com/", RecoveryGrant{Name: "Ada", By: "Bob", Grant: secret.FromString("rgr_x.tok-en_"), ExpiresAt: time.Unix(1e9, 0)}, Brand{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = "https://vault.example.com/recover#rgr_x.tok-en_"
	if !strings.Contains(r.Text, "\n"+want+"\n") || !strings.Contains(r.HTML, `href="`+want+`"`) {
		t.Errorf("no link %s in\n%s\n%s", want, r.Text, r.HTML)
	}
	if !strings.Contains(r.Text, "9 September 2001, 01:46 UTC") {
		t.Errorf("the time is not written for people:\n%s", r.Text)
	}
}

func FuzzWhatIsShownStaysOneLine(f *testing.F) {
	for _, s := range []string{"", "Ada", "a\nb", "\u202e\u200b", "https://x", "http:///://", strings.Repeat("ä", 500), "\xff\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		out := line(in, maxShown)
		if len([]rune(out)) > maxShown || strings.ContainsAny(out, "\r\n\t\x00") || strings.Contains(out, "://") || line(out, maxShown) != out {
			t.Fatalf("%q became %q", in, out)
		}
	})
}

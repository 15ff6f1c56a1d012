package policy

import (
	"fmt"
	"testing"

	"github.com/vaultpam/vaultpam/internal/id"
)

// BenchmarkDecide is one decision among 500 policies, of which 60 are on every
// safe and the others on four each.
func BenchmarkDecide(b *testing.B) {
	var list []Source
	for i := range 500 {
		text := []string{office, `forbid (principal in Group::"grp_x", action, resource) when { resource.labels.contains("env=prod") };`, noNight + "", ticketed, askAll}[i%5]
		src := Source{ID: id.Policy(fmt.Sprintf("pol_%03d", i)), Name: "p", Text: text, Enabled: true}
		if i < 60 {
			src.Everywhere = true
			if i%5 == 2 || i%5 == 4 {
				src.Text = `forbid (principal, action, resource) unless { context.hours.contains("mon-fri 08:00-18:00 Europe/Vienna") || context.mfa_age <= 900 };`
			}
		} else {
			src.Safes = []id.Safe{aSafe, "safe_1", "safe_2"}
			if i >= 65 {
				src.Safes = src.Safes[1:]
			}
		}
		list = append(list, src)
	}
	s := Compile(1, list)
	q := question()
	for range 40 {
		q.Who.Groups = append(q.Who.Groups, id.New[id.Group]())
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(q)
	}
}

// BenchmarkDecideAllEverywhere has all 500 on every safe.
func BenchmarkDecideAllEverywhere(b *testing.B) {
	var list []Source
	for i := range 500 {
		text := []string{office, `permit (principal, action, resource) when { resource.labels.contains("env=prod") };`, `forbid (principal, action, resource) when { context.mfa_age > 900 };`, ticketed}[i%4]
		list = append(list, Source{ID: id.Policy(fmt.Sprintf("pol_%03d", i)), Name: "p", Text: text, Enabled: true, Everywhere: true})
	}
	s := Compile(1, list)
	q := question()
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(q)
	}
}

package page

import (
	"slices"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestPagesCoverTheListOnce(t *testing.T) {
	all := []string{"a", "b", "c", "d", "e", "ü"}
	for limit := 1; limit <= len(all)+1; limit++ {
		var got []string
		for r, pages := (Request{Limit: limit}), 0; ; pages++ {
			read, after, err := r.Resolve()
			if err != nil {
				t.Fatal(err)
			}
			i := 0
			for i < len(all) && all[i] <= after {
				i++
			}
			l := Cut(all[i:min(len(all), i+int(read))], read, func(s string) string { return s })
			got = append(got, l.Items...)
			if r.Cursor = l.Next; r.Cursor == "" {
				break
			}
			if pages > len(all) {
				t.Fatalf("limit %d: the list does not end", limit)
			}
		}
		if !slices.Equal(got, all) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}

func TestWrongRequestIsRefused(t *testing.T) {
	for _, r := range []Request{{Limit: -1}, {Limit: 201}, {Cursor: "not base64!"}, {Cursor: "a"}} {
		if _, _, err := r.Resolve(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

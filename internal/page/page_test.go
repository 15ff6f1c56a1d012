package page

import (
	"encoding/base64"
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
	for _, r := range []Request{{Limit: -1}, {Limit: 201}, {Cursor: "not base64!"}, {Cursor: "a"},
		{Cursor: base64.RawURLEncoding.EncodeToString([]byte("a\x00b"))}, {Cursor: base64.RawURLEncoding.EncodeToString([]byte("\xff"))}} {
		if _, _, err := r.Resolve(); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestAPageOfTwoKeys(t *testing.T) {
	for _, want := range [][2]string{{"", ""}, {"safe_1", ""}, {"safe_1", "user_2"}} {
		l := Cut([]int{1, 2}, 2, func(int) string { return Pair(want[0], want[1]) })
		if _, first, second, err := (Request{Limit: 1, Cursor: l.Next}).ResolvePair(); err != nil || first != want[0] || second != want[1] {
			t.Errorf("%q: %q %q %v", want, first, second, err)
		}
	}
	if _, _, _, err := (Request{Limit: -1}).ResolvePair(); !fault.Is(err, fault.Invalid) {
		t.Error(err)
	}
}

package notify

import (
	"encoding/json"
	"testing"
)

func TestTicketAnswers(t *testing.T) {
	for in, open := range map[string]bool{`{"open":true}`: true, ` {"id": 7, "open" : true, "who": {"open": false}} `: true, `{"open":false}`: false} {
		if got, err := parseTicket([]byte(in)); err != nil || got != open {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []string{``, `true`, `{}`, `{"Open":true}`, `{"open":"true"}`, `{"open":1}`, `{"open":null}`, `{"open":true,"open":true}`, `{"open":true,"open":false}`, `{"open":true}{"open":true}`,
		`{"open":true`, `[{"open":true}]`, `<html>open</html>`, `{"a":{"open":true}}`} {
		if got, err := parseTicket([]byte(in)); err == nil || got {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
}

// FuzzTicketAnswer: nothing opens but an object that says so once, in JSON.
func FuzzTicketAnswer(f *testing.F) {
	for _, s := range []string{`{"open":true}`, `{"open":false}`, `{"open":true,"x":[1]}`, `{"open":true}x`, `{"Open":true}`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		open, err := parseTicket(b)
		if !open {
			return
		}
		var m map[string]any
		if err != nil || json.Unmarshal(b, &m) != nil || m["open"] != true {
			t.Errorf("%q opens", b)
		}
	})
}

package test

import (
	"bytes"
	"testing"
)

// A write that is sent again with its Idempotency-Key is answered again and not done again.
func TestRepeatedWriteIsDoneOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c := w.Owner.Client.named("again-" + random(4))
		body := obj{"name": "repeated", "scopes": []string{"safes:read"}, "expires_in_days": 1}
		first := c.must(t, "POST", "/tokens", body)
		again := c.must(t, "POST", "/tokens", body)
		if !bytes.Equal(first.Body, again.Body) || again.Status != first.Status || again.Header.Get("Idempotency-Replayed") != "true" {
			t.Errorf("the repeat was answered %d %s, the first %d %s", again.Status, again.Body, first.Status, first.Body)
		}
		w.saw(Want{Constant: "API_TOKEN_CREATED", Actor: "User", Target: "API Token", Meta: obj{"token_name": "repeated"}})
		body["name"] = "another"
		c.refused(t, 422, "IDEMPOTENCY_KEY_REUSED", "POST", "/tokens", body)
		w.Owner.Client.named("not a key").refused(t, 422, "INVALID", "POST", "/tokens", body)
		// A refusal that stays is kept as well; somebody else's key means nothing here.
		other := w.person("operator").Client.named(c.key)
		if a := other.do(t, "POST", "/tokens", obj{"name": "mine", "scopes": []string{"safes:read"}, "expires_in_days": 1}); a.Status != 201 {
			t.Errorf("the same key of another person: %d %s", a.Status, a.Body)
		}
	})
}

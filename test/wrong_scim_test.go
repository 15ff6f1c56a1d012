package test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// SCIM is a door of its own and in no description of the API: its operations are
// those that its code registers, and each has the same wrong turns.

var scimRoute = regexp.MustCompile(`on\("(POST|PUT|PATCH|DELETE) (/[A-Za-z]+)(/\{id\})?"`)

// scimBodies are good bodies of what a directory writes.
var scimBodies = map[string]obj{
	"POST /Users":   {"userName": "scim-turn@example.com", "active": true},
	"PUT /Users":    {"userName": "scim-turn@example.com", "active": true},
	"PATCH /Users":  {"Operations": []obj{{"op": "replace", "path": "active", "value": false}}},
	"POST /Groups":  {"displayName": "Turns"},
	"PUT /Groups":   {"displayName": "Turns"},
	"PATCH /Groups": {"Operations": []obj{{"op": "replace", "path": "displayName", "value": "Turned"}}},
}

// directories takes the wrong turns of SCIM; on the stage, after those of the API.
func (x *stage) directories(t *testing.T) {
	code, err := os.ReadFile("../internal/api/scim.go")
	if err != nil {
		t.Fatal(err)
	}
	routes := scimRoute.FindAllStringSubmatch(string(code), -1)
	if len(routes) < 8 {
		t.Fatalf("only %d routes are found", len(routes))
	}
	mine, theirs := x.w.directory(), x.far.directory()
	api := *x.w.Owner.Client
	api.base = x.s.URL + "/scim/v2"
	nobody := *mine
	nobody.bearer = ""
	invented := nobody.with("vpsc_" + random(20))
	has := map[string]map[string]string{} // ids by path, of ours and of theirs
	for who, c := range map[string]*Client{"ours": mine, "theirs": theirs} {
		has[who] = map[string]string{
			"/Users":  get[scimUser](t, c, "POST", "/Users", obj{"userName": who + "-" + random(4) + "@example.com", "active": true}).ID,
			"/Groups": get[struct{ ID string }](t, c, "POST", "/Groups", obj{"displayName": who}).ID,
		}
	}
	x.last = x.read()
	take := func(c *Client, method, path, wrong string, body any, status int, word string) {
		t.Helper()
		a := c.do(t, method, path, body)
		if a.Status != status || !strings.Contains(string(a.Body), word) || !strings.Contains(string(a.Body), "urn:ietf:params:scim:api:messages:2.0:Error") {
			t.Errorf("SCIM %s %s: %s: %d %s", method, path, wrong, a.Status, a.Body)
		}
		now := x.read()
		moved := changed(x.last, now)
		delete(moved, "sign_in_source") // counts tokens that nobody has
		for table, d := range moved {
			t.Errorf("SCIM %s %s: %s: changes %s:%s", method, path, wrong, table, d)
		}
		x.last = now
		x.done = append(x.done, made{turn{op: "SCIM " + method + " " + path, wrong: wrong}, a.Header.Get("X-Request-Id")})
	}
	for _, r := range routes {
		method, path := r[1], r[2]
		body, ok := scimBodies[method+" "+path]
		if !ok && method != "DELETE" {
			t.Errorf("SCIM %s %s has no body in the table of this test", method, path)
		}
		at := path
		if r[3] != "" {
			at = path + "/" + has["ours"][path]
		}
		var good any
		if method != "DELETE" {
			good = body
		}
		for wrong, c := range map[string]*Client{"without a token": &nobody, "with a token that nobody has": invented, "with a session of an owner": &api} {
			take(c, method, at, wrong, good, 401, "")
		}
		if r[3] != "" {
			take(mine, method, path+"/none", "an unknown id", good, 404, "")
			take(mine, method, path+"/"+has["theirs"][path], "another organization's id", good, 404, "")
		}
		if good != nil {
			take(mine, method, at, "a body that is no JSON", []byte(`{"`), 400, "invalidSyntax")
			take(mine, method, at, "a body that misses all", obj{}, 400, "invalid")
			take(mine, method, at, "a body of another type", []byte(`["x"]`), 400, "invalid")
		}
	}
}

package test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Every operation of the API, as its own description lists them, is held to the
// same rules. A new operation that is not in the tables below fails the test.

// operation is one operation of the description.
type operation struct {
	ID, Method, Path string
	Body, Open       bool
	Required         []string // query parameters
}

func operations(t testing.TB, s *Server) (out []operation) {
	t.Helper()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			ID         string `json:"operationId"`
			Body       any    `json:"requestBody"`
			Security   any
			Parameters []struct {
				Name, In string
				Required bool
			}
		}
	}
	s.stranger(t).must(t, "GET", "/openapi.json", nil).into(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("the description is OpenAPI %q", doc.OpenAPI)
	}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		for method, o := range doc.Paths[path] {
			op := operation{ID: o.ID, Method: strings.ToUpper(method), Path: path, Body: o.Body != nil, Open: o.Security == nil}
			for _, p := range o.Parameters {
				if p.In == "query" && p.Required {
					op.Required = append(op.Required, p.Name)
				}
			}
			out = append(out, op)
		}
	}
	return out
}

// at is the operation's path with ids, and queries, put in.
func (o operation) at(ids map[string]string) string {
	path := o.Path
	for name, v := range ids {
		path = strings.ReplaceAll(path, "{"+name+"}", v)
	}
	for i, name := range o.Required {
		path += map[bool]string{true: "?", false: "&"}[i == 0] + name + "=" + ids[name]
	}
	return path
}

// bodies are a body for each operation that wants one, good enough to come as far as the id.
var bodies = map[string]obj{
	"create-account": {"name": "x", "resource_id": "", "username": "x", "kind": "password", "password": "long enough to be one"},
	"update-account": {"username": "other"}, "login": {"email": "x@example.com", "password": "x"}, "answer-mfa": {"challenge_id": "x", "code": "x"},
	"change-password": {"current": "x", "new": "x"}, "step-up": {}, "answer-step-up": {"challenge_id": "x", "code": "x"}, "begin-totp": {"name": "x"},
	"confirm-totp": {"code": "000000"}, "add-member": {"email": "x@example.com", "handle": "xx", "role": "operator"}, "set-member-role": {"role": "auditor"},
	"create-organization": {"slug": "x", "name": "x", "owner": obj{"email": "x@example.com", "handle": "xx"}},
	"platform-setup":      {"token": "x", "email": "x@example.com", "handle": "xx"},
	"create-resource":     {"name": "x", "protocol": "ssh", "host": "192.0.2.1"}, "update-resource": {"description": "x"}, "confirm-host-key": {"fingerprint": "SHA256:x"},
	"create-safe": {"name": "x", "resource_id": "", "account_id": ""}, "update-safe": {"description": "x"}, "add-safe-member": {"user_id": "", "role": "user"},
	"set-safe-member-role": {"role": "user"}, "set-safe-policy": {}, "launch-session": {"safe": "x"}, "terminate-session": {"comment": "x"},
	"set-platform-role": {"role": "platform_auditor"}, "invite-platform-user": {"email": "x@example.com", "role": "platform_auditor"},
	"look-at-platform-invitation": {"token": "x"}, "start-platform-invitation": {"token": "x"}, "decline-platform-invitation": {"token": "x"},
	"accept-platform-invitation": {"flow": "x"}, "rotate-root-key": {}, "add-ssh-key": {"name": "x", "public_key": "x"}, "create-token": {"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 1},
}

func init() {
	maps.Copy(bodies, map[string]obj{
		"send-invitation": {"email": "x@example.com", "role": "operator"}, "send-invitations": {"invitations": []obj{{"email": "x@example.com", "role": "operator"}}},
		"look-at-invitation": {"token": "x"}, "start-invitation": {"token": "x"}, "accept-invitation": {"flow": "x"},
		"begin-signup": {"email": "x@example.com"}, "start-signup": {"token": "x"}, "see-signup": {"access": "x"}, "ask-signup-phone": {"access": "x", "number": "x"}, "confirm-signup-phone": {"access": "x", "code": "x"},
		"submit-signup": {"access": "x", "org_name": "x", "slug": "xxx"}, "reject-submission": {"comment": "x"},
		"update-settings": {"name": "x"}, "delete-organization": {"confirm": "x"}, "suspend-organization": {"comment": "x"}, "set-seat-limit": {"seat_limit": 1}, "set-recording-retention": {"recording_days": 30},
		"set-audit-retention": {"audit_days": 500}, "set-legal-hold": {"reason": "x"}, "lift-legal-hold": {"reason": "x"}, "set-platform-legal-hold": {"reason": "x"}, "lift-platform-legal-hold": {"reason": "x"}, "set-audit-minimum": {"audit_minimum_days": 300},
	})
}

func init() {
	maps.Copy(bodies, map[string]obj{
		"request-recovery": {"challenge_id": "x"}, "redeem-recovery": {"challenge_id": "x", "grant": "x"}, "verify-recovery": {"proof": "x"},
		"approve-recovery": {}, "deny-recovery": {}, "approve-platform-recovery": {}, "deny-platform-recovery": {},
		"rotate-phone-key": {}, "look-up-phone": {"number": "+14155550100"}, "request-phone-change": {"number": "+14155550100"}, "request-member-phone-change": {"number": "+14155550100"},
		"confirm-phone-change": {"code": "000000", "version": 1}, "resend-phone-code": {"version": 1},
		"begin-device": {}, "answer-device": {"user_code": "x", "approve": true}, "look-up-device": {"user_code": "x"}, "device-token": {"device_code": "x"}, "refresh": {"refresh_token": "x"},
		"answer-passkey": {"challenge_id": "x", "credential": obj{}}, "rename-factor": {"name": "x"}, "begin-webauthn": {"name": "x"}, "confirm-webauthn": {"enrolment_id": "x", "credential": obj{}},
		"sign-out-member": {}, "end-member-sign-in": {}, "create-service-account": {"name": "x", "role": "operator"}, "report-leaked-token": {"token": "x"},
		"sso-choices": {"organization": "x"}, "sso-start": {"organization": "x"}, "sso-complete": {"ticket": "x"},
		"set-sso-requirement": {"required": true}, "add-sso-domain": {"domain": "x.example.com"}, "set-scim-settings": {}, "create-scim-token": {"name": "x", "expires_in_days": 1},
		"create-sso-provider": {"protocol": "oidc", "name": "x", "enabled": false, "trust_mfa": false, "provision": false, "issuer": "https://id.example.com", "client_id": "x", "client_secret": "x"},
		"update-sso-provider": {"name": "x", "enabled": false, "trust_mfa": false, "provision": false, "issuer": "https://id.example.com", "client_id": "x"},
	})
}

// body is a fresh one for the operation, with more in it.
func (o operation) body(t testing.TB, more obj) obj {
	t.Helper()
	b, ok := bodies[o.ID]
	if !ok {
		t.Fatalf("%s takes a body and has none in the table of this test", o.ID)
	}
	b = maps.Clone(b)
	maps.Copy(b, more)
	return b
}

func TestEveryOperationWantsASignIn(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	for _, o := range operations(t, s) {
		if o.Open {
			continue
		}
		var body any
		if o.Body {
			body = o.body(t, nil)
		}
		for what, c := range map[string]*Client{"nobody": s.stranger(t), "an invented token": s.stranger(t).with("vpat_" + random(20)), "an invented session": s.stranger(t).with(random(20))} {
			if a := c.do(t, o.Method, o.at(map[string]string{"id": "x", "user_id": "x", "level": "0", "n": "0", "from": "1", "fingerprint": "x", "item": "x"}), body); a.Status != 401 {
				t.Errorf("%s %s answers %s: %d %s", o.Method, o.Path, what, a.Status, a.Body)
			}
		}
	}
}

func TestEveryBodyIsChecked(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w := newWorld(t, s)
	ids := map[string]string{"id": "none", "user_id": "none", "item": "none"}
	before := len(w.ledger().events(t, ""))
	for _, o := range operations(t, s) {
		if !o.Body {
			continue
		}
		caller := w.Owner.Client
		if o.Open { // those have a limit for each address
			caller = s.stranger(t).with(w.Owner.bearer)
		}
		secret := newSecret("in-a-bad-body")
		for what, c := range map[string]struct {
			body   any
			status int
			says   string
		}{
			"an unknown field":  {o.body(t, obj{"nonsense_field": secret}), 422, "nonsense_field"},
			"no JSON":           {[]byte(`{"name": "` + secret), 400, ""},
			"an array":          {[]byte(`["` + secret + `"]`), 422, ""},
			"malformed UTF-8":   {[]byte("{\"name\": \"\xff\xfe" + secret + "\", \"code\": \"\xc3\x28\"}"), 400, "UTF-8"},
			"an oversized body": {[]byte(`{"name": "` + strings.Repeat("x", 300<<10) + `"}`), 413, ""},
		} {
			a := caller.do(t, o.Method, o.at(ids), c.body)
			var p Problem
			if a.Status != c.status || json.Unmarshal(a.Body, &p) != nil || !oneLine(p.Detail) || p.Code == "" || !strings.Contains(p.Detail, c.says) {
				t.Errorf("%s %s with %s: %d %s", o.Method, o.Path, what, a.Status, a.Body)
			}
		}
	}
	for _, e := range w.ledger().events(t, "")[before:] {
		if e.Constant != "AUDIT_LOG_VIEWED" {
			t.Errorf("a malformed body did something: %s", told([]Event{e}))
		}
	}
	s.ready(t)
}

// What belongs to another organization is not there, in each position of an id.
func TestOtherOrganizationsAreNotThere(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w, other := newWorld(t, s), newWorld(t, s)
		oscar := other.person("operator")
		v := other.safe(host(t), nil, oscar)
		oscar.succeeds(t, v, "true")
		x := other.ended(v)
		token, _ := oscar.token(t, "safes:read")
		key := get[Page[struct{ ID string }]](t, oscar.Client, "GET", "/ssh-keys", nil).Items[0].ID
		web := get[Page[struct{ ID string }]](t, oscar.Client, "GET", "/auth/sessions", nil).Items[0].ID
		robot := get[struct{ ID string }](t, other.Owner.Client, "POST", "/service-accounts", obj{"name": "robot", "role": "operator"}).ID
		theirs := other.ledger().events(t, "SESSION_ESTABLISHED")[0].ID
		owned := map[string]string{"accounts": v.Account, "resources": v.Resource, "safes": v.ID, "sessions": x.ID, "tokens": token,
			"ssh-keys": key, "mfa": oscar.Factor, "audit": theirs, "auth": web, "service-accounts": robot, "org": oscar.ID,
			"platform": other.Org, "notices": "x", "invitations": get[struct{ ID string }](t, other.Owner.Client, "POST", "/org/invitations", obj{"email": "i-" + random(4) + "@example.com", "role": "operator"}).ID}
		asked := other.safe(host(t), obj{"approvals": 1}, oscar)
		granted := other.Owner.decides(t, oscar.asksFor(t, asked, nil), "approve", nil)
		owned["access/requests"], owned["access/grants"], owned["access/delegations"] = granted.ID, granted.Grant.ID, oscar.lends(t, asked, other.Owner, nil).ID
		mine := w.safe(host(t), nil)
		newID := func(path, body string) string {
			return get[struct{ ID string }](t, other.Owner.Client, "POST", path, bodies[body]).ID
		}
		opened := other.safe(newPasswordHost(t, nil), nil)
		other.join(opened, oscar, "checkout")
		owned["checkouts"] = oscar.checksOut(t, opened, nil).Checkout.ID
		owned["access-reviews"] = newID("/access-reviews", "create-access-review")
		domain := "d-" + random(6) + ".example.com"
		get[struct{}](t, other.Owner.Client, "POST", "/org/sso/domains", obj{"domain": domain})
		more := map[string]string{"provider_id": newID("/org/sso/providers", "create-sso-provider"), "token_id": newID("/org/scim/tokens", "create-scim-token"), "group_id": newID("/org/groups", "create-group"),
			"domain": domain, "kind": "x", "org_id": other.Org, "log_id": "log_x", "policy_id": newID("/org/policies", "create-policy"), "safe_id": v.ID, "rotation_id": "rot_x"}
		for _, o := range operations(t, s) {
			if !strings.Contains(o.Path, "{") && o.ID != "audit-inclusion" || strings.Contains(o.Path, "{level}") {
				continue
			}
			part := strings.Split(o.Path, "/")
			id, ok := owned[part[1]]
			if part[1] == "access" {
				id, ok = owned["access/"+part[2]]
			}
			if !ok {
				t.Errorf("%s %s: the test has no id of another organization for it", o.Method, o.Path)
			}
			ids := map[string]string{"id": id, "user_id": oscar.ID, "fingerprint": "SHA256:x", "item": "none"}
			maps.Copy(ids, more)
			var body any
			if o.Body {
				body = o.body(t, nil)
			}
			paths := []string{o.at(ids)}
			if strings.Count(o.Path, "{") == 2 { // theirs in the second position, behind one of ours
				paths = append(paths, o.at(map[string]string{"id": mine.ID, "user_id": oscar.ID, "group_id": more["group_id"], "item": "none", "rotation_id": "rot_x"}))
			}
			for _, path := range paths {
				a := w.Owner.do(t, o.Method, path, body)
				if want := map[bool]int{true: 403, false: 404}[strings.HasPrefix(path, "/platform/")]; a.Status != want { // what is the platform's is nobody's in an organization
					t.Errorf("%s %s with ids of another organization: %d %s", o.Method, path, a.Status, a.Body)
				}
				if bytes.Contains(a.Body, []byte(other.Slug)) || bytes.Contains(a.Body, []byte(oscar.Handle)) {
					t.Errorf("%s %s names another organization's things: %s", o.Method, path, a.Body)
				}
			}
		}
		// In bodies they are as unknown as an id that nobody has.
		for _, c := range []struct{ path, field, theirs, nobodys string }{
			{"/accounts", "resource_id", v.Resource, "res_" + v.Resource[4:29] + "0"},
			{"/safes", "resource_id", v.Resource, "res_" + v.Resource[4:29] + "0"},
			{"/sessions/launch", "safe_id", v.ID, "safe_" + v.ID[5:30] + "0"},
			{"/safes/" + mine.ID + "/members", "user_id", oscar.ID, "usr_" + oscar.ID[4:29] + "0"},
		} {
			base := map[string]obj{"/accounts": bodies["create-account"], "/safes": {"name": "x", "account_id": mine.Account}, "/sessions/launch": {}}[c.path]
			if base == nil {
				base = obj{"role": "user"}
			}
			var said [2]string
			for i, id := range []string{c.theirs, c.nobodys} {
				b := maps.Clone(base)
				b[c.field] = id
				a := w.Owner.do(t, "POST", c.path, b)
				var p Problem
				a.into(t, &p)
				said[i] = fmt.Sprint(a.Status, p.Code, strings.ReplaceAll(p.Detail, id, ""), fieldsOf(p))
			}
			if said[0] != said[1] || said[0][0] != '4' {
				t.Errorf("%s: an id of another organization is told as %q, one of nobody as %q", c.path, said[0], said[1])
			}
		}
		// The header chooses among one's own organizations only.
		if a := w.Owner.in(other.Org).do(t, "GET", "/safes", nil); a.Status < 400 {
			t.Errorf("another organization was made active: %s", a.Body)
		}
	})
}

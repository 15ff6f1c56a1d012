package test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
)

// The wrong turns that follow from what an operation is: who calls it, what its
// path names, what its body must have. They are made from the API's description
// and from the table of rights in docs/reference/roles.md. An operation that is
// not in the tables below fails the test.

// The parts of the API whose every wrong turn stands in a table.
var ofPeople = []string{"sign-in", "second factors", "telephone number", "invitations", "organization", "API tokens", "SSH keys", "sign-up", "single sign-on", "SCIM", "platform"}

// Parts that have their tests elsewhere.
var ofAccess = []string{"accounts", "resources", "safes", "sessions", "recordings", "audit", "groups", "policies", "policy", "access", "checkouts", "notifications"}

// right is what an operation asks of its caller.
type right struct {
	action string // of docs/reference/roles.md; empty: whoever is signed in
	event  string // that a refusal leaves; empty: none
	late   string // its reason where the second factor was proved too long ago; mfa_required when empty
	quiet  string // who is refused without the event, and why that is right
}

// rights has every operation of people that is not open to everybody.
var rights = map[string]right{
	"logout": {}, "end-other-sign-ins": {action: "self.update", event: "AUTH_SIGNED_OUT"}, "end-sign-in": {action: "self.update", event: "AUTH_SIGNED_OUT"},
	"step-up": {action: "self.step_up", event: "AUTH_ACT_REFUSED"}, "answer-step-up": {action: "self.step_up", event: "AUTH_ACT_REFUSED"},
	"begin-device-step-up": {action: "self.step_up", event: "AUTH_ACT_REFUSED"}, "device-step-up": {action: "self.step_up", event: "AUTH_ACT_REFUSED"},
	"change-password": {action: "self.update", event: "PASSWORD_CHANGED"},
	"answer-device":   {action: "self.manage", event: "AUTH_DEVICE_DECIDED"}, "look-up-device": {action: "self.update", quiet: "a look decides nothing"},
	"begin-totp": {action: "self.enrol", event: "MFA_FACTOR_ENROLLED"}, "confirm-totp": {action: "self.enrol", event: "MFA_FACTOR_ENROLLED"},
	"begin-webauthn": {action: "self.enrol", event: "MFA_FACTOR_ENROLLED"}, "confirm-webauthn": {action: "self.enrol", event: "MFA_FACTOR_ENROLLED"},
	"remove-factor": {action: "self.manage", event: "MFA_FACTOR_REMOVED"}, "rename-factor": {action: "self.update", event: "AUTH_ACT_REFUSED"}, "regenerate-backup-codes": {action: "self.manage", event: "AUTH_ACT_REFUSED"},
	"add-ssh-key": {action: "self.manage", event: "SSH_KEY_ADDED"}, "remove-ssh-key": {action: "self.update", event: "SSH_KEY_REMOVED"},
	"remove-phone": {action: "self.manage", event: "PHONE_NUMBER_REMOVED"}, "request-phone-change": {action: "self.manage", event: "PHONE_CHANGE_REQUESTED"}, "confirm-phone-change": {action: "self.update", event: "AUTH_ACT_REFUSED"},
	"resend-phone-code": {action: "self.update", event: "AUTH_ACT_REFUSED"}, "cancel-phone-change": {action: "self.update", event: "PHONE_CHANGE_CANCEL"},
	"accept-my-invitation": {action: "self.update", event: "AUTH_ACT_REFUSED"},

	"create-token": {action: "token.create", event: "API_TOKEN_CREATED", late: "not_permitted"}, "revoke-token": {action: "token.revoke", event: "API_TOKEN_REVOKED"},
	"create-service-account": {action: "member.add", event: "ROLE_ASSIGNMENT_CHANGED"}, "remove-service-account": {action: "member.remove", event: "ROLE_ASSIGNMENT_CHANGED"},

	"add-member": {action: "member.add", event: "ROLE_ASSIGNMENT_CHANGED"}, "set-member-role": {action: "member.role", event: "ROLE_ASSIGNMENT_CHANGED"},
	"suspend-member": {action: "member.suspend", event: "MEMBER_SUSPENDED"}, "resume-member": {action: "member.suspend", event: "MEMBER_RESUMED"},
	"remove-member": {action: "member.remove", event: "ROLE_ASSIGNMENT_CHANGED"}, "sign-out-member": {action: "member.sign_out", event: "AUTH_SIGNED_OUT"}, "end-member-sign-in": {action: "member.sign_out", event: "AUTH_SIGNED_OUT"},
	"request-member-phone-change": {action: "member.phone_change", event: "PHONE_CHANGE_REQUESTED"}, "cancel-member-phone-change": {action: "member.phone", event: "PHONE_CHANGE_CANCEL"},
	"send-invitation": {action: "member.invite", event: "INVITATION_SENT"}, "send-invitations": {action: "member.invite", event: "INVITATION_SENT"},
	"resend-invitation": {action: "member.invite", event: "INVITATION_RESENT"}, "revoke-invitation": {action: "member.invite", event: "INVITATION_REVOKED"},
	"approve-recovery": {action: "recovery.decide", event: "MFA_RECOVERY_APPROVED", late: "not_permitted"}, "deny-recovery": {action: "recovery.decide", event: "MFA_RECOVERY_DENIED", late: "not_permitted"},
	"update-settings": {action: "org.update*", event: "TENANT_SETTINGS_UPDATED"}, "set-recording-retention": {action: "org.update*", event: "RETENTION_POLICY_CHANGED"},
	"set-audit-retention": {action: "org.update*", event: "RETENTION_POLICY_CHANGED"}, "set-legal-hold": {action: "org.update*", event: "RETENTION_POLICY_CHANGED"}, "lift-legal-hold": {action: "org.update*", event: "RETENTION_POLICY_CHANGED"},
	"delete-organization": {action: "org.delete", event: "ORGANIZATION_STATE_CHANGED", late: "not_permitted"}, "rotate-org-key": {action: "org.key", event: "ORG_KEY_ROTATED"},
	"set-sso-requirement": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"}, "unlink-sso-person": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"},
	"test-sso-provider":   {action: "sso.view", quiet: "a look changes nothing"},
	"create-sso-provider": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"}, "update-sso-provider": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"},
	"delete-sso-provider": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"}, "add-sso-domain": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"},
	"verify-sso-domain": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"}, "remove-sso-domain": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"},
	"set-scim-settings": {action: "sso.manage", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"}, "create-scim-token": {action: "sso.manage", event: "API_TOKEN_CREATED", late: "not_permitted"},
	"revoke-scim-token": {action: "sso.manage", event: "API_TOKEN_REVOKED", late: "not_permitted"},

	"create-organization": {action: "platform.org_create", event: "ORGANIZATION_CREATED"}, "suspend-organization": {action: "platform.org_suspend*", event: "ORGANIZATION_STATE_CHANGED"},
	"resume-organization": {action: "platform.org_suspend*", event: "ORGANIZATION_STATE_CHANGED"}, "set-seat-limit": {action: "platform.org_suspend*", event: "ORGANIZATION_STATE_CHANGED"},
	"set-platform-legal-hold": {action: "platform.org_suspend*", event: "RETENTION_POLICY_CHANGED"}, "lift-platform-legal-hold": {action: "platform.org_suspend*", event: "RETENTION_POLICY_CHANGED"}, "set-audit-minimum": {action: "platform.org_suspend*", event: "TENANT_SETTINGS_UPDATED"},
	"lift-sso-requirement": {action: "platform.sso_lift", event: "TENANT_SETTINGS_UPDATED", late: "not_permitted"},
	"approve-submission":   {action: "platform.submission_decide", event: "ORG_SUBMISSION_APPROVED"}, "reject-submission": {action: "platform.submission_decide", event: "ORG_SUBMISSION_REJECTED"},
	"invite-platform-user": {action: "platform.invite", event: "PLATFORM_USER_INVITE_REJECTED", late: "not_permitted"}, "resend-platform-invitation": {action: "platform.invite", event: "INVITATION_RESENT", late: "not_permitted"},
	"revoke-platform-invitation": {action: "platform.invite_revoke", event: "INVITATION_REVOKED"},
	"set-platform-role":          {action: "platform.user_role", event: "PLATFORM_USER_ROLE_CHANGED", late: "not_permitted"}, "remove-platform-user": {action: "platform.user_role", event: "PLATFORM_USER_REMOVED", late: "not_permitted"},
	"reset-platform-mfa":        {action: "platform.user_role", event: "PLATFORM_USER_MFA_RESET", late: "not_permitted"},
	"approve-platform-recovery": {action: "platform.recovery_decide", event: "MFA_RECOVERY_APPROVED", late: "not_permitted"}, "deny-platform-recovery": {action: "platform.recovery_decide", event: "MFA_RECOVERY_DENIED", late: "not_permitted"},
	"rotate-root-key": {action: "platform.key_rotate", event: "ROOT_KEY_ROTATION"}, "rotate-platform-key": {action: "platform.key_rotate", event: "ORG_KEY_ROTATED"},
	"test-mail": {action: "mail.send", event: "MAIL_ORDERED"}, "resend-mail": {action: "mail.send", event: "MAIL_ORDERED"},
	"test-platform-mail": {action: "platform.mail_send", event: "MAIL_ORDERED"}, "resend-platform-mail": {action: "platform.mail_send", event: "MAIL_ORDERED"},
	"rotate-ledger-key": {action: "platform.key_rotate", event: "LEDGER_KEY_ROTATED"}, "resume-ledger": {action: "platform.ledger_resume", event: "LEDGER_RESUMED"},
}

// exceptions are made turns whose outcome is not that of the rule; by "operation: wrong turn".
var exceptions = map[string]turn{
	"send-invitations: by an operator":           {status: 200, events: "INVITATION_SENT denied not_permitted", why: "each invitation of the batch has its own answer"},
	"add-ssh-key: a public_key that is none":     {status: 422, events: "SSH_KEY_ADDED denied weak_key"},
	"create-sso-provider: a scopes that is none": {}, // a provider's own words
	"update-sso-provider: a scopes that is none": {},
	"send-invitations: by an auditor":            {status: 200, events: "INVITATION_SENT denied not_permitted", why: "each invitation of the batch has its own answer"},
}

// proofs are the properties of a body that prove something, with the wrong turns
// that each of them has; who takes a new one says what happens to it.
var proofs = map[string][]string{
	"token": {"an invented", "an expired", "a used"}, "flow": {"an invented", "an expired", "a used"}, "access": {"an invented", "an expired"},
	"challenge_id": {"an invented", "an expired"}, "ticket": {"an invented", "a used"}, "enrolment_id": {"an invented", "an expired"},
	"grant": {"an invented", "an expired", "a used"}, "proof": {"an invented", "an expired", "a used"},
	"device_code": {"an invented", "an expired", "a used"}, "user_code": {"an invented", "an expired", "a used"}, "refresh_token": {"an invented", "an expired", "a used"},
	"code": {"a wrong"}, "version": {"a stale"}, "current": {"a wrong"}, "new": {"a weak"}, "password": {"a weak"},
}

// elsewhere are wrong turns that another test takes: a function of this package, and
// a word that stands in it.
var elsewhere = map[string][2]string{
	"redeem-recovery: a used grant":     {"TestLostFactorsAreRecovered", "RECOVERY_GRANT_USED"},
	"redeem-recovery: an expired grant": {"TestRecoveryGrantsAreForOnePerson", "RECOVERY_GRANT_EXPIRED"},
	"verify-recovery: a used proof":     {"TestRecoveriesAreDeniedAndRefused", "RECOVERY_PROOF_USED"},
	"verify-recovery: an expired proof": {"TestRecoveriesExpireByTheClock", "RECOVERY_EXPIRED"},
	"start-signup: a used token":        {"apply", "SIGNUP_LINK"},
	"refresh: a used refresh_token":     {"TestCommandLineSignsInWithABrowser", "REFRESHED_MEANWHILE"},
	"sso-complete: a used ticket":       {"TestTicketsOfProvidersAreGoodOnce", "SSO_FAILED"},
}

// nonsense are those that do not exist, with why.
var nonsense = map[string]string{
	"platform-setup: a weak password":       "the link is looked at first, and there is none while an administrator is; internal/platform has it",
	"platform-setup: an expired token":      "likewise",
	"platform-setup: a used token":          "likewise: every link is told as an unknown one",
	"refresh: an expired refresh_token":     "it ends with its sign-in and has no time of its own",
	"login: a weak password":                "a password is compared here, not chosen",
	"report-leaked-token: an expired token": "the answer is the same for every text",
	"report-leaked-token: a used token":     "the answer is the same for every text",
}

// needed are the written turns that an operation must have by the properties of its body.
func needed(o described) (out []string) {
	for _, prop := range slices.Sorted(maps.Keys(o.Props)) {
		for _, kind := range proofs[prop] {
			out = append(out, o.ID+": "+kind+" "+prop)
		}
	}
	return out
}

// written checks that each needed turn is in the table, or taken elsewhere.
func written(t testing.TB, o described) {
	t.Helper()
	for _, name := range needed(o) {
		if nonsense[name] != "" || slices.ContainsFunc(turns, func(r turn) bool { return r.String() == name }) {
			continue
		}
		at, ok := elsewhere[name]
		if !ok {
			t.Errorf("%q stands in no table: write what it is told, which event it leaves and what it changes", name)
		} else if !slices.ContainsFunc(functions(t)[at[0]], func(text string) bool { return strings.Contains(text, at[1]) }) {
			t.Errorf("%q should be taken by %s, which does not name %s", name, at[0], at[1])
		}
	}
}

// functions are the texts of the functions of this package.
var functions = func() func(t testing.TB) map[string][]string {
	read := sync.OnceValues(func() (map[string][]string, error) {
		files, err := filepath.Glob("*_test.go")
		out := map[string][]string{}
		for _, f := range files {
			if f == "wrong_rules_test.go" {
				continue
			}
			text, rerr := os.ReadFile(f)
			if rerr != nil {
				return nil, rerr
			}
			for _, part := range strings.Split(string(text), "\nfunc ")[1:] {
				name, _, _ := strings.Cut(part[strings.IndexFunc(part, unicode.IsLetter):], "(")
				out[name] = append(out[name], part)
			}
		}
		return out, err
	})
	return func(t testing.TB) map[string][]string {
		t.Helper()
		all, err := read()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
}()

// spoiled are values that no property of the name may have.
var spoiled = map[string]any{
	"email": "not an address@", "handle": "\u202ehandle", "name": "pay\u202eroll", "role": "emperor", "number": "12", "domain": "not a domain",
	"slug": "No_Slug", "org_name": "", "scopes": []string{"everything"}, "expires_in_days": 0, "public_key": "ssh-rsa AAAA", "comment": strings.Repeat("x", 5000), "protocol": "ldap",
}

// documented is the table of rights as it is published: who may do an action
// (yes, own, or nothing), by role, with "token" for API tokens; and what asks for a
// fresh second factor.
type documented struct {
	may       map[string]map[string]string
	fresh     map[string]bool
	sometimes map[string]bool // of what asks for one: only some uses do
}

func rightsDocument(t testing.TB) documented {
	t.Helper()
	text, err := os.ReadFile("../docs/reference/roles.md")
	if err != nil {
		t.Fatal(err)
	}
	d := documented{map[string]map[string]string{}, map[string]bool{}, map[string]bool{}}
	var head []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "|") {
			head = nil
			continue
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if head == nil {
			head = cells
			continue
		}
		if strings.HasPrefix(cells[0], "-") {
			continue
		}
		if len(head) == 3 && head[1] == "within" {
			d.fresh[cells[0]] = true
			d.sometimes[cells[0]] = cells[2] != "every use"
			continue
		}
		if d.may[cells[0]] == nil {
			d.may[cells[0]] = map[string]string{}
		}
		for i, role := range head[1:] {
			if role == "API token scope" {
				role = "token"
				if cells[i+1] == "*persons only*" {
					cells[i+1] = ""
				}
			}
			d.may[cells[0]][role] = cells[i+1]
		}
	}
	if len(d.may) < 60 || len(d.fresh) < 10 {
		t.Fatalf("the table of rights is not read: %d actions, %d ask for a fresh factor", len(d.may), len(d.fresh))
	}
	return d
}

// idPattern is the beginning of an id, which an invented one keeps.
var idPattern = regexp.MustCompile(`^[a-z]+_`)

// invented is an id like this one that nobody has.
func invented(id string) string {
	if prefix := idPattern.FindString(id); prefix != "" && len(id) == len(prefix)+26 {
		return prefix + "01aryz6s41tsv4rrffq69g5fav"
	}
	return "nobody-has-it.example.com"
}

// made by rule: the turns of an operation of people.
func (x *stage) byRule(t testing.TB, o described, doc documented) (out []turn) {
	t.Helper()
	onPlatform := strings.HasPrefix(o.Path, "/platform/")
	r, known := rights[o.ID]
	if !known && !o.Open {
		t.Errorf("%s (%s %s) asks for a sign-in and is not in the table of rights: say there which action it is, and which event a refusal leaves", o.ID, o.Method, o.Path)
		return nil
	}
	add := func(w turn) {
		w.op = o.ID
		if e, ok := exceptions[w.String()]; ok {
			if e.status == 0 { // it does not apply
				return
			}
			w.status, w.code, w.says, w.events, w.why, w.moves = e.status, e.code, e.says, e.events, e.why, e.moves
			if e.by != "" {
				w.by = e.by
			}
		}
		out = append(out, w)
	}
	action, free := strings.CutSuffix(r.action, "*")
	if free != doc.sometimes[action] {
		t.Errorf("%s: docs/reference/roles.md and the table of rights do not agree whether every use of %s asks for a fresh factor", o.ID, action)
	}
	denied := func(reason string) string {
		if r.event == "" {
			return ""
		}
		return r.event + " denied " + reason
	}
	chief := "owner" // who may
	if onPlatform {
		chief = "root"
	}
	if strings.HasPrefix(action, "self.") || action == "" {
		chief = "operator"
	}
	if !o.Open {
		add(turn{wrong: "not signed in", status: 401, code: "AUTH_FAILED", says: "sign in", why: "nobody is known whose act it would be"})
		if action != "self.enrol" && o.ID != "logout" {
			add(turn{wrong: "by who has yet to enrol", by: "enrolling", status: 403, code: "MFA_ENROLMENT_REQUIRED", says: "add a second factor", why: "the door is shut before the act is looked at"})
		}
	}
	if may := doc.may[action]; action != "" && may == nil {
		t.Errorf("%s: no action %q in docs/reference/roles.md", o.ID, action)
	} else if action != "" {
		for _, role := range []string{"admin", "operator", "auditor"} {
			if may[role] == "" && !onPlatform {
				add(turn{wrong: "by an " + role, by: role, status: 403, code: "NOT_PERMITTED", says: "you may not", events: denied("not_permitted")})
			}
		}
		if onPlatform {
			add(turn{wrong: "by an owner of an organization", by: "owner", status: 403, code: "NOT_PERMITTED", says: "ask a platform administrator", events: denied("not_permitted")})
			if may["platform_auditor"] == "" {
				add(turn{wrong: "by a platform auditor", by: "watcher", status: 403, code: "NOT_PERMITTED", says: "ask a platform administrator", events: denied("not_permitted")})
			}
		}
		if may["token"] == "" {
			by := map[bool]string{true: "roottoken", false: "token"}[onPlatform]
			if strings.HasPrefix(action, "self.") {
				by = "selftoken"
			}
			add(turn{wrong: "by an API token", by: by, status: 403, code: "NOT_PERMITTED", says: "sign in as a person", events: denied("not_permitted")})
		}
		if doc.fresh[action] && !free {
			late, reason := map[bool]string{true: "lateroot", false: "late"}[onPlatform], r.late
			if reason == "" {
				reason = "mfa_required"
			}
			add(turn{wrong: "with a second factor proved long ago", by: late, status: 403, code: "STEP_UP_REQUIRED", says: "prove your second factor again", events: denied(reason)})
		}
	}
	by := chief
	if o.Open {
		by = ""
	}
	for _, param := range o.Params {
		add(turn{wrong: "an unknown " + param, by: by, status: 404, code: "NOT_FOUND", why: "there is nothing that it would be about",
			ids: func(x *stage) map[string]string {
				return map[string]string{param: invented(idsOf(x.ours, o.Path)[param])}
			}})
		if !onPlatform {
			add(turn{wrong: "another organization's " + param, by: by, status: 404, code: "NOT_FOUND", why: "there is nothing that it would be about",
				ids: func(x *stage) map[string]string { return map[string]string{param: idsOf(x.theirs, o.Path)[param]} }})
		}
	}
	if o.Body {
		add(turn{wrong: "a body that is no JSON", by: by, status: 400, code: "INVALID", why: "it was not read", body: func(*stage) any { return []byte(`{"`) }})
		for _, name := range o.Must {
			add(turn{wrong: "without " + name, by: by, status: 422, code: "INVALID", says: name, why: "it was not read", body: func(x *stage) any {
				b, _ := x.good(o).(obj)
				b = maps.Clone(b)
				delete(b, name)
				return b
			}})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Props)) {
		if bad, ok := spoiled[name]; ok && !o.Open {
			add(turn{wrong: "a " + name + " that is none", by: by, status: 422, why: "it was not read", body: func(x *stage) any {
				b, _ := x.good(o).(obj)
				b = maps.Clone(b)
				b[name] = bad
				return b
			}})
		}
	}
	return out
}

// Every wrong turn that is made or written down is taken, on one installation of
// each store; what it has left in the ledgers is compared at the end.
func TestWrongTurns(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			x := newStage(t, store)
			t.Run("by rule", x.rules)
			t.Run("of flows", x.flows)
			t.Run("of directories", x.directories)
			x.settle(t)
		})
	}
}

func (x *stage) flows(t *testing.T) {
	for _, r := range turns {
		x.takes(t, r)
	}
}

// rules takes what the rules make, for every operation of people.
func (x *stage) rules(t *testing.T) {
	doc := rightsDocument(t)
	used := map[string]bool{}
	n := 0
	for _, name := range slices.Sorted(maps.Keys(x.ops)) {
		o := x.ops[name]
		if slices.Contains(ofAccess, o.Tag) {
			continue
		}
		if !slices.Contains(ofPeople, o.Tag) {
			t.Errorf("%s is of %q: say in this test whether its wrong turns stand in a table", name, o.Tag)
		}
		written(t, o)
		said := map[string]string{}
		for _, r := range x.byRule(t, o, doc) {
			used[r.String()] = true
			n++
			a, p := x.takes(t, r)
			if what, other := strings.CutPrefix(r.wrong, "another organization's "); other || strings.HasPrefix(r.wrong, "an unknown ") {
				what = strings.TrimPrefix(what, "an unknown ")
				if !other {
					said[what] = plain(x, o, p)
				} else if told := plain(x, o, p); said[what] != told {
					t.Errorf("%s: told as %q, what nobody has as %q", r, told, said[what])
				}
				if bytes.Contains(a.Body, []byte(x.far.Slug)) {
					t.Errorf("%s: names the other organization: %s", r, a.Body)
				}
			}
		}
	}
	for name := range rights {
		if _, ok := x.ops[name]; !ok {
			t.Errorf("the table of rights has %s, which is no operation any more", name)
		}
	}
	for name, e := range exceptions {
		if e.status != 0 && !used[name] {
			t.Errorf("an exception for %q, which no rule makes", name)
		}
	}
	for action := range doc.fresh {
		found := strings.HasPrefix(action, "audit.") || strings.HasPrefix(action, "access.") || strings.HasPrefix(action, "secret.") || action == "account.rotate" || action == "review.decide" || strings.HasSuffix(action, "governance.decide") || action == "platform.governance_decide" || action == "token.issue"
		for _, r := range rights {
			found = found || r.action == action
		}
		for _, r := range turns { // where only some of its uses ask
			found = found || r.code == "STEP_UP_REQUIRED" && strings.TrimSuffix(rights[r.op].action, "*") == action
		}
		if !found {
			t.Errorf("no operation in the table of rights is the action %s, which asks for a fresh second factor", action)
		}
	}
	t.Logf("%d wrong turns", n)
}

// plain is a problem without the ids of a call.
func plain(x *stage, o described, p Problem) string {
	text := fmt.Sprint(p.Status, p.Code, p.Detail)
	for _, ids := range []map[string]string{idsOf(x.ours, o.Path), idsOf(x.theirs, o.Path)} {
		for _, id := range ids {
			text = strings.ReplaceAll(strings.ReplaceAll(text, invented(id), "ID"), id, "ID")
		}
	}
	return text
}

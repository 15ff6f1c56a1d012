package test

import (
	"strings"
	"testing"
)

// What administrators of an organization and of the platform do in the console. The
// journeys are in web/test/*.e2e.mjs; what they did is looked for in the ledger here.

func TestConsoleManagesPeople(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	first, second := s.newPerson("first"), s.newPerson("second")
	play(t, "members", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "member": oscar.who(), "first": first.Email, "second": second.Email, "safe": v.Name}, s.asks(t, w.Owner, oscar))

	w.saw(Want{Constant: "INVITATION_SENT", ActorID: w.Owner.ID, Where: obj{"invitee_email": first.Email}, Meta: obj{"role": "auditor"}})
	w.saw(Want{Constant: "INVITATION_SENT", ActorID: w.Owner.ID, Where: obj{"invitee_email": second.Email}, Meta: obj{"role": "operator", "safe_ids": []string{v.ID}}})
	w.saw(Want{Constant: "INVITATION_REVOKED", Reason: "revoked_by_admin", ActorID: w.Owner.ID, Where: obj{"invitee_email": first.Email}})
	w.saw(Want{Constant: "MEMBER_SUSPENDED", ActorID: w.Owner.ID, Meta: obj{"subject_user_id": oscar.ID, "comment": "on leave"}})
	w.saw(Want{Constant: "MEMBER_RESUMED", ActorID: w.Owner.ID, Meta: obj{"subject_user_id": oscar.ID}})
	ended := 0 // one of their sign-ins, and then all
	for _, e := range w.ledger().events(t, "AUTH_SIGNED_OUT") {
		if e.Reason == "by_admin" && e.Actor.ID == w.Owner.ID && e.Metadata["subject_user_id"] == oscar.ID {
			ended++
		}
	}
	if ended != 2 {
		t.Errorf("%d sign-outs by the administrator are told", ended)
	}
	w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Where: obj{"subject_user_id": oscar.ID, "new_role": "auditor"}, Meta: obj{"old_role": "operator"}})
}

func TestConsoleSetsUpADirectory(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		pushed := s.newPerson("pushed")
		asks := s.asks(t, w.Owner)
		asks["secret"] = func(token string) any { secrets.add("SCIM token", token); return true }
		play(t, "directory", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "pushed": pushed.Email}, asks)

		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "ServiceAccount", Where: obj{"role_source": "scim", "new_role": "operator"}})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Where: obj{"setting_group": "branding"}})
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: w.Owner.ID, Where: obj{"data_class": "audit", "new_days": 700}, Meta: obj{"old_days": 400, "shortened": false}})
		for _, hold := range []string{"set", "lifted"} {
			w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: w.Owner.ID, Where: obj{"data_class": "recordings", "legal_hold": hold}})
		}

		w.saw(Want{Constant: "GROUP_CREATED", Actor: "ServiceAccount", Where: obj{"group_name": "Night shift"}, Meta: obj{"group_source": "scim"}})
		w.saw(Want{Constant: "GROUP_CREATED", ActorID: w.Owner.ID, Where: obj{"group_name": "Databases"}, Meta: obj{"group_source": "sso"}})
	})
}

func TestConsoleSetsUpChannels(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w, h := newWorld(t, s), newHook(t)
	asks := s.asks(t, w.Owner)
	asks["secret"] = func(secret string) any { secrets.add("secret of a webhook", secret); return true }
	asks["received"] = func(by string) any {
		m := h.takes(t, `"type":"test"`)
		for _, secret := range strings.Fields(by) {
			if !signedBy(t, secret, m) {
				return false
			}
		}
		return true
	}
	play(t, "channels", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "hook": h.URL + "/services/", "path": newSecret("channel-url"), "ca": h.pem(t)}, asks)

	changed := 0
	for _, e := range w.ledger().events(t, "TENANT_SETTINGS_UPDATED") {
		if e.Actor.ID == w.Owner.ID && e.Metadata["setting_group"] == "notifications" && e.Outcome == "success" {
			changed++
		}
	}
	if changed != 9 { // three are made, one has a new secret; the order; edited, off, removed; the ticket system edited
		t.Errorf("%d changes of channels are told, want 9", changed)
	}
}

// Who is invited to operate the platform, and then what its administrator does, on one
// installation: its operators are counted by nobody else.
func TestConsoleRunsThePlatform(t *testing.T) {
	t.Parallel()
	s := own(t, Postgres)
	w := newWorld(t, s)
	newcomer, member, decliner := s.newPerson("new"), w.person("operator"), w.person("auditor")
	s.Root.proved(t, 0)
	for _, p := range []*Person{newcomer, member, decliner} {
		s.Root.must(t, "POST", "/platform/invitations", obj{"email": p.Email, "role": "platform_auditor"})
	}
	play(t, "operators", obj{"url": s.URL, "newcomer": newcomer.who(), "member": member.who(), "decliner": decliner.who(), "other": w.Owner.who()}, s.asks(t, member, w.Owner))
	operators := list[struct{ Email string }](t, s.Root.Client, "/platform/users")
	if len(operators) != 3 {
		t.Errorf("the operators are %+v", operators)
	}

	nina := s.newPerson("nina")
	root := s.Root.who()
	root["name"] = get[struct{ User struct{ Name string } }](t, s.Root.Client, "GET", "/auth/me", nil).User.Name
	play(t, "platform", obj{"url": s.URL, "slug": w.Slug, "root": root, "operator": nina.who(), "member": w.Owner.who()}, s.asks(t, s.Root, w.Owner))

	s.saw(t, Want{Constant: "PLATFORM_USER_INVITED", ActorID: s.Root.ID, Where: obj{"invitee_email": nina.Email}, Meta: obj{"platform_role": "platform_auditor", "expires_at": present}})
	s.saw(t, Want{Constant: "PLATFORM_SELF_REMOVAL_BLOCKED", Outcome: "denied", Reason: "self_removal", ActorID: s.Root.ID, Meta: obj{"subject_user_id": s.Root.ID, "platform_role": "platform_admin"}})
	s.saw(t, Want{Constant: "PLATFORM_USER_REMOVED", ActorID: s.Root.ID})
	w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: s.Root.ID, Where: obj{"setting_group": "other", "weakened_controls": []string{"audit_minimum_days"}}})
	for _, hold := range []string{"set", "lifted"} {
		w.saw(Want{Constant: "RETENTION_POLICY_CHANGED", ActorID: s.Root.ID, Where: obj{"data_class": "audit", "legal_hold": hold}})
	}
	listed := 0
	for _, e := range s.ledger().events(t, "PLATFORM_USERS_LISTED") {
		if e.Actor.ID == s.Root.ID && e.Metadata["read_via"] == "console" {
			listed++
		}
	}
	if listed == 0 || listed > 8 {
		t.Errorf("the console listed the operators %d times", listed)
	}
}

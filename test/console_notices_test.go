package test

import "testing"

// What people are told, in the console. The journey is in web/test/notices.e2e.mjs.
func TestConsoleTellsPeople(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar, otto, anna := w.person("operator"), w.add("operator"), w.add("operator")
	v := w.safe(host(t), obj{"approvals": 1}, oscar)
	w.join(v, otto, "user")
	w.join(v, anna, "approver")
	oscar.asksFor(t, v, nil)
	otto.asksFor(t, v, nil)
	asker := oscar.who()
	asker["name"] = get[struct{ User struct{ Name string } }](t, oscar.Client, "GET", "/auth/me", nil).User.Name
	play(t, "notices", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "anna": anna.who(), "oscar": asker, "safe": v.Name}, s.asks(t, w.Owner, anna))

	if anna.unread(t) != 0 {
		t.Error("something is not read")
	}
	w.saw(Want{Constant: "NOTICE_PREFERENCE_CHANGED", ActorID: anna.ID, Where: obj{"notice_kind": "access_request_waiting"}, Meta: obj{"email_when": "off", "in_app": true}})
	w.saw(Want{Constant: "NOTICE_PREFERENCE_CHANGED", ActorID: anna.ID, Where: obj{"notice_kind": "access_ended"}, Meta: obj{"email_when": "daily", "in_app": true}})
	w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: w.Owner.ID, Where: obj{"setting_group": "notifications"}})
	if got := get[Page[struct{ Kind, Words string }]](t, w.Owner.Client, "GET", "/org/notifications/introductions", nil).Items; len(got) == 0 || got[0].Words != "{organization}: is there a ticket?" {
		t.Errorf("%+v", got)
	}
}

package test

import "testing"

// Who may reach what, in the console. The journey is in web/test/access.e2e.mjs; what
// was done is looked for in the ledger here.
func TestConsoleGovernsAccess(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	oscar := w.person("operator")
	v := w.safe(host(t), nil, w.Owner)
	play(t, "access", obj{"url": s.URL, "slug": w.Slug, "owner": w.Owner.who(), "member": oscar.who(), "safe": v.Name}, s.asks(t, w.Owner, oscar))

	made := w.saw(Want{Constant: "GROUP_CREATED", ActorID: w.Owner.ID, Meta: obj{"group_name": "On call", "group_source": "local"}})
	group := made.Metadata["group_id"]
	w.saw(Want{Constant: "GROUP_MEMBER_ADDED", ActorID: w.Owner.ID, Where: obj{"group_id": group}, Meta: obj{"subject_user_id": oscar.ID}})
	w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_GRANTED", Where: obj{"subject_user_id": oscar.ID}, Meta: obj{"role": "user"}})
	w.saw(Want{Constant: "GROUP_DELETED", ActorID: w.Owner.ID, Where: obj{"group_id": group}})
}

package test

import (
	"slices"
	"testing"
)

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
	off := 0
	for _, e := range w.ledger().events(t, "POLICY_ASSIGNMENT_CHANGED") {
		if e.Actor.ID == w.Owner.ID && e.Metadata["assignment_change"] == "detached" && e.Metadata["safe_id"] == v.ID {
			off++
		}
	}
	if off != 2 { // by hand, and once more as it was deleted
		t.Errorf("the policy was taken off the safe %d times", off)
	}
	w.saw(Want{Constant: "GROUP_DELETED", ActorID: w.Owner.ID, Where: obj{"group_id": group}})

	asked := w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", ActorID: oscar.ID, TargetID: v.ID, Where: obj{"justification": "the disk is full"}, Meta: obj{"ticket_ref": "OPS-7"}})
	w.saw(Want{Constant: "ACCESS_REQUEST_APPROVED", ActorID: w.Owner.ID, TargetID: v.ID, Meta: obj{"access_request_id": asked.Metadata["access_request_id"], "comment": "go on"}})
	w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "revoked", ActorID: w.Owner.ID, TargetID: v.ID})
	w.saw(Want{Constant: "ACCESS_REQUEST_REJECTED", Reason: "rejected_by_approver", ActorID: w.Owner.ID, TargetID: v.ID, Meta: obj{"comment": "use staging"}})
	w.saw(Want{Constant: "SECURITY_INCIDENT_FLAGGED", Where: obj{"detector": "break_glass"}, Meta: obj{"object_id": v.ID}})
}

// A policy in the console, by web/test/policies.e2e.mjs.
func TestConsoleWritesPolicies(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		expert, contractor, employee, decider := w.add("admin"), w.add("operator"), w.add("operator"), w.add("operator")
		v, second := w.safe(host(t), nil, contractor, employee), w.safe(host(t), nil, contractor)
		group := func(name string, p *Person) string {
			g := w.group(p)
			w.Owner.must(t, "PATCH", "/org/groups/"+g, obj{"name": name})
			return g
		}
		named := func(p *Person) obj {
			who := p.who()
			who["name"] = get[struct{ User struct{ Name string } }](t, p.Client, "GET", "/auth/me", nil).User.Name
			return who
		}
		play(t, "policies", obj{"url": s.URL, "slug": w.Slug, "owner": named(w.Owner), "expert": named(expert),
			"contractor": named(contractor), "employee": named(employee), "decider": decider.who(),
			"contractors": group("Contractors", contractor), "deciders": group("Deciders", decider), "safe": v.Name, "second": second.Name}, s.asks(t, w.Owner, expert))

		// Each saved change is told once, and once for each safe that it concerns, by who made it.
		type change struct{ by, what string }
		owner := func(what string) change { return change{w.Owner.ID, what} }
		edited := change{expert.ID, "edited"}
		for _, safe := range []*Safe{v, second} {
			var got []change
			for _, e := range w.ledger().events(t, "POLICY_ASSIGNMENT_CHANGED") {
				if e.Metadata["safe_id"] == safe.ID && e.Target.Name == "Contractors by day" {
					got = append(got, change{e.Actor.ID, e.Metadata["assignment_change"].(string)})
				}
			}
			if want := []change{owner("attached"), edited, edited, edited, owner("detached"), owner("attached")}; !slices.Equal(got, want) {
				t.Errorf("on safe %s the policy was %v, want %v", safe.Name, got, want)
			}
		}
		for version := range 9 {
			w.saw(Want{Constant: "ACCESS_POLICY_CHANGED", Where: obj{"policy_version": version + 1}})
		}
		w.saw(Want{Constant: "ACCESS_POLICY_CHANGED", ActorID: expert.ID, Where: obj{"comment": "the auditors come"}, Meta: obj{"policy_change": "edited", "policy_version": 3}})
	})
}

// Lending of access in the console, by web/test/lending.e2e.mjs.
func TestConsoleLendsAccess(t *testing.T) {
	t.Parallel()
	s := shared(t, Postgres)
	w := newWorld(t, s)
	oscar, bruno := w.person("operator"), w.add("operator")
	v := w.safe(host(t), nil, oscar)
	lender := oscar.who()
	lender["name"] = "Some operator"
	play(t, "lending", obj{"url": s.URL, "slug": w.Slug, "lender": lender, "borrower": bruno.who(), "safe": v.Name}, s.asks(t, oscar, bruno))

	back := w.saw(Want{Constant: "ACCESS_DELEGATION_REVOKED", Reason: "revoked_by_delegator", ActorID: oscar.ID, TargetID: v.ID})
	w.saw(Want{Constant: "ACCESS_DELEGATION_GRANTED", ActorID: oscar.ID, TargetID: v.ID, Where: obj{"delegation_id": back.Metadata["delegation_id"]}, Meta: obj{"delegate_id": bruno.ID, "right": "access", "ends_at": present}})
	w.saw(Want{Constant: "ACCESS_DELEGATION_REVOKED", Reason: "revoked_by_delegate", ActorID: bruno.ID, TargetID: v.ID})
}

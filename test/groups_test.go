package test

import (
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// Groups, what they bring, and what the ledger tells of it.

// group makes a local group with members.
func (w *World) group(members ...*Person) string {
	w.t.Helper()
	g := get[struct{ ID string }](w.t, w.Owner.Client, "POST", "/org/groups", obj{"name": "g-" + random(5)}).ID
	if len(members) > 0 {
		ids := make([]string, len(members))
		for i, p := range members {
			ids[i] = p.ID
		}
		w.Owner.must(w.t, "POST", "/org/groups/"+g+"/members", obj{"user_ids": ids})
	}
	return g
}

// bind binds a group to a safe.
func (w *World) bind(v *Safe, group, role string) {
	w.t.Helper()
	w.Owner.must(w.t, "POST", "/safes/"+v.ID+"/groups", obj{"group_id": group, "role": role})
}

type reached struct {
	SafeID  string `json:"safe_id"`
	UserID  string `json:"user_id"`
	Role    string
	Direct  string `json:"direct_role"`
	ByGroup string `json:"group_role"`
	GroupID string `json:"group_id"`
	Ways    []struct {
		Role      string
		GroupID   string     `json:"group_id"`
		GroupName string     `json:"group_name"`
		EndsAt    *time.Time `json:"ends_at"`
	}
}

func TestGroupsLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		type group struct {
			ID      string
			Version int64
			Members int
		}
		g := get[group](t, w.Owner.Client, "POST", "/org/groups", obj{"name": "On call", "description": "this week"})
		at := "/org/groups/" + g.ID
		by := Want{ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org}
		w.saw(by.of("GROUP_CREATED", obj{"group_id": g.ID, "group_name": "On call", "group_source": "local"}))
		w.Owner.refused(t, 409, "NAME_TAKEN", "POST", "/org/groups", obj{"name": "on CALL"})

		w.Owner.must(t, "PATCH", at, obj{"name": "On duty", "version": g.Version})
		w.Owner.must(t, "PATCH", at, obj{"name": "On duty"}) // changes nothing
		w.saw(by.of("GROUP_UPDATED", obj{"group_id": g.ID, "group_source": "local", "changes": func(v any) bool { return listHas(v, "field", "name", "old", "On call", "new", "On duty") }}))
		w.Owner.refused(t, 409, "VERSION_CONFLICT", "PATCH", at, obj{"name": "Late", "version": g.Version})

		w.Owner.must(t, "POST", at+"/members", obj{"user_ids": []string{oscar.ID}})
		if n := get[struct{ Added int }](t, w.Owner.Client, "POST", at+"/members", obj{"user_ids": []string{oscar.ID}}).Added; n != 0 {
			t.Errorf("a member was added again: %d", n)
		}
		w.saw(by.of("GROUP_MEMBER_ADDED", obj{"group_id": g.ID, "subject_user_id": oscar.ID, "group_source": "local"}))
		w.Owner.must(t, "DELETE", at+"/members/"+oscar.ID, nil)
		w.saw(by.of("GROUP_MEMBER_REMOVED", obj{"group_id": g.ID, "subject_user_id": oscar.ID, "group_source": "local", "cause": "removed"}))
		w.Owner.refused(t, 404, "NOT_FOUND", "DELETE", at+"/members/"+oscar.ID, nil)
		w.hasNone(Want{Constant: "SAFE_DERIVED_ACCESS_GRANTED"})

		// Who may not, and what may not.
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", at+"/members", obj{"user_ids": []string{oscar.ID}})
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID, Actor: "User", Target: "Tenant",
			Meta: obj{"denied_operation": "member_add", "group_id": g.ID, "subject_user_id": oscar.ID}})
		other := newWorld(t, s)
		w.Owner.refused(t, 422, "INVALID", "POST", at+"/members", obj{"user_ids": []string{oscar.ID, other.Owner.ID}})
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "cross_org_reference", ActorID: w.Owner.ID, Meta: obj{"denied_operation": "member_add", "group_id": g.ID}})
		if l := list[obj](t, w.Owner.Client, at+"/members"); len(l) != 0 {
			t.Errorf("a part of a refused change was made: %v", l)
		}
		// A token that may edit groups gives nothing that it could not give by hand.
		_, token := w.Owner.token(t, "groups:read", "groups:write")
		v := w.safe(host(t), nil)
		w.bind(v, g.ID, "manager")
		token.refused(t, 403, "ROLE_ABOVE_ACTOR", "POST", at+"/members", obj{"user_ids": []string{oscar.ID}})
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "role_above_actor", Actor: "ServiceAccount", Meta: obj{"denied_operation": "member_add", "group_id": g.ID}})

		w.Owner.refused(t, 409, "VERSION_CONFLICT", "DELETE", at+"?version=1", nil)
		w.Owner.must(t, "POST", at+"/members", obj{"user_ids": []string{oscar.ID}})
		w.Owner.must(t, "DELETE", at+"?version=2", nil)
		w.saw(by.of("GROUP_DELETED", obj{"group_id": g.ID, "group_name": "On duty", "member_count": 1, "assignment_count": 1, "group_source": "local"}))
		gone := w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_REMOVED", ActorID: w.Owner.ID, TargetID: v.ID, Meta: obj{"group_id": g.ID, "cause": "group_deleted"}})
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", Actor: "System", Target: "Safe", TargetID: v.ID,
			Meta: obj{"subject_user_id": oscar.ID, "group_id": g.ID, "role": "manager", "caused_by": gone.ID, "sessions_ended": 0}})
		w.Owner.refused(t, 404, "NOT_FOUND", "GET", at, nil)
	})
}

func TestGroupsBringAccess(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil)
		ops, leads := w.group(oscar), w.group()
		groups := "/safes/" + v.ID + "/groups"
		at := Want{Target: "Safe", TargetID: v.ID}
		oscar.isRefused(t, v)

		w.bind(v, ops, "user")
		bound := w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_CREATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Safe", TargetID: v.ID,
			Meta: obj{"assignment_id": present, "group_id": ops, "role": "user"}})
		granted := at.of("SAFE_DERIVED_ACCESS_GRANTED", obj{"group_id": ops, "role": "user", "caused_by": bound.ID}).where("subject_user_id", oscar.ID)
		granted.Actor = "System"
		w.saw(granted)
		oscar.succeeds(t, v, "true")
		w.Owner.refused(t, 409, "ALREADY_ASSIGNED", "POST", groups, obj{"group_id": ops, "role": "manager"})

		// The role of a binding changes, the access of nobody but its members.
		w.Owner.must(t, "PATCH", groups+"/"+ops, obj{"role": "checkout", "version": 1})
		changed := w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_UPDATED", ActorID: w.Owner.ID, Actor: "TenantAdmin", TargetID: v.ID,
			Meta: obj{"assignment_id": bound.Metadata["assignment_id"], "group_id": ops, "old_role": "user", "new_role": "checkout", "privilege_raised": true}})
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_ROLE_CHANGED", Actor: "System", Target: "Safe", TargetID: v.ID,
			Meta: obj{"subject_user_id": oscar.ID, "group_id": ops, "old_role": "user", "new_role": "checkout", "privilege_raised": true, "caused_by": changed.ID}})
		w.Owner.refused(t, 409, "VERSION_CONFLICT", "PATCH", groups+"/"+ops, obj{"role": "user", "version": 1})

		// Somebody who reaches the safe already gets a weaker role: nothing is told of them.
		w.bind(v, leads, "user")
		w.Owner.must(t, "POST", "/org/groups/"+leads+"/members", obj{"user_ids": []string{oscar.ID, mara.ID}})
		added := w.saw(Want{Constant: "GROUP_MEMBER_ADDED", Where: obj{"group_id": leads, "subject_user_id": mara.ID}})
		w.saw(at.of("SAFE_DERIVED_ACCESS_GRANTED", obj{"group_id": leads, "caused_by": added.ID}).where("subject_user_id", mara.ID))
		w.hasNone(Want{Constant: "SAFE_DERIVED_ACCESS_GRANTED", Where: obj{"subject_user_id": oscar.ID, "group_id": leads}})

		// Both questions, and the sources.
		who := map[string]reached{}
		for _, r := range list[reached](t, w.Owner.Client, "/safes/"+v.ID+"/access") {
			who[r.UserID] = r
		}
		if len(who) != 2 || who[oscar.ID].Role != "checkout" || who[oscar.ID].GroupID != ops || who[mara.ID].Role != "user" {
			t.Errorf("who reaches the safe: %+v", who)
		}
		if what := list[reached](t, mara.Client, "/org/members/"+mara.ID+"/access"); len(what) != 1 || what[0].SafeID != v.ID || what[0].ByGroup != "user" || what[0].Direct != "" {
			t.Errorf("what mara reaches: %+v", what)
		}
		mara.refused(t, 403, "NOT_PERMITTED", "GET", "/org/members/"+oscar.ID+"/access", nil)

		// A direct place ends, and the group's remains: the session goes on.
		w.join(v, mara, "manager")
		if what := list[reached](t, mara.Client, "/org/members/"+mara.ID+"/access"); len(what) != 1 || len(what[0].Ways) != 2 || what[0].Ways[0].Role != "manager" || what[0].Ways[0].GroupID != "" || what[0].Ways[1].Role != "user" || what[0].Ways[1].GroupID != leads || what[0].Ways[1].GroupName == "" || what[0].Ways[1].EndsAt != nil {
			t.Errorf("through what mara reaches it: %+v", what)
		}
		live := mara.open(t, v)
		w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+mara.ID, nil)
		w.saw(Want{Constant: "SAFE_MEMBER_REMOVED", TargetID: v.ID, Meta: obj{"subject_user_id": mara.ID, "access_remains_by_group": true, "sessions_ended": 0}})

		// The group's goes too: it ends, within two seconds.
		w.Owner.must(t, "DELETE", "/org/groups/"+leads+"/members/"+mara.ID, nil)
		e, _ := w.endedBySystem(live, v, "access_revoked", "failure", "access")
		revoked := w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", Actor: "System", TargetID: v.ID, Where: obj{"subject_user_id": mara.ID},
			Meta: obj{"group_id": leads, "role": "user", "sessions_ended": 1, "caused_by": present}})
		if took := w.ledger().when(t, e).Sub(w.ledger().when(t, revoked)); took > losesWithin {
			t.Errorf("the session went on for %v", took)
		}
		mara.isRefused(t, v)

		w.Owner.must(t, "DELETE", groups+"/"+ops, nil)
		gone := w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_REMOVED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Safe", TargetID: v.ID,
			Where: obj{"group_id": ops}, Meta: obj{"assignment_id": bound.Metadata["assignment_id"], "role": "checkout", "cause": "removed"}})
		// oscar keeps the weaker role of the other group.
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_ROLE_CHANGED", TargetID: v.ID, Where: obj{"subject_user_id": oscar.ID, "old_role": "checkout"},
			Meta: obj{"new_role": "user", "privilege_raised": false, "group_id": ops, "caused_by": gone.ID}})
		w.hasNone(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", Where: obj{"subject_user_id": oscar.ID}})

		// Who leaves the organization leaves its groups; a safe that goes takes the rest.
		w.Owner.must(t, "POST", "/org/groups/"+leads+"/members", obj{"user_ids": []string{mara.ID}})
		w.Owner.must(t, "DELETE", "/org/members/"+mara.ID, nil)
		w.saw(Want{Constant: "GROUP_MEMBER_REMOVED", ActorID: w.Owner.ID, Where: obj{"subject_user_id": mara.ID, "cause": "user_left_org"}, Meta: obj{"group_id": leads}})
		w.Owner.must(t, "DELETE", "/safes/"+v.ID, nil)
		gone = w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_REMOVED", TargetID: v.ID, Where: obj{"group_id": leads}, Meta: obj{"cause": "safe_deleted"}})
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", TargetID: v.ID, Where: obj{"subject_user_id": oscar.ID}, Meta: obj{"caused_by": gone.ID}})
	})
}

func TestTheClockEndsAccess(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil)
		g := w.group(oscar)
		soon := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		w.Owner.refused(t, 422, "INVALID", "POST", "/safes/"+v.ID+"/groups", obj{"group_id": g, "role": "user", "ends_at": time.Now().Add(-time.Hour)})
		w.Owner.must(t, "POST", "/safes/"+v.ID+"/groups", obj{"group_id": g, "role": "user", "ends_at": soon})
		w.Owner.must(t, "POST", "/safes/"+v.ID+"/members", obj{"user_id": mara.ID, "role": "user", "ends_at": soon})
		at := func(v any) bool {
			text, _ := v.(string)
			got, err := time.Parse(time.RFC3339, text)
			return err == nil && got.Equal(soon)
		}
		w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_CREATED", TargetID: v.ID, Meta: obj{"group_id": g, "ends_at": at}})
		w.saw(Want{Constant: "SAFE_MEMBER_ADDED", TargetID: v.ID, Meta: obj{"subject_user_id": mara.ID, "ends_at": at}})
		live := oscar.open(t, v)
		s.exec(t, `update safe_group set ends_at = 1 where org_id = $1`, w.Org)
		e, _ := w.endedBySystem(live, v, "access_revoked", "failure", "access")
		gone := w.saw(Want{Constant: "SAFE_GROUP_ASSIGNMENT_REMOVED", Actor: "System", Target: "Safe", TargetID: v.ID, Meta: obj{"group_id": g, "cause": "expired"}})
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", Actor: "System", TargetID: v.ID, Meta: obj{"subject_user_id": oscar.ID, "caused_by": gone.ID, "sessions_ended": 1}})
		if took := w.ledger().when(t, e).Sub(w.ledger().when(t, gone)); took > losesWithin {
			t.Errorf("the session went on for %v", took)
		}
		s.exec(t, `update safe_member set ends_at = 1 where org_id = $1`, w.Org)
		eventually(t, "a membership to end", func() bool { return len(w.ledger().events(t, "SAFE_MEMBER_REMOVED")) > 0 })
		w.saw(Want{Constant: "SAFE_MEMBER_REMOVED", Actor: "System", Target: "Safe", TargetID: v.ID, Meta: obj{"subject_user_id": mara.ID, "role": "user", "cause": "expired", "access_remains_by_group": false}})
		mara.isRefused(t, v)
	})
}

func TestDirectoriesKeepTheirGroups(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c, mail := w.directory(), "dir-"+random(4)+".example"
		u := get[scimUser](t, c, "POST", "/Users", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "nele@" + mail, "active": true,
			"emails": []obj{{"primary": true, "value": "nele@" + mail}}})
		g := get[struct{ ID string }](t, c, "POST", "/Groups", obj{"displayName": "Databases", "members": []obj{{"value": u.ID}}})
		by := Want{Actor: "ServiceAccount", Target: "Tenant", TargetID: w.Org}
		w.saw(by.of("GROUP_CREATED", obj{"group_id": g.ID, "group_name": "Databases", "group_source": "scim"}))
		w.saw(by.of("GROUP_MEMBER_ADDED", obj{"group_id": g.ID, "subject_user_id": u.ID, "group_source": "scim"}))
		v := w.safe(host(t), nil)
		w.bind(v, g.ID, "user")
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_GRANTED", TargetID: v.ID, Meta: obj{"subject_user_id": u.ID, "group_id": g.ID}})

		// Nobody edits it here.
		at := "/org/groups/" + g.ID
		for _, d := range []struct {
			what, method, path string
			body               any
		}{
			{"member_remove", "DELETE", at + "/members/" + u.ID, nil}, {"member_add", "POST", at + "/members", obj{"user_ids": []string{w.Owner.ID}}},
			{"group_update", "PATCH", at, obj{"name": "Mine"}}, {"group_delete", "DELETE", at, nil},
		} {
			w.Owner.refused(t, 403, "GROUP_MANAGED_BY_DIRECTORY", d.method, d.path, d.body)
			w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "group_managed_by_directory", ActorID: w.Owner.ID, Actor: "TenantAdmin",
				Where: obj{"denied_operation": d.what}, Meta: obj{"group_id": g.ID}})
		}
		w.group()
		if a := c.do(t, "POST", "/Groups", obj{"displayName": list[struct{ Name string }](t, w.Owner.Client, "/org/groups?q=g-")[0].Name}); a.Status != 409 || !strings.Contains(string(a.Body), "uniqueness") {
			t.Errorf("the directory takes the name of a group of ours: %d %s", a.Status, a.Body)
		}

		c.must(t, "PATCH", "/Groups/"+g.ID, obj{"Operations": []obj{{"op": "replace", "path": "displayName", "value": "Stores"}, {"op": "remove", "path": `members[value eq "` + u.ID + `"]`}}})
		w.saw(by.of("GROUP_UPDATED", obj{"group_id": g.ID, "changes": present, "group_source": "scim"}))
		left := w.saw(by.of("GROUP_MEMBER_REMOVED", obj{"group_id": g.ID, "subject_user_id": u.ID, "group_source": "scim", "cause": "directory_sync"}))
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", TargetID: v.ID, Meta: obj{"subject_user_id": u.ID, "caused_by": left.ID}})
		// Somebody who is taken out of the directory, and comes back, is in their groups again.
		c.must(t, "PATCH", "/Groups/"+g.ID, obj{"Operations": []obj{{"op": "add", "path": "members", "value": []obj{{"value": u.ID}}}}})
		for i, active := range []bool{false, true} {
			c.must(t, "PATCH", "/Users/"+u.ID, obj{"Operations": []obj{{"op": "replace", "path": "active", "value": active}}})
			if l := list[obj](t, w.Owner.Client, at+"/members"); len(l) != i {
				t.Errorf("active %v: %v", active, l)
			}
		}
		c.must(t, "DELETE", "/Groups/"+g.ID, nil)
		w.saw(by.of("GROUP_DELETED", obj{"group_id": g.ID, "group_name": "Stores", "group_source": "scim", "member_count": 1, "assignment_count": 1}))
	})
}

func TestProvidersNameGroups(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, mail := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(mail)
		p := w.provider(idp, nil)
		other := newWorld(t, s)
		theirs := other.provider(ssotest.NewOIDC(t), obj{"enabled": false})
		w.Owner.refused(t, 422, "INVALID", "POST", "/org/groups", obj{"name": "Theirs", "source": "sso", "provider_id": theirs.ID, "provider_group": "x"})
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "cross_org_reference", Meta: obj{"denied_operation": "group_create"}})
		g := get[struct{ ID string }](t, w.Owner.Client, "POST", "/org/groups", obj{"name": "Databases", "source": "sso", "provider_id": p.ID, "provider_group": "dba"}).ID
		w.saw(Want{Constant: "GROUP_CREATED", Actor: "TenantAdmin", Meta: obj{"group_id": g, "group_source": "sso"}})
		w.Owner.refused(t, 403, "GROUP_MANAGED_BY_DIRECTORY", "POST", "/org/groups/"+g+"/members", obj{"user_ids": []string{w.Owner.ID}})

		idp.User = obj{"sub": "u1", "email": "nele@" + mail, "email_verified": true, "name": "Nele", "groups": []string{"pam-users", "dba"}}
		b := s.browser(t)
		throughSSO(t, s, b, idp, obj{"email": "nele@" + mail})
		added := w.saw(Want{Constant: "GROUP_MEMBER_ADDED", Actor: "System", Target: "Tenant", Meta: obj{"group_id": g, "group_source": "sso", "subject_user_id": present}})
		nele := added.Metadata["subject_user_id"].(string)
		v := w.safe(host(t), nil)
		w.bind(v, g, "checkout")
		throughSSO(t, s, b, idp, obj{"email": "nele@" + mail}) // says nothing new
		w.saw(Want{Constant: "GROUP_MEMBER_ADDED", Where: obj{"group_id": g}})

		idp.User["groups"] = []string{"pam-users"}
		throughSSO(t, s, b, idp, obj{"email": "nele@" + mail})
		left := w.saw(Want{Constant: "GROUP_MEMBER_REMOVED", Actor: "System", Meta: obj{"group_id": g, "subject_user_id": nele, "cause": "directory_sync", "group_source": "sso"}})
		w.saw(Want{Constant: "SAFE_DERIVED_ACCESS_REVOKED", TargetID: v.ID, Meta: obj{"subject_user_id": nele, "role": "checkout", "caused_by": left.ID}})

		idp.User["groups"] = []string{"pam-users", "dba"}
		throughSSO(t, s, b, idp, obj{"email": "nele@" + mail})
		w.Owner.must(t, "DELETE", "/org/sso/providers/"+p.ID, nil)
		w.saw(Want{Constant: "GROUP_UPDATED", ActorID: w.Owner.ID, Meta: obj{"group_id": g, "group_source": "local"}})
		if l := list[obj](t, w.Owner.Client, "/org/groups/"+g+"/members"); len(l) != 0 {
			t.Errorf("nobody's word keeps them in: %v", l)
		}
	})
}

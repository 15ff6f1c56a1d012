package test

import (
	"slices"
	"testing"
)

// What administrators set up, and what others are refused.

func TestResourcesLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, own := w.person("operator"), w.Owner
		to, port := host(t).addr()
		r := get[struct {
			ID      string
			Version int
		}](t, own.Client, "POST", "/resources", obj{"name": "web", "protocol": "ssh", "host": to, "port": port})
		admin := Want{ActorID: own.ID, Actor: "TenantAdmin", Target: "Connection", TargetID: r.ID, IP: own.Source}
		w.saw(admin.of("CONNECTION_DEFINITION_CREATED", obj{"protocol": "ssh", "address_host": to, "address_port": port}))

		w.Owner.must(t, "PATCH", "/resources/"+r.ID, obj{"port": port + 1})
		w.saw(admin.of("CONNECTION_DEFINITION_UPDATED", obj{"address_changed": true, "account_binding_changed": false}).where("address_changed", true))
		w.Owner.must(t, "PATCH", "/resources/"+r.ID, obj{"port": port + 1}) // saves what is there already: no event
		w.Owner.must(t, "PATCH", "/resources/"+r.ID, obj{"port": port})
		seen := get[struct{ Fingerprint string }](t, own.Client, "POST", "/resources/"+r.ID+"/host-key/scan", nil)
		w.Owner.must(t, "POST", "/resources/"+r.ID+"/host-key", obj{"fingerprint": seen.Fingerprint})
		if n := len(w.ledger().events(t, "CONNECTION_DEFINITION_UPDATED")); n != 3 { // two ports, one host key
			t.Errorf("%d updates are told, not 3:%s", n, told(w.ledger().events(t, "CONNECTION_DEFINITION_UPDATED")))
		}
		w.Owner.refused(t, 409, "HOST_KEY_NOT_SEEN", "POST", "/resources/"+r.ID+"/host-key", obj{"fingerprint": "SHA256:" + random(20)})

		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/resources", obj{"name": "mine", "protocol": "ssh", "host": to})
		w.saw(Want{Constant: "CONNECTION_DEFINITION_CREATED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		w.Owner.refused(t, 403, "ADDRESS_FORBIDDEN", "POST", "/resources", obj{"name": "metadata", "protocol": "ssh", "host": "169.254.169.254"})
		w.saw(Want{Constant: "CONNECTION_DEFINITION_CREATED", Outcome: "denied", Reason: "address_forbidden", ActorID: own.ID, Meta: obj{"address_host": "169.254.169.254"}})

		v := w.safe(host(t), nil)
		w.Owner.refused(t, 409, "IN_USE", "DELETE", "/resources/"+v.Resource, nil)
		w.saw(Want{Constant: "CONNECTION_DEFINITION_DELETED", Outcome: "denied", Reason: "in_use", TargetID: v.Resource})
		w.Owner.must(t, "DELETE", "/resources/"+r.ID, nil)
		w.saw(admin.of("CONNECTION_DEFINITION_DELETED", obj{"protocol": "ssh", "address_host": to, "sessions_ended": 0}))
		w.Owner.refused(t, 404, "NOT_FOUND", "GET", "/resources/"+r.ID, nil)
	})
}

// of is m for another constant and metadata.
func (m Want) of(constant string, meta obj) Want {
	m.Constant, m.Meta = constant, meta
	return m
}

// where is m of the act that metadata tells.
func (m Want) where(key string, v any) Want {
	m.Where = obj{key: v}
	return m
}

func TestAccountsLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		r := w.resource(host(t))
		body := obj{"name": "app", "resource_id": r, "username": "app", "kind": "password", "password": newSecret("account-password")}
		a := get[struct{ ID string }](t, w.Owner.Client, "POST", "/accounts", body).ID
		admin := Want{ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Account", TargetID: a}
		w.saw(admin.of("PRIVILEGED_ACCOUNT_CREATED", obj{"account_name": "app", "resource_id": r, "credential_kind": "password", "discovered": false, "platform": "ssh"}))
		w.Owner.refused(t, 409, "NAME_TAKEN", "POST", "/accounts", body)
		w.saw(Want{Constant: "PRIVILEGED_ACCOUNT_CREATED", Outcome: "denied", Reason: "duplicate_account"})
		oscar.refused(t, 403, "NOT_PERMITTED", "POST", "/accounts", body)
		w.saw(Want{Constant: "PRIVILEGED_ACCOUNT_CREATED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})

		w.Owner.must(t, "PATCH", "/accounts/"+a, obj{"password": newSecret("account-password")})
		replaced := func(v any) bool {
			return listHas(v, "field", "password", "new", "replaced") || listHas(v, "field", "credential", "new", "replaced")
		}
		w.saw(admin.of("PRIVILEGED_ACCOUNT_UPDATED", obj{"credential_replaced": true, "enabled_again": false, "changes": replaced}))
		w.Owner.must(t, "PATCH", "/accounts/"+a, obj{"name": "app"})
		if n := len(w.ledger().events(t, "PRIVILEGED_ACCOUNT_UPDATED")); n != 1 {
			t.Errorf("a save that changes nothing is told: %d updates", n)
		}
		w.Owner.must(t, "POST", "/accounts/"+a+"/disable", nil)
		w.saw(admin.of("PRIVILEGED_ACCOUNT_DISABLED", obj{"sessions_ended": 0, "leases_revoked": 0}).where("mode", "disabled"))
		w.Owner.must(t, "POST", "/accounts/"+a+"/enable", nil)
		w.saw(admin.of("PRIVILEGED_ACCOUNT_UPDATED", obj{"credential_replaced": false}).where("enabled_again", true))
		w.Owner.must(t, "DELETE", "/accounts/"+a, nil)
		w.saw(admin.of("PRIVILEGED_ACCOUNT_DISABLED", nil).where("mode", "deleted"))
		v := w.safe(host(t), nil)
		w.Owner.refused(t, 409, "IN_USE", "DELETE", "/accounts/"+v.Account, nil)
		w.saw(Want{Constant: "PRIVILEGED_ACCOUNT_DISABLED", Outcome: "denied", Reason: "in_use", TargetID: v.Account})
	})
}

// listHas tells whether one of the objects in v has these values.
func listHas(v any, pairs ...any) bool {
	items, _ := v.([]any)
	return slices.ContainsFunc(items, func(item any) bool {
		o, _ := item.(map[string]any)
		for i := 0; i+1 < len(pairs); i += 2 {
			if o[pairs[i].(string)] != pairs[i+1] {
				return false
			}
		}
		return true
	})
}

func TestSafeMembersLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil)
		members := "/safes/" + v.ID + "/members"
		w.join(v, oscar, "user")
		of := Want{ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Safe", TargetID: v.ID}
		w.saw(of.of("SAFE_MEMBER_ADDED", obj{"subject_user_id": oscar.ID, "role": "user"}))
		w.Owner.must(t, "PUT", members+"/"+oscar.ID, obj{"role": "manager"})
		w.saw(of.of("SAFE_MEMBER_ROLE_UPDATED", obj{"subject_user_id": oscar.ID, "old_role": "user", "new_role": "manager", "privilege_raised": true}))
		w.Owner.must(t, "PUT", members+"/"+oscar.ID, obj{"role": "manager"}) // changes nothing
		if n := len(w.ledger().events(t, "SAFE_MEMBER_ROLE_UPDATED")); n != 1 {
			t.Errorf("a role that stays is told: %d", n)
		}
		// A manager of the safe acts as such, and cannot be acted on by a stranger to it.
		oscar.must(t, "POST", members, obj{"user_id": mara.ID, "role": "user"})
		w.saw(Want{Constant: "SAFE_MEMBER_ADDED", ActorID: oscar.ID, Actor: "OrgAdmin", Target: "Safe", Meta: obj{"subject_user_id": mara.ID}})
		mara.refused(t, 403, "NOT_PERMITTED", "DELETE", members+"/"+oscar.ID, nil)
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "not_permitted", ActorID: mara.ID, Target: "Tenant",
			Meta: obj{"denied_operation": "safe_member_remove", "safe_id": v.ID, "subject_user_id": oscar.ID}})
		w.hasNone(Want{Constant: "SAFE_MEMBER_REMOVED"})
		other := newWorld(t, s)
		w.Owner.refused(t, 422, "INVALID", "POST", members, obj{"user_id": other.Owner.ID, "role": "user"})
		w.saw(Want{Constant: "GROUP_MUTATION_DENIED", Outcome: "denied", Reason: "cross_org_reference", ActorID: w.Owner.ID, Meta: obj{"denied_operation": "safe_member_add", "safe_id": v.ID}})
		w.Owner.must(t, "DELETE", members+"/"+mara.ID, nil)
		w.saw(of.of("SAFE_MEMBER_REMOVED", obj{"subject_user_id": mara.ID, "role": "user", "cause": "removed", "sessions_ended": 0, "access_remains_by_group": false}))
	})
}

func TestPoliciesLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", Actor: "TenantAdmin", Target: "Policy", Where: obj{"safe_id": v.ID, "assignment_change": "attached"}})
		policy := "/safes/" + v.ID + "/policy"
		w.Owner.must(t, "PUT", policy, obj{"local_forward": true, "file_transfer": "allow", "idle_timeout_seconds": 1800})
		w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Policy",
			Where: obj{"safe_id": v.ID, "assignment_change": "edited"},
			Meta:  obj{"changes": present, "weakened_controls": func(v any) bool { l, _ := v.([]any); return slices.Contains(l, any("local_forward")) }}})
		w.Owner.must(t, "PUT", policy, obj{"local_forward": true, "file_transfer": "allow", "idle_timeout_seconds": 1800})
		oscar.refused(t, 403, "NOT_PERMITTED", "PUT", policy, obj{"recording": false, "record_input": false})
		w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		p := w.Owner.refused(t, 422, "INVALID", "PUT", policy, obj{"session_ttl_seconds": 1})
		sentence(t, p.Detail+fieldsOf(p), "session_ttl_seconds", "5")
		w.Owner.must(t, "DELETE", "/safes/"+v.ID, nil)
		w.saw(Want{Constant: "POLICY_ASSIGNMENT_CHANGED", Actor: "TenantAdmin", Where: obj{"safe_id": v.ID, "assignment_change": "detached"}})
		w.saw(Want{Constant: "SAFE_MEMBER_REMOVED", TargetID: v.ID, Meta: obj{"subject_user_id": oscar.ID, "cause": "safe_deleted"}})
		if n := len(w.ledger().events(t, "POLICY_ASSIGNMENT_CHANGED", "outcome", "success")); n != 3 {
			t.Errorf("%d changes of the policy are told, not 3", n)
		}
	})
}

// fieldsOf is what a problem says of the values that are wrong.
func fieldsOf(p Problem) (out string) {
	for _, e := range p.Errors {
		out += " " + e.Path + " " + e.Message
	}
	return out
}

func TestRolesLeaveEvents(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, adam := w.person("operator"), w.person("admin")
		role := func(p *Person) string { return "/org/members/" + p.ID + "/role" }
		w.Owner.must(t, "PUT", role(oscar), obj{"role": "auditor"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org,
			Where: obj{"subject_user_id": oscar.ID, "old_role": "operator"}, Meta: obj{"new_role": "auditor", "privilege_raised": present, "role_source": "admin"}})
		adam.refused(t, 403, "ROLE_ABOVE_ACTOR", "PUT", role(oscar), obj{"role": "owner"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "role_above_actor", ActorID: adam.ID})
		oscar.refused(t, 403, "NOT_PERMITTED", "PUT", role(adam), obj{"role": "operator"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: oscar.ID})
		w.Owner.refused(t, 409, "LAST_OWNER", "PUT", role(w.Owner), obj{"role": "admin"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "last_org_admin", ActorID: w.Owner.ID})
		w.Owner.must(t, "DELETE", "/org/members/"+adam.ID, nil)
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", ActorID: w.Owner.ID, Where: obj{"subject_user_id": adam.ID, "old_role": "admin"}, Meta: obj{"new_role": nil}})
		if a := adam.do(t, "GET", "/org/members", nil); a.Status < 400 {
			t.Errorf("a removed member is still answered: %d %s", a.Status, a.Body)
		}
	})
}

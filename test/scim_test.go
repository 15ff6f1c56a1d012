package test

import (
	"strings"
	"testing"
)

// People and groups as directories push them: the requests are those that Entra ID
// and Okta document, quirks included.

// directory makes a SCIM token and the client that uses it.
func (w *World) directory() *Client {
	w.t.Helper()
	made := get[struct{ Token string }](w.t, w.Owner.Client, "POST", "/org/scim/tokens", obj{"name": "directory", "expires_in_days": 365})
	secrets.add("SCIM token", made.Token)
	c := w.s.stranger(w.t).with(made.Token)
	c.base = w.s.URL + "/scim/v2"
	return c
}

// scimUser is a user as the server answers.
type scimUser struct {
	ID          string `json:"id"`
	UserName    string `json:"userName"`
	ExternalID  string `json:"externalId"`
	DisplayName string `json:"displayName"`
	Active      bool
	Name        struct{ GivenName, FamilyName string }
	Groups      []struct{ Value string }
}

type scimListed struct {
	Total     int `json:"totalResults"`
	Resources []scimUser
}

func TestEntraProvisions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c, mail := w.directory(), "entra-"+random(4)+".example"
		w.saw(Want{Constant: "API_TOKEN_CREATED", ActorID: w.Owner.ID, Where: obj{"token_name": "directory"}, Meta: obj{"service_account": true, "scopes": []string{"scim"}}})
		w.Owner.must(t, "PUT", "/org/scim", obj{"default_role": "operator", "roles": []obj{{"group": "PAM Admins", "role": "admin"}}})

		// It looks first, then creates, with an extension that nobody here keeps.
		if l := get[scimListed](t, c, "GET", `/Users?filter=userName+eq+%22Nele%40`+mail+`%22`, nil); l.Total != 0 {
			t.Fatalf("%+v", l)
		}
		u := get[scimUser](t, c, "POST", "/Users", obj{
			"schemas":    []string{"urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"},
			"externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "userName": "Nele@" + mail, "active": true, "displayName": "Nele T",
			"emails": []obj{{"primary": true, "type": "work", "value": "nele@" + mail}}, "meta": obj{"resourceType": "User"},
			"name": obj{"formatted": "Nele T", "familyName": "T", "givenName": "Nele"},
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": obj{"department": "Ops", "manager": obj{"value": "x"}}})
		if u.UserName != "Nele@"+mail || !u.Active || u.Name.GivenName != "Nele" || !strings.HasPrefix(u.ID, "usr_") {
			t.Fatalf("%+v", u)
		}
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "ServiceAccount", Target: "Tenant", TargetID: w.Org, Where: obj{"subject_user_id": u.ID, "new_role": "operator"},
			Meta: obj{"role_source": "scim", "privilege_raised": true}})
		if l := get[scimListed](t, c, "GET", `/Users?filter=userName+eq+%22nele%40`+mail+`%22`, nil); l.Total != 1 || l.Resources[0].ID != u.ID {
			t.Errorf("%+v", l)
		}
		if a := c.do(t, "POST", "/Users", obj{"userName": "nele@" + mail, "emails": []obj{{"value": "nele@" + mail}}}); a.Status != 409 || !strings.Contains(string(a.Body), `"uniqueness"`) {
			t.Errorf("a second time: %d %s", a.Status, a.Body)
		}

		// A group, empty at first; members by PATCH.
		g := get[struct{ ID string }](t, c, "POST", "/Groups", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"},
			"externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "PAM Admins", "meta": obj{"resourceType": "Group"}})
		patch := func(path string, ops ...obj) Answer {
			return c.must(t, "PATCH", path, obj{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops})
		}
		patch("/Groups/"+g.ID, obj{"op": "Add", "path": "members", "value": []obj{{"$ref": nil, "value": u.ID}}})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "ServiceAccount", Where: obj{"subject_user_id": u.ID, "new_role": "admin", "old_role": "operator"}})
		if a := c.must(t, "GET", "/Groups/"+g.ID+"?excludedAttributes=members", nil); a.Status != 200 {
			t.Error(a.Status)
		}
		patch("/Groups/"+g.ID, obj{"op": "Remove", "path": "members", "value": []obj{{"value": u.ID}}})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Where: obj{"subject_user_id": u.ID, "new_role": "operator", "old_role": "admin"}})

		// Renaming, and the words for true and false.
		patch("/Users/"+u.ID, obj{"op": "Replace", "path": "name.familyName", "value": "Tester"}, obj{"op": "Add", "path": `emails[type eq "work"].value`, "value": "nele.tester@" + mail})
		patch("/Users/"+u.ID, obj{"op": "Replace", "path": "active", "value": "False"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Where: obj{"subject_user_id": u.ID, "old_role": "operator", "new_role": nil}})
		if now := get[scimUser](t, c, "GET", "/Users/"+u.ID, nil); now.Active || now.Name.FamilyName != "Tester" {
			t.Errorf("%+v", now)
		}
		if n := len(list[obj](t, w.Owner.Client, "/org/members")); n != 1 {
			t.Errorf("%d members after the deactivation", n)
		}
		c.must(t, "DELETE", "/Users/"+u.ID, nil)
		if a := c.do(t, "GET", "/Users/"+u.ID, nil); a.Status != 404 || !strings.Contains(string(a.Body), "urn:ietf:params:scim:api:messages:2.0:Error") {
			t.Errorf("%d %s", a.Status, a.Body)
		}
		c.must(t, "DELETE", "/Groups/"+g.ID, nil)
	})
}

func TestOktaProvisions(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c, mail := w.directory(), "okta-"+random(4)+".example"
		for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/Users?startIndex=1&count=2", "/Groups?startIndex=1&count=100"} {
			if a := c.must(t, "GET", path, nil); !strings.HasPrefix(a.Header.Get("Content-Type"), "application/scim+json") {
				t.Errorf("%s is %s", path, a.Header.Get("Content-Type"))
			}
		}
		password := newSecret("okta-password")
		u := get[scimUser](t, c, "POST", "/Users", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "olga@" + mail,
			"name": obj{"givenName": "Olga", "familyName": "K"}, "emails": []obj{{"primary": true, "value": "olga@" + mail, "type": "work"}}, "displayName": "Olga K",
			"locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7", "groups": []any{}, "password": password, "active": true})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Actor: "ServiceAccount", Where: obj{"subject_user_id": u.ID, "new_role": "operator"}})
		// Okta replaces the whole user, and deactivates by an operation without a path.
		c.must(t, "PUT", "/Users/"+u.ID, obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "id": u.ID, "userName": "olga@" + mail, "active": true,
			"name": obj{"givenName": "Olga", "familyName": "Kern"}, "emails": []obj{{"primary": true, "value": "olga@" + mail}}, "meta": obj{"resourceType": "User"}})
		c.must(t, "PUT", "/Groups/"+get[struct{ ID string }](t, c, "POST", "/Groups", obj{"displayName": "Everyone", "members": []obj{{"value": u.ID, "display": "olga@" + mail}}}).ID,
			obj{"displayName": "All", "members": []obj{{"value": u.ID}}})
		if now := get[scimUser](t, c, "GET", "/Users/"+u.ID, nil); now.Name.FamilyName != "Kern" || len(now.Groups) != 1 {
			t.Errorf("%+v", now)
		}
		c.must(t, "PATCH", "/Users/"+u.ID, obj{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []obj{{"op": "replace", "value": obj{"active": false}}}})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Where: obj{"subject_user_id": u.ID, "old_role": "operator"}})

		// Each wrong turn is answered in SCIM's own words.
		for _, bad := range []struct {
			method, path string
			body         any
			status       int
			word         string
		}{
			{"GET", "/Users?filter=userName+sw+%22x%22", nil, 400, "invalidFilter"},
			{"GET", "/Users?filter=title+eq+%22x%22", nil, 400, "invalidFilter"},
			{"GET", "/Users?count=x", nil, 400, "invalidValue"},
			{"POST", "/Users", obj{"displayName": "nobody"}, 400, "invalidValue"},
			{"POST", "/Users", obj{"userName": "not an address"}, 400, "invalidValue"},
			{"POST", "/Users", []byte("{"), 400, "invalidSyntax"},
			{"PATCH", "/Users/" + u.ID, obj{"Operations": []obj{{"op": "explode", "path": "active"}}}, 400, "invalidSyntax"},
			{"PATCH", "/Users/" + u.ID, obj{"Operations": []obj{{"op": "remove", "path": "userName"}}}, 400, "mutability"},
			{"PATCH", "/Users/" + u.ID, obj{"Operations": []obj{{"op": "replace", "path": "active", "value": "perhaps"}}}, 400, "invalidValue"},
			{"PATCH", "/Users/usr_nobody", obj{"Operations": []obj{{"op": "replace", "path": "active", "value": true}}}, 404, "Error"},
			{"POST", "/Groups", obj{"displayName": "x", "members": []obj{{"value": "usr_nobody"}}}, 400, "invalidValue"},
			{"DELETE", "/Groups/grp_nobody", nil, 404, "Error"},
			{"POST", "/Bulk", obj{}, 404, "Error"},
		} {
			if a := c.do(t, bad.method, bad.path, bad.body); a.Status != bad.status || !strings.Contains(string(a.Body), bad.word) {
				t.Errorf("%s %s: %d %s", bad.method, bad.path, a.Status, a.Body)
			}
		}
		// An API token, a session and nothing at all are no directory; a directory is not in the API.
		for what, have := range map[string]*Client{"a session": w.Owner.Client, "nothing": s.stranger(t)} {
			d := *have
			d.base = s.URL + "/scim/v2"
			if a := d.do(t, "GET", "/Users", nil); a.Status != 401 {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		api := *c
		api.base = s.URL + "/api/v1"
		api.refused(t, 401, "AUTH_FAILED", "GET", "/org/members", nil)
		tokens := list[struct{ ID string }](t, w.Owner.Client, "/org/scim/tokens")
		w.Owner.must(t, "DELETE", "/org/scim/tokens/"+tokens[0].ID, nil)
		w.saw(Want{Constant: "API_TOKEN_REVOKED", Reason: "revoked_by_admin", ActorID: w.Owner.ID, TargetID: tokens[0].ID})
		if a := c.do(t, "GET", "/Users", nil); a.Status != 401 {
			t.Errorf("a revoked token: %d", a.Status)
		}
	})
}

package test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// The limit that the platform sets on an organization holds at every door that lets somebody
// in: by hand, by invitation, through the identity provider and from the directory.
func TestSeatLimitHoldsAtEveryDoor(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		mail := "seats-" + random(4) + ".example.com"
		w.domain(mail)
		idp := ssotest.NewOIDC(t)
		w.provider(idp, nil)
		directory := w.directory()
		nora := s.newPerson("operator")
		_, token := w.invited(w.Owner.Client, nora.Email, nil)

		type size struct {
			Active           bool
			Members, Invited int
			SeatLimit        int `json:"seat_limit"`
		}
		overview := func() size {
			t.Helper()
			return get[size](t, s.Root.Client, "GET", "/platform/organizations/"+w.Org, nil)
		}
		w.Owner.refused(t, 403, "NOT_PERMITTED", "PUT", "/platform/organizations/"+w.Org+"/seats", obj{"seat_limit": 9})
		w.Owner.refused(t, 403, "NOT_PERMITTED", "GET", "/platform/organizations/"+w.Org, nil)
		members := overview().Members
		s.Root.must(t, "PUT", "/platform/organizations/"+w.Org+"/seats", obj{"seat_limit": members})
		w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: s.Root.ID, Actor: "PlatformAdmin", Where: obj{"setting_group": "other"}})
		if o := overview(); o.SeatLimit != members || o.Invited != 1 || !o.Active {
			t.Errorf("%+v", o)
		}

		w.Owner.refused(t, 409, "SEAT_LIMIT", "POST", "/org/members", obj{"email": "a@" + mail, "handle": "a-" + random(5), "role": "operator"})
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "not_permitted", ActorID: w.Owner.ID, Where: obj{"new_role": "operator"}, Meta: obj{"role_source": "admin"}})
		w.Owner.refused(t, 409, "SEAT_LIMIT", "POST", "/org/invitations", obj{"email": "b@" + mail, "role": "operator"})
		w.saw(Want{Constant: "INVITATION_SENT", Outcome: "denied", Reason: "seat_limit", ActorID: w.Owner.ID, Where: obj{"invitee_email": "b@" + mail}})

		_, handle := flow(t, nora.nobody(t), token)
		nora.nobody(t).refused(t, 409, "SEAT_LIMIT", "POST", "/invitations/accept", obj{"flow": handle, "handle": nora.Handle, "name": "Nora", "password": nora.Password})
		w.saw(Want{Constant: "INVITATION_ACCEPT_BLOCKED", Outcome: "denied", Reason: "seat_limit", Where: obj{"invitee_email": nora.Email}, Meta: obj{"accepted_via": "link"}})

		idp.User = map[string]any{"sub": "jane-" + random(4), "email": "jane@" + mail, "email_verified": true, "name": "Jane", "groups": []string{"pam-users"}}
		b := s.browser(t)
		v := arrive(t, b, s, idp.SignIn(t, depart(t, b, obj{"organization": w.Slug})).String())
		if v.Get("ticket") != "" || v.Get("error") != "not_permitted" || !strings.Contains(v.Get("message"), "as many members as it may have") {
			t.Errorf("through the provider: %v", v)
		}
		w.saw(Want{Constant: "AUTH_SIGN_IN_FAILED", Outcome: "failure", Reason: "not_permitted", Where: obj{"sign_in_method": "sso"}})

		a := directory.do(t, "POST", "/Users", obj{"userName": "kim@" + mail, "emails": []obj{{"value": "kim@" + mail, "primary": true}}, "active": true})
		if a.Status != 403 || !strings.Contains(string(a.Body), "urn:ietf:params:scim:api:messages:2.0:Error") || !strings.Contains(string(a.Body), "as many members as it may have") {
			t.Errorf("from the directory: %d %s", a.Status, a.Body)
		}
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Outcome: "denied", Reason: "not_permitted", Actor: "ServiceAccount", Where: obj{"role_source": "scim"}, Meta: obj{"new_role": "operator"}})
		if o := overview(); o.Members != members {
			t.Errorf("somebody came in: %+v", o)
		}

		// Room again: what waited goes on.
		s.Root.must(t, "PUT", "/platform/organizations/"+w.Org+"/seats", obj{"seat_limit": 0})
		get[struct{}](t, nora.nobody(t), "POST", "/invitations/accept", obj{"flow": handle, "handle": nora.Handle, "name": "Nora", "password": nora.Password})
		directory.must(t, "POST", "/Users", obj{"userName": "kim@" + mail, "emails": []obj{{"value": "kim@" + mail, "primary": true}}, "active": true})
		if o := overview(); o.Members != members+2 || o.Invited != 0 {
			t.Errorf("%+v", o)
		}
		if r := s.cli(t, s.Root.Client, "orgs", "all", "--json"); r.Code != 0 || !strings.Contains(r.Stdout, w.Slug) {
			t.Errorf("%s", r)
		}
	})
}

package test

import (
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/sso/ssotest"
)

// changeOf is what an action says of one field; "" where it says nothing.
func changeOf(g govAction, field string) string {
	for _, c := range g.Changes {
		if c.Field == field {
			return c.From + " -> " + c.To
		}
	}
	return ""
}

// governed is the event of a setting that two people have changed.
func (w *World) governed(g govAction, by *Person, meta obj) {
	w.t.Helper()
	meta["governance_action_id"] = g.ID
	effect := w.saw(Want{Constant: "TENANT_SETTINGS_UPDATED", ActorID: by.ID, Actor: "TenantAdmin", Target: "Tenant", TargetID: w.Org,
		Where: obj{"setting_group": "sso", "governance_action_id": g.ID}, Meta: meta})
	w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_APPROVED", TargetID: g.ID, Meta: obj{"action_kind": g.Kind, "requester_id": by.ID, "effect_event": effect.ID}})
}

func TestSingleSignOnIsChangedByTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, own := ssotest.NewOIDC(t), w.Owner.Client
		body := func(more obj) obj {
			b := obj{"name": "Corp", "protocol": "oidc", "enabled": false, "issuer": idp.URL, "client_id": idp.ClientID, "ca_pem": idp.CA, "provision": true, "trust_mfa": false, "default_role": "operator"}
			for k, v := range more {
				b[k] = v
			}
			return b
		}
		put := func(b obj) obj { delete(b, "protocol"); return b }
		secrets.add("client secret", idp.ClientSecret)
		adam := w.person("admin")

		// A draft lets nobody in and is one's own; that it lets people in waits, with all of it.
		p := get[ssoProvider](t, own, "POST", "/org/sso/providers", body(obj{"client_secret": idp.ClientSecret}))
		at := "/org/sso/providers/" + p.ID
		own.must(t, "PUT", at, put(body(obj{"default_role": "auditor"})))
		g := waits(t, own, "PUT", at, put(body(obj{"enabled": true, "default_role": "auditor"})))
		if g.Kind != "sso_provider_change" || changeOf(g, "enabled") != "false -> true" || changeOf(g, "issuer") != idp.URL+" -> "+idp.URL || changeOf(g, "client_secret") != "set -> set" || changeOf(g, "version") != "2 -> 3" {
			t.Errorf("%+v", g)
		}
		if l := s.letter(t, adam.Email, notify.GovernanceWaitingKind, 1); strings.Contains(l.Text, idp.ClientSecret) || !strings.Contains(l.Text, "default_role: auditor") {
			t.Errorf("%s", l.Text)
		}
		s.browser(t).refused(t, 404, "SSO_NOT_CONFIGURED", "POST", "/auth/sso/start", obj{"organization": w.Slug})

		// Another draft meanwhile: what was asked for is seen to be out of date, and is not made.
		path := "/org/governance/actions/" + g.ID
		if now := get[govAction](t, adam.Client, "GET", path, nil); now.OutOfDate != "" {
			t.Errorf("out of date from the start: %s", now.OutOfDate)
		}
		adam.must(t, "PUT", at, put(body(nil)))
		const says = "default_role was auditor and is operator now; version was 2 and is 3 now"
		if now := get[govAction](t, adam.Client, "GET", path, nil); now.State != "open" || now.OutOfDate != says {
			t.Errorf("%+v", now)
		}
		if all := list[govAction](t, adam.Client, "/org/governance/actions?state=open"); len(all) != 1 || all[0].OutOfDate != says {
			t.Errorf("%+v", all)
		}
		if a := adam.refused(t, 409, "GOVERNANCE_STALE", "POST", path+"/approve", obj{}); !strings.Contains(a.Detail, says) {
			t.Errorf("%s", a.Detail)
		}
		w.saw(Want{Constant: "ORG_GOVERNANCE_ACTION_REJECTED", Reason: "superseded", Actor: "System", TargetID: g.ID, Meta: obj{"comment": says}})

		g = waits(t, own, "PUT", at, put(body(obj{"enabled": true})))
		adam.approves(t, g)
		w.governed(g, w.Owner, obj{"weakened_controls": []string{}})
		depart(t, s.browser(t), obj{"organization": w.Slug})

		// Whom it is spoken with and what is believed of it waits; its name does not.
		own.must(t, "PUT", at, put(body(obj{"enabled": true, "name": "Corp login"})))
		other := newSecret("client secret")
		g = waits(t, own, "PUT", at, put(body(obj{"enabled": true, "name": "Corp login", "trust_mfa": true, "client_secret": other, "issuer": idp.URL})))
		if changeOf(g, "trust_mfa") != "false -> true" || changeOf(g, "client_secret") != " -> replaced" || changeOf(g, "issuer") != "" {
			t.Errorf("%+v", g)
		}
		adam.approves(t, g)
		w.governed(g, w.Owner, obj{"weakened_controls": []string{"own_second_factor"}})

		// So does one that lets people in from the first, and that one goes.
		own.refused(t, 409, "NAME_TAKEN", "POST", "/org/sso/providers", body(obj{"enabled": true, "name": "Corp login"}))
		g = waits(t, own, "POST", "/org/sso/providers", body(obj{"enabled": true, "name": "Second", "client_secret": idp.ClientSecret}))
		if g.Kind != "sso_provider_add" || changeOf(g, "issuer") != " -> "+idp.URL || len(list[ssoProvider](t, own, "/org/sso/providers")) != 1 {
			t.Errorf("%+v", g)
		}
		adam.approves(t, g)
		w.governed(g, w.Owner, obj{"weakened_controls": []string{}})
		for _, q := range list[ssoProvider](t, own, "/org/sso/providers") {
			g = waits(t, adam.Client, "DELETE", "/org/sso/providers/"+q.ID, nil)
			if g.Kind != "sso_provider_remove" || changeOf(g, "enabled") != "true -> " {
				t.Errorf("%+v", g)
			}
			get[govAction](t, own, "POST", "/org/governance/actions/"+g.ID+"/approve", obj{})
			w.governed(g, adam, obj{"weakened_controls": []string{}})
		}
		if all := list[ssoProvider](t, own, "/org/sso/providers"); len(all) != 0 {
			t.Errorf("%+v", all)
		}
	})
}

func TestTheDemandForSingleSignOnIsDroppedByTwo(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		idp, domain := ssotest.NewOIDC(t), "d-"+random(4)+".example"
		w.domain(domain)
		w.provider(idp, obj{"roles": []obj{}})
		through := func(name string) *Person {
			p := s.newPerson("admin")
			p.Email = p.Handle + "@" + domain
			w.Owner.must(t, "POST", "/org/members", obj{"email": p.Email, "handle": p.Handle, "name": name, "password": p.Password, "role": "admin"})
			p.enrol(t)
			idp.User = obj{"sub": name, "email": p.Email, "email_verified": true}
			b := s.browser(t)
			in, _ := throughSSO(t, s, b, idp, obj{"organization": w.Slug})
			done := get[signedIn](t, b, "POST", "/auth/mfa", obj{"challenge_id": in.MFA.ChallengeID, "code": p.code(t)})
			secrets.add("access token", done.AccessToken)
			p.Client = b.with(done.AccessToken)
			return p
		}
		ada, bert := through("ada"), through("bert")
		old := w.Owner.Client
		w.Owner.Client = ada.Client                           // who reads the ledger from here on
		ada.must(t, "PUT", "/org/sso", obj{"required": true}) // strengthens: at once
		g := waits(t, ada.Client, "PUT", "/org/sso", obj{"required": false})
		if g.Kind != "sso_lift" || changeOf(g, "sso_required") != "true -> false" {
			t.Errorf("%+v", g)
		}
		bert.approves(t, g)
		w.governed(g, ada, obj{"weakened_controls": []string{"sso_required"}})
		w.Owner.Client = old
		old.must(t, "GET", "/safes", nil)
		ada.must(t, "PUT", "/org/sso", obj{"required": true})
		s.Root.must(t, "DELETE", "/platform/organizations/"+w.Org+"/sso-requirement", nil) // the platform's way back waits for nobody
		old.must(t, "GET", "/safes", nil)
	})
}

package test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Credentials that are shown to people for a time.

type checkedOut struct {
	ID        string
	Active    bool
	ExpiresAt time.Time `json:"expires_at"`
	EndedBy   string    `json:"ended_by"`
	Request   string    `json:"access_request_id"`
	Reveals   int
}

type openedCheckout struct {
	Checkout   checkedOut
	Credential struct {
		Username, Kind, Password string
		PrivateKey               string `json:"private_key"`
	}
}

func (p *Person) checksOut(t testing.TB, v *Safe, more obj) (out openedCheckout) {
	t.Helper()
	p.proved(t, 0)
	body := obj{"safe_id": v.ID, "reason": "the disk is full"}
	for k, x := range more {
		body[k] = x
	}
	p.must(t, "POST", "/checkouts", body).into(t, &out)
	return out
}

func (p *Person) noCheckout(t testing.TB, v *Safe, status int, code string) {
	t.Helper()
	p.refused(t, status, code, "POST", "/checkouts", obj{"safe_id": v.ID, "reason": "the disk is full"})
}

// The whole path: refused, out, seen again, in, due; and no trace of the secret.
func TestCredentialIsCheckedOutAndIn(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, carla, bruno := w.person("operator"), w.add("operator"), w.add("operator")
		h := newPasswordHost(t, nil)
		v := w.safe(h, nil, oscar)
		w.join(v, carla, "checkout")
		w.join(v, bruno, "manager")
		denied := func(p *Person, reason string) {
			t.Helper()
			w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", Outcome: "denied", Reason: reason, ActorID: p.ID, Actor: "User", Target: "Account", TargetID: v.Account, IP: p.Source,
				Meta: obj{"safe_id": v.ID, "exclusive": true, "credential_kind": "password"}})
		}
		oscar.noCheckout(t, v, 403, "APPROVAL_REQUIRED")
		denied(oscar, "no_approval")
		carla.proved(t, 6*time.Minute)
		carla.noCheckout(t, v, 403, "STEP_UP_REQUIRED")
		denied(carla, "mfa_required")
		carla.refused(t, 422, "INVALID", "POST", "/checkouts", obj{"safe_id": v.ID, "reason": " "})

		// The answer holds the secret once, and a repeat with the same key does not.
		carla.proved(t, 0)
		body := obj{"safe": v.Name, "reason": "the disk is full", "ticket": "OPS-9", "duration_seconds": 600}
		named := carla.Client.named("out-" + random(4))
		a := named.must(t, "POST", "/checkouts", body)
		if a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("Cache-Control: %q", a.Header.Get("Cache-Control"))
		}
		var got openedCheckout
		a.into(t, &got)
		if got.Credential.Password != h.password || got.Credential.Username != h.user || !got.Checkout.Active || got.Checkout.Reveals != 1 {
			t.Fatalf("%+v", got.Checkout)
		}
		again := named.do(t, "POST", "/checkouts", body)
		if again.Status != http.StatusConflict || !strings.Contains(string(again.Body), "ANSWER_NOT_KEPT") || bytes.Contains(again.Body, []byte(h.password)) {
			t.Errorf("the repeat was answered %d", again.Status)
		}
		where := obj{"checkout_id": got.Checkout.ID}
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: carla.ID, Actor: "User", Target: "Account", TargetID: v.Account, IP: carla.Source, Where: where,
			Meta: obj{"safe_id": v.ID, "exclusive": true, "expires_at": present, "credential_kind": "password"}})
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_COMPLETED", ActorID: carla.ID, Actor: "User", Target: "Account", TargetID: v.Account, Where: where,
			Meta: obj{"safe_id": v.ID, "secret_version": 1, "expires_at": present}})
		w.saw(Want{Constant: "SECRET_ACCESSED", ActorID: carla.ID, Actor: "User", Target: "Secret", Where: where,
			Meta: obj{"account_id": v.Account, "secret_access_mode": "reveal", "safe_id": v.ID, "secret_version": 1}})
		bruno.proved(t, 0)
		bruno.noCheckout(t, v, 409, "CHECKED_OUT")
		denied(bruno, "exclusive_lease_held")

		// Lists never hold it; who sees which.
		for p, n := range map[*Person]int{carla: 1, bruno: 1, w.Owner: 1, oscar: 0} {
			if l := p.must(t, "GET", "/checkouts?active=true&safe="+v.ID, nil); bytes.Contains(l.Body, []byte(h.password)) || strings.Count(string(l.Body), got.Checkout.ID) != n {
				t.Errorf("%s sees %s", p.Handle, l.Body)
			}
		}
		oscar.refused(t, 404, "NOT_FOUND", "GET", "/checkouts/"+got.Checkout.ID, nil)

		// Once more, by the holder only, and with a fresh factor.
		var seen openedCheckout
		carla.must(t, "POST", "/checkouts/"+got.Checkout.ID+"/reveal", nil).into(t, &seen)
		if seen.Credential.Password != h.password || seen.Checkout.Reveals != 2 {
			t.Errorf("%+v", seen.Checkout)
		}
		bruno.refused(t, 403, "NOT_PERMITTED", "POST", "/checkouts/"+got.Checkout.ID+"/reveal", nil)
		w.saw(Want{Constant: "SECRET_ACCESSED", Outcome: "denied", Reason: "no_lease", ActorID: bruno.ID, Where: where})
		carla.proved(t, 6*time.Minute)
		carla.refused(t, 403, "STEP_UP_REQUIRED", "POST", "/checkouts/"+got.Checkout.ID+"/reveal", nil)
		w.saw(Want{Constant: "SECRET_ACCESSED", Outcome: "denied", Reason: "not_permitted", ActorID: carla.ID, Where: where})

		var in checkedOut
		carla.must(t, "POST", "/checkouts/"+got.Checkout.ID+"/check-in", obj{"comment": "done"}).into(t, &in)
		if in.Active || in.EndedBy != "holder" {
			t.Errorf("%+v", in)
		}
		w.saw(Want{Constant: "CREDENTIAL_CHECKIN_COMPLETED", ActorID: carla.ID, Actor: "User", Target: "Account", TargetID: v.Account, Where: where,
			Meta: obj{"safe_id": v.ID, "ended_by": "holder", "jit_revoked": false, "rotation_scheduled": true}})
		carla.refused(t, 409, "CHECKOUT_OVER", "POST", "/checkouts/"+got.Checkout.ID+"/check-in", nil)
		carla.proved(t, 0)
		carla.refused(t, 409, "CHECKOUT_OVER", "POST", "/checkouts/"+got.Checkout.ID+"/reveal", nil)
		w.saw(Want{Constant: "SECRET_ACCESSED", Outcome: "denied", Reason: "lease_expired", ActorID: carla.ID, Where: where})
		if due := get[obj](t, w.Owner.Client, "GET", "/accounts/"+v.Account, nil)["rotation_due_since"]; !present(due) {
			t.Error("the account is not due for rotation")
		}
		// A session, in which nobody sees the credential, is no checkout.
		oscar.succeeds(t, v, "true")
		w.ended(v)
		w.hasNone(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: oscar.ID})
	})
}

// What ends a checkout besides its holder, within two seconds.
func TestCheckoutEndsByOrderClockAndLoss(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		carla := w.add("operator")
		h := newPasswordHost(t, nil)
		v := w.safe(h, nil)
		w.join(v, carla, "checkout")
		for _, c := range []struct {
			by, actor, who string
			lose           func(c openedCheckout)
			back           func()
		}{
			{"admin", "TenantAdmin", w.Owner.ID, func(c openedCheckout) {
				w.Owner.must(t, "POST", "/checkouts/"+c.Checkout.ID+"/check-in", obj{"comment": "now"})
			}, nil},
			{"expiry", "System", "", func(c openedCheckout) {
				s.outside(t, "update checkout set expires_at = $1 where id = $2", time.Now().UnixMicro(), c.Checkout.ID)
			}, nil},
			{"account_disabled", "TenantAdmin", w.Owner.ID, func(openedCheckout) { w.Owner.must(t, "POST", "/accounts/"+v.Account+"/disable", nil) },
				func() { w.Owner.must(t, "POST", "/accounts/"+v.Account+"/enable", nil) }},
			{"admin", "System", "", func(openedCheckout) { w.Owner.must(t, "DELETE", "/safes/"+v.ID+"/members/"+carla.ID, nil) }, nil},
		} {
			out := carla.checksOut(t, v, nil)
			c.lose(out)
			began := time.Now()
			var got checkedOut
			eventually(t, "the checkout to end", func() bool {
				w.Owner.must(t, "GET", "/checkouts/"+out.Checkout.ID, nil).into(t, &got)
				return got.EndedBy != ""
			})
			if took := time.Since(began); took > losesWithin || got.EndedBy != c.by {
				t.Errorf("ended by %q after %s, want %q", got.EndedBy, took, c.by)
			}
			w.saw(Want{Constant: "CREDENTIAL_CHECKIN_COMPLETED", ActorID: c.who, Actor: c.actor, TargetID: v.Account, Where: obj{"checkout_id": out.Checkout.ID}, Meta: obj{"ended_by": c.by, "rotation_scheduled": true}})
			if c.by == "account_disabled" {
				w.saw(Want{Constant: "PRIVILEGED_ACCOUNT_DISABLED", TargetID: v.Account, Meta: obj{"leases_revoked": 1}})
				carla.noCheckout(t, v, 403, "ACCOUNT_DISABLED")
				w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", Outcome: "denied", Reason: "account_disabled", ActorID: carla.ID})
			}
			if c.back != nil {
				c.back()
			}
		}
		carla.noCheckout(t, v, 404, "NOT_FOUND")
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", Outcome: "denied", Reason: "not_a_member", ActorID: carla.ID})
	})
}

// A request is for a session, a checkout, or both; its grant opens that and nothing else.
func TestRequestIsForASessionOrACheckout(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, carla, anna := w.person("operator"), w.add("operator"), w.add("operator")
		v := w.safe(newPasswordHost(t, nil), obj{"approvals": 1}, oscar)
		w.join(v, anna, "approver")
		w.join(v, carla, "checkout")
		carla.proved(t, 0)
		carla.noCheckout(t, v, 403, "APPROVAL_REQUIRED")
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", Outcome: "denied", Reason: "no_approval", ActorID: carla.ID})

		forSession := anna.decides(t, oscar.asksFor(t, v, nil), "approve", nil)
		oscar.proved(t, 0)
		oscar.noCheckout(t, v, 403, "APPROVAL_REQUIRED")
		oscar.succeeds(t, v, "true")
		w.ended(v)
		anna.must(t, "POST", "/access/grants/"+forSession.Grant.ID+"/revoke", nil)

		r := anna.decides(t, oscar.asksFor(t, v, obj{"uses": "checkout"}), "approve", nil)
		oscar.isRefused(t, v, "approval")
		out := oscar.checksOut(t, v, nil)
		if out.Checkout.Request != r.ID || out.Checkout.ExpiresAt.After(r.Grant.EndsAt) {
			t.Errorf("%+v of %s", out.Checkout, r.ID)
		}
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: oscar.ID, Where: obj{"checkout_id": out.Checkout.ID}, Meta: obj{"access_request_id": r.ID}})
		var seen struct {
			Uses      string
			Checkouts []struct{ ID string }
		}
		if oscar.must(t, "GET", "/access/requests/"+r.ID, nil).into(t, &seen); seen.Uses != "checkout" || len(seen.Checkouts) != 1 || seen.Checkouts[0].ID != out.Checkout.ID {
			t.Errorf("%+v", seen)
		}
		anna.must(t, "POST", "/access/grants/"+r.Grant.ID+"/revoke", nil)
		eventually(t, "the checkout to end with its grant", func() bool {
			return get[checkedOut](t, oscar.Client, "GET", "/checkouts/"+out.Checkout.ID, nil).EndedBy == "admin"
		})

		both := anna.decides(t, oscar.asksFor(t, v, obj{"uses": "both"}), "approve", nil)
		oscar.succeeds(t, v, "true")
		w.ended(v)
		out = oscar.checksOut(t, v, nil)
		oscar.must(t, "POST", "/checkouts/"+out.Checkout.ID+"/check-in", nil)

		// An approval for one use opens one checkout, and one session beside it.
		anna.must(t, "POST", "/access/grants/"+both.Grant.ID+"/revoke", nil)
		w.Owner.must(t, "PUT", "/safes/"+v.ID+"/policy", obj{"approvals": 1, "approval_once": true, "cool_down_seconds": 0})
		single := anna.decides(t, oscar.asksFor(t, v, obj{"uses": "both"}), "approve", nil)
		oscar.proved(t, 0)
		out = oscar.checksOut(t, v, nil)
		oscar.must(t, "POST", "/checkouts/"+out.Checkout.ID+"/check-in", nil)
		oscar.noCheckout(t, v, 403, "APPROVAL_REQUIRED")
		w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: oscar.ID, Where: obj{"checkout_id": out.Checkout.ID}, Meta: obj{"access_request_id": single.ID}})
		oscar.succeeds(t, v, "true")
		w.ended(v)
		oscar.isRefused(t, v, "approval")

		// Who approves a checkout is not passed by with a request for both.
		w.Owner.must(t, "PUT", "/safes/"+v.ID+"/policy", obj{"approvals": 0})
		apart := w.policy(`@require_approval("1") @approvers("person:`+anna.ID+`") permit (principal, action, resource) when { context.use == "session" };
@require_approval("1") @approvers("person:`+w.Owner.ID+`") permit (principal, action, resource) when { context.use == "checkout" };`, v)
		oscar.refused(t, 403, "NOT_ELIGIBLE", "POST", "/access/requests", obj{"safe_id": v.ID, "reason": "both", "uses": "both"})
		w.saw(Want{Constant: "USER_ACCESS_REQUEST_CREATED", Outcome: "denied", Reason: "not_eligible", ActorID: oscar.ID, TargetID: v.ID})
		w.Owner.must(t, "DELETE", "/org/policies/"+apart.ID, nil)

		// Policies may tell the two apart.
		w.policy(`@message("sessions only") forbid (principal, action, resource) when { context.use == "checkout" };`, v)
		oscar.proved(t, 0)
		oscar.noCheckout(t, v, 403, "POLICY_DENIED")
		oscar.succeeds(t, v, "true")
		w.ended(v)
	})
}

// Checkouts by the command line.
func TestCheckoutsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		carla, oscar := w.add("operator"), w.add("operator")
		h := newPasswordHost(t, nil)
		v := w.safe(h, nil, oscar)
		w.join(v, carla, "checkout")
		admin, out := s.prompt(t, w.Owner.Client), s.prompt(t, carla.Client)
		carla.proved(t, 0)
		out.says(t, "vaultpam checkin "+v.Name, "checkout", v.Name, "--reason", "the disk is full", "--for", "10m")
		file := filepath.Join(t.TempDir(), "password")
		if told := out("", "checkout", v.Name, "--again", "--out", file, "--json"); strings.Contains(told, h.password) {
			t.Error("--out prints the secret")
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != h.password {
			t.Errorf("the file: %v", err)
		}
		if st, err := os.Stat(file); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", st, err)
		}
		admin.says(t, v.Name, "checkouts", "--safe", v.Name)
		out.says(t, "due for rotation", "checkin", v.Name, "--comment", "done")
		admin.says(t, "holder", "checkouts", "--all", "--user", carla.Handle)
		admin("", "safes", "policy", v.Name, "--checkout-timeout", "5m")
		admin.says(t, "checkout timeout 5m0s", "safes", "policy", v.Name)
		// Explained by the code that decides it.
		admin.says(t, carla.Handle+" checking out "+v.Name+": allowed", "access", "explain", carla.Handle, v.Name, "--use", "checkout", "--from", "127.0.0.1")
		admin.says(t, carla.Handle+" checking out "+v.Name+": denied", "access", "explain", carla.Handle, v.Name, "--use", "checkout", "--from", "127.0.0.1", "--mfa", "6m")
		admin.says(t, oscar.Handle+" checking out "+v.Name+": needs approval", "access", "explain", oscar.Handle, v.Name, "--use", "checkout")
		admin.says(t, oscar.Handle+" opening "+v.Name+": allowed", "access", "explain", oscar.Handle, v.Name)
		admin.says(t, "no_approval", "access", "who-can", v.Name, "--use", "checkout")
		ask := s.prompt(t, oscar.Client)
		ask.says(t, "Asked for", "request", v.Name, "--reason", "rescue disk", "--use", "checkout")
		ask.says(t, "checkout", "request", "list")
	})
}

// Checkouts in the console, by web/test/checkouts.e2e.mjs: the credential is seen, and
// nothing of it stays.
func TestConsoleChecksOut(t *testing.T) {
	t.Parallel()
	s := shared(t, SQLite)
	w := newWorld(t, s)
	carla, oscar := w.add("operator"), w.person("operator")
	h := newPasswordHost(t, nil)
	v := w.safe(h, nil, oscar)
	w.join(v, carla, "checkout")
	name := func(p *Person) obj {
		who := p.who()
		who["name"] = get[struct{ User struct{ Name string } }](t, p.Client, "GET", "/auth/me", nil).User.Name
		return who
	}
	play(t, "checkouts", obj{"url": s.URL, "slug": w.Slug, "owner": name(w.Owner), "holder": name(carla), "asker": name(oscar), "safe": v.Name, "safe_id": v.ID, "account_id": v.Account,
		"user": h.user, "password": h.password}, s.asks(t, w.Owner, carla, oscar))

	in := w.saw(Want{Constant: "CREDENTIAL_CHECKIN_COMPLETED", ActorID: carla.ID, TargetID: v.Account, Meta: obj{"ended_by": "holder", "rotation_scheduled": true}})
	w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: carla.ID, TargetID: v.Account, Where: obj{"checkout_id": in.Metadata["checkout_id"]}})
	w.saw(Want{Constant: "CREDENTIAL_CHECKIN_COMPLETED", ActorID: w.Owner.ID, TargetID: v.Account, Meta: obj{"ended_by": "admin"}})
	w.saw(Want{Constant: "CREDENTIAL_CHECKOUT_STARTED", ActorID: oscar.ID, TargetID: v.Account, Meta: obj{"access_request_id": present}})
}

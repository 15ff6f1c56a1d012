package test

import (
	"regexp"
	"testing"
)

// Requests by the command line.
func TestRequestsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, anna := w.person("operator"), w.add("operator")
		v := w.safe(host(t), nil, oscar)
		w.join(v, anna, "approver")
		admin, ask, decide := s.prompt(t, w.Owner.Client), s.prompt(t, oscar.Client), s.prompt(t, anna.Client)

		admin("", "safes", "policy", v.Name, "--approvals", "1", "--break-glass", oscar.ID)
		admin.says(t, "approvals 1", "safes", "policy", v.Name)
		ask.says(t, "1 must approve", "request", v.Name, "--reason", "the disk is full", "--for", "30m", "--ticket", "OPS-7")
		ask.says(t, "Written", "request", "comment", v.Name, "it is /var")
		ask.says(t, "open OPS-7", "request", "list", "--open")
		ask("", "request", "withdraw", v.Name)
		ask.says(t, "withdrawn", "request", "list")

		ask("", "request", "safe", v.Name, "--reason", "once more")
		decide.says(t, oscar.Handle+" "+v.Name, "approve")
		decide.says(t, "Rejected", "reject", oscar.Handle, "--comment", "not today")
		ask("", "request", v.Name, "--reason", "and again")
		decide.says(t, "Approved "+oscar.Handle, "approve", oscar.Handle, "--comment", "well then")
		oscar.succeeds(t, v, "true")
		w.ended(v)
		grants := decide.says(t, oscar.Handle+" approval", "request", "grants")
		g := regexp.MustCompile(`agr_[0-9a-z]{26}`).FindString(grants)
		decide("", "request", "end", g, "--comment", "enough")
		oscar.isRefused(t, v)

		ask.says(t, "Every administrator", "request", "emergency", v.Name, "--reason", "the bank stands still")
		oscar.succeeds(t, v, "true")
		x := w.ended(v)
		shown := admin.says(t, "emergency", "request", "grants")
		r := regexp.MustCompile(`arq_[0-9a-z]{26}`).FindString(admin("", "request", "list", "--all"))
		admin.says(t, x.ID+" "+oscar.Handle, "request", "show", r)
		ask("", "request", "end", regexp.MustCompile(`agr_[0-9a-z]{26}`).FindString(shown))
		w.saw(Want{Constant: "ACCESS_GRANT_ENDED", Reason: "revoked", ActorID: oscar.ID})
		admin.says(t, "to be rotated", "accounts")

		bruno := w.add("operator")
		admin("", "safes", "policy", v.Name, "--approvals", "0", "--delegation", "allow")
		ask.says(t, "Lent to "+bruno.Handle, "lend", v.Name, "--to", bruno.Handle, "--for", "2h", "--reason", "holidays")
		lent := s.prompt(t, bruno.Client).says(t, oscar.Handle+" access "+v.Name, "lend", "list")
		for _, how := range [][]string{{"safes"}, {"safes", "list", "--find", v.Name}, {"safes", "show", v.Name}} {
			s.prompt(t, bruno.Client).says(t, "lent by "+oscar.Handle+" until", how...)
		}
		bruno.succeeds(t, v, "true")
		w.ended(v)
		ask.says(t, "Ended", "lend", "end", regexp.MustCompile(`dlg_[0-9a-z]{26}`).FindString(lent))
		ask.says(t, "revoked_by_delegator", "lend", "list", "--all")
		ask.says(t, "Lent to "+bruno.Handle, "lend", "safe", v.Name, "--to", bruno.Handle, "--for", "1h") // the same, by its whole name
	})
}

package test

import (
	"strings"
	"testing"
)

// Groups and policies by the command line.

func TestGroupsByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil)
		ask := s.prompt(t, w.Owner.Client)
		ask("", "groups", "create", "on-call", "--description", "this week")
		ask("", "groups", "members", "add", "on-call", oscar.Handle)
		ask.says(t, oscar.Handle, "groups", "members", "list", "on-call")
		ask.says(t, "on-call", "groups", "list", "--person", oscar.Handle)
		oscar.isRefused(t, v)
		ask("", "safes", "groups", "add", v.Name, "on-call", "--until", "8h")
		oscar.succeeds(t, v, "true")
		w.ended(v)
		ask("", "safes", "groups", "change", v.Name, "on-call", "--role", "checkout", "--no-end")
		ask.says(t, "on-call checkout", "safes", "groups", "list", v.Name)
		ask.says(t, oscar.Handle+" checkout on-call", "safes", "access", v.Name)
		ask.says(t, v.Name+" checkout", "members", "access", oscar.Handle)
		ask.says(t, v.Name, "groups", "show", "on-call")
		ask("", "groups", "update", "on-call", "--name", "the watch")
		ask("", "groups", "members", "remove", "the watch", oscar.Handle)
		oscar.isRefused(t, v)
		ask("", "safes", "groups", "remove", v.Name, "the watch")
		ask("", "groups", "delete", "the watch", "--yes")
		w.saw(Want{Constant: "GROUP_DELETED", ActorID: w.Owner.ID})
	})
}

func TestPoliciesByTheCommandLine(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		oscar.succeeds(t, v, "true")
		w.ended(v)
		ask := s.prompt(t, w.Owner.Client)
		ask("", "policies", "templates")
		ask("", "policies", "language")
		dir := t.TempDir()
		frozen := write(t, dir, "frozen.cedar", []byte(denied))
		ask("", "policies", "check", "--file", frozen)
		wrong := write(t, dir, "wrong.cedar", []byte(`forbid (principal, action, resource) when { context.nonsense };`))
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "policies", "check", "--file", wrong); r.Code == 0 || !strings.Contains(r.Stdout+r.Stderr, "nonsense") {
			t.Errorf("a wrong policy: %s", r)
		}
		ask.says(t, "1 "+v.Name, "access", "simulate", "--file", frozen, "--everywhere")
		ask("", "groups", "create", "the night watch")
		ask.says(t, "1 "+v.Name, "access", "simulate", "--member", v.Name+"="+oscar.Handle+":none")
		ask("", "access", "simulate", "--member", v.Name+"="+oscar.Handle+":none", "--join", "the night watch="+oscar.Handle, "--bind", v.Name+"=the night watch:checkout")
		ask("", "access", "simulate", "--leave", "the night watch="+oscar.Handle, "--delete-group", "the night watch")
		if r := s.types(t, w.Owner.Client, t.TempDir(), "", "access", "simulate", "--join", "nobody"); r.Code == 0 || !strings.Contains(r.Stderr, "write GROUP=PERSON") {
			t.Errorf("a wrong change: %s", r)
		}
		ask("", "policies", "create", "frozen", "--file", frozen, "--comment", "until Monday")
		ask("", "policies", "assign", "frozen", v.Name)
		oscar.isRefused(t, v, "frozen until Monday")
		ask.says(t, "frozen", "policies", "list", "--safe", v.Name)
		ask.says(t, "forbid", "policies", "show", "frozen")
		ask.says(t, "frozen", "access", "explain", oscar.Handle, v.Name, "--from", "127.0.0.1")
		ask.says(t, oscar.Handle+" denied frozen", "access", "who-can", v.Name, "--from", "127.0.0.1")
		ask("", "policies", "update", "frozen", "--no-enabled", "--comment", "it is Monday")
		oscar.succeeds(t, v, "true")
		w.ended(v)
		ask.says(t, v.Name, "access", "what-can", oscar.Handle, "--from", "127.0.0.1")
		ask.says(t, "Monday", "policies", "history", "frozen")
		ask("", "policies", "restore", "frozen", "1", "--comment", "again")
		ask("", "policies", "unassign", "frozen", v.Name)
		ask("", "policies", "delete", "frozen", "--yes")
		oscar.succeeds(t, v, "true")
		w.ended(v)
	})
}

package event_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/event/eventtest"
)

const (
	module    = "github.com/vaultpam/vaultpam/internal/"
	eventPath = module + "audit/event"
	sshPath   = module + "gateway/ssh/sshevent"
	envPath   = module + "audit/event/envelope"
)

// compiled gives an importer of the packages of this test as the compiler wrote them.
var compiled = sync.OnceValues(func() (types.Importer, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}",
		eventPath, module+"secret", module+"authz", module+"id", "time")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.Bytes())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("no package %s", path)
		}
		return os.Open(files[path])
	}), nil
})

func load(t *testing.T, path string) *types.Package {
	t.Helper()
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	p, err := imp.Import(path)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// mayCarry tells whether an event may hold a value of type t: a bounded scalar, an id,
// one of the closed types of the event packages, or a list of those. Everything else
// is refused, above all what can hold a secret: secret.Secret, bytes, any.
func mayCarry(t types.Type) bool {
	switch u := t.(type) {
	case *types.Slice:
		_, nested := u.Elem().(*types.Slice)
		return !nested && u.Elem() != types.Typ[types.Byte] && mayCarry(u.Elem())
	case *types.Basic:
		return slices.Contains([]types.BasicKind{types.String, types.Bool, types.Int, types.Int64}, u.Kind())
	case *types.Named:
		return mayCarryNamed(u)
	case *types.Alias:
		return mayCarry(types.Unalias(u))
	}
	return false
}

func mayCarryNamed(n *types.Named) bool {
	if n.Obj().Pkg() == nil {
		return false
	}
	name := n.Obj().Name()
	switch n.Obj().Pkg().Path() {
	case module + "id":
		return true
	case "time":
		return name == "Time" || name == "Duration"
	case envPath:
		return slices.Contains([]string{
			"Act", "Version", "Email", "SHA256", "ObjectID", "PhoneKeyID", "PhoneDigest", "Change", "Instant", "Seconds", "Millis",
		}, name) || strings.HasSuffix(name, "Ref") || name == "Optional" && mayCarry(n.TypeArgs().At(0))
	case eventPath, sshPath: // closed types: struct{ word }
		s, ok := n.Underlying().(*types.Struct)
		return ok && s.NumFields() == 1 && s.Field(0).Name() == "word"
	}
	return false
}

// constructors are the functions that return an event, and the methods of events.
func constructors(t *testing.T) map[string]*types.Signature {
	t.Helper()
	out := map[string]*types.Signature{}
	for _, path := range []string{eventPath, sshPath} {
		scope := load(t, path).Scope()
		iface := load(t, envPath).Scope().Lookup("Event").Type().Underlying().(*types.Interface)
		for _, name := range scope.Names() {
			obj := scope.Lookup(name)
			if fn, ok := obj.(*types.Func); ok {
				sig := fn.Type().(*types.Signature)
				if sig.Results().Len() == 1 && types.Implements(sig.Results().At(0).Type(), iface) && sig.TypeParams() == nil {
					out[name] = sig
				}
			}
			tn, ok := obj.(*types.TypeName)
			if !ok || tn.IsAlias() || !types.Implements(tn.Type(), iface) || types.IsInterface(tn.Type()) {
				continue
			}
			named := tn.Type().(*types.Named)
			for m := range named.Methods() {
				out[name+"."+m.Name()] = m.Type().(*types.Signature)
			}
		}
	}
	return out
}

// TestNoEventTakesASecret looks at every parameter of every constructor and method
// of an event, and at every field of its struct.
func TestNoEventTakesASecret(t *testing.T) {
	all := constructors(t)
	functions := 0
	for name, sig := range all {
		if !strings.Contains(name, ".") {
			functions++
		}
		for p := range sig.Params().Variables() {
			if !mayCarry(p.Type()) {
				t.Errorf("%s: parameter %s has type %s, which an event may not carry", name, p.Name(), p.Type())
			}
		}
		if sig.Variadic() {
			t.Errorf("%s is variadic: a required field could be left out", name)
		}
	}
	if functions != len(event.Catalog())+4 { // the four of the SSH gateway are seen in both packages
		t.Errorf("%d constructors seen, there are %d events", functions, len(event.Catalog()))
	}
	for _, ev := range eventtest.All() {
		typ := reflect.TypeOf(ev)
		obj := load(t, typ.PkgPath()).Scope().Lookup(typ.Name())
		st := obj.Type().Underlying().(*types.Struct)
		for i := range st.NumFields() {
			f := st.Field(i)
			if f.Exported() {
				t.Errorf("%s: field %s is exported", typ, f.Name())
			}
			if f.Name() != "base" && !mayCarry(f.Type()) {
				t.Errorf("%s: field %s has type %s, which an event may not carry", typ, f.Name(), f.Type())
			}
			if _, tagged := reflect.StructTag(st.Tag(i)).Lookup("meta"); !tagged && f.Name() != "base" {
				t.Errorf("%s: field %s is no metadata", typ, f.Name())
			}
		}
	}
}

// TestMayCarryRefuses shows that the test above can fail.
func TestMayCarryRefuses(t *testing.T) {
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for expr, want := range map[string]bool{
		"secret.Secret": false, "*secret.Secret": false, "[]secret.Secret": false, "[]byte": false, "[][]string": false,
		"any": false, "error": false, "map[string]string": false, "[]any": false, "func()": false, "chan string": false,
		"struct{ S secret.Secret }": false, "authz.Actor": false, "float64": false, "[32]byte": false, "time.Month": false,
		"string": true, "[]string": true, "id.Safe": true, "[]id.Event": true, "time.Time": true, "event.SHA256": true,
		"event.Protocol": true, "[]event.Change": true, "event.SafeRef": true, "event.SessionSuspendedReason": true,
		"event.Envelope": false, "event.SafeMemberAdded": false,
	} {
		src := fmt.Sprintf(`package p
import ("time"; "github.com/vaultpam/vaultpam/internal/audit/event"; "github.com/vaultpam/vaultpam/internal/authz"; "github.com/vaultpam/vaultpam/internal/id"; "github.com/vaultpam/vaultpam/internal/secret")
var (_ time.Time; _ event.Event; _ authz.Actor; _ id.Safe; _ secret.Secret)
var X %s`, expr)
		pkg, err := check(imp, src)
		if err != nil {
			t.Fatal(err)
		}
		if got := mayCarry(pkg.Scope().Lookup("X").Type()); got != want {
			t.Errorf("an event may carry %s: %t", expr, got)
		}
	}
}

// TestOutcomesAreMethods: Denied, Failed and Because are there exactly where the catalog allows them.
func TestOutcomesAreMethods(t *testing.T) {
	for _, ev := range eventtest.All() {
		d, typ := ev.Definition(), reflect.TypeOf(ev)
		canSucceed := slices.Contains(d.Outcomes, event.Success)
		for method, outcome := range map[string]event.Outcome{"Denied": event.Denied, "Failed": event.Failure} {
			_, has := typ.MethodByName(method)
			if want := canSucceed && slices.Contains(d.Outcomes, outcome); has != want {
				t.Errorf("%s has method %s: %t, its outcomes are %v", d.Constant, method, has, d.Outcomes)
			}
		}
		if _, has := typ.MethodByName("Because"); has && (!canSucceed || len(d.Reasons) == 0) {
			t.Errorf("%s has Because and no reasons for a success", d.Constant)
		}
		if !canSucceed && ev.Outcome() == event.Success {
			t.Errorf("%s: its constructor builds a success", d.Constant)
		}
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			if strings.HasPrefix(m.Name, "With") && (m.Type.NumOut() != 1 || m.Type.Out(0) != typ) {
				t.Errorf("%s: %s does not return its own type", d.Constant, m.Name)
			}
		}
	}
}

// TestOnlyTheEventPackagesBuildOnTheEnvelope: whoever imports package envelope could
// define events of their own.
func TestOnlyTheEventPackagesBuildOnTheEnvelope(t *testing.T) {
	out, err := exec.Command("go", "list", "-e", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "github.com/vaultpam/vaultpam/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var importers []string
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		if slices.Contains(words[1:], envPath) {
			importers = append(importers, words[0])
		}
	}
	slices.Sort(importers)
	if !slices.Equal(importers, []string{eventPath, sshPath}) {
		t.Errorf("package envelope is imported by %v", importers)
	}
}

// check type-checks one file against the compiled packages.
func check(imp types.Importer, src string) (*types.Package, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "snippet.go", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	conf := types.Config{Importer: imp}
	return conf.Check("snippet", fset, []*ast.File{f}, nil)
}

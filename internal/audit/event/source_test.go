package event_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/audit/event/eventtest"
)

// The tests of this file read the source, for what neither a compiler nor a sample sees.

const sshevent = "../../gateway/ssh/sshevent"

// parseDir reads the Go files of a folder, without its tests.
func parseDir(t *testing.T, dir string) []*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no source in %s: %v", dir, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// closedValues gives the texts of the variables of each closed type: X = T{word{"text"}}.
func closedValues(files []*ast.File) map[string][]string {
	out := map[string][]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, v := range spec.Values {
				if typ, text, ok := closedLiteral(v); ok && strings.HasPrefix(spec.Names[i].Name, strings.TrimSuffix(typ, "Reason")) {
					out[typ] = append(out[typ], text)
				}
			}
			return true
		})
	}
	return out
}

// closedLiteral recognises T{word{"text"}}.
func closedLiteral(e ast.Expr) (typ, text string, ok bool) {
	outer, ok := e.(*ast.CompositeLit)
	if !ok || len(outer.Elts) != 1 {
		return "", "", false
	}
	inner, ok := outer.Elts[0].(*ast.CompositeLit)
	if !ok || len(inner.Elts) != 1 || name(inner.Type) != "word" {
		return "", "", false
	}
	lit, ok := inner.Elts[0].(*ast.BasicLit)
	if !ok {
		return "", "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return name(outer.Type), text, err == nil
}

func name(e ast.Expr) string {
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// TestReasonsAreClosed: for each event the variables of its reason type are exactly
// the reasons of its definition, and no other code makes a value of a closed type.
func TestReasonsAreClosed(t *testing.T) {
	here, ssh := parseDir(t, "."), parseDir(t, sshevent)
	values := closedValues(here)
	for typ, texts := range closedValues(ssh) {
		values["ProxySSH"+typ] = texts
	}
	reasons := 0
	for _, ev := range eventtest.All() {
		d := ev.Definition()
		typ := goName(ev) + "Reason"
		if !slices.Equal(values[typ], d.Reasons) {
			t.Errorf("%s: %s has %v, the definition %v", d.Constant, typ, values[typ], d.Reasons)
		}
		reasons += len(d.Reasons)
	}
	if reasons < 300 {
		t.Errorf("only %d reasons seen: this test has lost sight of the source", reasons)
	}
	literals := 0
	for _, f := range append(here, ssh...) {
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CompositeLit); ok && name(c.Type) == "word" {
				literals++
			}
			return true
		})
	}
	total := 0
	for _, texts := range values {
		total += len(texts)
	}
	if literals != total {
		t.Errorf("%d values of closed types are variables, %d are made", total, literals)
	}
}

// goName is the name of ev's type in this package.
func goName(ev event.Event) string {
	typ := reflect.TypeOf(ev)
	if strings.HasSuffix(typ.PkgPath(), "/sshevent") {
		return "ProxySSH" + typ.Name()
	}
	return typ.Name()
}

// TestEnumsAreClosed: the variables of each enum are exactly what its Values says,
// which is where the catalog takes it from.
func TestEnumsAreClosed(t *testing.T) {
	for _, dir := range []string{".", sshevent} {
		files := parseDir(t, dir)
		values, listed := closedValues(files), listedValues(files)
		for typ, texts := range values {
			if !strings.HasSuffix(typ, "Reason") && len(listed[typ]) != len(texts) {
				t.Errorf("%s has the variables %v, Values lists %v", typ, texts, listed[typ])
			}
		}
		for typ, names := range listed {
			for _, n := range names {
				if !strings.HasPrefix(n, typ) {
					t.Errorf("%s: Values lists %s", typ, n)
				}
			}
			if slices.Sort(names); len(slices.Compact(slices.Clone(names))) != len(names) {
				t.Errorf("%s: Values lists one twice: %v", typ, names)
			}
		}
	}
	if got, want := (event.Protocol{}).Values(), []string{"ssh", "http", "postgres", "mysql", "rdp", "vnc", "kubernetes"}; !slices.Equal(got, want) {
		t.Errorf("protocols are %v", got)
	}
}

// listedValues gives the variables that the method Values of each type lists.
func listedValues(files []*ast.File) map[string][]string {
	out := map[string][]string{}
	for _, f := range files {
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "Values" {
				continue
			}
			typ := name(fn.Recv.List[0].Type)
			call := fn.Body.List[0].(*ast.ReturnStmt).Results[0].(*ast.CallExpr)
			for _, arg := range call.Args {
				out[typ] = append(out[typ], name(arg))
			}
		}
	}
	return out
}

// TestConstructorsFillTheFieldsOfTheirParameters: in New functions each field is
// filled from the parameter of its own name, and a field is named as its metadata.
func TestConstructorsFillTheFieldsOfTheirParameters(t *testing.T) {
	checked := 0
	for _, dir := range []string{".", sshevent} {
		for _, f := range parseDir(t, dir) {
			for _, decl := range f.Decls {
				switch d := decl.(type) {
				case *ast.FuncDecl:
					checked += checkConstructor(t, d)
				case *ast.GenDecl:
					checkFieldNames(t, d)
				}
			}
		}
	}
	if checked != len(event.Catalog()) {
		t.Errorf("%d constructors checked, there are %d events", checked, len(event.Catalog()))
	}
}

func checkConstructor(t *testing.T, fn *ast.FuncDecl) int {
	t.Helper()
	if fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "New") {
		return 0
	}
	ret, ok := fn.Body.List[0].(*ast.ReturnStmt)
	if !ok {
		return 0
	}
	lit, ok := ret.Results[0].(*ast.CompositeLit)
	if !ok || name(lit.Type) != strings.TrimPrefix(fn.Name.Name, "New") {
		return 0
	}
	params := map[string]bool{}
	for _, p := range fn.Type.Params.List {
		for _, n := range p.Names {
			params[n.Name] = true
		}
	}
	delete(params, "act")
	delete(params, "target")
	delete(params, "reason")
	for _, e := range lit.Elts {
		kv, ok := e.(*ast.KeyValueExpr)
		if !ok {
			t.Errorf("%s fills a field without naming it", fn.Name.Name)
			continue
		}
		if name(kv.Key) == "base" {
			continue
		}
		value := kv.Value
		if call, ok := value.(*ast.CallExpr); ok && len(call.Args) == 1 { // moment(x), seconds(x)
			value = call.Args[0]
		}
		if name(value) != name(kv.Key) {
			t.Errorf("%s fills %s from %s", fn.Name.Name, name(kv.Key), name(value))
		}
		delete(params, name(value))
	}
	for p := range params {
		t.Errorf("%s does not use its parameter %s", fn.Name.Name, p)
	}
	return 1
}

var unit = regexp.MustCompile(`_(seconds|ms)$`)

// checkFieldNames compares the name of a field with its tag, letter by letter.
func checkFieldNames(t *testing.T, d *ast.GenDecl) {
	t.Helper()
	for _, spec := range d.Specs {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok {
			continue
		}
		st, ok := ts.Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range st.Fields.List {
			if f.Tag == nil {
				continue
			}
			tag, _ := strconv.Unquote(f.Tag.Value)
			meta := reflect.StructTag(tag).Get("meta")
			want := strings.ReplaceAll(unit.ReplaceAllString(meta, ""), "_", "")
			if meta == "check_ms" {
				want = "took"
			}
			if got := strings.ToLower(f.Names[0].Name); got != want {
				t.Errorf("%s: field %s carries %s", ts.Name.Name, f.Names[0].Name, meta)
			}
		}
	}
}

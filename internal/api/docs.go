package api

import (
	_ "embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// DocsPath is a page that describes every route, made from the same document
// that programs read. It needs no script.
const DocsPath = "/api/docs"

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsCSS []byte

var docsPage = template.Must(template.New("docs").Parse(docsHTML))

type docsOp struct {
	Method, Path, Summary, Description, ID string
	Params                                 []*huma.Param
	Body                                   []docsField
	Open                                   bool
}

type docsField struct {
	Name, Type, Doc string
	Required        bool
}

type docsGroup struct {
	Name string
	Ops  []docsOp
}

func (s *Server) docs(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'")
	err := docsPage.Execute(w, map[string]any{"Groups": docsGroups(s.api.OpenAPI()), "Prefix": Prefix, "Version": s.Version})
	if err != nil {
		s.log.ErrorContext(r.Context(), "write the API's page", "error", err.Error())
	}
}

func (s *Server) docsStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(docsCSS)
}

func docsGroups(doc *huma.OpenAPI) []docsGroup {
	by := map[string][]docsOp{}
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op == nil {
				continue
			}
			d := docsOp{Method: op.Method, Path: path, Summary: op.Summary, Description: op.Description, ID: op.OperationID, Params: op.Parameters, Open: len(op.Security) == 0}
			if op.RequestBody != nil && op.RequestBody.Content["application/json"] != nil {
				d.Body = docsFields(doc, op.RequestBody.Content["application/json"].Schema)
			}
			by[strings.Join(op.Tags, ", ")] = append(by[strings.Join(op.Tags, ", ")], d)
		}
	}
	var out []docsGroup
	for name, ops := range by {
		slices.SortFunc(ops, func(a, b docsOp) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
		out = append(out, docsGroup{name, ops})
	}
	slices.SortFunc(out, func(a, b docsGroup) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func docsFields(doc *huma.OpenAPI, sc *huma.Schema) []docsField {
	if sc.Ref != "" {
		sc = doc.Components.Schemas.SchemaFromRef(sc.Ref)
	}
	if sc == nil {
		return nil
	}
	var out []docsField
	for name, f := range sc.Properties {
		kind := f.Type
		if f.Ref != "" {
			kind = f.Ref[strings.LastIndexByte(f.Ref, '/')+1:]
		}
		out = append(out, docsField{name, kind, f.Description, slices.Contains(sc.Required, name)})
	}
	slices.SortFunc(out, func(a, b docsField) int { return strings.Compare(a.Name, b.Name) })
	return out
}

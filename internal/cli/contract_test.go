package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vaultpam/vaultpam/internal/api"
)

// The contract is the API's own OpenAPI document, as package api describes itself.
// Whatever the commands send in these tests, and whatever the tests answer, is
// held against it, so that neither can drift from the server.
type contract struct {
	Paths      map[string]map[string]operation `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

type operation struct {
	Parameters []struct {
		Name string `json:"name"`
		In   string `json:"in"`
	} `json:"parameters"`
	RequestBody *struct {
		Required bool             `json:"required"`
		Content  map[string]media `json:"content"`
	} `json:"requestBody"`
	Responses map[string]struct {
		Content map[string]media `json:"content"`
	} `json:"responses"`
	Security []any `json:"security"`
}

type media struct {
	Schema schema `json:"schema"`
}

type schema map[string]any

var theContract = sync.OnceValues(func() (*contract, error) {
	doc, err := api.Describe("1")
	if err != nil {
		return nil, err
	}
	var c contract
	return &c, json.Unmarshal(doc, &c)
})

// find gives the operation of a request.
func (c *contract) find(method, path string) (operation, bool) {
	parts := strings.Split(path, "/")
	for template, methods := range c.Paths {
		names := strings.Split(template, "/")
		if len(names) == len(parts) && !slices.ContainsFunc(indexes(len(names)), func(i int) bool {
			return names[i] != parts[i] && !strings.HasPrefix(names[i], "{")
		}) {
			if op, ok := methods[strings.ToLower(method)]; ok {
				return op, true
			}
		}
	}
	return operation{}, false
}

func indexes(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// request checks what a command sends.
func (c *contract) request(op operation, query url.Values, body []byte) error {
	for name := range query {
		if !slices.ContainsFunc(op.Parameters, func(p struct {
			Name string `json:"name"`
			In   string `json:"in"`
		}) bool {
			return p.In == "query" && p.Name == name
		}) {
			return fmt.Errorf("the API knows no query parameter %q here", name)
		}
	}
	switch {
	case op.RequestBody == nil && len(body) > 0:
		return fmt.Errorf("the API takes no body here, and got %s", body)
	case op.RequestBody == nil:
		return nil
	case len(body) == 0 && op.RequestBody.Required:
		return fmt.Errorf("the API wants a body here")
	case len(body) == 0:
		return nil
	}
	return c.body(op.RequestBody.Content, "application/json", body)
}

// answer checks what a test answers.
func (c *contract) answer(op operation, status int, body []byte) error {
	r, ok := op.Responses[fmt.Sprint(status)]
	if !ok && status >= 400 {
		return nil // problems are alike everywhere
	}
	if !ok {
		return fmt.Errorf("the API does not answer %d here", status)
	}
	if len(r.Content) == 0 || len(r.Content["application/json"].Schema) == 0 {
		return nil // a stream or a text
	}
	return c.body(r.Content, "application/json", body)
}

func (c *contract) body(content map[string]media, kind string, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	return c.value(content[kind].Schema, v, "body")
}

// value checks v by the part of JSON Schema that the document uses.
func (c *contract) value(s schema, v any, at string) error {
	if ref, ok := s["$ref"].(string); ok {
		return c.value(c.Components.Schemas[ref[strings.LastIndexByte(ref, '/')+1:]], v, at)
	}
	if !typed(s["type"], v) {
		return fmt.Errorf("%s is %T, not %v", at, v, s["type"])
	}
	if enum, ok := s["enum"].([]any); ok && !slices.Contains(enum, v) {
		return fmt.Errorf("%s is %v, not one of %v", at, v, enum)
	}
	switch v := v.(type) {
	case []any:
		items, _ := s["items"].(map[string]any)
		for i, item := range v {
			if err := c.value(items, item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		return c.object(s, v, at)
	}
	return nil
}

func (c *contract) object(s schema, v map[string]any, at string) error {
	properties, _ := s["properties"].(map[string]any)
	for name, item := range v {
		p, known := properties[name].(map[string]any)
		if !known && s["additionalProperties"] == false {
			return fmt.Errorf("%s has no field %q", at, name)
		}
		if err := c.value(p, item, at+"."+name); err != nil {
			return err
		}
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s lacks %q", at, name)
		}
	}
	return nil
}

// typed tells whether v is of type t: a name, a list of names, or nothing said.
func typed(t, v any) bool {
	if list, ok := t.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return typed(one, v) })
	}
	switch v := v.(type) {
	case nil:
		return t == nil || t == "null"
	case string:
		return t == nil || t == "string"
	case bool:
		return t == nil || t == "boolean"
	case float64:
		return t == nil || t == "number" || t == "integer" && v == float64(int64(v))
	case []any:
		return t == nil || t == "array"
	}
	return t == nil || t == "object"
}

func TestContractRefusesWhatTheServerWould(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	op, ok := c.find(http.MethodPost, "/tokens")
	if !ok {
		t.Fatal("no POST /tokens")
	}
	for body, good := range map[string]bool{
		`{"name":"a","scopes":["*"],"expires_in_days":1}`:         true,
		`{"name":"a","scopes":["*"]}`:                             false,
		`{"name":"a","scopes":["*"],"expires_in_days":"1"}`:       false,
		`{"name":"a","scopes":[1],"expires_in_days":1}`:           false,
		`{"name":"a","scopes":["*"],"expires_in_days":1,"new":1}`: false,
	} {
		if err := c.request(op, nil, []byte(body)); (err == nil) != good {
			t.Errorf("%s: %v", body, err)
		}
	}
	if c.request(op, url.Values{"x": {"1"}}, []byte(`{"name":"a","scopes":[],"expires_in_days":1}`)) == nil {
		t.Error("an unknown query parameter was taken")
	}
}

package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/scim"
)

// Which version of a resource a directory means (RFC 7644, section 3.14), and which
// attributes it wants (section 3.9).

// tags are the entity tags of a header.
func tags(r *http.Request, header string) []string {
	var out []string
	for _, t := range strings.Split(strings.Join(r.Header.Values(header), ","), ",") {
		if t = strings.TrimSpace(t); t != "" {
			out = append(out, t)
		}
	}
	return out
}

// wanted is the version that a change is meant for; 0: whichever there is. One that this
// server never gave is none that there is.
func wanted(r *http.Request) int64 {
	all := tags(r, "If-Match")
	if len(all) == 0 || safeMethod(r.Method) || all[0] == "*" {
		return 0
	}
	if inner, ok := strings.CutPrefix(all[0], `W/"`); ok && len(all) == 1 {
		if n, err := strconv.ParseInt(strings.TrimSuffix(inner, `"`), 10, 64); err == nil && n > 0 {
			return n
		}
	}
	return -1
}

// names reads a list of attributes from the query, as top-level ones in lower case.
func names(r *http.Request, parameter string) []string {
	var out []string
	for _, n := range strings.Split(r.URL.Query().Get(parameter), ",") {
		n = strings.ToLower(strings.TrimSpace(n))
		for _, schema := range []string{scim.UserSchema, scim.GroupSchema} {
			n = strings.TrimPrefix(n, strings.ToLower(schema)+":")
		}
		if n, _, _ = strings.Cut(n, "."); n != "" {
			out = append(out, n)
		}
	}
	return out
}

// leftOut tells whether the answer will not hold an attribute.
func leftOut(r *http.Request, attribute string) bool {
	if only := names(r, "attributes"); len(only) > 0 {
		return !slices.Contains(only, attribute)
	}
	return slices.Contains(names(r, "excludedAttributes"), attribute)
}

// choose gives the attributes of an answer that the request asks for. What says which
// resource it is stays.
func choose(r *http.Request, answer any) (any, error) {
	if q := r.URL.Query(); !q.Has("attributes") && !q.Has("excludedAttributes") {
		return answer, nil
	}
	switch a := answer.(type) {
	case scimList:
		for i, item := range a.Items {
			one, err := choose(r, item)
			if err != nil {
				return nil, err
			}
			a.Items[i] = one
		}
		return a, nil
	case scimUserBody, scimGroupBody:
		text, err := json.Marshal(a)
		if err != nil {
			return nil, fmt.Errorf("encode a resource: %w", err)
		}
		var all map[string]json.RawMessage
		if err := json.Unmarshal(text, &all); err != nil {
			return nil, fmt.Errorf("decode a resource: %w", err)
		}
		for k := range all {
			if name := strings.ToLower(k); name != "id" && name != "schemas" && leftOut(r, name) {
				delete(all, k)
			}
		}
		return all, nil
	}
	return answer, nil
}

package test

import (
	"net/http"
	"strings"
	"testing"
)

// What RFC 7644 leaves to a client's choice: filters, pages, attributes, versions, and the
// description of the server.
func TestDirectoriesReadAsTheyLike(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		c, mail := w.directory(), "scim-"+random(4)+".example"
		push := func(name string, more obj) scimUser {
			t.Helper()
			b := obj{"userName": name + "@" + mail, "externalId": "ext-" + name, "displayName": strings.ToUpper(name), "active": true}
			for k, v := range more {
				b[k] = v
			}
			return get[scimUser](t, c, "POST", "/Users", b)
		}
		ann, ben := push("ann", nil), push("ben", nil)
		push("off", obj{"active": false})
		g := get[struct{ ID string }](t, c, "POST", "/Groups", obj{"displayName": "Crew", "externalId": "crew-1", "members": []obj{{"value": ann.ID}}})

		type groups struct {
			Total     int `json:"totalResults"`
			Resources []struct {
				ID      string
				Members []struct{ Value string }
			}
		}
		for query, n := range map[string]int{
			"": 3, "?filter=active+eq+true": 2, "?filter=active+eq+%22False%22": 1, "?filter=externalId+eq+%22ext-ann%22+and+active+eq+true": 1, "?filter=externalId+eq+%22ext-ann%22+and+active+eq+false": 0,
			"?filter=userName+eq+%22ann%40" + mail + "%22+and+userName+eq+%22ben%40" + mail + "%22": 0, "?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22BEN%40" + mail + "%22": 1,
			"?filter=emails.value+eq+%22nobody%22": 0,
		} {
			if l := get[scimListed](t, c, "GET", "/Users"+query, nil); l.Total != n {
				t.Errorf("/Users%s: %d of %d", query, l.Total, n)
			}
		}
		member := "/Groups?filter=id+eq+%22" + g.ID + "%22+and+members+eq+%22" // how Entra ID asks whether somebody is in a group
		if l := get[groups](t, c, "GET", member+ann.ID+"%22&excludedAttributes=members", nil); l.Total != 1 || l.Resources[0].Members != nil {
			t.Errorf("%+v", l)
		}
		if l := get[groups](t, c, "GET", member+ben.ID+"%22", nil); l.Total != 0 {
			t.Errorf("%+v", l)
		}
		if l := get[groups](t, c, "GET", "/Groups?filter=externalId+eq+%22crew-1%22", nil); l.Total != 1 || len(l.Resources[0].Members) != 1 {
			t.Errorf("%+v", l)
		}
		seen := map[string]bool{}
		for _, from := range []string{"-3", "2", "3", "4"} {
			l := get[scimListed](t, c, "GET", "/Users?count=1&startIndex="+from, nil)
			if l.Total != 3 || len(l.Resources) > 1 {
				t.Errorf("from %s: %+v", from, l)
			}
			for _, u := range l.Resources {
				seen[u.ID] = true
			}
		}
		if l := get[scimListed](t, c, "GET", "/Users?count=0", nil); len(seen) != 3 || l.Total != 3 || len(l.Resources) != 0 {
			t.Errorf("%v %+v", seen, l)
		}
		var some obj
		c.must(t, "GET", "/Users/"+ann.ID+"?attributes=userName,name.givenName", nil).into(t, &some)
		if some["userName"] == nil || some["id"] == nil || some["schemas"] == nil || some["emails"] != nil || some["meta"] != nil {
			t.Errorf("%v", some)
		}

		// A change is meant for the version that was read.
		ask := func(method, path, header, tag string, body any) Answer {
			t.Helper()
			return c.withHeader(header, tag).do(t, method, path, body)
		}
		rename := obj{"Operations": []obj{{"op": "replace", "path": "displayName", "value": "Ann B"}}}
		for path, change := range map[string]obj{"/Users/" + ann.ID: rename, "/Groups/" + g.ID: {"Operations": []obj{{"op": "add", "path": "members", "value": []obj{{"value": ben.ID}}}}}} {
			first := c.must(t, "GET", path, nil).Header.Get("ETag")
			if first == "" || ask("GET", path, "If-None-Match", first, nil).Status != http.StatusNotModified {
				t.Errorf("%s: the version %q is not known again", path, first)
			}
			if a := ask("PATCH", path, "If-Match", first, change); a.Status != 200 || a.Header.Get("ETag") == first {
				t.Errorf("%s: %d %s %s", path, a.Status, a.Header.Get("ETag"), a.Body)
			}
			for _, method := range []string{"PATCH", "DELETE"} {
				if a := ask(method, path, "If-Match", first, change); a.Status != 412 || !strings.Contains(string(a.Body), `"status":"412"`) {
					t.Errorf("%s %s with an old version: %d %s", method, path, a.Status, a.Body)
				}
			}
			if a := ask("PATCH", path, "If-Match", `"nonsense"`, change); a.Status != 412 {
				t.Errorf("%s with a version that never was: %d", path, a.Status)
			}
			if ask("GET", path, "If-None-Match", first, nil).Status != 200 {
				t.Errorf("%s has changed, and its version has not", path)
			}
		}

		// The server describes itself, each part at the place that it names.
		for _, path := range []string{"/Schemas", "/ResourceTypes"} {
			l := get[struct {
				Resources []struct {
					ID   string
					Meta struct{ Location string }
				}
			}](t, c, "GET", path, nil)
			for _, r := range l.Resources {
				if !strings.HasPrefix(r.Meta.Location, s.URL+"/scim/v2"+path) {
					t.Fatalf("%+v", r)
				}
				if one := get[struct{ ID string }](t, c, "GET", strings.TrimPrefix(r.Meta.Location, s.URL+"/scim/v2"), nil); one.ID != r.ID {
					t.Errorf("%s holds %q", r.Meta.Location, one.ID)
				}
			}
			if len(l.Resources) != 2 || c.do(t, "GET", path+"/nothing", nil).Status != 404 || c.do(t, "GET", path+"?filter=id+eq+%22x%22", nil).Status != 403 {
				t.Errorf("%s: %+v", path, l)
			}
		}
	})
}

// withHeader is the client that sends one header more.
func (c *Client) withHeader(name, value string) *Client {
	d, h := *c, *c.http
	h.Transport = oneMore{h.Transport, name, value}
	d.http = &h
	return &d
}

type oneMore struct {
	http.RoundTripper
	name, value string
}

func (o oneMore) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(o.name, o.value)
	return o.RoundTripper.RoundTrip(r)
}

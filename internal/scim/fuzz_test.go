package scim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// What parses is bounded, says what it does, and parses again from its own words.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{`userName eq "bjensen@example.com"`, `emails[type eq "work"].value eq "a@b.example"`, `externalId EQ "x"`, `id eq "a\"b"`, `displayName eq "Group A"`,
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "x"`, `userName sw "x"`, `userName eq x`, `a[`, `]. eq`, `userName eq "a" and active eq true`, ``,
		`id eq "grp_1" and members eq "usr_1"`, `emails[primary eq true].value eq "x" AND active eq False`, `userName eq " and "`, `a eq "x" or b eq "y"`, `not (a eq "x")`, `a[b[c eq "x"] eq "y"].z eq "w"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseFilter(s)
		if err != nil || len(got) == 0 {
			return
		}
		var words []string
		for _, c := range got {
			if c.Value == "" || c.Attribute == "" || c.Attribute != strings.ToLower(c.Attribute) {
				t.Fatalf("%q gives %+v", s, got)
			}
			value, _ := json.Marshal(c.Value)
			words = append(words, c.Attribute+" eq "+string(value))
		}
		text := strings.Join(words, " and ")
		if len(text) > maxFilter {
			return
		}
		again, err := ParseFilter(text)
		if err != nil || !slices.Equal(again, got) {
			t.Fatalf("%q gives %+v, which gives %+v %v", s, got, again, err)
		}
	})
}

func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`,
		`{"Operations":[{"op":"replace","value":{"active":false,"name.givenName":"A","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department":"x"}}]}`,
		`{"Operations":[{"op":"Add","path":"members","value":[{"value":"usr_1"}]},{"op":"remove","path":"members[value eq \"usr_2\"]"}]}`,
		`{"Operations":[{"op":"remove","path":"members"},{"op":"add","path":"emails[type eq \"work\"].value","value":"a@b.example"}]}`,
		`{"Operations":[{"op":"move","path":"a[b"}]}`, `[]`, `{"Operations":null}`, `{"Operations":[{"op":"add","path":"x[","value":1}]}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ops, err := ParsePatch(body)
		if err != nil {
			return
		}
		for _, o := range ops {
			if o.Op != "add" && o.Op != "replace" && o.Op != "remove" {
				t.Fatalf("%q gives the operation %q", body, o.Op)
			}
		}
		u := User{UserName: "u", Active: true}
		if u.Apply(ops) == nil && (u.UserName == "" || len(u.UserName) > maxText || len(u.Email) > maxText || len(u.Display) > maxText) {
			t.Fatalf("%q makes %+v", body, u)
		}
		if c, err := PatchGroup(ops); err == nil && (len(c.Add)+len(c.Remove) > maxMembers || c.Display != nil && *c.Display == "") {
			t.Fatalf("%q makes %+v", body, c)
		}
	})
}

func FuzzBodies(f *testing.F) {
	f.Add([]byte(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"a@b.example","name":{"givenName":"A","familyName":null},"emails":[{"value":"x@y.example","primary":"true"}],"active":"True"}`))
	f.Add([]byte(`{"displayName":"G","members":[{"value":"usr_1","display":"x"}]}`))
	f.Add([]byte(`{"userName":1,"emails":{},"name":[]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if u, err := ParseUser(body); err == nil && (u.UserName == "" || u.Email == "") {
			t.Fatalf("%q makes %+v", body, u)
		}
		if c, err := ParseGroup(body); err == nil && (c.Display == nil || *c.Display == "" || !c.Clear) {
			t.Fatalf("%q makes %+v", body, c)
		}
	})
}

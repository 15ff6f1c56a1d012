package scim

import (
	"slices"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// The forms of operations that Entra ID and Okta document, and those that they once sent.
func TestFormsOfPatches(t *testing.T) {
	at := func(ops string) string { return `{"schemas":["` + PatchSchema + `"],"Operations":[` + ops + `]}` }
	for _, c := range []struct {
		name, ops string
		want      func(u *User)
	}{
		{"Entra: a value each", `{"op":"Replace","path":"displayName","value":"New"},{"op":"Add","path":"externalId","value":"e2"}`, func(u *User) { u.Display, u.ExternalID = "New", "e2" }},
		{"Entra: the address at work", `{"op":"Add","path":"emails[type eq \"work\"].value","value":"w@b.example"}`, func(u *User) { u.Email = "w@b.example" }},
		{"the primary address", `{"op":"replace","path":"emails[primary eq true].value","value":"p@b.example"}`, func(u *User) { u.Email = "p@b.example" }},
		{"another address is none of ours", `{"op":"Add","path":"emails[type eq \"home\"].value","value":"h@b.example"}`, func(*User) {}},
		{"what nobody keeps", `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"1"},{"op":"Add","path":"roles[primary eq \"True\"].value","value":"x"},{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"x"}`, func(*User) {}},
		{"Entra: truth in words", `{"op":"Replace","path":"active","value":"False"}`, func(u *User) { u.Active = false }},
		{"Entra, once: wrapped values", `{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]},{"op":"Add","path":"displayName","value":[{"$ref":null,"value":"New"}]}`, func(u *User) { u.Active, u.Display = false, "New" }},
		{"Entra, once: flat names in one object", `{"op":"replace","value":{"emails[type eq \"work\"].value":"f@b.example","name.familyName":"F","active":"True"}}`, func(u *User) { u.Email, u.Family = "f@b.example", "F" }},
		{"Okta: an object without a path", `{"op":"replace","value":{"active":false}}`, func(u *User) { u.Active = false }},
		{"Okta: nested names", `{"op":"replace","value":{"name":{"givenName":"G","familyName":"K"},"emails":[{"value":"s@b.example","primary":false},{"value":"n@b.example","primary":true}]}}`,
			func(u *User) { u.Given, u.Family, u.Email = "G", "K", "n@b.example" }},
		{"the one of a filter", `{"op":"replace","path":"emails[type eq \"work\"]","value":{"type":"work","value":"o@b.example"}}`, func(u *User) { u.Email = "o@b.example" }},
		{"names with their schema", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName","value":"S"}`, func(u *User) { u.Given = "S" }},
		{"taken away", `{"op":"Remove","path":"externalId"},{"op":"remove","path":"name.familyName"}`, func(u *User) { u.ExternalID, u.Family = "", "" }},
	} {
		u := User{UserName: "u@b.example", Email: "u@b.example", ExternalID: "e1", Display: "Old", Given: "A", Family: "B", Active: true}
		want := u
		c.want(&want)
		ops, err := ParsePatch([]byte(at(c.ops)))
		if err == nil {
			err = u.Apply(ops)
		}
		if err != nil || !slices.Equal([]any{u.UserName, u.Email, u.ExternalID, u.Display, u.Given, u.Family, u.Active}, []any{want.UserName, want.Email, want.ExternalID, want.Display, want.Given, want.Family, want.Active}) {
			t.Errorf("%s: %+v %v, want %+v", c.name, u, err, want)
		}
	}
	for name, c := range map[string]struct{ ops, code string }{
		"nothing to remove":      {`{"op":"remove"}`, NoTarget},
		"no object":              {`{"op":"replace","value":"x"}`, InvalidSyntax},
		"null":                   {`{"op":"replace","value":null}`, InvalidSyntax},
		"a path that is not one": {`{"op":"replace","path":"emails[type eq","value":"x"}`, InvalidPath},
		"two filters in a path":  {`{"op":"replace","path":"emails[type eq \"work\" and primary eq true].value","value":"x"}`, InvalidPath},
	} {
		if _, err := ParsePatch([]byte(at(c.ops))); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFormsOfFilters(t *testing.T) {
	for text, want := range map[string]Filter{
		`userName eq "A B"`:                                                    {{"username", "A B"}},
		`emails[type eq "work"].value eq "a@b.example"`:                        {{"emails.value", "a@b.example"}},
		`id EQ "grp_1" And members eq "usr_1"`:                                 {{"id", "grp_1"}, {"members", "usr_1"}},
		`userName eq "x and y" and active eq true`:                             {{"username", "x and y"}, {"active", "true"}},
		`urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "a \"b\""`: {{"displayname", `a "b"`}},
		`emails eq "a@b.example"`:                                              {{"emails", "a@b.example"}},
	} {
		if got, err := ParseFilter(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{`userName`, `userName eq`, `userName eq x`, `userName eq null`, `userName eq 1`, `userName sw "x"`, `userName pr`, `a eq "x" or b eq "y"`, `not (a eq "x")`,
		`(a eq "x")`, `a eq "x" and`, `a eq "x" b eq "y"`, `emails[type eq "home"].value eq "x"`, `emails[type eq "work" eq "x"`, `a eq "unended`, `a eq ""`} {
		if got, err := ParseFilter(text); fault.CodeOf(err) != InvalidFilter {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
}

package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Ref is one of the groups of a user, or one of the members of a group.
type Ref struct{ ID, Name string }

// User is a person as the directory describes them.
type User struct {
	ID         id.User
	UserName   string
	ExternalID string
	Email      string
	Display    string
	Given      string
	Family     string
	Active     bool
	Groups     []Ref
	Version    int64
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// ParseUser reads the body of a POST or PUT. What is not kept is passed over.
func ParseUser(body []byte) (User, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return User{}, invalid(InvalidSyntax, "the body is not a user")
	}
	u := User{Active: true}
	for _, k := range slices.Sorted(maps.Keys(all)) {
		if err := u.set(plainPath(k), all[k]); err != nil {
			return User{}, err
		}
	}
	return u, u.check()
}

// check completes a user and refuses one who cannot be anybody.
func (u *User) check() error {
	if u.UserName == "" {
		return invalid(InvalidValue, "userName is needed")
	}
	if u.Email == "" {
		u.Email = u.UserName // where it is an address
	}
	return nil
}

// Apply does the operations of a patch.
func (u *User) Apply(ops []Operation) error {
	for _, o := range ops {
		v := o.Value
		if o.Op == "remove" {
			switch o.Path {
			case "username":
				return invalid(Mutability, "userName cannot be removed")
			case "active":
				v = json.RawMessage("false")
			default:
				v = json.RawMessage("null")
			}
		}
		if err := u.set(o.Path, v); err != nil {
			return err
		}
	}
	return u.check()
}

// set gives an attribute its value. path is in lower case.
func (u *User) set(path string, v json.RawMessage) (err error) {
	if len(v) == 0 {
		v = json.RawMessage("null")
	}
	switch path {
	case "username":
		u.UserName, err = text("userName", v)
	case "externalid":
		u.ExternalID, err = text("externalId", v)
	case "displayname":
		u.Display, err = text("displayName", v)
	case "active":
		u.Active, err = boolean(v)
	case "name.givenname":
		u.Given, err = text("name.givenName", v)
	case "name.familyname":
		u.Family, err = text("name.familyName", v)
	case "name.formatted":
		if u.Display == "" {
			u.Display, err = text("name.formatted", v)
		}
	case "name":
		var parts map[string]json.RawMessage
		if json.Unmarshal(v, &parts) != nil {
			return invalid(InvalidValue, "name must be an object")
		}
		for _, part := range []string{"givenName", "familyName", "formatted"} {
			if pv, ok := parts[part]; ok && err == nil {
				err = u.set("name."+strings.ToLower(part), pv)
			}
		}
	case "emails.value":
		u.Email, err = text("emails.value", v)
	case "emails":
		err = u.setEmails(v)
	}
	return err
}

// setEmails takes the primary address of a list, else the first.
func (u *User) setEmails(v json.RawMessage) error {
	type email struct {
		Value   json.RawMessage `json:"value"`
		Primary json.RawMessage `json:"primary"`
	}
	var all []email
	if one := new(email); len(v) > 0 && v[0] == '{' && json.Unmarshal(v, one) == nil { // the one of a path with a filter
		all = []email{*one}
	} else if json.Unmarshal(v, &all) != nil {
		return invalid(InvalidValue, "emails must be a list")
	}
	u.Email = ""
	for i, e := range all {
		primary := false
		if len(e.Primary) > 0 {
			primary, _ = boolean(e.Primary)
		}
		if i > 0 && !primary || len(e.Value) == 0 {
			continue
		}
		s, err := text("emails.value", e.Value)
		if err != nil {
			return err
		}
		u.Email = s
		if primary {
			break
		}
	}
	return nil
}

// name is what to call the person.
func (u User) name() string {
	if u.Display != "" {
		return u.Display
	}
	return strings.TrimSpace(u.Given + " " + u.Family)
}

// matchName is a name for comparison: the directory's names have no case.
func matchName(s string) string { return strings.ToLower(s) }

// Shown is the person's name as lists show it.
func (u User) Shown() string { return u.name() }

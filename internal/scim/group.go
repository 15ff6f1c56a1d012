package scim

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

// Group is a group as the directory has it.
type Group struct {
	ID         id.Group
	Display    string
	ExternalID string
	Members    []Ref
	Version    int64
	CreatedAt  time.Time
	ChangedAt  time.Time
}

// GroupChange is what a request makes of a group. Nil leaves a value as it is.
type GroupChange struct {
	Display    *string
	ExternalID *string
	Clear      bool     // all members leave first
	Add        []string // users' ids
	Remove     []string
	gone       bool // the group itself goes, and where groups bring rights it is gone already
}

// ParseGroup reads the body of a POST or PUT.
func ParseGroup(body []byte) (GroupChange, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(body, &all); err != nil {
		return GroupChange{}, invalid(InvalidSyntax, "the body is not a group")
	}
	c := GroupChange{Clear: true}
	for k, v := range all {
		if err := c.apply(Operation{Op: "replace", Path: plainPath(k), Value: v}); err != nil {
			return GroupChange{}, err
		}
	}
	if c.Display == nil || *c.Display == "" {
		return GroupChange{}, invalid(InvalidValue, "displayName is needed")
	}
	return c, nil
}

// PatchGroup reads the operations of a patch.
func PatchGroup(ops []Operation) (GroupChange, error) {
	var c GroupChange
	for _, o := range ops {
		if err := c.apply(o); err != nil {
			return GroupChange{}, err
		}
	}
	if c.Display != nil && *c.Display == "" {
		return GroupChange{}, invalid(InvalidValue, "displayName is needed")
	}
	return c, nil
}

func (c *GroupChange) apply(o Operation) error {
	switch o.Path {
	case "displayname", "externalid":
		v := o.Value
		if o.Op == "remove" || len(v) == 0 {
			v = json.RawMessage("null")
		}
		s, err := text(o.Path, v)
		if err != nil {
			return err
		}
		if o.Path == "displayname" {
			c.Display = &s
		} else {
			c.ExternalID = &s
		}
	case "members":
		return c.members(o)
	}
	return nil // what is not kept is passed over
}

func (c *GroupChange) members(o Operation) error {
	if o.Member != "" {
		if o.Op != "remove" {
			return invalid(InvalidPath, "a member is removed by a path, and added by a value")
		}
		c.remove(o.Member)
		return nil
	}
	named, err := memberIDs(o.Value)
	if err != nil {
		return err
	}
	switch {
	case o.Op == "remove" && len(o.Value) == 0:
		c.Clear, c.Add, c.Remove = true, nil, nil
	case o.Op == "remove":
		for _, m := range named {
			c.remove(m)
		}
	case o.Op == "replace":
		c.Clear, c.Add, c.Remove = true, named, nil
	default:
		c.Remove = slices.DeleteFunc(c.Remove, func(m string) bool { return slices.Contains(named, m) })
		c.Add = append(c.Add, named...)
	}
	if len(c.Add)+len(c.Remove) > maxMembers {
		return invalid(TooMany, "at most %d members change in one request", maxMembers)
	}
	return nil
}

func (c *GroupChange) remove(m string) {
	c.Add = slices.DeleteFunc(c.Add, func(a string) bool { return a == m })
	c.Remove = append(c.Remove, m)
}

func memberIDs(v json.RawMessage) ([]string, error) {
	if len(v) == 0 || string(v) == "null" {
		return nil, nil
	}
	var all []struct {
		Value string `json:"value"`
	}
	if json.Unmarshal(v, &all) != nil {
		var one struct {
			Value string `json:"value"`
		}
		if json.Unmarshal(v, &one) != nil {
			return nil, invalid(InvalidValue, "members must be a list of {\"value\": id}")
		}
		all = append(all, one)
	}
	if len(all) > maxMembers {
		return nil, invalid(TooMany, "at most %d members change in one request", maxMembers)
	}
	out := make([]string, 0, len(all))
	for _, m := range all {
		if m.Value == "" || len(m.Value) > 64 {
			return nil, invalid(InvalidValue, "a member needs the id of a user")
		}
		out = append(out, m.Value)
	}
	return out, nil
}

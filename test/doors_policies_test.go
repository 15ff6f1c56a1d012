package test

import "maps"

func init() {
	maps.Copy(bodies, map[string]obj{
		"create-policy": {"name": "x-" + random(6), "form": obj{"effect": "deny"}}, "update-policy": {"enabled": false}, "check-policy": {"form": obj{"effect": "deny"}}, "check-safe-policy": {"approvals": 1},
		"restore-policy": {"version": 1}, "simulate-access": {"members": []any{obj{"safe_id": "x", "user_id": "x", "role": ""}}},
	})
}

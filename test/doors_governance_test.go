package test

import "maps"

func init() {
	maps.Copy(bodies, map[string]obj{
		"approve-governance-action": {}, "reject-governance-action": {}, "withdraw-governance-action": {},
		"approve-platform-governance-action": {}, "reject-platform-governance-action": {},
	})
	ofAccess = append(ofAccess, "governance")
}

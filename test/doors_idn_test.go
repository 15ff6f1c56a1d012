package test

import "maps"

func init() {
	maps.Copy(bodies, map[string]obj{
		"suspend-member": {"comment": "x"}, "request-password-reset": {"email": "x@example.com"}, "complete-password-reset": {"token": "x", "password": "a password that nobody has"},
	})
}

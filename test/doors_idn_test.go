package test

import "maps"

func init() {
	maps.Copy(bodies, map[string]obj{
		"suspend-member": {"comment": "x"}, "begin-device-step-up": {"client": "x"}, "device-step-up": {"device_code": "x"}, "request-password-reset": {"email": "x@example.com"}, "complete-password-reset": {"token": "x", "password": "a password that nobody has"},
	})
}

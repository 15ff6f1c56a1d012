package test

import "maps"

func init() {
	const number = "+49 151 23456789"
	maps.Copy(bodies, map[string]obj{
		"rotate-phone-key": {}, "look-up-phone": {"number": number}, "request-phone-change": {"number": number}, "confirm-phone-change": {"code": "000000", "version": 1},
		"resend-phone-code": {"version": 1}, "request-member-phone-change": {"number": number},
		"sso-choices": {"email": "x@example.com"}, "sso-complete": {"ticket": "x"}, "sso-start": {"email": "x@example.com"},
		"set-scim-settings": {}, "create-scim-token": {"name": "x", "expires_in_days": 1}, "set-sso-requirement": {"required": true}, "add-sso-domain": {"domain": "x.example.com"},
		"create-channel": {"kind": "slack", "name": "x", "url": "https://hooks.example.com/x"}, "update-channel": {"name": "y"}, "rotate-channel-secret": {"overlap_hours": 1}, "order-channels": {"ids": []string{"x"}},
		"read-notices": {"ids": []string{"x"}}, "set-notice-preference": {"in_app": true, "email": "now"}, "set-notice-introduction": {"words": "x"},
		"create-group": {"name": "x"}, "update-group": {"description": "x"}, "add-group-members": {"user_ids": []string{"x"}},
		"assign-safe-group": {"group_id": "x", "role": "user"}, "change-safe-group": {"role": "user"},
		"create-access-request": {"safe_id": "safe_x", "reason": "x"}, "break-glass": {"safe_id": "safe_x", "reason": "x"}, "comment-access-request": {"text": "x"}, "open-access-link": {"token": "x"},
		"create-checkout": {"safe_id": "safe_x", "reason": "x"}, "check-in": {},
		"approve-access-request": {}, "reject-access-request": {}, "revoke-access-grant": {},
		"create-access-delegation": {"safe_id": "safe_x", "user_id": "usr_x", "ends_at": "2031-01-01T00:00:00Z"},
		"create-sso-provider":      {"protocol": "oidc", "name": "x", "enabled": false, "trust_mfa": false, "provision": false},
		"update-sso-provider":      {"name": "x", "enabled": false, "trust_mfa": false, "provision": false},
	})
}

package test

import (
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// The wrong turns that do not follow from the description: tokens that were
// used, replaced or have run out, codes that are wrong, versions that are stale,
// and what the rules of a flow forbid.

// with is a body of fixed fields; values that begin with "@" are what a lead has noted.
func with(b obj) func(x *stage) any {
	return func(x *stage) any {
		out := obj{}
		for k, v := range b {
			if s, ok := v.(string); ok && strings.HasPrefix(s, "@") {
				v = x.note[s[1:]]
			}
			out[k] = v
		}
		return out
	}
}

// past is a time that is over.
func past() int64 { return time.Now().Add(-time.Second).UnixMicro() }

// someoneNew is the name that begins an address nobody has.
func someoneNew() string { return "n-" + random(5) }

// asked signs somebody in as far as the challenge.
func asked(who string) func(x *stage) {
	return func(x *stage) { x.note["challenge"] = x.cast[who].login(x.t).MFA.ChallengeID }
}

// invitee sends an invitation to somebody new and notes its link, and a flow of it.
func invitee(x *stage) {
	mail := someoneNew() + "@example.com"
	id, token := x.w.invited(x.w.Owner.Client, mail, nil)
	_, f := flow(x.t, x.s.stranger(x.t), token)
	x.note["invitation"], x.note["link"], x.note["flow"], x.note["email"] = id, token, f, mail
}

// platformInvitee is the same for an operator of the installation.
func platformInvitee(x *stage) {
	mail := someoneNew() + "@example.com"
	x.s.Root.proved(x.t, 0)
	x.note["invitation"] = get[platformInvitation](x.t, x.s.Root.Client, "POST", "/platform/invitations", obj{"email": mail, "role": "platform_auditor"}).ID
	x.note["link"] = x.s.link(x.t, mail, "platform_invitation", 1)
	f := get[struct{ Flow string }](x.t, x.s.stranger(x.t), "POST", "/platform/invitations/start", obj{"token": x.note["link"]}).Flow
	secrets.add("invitation flow", f)
	x.note["flow"] = f
}

// applicant begins a registration, and notes its hold.
func applicant(x *stage) {
	p := x.s.newPerson("ada")
	x.note["submission"], x.note["access"] = apply(x.t, x.s, p, 1)
	x.note["handle"], x.note["password"] = p.Handle, p.Password
}

// phoned is an applicant whose number waits for its code.
func phoned(x *stage) {
	applicant(x)
	n := newNumber()
	x.s.stranger(x.t).must(x.t, "POST", "/signup/phone", obj{"access": x.note["access"], "number": n})
	x.note["code"] = x.sms.code(x.t, n)
}

// submitted is an applicant who waits for a decision.
func submitted(x *stage) {
	phoned(x)
	c := x.s.stranger(x.t)
	c.must(x.t, "POST", "/signup/phone/confirm", obj{"access": x.note["access"], "code": x.note["code"]})
	c.must(x.t, "POST", "/signup/submit", obj{"access": x.note["access"], "org_name": "S", "slug": "s-" + random(4), "handle": x.note["handle"], "name": "A", "password": x.note["password"]})
}

// forgot asks for a link that sets somebody's password, and notes it.
func forgot(who string) func(x *stage) {
	return func(x *stage) {
		p := x.cast[who]
		x.s.stranger(x.t).must(x.t, "POST", "/auth/password-reset", obj{"email": p.Email})
		x.note["link"] = x.s.link(x.t, p.Email, "password_reset", 1)
		secrets.add("password link", x.note["link"])
	}
}

// tests sends as many test messages as are allowed.
func tests(who, path string) func(x *stage) {
	return func(x *stage) {
		for range 5 {
			x.caller(who).must(x.t, "POST", path, nil)
		}
	}
}

// device begins a sign-in of a device, and notes its two codes.
func device(x *stage) {
	d := get[struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
	}](x.t, x.s.stranger(x.t), "POST", "/auth/device", obj{"client": "a test"})
	secrets.add("device code", d.DeviceCode)
	x.note["device"], x.note["user"] = d.DeviceCode, d.UserCode
}

// stepUpAsked asks for a second factor in a browser, as the operator's device.
func stepUpAsked(x *stage) {
	d := get[struct {
		DeviceCode string `json:"device_code"`
	}](x.t, x.caller("operator"), "POST", "/auth/step-up/browser", obj{"client": "a test"})
	secrets.add("device code", d.DeviceCode)
	x.note["device"] = d.DeviceCode
}

// then does one thing after another.
func then(steps ...func(x *stage)) func(x *stage) {
	return func(x *stage) {
		for _, f := range steps {
			f(x)
		}
	}
}

// late moves a time of the row that a note names. What the product does then with
// the row by itself is nobody's act: it is compared no more.
func late(table, column, key, note string) func(x *stage) {
	return func(x *stage) { x.expire("update "+table+" set "+column+" = $1 where "+key+" = $2", x.note[note]) }
}

// newest moves a time of the newest row of a table.
func newest(table, column, by string) func(x *stage) {
	return func(x *stage) {
		x.expire("update " + table + " set " + column + " = $1 where " + by + " = (select max(" + by + ") from " + table + ")")
	}
}

func (x *stage) expire(statement string, args ...any) {
	at := past()
	x.s.exec(x.t, statement, append([]any{at}, args...)...)
	x.over = append(x.over, itoa(at))
}

const (
	failedSignIn = "AUTH_SIGN_IN_FAILED failure bad_credentials"
)

var turns = []turn{
	// Signing in.
	{op: "login", wrong: "a wrong password", body: func(x *stage) any {
		return obj{"email": x.cast["operator"].Email, "password": newSecret("wrong-password")}
	}, status: 401, code: "AUTH_FAILED", says: "check name, password", events: failedSignIn, moves: "sign_in_guard sign_in_source"},
	{op: "login", wrong: "an unknown address", body: with(obj{"email": "nobody-knows@example.com", "password": "x"}), status: 401, code: "AUTH_FAILED", says: "check name, password", events: failedSignIn, moves: "sign_in_source"},
	{op: "login", wrong: "no address at all", body: with(obj{"email": "\u202e", "password": "x"}), status: 401, code: "AUTH_FAILED", says: "check name, password", events: failedSignIn, moves: "sign_in_source"},
	{op: "answer-mfa", wrong: "an invented challenge_id", body: with(obj{"challenge_id": "chl_invented.x", "code": "000000"}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "answer-mfa", wrong: "an expired challenge_id", lead: then(asked("mara"), newest("mfa_challenge", "expires_at", "created_at")), body: with(obj{"challenge_id": "@challenge", "code": "000000"}), status: 401, code: "AUTH_FAILED", events: "MFA_VERIFICATION_FAILED failure challenge_expired", moves: "sign_in_guard sign_in_source"},
	{op: "answer-mfa", wrong: "a wrong code", lead: asked("mara"), body: with(obj{"challenge_id": "@challenge", "code": "000000"}), status: 401, code: "AUTH_FAILED", events: "MFA_VERIFICATION_FAILED failure bad_code", moves: "mfa_challenge sign_in_guard sign_in_source"},
	{op: "answer-mfa", wrong: "a used challenge_id", lead: then(asked("mara"), func(x *stage) {
		p := x.cast["mara"]
		a := p.nobody(x.t).must(x.t, "POST", "/auth/mfa", obj{"challenge_id": x.note["challenge"], "code": p.Codes[0]}) // no clock to wait for
		var in signedIn
		a.into(x.t, &in)
		secrets.add("access token", in.AccessToken)
	}), body: func(x *stage) any { return obj{"challenge_id": x.note["challenge"], "code": x.cast["mara"].Codes[1]} }, status: 401, code: "AUTH_FAILED", events: "MFA_VERIFICATION_FAILED failure challenge_expired", moves: "mfa_challenge sign_in_guard sign_in_source"},
	{op: "answer-step-up", wrong: "an invented challenge_id", by: "operator", body: with(obj{"challenge_id": "chl_invented.x", "code": "000000"}), status: 401, code: "AUTH_FAILED"},
	{op: "answer-step-up", wrong: "a challenge_id of somebody else", by: "operator", lead: asked("mara"), body: with(obj{"challenge_id": "@challenge", "code": "000000"}), status: 401, code: "AUTH_FAILED"},
	{op: "answer-step-up", wrong: "a wrong code", by: "operator", lead: func(x *stage) {
		x.note["challenge"] = get[struct {
			ID string `json:"challenge_id"`
		}](x.t, x.cast["operator"].Client, "POST", "/auth/step-up", obj{}).ID
	}, body: with(obj{"challenge_id": "@challenge", "code": "000000"}), status: 401, code: "BAD_CODE", events: "MFA_VERIFICATION_FAILED failure bad_code", moves: "mfa_challenge sign_in_guard sign_in_source"},
	{op: "answer-step-up", wrong: "an expired challenge_id", by: "operator", lead: newest("mfa_challenge", "expires_at", "created_at"), body: with(obj{"challenge_id": "@challenge", "code": "000000"}), status: 401, code: "BAD_CODE", events: "MFA_VERIFICATION_FAILED failure challenge_expired", moves: "sign_in_guard sign_in_source"},
	{op: "answer-passkey", wrong: "an invented challenge_id", body: with(obj{"challenge_id": "cer_invented.x", "credential": obj{"id": "x"}}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "answer-passkey", wrong: "an expired challenge_id", lead: then(func(x *stage) {
		x.note["challenge"] = get[ceremony](x.t, x.s.stranger(x.t), "POST", "/auth/passkey", nil).ChallengeID
	}, newest("webauthn_ceremony", "expires_at", "created_at")), body: with(obj{"challenge_id": "@challenge", "credential": obj{"id": "x"}}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "change-password", wrong: "a wrong current", by: "mara", body: func(*stage) any {
		return obj{"current": newSecret("wrong-password"), "new": newSecret("new-password")}
	}, status: 422, code: "WRONG_PASSWORD", events: "PASSWORD_CHANGED denied wrong_password", moves: "sign_in_guard sign_in_source"},
	{op: "change-password", wrong: "a weak new", by: "mara", body: func(x *stage) any { return obj{"current": x.cast["mara"].Password, "new": "password1234"} }, status: 422, code: "INVALID", events: "PASSWORD_CHANGED denied weak_password"},
	{op: "device-token", wrong: "an invented device_code", body: with(obj{"device_code": "vpdc_invented"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "device-token", wrong: "an expired device_code", lead: then(device, newest("device_login", "expires_at", "created_at")), body: with(obj{"device_code": "@device"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "device-token", wrong: "before anybody has answered", lead: device, body: with(obj{"device_code": "@device"}), status: 409, code: "AUTHORIZATION_PENDING", moves: "device_login"},
	{op: "look-up-device", wrong: "an invented user_code", by: "operator", body: with(obj{"user_code": "BBBB-BBBB"}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "look-up-device", wrong: "an expired user_code", by: "operator", lead: then(device, newest("device_login", "expires_at", "created_at")), body: with(obj{"user_code": "@user"}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "answer-device", wrong: "an invented user_code", by: "operator", body: with(obj{"user_code": "BBBB-BBBB", "approve": true}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "answer-device", wrong: "an expired user_code", by: "operator", lead: then(device, newest("device_login", "expires_at", "created_at")), body: with(obj{"user_code": "@user", "approve": true}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "answer-device", wrong: "a used user_code", by: "operator", lead: then(device, func(x *stage) {
		x.cast["mara"].must(x.t, "POST", "/auth/device/answer", obj{"user_code": x.note["user"], "approve": false})
	}), body: with(obj{"user_code": "@user", "approve": true}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "device-token", wrong: "a device_code that was sent away", lead: func(*stage) {}, body: with(obj{"device_code": "@device"}), status: 403, code: "ACCESS_DENIED", moves: "device_login"},
	{op: "device-token", wrong: "a used device_code", lead: then(device, func(x *stage) {
		x.cast["mara"].must(x.t, "POST", "/auth/device/answer", obj{"user_code": x.note["user"], "approve": true})
		in := get[signedIn](x.t, x.s.stranger(x.t), "POST", "/auth/device/token", obj{"device_code": x.note["device"]})
		secrets.add("access token", in.AccessToken)
	}), body: with(obj{"device_code": "@device"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "look-up-device", wrong: "a used user_code", by: "operator", body: with(obj{"user_code": "@user"}), status: 404, code: "UNKNOWN_CODE", events: "AUTH_DEVICE_DECIDED denied unknown_code", moves: "sign_in_source"},
	{op: "device-step-up", wrong: "an invented device_code", by: "operator", body: with(obj{"device_code": "vpdc_invented"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "device-step-up", wrong: "an expired device_code", by: "operator", lead: then(stepUpAsked, newest("device_login", "expires_at", "created_at")), body: with(obj{"device_code": "@device"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "device-step-up", wrong: "a used device_code", by: "operator", lead: then(stepUpAsked, func(x *stage) {
		x.s.exec(x.t, "update device_login set state = 'used' where created_at = (select max(created_at) from device_login)")
	}), body: with(obj{"device_code": "@device"}), status: 401, code: "EXPIRED_TOKEN", moves: "device_login"},
	{op: "device-step-up", wrong: "a device_code of somebody else", by: "mara", lead: stepUpAsked, body: with(obj{"device_code": "@device"}), status: 401, code: "EXPIRED_TOKEN"},
	{op: "refresh", wrong: "an invented refresh_token", body: with(obj{"refresh_token": "vprt_invented"}), status: 401, code: "AUTH_FAILED"},
	{op: "request-recovery", wrong: "an invented challenge_id", body: with(obj{"challenge_id": "chl_invented.x"}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "request-recovery", wrong: "an expired challenge_id", lead: then(asked("mara"), newest("mfa_challenge", "expires_at", "created_at")), body: with(obj{"challenge_id": "@challenge"}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "request-recovery", wrong: "with a case open", lead: asked("lost"), body: with(obj{"challenge_id": "@challenge"}), status: 409, code: "RECOVERY_OPEN", events: "MFA_RECOVERY_REQUESTED denied open_case_exists"},
	{op: "redeem-recovery", wrong: "an invented challenge_id", body: with(obj{"challenge_id": "chl_invented.x", "grant": "x"}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "redeem-recovery", wrong: "an invented grant", lead: asked("lost"), body: with(obj{"challenge_id": "@challenge", "grant": "rcv_invented.x"}), status: 401, code: "RECOVERY_GRANT_INVALID", events: "MFA_RECOVERY_GRANT_CONSUMED denied unknown", moves: "sign_in_source"},
	{op: "redeem-recovery", wrong: "an expired challenge_id", lead: newest("mfa_challenge", "expires_at", "created_at"), body: with(obj{"challenge_id": "@challenge", "grant": "rcv_invented.x"}), status: 401, code: "AUTH_FAILED", events: failedSignIn, moves: "sign_in_source"},
	{op: "verify-recovery", wrong: "an invented proof", body: with(obj{"proof": "rcv_invented.x"}), status: 401, code: "RECOVERY_PROOF_INVALID", moves: "sign_in_source"},
	{op: "sso-complete", wrong: "an invented ticket", body: with(obj{"ticket": "flw_invented.x"}), status: 401, code: "SSO_FAILED", moves: "sign_in_source"},
	{op: "sso-start", wrong: "an organization without single sign-on", body: func(x *stage) any { return obj{"organization": x.w.Slug} }, status: 404, code: "SSO_NOT_CONFIGURED"},
	{op: "sso-start", wrong: "an organization that nobody has", body: with(obj{"organization": "nobody-has-it"}), status: 404, code: "SSO_NOT_CONFIGURED"},

	{op: "complete-password-reset", wrong: "an invented token", body: with(obj{"token": "vppr_invented", "password": "a password that nobody has"}), status: 401, code: "RESET_LINK_INVALID", says: "ask again", moves: "sign_in_source"},
	{op: "complete-password-reset", wrong: "a weak password", lead: forgot("alien"), body: with(obj{"token": "@link", "password": "short"}), status: 422, code: "INVALID", events: "PASSWORD_CHANGED denied weak_password"},
	{op: "complete-password-reset", wrong: "an expired token", lead: newest("password_reset", "expires_at", "created_at"), body: with(obj{"token": "@link", "password": "a password that nobody has"}), status: 409, code: "RESET_LINK_EXPIRED", says: "ask for a new one", events: "PASSWORD_CHANGED denied link_expired"},
	{op: "complete-password-reset", wrong: "a used token", lead: then(forgot("lost"), func(x *stage) {
		x.cast["lost"].Password = newSecret("new-password")
		x.s.stranger(x.t).must(x.t, "POST", "/auth/password-reset/complete", obj{"token": x.note["link"], "password": x.cast["lost"].Password})
	}), body: with(obj{"token": "@link", "password": "a password that nobody has"}), status: 409, code: "RESET_LINK_USED", says: "ask for a new one", events: "PASSWORD_CHANGED denied link_used"},

	// Second factors, keys, tokens.
	{op: "confirm-totp", wrong: "a wrong code", by: "mara", lead: func(x *stage) {
		b := get[struct {
			ID     string `json:"factor_id"`
			Secret string
		}](x.t, x.cast["mara"].Client, "POST", "/mfa/totp", obj{"name": "another"})
		secrets.add("TOTP secret", b.Secret)
		x.note["factor"] = b.ID
	}, ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["factor"]} }, body: with(obj{"code": "000000"}), status: 422, code: "BAD_CODE", events: "MFA_FACTOR_ENROLLED denied bad_code"},
	{op: "confirm-webauthn", wrong: "an invented enrolment_id", by: "operator", body: with(obj{"enrolment_id": "cer_invented", "credential": obj{"id": "x"}}), status: 404, code: "NOT_FOUND"},
	{op: "confirm-webauthn", wrong: "an expired enrolment_id", by: "operator", lead: then(func(x *stage) {
		x.note["enrolment"] = get[struct {
			ID string `json:"enrolment_id"`
		}](x.t, x.cast["operator"].Client, "POST", "/mfa/webauthn", obj{"name": "a key"}).ID
	}, newest("webauthn_ceremony", "expires_at", "created_at")), body: with(obj{"enrolment_id": "@enrolment", "credential": obj{"id": "x"}}), status: 404, code: "NOT_FOUND"},
	{op: "remove-factor", wrong: "the last one", by: "operator", status: 409, code: "LAST_FACTOR", events: "MFA_FACTOR_REMOVED denied last_factor"},
	{op: "rename-factor", wrong: "another's", by: "mara", status: 404, code: "NOT_FOUND"},
	{op: "add-ssh-key", wrong: "a weak key", by: "operator", body: with(obj{"name": "x", "public_key": "ssh-dss AAAAB3NzaC1kc3MAAACBAA=="}), status: 422, code: "INVALID", events: "SSH_KEY_ADDED denied weak_key"},
	{op: "add-ssh-key", wrong: "the same key again", by: "operator", body: func(x *stage) any { return obj{"name": "x", "public_key": x.publicKey("operator")} }, status: 409, code: "KEY_EXISTS", events: "SSH_KEY_ADDED denied already_registered"},
	{op: "create-token", wrong: "a scope above the actor", by: "operator", body: with(obj{"name": "x", "scopes": []string{"members:write"}, "expires_in_days": 1}), status: 403, code: "SCOPE_ABOVE_ACTOR", events: "API_TOKEN_CREATED denied scope_above_actor"},
	{op: "create-token", wrong: "an unknown scope", by: "operator", body: with(obj{"name": "x", "scopes": []string{"everything"}, "expires_in_days": 1}), status: 422, code: "INVALID"},
	{op: "create-token", wrong: "too long a life", by: "operator", body: with(obj{"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 181}), status: 422, code: "LIFETIME_TOO_LONG", events: "API_TOKEN_CREATED denied lifetime_too_long"},
	{op: "create-token", wrong: "no life", by: "operator", body: with(obj{"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 0}), status: 422, code: "INVALID"},
	{op: "create-token", wrong: "a network that is none", by: "operator", body: with(obj{"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 1, "networks": []string{"300.1.1.1/8"}}), status: 422, code: "INVALID"},
	{op: "create-token", wrong: "for a person", by: "owner", body: func(x *stage) any {
		return obj{"name": "x", "scopes": []string{"safes:read"}, "expires_in_days": 1, "service_account_id": x.cast["operator"].ID}
	}, status: 404, code: "NOT_FOUND"},
	{op: "create-service-account", wrong: "a name that is taken", by: "owner", lead: func(x *stage) {
		x.note["robot"] = "robot-" + random(3)
		x.w.Owner.must(x.t, "POST", "/service-accounts", obj{"name": x.note["robot"], "role": "operator"})
	}, body: with(obj{"name": "@robot", "role": "operator"}), status: 409, code: "ALREADY_MEMBER"},
	{op: "remove-service-account", wrong: "a person", by: "owner", ids: func(x *stage) map[string]string { return map[string]string{"id": x.cast["operator"].ID} }, status: 404, code: "NOT_FOUND"},
	{op: "report-leaked-token", wrong: "an invented token", body: with(obj{"token": "vpat_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}), status: 204},

	// Members and settings.
	{op: "add-member", wrong: "a member already", by: "owner", body: func(x *stage) any {
		return obj{"email": strings.ToUpper(x.cast["operator"].Email), "handle": "other-" + random(3), "role": "operator"}
	}, status: 409, code: "ALREADY_MEMBER"},
	{op: "add-member", wrong: "a handle that is taken", by: "owner", body: func(x *stage) any {
		return obj{"email": someoneNew() + "@example.com", "handle": x.cast["operator"].Handle, "role": "operator"}
	}, status: 409, code: "HANDLE_TAKEN"},
	{op: "add-member", wrong: "a role above the actor", by: "admin", body: with(obj{"email": "above@example.com", "handle": "above", "role": "owner"}), status: 403, code: "ROLE_ABOVE_ACTOR", events: "ROLE_ASSIGNMENT_CHANGED denied role_above_actor"},
	{op: "add-member", wrong: "a weak password", by: "owner", body: with(obj{"email": "weak@example.com", "handle": "weak", "role": "operator", "password": "short"}), status: 422, code: "INVALID"},
	{op: "set-member-role", wrong: "a role above the actor", by: "admin", body: with(obj{"role": "owner"}), status: 403, code: "ROLE_ABOVE_ACTOR", events: "ROLE_ASSIGNMENT_CHANGED denied role_above_actor"},
	{op: "set-member-role", wrong: "somebody above the actor", by: "admin", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.w.Owner.ID} }, body: with(obj{"role": "operator"}), status: 403, code: "ROLE_ABOVE_ACTOR", events: "ROLE_ASSIGNMENT_CHANGED denied role_above_actor"},
	{op: "set-member-role", wrong: "the last owner", by: "far", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.far.Owner.ID} }, body: with(obj{"role": "operator"}), status: 409, code: "LAST_OWNER", events: "ROLE_ASSIGNMENT_CHANGED denied last_org_admin"},
	{op: "suspend-member", wrong: "the last owner, oneself", by: "far", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.far.Owner.ID} }, status: 409, code: "SELF_SUSPENSION", events: "MEMBER_SUSPENDED denied self_suspension_forbidden"},
	{op: "suspend-member", wrong: "somebody above the actor", by: "admin", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.w.Owner.ID} }, status: 403, code: "ROLE_ABOVE_ACTOR", events: "MEMBER_SUSPENDED denied role_above_actor"},
	{op: "resume-member", wrong: "somebody above the actor", by: "admin", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.w.Owner.ID} }, status: 403, code: "ROLE_ABOVE_ACTOR", events: "MEMBER_RESUMED denied role_above_actor"},
	{op: "resume-member", wrong: "not suspended", by: "owner", status: 409, code: "MEMBER_STATE"},
	{op: "remove-member", wrong: "the last owner", by: "far", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.far.Owner.ID} }, status: 409, code: "LAST_OWNER", events: "ROLE_ASSIGNMENT_CHANGED denied last_org_admin"},
	{op: "remove-member", wrong: "somebody above the actor", by: "admin", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.w.Owner.ID} }, status: 403, code: "ROLE_ABOVE_ACTOR", events: "ROLE_ASSIGNMENT_CHANGED denied role_above_actor"},
	{op: "update-settings", wrong: "a stale version", by: "owner", body: with(obj{"version": 99, "name": "Else"}), status: 409, code: "VERSION_CONFLICT"},
	{op: "update-settings", wrong: "a colour that is none", by: "owner", body: with(obj{"brand_color": "red;}"}), status: 422, code: "INVALID"},
	{op: "update-settings", wrong: "a domain that is none", by: "owner", body: with(obj{"allowed_domains": []string{"not a domain"}}), status: 422, code: "INVALID"},
	{op: "update-settings", wrong: "where mail goes, with a factor proved long ago", by: "late", body: with(obj{"smtp": obj{"host": "mail.example.com", "from": "x@example.com"}}), status: 403, code: "STEP_UP_REQUIRED", events: "TENANT_SETTINGS_UPDATED denied not_permitted"},
	{op: "set-recording-retention", wrong: "too few days", by: "owner", body: with(obj{"recording_days": 6}), status: 422, code: "BELOW_MINIMUM", events: "RETENTION_POLICY_CHANGED denied below_minimum"},
	{op: "set-recording-retention", wrong: "fewer, with a factor proved long ago", by: "late", body: with(obj{"recording_days": 7}), status: 403, code: "STEP_UP_REQUIRED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "set-audit-retention", wrong: "too few days", by: "owner", body: with(obj{"audit_days": 364}), status: 422, code: "BELOW_MINIMUM", events: "RETENTION_POLICY_CHANGED denied below_minimum"},
	{op: "set-audit-retention", wrong: "fewer, with a factor proved long ago", by: "late", body: with(obj{"audit_days": 365}), status: 403, code: "STEP_UP_REQUIRED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "set-legal-hold", wrong: "with a factor proved long ago", by: "late", body: with(obj{"reason": "a case"}), status: 403, code: "STEP_UP_REQUIRED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "set-legal-hold", wrong: "by a token", by: "token", body: with(obj{"reason": "a case"}), status: 403, code: "NOT_PERMITTED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "set-legal-hold", wrong: "no reason", by: "owner", body: with(obj{"reason": ""}), status: 422, code: "INVALID"},
	{op: "lift-legal-hold", wrong: "with a factor proved long ago", by: "late", body: with(obj{"reason": "closed"}), status: 403, code: "STEP_UP_REQUIRED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "lift-legal-hold", wrong: "none is there", by: "owner", body: with(obj{"reason": "closed"}), status: 409, code: "HOLD_STATE"},
	{op: "set-platform-legal-hold", wrong: "with a factor proved long ago", by: "lateroot", body: with(obj{"reason": "a case"}), status: 403, code: "STEP_UP_REQUIRED", events: "RETENTION_POLICY_CHANGED denied not_permitted"},
	{op: "lift-platform-legal-hold", wrong: "none is there", by: "root", body: with(obj{"reason": "closed"}), status: 409, code: "HOLD_STATE"},
	{op: "set-audit-minimum", wrong: "too few days", by: "root", body: with(obj{"audit_minimum_days": 29}), status: 422, code: "INVALID"},
	{op: "set-audit-minimum", wrong: "with a factor proved long ago", by: "lateroot", body: with(obj{"audit_minimum_days": 100}), status: 403, code: "STEP_UP_REQUIRED", events: "TENANT_SETTINGS_UPDATED denied not_permitted"},
	{op: "delete-organization", wrong: "another name typed", by: "owner", body: with(obj{"confirm": "no"}), status: 422, code: "NOT_CONFIRMED"},
	{op: "test-mail", wrong: "a sixth in ten minutes", by: "owner", lead: tests("owner", "/org/mail/test"), status: 429, code: "RATE_LIMITED", says: "5 tests", events: "MAIL_ORDERED denied rate_limited"},
	{op: "resend-mail", wrong: "one that was sent", by: "owner", status: 409, code: "MAIL_GONE", says: "done again", events: "MAIL_ORDERED denied message_gone"},
	{op: "test-platform-mail", wrong: "a sixth in ten minutes", by: "root", lead: tests("root", "/platform/mail/test"), status: 429, code: "RATE_LIMITED", says: "5 tests", events: "MAIL_ORDERED denied rate_limited"},
	{op: "resend-platform-mail", wrong: "one that was sent", by: "root", status: 409, code: "MAIL_GONE", says: "done again", events: "MAIL_ORDERED denied message_gone"},
	{op: "approve-recovery", wrong: "one's own", by: "admin", lead: func(x *stage) { x.note["case"] = x.cast["admin"].asks(x.t, 1) }, ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["case"]} }, status: 403, code: "SELF_APPROVAL", events: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED denied self_approval"},
	{op: "deny-recovery", wrong: "one's own", by: "admin", ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["case"]} }, status: 403, code: "SELF_APPROVAL", events: "ORG_GOVERNANCE_SELF_APPROVAL_BLOCKED denied self_approval"},

	// Invitations.
	{op: "send-invitation", wrong: "a member already", by: "owner", body: func(x *stage) any { return obj{"email": " " + x.cast["operator"].Email, "role": "operator"} }, status: 409, code: "ALREADY_MEMBER", events: "INVITATION_SENT denied already_member"},
	{op: "send-invitation", wrong: "invited already", by: "owner", lead: invitee, body: func(x *stage) any { return obj{"email": strings.ToUpper(x.note["email"]), "role": "auditor"} }, status: 409, code: "ALREADY_INVITED", events: "INVITATION_SENT denied open_invitation"},
	{op: "send-invitation", wrong: "a role above the actor", by: "admin", body: with(obj{"email": "above@example.com", "role": "owner"}), status: 403, code: "ROLE_ABOVE_ACTOR", events: "INVITATION_SENT denied role_above_actor"},
	{op: "send-invitation", wrong: "a safe of another organization", by: "owner", body: with(obj{"email": "safe@example.com", "role": "operator", "safes": []obj{{"safe_id": "safe_01aryz6s41tsv4rrffq69g5fav", "role": "user"}}}), status: 422, code: "INVALID"},
	{op: "look-at-invitation", wrong: "an invented token", body: with(obj{"token": "vpin_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "start-invitation", wrong: "an invented token", body: with(obj{"token": "vpin_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "accept-invitation", wrong: "an invented flow", body: with(obj{"flow": "vpif_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "accept-invitation", wrong: "a weak password", lead: invitee, body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "short"}), status: 422, code: "INVALID"},
	{op: "accept-invitation", wrong: "a handle that is taken", body: func(x *stage) any {
		return obj{"flow": x.note["flow"], "handle": x.cast["operator"].Handle, "password": newSecret("password")}
	}, status: 409, code: "HANDLE_TAKEN"},
	{op: "accept-invitation", wrong: "by somebody else", by: "mara", body: with(obj{"flow": "@flow"}), status: 403, code: "EMAIL_MISMATCH", events: "INVITE_EMAIL_MISMATCH_BLOCKED denied email_mismatch"},
	{op: "accept-invitation", wrong: "by an API token", by: "selftoken", body: with(obj{"flow": "@flow"}), status: 403, code: "NOT_PERMITTED"},
	{op: "accept-invitation", wrong: "an expired flow", lead: newest("invitation_flow", "expires_at", "started_at"), body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "long enough to be one"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "resend-invitation", wrong: "too soon", by: "owner", lead: invitee, ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["invitation"]} }, status: 429, code: "RATE_LIMITED", events: "INVITATION_RESENT denied rate_limited"},
	{op: "revoke-invitation", wrong: "revoked already", by: "owner", lead: func(x *stage) {
		x.w.Owner.must(x.t, "DELETE", "/org/invitations/"+x.note["invitation"], nil)
	}, ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["invitation"]} }, status: 409, code: "INVITATION_NOT_PENDING"},
	{op: "look-at-invitation", wrong: "a revoked token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_REVOKED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied revoked"},
	{op: "start-invitation", wrong: "a revoked token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_REVOKED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied revoked"},
	{op: "accept-invitation", wrong: "a flow of a revoked invitation", body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "long enough to be one"}), status: 409, code: "INVITATION_REVOKED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied revoked"},
	{op: "look-at-invitation", wrong: "an expired token", lead: then(invitee, late("invitation", "expires_at", "id", "invitation")), body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "start-invitation", wrong: "an expired token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "look-at-invitation", wrong: "a used token", lead: func(x *stage) {
		invitee(x)
		p := x.s.newPerson("used")
		var in struct {
			SignedIn signedIn `json:"signed_in"`
		}
		p.nobody(x.t).must(x.t, "POST", "/invitations/accept", obj{"flow": x.note["flow"], "handle": p.Handle, "password": p.Password}).into(x.t, &in)
		secrets.add("access token", in.SignedIn.AccessToken)
	}, body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "start-invitation", wrong: "a used token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "accept-invitation", wrong: "a used flow", body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "long enough to be one"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},

	// Operators of the installation.
	{op: "invite-platform-user", wrong: "an operator already", by: "root", body: func(x *stage) any { return obj{"email": x.cast["watcher"].Email, "role": "platform_admin"} }, status: 409, code: "ALREADY_OPERATOR", events: "PLATFORM_USER_INVITE_REJECTED denied already_operator"},
	{op: "invite-platform-user", wrong: "invited already", by: "root", lead: func(x *stage) {
		x.note["mail"] = someoneNew() + "@example.com"
		x.s.Root.must(x.t, "POST", "/platform/invitations", obj{"email": x.note["mail"], "role": "platform_auditor"})
	}, body: with(obj{"email": "@mail", "role": "platform_admin"}), status: 409, code: "OPEN_INVITATION", events: "PLATFORM_USER_INVITE_REJECTED denied open_invitation"},
	{op: "resend-platform-invitation", wrong: "too soon", by: "root", lead: func(x *stage) {
		x.s.exec(x.t, "update platform_invitation set sent_at = $1 where state = 'pending'", time.Now().UnixMicro())
	}, status: 429, code: "RATE_LIMITED", events: "INVITATION_RESENT denied rate_limited"},
	{op: "look-at-platform-invitation", wrong: "an invented token", body: with(obj{"token": "vppi_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "start-platform-invitation", wrong: "an invented token", body: with(obj{"token": "vppi_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "decline-platform-invitation", wrong: "an invented token", body: with(obj{"token": "vppi_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "accept-platform-invitation", wrong: "an invented flow", body: with(obj{"flow": "vppf_invented"}), status: 404, code: "INVITATION_UNKNOWN", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied malformed", moves: "sign_in_source"},
	{op: "accept-platform-invitation", wrong: "a weak password", lead: platformInvitee, body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "short"}), status: 422, code: "INVALID"},
	{op: "accept-platform-invitation", wrong: "by somebody else", by: "mara", body: with(obj{"flow": "@flow"}), status: 403, code: "EMAIL_MISMATCH", events: "INVITE_EMAIL_MISMATCH_BLOCKED denied email_mismatch"},
	{op: "accept-platform-invitation", wrong: "an expired flow", lead: newest("platform_invitation_flow", "expires_at", "started_at"), body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "long enough to be one"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "look-at-platform-invitation", wrong: "an expired token", lead: then(platformInvitee, late("platform_invitation", "expires_at", "id", "invitation")), body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "start-platform-invitation", wrong: "an expired token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "decline-platform-invitation", wrong: "an expired token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_EXPIRED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied expired"},
	{op: "look-at-platform-invitation", wrong: "a used token", lead: then(platformInvitee, func(x *stage) {
		x.s.stranger(x.t).must(x.t, "POST", "/platform/invitations/decline", obj{"token": x.note["link"]})
	}), body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "start-platform-invitation", wrong: "a used token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "decline-platform-invitation", wrong: "a used token", body: with(obj{"token": "@link"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "accept-platform-invitation", wrong: "a used flow", body: with(obj{"flow": "@flow", "handle": "newcomer", "password": "long enough to be one"}), status: 409, code: "INVITATION_USED", events: "INVITE_TOKEN_INVALID_OR_EXPIRED denied already_used"},
	{op: "revoke-platform-invitation", wrong: "over already", by: "root", ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["invitation"]} }, status: 409, code: "NOT_PENDING"},
	{op: "remove-platform-user", wrong: "oneself", by: "root", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.s.Root.ID} }, status: 409, code: "SELF_REMOVAL", events: "PLATFORM_SELF_REMOVAL_BLOCKED denied self_removal"},
	{op: "reset-platform-mfa", wrong: "oneself", by: "root", ids: func(x *stage) map[string]string { return map[string]string{"user_id": x.s.Root.ID} }, status: 409, code: "SELF_RESET", events: "PLATFORM_USER_MFA_RESET denied self_reset_forbidden"},
	{op: "approve-platform-recovery", wrong: "an organization's case", by: "root", ids: func(x *stage) map[string]string { return map[string]string{"id": x.ours["/org/recoveries/"]["id"]} }, status: 404, code: "NOT_FOUND"},
	{op: "platform-setup", wrong: "an invented token", body: with(obj{"token": "vpsu_invented", "email": "second@example.com", "handle": "second", "password": "long enough to be one"}), status: 401, code: "AUTH_FAILED", events: "PLATFORM_SETUP_COMPLETED denied token_unknown", moves: "sign_in_source"},

	// Registrations.
	{op: "start-signup", wrong: "an invented token", body: with(obj{"token": "vpsl_invented"}), status: 404, code: "SIGNUP_LINK", moves: "sign_in_source"},
	{op: "start-signup", wrong: "an expired token", lead: func(x *stage) {
		mail := someoneNew() + "@example.com"
		x.s.stranger(x.t).must(x.t, "POST", "/signup", obj{"email": mail})
		x.note["link"] = x.s.link(x.t, mail, "signup_link", 1)
		x.expire(`update signup_link set expires_at = $1 where email = $2`, mail)
	}, body: with(obj{"token": "@link"}), status: 404, code: "SIGNUP_LINK", moves: "sign_in_source"},
	{op: "see-signup", wrong: "an invented access", body: with(obj{"access": "vpsa_invented"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "see-signup", wrong: "an expired access", lead: then(applicant, newest("signup_access", "expires_at", "created_at")), body: with(obj{"access": "@access"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "submit-signup", wrong: "an invented access", body: with(obj{"access": "vpsa_invented", "org_name": "S", "slug": "sss"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "submit-signup", wrong: "an expired access", body: with(obj{"access": "@access", "org_name": "S", "slug": "sss"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "ask-signup-phone", wrong: "an invented access", body: with(obj{"access": "vpsa_invented", "number": "+4915123456789"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "ask-signup-phone", wrong: "an expired access", body: with(obj{"access": "@access", "number": "+4915123456789"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "confirm-signup-phone", wrong: "an invented access", body: with(obj{"access": "vpsa_invented", "code": "000000"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "confirm-signup-phone", wrong: "an expired access", body: with(obj{"access": "@access", "code": "000000"}), status: 401, code: "SIGNUP_ACCESS", moves: "sign_in_source"},
	{op: "ask-signup-phone", wrong: "a number that is none", lead: applicant, body: with(obj{"access": "@access", "number": "+49"}), status: 422, code: "PHONE_INVALID"},
	{op: "confirm-signup-phone", wrong: "before a number was given", body: with(obj{"access": "@access", "code": "000000"}), status: 404, code: "NOT_FOUND"},
	{op: "submit-signup", wrong: "without a number", body: with(obj{"access": "@access", "org_name": "S", "slug": "sss-sss", "handle": "@handle", "password": "@password"}), status: 403, code: "PHONE_REQUIRED"},
	{op: "confirm-signup-phone", wrong: "a wrong code", lead: phoned, body: func(x *stage) any { return obj{"access": x.note["access"], "code": other(x.note["code"])} }, status: 422, code: "BAD_CODE", events: "PHONE_VERIFICATION_FAILED failure wrong_code", moves: "phone_verification"},
	{op: "submit-signup", wrong: "a slug that is taken", lead: func(x *stage) {
		phoned(x)
		x.s.stranger(x.t).must(x.t, "POST", "/signup/phone/confirm", obj{"access": x.note["access"], "code": x.note["code"]})
	}, body: func(x *stage) any {
		return obj{"access": x.note["access"], "org_name": "S", "slug": x.w.Slug, "handle": x.note["handle"], "password": x.note["password"]}
	}, status: 409, code: "SLUG_TAKEN", events: "ORG_SUBMISSION_SUBMITTED denied duplicate_organization"},
	{op: "submit-signup", wrong: "a slug that is none", body: with(obj{"access": "@access", "org_name": "S", "slug": "S_S", "handle": "@handle", "password": "@password"}), status: 422, code: "INVALID"},
	{op: "submit-signup", wrong: "a weak password", body: with(obj{"access": "@access", "org_name": "S", "slug": "s-new-one", "handle": "@handle", "password": "short"}), status: 422, code: "INVALID"},
	{op: "submit-signup", wrong: "a handle that is taken", body: func(x *stage) any {
		return obj{"access": x.note["access"], "org_name": "S", "slug": "s-new-one", "handle": x.cast["operator"].Handle, "password": x.note["password"]}
	}, status: 409, code: "HANDLE_TAKEN"},
	{op: "submit-signup", wrong: "submitted already", lead: submitted, body: with(obj{"access": "@access", "org_name": "S", "slug": "s-new-one", "handle": "@handle", "password": "@password"}), status: 409, code: "SIGNUP_STATE"},
	{op: "approve-submission", wrong: "decided already", by: "root", lead: func(x *stage) {
		x.s.Root.must(x.t, "POST", "/platform/submissions/"+x.note["submission"]+"/reject", obj{"comment": "no"})
	}, ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["submission"]} }, status: 409, code: "ALREADY_DECIDED", events: "ORG_SUBMISSION_APPROVED denied already_decided"},
	{op: "reject-submission", wrong: "decided already", by: "root", ids: func(x *stage) map[string]string { return map[string]string{"id": x.note["submission"]} }, status: 409, code: "ALREADY_DECIDED", events: "ORG_SUBMISSION_REJECTED denied already_decided"},
	{op: "create-organization", wrong: "a slug that is taken", by: "root", body: func(x *stage) any {
		return obj{"slug": x.w.Slug, "name": "Again", "owner": obj{"email": someoneNew() + "@example.com", "handle": someoneNew()}}
	}, status: 409, code: "SLUG_TAKEN", events: "ORGANIZATION_CREATED denied duplicate_organization"},
	{op: "create-organization", wrong: "a slug that is none", by: "root", body: with(obj{"slug": "No_Slug", "name": "x", "owner": obj{"email": "slug@example.com", "handle": "slug"}}), status: 422, code: "INVALID"},
	{op: "resume-organization", wrong: "not suspended", by: "root", status: 409, code: "ORG_STATE"},
	{op: "set-seat-limit", wrong: "below none", by: "root", body: with(obj{"seat_limit": -1}), status: 422, code: "INVALID"},

	// Telephone numbers.
	{op: "request-phone-change", wrong: "a number that is none", by: "operator", body: with(obj{"number": "12"}), status: 422, code: "PHONE_INVALID"},
	{op: "request-member-phone-change", wrong: "a number that is none", by: "owner", body: with(obj{"number": "12"}), status: 422, code: "PHONE_INVALID"},
	{op: "confirm-phone-change", wrong: "a stale version", by: "operator", body: with(obj{"code": "000000", "version": 99}), status: 409, code: "VERSION_CONFLICT", events: "PHONE_CHANGE_CONCURRENT_MODIFICATION failure version_conflict"},
	{op: "confirm-phone-change", wrong: "a wrong code", by: "operator", body: func(x *stage) any { return obj{"code": "000000", "version": x.phoneVersion("operator")} }, status: 422, code: "BAD_CODE", events: "PHONE_VERIFICATION_FAILED failure wrong_code", moves: "phone_verification"},
	{op: "resend-phone-code", wrong: "a stale version", by: "operator", body: with(obj{"version": 99}), status: 409, code: "VERSION_CONFLICT"},
	{op: "cancel-phone-change", wrong: "a stale version", by: "operator", query: "?version=99", status: 409, code: "VERSION_CONFLICT", events: "PHONE_CHANGE_CONCURRENT_MODIFICATION failure version_conflict"},
	{op: "cancel-member-phone-change", wrong: "a stale version", by: "owner", query: "?version=99", status: 409, code: "VERSION_CONFLICT", events: "PHONE_CHANGE_CONCURRENT_MODIFICATION failure version_conflict"},

	// Single sign-on and SCIM.
	{op: "create-sso-provider", wrong: "an issuer that is none", by: "owner", body: with(obj{"protocol": "oidc", "name": "x", "enabled": false, "trust_mfa": false, "provision": false, "issuer": "javascript:alert(1)"}), status: 422, code: "INVALID"},
	{op: "create-sso-provider", wrong: "enabled without an issuer", by: "owner", body: with(obj{"protocol": "oidc", "name": "x", "enabled": true, "trust_mfa": false, "provision": false}), status: 422, code: "INVALID"},
	{op: "create-sso-provider", wrong: "metadata that are none", by: "owner", body: with(obj{"protocol": "saml", "name": "x", "enabled": true, "trust_mfa": false, "provision": false, "metadata": "<a/>"}), status: 422, code: "INVALID"},
	{op: "update-sso-provider", wrong: "a stale version", by: "owner", body: with(obj{"name": "x", "enabled": false, "trust_mfa": false, "provision": false, "version": 99}), status: 409, code: "CHANGED_MEANWHILE"},
	{op: "set-sso-requirement", wrong: "without having tried it", by: "owner", body: with(obj{"required": true}), status: 409, code: "SSO_UNTRIED"},
	{op: "add-sso-domain", wrong: "a domain that is none", by: "owner", body: with(obj{"domain": "not a domain"}), status: 422, code: "INVALID"},
	{op: "verify-sso-domain", wrong: "a record that is not there", by: "owner", status: 409, code: "DOMAIN_UNPROVED"},
	{op: "set-scim-settings", wrong: "a role that is none", by: "owner", body: with(obj{"default_role": "owner"}), status: 422, code: "INVALID"},
	{op: "create-scim-token", wrong: "too long a life", by: "owner", body: with(obj{"name": "x", "expires_in_days": 9999}), status: 422, code: "INVALID"},
}

// phoneVersion is what somebody names who confirms their number.
func (x *stage) phoneVersion(who string) int {
	return get[phoneRecord](x.t, x.cast[who].Client, "GET", myPhone, nil).Version
}

// publicKey is the key that somebody has registered.
func (x *stage) publicKey(who string) string {
	x.t.Helper()
	text, err := os.ReadFile(x.cast[who].KeyFile)
	if err != nil {
		x.t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		x.t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
}

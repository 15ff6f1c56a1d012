package event_test

import (
	"strings"
	"testing"
)

// TestWrongEventsDoNotCompile type-checks small programs as a package of the product
// would be. The first ones are right, so that the others fail for the reason named.
func TestWrongEventsDoNotCompile(t *testing.T) {
	imp, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ body, want string }{
		{`_ = event.NewSafeMemberAdded(act, safe, "usr_1", "user").WithEndsAt(now)`, ""},
		{`_ = launch.Denied(event.SessionStartRequestedMFARequired)`, ""},
		{`_ = event.NewProxySSHAuthRejected(act, session, event.ProxySSHAuthRejectedGrantReplayed, "OpenSSH", 1)`, ""},
		{`var _ event.Event = launch`, ""},

		// A field is missing.
		{`_ = event.NewSafeMemberAdded(act, safe, "usr_1")`, "not enough arguments"},
		{`_ = event.NewSafeMemberAdded(act, "usr_1", "user")`, "not enough arguments"},
		{`_ = event.NewProxySSHAuthRejected(act, session, "OpenSSH", 1)`, "not enough arguments"},

		// A reason of another event, of no event, or made up.
		{`_ = launch.Denied(event.SessionPlaybackAccessedNotPermitted)`, "cannot use"},
		{`_ = launch.Denied("not_a_member")`, "cannot use"},
		{`_ = launch.Denied(event.SessionStartRequestedReason("not_a_member"))`, "cannot convert"},
		{`_ = launch.Denied(event.SessionStartRequestedReason{"not_a_member"})`, "unexported field"},
		{`_ = launch.Denied(event.SessionStartRequestedReason{word{"x"}})`, "undefined: word"},
		{`_ = event.NewProxySSHAuthRejected(act, session, event.SessionStartRequestedMFARequired, "OpenSSH", 1)`, "cannot use"},

		// An outcome that the catalog does not list.
		{`_ = launch.Failed(event.SessionStartRequestedMFARequired)`, "launch.Failed undefined"},
		{`_ = event.NewSafeMemberAdded(act, safe, "usr_1", "user").Denied`, "Denied undefined"},
		{`_ = launch.Because(event.SessionStartRequestedMFARequired)`, "launch.Because undefined"},

		// An enum value of another list, or made up.
		{`_ = event.NewConnectionDefinitionDeleted(act, connection, "ssh", "host", 0)`, "cannot use"},
		{`_ = event.NewConnectionDefinitionDeleted(act, connection, event.MFAMethodTOTP, "host", 0)`, "cannot use"},
		{`_ = event.Protocol{"ssh"}`, "unexported field"},

		// An id or a target of another kind.
		{`_ = event.NewSafeMemberAdded(act, safe, id.Safe("safe_1"), "user")`, "cannot use"},
		{`_ = event.NewSafeMemberAdded(act, session, "usr_1", "user")`, "cannot use"},

		// A secret.
		{`_ = event.NewSafeMemberAdded(act, safe, "usr_1", password)`, "cannot use"},
		{`_ = event.NewProxySSHAuthRejected(act, session, event.ProxySSHAuthRejectedGrantInvalid, "OpenSSH", 1).WithClaimedUser(password)`, "cannot use"},
		{`_ = event.NewProxySSHAuthRejected(act, session, event.ProxySSHAuthRejectedGrantInvalid, password.Reveal(), 1)`, "cannot use"},
		{`_ = event.Changed("password", password, password)`, "does not satisfy"},
		{`_ = event.Changed("password", []byte("a"), []byte("b"))`, "does not satisfy"},
		{`_ = string(password)`, "cannot convert"},

		// Going round the constructor.
		{`_ = event.SafeMemberAdded{role: "user"}`, "cannot refer to unexported field"},
		{`_ = event.SafeMemberAdded{base: launch.base}`, "unexported"},
		{`var e event.SafeMemberAdded; e.role = "owner"`, "unexported"},
		{`var _ event.Event = forged{}`, "does not implement"},
		{`_ = event.PhoneDigest{"pd-3", "49170"}`, "implicit assignment to unexported field"},
	} {
		src := `package snippet
import (
	"time"
	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)
type forged struct{}
func (forged) Constant() event.Constant { return event.SAFE_MEMBER_ADDED }
func f(actor authz.Actor, now time.Time, password secret.Secret) {
	act := event.By(actor, event.User)
	safe, session := event.SafeTarget("safe_1", "web"), event.SessionTarget("ses_1", "web")
	connection := event.ConnectionTarget(id.Resource("res_1"), "web")
	launch := event.NewSessionStartRequested(act, connection, event.ProtocolSSH, "safe_1", "acc_1", "pol_1")
	_, _, _, _, _ = safe, session, connection, launch, now
	` + c.body + `
}`
		_, err := check(imp, src)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s\ndoes not compile: %v", c.body, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s\nerror is %v, want %q", c.body, err, c.want)
		}
	}
}

package app

import (
	"context"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/signup"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// letters lets people on their way in be written to: it translates between the words
// of those who invite or decide and those of the mail.
type letters struct{ mail *notify.Service }

func (l letters) prepare(ctx context.Context, org id.Org, to string, data notify.Data, expires time.Time) (func(context.Context, *db.Tx) error, error) {
	p, err := l.mail.Prepare(ctx, org, notify.Message{To: notify.Recipient{Email: to}, Data: data, Expires: expires})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, tx *db.Tx) error { return l.mail.Queue(ctx, tx, p) }, nil
}

// invitationMail sends what an invitation says.
type invitationMail struct{ letters }

func (m invitationMail) Prepare(ctx context.Context, org id.Org, l invitation.Letter) (func(context.Context, *db.Tx) error, error) {
	return m.prepare(ctx, org, l.To, notify.Invitation{Organization: l.OrgName, Inviter: l.Inviter, Role: string(l.Role), Email: l.To, Support: l.Support,
		Token: l.Token, ExpiresAt: l.ExpiresAt}, l.ExpiresAt)
}

// signupMail sends what applicants are told. It always goes by the installation's own server.
type signupMail struct{ letters }

func (m signupMail) Link(ctx context.Context, l signup.Link) (func(context.Context, *db.Tx) error, error) {
	return m.prepare(ctx, "", l.To, notify.SignupLink{Token: l.Token, ExpiresAt: l.ExpiresAt}, l.ExpiresAt)
}

func (m signupMail) Approved(ctx context.Context, to, name, slug string) (func(context.Context, *db.Tx) error, error) {
	return m.prepare(ctx, "", to, notify.SignupApproved{Organization: name, Slug: slug}, time.Time{})
}

func (m signupMail) Rejected(ctx context.Context, to, name string, mayResubmit bool, comment string) (func(context.Context, *db.Tx) error, error) {
	return m.prepare(ctx, "", to, notify.SignupRejected{Organization: name, MayResubmit: mayResubmit, Comment: comment}, time.Time{})
}

// lateEnder is a part that tenancy tells of a deleted organization, and that is built after it.
type lateEnder struct{ to tenancy.Ender }

func (e *lateEnder) OrgDeleted(ctx context.Context, tx *db.Tx, act event.Act, org id.Org) error {
	return e.to.OrgDeleted(ctx, tx, act, org)
}

// lateMatch lets single sign-on accept invitations, which are built after it.
type lateMatch struct{ to *invitation.Service }

func (m *lateMatch) Match(ctx context.Context, tx *db.Tx, o identity.Origin, org id.Org, email string, who func() (id.User, error)) (invited, joined bool, err error) {
	return m.to.Match(ctx, tx, o, org, email, who)
}

// lateSSO tells how members sign in, and is built after tenancy.
type lateSSO struct{ sso func() *sso.Service }

func (l lateSSO) Only(ctx context.Context, tx *db.Tx, org id.Org) (bool, error) {
	return l.sso().Only(ctx, tx, org)
}

// ownServers are the mail servers that organizations have set for themselves.
type ownServers struct{ tenancy func() *tenancy.Service }

func (o ownServers) MailServer(ctx context.Context, org id.Org) (notify.Server, bool, error) {
	m, err := o.tenancy().MailServer(ctx, org)
	if err != nil || m == nil {
		return notify.Server{}, false, err
	}
	return notify.Server{Host: m.Host, Port: m.Port, Security: notify.Security(m.TLS), From: m.From, Username: m.User, Password: m.Password}, true, nil
}

// brands are how organizations show themselves in what they send.
type brands struct{ tenancy func() *tenancy.Service }

func (b brands) Brand(ctx context.Context, org id.Org) (notify.Brand, error) {
	st, err := b.tenancy().Brand(ctx, org)
	return notify.Brand{Name: st.Name, Color: st.BrandColor, Support: st.SupportContact}, err
}

package signup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/label"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/signup/signupsql"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// Ask mails a link to an address. The answer is the same whether the address is known,
// has a case, or got too many links already.
func (s *Service) Ask(ctx context.Context, email string, o identity.Origin) error {
	o = o.OrNew()
	if s.d.Closed {
		return fault.New(fault.Denied, "organizations cannot be registered at this installation: ask its operator").WithCode("SIGNUP_CLOSED")
	}
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return err
	}
	email, err := identity.ParseEmail(email)
	if err != nil {
		return err
	}
	l := Link{To: email, Token: linkToken.New(), ExpiresAt: s.d.Now().Add(linkLife).UTC().Truncate(time.Microsecond)}
	queue, err := s.d.Mail.Link(ctx, l)
	if err != nil {
		return fmt.Errorf("write a link's message: %w", err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := signupsql.New(tx)
		n, err := q.CountLinks(ctx, signupsql.CountLinksParams{Email: email, Since: db.Micros(s.d.Now().Add(-time.Hour))})
		if err != nil {
			return fmt.Errorf("count links: %w", err)
		}
		if n >= linksPerHour {
			return nil // said alike, so that nobody learns who asks; the links before still work
		}
		if err := q.InsertLink(ctx, signupsql.InsertLinkParams{TokenHash: linkToken.Hash(l.Token.RevealString()), Email: email, Now: s.now(), ExpiresAt: db.Micros(l.ExpiresAt)}); err != nil {
			return fmt.Errorf("store a link: %w", err)
		}
		return queue(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("mail a link: %w", err)
	}
	return nil
}

// Access is an applicant's hold on their case. Token is shown once.
type Access struct {
	Case
	Token     secret.Secret
	ExpiresAt time.Time
	Known     bool // the address has an account: the owner to be keeps it
}

var errBadLink = fault.New(fault.NotFound, "this link leads nowhere, was used already, or is older than an hour: ask for a new one").WithCode("SIGNUP_LINK")

// Start uses a link: it opens a case, or leads back to the one that is open.
func (s *Service) Start(ctx context.Context, link secret.Secret, o identity.Origin) (Access, error) {
	o = o.OrNew()
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return Access{}, err
	}
	a := Access{Token: accessToken.New(), ExpiresAt: s.d.Now().Add(accessLife).UTC().Truncate(time.Microsecond)}
	hash, ok := linkToken.Parse(link)
	err := error(errBadLink)
	if ok {
		err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			a.Case, err = s.start(ctx, tx, hash, a, o)
			return err
		})
	}
	if errors.Is(err, errBadLink) {
		return Access{}, s.guess(ctx, o, errBadLink)
	}
	if err != nil {
		return Access{}, fmt.Errorf("open a case: %w", err)
	}
	a.Known, err = s.known(ctx, a.Email)
	return a, err
}

// guess counts a token that is not good against its source.
func (s *Service) guess(ctx context.Context, o identity.Origin, why error) error {
	if err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, o) }); err != nil {
		return err
	}
	return why
}

func (s *Service) known(ctx context.Context, email string) (bool, error) {
	_, err := s.d.People.ByHandle(ctx, email)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (s *Service) start(ctx context.Context, tx *db.Tx, hash []byte, a Access, o identity.Origin) (Case, error) {
	q := signupsql.New(tx)
	row, err := q.LinkByToken(ctx, hash)
	if db.NotFound(err) {
		return Case{}, errBadLink
	}
	if err != nil {
		return Case{}, fmt.Errorf("look up a link: %w", err)
	}
	n, err := q.UseLink(ctx, signupsql.UseLinkParams{Now: s.now(), TokenHash: hash})
	if err != nil {
		return Case{}, fmt.Errorf("use a link: %w", err)
	}
	if n == 0 {
		return Case{}, errBadLink
	}
	open, err := q.OpenSignup(ctx, row.Email)
	if db.NotFound(err) {
		sub := id.New[id.Submission]()
		if err := q.InsertSignup(ctx, signupsql.InsertSignupParams{ID: string(sub), Email: row.Email, Now: s.now()}); err != nil {
			return Case{}, fmt.Errorf("store a case: %w", err)
		}
		if _, err := s.d.Ledger.Record(ctx, tx, event.NewOrgSubmissionStarted(event.By(o.Stranger(""), event.User), event.PlatformTarget(), sub, event.Email(row.Email))); err != nil {
			return Case{}, err
		}
		open, err = q.GetSignup(ctx, string(sub))
	}
	if err != nil {
		return Case{}, fmt.Errorf("read a case: %w", err)
	}
	err = q.InsertAccess(ctx, signupsql.InsertAccessParams{TokenHash: accessToken.Hash(a.Token.RevealString()), SignupID: open.ID, Now: s.now(), ExpiresAt: db.Micros(a.ExpiresAt)})
	return caseOf(open), err
}

// held finds the case of an applicant's token.
func (s *Service) held(ctx context.Context, access secret.Secret, o identity.Origin) (Case, signupsql.SignupAccess, error) {
	var c Case
	var a signupsql.SignupAccess
	if err := s.d.People.Admit(ctx, o, ""); err != nil {
		return c, a, err
	}
	lost := fault.New(fault.Unauthenticated, "this page has lost hold of your registration: ask for a new link with your e-mail address").WithCode("SIGNUP_ACCESS")
	hash, ok := accessToken.Parse(access)
	if !ok {
		return c, a, s.guess(ctx, o, lost)
	}
	err := s.d.DB.ReadPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if a, err = signupsql.New(tx).AccessByToken(ctx, hash); err != nil {
			return err
		}
		c, err = s.get(ctx, tx, id.Submission(a.SignupID))
		return err
	})
	if db.NotFound(err) || err == nil && a.ExpiresAt <= s.now() {
		return c, a, s.guess(ctx, o, lost)
	}
	if err != nil {
		return c, a, fmt.Errorf("look up an applicant: %w", err)
	}
	return c, a, nil
}

// Look is the waiting page. The first time that a link's holder is shown that they wait
// is recorded.
func (s *Service) Look(ctx context.Context, access secret.Secret, o identity.Origin) (Case, error) {
	o = o.OrNew()
	c, a, err := s.held(ctx, access, o)
	if err != nil || c.State != Submitted || a.ToldAt != 0 {
		return c, err
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err := signupsql.New(tx).TellAccess(ctx, signupsql.TellAccessParams{Now: s.now(), TokenHash: a.TokenHash})
		if err != nil || n == 0 {
			return err
		}
		_, err = s.d.Ledger.Record(ctx, tx, event.NewPendingStateViewed(event.By(o.Stranger(""), event.User), event.PlatformTarget(),
			event.PendingKindOrgSubmission, s.d.Now().Sub(c.SubmittedAt)).WithSubmissionID(c.ID))
		return err
	})
	if err != nil {
		return Case{}, fmt.Errorf("show the state of a case: %w", err)
	}
	return c, nil
}

// SubmitArgs say what the organization is to be. Person is its owner; the address is
// the applicant's, and who has an account keeps it.
type SubmitArgs struct {
	OrgName string
	Slug    string
	Note    string
	Person  identity.NewPerson
}

// Submit sends a draft, or a case that was returned, to the platform's administrators.
func (s *Service) Submit(ctx context.Context, access secret.Secret, a SubmitArgs, o identity.Origin) (Case, error) {
	o = o.OrNew()
	c, _, err := s.held(ctx, access, o)
	if err != nil {
		return Case{}, err
	}
	if c.State != Draft && c.State != Returned {
		return Case{}, sentAlready(c)
	}
	a.OrgName = norm.NFC.String(a.OrgName)
	ev := event.NewOrgSubmissionSubmitted(event.By(o.Stranger(""), event.User), event.PlatformTarget(), c.ID, a.OrgName, event.Email(c.Email), c.Submissions > 0)
	refuse := func(why event.OrgSubmissionSubmittedReason, err error) error {
		if e := s.d.Ledger.RecordRefusal(ctx, ev.Denied(why)); e != nil {
			return fmt.Errorf("record a refusal: %w", e)
		}
		return err
	}
	if err := a.check(); err != nil {
		return Case{}, err
	}
	switch {
	case !s.allows(c.Email):
		return Case{}, refuse(event.OrgSubmissionSubmittedDomainNotAllowed,
			fault.New(fault.Denied, "organizations can be registered here with addresses of certain domains only").WithCode("DOMAIN_NOT_ALLOWED"))
	case c.Submissions >= maxSubmissions:
		return Case{}, refuse(event.OrgSubmissionSubmittedRateLimited, fault.New(fault.Exhausted, "this registration was sent %d times already", c.Submissions))
	}
	p, hash, err := s.owner(ctx, c, a.Person)
	if err != nil {
		return Case{}, err
	}
	digest, proved, err := s.digest(ctx, c)
	if err != nil {
		return Case{}, err
	}
	if proved {
		ev = ev.WithPhone(digest)
	}
	errTaken := fault.New(fault.Conflict, "an organization with the short name %s exists already: choose another", a.Slug).WithCode("SLUG_TAKEN").WithField("slug", "is taken")
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		taken, err := s.d.Orgs.SlugTaken(ctx, tx, a.Slug)
		if err != nil {
			return err
		}
		if taken {
			return errTaken
		}
		n, err := signupsql.New(tx).Submit(ctx, signupsql.SubmitParams{OrgName: a.OrgName, Slug: a.Slug, Note: a.Note, Handle: p.Handle, Name: p.Name,
			PasswordHash: hash, Now: s.now(), ID: string(c.ID), Old: int64(c.Submissions)})
		if err != nil {
			return fmt.Errorf("store a submission: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "this registration was sent meanwhile: look again").WithCode("SIGNUP_STATE")
		}
		_, err = s.d.Ledger.Record(ctx, tx, ev)
		return err
	})
	if errors.Is(err, errTaken) {
		return Case{}, refuse(event.OrgSubmissionSubmittedDuplicateOrganization, err)
	}
	if err != nil {
		return Case{}, fmt.Errorf("submit an organization: %w", err)
	}
	return s.read(ctx, c.ID)
}

// owner checks who the owner will be. Somebody with an account stays as they are.
func (s *Service) owner(ctx context.Context, c Case, n identity.NewPerson) (identity.Profile, string, error) {
	p, err := s.d.People.ByHandle(ctx, c.Email)
	if err == nil {
		return p, "", nil
	}
	if !fault.Is(err, fault.NotFound) {
		return p, "", err
	}
	n.Email, n.Own = c.Email, true
	if n.Password.Empty() {
		return p, "", fault.New(fault.Invalid, "choose a password").WithField("password", "must not be empty")
	}
	if h, err := identity.ParseHandle(n.Handle); err == nil {
		if _, err := s.d.People.ByHandle(ctx, h); err == nil {
			return p, "", fault.New(fault.Conflict, "the handle %s is taken: choose another", h).WithCode("HANDLE_TAKEN").WithField("handle", "is taken")
		}
	}
	d, err := s.d.People.Draft(ctx, n)
	if err != nil {
		return p, "", err
	}
	p, hash := d.Keep()
	return p, hash, nil
}

func (a SubmitArgs) check() error {
	f := fault.New(fault.Invalid, "the organization cannot be registered like this: see the fields that are named")
	if wrong := label.Name(a.OrgName); wrong != "" {
		f.WithField("org_name", "%s", wrong)
	}
	if wrong := tenancy.CheckSlug(a.Slug); wrong != "" {
		f.WithField("slug", "%s", wrong)
	}
	if wrong := label.Note(a.Note); wrong != "" {
		f.WithField("note", "%s", wrong)
	}
	if len(f.Fields) > 0 {
		return f
	}
	return nil
}

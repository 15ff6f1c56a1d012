package app

import (
	"context"
	"sort"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	gateway "github.com/vaultpam/vaultpam/internal/gateway/ssh"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/session"
)

// sshPeople lets the SSH gateway prove people: it translates between the gateway's
// words and those of the identity domain, and decides nothing.
type sshPeople struct{ auth *identity.SSHAuthenticator }

func from(src authz.Source) identity.Origin {
	return identity.Origin{Source: src, Via: authz.ViaSSH, Request: id.New[id.Request]()}
}

// offered is the gateway's Person before the signature: it carries the offer and no user.
func offered(o identity.Offer, err error) (gateway.Person, error) {
	return gateway.Person{Proof: o}, err
}

func proven(p identity.Person, err error) (gateway.Person, error) {
	return gateway.Person{User: p.ID, Handle: p.Handle, MFAAt: p.MFAAt, Proof: p}, err
}

// person is whom the identity domain proved; the zero Person, which it refuses, otherwise.
func person(p gateway.Person) identity.Person {
	who, _ := p.Proof.(identity.Person)
	return who
}

func (a sshPeople) KeyOwner(ctx context.Context, login string, key []byte, src authz.Source) (gateway.Person, error) {
	return offered(a.auth.KeyOffered(ctx, login, key, from(src)))
}

func (a sshPeople) CertificateOwner(ctx context.Context, login string, cert *ssh.Certificate, src authz.Source) (gateway.Person, error) {
	return offered(a.auth.CertificateOffered(ctx, login, cert.Marshal(), from(src)))
}

func (a sshPeople) Prove(ctx context.Context, p gateway.Person, signedWith []byte, src authz.Source) (gateway.Person, error) {
	o, ok := p.Proof.(identity.Offer)
	if !ok {
		return gateway.Person{}, fault.New(fault.Unauthenticated, "nothing was offered")
	}
	return proven(a.auth.Prove(ctx, o, signedWith, from(src)))
}

func (a sshPeople) PasswordAndCode(ctx context.Context, login string, password, code secret.Secret, src authz.Source) (gateway.Person, error) {
	return proven(a.auth.PasswordAndCode(ctx, login, password, code, from(src)))
}

func (a sshPeople) StepUp(ctx context.Context, p gateway.Person, c gateway.Choice, code secret.Secret, src authz.Source) (gateway.Person, error) {
	return proven(a.auth.StepUp(ctx, person(p), identity.SSHStepUpArgs{Org: c.Org, Safe: c.Safe, Code: code}, from(src)))
}

// actor is the person as they act in one of their organizations.
func (a sshPeople) actor(ctx context.Context, p gateway.Person, org id.Org, src authz.Source) (authz.Actor, error) {
	return a.auth.Actor(ctx, person(p), string(org), from(src))
}

// sshSafes finds safes for the gateway.
type sshSafes struct {
	people sshPeople
	safes  *safe.Service
}

// Named finds safes of a name in the person's organizations. A name that is none of
// theirs gives a Choice without safe: Launch then refuses it and leaves the event.
func (s sshSafes) Named(ctx context.Context, p gateway.Person, org, name string, src authz.Source) ([]gateway.Choice, error) {
	homes, err := s.homes(ctx, p, org)
	if err != nil {
		return nil, err
	}
	var out []gateway.Choice
	for _, h := range homes {
		sid, err := s.safes.Resolve(ctx, h.Org, name)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		actor, err := s.people.actor(ctx, p, h.Org, src)
		if err != nil {
			return nil, err
		}
		e, err := s.safes.Get(ctx, actor, sid)
		switch {
		case err == nil:
			out = append(out, choice(e, h))
		case fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied):
			out = append(out, gateway.Choice{Safe: sid, Name: name, Org: h.Org, OrgSlug: h.Slug})
		default:
			return nil, err
		}
	}
	if len(out) == 0 && len(homes) > 0 {
		out = append(out, gateway.Choice{Name: name, Org: homes[0].Org, OrgSlug: homes[0].Slug})
	}
	return out, nil
}

// Mine gives the safes that the person may launch.
func (s sshSafes) Mine(ctx context.Context, p gateway.Person, src authz.Source) ([]gateway.Choice, error) {
	homes, err := s.homes(ctx, p, "")
	if err != nil {
		return nil, err
	}
	var out []gateway.Choice
	for _, h := range homes {
		actor, err := s.people.actor(ctx, p, h.Org, src)
		if err != nil {
			return nil, err
		}
		mine, err := s.safes.Mine(ctx, actor)
		if err != nil {
			return nil, err
		}
		for _, e := range mine {
			out = append(out, choice(e, h))
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

// homes are the person's organizations, or the one of a slug or id.
func (s sshSafes) homes(ctx context.Context, p gateway.Person, org string) ([]identity.Membership, error) {
	all, err := s.people.auth.Memberships(ctx, person(p))
	if err != nil || org == "" {
		return all, err
	}
	for _, m := range all {
		if m.Slug == org || string(m.Org) == org {
			return []identity.Membership{m}, nil
		}
	}
	return nil, nil
}

func choice(e safe.Entry, m identity.Membership) gateway.Choice {
	lent := ""
	if e.Loan != nil {
		lent = "lent by " + e.Loan.ByHandle + " until " + e.Loan.Until.UTC().Format("2006-01-02 15:04 UTC")
	}
	return gateway.Choice{
		Lent: lent, Safe: e.ID, Name: e.Name, Org: m.Org, OrgSlug: m.Slug, Target: e.Resource.Name + " (" + e.Account.Username + "@" + e.Resource.Host + ")",
		Host: e.Resource.Host, Port: e.Resource.Port, Jump: e.Policy.Jump != safe.JumpBlock, StepUp: e.Policy.StepUp, Fresh: e.Policy.StepUpFreshness,
	}
}

// sshRejections records clients that were turned away.
type sshRejections struct{ sessions *session.Service }

func (r sshRejections) Rejected(ctx context.Context, x gateway.Rejection) error {
	return r.sessions.RejectKey(ctx, session.KeyRejection{Source: x.Client.Source, ClaimedUser: x.Login, Fingerprint: x.Fingerprint, ClientVersion: x.Client.Version})
}

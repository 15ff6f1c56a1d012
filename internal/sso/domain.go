package sso

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/page"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// What proves a domain: a TXT record of this name below it, with this beginning.
const (
	recordName  = "_vaultpam-challenge."
	recordBegin = "vaultpam-domain-verification="
	maxDomains  = 100 // of one organization
	lookupTime  = 10 * time.Second
)

// Domain is a mail domain that an organization says is its own.
type Domain struct {
	Name       string
	RecordName string // the TXT record that proves it
	Record     string
	CreatedAt  time.Time
	VerifiedAt time.Time // zero: not proved yet
}

func domainFromRow(r ssosql.SsoDomain) Domain {
	d := Domain{Name: r.Domain, RecordName: recordName + r.Domain, Record: recordBegin + r.Challenge, CreatedAt: db.Time(r.CreatedAt)}
	if r.VerifiedAt != 0 {
		d.VerifiedAt = db.Time(r.VerifiedAt)
	}
	return d
}

// parseDomain brings a domain into the form that canonical addresses have. A public
// suffix is nobody's.
func parseDomain(s string) (string, error) {
	email, err := identity.ParseEmail("x@" + strings.TrimSuffix(strings.TrimSpace(s), "."))
	wrong := fault.New(fault.Invalid, "%.100q is not a mail domain of the form example.com", s).WithField("domain", "must be a mail domain of the form example.com")
	if err != nil {
		return "", wrong
	}
	d := domainOf(email)
	if suffix, _ := publicsuffix.PublicSuffix(d); suffix == d {
		return "", wrong
	}
	return d, nil
}

// Domains lists those of the active organization.
func (s *Service) Domains(ctx context.Context, actor authz.Actor, r page.Request) (page.List[Domain], error) {
	if err := s.view(actor); err != nil {
		return page.List[Domain]{}, err
	}
	var rows []ssosql.SsoDomain
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = ssosql.New(tx).ListDomains(ctx, string(actor.Org))
		return err
	})
	if err != nil {
		return page.List[Domain]{}, fmt.Errorf("list domains: %w", err)
	}
	out := make([]Domain, len(rows))
	for i, r := range rows {
		out[i] = domainFromRow(r)
	}
	return cut(out, r, func(d Domain) string { return d.Name })
}

// AddDomain notes a domain, and the record that is to prove it.
func (s *Service) AddDomain(ctx context.Context, actor authz.Actor, name string) (Domain, error) {
	name, err := parseDomain(name)
	if err != nil {
		return Domain{}, err
	}
	if err := s.manage(ctx, actor); err != nil {
		return Domain{}, err
	}
	row := ssosql.SsoDomain{OrgID: string(actor.Org), Domain: name, Challenge: secret.Token(24).RevealString(), CreatedAt: s.now()}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := ssosql.New(tx)
		all, err := q.ListDomains(ctx, string(actor.Org))
		if err != nil {
			return err
		}
		if len(all) >= maxDomains {
			return fault.New(fault.Conflict, "this organization has %d domains already: remove one first", len(all)).WithCode("DOMAIN_LIMIT")
		}
		if err := q.InsertDomain(ctx, ssosql.InsertDomainParams{OrgID: row.OrgID, Domain: name, Challenge: row.Challenge, Now: row.CreatedAt}); err != nil {
			if db.Unique(err) {
				return fault.New(fault.Conflict, "%s is a domain of this organization already", name).WithCode("DOMAIN_KNOWN").Because(err)
			}
			return err
		}
		return s.told(ctx, tx, actor, actor.Org, []event.Change{event.Changed("domain."+name, "", "unverified")}, nil)
	})
	if err != nil {
		return Domain{}, fmt.Errorf("add a domain: %w", err)
	}
	return domainFromRow(row), nil
}

// VerifyDomain looks for the record. From then on the organization's providers may
// speak for addresses of the domain.
func (s *Service) VerifyDomain(ctx context.Context, actor authz.Actor, name string) (Domain, error) {
	name, err := parseDomain(name)
	if err != nil {
		return Domain{}, err
	}
	if err := s.manage(ctx, actor); err != nil {
		return Domain{}, err
	}
	var row ssosql.SsoDomain
	err = s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		row, err = ssosql.New(tx).GetDomain(ctx, ssosql.GetDomainParams{OrgID: string(actor.Org), Domain: name})
		return err
	})
	if db.NotFound(err) {
		return Domain{}, noSuchDomain(name)
	}
	if err != nil {
		return Domain{}, fmt.Errorf("read a domain: %w", err)
	}
	d := domainFromRow(row)
	if row.VerifiedAt != 0 {
		return d, nil
	}
	if err := s.look(ctx, d); err != nil {
		return Domain{}, err
	}
	now := s.now()
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		n, err := ssosql.New(tx).VerifyDomain(ctx, ssosql.VerifyDomainParams{Now: now, OrgID: string(actor.Org), Domain: name})
		if db.Unique(err) {
			return fault.New(fault.Conflict, "%s is proved by another organization of this installation", name).WithCode("DOMAIN_TAKEN").Because(err)
		}
		if err != nil || n == 0 {
			return err
		}
		return s.told(ctx, tx, actor, actor.Org, []event.Change{event.Changed("domain."+name, "unverified", "verified")}, nil)
	})
	if err != nil {
		return Domain{}, fmt.Errorf("verify a domain: %w", err)
	}
	d.VerifiedAt = db.Time(now)
	return d, nil
}

func noSuchDomain(name string) error {
	return fault.New(fault.NotFound, "%s is not among the domains of this organization: add it first", name)
}

func (s *Service) look(ctx context.Context, d Domain) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTime)
	defer cancel()
	found, err := s.d.Resolver.LookupTXT(ctx, d.RecordName)
	var dns *net.DNSError
	if err != nil && (!errors.As(err, &dns) || !dns.IsNotFound) {
		return fault.New(fault.Unavailable, "the DNS cannot be asked for %s at the moment: try again", d.RecordName).WithCode("DNS_UNAVAILABLE").Because(err)
	}
	if !slices.Contains(found, d.Record) {
		return fault.New(fault.Conflict, "there is no TXT record %s with the value %s yet: publish it, wait until the DNS shows it, and try again", d.RecordName, d.Record).WithCode("DOMAIN_UNPROVED")
	}
	return nil
}

// RemoveDomain takes a domain away. People with addresses of it no longer come in
// through a provider.
func (s *Service) RemoveDomain(ctx context.Context, actor authz.Actor, name string) error {
	name, err := parseDomain(name)
	if err != nil {
		return err
	}
	if err := s.manage(ctx, actor); err != nil {
		return err
	}
	err = s.d.DB.InOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) error {
		q := ssosql.New(tx)
		row, err := q.GetDomain(ctx, ssosql.GetDomainParams{OrgID: string(actor.Org), Domain: name})
		if db.NotFound(err) {
			return noSuchDomain(name)
		}
		if err != nil {
			return err
		}
		if _, err := q.DeleteDomain(ctx, ssosql.DeleteDomainParams{OrgID: string(actor.Org), Domain: name}); err != nil {
			return err
		}
		was := "unverified"
		if row.VerifiedAt != 0 {
			was = "verified"
		}
		return s.told(ctx, tx, actor, actor.Org, []event.Change{event.Changed("domain."+name, was, "")}, nil)
	})
	if err != nil {
		return fmt.Errorf("remove a domain: %w", err)
	}
	return nil
}

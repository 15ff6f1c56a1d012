package sso

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// Finding is one thing that a test of a provider looked at.
type Finding struct {
	What   string // settings, discovery, keys, metadata, certificate, domain
	OK     bool
	Detail string // a sentence without its full stop
}

// Test looks whether a provider could be used now: it is asked what it says of
// itself, for OpenID Connect, or its metadata is read, for SAML. It changes nothing,
// and signs nobody in: only a sign-in shows that the client's secret and the
// addresses that are registered at the provider are right.
func (s *Service) Test(ctx context.Context, actor authz.Actor, pid id.Provider) ([]Finding, error) {
	if err := s.view(actor); err != nil {
		return nil, err
	}
	var p Provider
	proved := 0
	err := s.d.DB.ReadOrg(ctx, actor.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		if p, err = s.find(ctx, tx, actor.Org, pid); err != nil {
			return err
		}
		all, err := ssosql.New(tx).ListDomains(ctx, string(actor.Org))
		proved = 0
		for _, d := range all {
			if d.VerifiedAt != 0 {
				proved++
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []Finding
	if p.Protocol == SAML {
		out = s.testSAML(p)
	} else {
		out = s.testOIDC(ctx, p)
	}
	domain := Finding{What: "domain", OK: proved > 0, Detail: "no mail domain is verified: the provider can speak for nobody"}
	if proved > 0 {
		domain.Detail = fmt.Sprintf("%d verified", proved)
	}
	return append(out, domain), nil
}

func (s *Service) testOIDC(ctx context.Context, p Provider) []Finding {
	if p.Issuer == "" || p.ClientID == "" {
		return []Finding{{What: "settings", Detail: "the issuer and the client id are needed"}}
	}
	s.mu.Lock()
	delete(s.known, p.ID) // ask anew
	s.mu.Unlock()
	d, err := s.discover(ctx, p)
	if err != nil {
		return []Finding{{What: "discovery", Detail: fault.MessageOf(err)}}
	}
	out := []Finding{{What: "discovery", OK: true, Detail: "the provider answers under the issuer that is set"}}
	n, err := countKeys(ctx, d)
	if err != nil {
		return append(out, Finding{What: "keys", Detail: "its keys cannot be read: " + whyUnusable(err)})
	}
	return append(out, Finding{What: "keys", OK: n > 0, Detail: fmt.Sprintf("%d published to verify its answers with", n)})
}

func countKeys(ctx context.Context, d *discovered) (int, error) {
	var at struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := d.Claims(&at); err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at.JWKS, nil)
	if err != nil {
		return 0, err
	}
	a, err := d.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer a.Body.Close()
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if a.StatusCode != http.StatusOK {
		return 0, fault.New(fault.Invalid, "it answers %d where its keys should be", a.StatusCode)
	}
	if err := json.NewDecoder(a.Body).Decode(&set); err != nil {
		return 0, fault.New(fault.Invalid, "where its keys should be is no set of keys")
	}
	return len(set.Keys), nil
}

func (s *Service) testSAML(p Provider) []Finding {
	if p.Metadata == "" {
		return []Finding{{What: "settings", Detail: "the provider's metadata is needed"}}
	}
	e, err := parseMetadata(p.Metadata)
	if err != nil {
		return []Finding{{What: "metadata", Detail: err.Error()}}
	}
	out := []Finding{{What: "metadata", OK: true, Detail: "it sends people to " + redirectAddress(e)}}
	now := s.d.Now()
	var last time.Time
	for _, d := range e.IDPSSODescriptors {
		for _, k := range d.KeyDescriptors {
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				if end, ok := endOf(c.Data); ok && k.Use != "encryption" && end.After(last) {
					last = end
				}
			}
		}
	}
	switch {
	case last.IsZero():
		return append(out, Finding{What: "certificate", Detail: "the certificate that it signs with cannot be read"})
	case last.Before(now):
		// Signatures are verified with the key alone; an expired certificate is a sign of stale metadata.
		return append(out, Finding{What: "certificate", Detail: "the certificate that it signs with ended on " + last.UTC().Format(time.DateOnly) + ": upload its metadata of today"})
	}
	return append(out, Finding{What: "certificate", OK: true, Detail: "the certificate that it signs with is valid until " + last.UTC().Format(time.DateOnly)})
}

func endOf(text string) (time.Time, bool) {
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return time.Time{}, false
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return time.Time{}, false
	}
	return c.NotAfter, true
}

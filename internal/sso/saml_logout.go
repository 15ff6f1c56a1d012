package sso

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// A SAML provider ends what its word had opened by single logout: it sends the browser
// here with a request in the address (HTTP-Redirect binding), signed with the key of its
// metadata, and the browser goes back with our signed answer. Source: SAML 2.0 bindings,
// section 3.4.4.1, and profiles, section 4.4.

const (
	maxLogoutRequest = 64 << 10 // once it is inflated
	rsaSHA256        = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
)

// logoutAlgorithms are what a request may be signed with.
var logoutAlgorithms = map[string]crypto.Hash{
	rsaSHA256: crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":   crypto.SHA384,
	"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":   crypto.SHA512,
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": crypto.SHA384,
	"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": crypto.SHA512,
}

// SAMLLogoutArgs are what a browser brings from a provider that signs somebody out.
type SAMLLogoutArgs struct {
	Provider id.Provider
	Query    string // of the address, as it came: the signature covers its spelling
	From     identity.Origin
}

func (s *Service) logoutURL(p id.Provider) string {
	return s.d.PublicURL + "/api/v1/auth/sso/saml/" + string(p) + "/slo"
}

// SAMLLogout ends what the word of a SAML provider had opened for somebody, as Logout
// does for OpenID Connect, and tells where the browser goes with the answer; empty where
// the provider takes none. The error is fault.Invalid for a request that is not good.
func (s *Service) SAMLLogout(ctx context.Context, a SAMLLogoutArgs) (to string, err error) {
	a.From = a.From.OrNew()
	if err := s.d.People.Admit(ctx, a.From, ""); err != nil {
		return "", err
	}
	p, err := s.enabled(ctx, a.Provider)
	if err == nil && p.Protocol != SAML {
		err = notConfigured()
	}
	if err != nil {
		return "", err
	}
	sp, err := s.serviceProvider(p)
	if err != nil {
		return "", err
	}
	r, relay, err := logoutRequest(sp.IDPMetadata, a.Query, s.logoutURL(p.ID), s.d.Now())
	if err != nil {
		s.d.Log.InfoContext(ctx, "logout request refused", "provider_id", p.ID, "cause", err.Error())
		if cerr := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error { return s.d.People.CountFailure(ctx, tx, a.From) }); cerr != nil {
			return "", cerr
		}
		return "", fault.New(fault.Invalid, "the logout request is not good").WithCode("LOGOUT_REQUEST").Because(err)
	}
	left := logout{id: "saml/" + r.ID, subject: strings.TrimSpace(r.NameID.Value)}
	if err := s.leave(ctx, p, left, a.From, fault.New(fault.Invalid, "the logout request was used before").WithCode("LOGOUT_REQUEST")); err != nil {
		return "", err
	}
	return s.logoutAnswer(ctx, sp, p, r.ID, relay)
}

// leave ends what a provider's word had opened for somebody, once for each message.
func (s *Service) leave(ctx context.Context, p Provider, t logout, from identity.Origin, again error) error {
	return s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := ssosql.New(tx)
		n, err := q.UseOnce(ctx, ssosql.UseOnceParams{OrgID: string(p.Org), ProviderID: string(p.ID), TokenHash: digest("logout", t.id), ExpiresAt: s.now() + (2 * logoutLife).Microseconds()})
		if err != nil {
			return fmt.Errorf("note a logout: %w", err)
		}
		if n == 0 {
			return again
		}
		user, err := s.whoLeft(ctx, q, p, t)
		if err != nil || user == "" {
			return err
		}
		required, err := s.required(ctx, q, p.Org)
		if err != nil {
			return err
		}
		if err := q.ForgetUse(ctx, ssosql.ForgetUseParams{OrgID: string(p.Org), UserID: string(user)}); err != nil {
			return fmt.Errorf("note that %s left: %w", user, err)
		}
		_, err = s.d.People.EndSSOSessions(ctx, tx, identity.Membership{Org: p.Org, Name: p.orgName, SSORequired: required}, user, from.Request)
		return err
	})
}

// logoutRequest checks a request by the provider's metadata: its signature first, which
// covers the very spelling of the query; then issuer, destination, and times.
func logoutRequest(idp *saml.EntityDescriptor, query, own string, now time.Time) (r *saml.LogoutRequest, relay string, err error) {
	defer func() {
		if p := recover(); p != nil { // the library takes required elements for granted
			r, relay, err = nil, "", errors.New("the request lacks what it must have")
		}
	}()
	if idp == nil || len(query) > maxLogoutRequest {
		return nil, "", errors.New("there is no metadata, or the request is too long")
	}
	text, relay, err := signedQuery(idp, query)
	if err != nil {
		return nil, "", err
	}
	if _, err := document(text); err != nil {
		return nil, "", err
	}
	r = &saml.LogoutRequest{}
	if err := xml.Unmarshal(text, r); err != nil {
		return nil, "", err
	}
	switch {
	case r.Version != "2.0" || r.ID == "" || len(r.ID) > 256:
		return nil, "", errors.New("it has no usable id, or another version")
	case r.Issuer == nil || r.Issuer.Value != idp.EntityID:
		return nil, "", errors.New("it is of another issuer")
	case r.Destination != own:
		return nil, "", errors.New("it is for another address")
	case r.IssueInstant.Before(now.Add(-logoutLife)) || r.IssueInstant.After(now.Add(logoutLife)) || r.NotOnOrAfter != nil && !now.Before(*r.NotOnOrAfter):
		return nil, "", errors.New("its time is over, or has not come")
	case r.NameID == nil || strings.TrimSpace(r.NameID.Value) == "":
		return nil, "", errors.New("it names nobody")
	}
	return r, relay, nil
}

// signedQuery gives the request of a query whose signature holds.
func signedQuery(idp *saml.EntityDescriptor, query string) (text []byte, relay string, err error) {
	raw, plain := map[string]string{}, map[string]string{}
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if _, twice := raw[name]; twice {
			return nil, "", errors.New("a part of it comes twice")
		}
		v, err := url.QueryUnescape(value)
		if err != nil {
			return nil, "", errors.New("it is no query")
		}
		raw[name], plain[name] = value, v
	}
	hash, ok := logoutAlgorithms[plain["SigAlg"]]
	if !ok {
		return nil, "", fmt.Errorf("it is signed with %.80q, or not at all", plain["SigAlg"])
	}
	signature, err := base64.StdEncoding.DecodeString(plain["Signature"])
	if err != nil {
		return nil, "", errors.New("its signature is not base64")
	}
	signed := "SAMLRequest=" + raw["SAMLRequest"]
	if v, ok := raw["RelayState"]; ok {
		signed += "&RelayState=" + v
	}
	signed += "&SigAlg=" + raw["SigAlg"]
	h := hash.New()
	io.WriteString(h, signed)
	if !signedBy(idp, hash, h.Sum(nil), signature, strings.Contains(plain["SigAlg"], "#ecdsa-")) {
		return nil, "", errors.New("its signature is not the provider's")
	}
	if len(plain["RelayState"]) > 1024 {
		return nil, "", errors.New("its relay state is too long")
	}
	packed, err := base64.StdEncoding.DecodeString(plain["SAMLRequest"])
	if err != nil {
		return nil, "", errors.New("it is not base64")
	}
	text, err = io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxLogoutRequest+1))
	if err != nil || len(text) > maxLogoutRequest {
		return nil, "", errors.New("it cannot be inflated, or is too long")
	}
	return text, plain["RelayState"], nil
}

func signedBy(idp *saml.EntityDescriptor, hash crypto.Hash, sum, signature []byte, curve bool) bool {
	for _, d := range idp.IDPSSODescriptors {
		for _, k := range d.KeyDescriptors {
			if k.Use == "encryption" {
				continue
			}
			for _, c := range k.KeyInfo.X509Data.X509Certificates {
				der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.Data), ""))
				if err != nil {
					continue
				}
				cert, err := x509.ParseCertificate(der)
				if err != nil {
					continue
				}
				switch key := cert.PublicKey.(type) {
				case *rsa.PublicKey:
					if !curve && key.N.BitLen() >= 2048 && rsa.VerifyPKCS1v15(key, hash, sum, signature) == nil {
						return true
					}
				case *ecdsa.PublicKey:
					if curve && ecdsa.VerifyASN1(key, sum, signature) {
						return true
					}
				}
			}
		}
	}
	return false
}

// logoutAddress is where a provider takes the answer to its request; empty: nowhere.
func logoutAddress(idp *saml.EntityDescriptor) string {
	for _, d := range idp.IDPSSODescriptors {
		for _, e := range d.SingleLogoutServices {
			at := e.ResponseLocation
			if at == "" {
				at = e.Location
			}
			if u, err := url.Parse(at); e.Binding == saml.HTTPRedirectBinding && err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Fragment == "" {
				return at
			}
		}
	}
	return ""
}

// logoutAnswer is the address that brings a provider our signed answer.
func (s *Service) logoutAnswer(ctx context.Context, sp *saml.ServiceProvider, p Provider, request, relay string) (string, error) {
	at := logoutAddress(sp.IDPMetadata)
	if at == "" {
		return "", nil
	}
	p, err := s.withKey(ctx, p)
	if err == nil {
		err = s.decrypting(ctx, sp, p)
	}
	if err != nil {
		return "", err
	}
	key, ok := sp.Key.(*rsa.PrivateKey)
	if !ok {
		return "", fmt.Errorf("provider %s has no key to sign with", p.ID)
	}
	response, err := sp.MakeLogoutResponse(at, request)
	if err != nil {
		return "", fmt.Errorf("make a logout response: %w", err)
	}
	response.IssueInstant = s.d.Now().UTC()
	text, err := xml.Marshal(response)
	if err != nil {
		return "", fmt.Errorf("write a logout response: %w", err)
	}
	var packed bytes.Buffer
	z, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = z.Write(text)
		err = errors.Join(err, z.Close())
	}
	if err != nil {
		return "", fmt.Errorf("pack a logout response: %w", err)
	}
	query := "SAMLResponse=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	query += "&SigAlg=" + url.QueryEscape(rsaSHA256)
	sum := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign a logout response: %w", err)
	}
	query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	joint := "?"
	if strings.Contains(at, "?") {
		joint = "&"
	}
	return at + joint + query, nil
}

package sso

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/crewjam/saml"
	xrv "github.com/mattermost/xml-roundtrip-validator"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

const maxMetadata = 200 << 10

// parseMetadata reads the metadata of an identity provider: its entity id, where
// to send people by redirect, and the certificates that it signs with.
func parseMetadata(text string) (*saml.EntityDescriptor, error) {
	if len(text) > maxMetadata {
		return nil, errors.New("it is longer than 200 KiB")
	}
	if strings.Contains(text, "<!DOCTYPE") || strings.Contains(text, "<!ENTITY") {
		return nil, errors.New("it has a document type, which metadata has not")
	}
	e := &saml.EntityDescriptor{}
	if xrv.Validate(strings.NewReader(text)) != nil || xml.Unmarshal([]byte(text), e) != nil {
		return nil, errors.New("it is not SAML 2.0 metadata of one provider")
	}
	if e.EntityID == "" || len(e.EntityID) > 1024 || len(e.IDPSSODescriptors) == 0 {
		return nil, errors.New("it describes no identity provider")
	}
	to, err := url.Parse(redirectAddress(e))
	if err != nil || to.Scheme != "https" || to.Host == "" || to.User != nil {
		return nil, errors.New("it has no https address for the HTTP-Redirect binding")
	}
	for _, d := range e.IDPSSODescriptors {
		for _, k := range d.KeyDescriptors {
			if k.Use != "encryption" && len(k.KeyInfo.X509Data.X509Certificates) > 0 {
				return e, nil
			}
		}
	}
	return nil, errors.New("it has no certificate that the provider signs with")
}

func redirectAddress(e *saml.EntityDescriptor) string {
	sp := saml.ServiceProvider{IDPMetadata: e}
	return sp.GetSSOBindingLocation(saml.HTTPRedirectBinding)
}

// checkSAML brings SAML settings into their one form.
func (a *Settings) checkSAML(f *fault.Error) {
	a.Issuer, a.ClientID, a.Scopes, a.CAPEM = "", "", nil, ""
	if a.Metadata == "" {
		if a.Enabled {
			f.WithField("metadata", "is needed before the provider can be enabled")
		}
		return
	}
	e, err := parseMetadata(a.Metadata)
	if err != nil {
		f.WithField("metadata", "cannot be used: %v", err)
		return
	}
	a.Issuer = e.EntityID
}

// EntityID is what this server is to a SAML provider; the address shows its metadata.
func (s *Service) entityID(p id.Provider) string {
	return s.d.PublicURL + "/api/v1/auth/sso/saml/" + string(p) + "/metadata"
}

func (s *Service) serviceProvider(p Provider) (*saml.ServiceProvider, error) {
	acs, err := url.Parse(s.d.PublicURL + "/api/v1/auth/sso/saml/" + string(p.ID) + "/acs")
	if err != nil {
		return nil, err
	}
	meta, err := url.Parse(s.entityID(p.ID))
	if err != nil {
		return nil, err
	}
	sp := &saml.ServiceProvider{EntityID: meta.String(), MetadataURL: *meta, AcsURL: *acs, AuthnNameIDFormat: saml.UnspecifiedNameIDFormat}
	if p.Metadata != "" {
		sp.IDPMetadata, err = parseMetadata(p.Metadata)
	}
	return sp, err
}

// Metadata describes this server to a SAML provider.
func (s *Service) Metadata(ctx context.Context, pid id.Provider) ([]byte, error) {
	p, err := s.byID(ctx, pid)
	if err != nil {
		return nil, err
	}
	if p.Protocol != SAML {
		return nil, notConfigured()
	}
	if p, err = s.withKey(ctx, p); err != nil {
		return nil, err
	}
	sp, err := s.serviceProvider(p)
	if err != nil {
		return nil, err
	}
	if sp.Certificate, err = x509.ParseCertificate(p.spCert); err != nil {
		return nil, fmt.Errorf("read the certificate of provider %s: %w", p.ID, err)
	}
	yes, e := true, sp.Metadata()
	for i := range e.SPSSODescriptors {
		e.SPSSODescriptors[i].WantAssertionsSigned = &yes
		e.SPSSODescriptors[i].SingleLogoutServices = []saml.Endpoint{{Binding: saml.HTTPRedirectBinding, Location: s.logoutURL(pid)}}
		for k := range e.SPSSODescriptors[i].KeyDescriptors {
			e.SPSSODescriptors[i].KeyDescriptors[k].EncryptionMethods = encryptionMethods
		}
		for _, k := range e.SPSSODescriptors[i].KeyDescriptors { // it also signs our answer to a logout request
			k.Use, k.EncryptionMethods = "signing", nil
			e.SPSSODescriptors[i].KeyDescriptors = append([]saml.KeyDescriptor{k}, e.SPSSODescriptors[i].KeyDescriptors...)
		}
		acs := e.SPSSODescriptors[i].AssertionConsumerServices
		e.SPSSODescriptors[i].AssertionConsumerServices = acs[:1] // HTTP-POST; the other is for artifacts
	}
	out, err := xml.MarshalIndent(e, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the metadata of %s: %w", pid, err)
	}
	return append([]byte(xml.Header), out...), nil
}

// encryptionMethods are what a provider may encrypt with, the best first. A cipher that
// does not authenticate is as good here, for the assertion inside is signed.
var encryptionMethods = []saml.EncryptionMethod{{Algorithm: "http://www.w3.org/2009/xmlenc11#aes128-gcm"}, {Algorithm: "http://www.w3.org/2001/04/xmlenc#aes256-cbc"},
	{Algorithm: "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}, {Algorithm: "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"}}

// requestID names the request of a flow; the provider's answer has to name it.
func requestID(flow id.Flow) string { return "id-" + string(flow) }

// requestURL is where the browser goes to sign in.
func (s *Service) requestURL(p Provider, flow id.Flow, state string) (string, error) {
	sp, err := s.serviceProvider(p)
	if err != nil {
		return "", err
	}
	r, err := sp.MakeAuthenticationRequest(sp.GetSSOBindingLocation(saml.HTTPRedirectBinding), saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		return "", fmt.Errorf("make a SAML request: %w", err)
	}
	r.ID = requestID(flow)
	to, err := r.Redirect(state, sp)
	if err != nil {
		return "", fmt.Errorf("make the address of a SAML request: %w", err)
	}
	return to.String(), nil
}

// AssertionArgs are what a SAML provider makes a browser post.
type AssertionArgs struct {
	Provider id.Provider
	State    string // RelayState
	Response string // base64
	Browser  secret.Secret
	From     identity.Origin
}

// Assertion takes a SAML provider's answer. It has to be the answer to a request
// that this browser began: what a provider sends unasked is refused.
func (s *Service) Assertion(ctx context.Context, a AssertionArgs) (Proved, error) {
	a.From = a.From.OrNew()
	p, row, err := s.answered(ctx, a.From, SAML, a.Provider, a.State, a.Browser)
	if err != nil {
		return Proved{}, err
	}
	flow := id.Flow(row.ID)
	sp, err := s.serviceProvider(p)
	if err == nil {
		err = s.decrypting(ctx, sp, p)
	}
	if err != nil {
		return Proved{}, err
	}
	text, err := base64.StdEncoding.DecodeString(a.Response)
	if err != nil {
		return Proved{}, s.fail(ctx, a.From, p, flow, failed(event.ProviderStepCallback, event.ProviderFlowFailedProviderError, "the response is not base64"))
	}
	said, err := parseAssertion(sp, text, requestID(flow))
	if err == nil {
		err = s.useOnce(ctx, p, said)
	}
	if err != nil {
		return Proved{}, s.fail(ctx, a.From, p, flow, err)
	}
	return s.settle(ctx, a.From, p, row, readAssertion(said, p.GroupsClaim))
}

// parseAssertion checks a response: its signature or that of its assertion, by the
// provider's certificates; issuer, audience, times, destination, and the request
// that it answers.
func parseAssertion(sp *saml.ServiceProvider, text []byte, request string) (said *saml.Assertion, err error) {
	step := event.ProviderStepAssertion
	defer func() {
		if p := recover(); p != nil { // the library takes required elements for granted
			said, err = nil, failed(step, event.ProviderFlowFailedProviderError, "the response lacks what it must have")
		}
	}()
	if bytes.Contains(text, []byte("<!DOCTYPE")) {
		return nil, failed(step, event.ProviderFlowFailedProviderError, "the response has a document type")
	}
	if err := strong(sp, text); err != nil {
		return nil, err
	}
	said, err = sp.ParseXMLResponse(text, []string{request}, sp.AcsURL)
	if err != nil {
		return nil, samlFailure(err)
	}
	bound := false
	for _, c := range said.Subject.SubjectConfirmations {
		bound = bound || c.Method == "urn:oasis:names:tc:SAML:2.0:cm:bearer" && c.SubjectConfirmationData.InResponseTo == request
	}
	switch {
	case !bound:
		return nil, failed(step, event.ProviderFlowFailedStateMismatch, "the assertion answers no request")
	case said.ID == "":
		return nil, failed(step, event.ProviderFlowFailedProviderError, "the assertion has no id")
	case said.Conditions == nil || len(said.Conditions.AudienceRestrictions) == 0:
		return nil, failed(step, event.ProviderFlowFailedProviderError, "the assertion names no audience")
	}
	return said, nil
}

// samlFailure is the reason of an error of the library.
func samlFailure(err error) error {
	var bad *saml.InvalidResponseError
	if errors.As(err, &bad) && bad.PrivateErr != nil {
		err = bad.PrivateErr
	}
	step, text := event.ProviderStepAssertion, err.Error()
	var status saml.ErrBadStatus
	switch {
	case errors.As(err, &status):
		why := event.ProviderFlowFailedProviderError
		if strings.HasSuffix(status.Status, ":AuthnFailed") || strings.HasSuffix(status.Status, ":RequestDenied") || strings.HasSuffix(status.Status, ":NoPassive") || strings.HasSuffix(status.Status, ":Responder") {
			why = event.ProviderFlowFailedUserCancelled
		}
		return failed(event.ProviderStepCallback, why, "the provider answers %.100q", status.Status)
	case strings.Contains(text, "ssuer"):
		return failed(step, event.ProviderFlowFailedIssuerUnknown, "%w", err)
	case strings.Contains(text, "expired"), strings.Contains(text, "not yet valid"):
		return failed(step, event.ProviderFlowFailedAssertionExpired, "%w", err)
	case strings.Contains(text, "InResponseTo"), strings.Contains(text, "request IDs"):
		return failed(step, event.ProviderFlowFailedStateMismatch, "it answers another request")
	case strings.Contains(text, "ignature"), strings.Contains(text, "decrypt"), strings.Contains(text, "ertificate"), strings.Contains(text, "Digest"), strings.Contains(text, "digest"):
		return failed(step, event.ProviderFlowFailedSignatureInvalid, "%w", err)
	}
	return failed(step, event.ProviderFlowFailedProviderError, "%w", err)
}

// useOnce refuses an assertion that was shown before.
func (s *Service) useOnce(ctx context.Context, p Provider, said *saml.Assertion) error {
	var n int64
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = ssosql.New(tx).UseOnce(ctx, ssosql.UseOnceParams{OrgID: string(p.Org), ProviderID: string(p.ID), TokenHash: digest("assertion", said.ID),
			ExpiresAt: s.now() + (24 * time.Hour).Microseconds()})
		return err
	})
	if err != nil {
		return fmt.Errorf("note an assertion: %w", err)
	}
	if n == 0 {
		return failed(event.ProviderStepAssertion, event.ProviderFlowFailedAssertionReplayed, "the assertion was used before")
	}
	return nil
}

// The names by which providers call a person's address and name.
var (
	emailAttributes = []string{"email", "mail", "emailAddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"}
	nameAttributes = []string{"displayName", "name", "cn", "urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:2.5.4.3",
		"http://schemas.microsoft.com/identity/claims/displayname", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"}
)

// readAssertion takes from an assertion what counts here. A name that the provider
// makes anew for each sign-in is nobody's.
func readAssertion(said *saml.Assertion, groupsAttribute string) claim {
	c := claim{verified: true}
	if n := said.Subject.NameID; n != nil && n.Format != string(saml.TransientNameIDFormat) {
		c.subject = strings.TrimSpace(n.Value)
		if n.Format == string(saml.EmailAddressNameIDFormat) {
			c.email = c.subject
		}
	}
	value := func(names []string) string {
		for _, name := range names {
			if v := attribute(said, name); len(v) > 0 {
				return strings.TrimSpace(v[0])
			}
		}
		return ""
	}
	if v := value(emailAttributes); v != "" {
		c.email = v
	}
	c.name = value(nameAttributes)
	for _, v := range attribute(said, groupsAttribute) {
		c.groups = append(c.groups, texts(v)...)
	}
	if len(c.groups) > maxGroups {
		c.groups = c.groups[:maxGroups]
	}
	for _, a := range said.AuthnStatements {
		if a.AuthnContext.AuthnContextClassRef != nil {
			c.second = c.second || secondFactor([]string{a.AuthnContext.AuthnContextClassRef.Value})
		}
	}
	return c
}

// attribute gives the values of an attribute, by its name or its friendly name.
func attribute(said *saml.Assertion, name string) []string {
	var out []string
	for _, s := range said.AttributeStatements {
		for _, a := range s.Attributes {
			if a.Name != name && a.FriendlyName != name {
				continue
			}
			for _, v := range a.Values {
				out = append(out, v.Value)
			}
		}
	}
	return out
}

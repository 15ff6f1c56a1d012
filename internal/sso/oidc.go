package sso

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// discoveredFor is how long a provider's description of itself is believed.
const discoveredFor = 10 * time.Minute

// signatures are the algorithms that an ID token may be signed with: none that a
// holder of the public key or of the client secret could forge.
var signatures = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}

// discovered is a provider as its discovery document describes it.
type discovered struct {
	*oidc.Provider
	client  *http.Client
	version int64 // of our settings, when it was asked
	at      time.Time
	iss     bool // it names itself in its answers (RFC 9207)
	basic   bool // the client secret travels in a header
	pkce    bool
}

// failure is a leg through a provider that did not hold: where, and why.
type failure struct {
	step  event.ProviderStep
	why   event.ProviderFlowFailedReason
	cause error
}

func (f *failure) Error() string { return fmt.Sprintf("%s: %s: %v", f.step, f.why, f.cause) }
func (f *failure) Unwrap() error { return f.cause }

func failed(step event.ProviderStep, why event.ProviderFlowFailedReason, format string, args ...any) error {
	return &failure{step: step, why: why, cause: fmt.Errorf(format, args...)}
}

// overNetwork is the reason of an error from a call.
func overNetwork(err error) event.ProviderFlowFailedReason {
	var t net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout() {
		return event.ProviderFlowFailedTimeout
	}
	return event.ProviderFlowFailedProviderError
}

// discover reads what a provider says of itself. Its error can be shown to an administrator.
func (s *Service) discover(ctx context.Context, p Provider) (*discovered, error) {
	now := s.d.Now()
	s.mu.Lock()
	d := s.known[p.ID]
	s.mu.Unlock()
	if d != nil && d.version == p.Version && now.Sub(d.at) < discoveredFor && now.Sub(d.at) >= 0 {
		return d, nil
	}
	d, err := s.ask(ctx, p)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.known[p.ID] = d
	s.mu.Unlock()
	return d, nil
}

// ask reads what a provider says of itself and keeps nothing of it: its settings may be
// ones that are only asked for.
func (s *Service) ask(ctx context.Context, p Provider) (*discovered, error) {
	client, err := s.client(p)
	if err != nil {
		return nil, err
	}
	unusable := func(err error) error {
		f := fault.New(fault.Invalid, "the provider at %s cannot be used: %s", p.Issuer, whyUnusable(err)).WithCode("PROVIDER_UNUSABLE").WithField("issuer", "%s", whyUnusable(err))
		return f.Because(err)
	}
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, client), p.Issuer)
	if err != nil {
		return nil, unusable(err)
	}
	var more struct {
		ISS     bool     `json:"authorization_response_iss_parameter_supported"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		PKCE    []string `json:"code_challenge_methods_supported"`
		JWKS    string   `json:"jwks_uri"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, unusable(err)
	}
	for _, address := range []string{found.Endpoint().AuthURL, found.Endpoint().TokenURL, more.JWKS} {
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
			return nil, unusable(errors.New("it names an endpoint that is not an https address"))
		}
	}
	return &discovered{Provider: found, client: client, version: p.Version, at: s.d.Now(), iss: more.ISS,
		basic: len(more.Methods) == 0 || slices.Contains(more.Methods, "client_secret_basic"), pkce: slices.Contains(more.PKCE, "S256")}, nil
}

// whyUnusable says in words what was wrong with a provider, without the addresses
// that a name resolved to.
func whyUnusable(err error) string {
	text := err.Error()
	switch {
	case overNetwork(err) == event.ProviderFlowFailedTimeout:
		return "it did not answer in time"
	case fault.As(err) != nil:
		return fault.MessageOf(err)
	case strings.Contains(text, "issuer did not match"), strings.Contains(text, "issuer URL provided to client"):
		return "its discovery document names another issuer; copy the issuer exactly as the provider shows it"
	case strings.Contains(text, "certificate"):
		return "its certificate cannot be verified; give the authority that signed it as ca_pem"
	case strings.Contains(text, "not an https address"):
		return "it names an endpoint that is not an https address"
	}
	return "it has no readable discovery document at /.well-known/openid-configuration"
}

// callbackURL is where a provider sends people back to. It holds the provider's id,
// so that no provider can take an answer that was meant for another.
func (s *Service) callbackURL(p id.Provider) string {
	return s.d.PublicURL + "/api/v1/auth/sso/oidc/" + string(p) + "/callback"
}

func (s *Service) oauth(ctx context.Context, p Provider, d *discovered) (oauth2.Config, error) {
	ep := d.Endpoint()
	ep.AuthStyle = oauth2.AuthStyleInParams
	c := oauth2.Config{ClientID: p.ClientID, Endpoint: ep, RedirectURL: s.callbackURL(p.ID), Scopes: append([]string{oidc.ScopeOpenID, "email", "profile"}, p.Scopes...)}
	if len(p.sealed) > 0 {
		plain, err := s.d.Seal.Open(ctx, p.Org, sealContext(p.ID), p.sealed)
		if err != nil {
			return c, fmt.Errorf("open the client secret of %s: %w", p.ID, err)
		}
		c.ClientSecret = string(plain)
		if d.basic {
			c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
		}
	}
	return c, nil
}

// authorizeURL is where the browser goes to sign in.
func (s *Service) authorizeURL(ctx context.Context, p Provider, flow id.Flow, state, browser string) (string, error) {
	d, err := s.discover(ctx, p)
	if err != nil {
		return "", failed(event.ProviderStepStart, overNetwork(err), "%w", err)
	}
	c, err := s.oauth(ctx, p, d)
	if err != nil {
		return "", err
	}
	c.ClientSecret = ""
	return c.AuthCodeURL(state, oidc.Nonce(derived(browser, flow, "nonce")), oauth2.S256ChallengeOption(derived(browser, flow, "pkce"))), nil
}

// claim is what a provider said of somebody.
type claim struct {
	subject  string
	email    string
	verified bool // the provider does not say that the address is unverified
	name     string
	groups   []string
	second   bool   // the provider asked for a second factor
	session  string // its own name of the browser's session
}

// redeem trades a code for what the provider says of the person.
func (s *Service) redeem(ctx context.Context, p Provider, flow id.Flow, code secret.Secret, iss, browser string) (claim, error) {
	d, err := s.discover(ctx, p)
	if err != nil {
		return claim{}, failed(event.ProviderStepCallback, overNetwork(err), "%w", err)
	}
	if iss != "" && iss != p.Issuer || iss == "" && d.iss {
		return claim{}, failed(event.ProviderStepCallback, event.ProviderFlowFailedIssuerUnknown, "the answer names the issuer %.100q", iss)
	}
	c, err := s.oauth(ctx, p, d)
	if err != nil {
		return claim{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, d.client), 2*callTime)
	defer cancel()
	token, err := c.Exchange(ctx, code.RevealString(), oauth2.VerifierOption(derived(browser, flow, "pkce")))
	if err != nil {
		return claim{}, failed(event.ProviderStepToken, overNetwork(err), "%s", tokenError(err))
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return claim{}, failed(event.ProviderStepToken, event.ProviderFlowFailedProviderError, "the answer has no ID token")
	}
	t, err := s.verify(ctx, p, d, raw, false)
	if err != nil {
		return claim{}, err
	}
	if t.Nonce == "" || t.Nonce != derived(browser, flow, "nonce") {
		return claim{}, failed(event.ProviderStepAssertion, event.ProviderFlowFailedNonceMismatch, "the ID token is for another sign-in")
	}
	if t.AccessTokenHash != "" {
		if err := t.VerifyAccessToken(token.AccessToken); err != nil {
			return claim{}, failed(event.ProviderStepAssertion, event.ProviderFlowFailedSignatureInvalid, "the access token is not the ID token's: %w", err)
		}
	}
	return s.claims(ctx, p, d, t, token)
}

// tokenError is an error of the token endpoint without what it may have echoed.
func tokenError(err error) string {
	var r *oauth2.RetrieveError
	if errors.As(err, &r) && r.Response != nil {
		return fmt.Sprintf("the token endpoint answers %d %.60q", r.Response.StatusCode, r.ErrorCode)
	}
	return err.Error()
}

// verify checks a token that the provider signed for us.
func (s *Service) verify(ctx context.Context, p Provider, d *discovered, raw string, lasting bool) (*oidc.IDToken, error) {
	v := d.VerifierContext(oidc.ClientContext(ctx, d.client), &oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: signatures, Now: s.d.Now, SkipIssuerCheck: true, SkipExpiryCheck: lasting})
	t, err := v.Verify(ctx, raw)
	var old *oidc.TokenExpiredError
	switch {
	case errors.As(err, &old):
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedAssertionExpired, "the token's time is over")
	case err != nil && (strings.Contains(err.Error(), "signature") || strings.Contains(err.Error(), "algorithm") || strings.Contains(err.Error(), "not signed")):
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedSignatureInvalid, "%w", err)
	case err != nil:
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedProviderError, "%w", err)
	case t.Issuer != p.Issuer:
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedIssuerUnknown, "the token is of the issuer %.100q", t.Issuer)
	case !lasting && t.IssuedAt.After(s.d.Now().Add(5*time.Minute)):
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedAssertionExpired, "the token is of the future")
	}
	var party struct {
		AZP string `json:"azp"`
	}
	if err := t.Claims(&party); err != nil || party.AZP != "" && party.AZP != p.ClientID || len(t.Audience) > 1 && party.AZP == "" {
		return nil, failed(event.ProviderStepAssertion, event.ProviderFlowFailedProviderError, "the token is for another party")
	}
	return t, nil
}

// claims reads an ID token and, for what it leaves out, the UserInfo endpoint.
func (s *Service) claims(ctx context.Context, p Provider, d *discovered, t *oidc.IDToken, token *oauth2.Token) (claim, error) {
	var all map[string]any
	if err := t.Claims(&all); err != nil {
		return claim{}, failed(event.ProviderStepAssertion, event.ProviderFlowFailedProviderError, "the ID token's claims cannot be read: %w", err)
	}
	_, groups := all[p.GroupsClaim]
	_, email := all["email"]
	if (!groups || !email) && d.UserInfoEndpoint() != "" {
		info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(token))
		if err != nil {
			return claim{}, failed(event.ProviderStepToken, overNetwork(err), "the UserInfo endpoint does not answer: %w", err)
		}
		var more map[string]any
		if err := info.Claims(&more); err != nil || info.Subject != t.Subject {
			return claim{}, failed(event.ProviderStepToken, event.ProviderFlowFailedProviderError, "the UserInfo endpoint speaks of somebody else")
		}
		for k, v := range more {
			if _, ok := all[k]; !ok {
				all[k] = v
			}
		}
	}
	return readClaims(all, p.GroupsClaim), nil
}

// bounds of what a provider says.
const (
	maxSubject = 255
	maxGroups  = 5000
)

// readClaims takes from a provider's claims what counts here.
func readClaims(all map[string]any, groupsClaim string) claim {
	c := claim{verified: true}
	c.subject, _ = all["sub"].(string)
	c.email, _ = all["email"].(string)
	switch v := all["email_verified"].(type) {
	case bool:
		c.verified = v
	case string: // some providers quote it
		c.verified = strings.EqualFold(v, "true")
	}
	c.name, _ = all["name"].(string)
	c.session, _ = all["sid"].(string)
	if len(c.session) > maxSubject {
		c.session = ""
	}
	c.groups = texts(all[groupsClaim])
	c.second = secondFactor(texts(all["amr"])) || secondFactor(texts(all["acr"]))
	return c
}

// texts reads a claim that is one text or a list of them. Some providers join
// groups with semicolons.
func texts(v any) []string {
	var out []string
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ";") {
			if part = strings.TrimSpace(part); part != "" && len(out) < maxGroups {
				out = append(out, part)
			}
		}
	case []any:
		for _, e := range v {
			if text, ok := e.(string); ok && len(out) < maxGroups {
				out = append(out, text)
			}
		}
	}
	return out
}

// The names by which providers say that they asked for a second factor: RFC 8176,
// REFEDS, Microsoft, SAML.
var secondFactors = []string{
	"mfa", "https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn",
	"http://schemas.openid.net/pape/policies/2007/06/multi-factor", "phr", "phrh",
	"urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken", "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
}

func secondFactor(said []string) bool {
	return slices.ContainsFunc(said, func(v string) bool { return slices.Contains(secondFactors, v) })
}

// Package ssotest is an identity provider for tests: small, strict about what it is
// sent (PKCE, redirect addresses, client secrets, single use of codes), and able
// to answer wrongly on demand, which real providers are not.
package ssotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// OIDC is an OpenID Connect provider. Its fields may be changed between requests.
type OIDC struct {
	URL          string // the issuer
	CA           string // PEM of the certificate that it shows
	ClientID     string
	ClientSecret string
	Redirects    []string // registered addresses
	Now          func() time.Time

	// User is who is signed in at the provider: their claims. nil: they cancel.
	User map[string]any
	// Spoil changes what is about to be signed as an ID token.
	Spoil func(claims map[string]any)
	// Algorithm signs ID tokens otherwise: "none", "HS256" with the client secret,
	// or "stranger": a key that nobody knows.
	Algorithm string
	// TokenStatus is what the token endpoint answers instead; 0: what is due.
	TokenStatus int
	// UserInfo is what its endpoint says; nil: the user's claims.
	UserInfo map[string]any
	// Sparse leaves e-mail and groups out of ID tokens.
	Sparse bool

	t      testing.TB
	key    *ecdsa.PrivateKey
	server *httptest.Server
	mu     sync.Mutex
	codes  map[string]grant
	access map[string]map[string]any
}

type grant struct {
	challenge, nonce, redirect string
	user                       map[string]any
}

// NewOIDC starts a provider; it ends with the test.
func NewOIDC(t testing.TB) *OIDC {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &OIDC{t: t, key: key, ClientID: "vaultpam", ClientSecret: "canary-client-secret-" + rand.Text(), Now: time.Now, codes: map[string]grant{}, access: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	p.server = httptest.NewTLSServer(mux)
	t.Cleanup(p.server.Close)
	p.URL = p.server.URL
	p.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}))
	return p
}

// Client trusts the provider and follows no redirects.
func (p *OIDC) Client() *http.Client {
	c := p.server.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (p *OIDC) discovery(w http.ResponseWriter, r *http.Request) {
	answer(w, 200, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/jwks",
		"userinfo_endpoint": p.URL + "/userinfo", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "authorization_response_iss_parameter_supported": true,
		"code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
	})
}

func (p *OIDC) jwks(w http.ResponseWriter, r *http.Request) {
	answer(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
}

// authorize is the page where the person signs in; here they do so at once.
func (p *OIDC) authorize(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != p.ClientID || !slices.Contains(p.Redirects, q.Get("redirect_uri")) {
		http.Error(w, "unknown client or redirect_uri", 400)
		return
	}
	back := url.Values{"state": {q.Get("state")}, "iss": {p.URL}}
	switch {
	case q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43 || q.Get("nonce") == "" || !slices.Contains(strings.Fields(q.Get("scope")), "openid"):
		back.Set("error", "invalid_request")
	case p.User == nil:
		back.Set("error", "access_denied")
	default:
		code := rand.Text()
		p.codes[code] = grant{challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), redirect: q.Get("redirect_uri"), user: p.User}
		back.Set("code", code)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (p *OIDC) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.TokenStatus != 0 {
		answer(w, p.TokenStatus, map[string]string{"error": "server_error"})
		return
	}
	id, secret, _ := r.BasicAuth()
	if id != p.ClientID || secret != p.ClientSecret {
		answer(w, 401, map[string]string{"error": "invalid_client"})
		return
	}
	g, ok := p.codes[r.FormValue("code")]
	delete(p.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || r.FormValue("grant_type") != "authorization_code" || r.FormValue("redirect_uri") != g.redirect || base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		answer(w, 400, map[string]string{"error": "invalid_grant"})
		return
	}
	now := p.Now()
	claims := map[string]any{"iss": p.URL, "aud": p.ClientID, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "nonce": g.nonce}
	for k, v := range g.user {
		if !p.Sparse || k == "sub" {
			claims[k] = v
		}
	}
	if p.Spoil != nil {
		p.Spoil(claims)
	}
	access := rand.Text()
	p.access[access] = g.user
	answer(w, 200, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(claims)})
}

func (p *OIDC) userinfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	user, ok := p.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		answer(w, 401, map[string]string{"error": "invalid_token"})
		return
	}
	if p.UserInfo != nil {
		user = p.UserInfo
	}
	answer(w, 200, user)
}

// sign makes a JWT as Algorithm says.
func (p *OIDC) sign(claims map[string]any) string {
	payload, err := json.Marshal(claims)
	if err != nil {
		p.t.Error(err)
	}
	key := jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: "k1"}}
	switch p.Algorithm {
	case "none":
		enc := base64.RawURLEncoding.EncodeToString
		return enc([]byte(`{"alg":"none"}`)) + "." + enc(payload) + "."
	case "HS256":
		key = jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.ClientSecret + strings.Repeat("x", 32))}
	case "stranger":
		other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			p.t.Error(err)
		}
		key.Key = jose.JSONWebKey{Key: other, KeyID: "k1"}
	}
	signer, err := jose.NewSigner(key, nil)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		p.t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		p.t.Error(err)
	}
	return text
}

// LogoutToken is what the provider posts when somebody's session with it ends.
func (p *OIDC) LogoutToken(claims map[string]any) string {
	all := map[string]any{"iss": p.URL, "aud": p.ClientID, "iat": p.Now().Unix(), "exp": p.Now().Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	for k, v := range claims {
		if v == nil {
			delete(all, k)
			continue
		}
		all[k] = v
	}
	return p.sign(all)
}

// SignIn is what a browser does at the provider: it opens the address and gives
// where it is sent back to.
func (p *OIDC) SignIn(t testing.TB, address string) *url.URL {
	t.Helper()
	a, err := p.Client().Get(address)
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	back, err := a.Location()
	if err != nil {
		t.Fatal(fmt.Errorf("the provider answers %d: %w", a.StatusCode, err))
	}
	return back
}

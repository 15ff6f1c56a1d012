package test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// LemonLDAP::NG, a real OpenID Connect and SAML provider from Debian's packages
// (lemonldap-ng, starman, liblasso-perl), with its demonstration users.

const lemonPortal = "/usr/share/lemonldap-ng/portal/htdocs/index.psgi"

// lemon is a provider behind a TLS front of the test's.
type lemon struct {
	URL, CA string
	front   *httptest.Server
	to      *url.URL // where starman listens, once it runs
}

// newLemon opens the front, so that the provider's address is known. It answers
// once start was called.
func newLemon(t testing.TB) *lemon {
	t.Helper()
	need(t, "starman")
	if _, err := os.Stat(lemonPortal); err != nil {
		without(t, "lemonldap-ng is needed: "+err.Error())
	}
	l := &lemon{}
	pages := http.NewServeMux()
	pages.Handle("/static/", http.FileServer(http.Dir(filepath.Dir(lemonPortal)))) // what its pages need in a browser
	// It has one worker, which would wait for the next request on a connection that is kept.
	pages.Handle("/", &httputil.ReverseProxy{Transport: &http.Transport{DisableKeepAlives: true}, ErrorLog: log.New(io.Discard, "", 0), Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(l.to)
		r.Out.Host = r.In.Host
		r.Out.Header.Set("X-Forwarded-Proto", "https")
	}})
	l.front = httptest.NewTLSServer(pages)
	t.Cleanup(l.front.Close)
	l.URL = l.front.URL
	l.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.front.Certificate().Raw}))
	return l
}

// start runs the provider, knowing one OIDC client and one SAML service provider.
func (l *lemon) start(t testing.TB, callback, secret, samlMetadata string) {
	t.Helper()
	dir, err := os.MkdirTemp(work, "lemon-")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{"conf", "cache", "sessions/lock", "psessions/lock"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	private, public, cert := lemonKeys(t)
	host := strings.TrimPrefix(l.URL, "https://")
	name, _, _ := net.SplitHostPort(host)
	store := func(d string) obj {
		return obj{"Directory": filepath.Join(dir, d), "LockDirectory": filepath.Join(dir, d, "lock"), "generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256"}
	}
	conf := obj{
		"cfgNum": 1, "cfgVersion": "2.16.1", "cfgAuthor": "test", "cfgDate": 1627287638, "timeout": 3600, "sessionDataToRemember": obj{}, "applicationList": obj{}, "notification": 0, "loginHistoryEnabled": 0,
		"portal": l.URL + "/", "domain": name, "cookieName": "lemonldap", "securedCookie": 1, "requireToken": 0,
		"authentication": "Demo", "userDB": "Same", "passwordDB": "Demo", "registerDB": "Demo", "demoExportedVars": obj{"cn": "cn", "mail": "mail", "uid": "uid"},
		"whatToTrace": "_whatToTrace", "macros": obj{"_whatToTrace": "lc($_user)"}, "locationRules": obj{name: obj{"default": "accept"}}, "exportedHeaders": obj{}, "exportedVars": obj{}, "groups": obj{},
		"globalStorage": "Apache::Session::File", "globalStorageOptions": store("sessions"), "persistentStorage": "Apache::Session::File", "persistentStorageOptions": store("psessions"),
		"localSessionStorage": "Cache::FileCache", "localSessionStorageOptions": obj{"cache_root": filepath.Join(dir, "cache"), "cache_depth": 3, "default_expires_in": 600, "namespace": "s", "directory_umask": "007"},
		"captcha_login_enabled": 0, "captcha_mail_enabled": 0, "captcha_register_enabled": 0, "portalDisplayRegister": 0, "portalDisplayResetPassword": 0,

		"issuerDBOpenIDConnectActivation": 1, "oidcServiceMetaDataIssuer": l.URL, "oidcServiceAllowAuthorizationCodeFlow": 1,
		"oidcServicePrivateKeySig": private, "oidcServicePublicKeySig": public, "oidcServiceKeyIdSig": "k1",
		"oidcRPMetaDataOptions": obj{"vaultpam": obj{"oidcRPMetaDataOptionsClientID": "vaultpam", "oidcRPMetaDataOptionsClientSecret": secret, "oidcRPMetaDataOptionsBypassConsent": 1,
			"oidcRPMetaDataOptionsIDTokenSignAlg": "RS256", "oidcRPMetaDataOptionsRequirePKCE": 1, "oidcRPMetaDataOptionsRedirectUris": callback, "oidcRPMetaDataOptionsUserIDAttr": "uid"}},
		"oidcRPMetaDataExportedVars": obj{"vaultpam": obj{"email": "mail", "name": "cn", "groups": "groups"}}, "oidcRPMetaDataOptionsExtraClaims": obj{"vaultpam": obj{"profile": "groups"}},

		"issuerDBSAMLActivation": 1, "samlEntityID": l.URL + "/saml/metadata", "samlServicePrivateKeySig": private, "samlServicePublicKeySig": cert, "samlServiceSignatureMethod": "RSA_SHA256",
		"samlServiceUseCertificateInResponse": 1, "samlOrganizationDisplayName": "Test", "samlOrganizationName": "Test", "samlOrganizationURL": l.URL,
		"samlSPMetaDataXML": obj{"vaultpam": obj{"samlSPMetaDataXML": samlMetadata}},
		"samlSPMetaDataOptions": obj{"vaultpam": obj{"samlSPMetaDataOptionsNameIDFormat": "email", "samlSPMetaDataOptionsSignSSOMessage": 1, "samlSPMetaDataOptionsCheckSSOMessageSignature": 0,
			"samlSPMetaDataOptionsSignatureMethod": "RSA_SHA256", "samlSPMetaDataOptionsNotOnOrAfterTimeout": 60}},
		"samlSPMetaDataExportedAttributes": obj{"vaultpam": obj{"mail": "1;mail;;", "cn": "0;displayName;;", "groups": "0;groups;;"}},
	}
	text, err := json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	ini := fmt.Sprintf("[all]\nlogLevel = warn\ncheckTime = 1\n[configuration]\ntype=File\ndirName = %s/conf\nlocalStorage=Cache::FileCache\nlocalStorageOptions={'namespace'=>'c','default_expires_in'=>600,'directory_umask'=>'007','cache_root'=>'%s/cache','cache_depth'=>3}\n[portal]\nstaticPrefix = /static\ntemplateDir = /usr/share/lemonldap-ng/portal/templates\nlanguages = en\n[handler]\nstatus = 0\n", dir, dir)
	for file, b := range map[string][]byte{"conf/lmConf-1.json": text, "lemonldap-ng.ini": []byte(ini)} {
		if err := os.WriteFile(filepath.Join(dir, file), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	addr := freePort(t)
	l.to = &url.URL{Scheme: "http", Host: addr}
	out := &output{}
	cmd := exec.Command(need(t, "starman"), "--host", "127.0.0.1", "--port", addr[strings.LastIndexByte(addr, ':')+1:], "--workers", "1", "--disable-keepalive", "--env", "deployment", lemonPortal)
	cmd.Env = append(os.Environ(), "LLNG_DEFAULTCONFFILE="+filepath.Join(dir, "lemonldap-ng.ini"))
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := startOnThread(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	c := l.front.Client()
	if err := await(2*patience, func() bool {
		a, err := c.Get(l.URL + "/.well-known/openid-configuration")
		if err != nil {
			return false
		}
		a.Body.Close()
		return a.StatusCode == 200
	}); err != nil {
		t.Fatalf("LemonLDAP::NG does not answer: %v\n%s", err, out.tail(3000))
	}
}

// lemonKeys makes its signing key, in the three forms that it wants.
func lemonKeys(t testing.TB) (private, public, cert string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lemon"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pub, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	in := func(kind string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}))
	}
	return in("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), in("PUBLIC KEY", pub), in("CERTIFICATE", raw)
}

// get reads one of its pages.
func (l *lemon) get(t testing.TB, path string) string {
	t.Helper()
	a, err := l.front.Client().Get(l.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != 200 {
		t.Fatalf("%s: %d %v", path, a.StatusCode, err)
	}
	return string(b)
}

var (
	hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)"[^>]* value="([^"]*)"`)
	formAction  = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
)

// signIn does what a browser does at the provider: it opens the address, fills in
// the form as a demonstration user, and gives where it is sent to then: an
// address, or the form that a page posts.
func (l *lemon) signIn(t testing.TB, address, user string) (to string, form url.Values) {
	t.Helper()
	c := *l.front.Client()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	send := func(r *http.Request, err error) (*http.Response, url.Values, string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		a, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		page, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		v := url.Values{}
		for _, f := range hiddenField.FindAllSubmatch(page, -1) {
			v.Set(string(f[1]), html.UnescapeString(string(f[2])))
		}
		return a, v, string(page)
	}
	first, fields, _ := send(http.NewRequest(http.MethodGet, address, nil))
	fields.Set("user", user)
	fields.Set("password", user)
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(fields.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, cookie := range first.Cookies() { // of a domain that is an address, which no jar keeps
			r.AddCookie(&http.Cookie{Name: cookie.Name, Value: cookie.Value})
		}
	}
	a, form, page := send(r, err)
	if at, err := a.Location(); err == nil {
		return at.String(), nil
	}
	action := formAction.FindStringSubmatch(page)
	if action == nil || form.Get("SAMLResponse") == "" {
		t.Fatalf("LemonLDAP::NG answers %d without a form: %.2000s", a.StatusCode, page)
	}
	return html.UnescapeString(action[1]), form
}

// lemon makes LemonLDAP::NG the organization's provider over both protocols.
func (w *World) lemon() (l *lemon, byOIDC, bySAML ssoProvider) {
	w.t.Helper()
	t := w.t
	l = newLemon(t)
	w.domain("badwolf.org") // the demonstration users' own
	secret := newSecret("lemon-client")
	settings := func(more obj) obj {
		body := obj{"name": "Lemon " + random(3), "enabled": false, "provision": true, "trust_mfa": false, "roles": []obj{{"group": "timelords", "role": "admin"}}, "default_role": "auditor"}
		for k, v := range more {
			body[k] = v
		}
		return body
	}
	oidc := settings(obj{"protocol": "oidc", "issuer": l.URL})
	byOIDC = get[ssoProvider](t, w.Owner.Client, "POST", "/org/sso/providers", oidc)
	samlBody := settings(obj{"protocol": "saml"})
	bySAML = get[ssoProvider](t, w.Owner.Client, "POST", "/org/sso/providers", samlBody)
	a, err := w.s.stranger(t).http.Get(strings.TrimSuffix(bySAML.Callback, "/acs") + "/metadata")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := io.ReadAll(a.Body)
	a.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	l.start(t, byOIDC.Callback, secret, string(ours))

	enable := func(p ssoProvider, body, more obj) {
		t.Helper()
		delete(body, "protocol")
		body["enabled"] = true
		for k, v := range more {
			body[k] = v
		}
		w.Owner.must(t, "PUT", "/org/sso/providers/"+p.ID, body)
	}
	enable(byOIDC, oidc, obj{"client_id": "vaultpam", "client_secret": secret, "ca_pem": l.CA})
	enable(bySAML, samlBody, obj{"metadata": l.get(t, "/saml/metadata")})
	return l, byOIDC, bySAML
}

// A real provider from Debian, over both protocols.
func TestRealProvider(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		l, byOIDC, bySAML := w.lemon()

		b := s.browser(t)
		back, _ := l.signIn(t, depart(t, b, obj{"provider_id": byOIDC.ID}), "dwho")
		v := arrive(t, b, s, back)
		in := get[signedIn](t, b, "POST", "/auth/sso/complete", obj{"ticket": v.Get("ticket")})
		secrets.add("access token", in.AccessToken)
		who := get[struct {
			User struct{ ID, Email, Name string }
			Org  struct{ Role string }
		}](t, b.with(in.AccessToken), "GET", "/auth/me", nil)
		if who.User.Email != "dwho@badwolf.org" || who.Org.Role != "admin" || !in.Enrolment {
			t.Errorf("over OIDC: %+v", who)
		}
		w.saw(Want{Constant: "ROLE_ASSIGNMENT_CHANGED", Where: obj{"subject_user_id": who.User.ID, "role_source": "sso_mapping"}})

		// The same person over SAML: another provider, linked by the address, which is the organization's own.
		b = s.browser(t)
		to, form := l.signIn(t, depart(t, b, obj{"provider_id": bySAML.ID}), "dwho")
		v = post(t, b, s, to, form)
		if v.Get("ticket") == "" {
			t.Fatalf("over SAML: %v", v)
		}
		in = get[signedIn](t, b, "POST", "/auth/sso/complete", obj{"ticket": v.Get("ticket")})
		secrets.add("access token", in.AccessToken)
		same := get[struct{ User struct{ ID string } }](t, b.with(in.AccessToken), "GET", "/auth/me", nil)
		if same.User.ID != who.User.ID {
			t.Errorf("over SAML it is somebody else: %+v", same)
		}
		if v := post(t, b, s, to, form); v.Get("error") != "assertion_replayed" {
			t.Errorf("the same assertion again: %v", v)
		}
		w.saw(Want{Constant: "PROVIDER_FLOW_FAILED", Outcome: "failure", Reason: "assertion_replayed", Meta: obj{"provider_id": bySAML.ID, "sso_protocol": "saml"}})
	})
}

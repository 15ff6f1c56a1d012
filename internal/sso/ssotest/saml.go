package ssotest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/xml"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// SAML is a SAML 2.0 identity provider. Browsers carry everything, so it needs no
// server: Answer reads the address that a browser is sent to, and gives the form
// that the provider's page would post. Its fields may be changed between requests.
type SAML struct {
	EntityID string
	Metadata string // for the other side
	Known    map[string]*saml.EntityDescriptor

	NameID     string
	Format     string // of the name; empty: persistent
	Attributes map[string][]string
	Context    string // how the person signed in
	Spoil      func(*saml.Assertion)
	Unsigned   bool
	Stranger   bool // signed with a key that the metadata does not have
	SHA1       bool
	Status     string // an answer without an assertion
	Encrypt    bool   // with the certificate that the other side's metadata has

	idp, stranger saml.IdentityProvider
}

// NewSAML makes a provider.
func NewSAML(t testing.TB) *SAML {
	t.Helper()
	p := &SAML{EntityID: "https://idp-" + rand.Text()[:6] + ".test/metadata", Known: map[string]*saml.EntityDescriptor{}, Attributes: map[string][]string{}}
	p.idp, p.stranger = p.provider(t), p.provider(t)
	text, err := xml.Marshal(p.idp.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	p.Metadata = string(text)
	return p
}

func (p *SAML) provider(t testing.TB) saml.IdentityProvider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp"}, NotBefore: time.Unix(0, 0), NotAfter: time.Now().AddDate(20, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	meta, _ := url.Parse(p.EntityID)
	sso, _ := url.Parse("https://" + meta.Host + "/sso")
	slo, _ := url.Parse("https://" + meta.Host + "/slo")
	return saml.IdentityProvider{Key: key, Certificate: cert, MetadataURL: *meta, SSOURL: *sso, LogoutURL: *slo, ServiceProviderProvider: p, SignatureMethod: dsig.RSASHA256SignatureMethod}
}

// GetServiceProvider finds the other side's metadata.
func (p *SAML) GetServiceProvider(_ *http.Request, id string) (*saml.EntityDescriptor, error) {
	if e := p.Known[id]; e != nil && p.Encrypt {
		return e, nil
	} else if e != nil {
		plain := *e
		plain.SPSSODescriptors = slices.Clone(e.SPSSODescriptors)
		for i := range plain.SPSSODescriptors {
			plain.SPSSODescriptors[i].KeyDescriptors = nil
		}
		return &plain, nil
	}
	return nil, os.ErrNotExist
}

// Register takes the other side's metadata.
func (p *SAML) Register(t testing.TB, text []byte) {
	t.Helper()
	e := &saml.EntityDescriptor{}
	if err := xml.Unmarshal(text, e); err != nil {
		t.Fatal(err)
	}
	p.Known[e.EntityID] = e
}

// Answer is what a browser posts after it was at address, and to where.
func (p *SAML) Answer(t testing.TB, address string) (acs string, form url.Values) {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	idp := p.idp
	if p.Stranger {
		idp = p.stranger
	}
	if p.SHA1 {
		idp.SignatureMethod = dsig.RSASHA1SignatureMethod
	}
	req, err := saml.NewIdpAuthnRequest(&idp, r)
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Validate(); err != nil {
		t.Fatalf("the provider refuses the request: %v", err)
	}
	session := &saml.Session{ID: "s", NameID: p.NameID, NameIDFormat: p.Format, Index: rand.Text()}
	if p.Format == "" {
		session.NameIDFormat = string(saml.PersistentNameIDFormat)
	}
	for name, values := range p.Attributes {
		a := saml.Attribute{Name: name, NameFormat: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"}
		for _, v := range values {
			a.Values = append(a.Values, saml.AttributeValue{Type: "xs:string", Value: v})
		}
		session.CustomAttributes = append(session.CustomAttributes, a)
	}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(req, session); err != nil {
		t.Fatal(err)
	}
	if p.Context != "" {
		req.Assertion.AuthnStatements[0].AuthnContext.AuthnContextClassRef.Value = p.Context
	}
	if p.Spoil != nil {
		p.Spoil(req.Assertion)
	}
	if err := req.MakeResponse(); err != nil {
		t.Fatal(err)
	}
	if p.Unsigned {
		unsign(req.ResponseEl)
	}
	if p.Status != "" {
		unsign(req.ResponseEl)
		for _, e := range req.ResponseEl.SelectElements("Assertion") {
			req.ResponseEl.RemoveChild(e)
		}
		req.ResponseEl.FindElement("./Status/StatusCode").CreateAttr("Value", p.Status)
	}
	doc := etree.NewDocument()
	doc.SetRoot(req.ResponseEl)
	text, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	return req.ACSEndpoint.Location, url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(text)}, "RelayState": {req.RelayState}}
}

func unsign(e *etree.Element) {
	for _, c := range e.ChildElements() {
		if c.Tag == "Signature" {
			e.RemoveChild(c)
		} else {
			unsign(c)
		}
	}
}

// LogoutQuery is the query of the address that a browser is sent to with a logout
// request. algorithm is an URI; empty: RSA with SHA-256.
func (p *SAML) LogoutQuery(t testing.TB, r *saml.LogoutRequest, relay, algorithm string) string {
	t.Helper()
	if algorithm == "" {
		algorithm = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	}
	text, err := r.Deflate()
	if err != nil {
		t.Fatal(err)
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(text))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	query += "&SigAlg=" + url.QueryEscape(algorithm)
	key := p.idp.Key.(*rsa.PrivateKey)
	if p.Stranger {
		key = p.stranger.Key.(*rsa.PrivateKey)
	}
	sum := sha256.Sum256([]byte(query))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
}

package sso

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	"github.com/crewjam/saml/xmlenc"
	xrv "github.com/mattermost/xml-roundtrip-validator"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/sso/ssosql"
)

// A SAML provider may encrypt its assertions for us. Each has a key of ours, whose
// certificate stands in the metadata that the provider reads. Encryption hides who somebody
// is from what carries the answer, and proves nothing: an assertion is signed all the same.

const (
	spKeyBits = 3072
	spKeyLife = 20 * 365 * 24 * time.Hour // nobody checks it; the provider pins the certificate
)

func spKeyContext(p Provider) string { return "sso-sp-key/" + string(p.ID) }

// newKey makes the key that a provider encrypts for. Call it outside a transaction.
func (s *Service) newKey(ctx context.Context, p *Provider) error {
	key, err := rsa.GenerateKey(rand.Reader, spKeyBits)
	if err != nil {
		return fmt.Errorf("make a key for provider %s: %w", p.ID, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("make a certificate for provider %s: %w", p.ID, err)
	}
	about := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: string(p.ID)}, NotBefore: s.d.Now().Add(-time.Hour), NotAfter: s.d.Now().Add(spKeyLife),
		KeyUsage: x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature}
	if p.spCert, err = x509.CreateCertificate(rand.Reader, about, about, key.Public(), key); err != nil {
		return fmt.Errorf("make a certificate for provider %s: %w", p.ID, err)
	}
	p.spKey, err = s.d.Seal.Seal(ctx, p.Org, spKeyContext(*p), x509.MarshalPKCS1PrivateKey(key))
	return err
}

// withKey gives a SAML provider a key that was stored before there were any.
func (s *Service) withKey(ctx context.Context, p Provider) (Provider, error) {
	if p.Protocol != SAML || len(p.spCert) > 0 {
		return p, nil
	}
	if err := s.newKey(ctx, &p); err != nil {
		return p, err
	}
	var n int64
	err := s.d.DB.InOrg(ctx, p.Org, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = ssosql.New(tx).GiveKey(ctx, ssosql.GiveKeyParams{SpKey: p.spKey, SpCert: p.spCert, OrgID: string(p.Org), ID: string(p.ID)})
		return err
	})
	if err != nil {
		return p, fmt.Errorf("store a key for provider %s: %w", p.ID, err)
	}
	if n == 0 { // another was first
		return s.byID(ctx, p.ID)
	}
	return p, nil
}

// decrypting lets sp read what the provider has encrypted for us.
func (s *Service) decrypting(ctx context.Context, sp *saml.ServiceProvider, p Provider) error {
	if len(p.spKey) == 0 {
		return nil
	}
	der, err := s.d.Seal.Open(ctx, p.Org, spKeyContext(p), p.spKey)
	if err != nil {
		return fmt.Errorf("open the key of provider %s: %w", p.ID, err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return fmt.Errorf("read the key of provider %s: %w", p.ID, err)
	}
	sp.Key = key
	return nil
}

// weak are algorithms that an answer must not use: signatures with SHA-1 and DSA can be
// forged, and what RSA in its old form encrypts can be read by asking often.
var weak = []string{
	"http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#dsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1",
	"http://www.w3.org/2000/09/xmldsig#hmac-sha1", "http://www.w3.org/2001/04/xmlenc#rsa-1_5", "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
}

var errUnreadable = errors.New("an encrypted assertion cannot be read")

// strong refuses a response that uses a weak algorithm, also inside of what is encrypted.
// It looks at the elements and not at the bytes, which can spell a name in many ways. What
// cannot be decrypted is refused as a signature is that does not hold: whoever asks must
// not learn which it was.
func strong(sp *saml.ServiceProvider, text []byte) error {
	bad := func(format string, args ...any) error {
		return failed(event.ProviderStepAssertion, event.ProviderFlowFailedSignatureInvalid, format, args...)
	}
	doc, err := document(text)
	if err != nil {
		return failed(event.ProviderStepAssertion, event.ProviderFlowFailedProviderError, "the response cannot be read: %w", err)
	}
	if name := weakIn(doc.Root()); name != "" {
		return bad("the response uses %s, which is too weak", name)
	}
	hidden := doc.FindElements("//EncryptedAssertion")
	if len(hidden) > 1 {
		return bad("the response has %d encrypted assertions", len(hidden))
	}
	for _, e := range hidden {
		inner, err := reveal(sp, e)
		if err != nil {
			return bad("%w: %w", errUnreadable, err)
		}
		if name := weakIn(inner); name != "" {
			return bad("the assertion uses %s, which is too weak", name)
		}
	}
	return nil
}

func document(text []byte) (*etree.Document, error) {
	if err := xrv.Validate(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(text); err != nil {
		return nil, err
	}
	if doc.Root() == nil || slices.ContainsFunc(doc.Child, func(t etree.Token) bool { _, is := t.(*etree.Directive); return is }) {
		return nil, errors.New("it has no element, or a document type")
	}
	return doc, nil
}

// reveal decrypts an assertion.
func reveal(sp *saml.ServiceProvider, e *etree.Element) (*etree.Element, error) {
	data := e.FindElement("./EncryptedData")
	if data == nil || sp.Key == nil {
		return nil, errors.New("there is nothing to decrypt, or no key")
	}
	var key any = sp.Key
	if beside := e.FindElement("./EncryptedKey"); beside != nil {
		inner, err := xmlenc.Decrypt(sp.Key, beside)
		if err != nil {
			return nil, err
		}
		key = inner
	}
	plain, err := xmlenc.Decrypt(key, data)
	if err != nil {
		return nil, err
	}
	doc, err := document(plain)
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// weakIn names a weak algorithm below e; empty: there is none. The digest of an
// encryption (RSA-OAEP) is no signature's.
func weakIn(e *etree.Element) string {
	if e.Tag == "DigestMethod" && e.Parent() != nil && e.Parent().Tag == "EncryptionMethod" {
		return ""
	}
	for _, a := range e.Attr {
		if a.Key == "Algorithm" && slices.Contains(weak, a.Value) {
			return a.Value
		}
	}
	for _, c := range e.ChildElements() {
		if name := weakIn(c); name != "" {
			return name
		}
	}
	return ""
}

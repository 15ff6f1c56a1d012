package identity_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	. "github.com/vaultpam/vaultpam/internal/identity/identitytest"
	"github.com/vaultpam/vaultpam/internal/secret"
)

func alike(t *testing.T, what string, err error) {
	t.Helper()
	if fault.CodeOf(err) != "AUTH_FAILED" || fault.MessageOf(err) != fault.MessageOf(identity.AuthFailed()) {
		t.Errorf("%s: %v", what, err)
	}
}

func TestKeySignsIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		signer, line := Key(t)
		k, err := w.Identity.AddSSHKey(t.Context(), bob.Actor, "", line)
		if err != nil || k.Name != "test@laptop" || k.Fingerprint != ssh.FingerprintSHA256(signer.PublicKey()) {
			t.Fatalf("%+v %v", k, err)
		}
		if _, err := w.Identity.AddSSHKey(t.Context(), bob.Actor, "again", line); fault.CodeOf(err) != "KEY_EXISTS" {
			t.Error(err)
		}
		w.Take(t)
		wire := signer.PublicKey().Marshal()
		for _, login := range []string{"bob", "BOB", "bob@example.com", " Bob@EXAMPLE.com"} {
			offer, err := w.SSH.KeyOffered(t.Context(), login, wire, From)
			if err != nil {
				t.Fatalf("%q: %v", login, err)
			}
			w.Expect(t) // an offer is no sign-in
			p, err := w.SSH.Prove(t.Context(), offer, wire, From)
			if err != nil || p.ID != bob.ID || !p.MFAAt.IsZero() {
				t.Fatalf("%+v %v", p, err)
			}
			e := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED")[0]
			if e.Metadata["door"] != "ssh" || e.Metadata["sign_in_method"] != "ssh_key" || e.Metadata["key_fingerprint"] != k.Fingerprint || e.Actor.ID != string(bob.ID) {
				t.Errorf("%+v", e)
			}
			a, err := w.SSH.Actor(t.Context(), p, "acme", From)
			if err != nil || a.Kind != authz.Person || a.User != bob.ID || a.Org != owner.Org() || a.Via != authz.ViaSSH || a.Role != authz.Operator || !a.MFAAt.IsZero() {
				t.Fatalf("%+v %v", a, err)
			}
		}
		keys, err := w.Identity.SSHKeys(t.Context(), bob.Actor)
		if err != nil || len(keys) != 1 || !keys[0].LastUsedAt.Equal(w.Clock.Now()) {
			t.Errorf("%+v %v", keys, err)
		}
		other, _ := Key(t)
		for name, c := range map[string]struct {
			login string
			wire  []byte
		}{
			"another's login": {"owner-acme", wire}, "nobody's login": {"nobody", wire}, "no login": {"", wire}, "odd login": {"bob+safe", wire},
			"unknown key": {"bob", other.PublicKey().Marshal()}, "no key": {"bob", nil}, "cut key": {"bob", wire[:len(wire)-1]}, "longer key": {"bob", append(slices.Clone(wire), 0)},
		} {
			_, err := w.SSH.KeyOffered(t.Context(), c.login, c.wire, From)
			alike(t, name, err)
		}
	})
}

// What the client offered is not what it proved.
func TestAnOfferProvesNothing(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		signer, line := Key(t)
		key, err := w.Identity.AddSSHKey(t.Context(), owner.Actor, "", line)
		if err != nil {
			t.Fatal(err)
		}
		offer, err := w.SSH.KeyOffered(t.Context(), owner.Handle, signer.PublicKey().Marshal(), From)
		if err != nil {
			t.Fatal(err)
		}
		mine, _ := Key(t)
		_, err = w.SSH.Prove(t.Context(), offer, mine.PublicKey().Marshal(), From)
		alike(t, "signed with another key than was offered", err)
		_, err = w.SSH.Prove(t.Context(), identity.Offer{}, nil, From)
		alike(t, "an offer that nobody made", err)
		for _, p := range []identity.Person{{}, {Profile: owner.Profile}, {Profile: owner.Profile, MFAAt: w.Clock.Now()}} {
			_, err := w.SSH.Actor(t.Context(), p, "acme", From)
			alike(t, "a person that nobody proved", err)
			_, err = w.SSH.StepUp(t.Context(), p, identity.SSHStepUpArgs{Org: owner.Org(), Code: w.Code(t, owner)}, From)
			alike(t, "step-up of a person that nobody proved", err)
			_, err = w.SSH.Memberships(t.Context(), p)
			alike(t, "memberships of a person that nobody proved", err)
		}
		w.Take(t)
		// The key is taken away between the offer and the signature.
		if err := w.Identity.RemoveSSHKey(t.Context(), owner.Actor, key.ID); err != nil {
			t.Fatal(err)
		}
		_, err = w.SSH.Prove(t.Context(), offer, signer.PublicKey().Marshal(), From)
		alike(t, "a key that was removed", err)
		w.Expect(t, "SSH_KEY_REMOVED", "AUTH_SIGN_IN_FAILED not_permitted")
		if err := w.Identity.RemoveSSHKey(t.Context(), owner.Actor, key.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("removed twice: %v", err)
		}
	})
}

func TestPersonBelongsAtTheMomentOfUse(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		w.Org(t, "globex")
		signer, line := Key(t)
		if _, err := w.Identity.AddSSHKey(t.Context(), bob.Actor, "", line); err != nil {
			t.Fatal(err)
		}
		wire := signer.PublicKey().Marshal()
		offer, err := w.SSH.KeyOffered(t.Context(), "bob", wire, From)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.SSH.Prove(t.Context(), offer, wire, From)
		if err != nil {
			t.Fatal(err)
		}
		for _, org := range []string{"globex", "nowhere", "org_x"} {
			if _, err := w.SSH.Actor(t.Context(), p, org, From); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", org, err)
			}
		}
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, bob.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SSH.Actor(t.Context(), p, "acme", From); !fault.Is(err, fault.NotFound) {
			t.Errorf("after removal: %v", err)
		}
		if _, err := w.DB.Raw().Exec(`update person set state = 'suspended' where id = $1`, string(bob.ID)); err != nil {
			t.Fatal(err)
		}
		_, err = w.SSH.Actor(t.Context(), p, "", From)
		alike(t, "suspended", err)
		_, err = w.SSH.KeyOffered(t.Context(), "bob", wire, From)
		alike(t, "key of somebody suspended", err)
	})
}

func TestPasswordAndCodeOverSSH(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		code := w.Code(t, owner)
		p, err := w.SSH.PasswordAndCode(t.Context(), owner.Handle, secret.FromString(owner.Password), code, From)
		if err != nil || p.ID != owner.ID || !p.MFAAt.Equal(w.Clock.Now()) {
			t.Fatalf("%+v %v", p, err)
		}
		events := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED")
		if events[0].Metadata["second_factor_demanded"] != true || events[0].Metadata["door"] != "ssh" {
			t.Errorf("%+v", events[0].Metadata)
		}
		_, err = w.SSH.PasswordAndCode(t.Context(), owner.Handle, secret.FromString(owner.Password), code, From)
		alike(t, "the same code again", err)
		w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_FAILED code_replayed")
		if _, err = w.SSH.PasswordAndCode(t.Context(), owner.Email, secret.FromString(owner.Password), owner.Codes[3], From); err != nil {
			t.Errorf("a backup code: %v", err)
		}
		w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED", "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED", "MFA_BACKUP_CODES_USED")
	})
}

func TestStepUpOverSSH(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		signer, line := Key(t)
		if _, err := w.Identity.AddSSHKey(t.Context(), owner.Actor, "", line); err != nil {
			t.Fatal(err)
		}
		wire := signer.PublicKey().Marshal()
		offer, _ := w.SSH.KeyOffered(t.Context(), owner.Handle, wire, From)
		p, err := w.SSH.Prove(t.Context(), offer, wire, From)
		if err != nil {
			t.Fatal(err)
		}
		w.Take(t)
		_, err = w.SSH.StepUp(t.Context(), p, identity.SSHStepUpArgs{Org: owner.Org(), Safe: "safe_1", Code: secret.FromString("000000")}, From)
		alike(t, "wrong code", err)
		w.Expect(t, "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_FAILED bad_code")
		p, err = w.SSH.StepUp(t.Context(), p, identity.SSHStepUpArgs{Org: owner.Org(), Safe: "safe_1", Code: w.Code(t, owner)}, From)
		if err != nil || !p.MFAAt.Equal(w.Clock.Now()) {
			t.Fatal(err)
		}
		e := w.Expect(t, "MFA_CHALLENGE_TRIGGERED", "MFA_VERIFICATION_SUCCEEDED")
		if e[0].Metadata["safe_id"] != "safe_1" || e[1].Metadata["mfa_purpose"] != "step_up" {
			t.Errorf("%+v", e)
		}
		a, err := w.SSH.Actor(t.Context(), p, "", From)
		if err != nil || !a.MFAAt.Equal(p.MFAAt) {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// caSigner is the private half of an organization's authority, out of the store.
func caSigner(t *testing.T, w *World, org id.Org) ssh.Signer {
	t.Helper()
	var key string
	var sealed []byte
	if err := w.DB.Raw().QueryRow(`select id, private_key from ssh_ca where org_id = $1`, string(org)).Scan(&key, &sealed); err != nil {
		t.Fatal(err)
	}
	seed, err := w.Keyring.Open(t.Context(), org, "ssh-ca/"+key, sealed)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromSigner(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func parseCert(t *testing.T, line string) *ssh.Certificate {
	t.Helper()
	k, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		t.Fatal(err)
	}
	return k.(*ssh.Certificate)
}

func TestCertificateSignsIn(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, line := Key(t)
		c, err := w.Identity.SignUserCert(t.Context(), owner.Actor, identity.SignArgs{PublicKey: line, Life: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		cert := parseCert(t, c.AuthorizedKey)
		issued := w.Expect(t, "SSH_CERTIFICATE_ISSUED")[0]
		if Meta(issued, "certificate_serial") != strconv.FormatUint(cert.Serial, 10) || Meta(issued, "for_one_session") != "false" || issued.Actor.ID != string(owner.ID) {
			t.Errorf("%+v", issued)
		}
		ca, err := w.Identity.SSHCA(t.Context(), owner.Org())
		if err != nil || string(cert.SignatureKey.Marshal()) != string(ca.PublicKey) || !strings.HasPrefix(ca.AuthorizedKey, "ssh-ed25519 ") {
			t.Fatalf("%+v %v", ca, err)
		}
		for _, login := range []string{owner.Handle, owner.Email} {
			offer, err := w.SSH.CertificateOffered(t.Context(), login, cert.Marshal(), From)
			if err != nil {
				t.Fatal(err)
			}
			p, err := w.SSH.Prove(t.Context(), offer, cert.Marshal(), From)
			if err != nil || p.ID != owner.ID || !p.MFAAt.Equal(owner.Actor.MFAAt) || !p.Grant.Empty() {
				t.Fatalf("%+v %v", p, err)
			}
			if e := w.Expect(t, "AUTH_SIGN_IN_SUCCEEDED")[0]; e.Metadata["sign_in_method"] != "ssh_certificate" {
				t.Errorf("%+v", e)
			}
			if a, err := w.SSH.Actor(t.Context(), p, "", From); err != nil || a.Org != owner.Org() {
				t.Errorf("%+v %v", a, err)
			}
		}
	})
}

func TestCertificateIsGoodInItsOwnOrganizationOnly(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, other := w.Org(t, "globex")
		w.Factorless(t, other, "owner-acme", authz.Operator) // the same person there
		_, line := Key(t)
		c, err := w.Identity.SignUserCert(t.Context(), owner.Actor, identity.SignArgs{PublicKey: line})
		if err != nil {
			t.Fatal(err)
		}
		wire := parseCert(t, c.AuthorizedKey).Marshal()
		offer, err := w.SSH.CertificateOffered(t.Context(), owner.Handle, wire, From)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.SSH.Prove(t.Context(), offer, wire, From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SSH.Actor(t.Context(), p, "globex", From); !fault.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if m, err := w.SSH.Memberships(t.Context(), p); err != nil || len(m) != 1 || m[0].Slug != "acme" {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestCertificateWithAGrantOpensNothingElse(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, line := Key(t)
		_, shown, err := w.Identity.CreateToken(t.Context(), owner.Actor, identity.CreateTokenArgs{Name: "ci", Scopes: []string{"sessions:launch"}, Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		token, err := w.Identity.ByBearer(t.Context(), shown, "", From)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Identity.SignUserCert(t.Context(), token, identity.SignArgs{PublicKey: line}); !fault.Is(err, fault.Denied) {
			t.Errorf("a token got a certificate without a grant: %v", err)
		}
		if _, err := w.Identity.SignUserCert(t.Context(), token, identity.SignArgs{PublicKey: line, Grant: secret.FromString("g"), Life: time.Hour}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a grant for an hour: %v", err)
		}
		c, err := w.Identity.SignUserCert(t.Context(), token, identity.SignArgs{PublicKey: line, Grant: secret.FromString("the-grant")})
		if err != nil {
			t.Fatal(err)
		}
		cert := parseCert(t, c.AuthorizedKey)
		if cert.Extensions[identity.LaunchGrantExtension] != "the-grant" || !slices.Equal(cert.ValidPrincipals, []string{owner.Handle}) {
			t.Errorf("%+v", cert)
		}
		offer, err := w.SSH.CertificateOffered(t.Context(), owner.Handle, cert.Marshal(), From)
		if err != nil {
			t.Fatal(err)
		}
		p, err := w.SSH.Prove(t.Context(), offer, cert.Marshal(), From)
		if err != nil || p.Grant.RevealString() != "the-grant" {
			t.Fatal(err)
		}
		if _, err := w.SSH.Actor(t.Context(), p, "", From); !fault.Is(err, fault.Denied) {
			t.Errorf("it became an actor: %v", err)
		}
	})
}

func TestCertificatesRefused(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		bob := w.Member(t, owner, "bob", authz.Operator)
		_, line := Key(t)
		issue := func() *ssh.Certificate {
			t.Helper()
			c, err := w.Identity.SignUserCert(t.Context(), bob.Actor, identity.SignArgs{PublicKey: line, Life: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			return parseCert(t, c.AuthorizedKey)
		}
		ca := caSigner(t, w, owner.Org())
		_, foreign, _ := ed25519.GenerateKey(rand.Reader)
		stranger, _ := ssh.NewSignerFromSigner(foreign)
		otherKey, _ := Key(t)
		good := issue()
		// Each case is a certificate that our own authority has really signed, changed in one point.
		for name, c := range map[string]struct {
			change func(*ssh.Certificate)
			signer ssh.Signer
			ok     bool
		}{
			"unchanged":               {func(c *ssh.Certificate) {}, ca, true},
			"another authority":       {func(c *ssh.Certificate) {}, stranger, false},
			"a host's":                {func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, ca, false},
			"no principal":            {func(c *ssh.Certificate) { c.ValidPrincipals = nil }, ca, false},
			"another principal":       {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"owner-acme", "root"} }, ca, false},
			"no end":                  {func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }, ca, false},
			"ended":                   {func(c *ssh.Certificate) { c.ValidBefore = uint64(w.Clock.Now().Unix()) }, ca, false},
			"not begun":               {func(c *ssh.Certificate) { c.ValidAfter = uint64(w.Clock.Now().Unix() + 1) }, ca, false},
			"times that wrap around":  {func(c *ssh.Certificate) { c.ValidAfter = 1 << 63 }, ca, false},
			"unknown critical option": {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "true"} }, ca, false},
			"made-up critical option": {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x@example.com": ""} }, ca, false},
			"our network": {func(c *ssh.Certificate) {
				c.CriticalOptions = map[string]string{"source-address": "198.51.100.0/24,192.0.2.0/24"}
			}, ca, true},
			"our address":     {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "192.0.2.10"} }, ca, true},
			"another network": {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": "198.51.100.0/24"} }, ca, false},
			"no network":      {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"source-address": ""} }, ca, false},
			"another serial":  {func(c *ssh.Certificate) { c.Serial++ }, ca, false},
			"serial too big":  {func(c *ssh.Certificate) { c.Serial |= 1 << 63 }, ca, false},
			"another key":     {func(c *ssh.Certificate) { c.Key = otherKey.PublicKey() }, ca, false},
		} {
			cert := *good
			cert.CriticalOptions, cert.Extensions = maps.Clone(good.CriticalOptions), maps.Clone(good.Extensions)
			c.change(&cert)
			if err := cert.SignCert(rand.Reader, c.signer); err != nil {
				t.Fatal(err)
			}
			offer, err := w.SSH.CertificateOffered(t.Context(), "bob", cert.Marshal(), From)
			if c.ok {
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if _, err := w.SSH.Prove(t.Context(), offer, cert.Marshal(), From); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			alike(t, name, err)
		}
		broken := slices.Clone(good.Marshal())
		broken[len(broken)-1] ^= 1
		for name, wire := range map[string][]byte{"broken signature": broken, "nothing": nil, "a plain key": good.Key.Marshal(), "cut": good.Marshal()[:100], "longer": append(good.Marshal(), 0)} {
			_, err := w.SSH.CertificateOffered(t.Context(), "bob", wire, From)
			alike(t, name, err)
		}
		_, err := w.SSH.CertificateOffered(t.Context(), owner.Handle, good.Marshal(), From)
		alike(t, "somebody else's login", err)

		offer, err := w.SSH.CertificateOffered(t.Context(), "bob", good.Marshal(), From)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Tenancy.RemoveMember(t.Context(), owner.Actor, bob.ID); err != nil { // revokes
			t.Fatal(err)
		}
		_, err = w.SSH.Prove(t.Context(), offer, good.Marshal(), From)
		alike(t, "revoked between offer and signature", err)
		_, err = w.SSH.CertificateOffered(t.Context(), "bob", good.Marshal(), From)
		alike(t, "revoked", err)
	})
}

func TestCertificateIsNotForWeakKeysOrStrangers(t *testing.T) {
	world(t, identity.Limits{}, func(t *testing.T, w *World, owner Someone) {
		_, line := Key(t)
		for name, c := range map[string]struct {
			actor authz.Actor
			args  identity.SignArgs
			kind  fault.Kind
		}{
			"nobody":        {authz.Actor{}, identity.SignArgs{PublicKey: line}, fault.Unauthenticated},
			"platform":      {w.Admin.Actor, identity.SignArgs{PublicKey: line}, fault.NotFound},
			"no session":    {authz.Actor{Kind: authz.Person, User: owner.ID, Org: owner.Org(), Role: authz.Owner}, identity.SignArgs{PublicKey: line}, fault.Denied},
			"enrolling":     {authz.Actor{Kind: authz.Enrolling, User: owner.ID, Org: owner.Org(), WebSession: "web_x"}, identity.SignArgs{PublicKey: line}, fault.Denied},
			"too long":      {owner.Actor, identity.SignArgs{PublicKey: line, Life: 13 * time.Hour}, fault.Invalid},
			"negative":      {owner.Actor, identity.SignArgs{PublicKey: line, Life: -time.Hour}, fault.Invalid},
			"not a key":     {owner.Actor, identity.SignArgs{PublicKey: "ssh-ed25519 AAAA"}, fault.Invalid},
			"with networks": {owner.Actor, identity.SignArgs{PublicKey: line, Sources: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}, fault.Internal},
		} {
			cert, err := w.Identity.SignUserCert(t.Context(), c.actor, c.args)
			if name == "with networks" {
				if err != nil {
					t.Fatal(err)
				}
				_, err = w.SSH.CertificateOffered(t.Context(), owner.Handle, parseCert(t, cert.AuthorizedKey).Marshal(), From)
				alike(t, "from outside of its networks", err)
				continue
			}
			if fault.KindOf(err) != c.kind {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

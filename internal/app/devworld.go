package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/tenancy"
	"github.com/vaultpam/vaultpam/internal/vault"
)

const (
	demoName = "demo-host" // of the resource, the account and the safe
	demoUser = "deploy"    // whom the safe signs in as
	demoSlug = "demo"
)

// devWorld makes the demo organization, by the same steps and with the same
// events as people would.
type devWorld struct {
	app      *App
	dir      string
	password secret.Secret // of the demo host
}

// prepare makes the organization at the first start, and at each start tells the
// vault where the demo host is and what its password is now.
func (w *devWorld) prepare(ctx context.Context, host *net.TCPAddr) (*DevFile, error) {
	f, err := w.read()
	if err != nil {
		return nil, err
	}
	if f == nil {
		if f, err = w.create(ctx, host); err != nil {
			return nil, err
		}
	} else if err := w.refresh(ctx, f, host); err != nil {
		return nil, err
	}
	cfg := w.app.cfg
	f.API, f.Console, f.CAFile, f.SSHAddr = cfg.HTTPS.PublicURL, cfg.HTTPS.PublicURL, w.app.doors.caFile, cfg.SSH.PublicAddr
	f.KnownHosts = filepath.Join(w.dir, "known_hosts")
	line, err := knownHosts(f.SSHAddr, w.app.doors.sshHostKey)
	if err != nil {
		return nil, err
	}
	return f, writeFile(f.KnownHosts, []byte(line), 0o600)
}

// read gives dev.json of an earlier start, nil when there was none.
func (w *devWorld) read() (*DevFile, error) {
	b, err := os.ReadFile(w.filePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read dev.json: %w", err)
	}
	var f DevFile
	if err := json.Unmarshal(b, &f); err != nil || len(f.Users) == 0 || len(f.Safes) == 0 {
		return nil, fault.New(fault.Invalid, "%s is not what this program wrote; move the folder %s away to begin anew", w.filePath(), w.app.cfg.Data)
	}
	return &f, nil
}

func devOrigin() identity.Origin {
	return identity.Origin{Source: authz.Source{IP: netip.MustParseAddr("127.0.0.1"), UserAgent: "vaultpam dev"}, Via: authz.ViaAPI, Request: id.New[id.Request]()}
}

func newDevUser(handle, role string) DevUser {
	return DevUser{Email: handle + "@" + demoSlug + ".example", Handle: handle, Role: role, Password: secret.Token(12).RevealString()}
}

func (u DevUser) person() identity.NewPerson {
	return identity.NewPerson{Email: u.Email, Handle: u.Handle, Name: strings.ToUpper(u.Handle[:1]) + u.Handle[1:], Password: secret.FromString(u.Password)}
}

func (w *devWorld) create(ctx context.Context, host *net.TCPAddr) (*DevFile, error) {
	a := w.app
	root, owner := newDevUser("root", "platform_admin"), newDevUser("olivia", "owner")
	operator, auditor := newDevUser("oscar", "operator"), newDevUser("audrey", "auditor")

	link, needed, err := a.platform.SetupLink(ctx)
	if err != nil {
		return nil, err
	}
	if !needed {
		return nil, fault.New(fault.Conflict, "the data folder %s belongs to an installation that is no demo; choose another with --data", a.cfg.Data)
	}
	if _, err := a.platform.Setup(ctx, platform.SetupArgs{Token: link.Token, Person: root.person(), From: devOrigin()}); err != nil {
		return nil, fmt.Errorf("set up the platform: %w", err)
	}
	rootActor, err := w.enrol(ctx, &root)
	if err != nil {
		return nil, err
	}
	org, _, err := a.tenancy.Create(ctx, rootActor, tenancy.CreateArgs{Slug: demoSlug, Name: "Demo organization", Owner: owner.person()})
	if err != nil {
		return nil, fmt.Errorf("create the organization: %w", err)
	}
	ownerActor, err := w.enrol(ctx, &owner)
	if err != nil {
		return nil, err
	}
	for _, u := range []*DevUser{&operator, &auditor} {
		if _, err := a.tenancy.AddMember(ctx, ownerActor, tenancy.AddMemberArgs{Person: u.person(), Role: authz.Role(u.Role)}); err != nil {
			return nil, fmt.Errorf("add %s: %w", u.Handle, err)
		}
		if _, err := w.enrol(ctx, u); err != nil {
			return nil, err
		}
	}
	s, err := w.demoSafe(ctx, ownerActor, host, operator.Handle)
	if err != nil {
		return nil, err
	}
	return &DevFile{
		Organization: DevOrg{ID: string(org.ID), Slug: org.Slug},
		Users:        []DevUser{owner, operator, auditor, root},
		Safes:        []DevSafe{{ID: string(s.ID), Name: s.Name, Protocol: string(resource.SSH)}},
	}, nil
}

// enrol signs in for the first time: second factor, SSH key, API token.
func (w *devWorld) enrol(ctx context.Context, u *DevUser) (actor authz.Actor, err error) {
	who := w.app.identity
	fail := func(doing string, err error) (authz.Actor, error) {
		return authz.Actor{}, fmt.Errorf("%s of %s: %w", doing, u.Handle, err)
	}
	in, err := who.SignIn(ctx, identity.SignInArgs{Email: u.Email, Password: secret.FromString(u.Password), From: devOrigin()})
	if err != nil {
		return fail("sign-in", err)
	}
	if in.Session == nil {
		return fail("sign-in", errors.New("a second factor exists already"))
	}
	bearer := func() (authz.Actor, error) { return who.ByBearer(ctx, in.Session.Token, "", devOrigin()) }
	if actor, err = bearer(); err != nil {
		return fail("session", err)
	}
	pending, err := who.BeginTOTP(ctx, actor, "Demo")
	if err != nil {
		return fail("second factor", err)
	}
	u.TOTPSecret = pending.Secret.RevealString()
	// The code of the step before this one: each code counts once, and the one that
	// is shown now is left for whoever signs in next.
	code, err := mfa.Code(u.TOTPSecret, time.Now().Add(-30*time.Second))
	if err != nil {
		return fail("second factor", err)
	}
	backup, err := who.ConfirmTOTP(ctx, actor, pending.Factor, secret.FromString(code))
	if err != nil {
		return fail("second factor", err)
	}
	for _, c := range backup {
		u.BackupCodes = append(u.BackupCodes, c.RevealString())
	}
	if actor, err = bearer(); err != nil {
		return fail("session", err)
	}
	if err := w.giveKey(ctx, actor, u); err != nil {
		return fail("SSH key", err)
	}
	_, token, err := who.CreateToken(ctx, actor, identity.CreateTokenArgs{Name: "dev.json", Scopes: []string{authz.AllScopes}, Life: 180 * 24 * time.Hour})
	if err != nil {
		return fail("API token", err)
	}
	u.APIToken = token.RevealString()
	return actor, nil
}

func (w *devWorld) giveKey(ctx context.Context, actor authz.Actor, u *DevUser) error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, u.Handle)
	if err != nil {
		return err
	}
	u.SSHPrivateKeyFile = filepath.Join(w.dir, u.Handle+"_ed25519")
	if err := writeFile(u.SSHPrivateKeyFile, pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return err
	}
	_, err = w.app.identity.AddSSHKey(ctx, actor, "Demo", string(ssh.MarshalAuthorizedKey(key)))
	return err
}

// demoSafe makes what leads to the demo host, as its owner would in the console.
func (w *devWorld) demoSafe(ctx context.Context, owner authz.Actor, host *net.TCPAddr, member string) (safe.Safe, error) {
	a := w.app
	fail := func(doing string, err error) (safe.Safe, error) { return safe.Safe{}, fmt.Errorf("%s: %w", doing, err) }
	r, err := a.resources.Create(ctx, owner, resource.CreateArgs{Name: demoName, Protocol: resource.SSH, Host: host.IP.String(), Port: host.Port, Description: "A shell on this machine, inside the development server"})
	if err != nil {
		return fail("create the resource", err)
	}
	if err := w.pin(ctx, owner, r.ID); err != nil {
		return fail("confirm the host key", err)
	}
	acc, err := a.vault.Create(ctx, owner, vault.CreateArgs{Name: demoName, Resource: r.ID, Username: demoUser, Kind: vault.Password, Password: w.password})
	if err != nil {
		return fail("create the account", err)
	}
	s, err := a.safes.Create(ctx, owner, safe.CreateArgs{Name: demoName, Description: "Try a first recorded session here", Resource: r.ID, Account: acc.ID})
	if err != nil {
		return fail("create the safe", err)
	}
	p, err := a.identity.ByHandle(ctx, member)
	if err != nil {
		return fail("find the operator", err)
	}
	for user, role := range map[id.User]safe.Role{p.ID: authz.SafeUser, owner.User: authz.SafeManager} {
		if _, err := a.safes.AddMember(ctx, owner, s.ID, user, role); err != nil {
			return fail("add a member to the safe", err)
		}
	}
	return s, nil
}

func (w *devWorld) pin(ctx context.Context, owner authz.Actor, r id.Resource) error {
	seen, err := w.app.resources.Scan(ctx, owner, r)
	if err != nil || seen.Pinned {
		return err
	}
	_, err = w.app.resources.ConfirmHostKey(ctx, owner, r, seen.Fingerprint)
	return err
}

// refresh tells the vault about the demo host of this start. What a person has
// taken away is left away.
func (w *devWorld) refresh(ctx context.Context, f *DevFile, host *net.TCPAddr) error {
	owner, err := w.app.identity.ByBearer(ctx, secret.FromString(f.user("owner").APIToken), "", devOrigin())
	if err != nil {
		w.app.log.Warn("the demo host cannot be refreshed: the demo owner's token is no longer good", "error", err.Error())
		return nil
	}
	e, err := w.app.safes.Get(ctx, owner, id.Safe(f.Safes[0].ID))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.Resource.Port != host.Port {
		if _, err := w.app.resources.Update(ctx, owner, e.Resource.ID, resource.UpdateArgs{Port: &host.Port}); err != nil {
			return fmt.Errorf("move the demo host: %w", err)
		}
	}
	if _, err := w.app.vault.Update(ctx, owner, e.Account.ID, vault.UpdateArgs{Password: w.password}); err != nil {
		return fmt.Errorf("renew the demo host's password: %w", err)
	}
	return nil
}

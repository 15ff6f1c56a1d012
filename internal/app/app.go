// Package app is the one place where the parts of the product meet. New reads as
// the parts list, bottom up; Run starts the parts, drains and stops them. The
// adapters beside it join what two domains say in their own words.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/accessreview"
	"github.com/vaultpam/vaultpam/internal/api"
	"github.com/vaultpam/vaultpam/internal/audit/ledger"
	"github.com/vaultpam/vaultpam/internal/audit/retention"
	"github.com/vaultpam/vaultpam/internal/audit/review"
	"github.com/vaultpam/vaultpam/internal/auditexport"
	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/checkout"
	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/console"
	"github.com/vaultpam/vaultpam/internal/db"
	gateway "github.com/vaultpam/vaultpam/internal/gateway/ssh"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/idempotency"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation"
	"github.com/vaultpam/vaultpam/internal/keys"
	"github.com/vaultpam/vaultpam/internal/mfa"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/phone"
	"github.com/vaultpam/vaultpam/internal/platform"
	"github.com/vaultpam/vaultpam/internal/policy"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/recovery"
	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/rotation"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/scim"
	"github.com/vaultpam/vaultpam/internal/seal"
	"github.com/vaultpam/vaultpam/internal/session"
	"github.com/vaultpam/vaultpam/internal/signup"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/tenancy"
	"github.com/vaultpam/vaultpam/internal/vault"
	"github.com/vaultpam/vaultpam/web"
)

// Version is the version of this build; the linker sets it.
var Version = "development"

// App is one server with all its parts.
type App struct {
	cfg     config.Config
	dev     bool // `vaultpam dev`
	log     *slog.Logger
	lock    *os.File // held while this process uses the data folder
	metrics *prometheus.Registry

	db           *db.DB
	keyring      *seal.Keyring
	ledger       *ledger.Ledger
	mail         *notify.Service
	identity     *identity.Service
	recovery     *recovery.Service
	governance   *governance.Service
	review       *review.Service
	auditExports *auditexport.Service
	reviews      *accessreview.Service
	tenancy      *tenancy.Service
	platform     *platform.Service
	invites      *invitation.Service
	signups      *signup.Service
	phone        *phone.Service
	keys         *keys.Service
	resources    *resource.Service
	vault        *vault.Service
	safes        *safe.Service
	groups       *group.Service
	policies     *policy.Service
	store        *recording.Store
	recordings   *recording.Service
	retention    *retention.Service
	sessions     *session.Service
	access       *access.Service
	checkouts    *checkout.Service
	rotations    *rotation.Service
	sso          *sso.Service
	scim         *scim.Service
	gateway      *gateway.Gateway
	repeats      *idempotency.Service
	api          *api.Server
	console      *console.Console

	doors doors
}

// New builds every part and binds every listener, so that whatever is wrong with
// the set-up is said before anything runs. Close what it returns, or Run it.
func New(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	return build(ctx, cfg, log, false)
}

func build(ctx context.Context, cfg config.Config, log *slog.Logger, dev bool) (_ *App, err error) {
	a := &App{cfg: cfg, dev: dev, log: log, metrics: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if err := a.openData(ctx); err != nil {
		return nil, err
	}
	if err := a.openDoors(); err != nil {
		return nil, err
	}
	if err := errors.Join(a.buildDomains(), a.buildDoors()); err != nil {
		return a, err
	}
	return a, a.phone.Gate(ctx)
}

// openData takes the data folder, and opens the store and the keys in it.
func (a *App) openData(ctx context.Context) (err error) {
	if a.lock, err = takeFolder(a.cfg.Data); err != nil {
		return err
	}
	if a.db, err = db.Open(ctx, db.Config{URL: a.cfg.Database.URL, MaxConns: a.cfg.Database.MaxConns, Log: a.log}); err != nil {
		return err
	}
	if err = a.db.Migrate(ctx); err != nil {
		return err
	}
	root, err := seal.LoadRoot(a.cfg.Keys.RootFile)
	if err != nil {
		return err
	}
	if a.keyring, err = seal.New(seal.Deps{DB: a.db, Root: root}); err != nil {
		return err
	}
	return a.keyring.Check(ctx)
}

func (a *App) buildDomains() (err error) {
	build := func(name string, f func() error) {
		if err == nil {
			if e := f(); e != nil {
				err = fmt.Errorf("build %s: %w", name, e)
			}
		}
	}
	now := time.Now
	part := func(name string) *slog.Logger { return a.log.With("component", name) }
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))

	build("audit", func() (err error) {
		a.ledger, err = ledger.New(ledger.Deps{DB: a.db, Sealer: a.keyring, Host: a.cfg.Audit.Origin, Log: part("audit"), Now: now})
		if err == nil {
			a.metrics.MustRegister(ledger.NewMetrics(a.ledger))
		}
		return err
	})
	counts := session.Counts{}
	dialer := &resource.Dialer{Loopback: a.cfg.Targets.AllowLoopback, Own: a.doors.addresses}
	build("mail", func() error {
		server, err := mailServer(a.cfg.Mail)
		if err != nil {
			return err
		}
		a.mail, err = notify.New(notify.Deps{Log: part("mail"), DB: a.db, Seal: a.keyring, Ledger: a.ledger, History: tenancy.SettingLog{Now: now}, PublicURL: a.cfg.HTTPS.PublicURL, Server: server,
			Folder: filepath.Join(a.cfg.Data, "mail"), Own: ownServers{func() *tenancy.Service { return a.tenancy }}, Dialer: dialer, Web: a.webDialer(), Brands: brands{func() *tenancy.Service { return a.tenancy }}, Metrics: a.metrics, Now: now})
		return err
	})
	var factors *mfa.Service
	build("identity", func() (err error) {
		factors, err = mfa.New(mfa.Deps{DB: a.db, Seal: a.keyring, Ledger: a.ledger, Party: mfa.PartyOf(a.cfg.HTTPS.PublicURL), Now: now})
		if err != nil {
			return err
		}
		a.identity, err = identity.New(identity.Deps{Log: part("identity"), DB: a.db, Ledger: a.ledger, Seal: a.keyring, MFA: factors,
			Members: tenancy.Directory{}, Operators: platform.Directory{}, Live: live{a}, Mail: a.mail,
			Cost:       identity.Cost(int64(a.cfg.Passwords.Memory), a.cfg.Passwords.Passes),
			Recoveries: recovery.Closer{DB: a.db, Ledger: a.ledger, Mail: a.mail, Members: tenancy.Directory{}, Now: now}, Metrics: a.metrics, Now: now})
		return err
	})
	build("recovery", func() (err error) {
		a.recovery, err = recovery.New(recovery.Deps{Log: part("recovery"), DB: a.db, Ledger: a.ledger, People: a.identity, Mail: a.mail, Now: now})
		return err
	})
	build("governance", func() (err error) {
		a.governance, err = governance.New(governance.Deps{Log: part("governance"), DB: a.db, Ledger: a.ledger, Seal: a.keyring, Members: tenancy.Directory{}, Mail: a.mail, Always: a.governanceAlways, Now: now})
		return err
	})
	build("platform", func() (err error) {
		a.platform, err = platform.New(platform.Deps{Log: part("platform"), DB: a.db, Ledger: a.ledger, Folder: a.ledger.NewFolder(ledger.FoldWindow),
			People: a.identity, Factors: factors, Mail: a.mail, Domains: a.cfg.Platform.AllowedDomains, Now: now})
		return err
	})
	build("phone", func() error {
		provider, err := phoneProvider(a.cfg.Phone, a.dev, part("phone"))
		if err != nil {
			return err
		}
		a.phone, err = phone.New(phone.Deps{Log: part("phone"), DB: a.db, Ledger: a.ledger, Folder: a.ledger.NewFolder(ledger.FoldWindow), Seal: a.keyring,
			Members: tenancy.Directory{}, Provider: provider, Required: a.cfg.Phone.Required, Countries: a.cfg.Phone.Countries,
			Limits: phoneLimits(a.cfg.Phone.Limits), Metrics: a.metrics, Version: Version, Now: now})
		return err
	})
	build("resources", func() (err error) {
		a.resources, err = resource.New(resource.Deps{DB: a.db, Ledger: a.ledger, Dialer: dialer, Uses: []resource.Uses{vault.OnResource, safe.OnResource}, Live: counts, Now: now})
		return err
	})
	build("vault", func() (err error) {
		a.vault, err = vault.New(vault.Deps{DB: a.db, Ledger: a.ledger, Sealer: a.keyring, Resources: a.resources, Uses: []vault.Uses{safe.OnAccount}, Live: counts, Checkouts: lateCheckouts{a}, Now: now,
			Rotating: func(ctx context.Context, tx *db.Tx, org id.Org, aid id.Account) (bool, error) {
				return a.rotations.Held(ctx, tx, org, aid)
			}})
		return err
	})
	build("keys", func() (err error) {
		a.keys, err = keys.New(keys.Deps{Log: part("keys"), DB: a.db, Keyring: a.keyring, Ledger: a.ledger, Now: now,
			Orgs: tenancy.Directory{}, Sealed: []keys.Resealer{a.vault}})
		return err
	})
	build("safes", func() (err error) {
		a.safes, err = safe.New(safe.Deps{DB: a.db, Ledger: a.ledger, Resources: a.resources, Accounts: a.vault, Live: counts, Now: now, Judge: judge{a}, Loans: loans{a},
			Ended: func() { a.sessions.Notify() }, Log: part("safe"), Governance: a.governance})
		return err
	})
	build("groups", func() (err error) {
		a.groups, err = group.New(group.Deps{DB: a.db, Ledger: a.ledger, Safes: a.safes, Now: now})
		return err
	})
	build("access reviews", func() (err error) {
		a.reviews, err = accessreview.New(accessreview.Deps{Log: part("review"), DB: a.db, Ledger: a.ledger, Safes: a.safes, Groups: a.groups, Mail: a.mail, Ended: func() { a.sessions.Notify() }, Now: now})
		return err
	})
	build("policies", func() (err error) {
		a.policies, err = policy.New(policy.Deps{DB: a.db, Ledger: a.ledger, Safes: a.safes, Grants: grants{a}, Now: now})
		return err
	})
	build("tenancy", func() (err error) {
		places := &lateLeaver{} // who leaves is forgotten by single sign-on, which is built on tenancy
		leave, end, matches := &lateLeaver{}, &lateEnder{}, &lateMatch{}
		a.tenancy, err = tenancy.New(tenancy.Deps{DB: a.db, Ledger: a.ledger, People: a.identity, Seal: a.keyring, OnLeave: []tenancy.Leaver{a.identity, a.safes, a.groups, places, leave}, OnDelete: []tenancy.Ender{end}, RecordingRetention: time.Duration(a.cfg.Recording.Retention),
			AuditRetention: time.Duration(a.cfg.Audit.Retention), OnRetention: func() { a.retention.Wake() }, SSO: lateSSO{func() *sso.Service { return a.sso }}, Governance: a.governance, Now: now})
		if err != nil {
			return err
		}
		a.sso, err = sso.New(sso.Deps{Log: part("sso"), DB: a.db, Ledger: a.ledger, Seal: a.keyring, People: a.identity, Members: a.tenancy, Invitations: matches, Groups: a.groups, Governance: a.governance, Dialer: dialer,
			Resolver: resolver(a.cfg.SSO.DNS), PublicURL: a.cfg.HTTPS.PublicURL, Now: now})
		if err != nil {
			return err
		}
		places.to = a.sso
		a.invites, err = invitation.New(invitation.Deps{Governance: a.governance, Log: part("invitation"), DB: a.db, Ledger: a.ledger, Folder: a.ledger.NewFolder(ledger.FoldWindow), People: a.identity,
			Members: a.tenancy, Safes: a.safes, Mail: invitationMail{letters{a.mail}}, Now: now})
		leave.to, end.to, matches.to = a.invites, a.invites, a.invites
		return err
	})
	build("audit", func() (err error) {
		if a.review, err = review.New(review.Deps{Ledger: a.ledger, Now: now}); err == nil {
			a.auditExports, err = auditexport.New(auditexport.Deps{DB: a.db, Log: a.review, Governance: a.governance, Now: now})
		}
		return err
	})
	build("governed changes", func() error {
		a.governance.Register(a.safes.Governed()...)
		a.governance.Register(a.tenancy.Governed()...)
		a.governance.Register(a.invites.Governed()...)
		a.governance.Register(a.sso.Governed()...)
		a.governance.Register(a.auditExports.Governed()...)
		return nil
	})
	build("scim", func() (err error) {
		a.scim, err = scim.New(scim.Deps{DB: a.db, Ledger: a.ledger, People: a.identity, Members: a.tenancy, Groups: a.groups, Now: now})
		return err
	})
	build("sign-up", func() (err error) {
		a.signups, err = signup.New(signup.Deps{Log: part("signup"), DB: a.db, Ledger: a.ledger, People: a.identity, Orgs: a.tenancy, Mail: signupMail{letters{a.mail}},
			Phones: a.phone, PhoneDemanded: a.cfg.Phone.Required, Closed: !a.cfg.Signup.Open, Domains: a.cfg.Signup.AllowedDomains, Now: now})
		return err
	})
	build("recordings", func() (err error) {
		a.store, err = recording.OpenStore(recording.StoreConfig{Dir: a.cfg.Recording.Dir, Keys: a.keyring, Log: part("recording"), Now: now, MinFree: int64(a.cfg.Recording.MinFree)})
		if err != nil {
			return err
		}
		a.recordings, err = recording.New(recording.Deps{Log: part("recording"), DB: a.db, Ledger: a.ledger, Store: a.store, SafeRole: a.safeRole, Now: now, Retention: time.Duration(a.cfg.Recording.Retention),
			RetentionOf: a.tenancy.RecordingRetention, Held: a.tenancy.Held})
		return err
	})
	build("retention", func() (err error) {
		a.retention, err = retention.New(retention.Deps{Log: part("retention"), DB: a.db, Ledger: a.ledger, Policies: a.tenancy, Days: int(time.Duration(a.cfg.Audit.Retention) / (24 * time.Hour)), Now: now})
		return err
	})
	build("sessions", func() error {
		host, _ := os.Hostname() // only shown
		home, err := folderID(a.cfg.Data)
		if err != nil {
			return err
		}
		a.sessions, err = session.New(session.Deps{Log: part("session"), DB: a.db, Policies: a.policies, Resources: a.resources, Vault: a.vault, Ledger: a.ledger,
			Folder: a.ledger.NewFolder(ledger.FoldWindow), Recordings: a.recordings, Now: now, Grace: time.Duration(a.cfg.Drain),
			Server: session.Server{ID: string(id.New[id.Job]()), Home: home, Hostname: host, Version: Version}, Sole: a.db.Engine() == db.SQLite})
		return err
	})
	build("access", func() (err error) {
		a.access, err = access.New(access.Deps{Log: part("access"), DB: a.db, Ledger: a.ledger, Needs: needs{a.policies}, Mail: a.mail, Ticket: a.mail, Vault: a.vault, Wake: a.sessions.Notify, Now: now})
		return err
	})
	build("checkouts", func() (err error) {
		a.checkouts, err = checkout.New(checkout.Deps{Log: part("checkout"), DB: a.db, Ledger: a.ledger, Policies: a.policies, Grants: a.access, Vault: a.vault, Rotation: checkins{a.vault}, Now: now})
		return err
	})
	build("rotation", func() (err error) {
		a.rotations, err = rotation.New(rotation.Deps{Log: part("rotation"), DB: a.db, Ledger: a.ledger, Vault: a.vault, Resources: a.resources, Dialer: dialer, Mail: a.mail,
			InUse: []rotation.InUse{access.EmergencyOn, checkout.OpenOn}, Now: now})
		return err
	})
	build("idempotency", func() (err error) {
		a.repeats, err = idempotency.New(idempotency.Deps{DB: a.db, Seal: a.keyring, Now: now})
		return err
	})
	build("SSH gateway", func() error {
		people := sshPeople{identity.NewSSHAuthenticator(a.identity)}
		signer, err := hostKey(filepath.Join(a.cfg.Data, "keys"))
		if err != nil {
			return err
		}
		a.doors.sshHostKey = signer
		limits := gateway.Limits{Grace: time.Duration(a.cfg.Drain) + 5*time.Second} // the session domain ends them first
		a.gateway, err = gateway.New(gateway.Deps{Log: part("ssh"), Auth: people, Safes: sshSafes{people, a.safes}, Sessions: sshSessions{a.sessions, people},
			Rejections: sshRejections{a.sessions}, Dialer: dialer, HostKeys: signers(signer), Address: a.cfg.SSH.PublicAddr, Limits: limits, Metrics: a.metrics, Now: now})
		return err
	})
	return err
}

func (a *App) buildDoors() error {
	if a.gateway == nil {
		return nil // what is wrong was said
	}
	proxies := prefixes(a.cfg.HTTPS.TrustedProxies)
	var err error
	a.api, err = api.New(api.Deps{
		Log: a.log, Version: Version, Metrics: api.NewMetrics(a.metrics), Identity: a.identity, Tenancy: a.tenancy, Platform: a.platform, Phone: a.phone,
		Keys:        a.keys,
		Invitations: a.invites, Signups: a.signups,
		Resources: a.resources, Vault: a.vault, Safes: a.safes, Groups: a.groups, Policies: a.policies, Sessions: a.sessions, Recordings: a.recordings, Review: a.review, AuditExport: a.auditExports,
		Terminals: terminals{a.sessions, a.gateway}, Idempotency: a.repeats,
		Access: a.access, Checkouts: a.checkouts, Rotations: a.rotations,
		SSO:      a.sso,
		SCIM:     a.scim,
		Mail:     a.mail,
		Recovery: a.recovery, Governance: a.governance, Reviews: a.reviews,
		PublicURL: a.cfg.HTTPS.PublicURL, SSHAddr: a.cfg.SSH.PublicAddr,
		SSHHostKeys: []string{knownHost(a.doors.sshHostKey)}, TrustedProxies: proxies, Limits: api.DefaultLimits,
	})
	if err != nil {
		return err
	}
	a.console, err = console.New(console.Deps{Files: web.Dist()})
	return err
}

// governanceAlways tells whether an organization's sensitive changes always wait; tenancy
// is built on the queue that asks.
func (a *App) governanceAlways(ctx context.Context, tx *db.Tx, org id.Org) (bool, error) {
	return a.tenancy.GovernanceAlways(ctx, tx, org)
}

// webDialer reaches what organizations name for their notices: the public Internet, and
// what the installation allows beside it.
func (a *App) webDialer() *resource.Dialer {
	return &resource.Dialer{Public: true, Except: prefixes(a.cfg.Notices.AllowNetworks), Own: a.doors.addresses}
}

// prefixes are networks that Validate has looked at.
func prefixes(in []string) (out []netip.Prefix) {
	for _, p := range in {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

// safeRole tells the recordings who manages a safe.
func (a *App) safeRole(ctx context.Context, tx *db.Tx, org id.Org, user id.User, s id.Safe) (authz.SafeRole, error) {
	access, err := a.safes.Access(ctx, tx, org, user, s)
	if err != nil {
		return authz.NoSafeRole, ignoreNotFound(err)
	}
	return access.Role, nil
}

// Handler is the one HTTPS port: the API, the console, and whether the server is well.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", a.api.Handler())
	mux.Handle(api.SCIMPrefix+"/", a.api.Handler())
	mux.Handle(api.DocsPath, a.api.Handler())
	mux.Handle(api.DocsPath+".css", a.api.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("/", a.console)
	return mux
}

// ready tells a load balancer whether sessions can start here, and why not.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var wrong []string
	for name, err := range map[string]error{"database": a.db.Ping(ctx), "audit": a.ledger.Healthy(), "recordings": a.recordings.Healthy()} {
		if err != nil {
			wrong = append(wrong, name)
			a.log.WarnContext(ctx, "not ready", "part", name, "error", err.Error())
		}
	}
	if len(wrong) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, "not ready:", wrong)
		return
	}
	fmt.Fprintln(w, "ready")
}

// judge decides for the safes, which the policies are built on.
type judge struct{ a *App }

func (j judge) Blocked(ctx context.Context, tx *db.Tx, actor authz.Actor, list []safe.Entry) ([]safe.Block, error) {
	return j.a.policies.Blocked(ctx, tx, actor, list)
}

// live ends privileged sessions for the identity domain, which is built before the session domain.
type live struct{ a *App }

func (l live) EndOf(ctx context.Context, actor authz.Actor, user id.User, web id.WebSession, comment string) (int, error) {
	return l.a.sessions.EndOf(ctx, actor, user, web, comment)
}

package api

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/vaultpam/vaultpam/internal/access"
	"github.com/vaultpam/vaultpam/internal/accessreview"
	"github.com/vaultpam/vaultpam/internal/audit/review"
	"github.com/vaultpam/vaultpam/internal/auditexport"
	"github.com/vaultpam/vaultpam/internal/checkout"
	"github.com/vaultpam/vaultpam/internal/governance"
	"github.com/vaultpam/vaultpam/internal/group"
	"github.com/vaultpam/vaultpam/internal/idempotency"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/invitation"
	"github.com/vaultpam/vaultpam/internal/keys"
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
	"github.com/vaultpam/vaultpam/internal/session"
	"github.com/vaultpam/vaultpam/internal/signup"
	"github.com/vaultpam/vaultpam/internal/sso"
	"github.com/vaultpam/vaultpam/internal/tenancy"
	"github.com/vaultpam/vaultpam/internal/vault"
)

// Deps are the parts that a Server is made of.
type Deps struct {
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	Version string
	Metrics *Metrics

	Identity    *identity.Service
	Tenancy     *tenancy.Service
	Platform    *platform.Service
	Phone       *phone.Service
	Keys        *keys.Service
	Invitations *invitation.Service
	Signups     *signup.Service
	Resources   *resource.Service
	Vault       *vault.Service
	Safes       *safe.Service
	Policies    *policy.Service
	Groups      *group.Service
	Sessions    *session.Service
	Recordings  *recording.Service
	Review      *review.Service
	AuditExport *auditexport.Service
	Terminals   Terminals
	Idempotency *idempotency.Service
	SSO         *sso.Service
	Mail        *notify.Service
	SCIM        *scim.Service
	Recovery    *recovery.Service
	Access      *access.Service
	Checkouts   *checkout.Service
	Rotations   *rotation.Service
	Governance  *governance.Service
	Reviews     *accessreview.Service

	PublicURL      string         // https://host:port, the console's origin
	SSHAddr        string         // host:port where people reach the SSH gateway
	SSHHostKeys    []string       // of the gateway, as in known_hosts
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	Limits         Limits         // zero: none
}

func (d *Deps) check() error {
	for _, missing := range []bool{
		d.Log == nil,
		d.Metrics == nil,
		d.Identity == nil,
		d.Tenancy == nil,
		d.Platform == nil,
		d.Phone == nil,
		d.Invitations == nil,
		d.Signups == nil,
		d.Resources == nil,
		d.Vault == nil,
		d.Safes == nil,
		d.Policies == nil,
		d.Groups == nil,
		d.Sessions == nil,
		d.Recordings == nil,
		d.Review == nil,
		d.Terminals == nil,
		d.Idempotency == nil,
		d.SSO == nil,
		d.SCIM == nil,
		d.Mail == nil,
		d.Keys == nil,
		d.Recovery == nil,
		d.Access == nil,
		d.Checkouts == nil,
		d.Rotations == nil,
		d.Governance == nil,
		d.PublicURL == "",
	} {
		if missing {
			return errors.New("api: a part is missing")
		}
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return nil
}

func (s *Server) routes() {
	s.authRoutes()
	s.factorRoutes()
	s.signInRoutes()
	s.deviceRoutes()
	s.sshKeyRoutes()
	s.tokenRoutes()
	s.serviceAccountRoutes()
	s.organizationRoutes()
	s.keyRoutes()
	s.settingsRoutes()
	s.invitationRoutes()
	s.signupRoutes()
	s.operatorRoutes()
	s.resourceRoutes()
	s.accountRoutes()
	s.safeRoutes()
	s.accessPolicyRoutes()
	s.explainRoutes()
	s.groupRoutes()
	s.sessionRoutes()
	s.recordingRoutes()
	s.auditRoutes()
	s.ssoRoutes()
	s.mailRoutes()
	s.channelRoutes()
	s.noticeRoutes()
	s.phoneRoutes()
	s.scimAdminRoutes()
	s.scimRoutes()
	s.recoveryRoutes()
	s.accessRoutes()
	s.checkoutRoutes()
	s.governanceRoutes()
	s.reviewRoutes()
	s.mux.HandleFunc("GET "+terminalPath, s.terminal)
}

// Metrics counts requests.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// NewMetrics registers the counters.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vaultpam_api_requests_total", Help: "Requests to the API, by method and status class."}, []string{"method", "status"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "vaultpam_api_request_seconds", Help: "Time to answer a request to the API.", Buckets: []float64{.001, .005, .02, .1, .5, 2, 10}}, []string{"method"}),
	}
	r.MustRegister(m.requests, m.seconds)
	return m
}

var methods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true}

func (m *Metrics) request(method string, status int, took time.Duration) {
	if !methods[method] {
		method = "other" // an outsider must not make labels
	}
	class := [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}[min(max(status/100, 0), 5)]
	m.requests.WithLabelValues(method, class).Inc()
	m.seconds.WithLabelValues(method).Observe(took.Seconds())
}

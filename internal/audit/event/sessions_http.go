package event

import (
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// HTTPSessionStarted is emitted by the HTTP gateway when it binds a browser or API client to a
// brokered web resource under a valid grant, with the session_id that SESSION_ESTABLISHED
// carries.
//
// HTTP_SESSION_STARTED, "HTTP_SESSION_STARTED".
type HTTPSessionStarted struct {
	base
	connectionID id.Resource `meta:"connection_id"`
	grantID      id.Grant    `meta:"grant_id"`
	origin       string      `meta:"origin"`
	tlsVersion   opt[string] `meta:"tls_version"`
	userAgent    opt[string] `meta:"user_agent"`
}

var httpSessionStarted = define[HTTPSessionStarted](Definition{
	Constant: HTTP_SESSION_STARTED, Wire: "HTTP_SESSION_STARTED", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(4001, 1, "Open"),
	ECS:        ECS{Category: []string{"network"}, Type: []string{"start", "connection"}},
	Trigger: "Emitted by the HTTP gateway when it binds a browser or API client to a brokered web resource under a" +
		" valid grant, with the session_id that SESSION_ESTABLISHED carries; not for each request, and not to" +
		" be counted as a second session.",
})

// NewHTTPSessionStarted builds HTTP_SESSION_STARTED.
func NewHTTPSessionStarted(
	act Act, target SessionRef, connectionID id.Resource, grantID id.Grant, origin string,
) HTTPSessionStarted {
	return HTTPSessionStarted{
		base:         httpSessionStarted.Succeeded(act, target),
		connectionID: connectionID, grantID: grantID, origin: origin,
	}
}

// WithTLSVersion adds tls_version.
func (e HTTPSessionStarted) WithTLSVersion(v string) HTTPSessionStarted {
	e.tlsVersion = some(v)
	return e
}

// WithUserAgent adds user_agent.
func (e HTTPSessionStarted) WithUserAgent(v string) HTTPSessionStarted {
	e.userAgent = some(v)
	return e
}

// HTTPSessionEnded is emitted by the HTTP gateway when that client's binding is dropped,
// whoever ended it, with the traffic totals.
//
// HTTP_SESSION_ENDED, "HTTP_SESSION_ENDED".
type HTTPSessionEnded struct {
	base
	connectionID    id.Resource `meta:"connection_id"`
	requests        int         `meta:"requests"`
	deniedRequests  int         `meta:"denied_requests"`
	injections      int         `meta:"injections"`
	bytesToTarget   int64       `meta:"bytes_to_target"`
	bytesFromTarget int64       `meta:"bytes_from_target"`
	duration        seconds     `meta:"duration_seconds"`
}

var httpSessionEnded = define[HTTPSessionEnded](Definition{
	Constant: HTTP_SESSION_ENDED, Wire: "HTTP_SESSION_ENDED", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount, Connector, System},
	Outcomes:   []Outcome{Success},
	OCSF:       ocsf(4001, 2, "Close"),
	ECS:        ECS{Category: []string{"network"}, Type: []string{"end", "connection"}},
	Trigger: "Emitted by the HTTP gateway when that client's binding is dropped, whoever ended it, with the " +
		"traffic totals; not in place of the one SESSION_TERMINATED_* event, which says who ended it and why.",
})

// NewHTTPSessionEnded builds HTTP_SESSION_ENDED.
func NewHTTPSessionEnded(
	act Act, target SessionRef, connectionID id.Resource, requests, deniedRequests, injections int,
	bytesToTarget, bytesFromTarget int64, duration time.Duration,
) HTTPSessionEnded {
	return HTTPSessionEnded{
		base:         httpSessionEnded.Succeeded(act, target),
		connectionID: connectionID, requests: requests, deniedRequests: deniedRequests, injections: injections,
		bytesToTarget: bytesToTarget, bytesFromTarget: bytesFromTarget, duration: seconds(duration),
	}
}

// HTTPURLDeniedReason is a reason of HTTP_URL_DENIED.
type HTTPURLDeniedReason struct{ word }

// The reasons of HTTP_URL_DENIED.
var (
	HTTPURLDeniedMethodNotAllowed  = HTTPURLDeniedReason{word{"method_not_allowed"}}
	HTTPURLDeniedHostNotAllowed    = HTTPURLDeniedReason{word{"host_not_allowed"}}
	HTTPURLDeniedPathNotAllowed    = HTTPURLDeniedReason{word{"path_not_allowed"}}
	HTTPURLDeniedUpgradeNotAllowed = HTTPURLDeniedReason{word{"upgrade_not_allowed"}}
)

// HTTPURLDenied is emitted when the HTTP gateway refuses a request because its method, host or
// path breaks the session's URL rules, equal refusals within one minute being folded into one
// event with a count.
//
// HTTP_URL_DENIED, "HTTP_URL_DENIED".
type HTTPURLDenied struct {
	base
	connectionID id.Resource `meta:"connection_id"`
	httpMethod   string      `meta:"http_method"`
	host         string      `meta:"host"`
	pathTemplate string      `meta:"path_template"`
	ruleID       id.Rule     `meta:"rule_id"`
	coalesced    int         `meta:"coalesced"`
}

var httpurlDenied = define[HTTPURLDenied](Definition{
	Constant: HTTP_URL_DENIED, Wire: "HTTP_URL_DENIED", Category: ConnectionsSessions,
	Severity: Warn, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{User, ServiceAccount},
	Outcomes:   []Outcome{Denied},
	Reasons: texts(
		HTTPURLDeniedMethodNotAllowed, HTTPURLDeniedHostNotAllowed, HTTPURLDeniedPathNotAllowed,
		HTTPURLDeniedUpgradeNotAllowed,
	),
	OCSF: ocsf(4002, 99, "Denied Request"),
	ECS:  ECS{Category: []string{"web", "network"}, Type: []string{"access", "denied"}},
	Trigger: "Emitted when the HTTP gateway refuses a request because its method, host or path breaks the " +
		"session's URL rules, equal refusals within one minute being folded into one event with a count; not " +
		"for errors that the upstream itself returns.",
})

// NewHTTPURLDenied builds HTTP_URL_DENIED with outcome denied.
func NewHTTPURLDenied(
	act Act, target SessionRef, reason HTTPURLDeniedReason, connectionID id.Resource,
	httpMethod, host, pathTemplate string, ruleID id.Rule, coalesced int,
) HTTPURLDenied {
	return HTTPURLDenied{
		base:         httpurlDenied.Denied(act, target, reason.text),
		connectionID: connectionID, httpMethod: httpMethod, host: host, pathTemplate: pathTemplate,
		ruleID: ruleID, coalesced: coalesced,
	}
}

// InjectionMethod is where in the upstream exchange a credential was put.
type InjectionMethod struct{ word }

// The values of InjectionMethod.
var (
	InjectionMethodForm       = InjectionMethod{word{"form"}}
	InjectionMethodHeader     = InjectionMethod{word{"header"}}
	InjectionMethodCookie     = InjectionMethod{word{"cookie"}}
	InjectionMethodBasic      = InjectionMethod{word{"basic"}}
	InjectionMethodClientCert = InjectionMethod{word{"client_cert"}}
)

// Values are the closed list of texts.
func (InjectionMethod) Values() []string {
	return texts(InjectionMethodForm, InjectionMethodHeader, InjectionMethodCookie, InjectionMethodBasic, InjectionMethodClientCert)
}

// HTTPCredentialInjectedReason is a reason of HTTP_CREDENTIAL_INJECTED.
type HTTPCredentialInjectedReason struct{ word }

// The reasons of HTTP_CREDENTIAL_INJECTED.
var (
	HTTPCredentialInjectedLoginFormNotFound      = HTTPCredentialInjectedReason{word{"login_form_not_found"}}
	HTTPCredentialInjectedUpstreamRejected       = HTTPCredentialInjectedReason{word{"upstream_rejected"}}
	HTTPCredentialInjectedSecretStoreUnavailable = HTTPCredentialInjectedReason{word{"secret_store_unavailable"}}
)

// HTTPCredentialInjected is emitted when the HTTP gateway first places a credential into the
// upstream exchange of a session (form, header, cookie, basic or client certificate) and again
// only when the credential version changes.
//
// HTTP_CREDENTIAL_INJECTED, "HTTP_CREDENTIAL_INJECTED".
type HTTPCredentialInjected struct {
	base
	connectionID    id.Resource     `meta:"connection_id"`
	accountID       id.Account      `meta:"account_id"`
	secretVersion   opt[int]        `meta:"secret_version"`
	injectionMethod InjectionMethod `meta:"injection_method"`
	origin          string          `meta:"origin"`
}

var httpCredentialInjected = define[HTTPCredentialInjected](Definition{
	Constant: HTTP_CREDENTIAL_INJECTED, Wire: "HTTP_CREDENTIAL_INJECTED", Category: ConnectionsSessions,
	Severity: Info, SeverityIfNotSuccess: Error, TargetType: TargetSession, Log: OrgLog,
	ActorTypes: []ActorType{Connector, System},
	Outcomes:   []Outcome{Success, Failure},
	Reasons: texts(
		HTTPCredentialInjectedLoginFormNotFound, HTTPCredentialInjectedUpstreamRejected,
		HTTPCredentialInjectedSecretStoreUnavailable,
	),
	OCSF: ocsf(3002, 99, "Inject Credential"),
	ECS:  ECS{Category: []string{"authentication"}, Type: []string{"info"}},
	Trigger: "Emitted when the HTTP gateway first places a credential into the upstream exchange of a session " +
		"(form, header, cookie, basic or client certificate) and again only when the credential version " +
		"changes; not for each following request that carries it.",
})

// NewHTTPCredentialInjected builds HTTP_CREDENTIAL_INJECTED.
func NewHTTPCredentialInjected(
	act Act, target SessionRef, connectionID id.Resource, accountID id.Account, injectionMethod InjectionMethod,
	origin string,
) HTTPCredentialInjected {
	return HTTPCredentialInjected{
		base:         httpCredentialInjected.Succeeded(act, target),
		connectionID: connectionID, accountID: accountID, injectionMethod: injectionMethod, origin: origin,
	}
}

// WithSecretVersion adds secret_version.
func (e HTTPCredentialInjected) WithSecretVersion(v int) HTTPCredentialInjected {
	e.secretVersion = some(v)
	return e
}

// Failed turns the event into an attempt that did not work.
func (e HTTPCredentialInjected) Failed(reason HTTPCredentialInjectedReason) HTTPCredentialInjected {
	e.base = envelope.Fail(e.base, reason.text)
	return e
}

package event

import (
	"github.com/vaultpam/vaultpam/internal/audit/event/envelope"
	"github.com/vaultpam/vaultpam/internal/id"
)

// ConnectionDefinitionCreatedReason is a reason of CONNECTION_DEFINITION_CREATED.
type ConnectionDefinitionCreatedReason struct{ word }

// The reasons of CONNECTION_DEFINITION_CREATED.
var (
	ConnectionDefinitionCreatedNotPermitted     = ConnectionDefinitionCreatedReason{word{"not_permitted"}}
	ConnectionDefinitionCreatedAddressForbidden = ConnectionDefinitionCreatedReason{word{"address_forbidden"}}
)

// ConnectionDefinitionCreated is emitted when a connection definition (a resource with
// protocol, address and account binding) is saved for the first time.
//
// CONNECTION_DEFINITION_CREATED, "Connection Definition Created".
type ConnectionDefinitionCreated struct {
	base
	protocol    Protocol          `meta:"protocol"`
	addressHost string            `meta:"address_host"`
	addressPort int               `meta:"address_port"`
	connectorID opt[id.Connector] `meta:"connector_id"`
	accountID   opt[id.Account]   `meta:"account_id"`
}

var connectionDefinitionCreated = define[ConnectionDefinitionCreated](Definition{
	Constant: CONNECTION_DEFINITION_CREATED, Wire: "Connection Definition Created", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetConnection, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(ConnectionDefinitionCreatedNotPermitted, ConnectionDefinitionCreatedAddressForbidden),
	OCSF:       ocsf(3004, 1, "Create"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"creation"}},
	Trigger: "Emitted when a connection definition (a resource with protocol, address and account binding) is " +
		"saved for the first time; not for the account or the Safe that it refers to.",
})

// NewConnectionDefinitionCreated builds CONNECTION_DEFINITION_CREATED.
func NewConnectionDefinitionCreated(
	act Act, target ConnectionRef, protocol Protocol, addressHost string, addressPort int,
) ConnectionDefinitionCreated {
	return ConnectionDefinitionCreated{
		base:     connectionDefinitionCreated.Succeeded(act, target),
		protocol: protocol, addressHost: addressHost, addressPort: addressPort,
	}
}

// WithConnectorID adds connector_id.
func (e ConnectionDefinitionCreated) WithConnectorID(v id.Connector) ConnectionDefinitionCreated {
	e.connectorID = some(v)
	return e
}

// WithAccountID adds account_id.
func (e ConnectionDefinitionCreated) WithAccountID(v id.Account) ConnectionDefinitionCreated {
	e.accountID = some(v)
	return e
}

// Denied turns the event into a refused attempt.
func (e ConnectionDefinitionCreated) Denied(reason ConnectionDefinitionCreatedReason) ConnectionDefinitionCreated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// ConnectionDefinitionUpdatedReason is a reason of CONNECTION_DEFINITION_UPDATED.
type ConnectionDefinitionUpdatedReason struct{ word }

// The reasons of CONNECTION_DEFINITION_UPDATED.
var (
	ConnectionDefinitionUpdatedNotPermitted     = ConnectionDefinitionUpdatedReason{word{"not_permitted"}}
	ConnectionDefinitionUpdatedAddressForbidden = ConnectionDefinitionUpdatedReason{word{"address_forbidden"}}
)

// ConnectionDefinitionUpdated is emitted when a save alters a connection definition, including
// its address, account binding or connector.
//
// CONNECTION_DEFINITION_UPDATED, "Connection Definition Updated".
type ConnectionDefinitionUpdated struct {
	base
	changes               []Change `meta:"changes"`
	addressChanged        bool     `meta:"address_changed"`
	accountBindingChanged bool     `meta:"account_binding_changed"`
}

var connectionDefinitionUpdated = define[ConnectionDefinitionUpdated](Definition{
	Constant: CONNECTION_DEFINITION_UPDATED, Wire: "Connection Definition Updated", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetConnection, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(ConnectionDefinitionUpdatedNotPermitted, ConnectionDefinitionUpdatedAddressForbidden),
	OCSF:       ocsf(3004, 3, "Update"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"change"}},
	Trigger: "Emitted when a save alters a connection definition, including its address, account binding or " +
		"connector; not when a save changes nothing, and not for a reachability check.",
})

// NewConnectionDefinitionUpdated builds CONNECTION_DEFINITION_UPDATED.
func NewConnectionDefinitionUpdated(
	act Act, target ConnectionRef, changes []Change, addressChanged, accountBindingChanged bool,
) ConnectionDefinitionUpdated {
	return ConnectionDefinitionUpdated{
		base:    connectionDefinitionUpdated.Succeeded(act, target),
		changes: changes, addressChanged: addressChanged, accountBindingChanged: accountBindingChanged,
	}
}

// Denied turns the event into a refused attempt.
func (e ConnectionDefinitionUpdated) Denied(reason ConnectionDefinitionUpdatedReason) ConnectionDefinitionUpdated {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

// ConnectionDefinitionDeletedReason is a reason of CONNECTION_DEFINITION_DELETED.
type ConnectionDefinitionDeletedReason struct{ word }

// The reasons of CONNECTION_DEFINITION_DELETED.
var (
	ConnectionDefinitionDeletedNotPermitted = ConnectionDefinitionDeletedReason{word{"not_permitted"}}
	ConnectionDefinitionDeletedInUse        = ConnectionDefinitionDeletedReason{word{"in_use"}}
)

// ConnectionDefinitionDeleted is emitted when a connection definition is removed, so that no
// new session can use it.
//
// CONNECTION_DEFINITION_DELETED, "Connection Definition Deleted".
type ConnectionDefinitionDeleted struct {
	base
	protocol      Protocol `meta:"protocol"`
	addressHost   string   `meta:"address_host"`
	sessionsEnded int      `meta:"sessions_ended"`
}

var connectionDefinitionDeleted = define[ConnectionDefinitionDeleted](Definition{
	Constant: CONNECTION_DEFINITION_DELETED, Wire: "Connection Definition Deleted", Category: ConnectionsSessions,
	Severity: Info, TargetType: TargetConnection, Log: OrgLog,
	ActorTypes: []ActorType{TenantAdmin, ServiceAccount},
	Outcomes:   []Outcome{Success, Denied},
	Reasons:    texts(ConnectionDefinitionDeletedNotPermitted, ConnectionDefinitionDeletedInUse),
	OCSF:       ocsf(3004, 4, "Delete"),
	ECS:        ECS{Category: []string{"configuration"}, Type: []string{"deletion"}},
	Trigger: "Emitted when a connection definition is removed, so that no new session can use it; not when it is " +
		"only taken out of one Safe.",
})

// NewConnectionDefinitionDeleted builds CONNECTION_DEFINITION_DELETED.
func NewConnectionDefinitionDeleted(
	act Act, target ConnectionRef, protocol Protocol, addressHost string, sessionsEnded int,
) ConnectionDefinitionDeleted {
	return ConnectionDefinitionDeleted{
		base:     connectionDefinitionDeleted.Succeeded(act, target),
		protocol: protocol, addressHost: addressHost, sessionsEnded: sessionsEnded,
	}
}

// Denied turns the event into a refused attempt.
func (e ConnectionDefinitionDeleted) Denied(reason ConnectionDefinitionDeletedReason) ConnectionDefinitionDeleted {
	e.base = envelope.Deny(e.base, reason.text)
	return e
}

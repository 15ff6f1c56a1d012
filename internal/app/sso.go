package app

import (
	"context"
	"net"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/tenancy"
)

// lateLeaver is a part that tenancy tells of who leaves, and that is built after it.
type lateLeaver struct{ to tenancy.Leaver }

// UserLeft passes on.
func (l *lateLeaver) UserLeft(ctx context.Context, tx *db.Tx, act event.Act, org id.Org, user id.User) error {
	return l.to.UserLeft(ctx, tx, act, org, user)
}

// resolver asks one name server, or those of the machine.
func resolver(server string) *net.Resolver {
	if server == "" {
		return net.DefaultResolver
	}
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, server)
	}}
}

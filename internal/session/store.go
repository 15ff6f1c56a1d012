package session

import (
	"context"
	"fmt"
	"strings"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/session/sessionsql"
)

// statement is the one query whose shape depends on its filters, so that each of
// them can use its index. Ids sort by the time at which they were made, so they
// are order and cursor in one.
func (f Filter) statement(actor authz.Actor, whole bool, after string, read int32) (string, []any) {
	var b strings.Builder
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	b.WriteString("select " + sessionColumns + " from session s where s.org_id = " + arg(string(actor.Org)))
	is := func(column, value string) {
		if value != "" {
			b.WriteString(" and s." + column + " = " + arg(value))
		}
	}
	is("state", string(f.State))
	is("user_id", string(f.User))
	is("safe_id", string(f.Safe))
	is("resource_id", string(f.Resource))
	if !f.From.IsZero() {
		b.WriteString(" and s.requested_at >= " + arg(db.Micros(f.From)))
	}
	if !f.To.IsZero() {
		b.WriteString(" and s.requested_at < " + arg(db.Micros(f.To)))
	}
	if after != "" {
		b.WriteString(" and s.id < " + arg(after))
	}
	if !whole {
		me := arg(string(actor.User))
		b.WriteString(" and (s.user_id = " + me + " or exists (select 1 from safe_access m where m.org_id = s.org_id" +
			" and m.safe_id = s.safe_id and m.user_id = " + me + " and m.role = 'manager'))")
	}
	b.WriteString(" order by s.id desc limit " + arg(int64(read)))
	return b.String(), args
}

const sessionColumns = `s.org_id, s.id, s.state, s.user_id, s.user_name, s.user_email, s.token_id, s.token_name, s.via,
	s.safe_id, s.safe_name, s.resource_id, s.resource_name, s.account_id, s.account_name, s.username, s.protocol, s.client,
	s.client_version, s.source_ip, s.grant_id, s.request_id, s.server_id, s.requested_at, s.started_at, s.ended_at,
	s.expires_at, s.ended_by, s.end_reason, s.ended_by_name, s.end_comment, s.recording_id, s.exit_status, s.channels,
	s.bytes_to_target, s.bytes_from_target, s.access_request_id`

func selectSessions(ctx context.Context, tx *db.Tx, text string, args []any) ([]sessionsql.Session, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []sessionsql.Session
	for rows.Next() {
		var r sessionsql.Session
		if err := rows.Scan(&r.OrgID, &r.ID, &r.State, &r.UserID, &r.UserName, &r.UserEmail, &r.TokenID, &r.TokenName, &r.Via,
			&r.SafeID, &r.SafeName, &r.ResourceID, &r.ResourceName, &r.AccountID, &r.AccountName, &r.Username, &r.Protocol, &r.Client,
			&r.ClientVersion, &r.SourceIp, &r.GrantID, &r.RequestID, &r.ServerID, &r.RequestedAt, &r.StartedAt, &r.EndedAt,
			&r.ExpiresAt, &r.EndedBy, &r.EndReason, &r.EndedByName, &r.EndComment, &r.RecordingID, &r.ExitStatus, &r.Channels,
			&r.BytesToTarget, &r.BytesFromTarget, &r.AccessRequestID); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Role is a PostgreSQL role that a transaction takes on. None of them owns a
// table, so row-level security holds for all of them. On SQLite, whose file only
// this process opens, triggers hold what must hold.
type Role string

// The roles.
const (
	roleApp   Role = "vaultpam_app"       // everything the product does
	Sequencer Role = "vaultpam_sequencer" // may number audit events
	Pruner    Role = "vaultpam_pruner"    // may clear payloads whose time is over
)

// grants are the tables on which the application has less than all four rights,
// and those on which another role has any.
var grants = map[string]map[Role]string{
	"audit_event": {
		roleApp:   "select, insert",
		Sequencer: "select, update (seq)",
		Pruner:    "select, update (payload, salt, pruned_at)",
	},
	"audit_log":        {roleApp: "select, insert", Sequencer: "select, update"},
	"audit_search":     {roleApp: "select", Sequencer: "select, insert", Pruner: "select, delete"},
	"audit_tile":       {roleApp: "select", Sequencer: "select, insert, update"},
	"audit_checkpoint": {roleApp: "select", Sequencer: "select, insert"},
	"audit_key":        {roleApp: "select", Sequencer: "select, insert, update"},
	"audit_prune":      {roleApp: "select", Pruner: "select, insert, update"},
}

const (
	allRights = "select, insert, update, delete"
	policySQL = `create policy %s on %s to %s using (%s) with check (%s)`
	inScope   = `current_setting('vaultpam.org', true) in ('*', org_id)`
)

// grant makes the roles where they are missing and sets rights and row-level
// security on every table of the schema. It runs after each migration and
// changes nothing when nothing is new.
func (d *DB) grant(ctx context.Context) error {
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback()
	run := func(format string, args ...any) {
		if err == nil {
			_, err = tx.ExecContext(ctx, fmt.Sprintf(format, args...))
		}
	}
	// Roles belong to the whole cluster; two servers may start at once.
	run(`select pg_advisory_xact_lock(7305808869229538)`)
	for _, r := range []Role{roleApp, Sequencer, Pruner} {
		run(`do $$ begin create role %[1]s nologin; exception when duplicate_object or unique_violation then null; end $$`, r)
		run(`do $$ begin if not pg_has_role(current_user, '%[1]s', 'member') then grant %[1]s to current_user; end if; end $$`, r)
		run(`grant usage on schema public to %s`, r)
	}
	if err != nil {
		return fmt.Errorf("make the database roles (the login needs CREATEROLE, or an administrator makes %s, %s and %s and grants them to it): %w", roleApp, Sequencer, Pruner, err)
	}
	rows, err := tx.QueryContext(ctx, `
		select c.relname,
		       exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'org_id' and not a.attisdropped),
		       exists (select 1 from pg_policy p where p.polrelid = c.oid)
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname = current_schema() and c.relkind = 'r' and c.relname <> 'goose_db_version'
		order by 1`)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	type table struct {
		name           string
		tenant, policy bool
	}
	var tables []table
	for rows.Next() {
		var t table
		if err := rows.Scan(&t.name, &t.tenant, &t.policy); err != nil {
			return fmt.Errorf("list the tables: %w", err)
		}
		tables = append(tables, t)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	for _, t := range tables {
		name := pgx.Identifier{t.name}.Sanitize()
		rights := map[Role]string{roleApp: allRights}
		if special, ok := grants[t.name]; ok {
			rights = special
		}
		run(`revoke all on %s from %s, %s, %s`, name, roleApp, Sequencer, Pruner)
		for _, r := range []Role{roleApp, Sequencer, Pruner} {
			if rights[r] != "" {
				run(`grant %s on %s to %s`, rights[r], name, r)
			}
		}
		if t.tenant && !t.policy {
			run(`alter table %s enable row level security`, name)
			run(policySQL, "org_scope", name, roleApp, inScope, inScope)
			run(policySQL, "every_org", name, strings.Join([]string{string(Sequencer), string(Pruner)}, ", "), "true", "true")
		}
	}
	if err != nil {
		return fmt.Errorf("set the rights on the tables: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// TenantTables lists the tables that carry an organization, in this database.
func (d *DB) TenantTables(ctx context.Context) ([]string, error) {
	q := `select distinct m.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table' and c.name = 'org_id'`
	if d.engine == Postgres {
		q = `select table_name::text from information_schema.columns where table_schema = current_schema() and column_name = 'org_id'`
	}
	rows, err := d.write.QueryContext(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list tenant tables: %w", err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("list tenant tables: %w", err)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return out, rows.Err()
}

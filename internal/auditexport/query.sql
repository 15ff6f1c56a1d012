-- name: InsertGrant :exec
insert into audit_export_grant (org_id, action_id, user_id, first_seq, expires_at, uses_left, created_at)
values (sqlc.arg(org_id), sqlc.arg(action_id), sqlc.arg(user_id), sqlc.arg(first_seq), sqlc.arg(expires_at), sqlc.arg(uses_left), sqlc.arg(now));

-- name: LiveGrant :one
select * from audit_export_grant
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and first_seq <= sqlc.arg(first_seq) and expires_at > sqlc.arg(now) and uses_left > 0
order by expires_at, action_id limit 1;

-- name: UseGrant :execrows
update audit_export_grant set uses_left = uses_left - 1
where org_id = sqlc.arg(org_id) and action_id = sqlc.arg(action_id) and expires_at > sqlc.arg(now) and uses_left > 0;

-- name: DropOldGrants :exec
delete from audit_export_grant where org_id = sqlc.arg(org_id) and expires_at <= sqlc.arg(now);

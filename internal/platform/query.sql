-- name: HoldGate :execrows
update platform_gate set at = sqlc.arg(now) where id = 1;

-- name: InsertOperator :exec
insert into platform_operator (person_id, role, created_at, changed_at)
values (sqlc.arg(person_id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(now));

-- name: OperatorRole :one
select o.role from platform_operator o join person p on p.id = o.person_id
where o.person_id = $1 and p.state = 'active';

-- name: GetOperator :one
select o.*, p.email, p.handle, p.name from platform_operator o join person p on p.id = o.person_id where o.person_id = $1;

-- name: ListOperators :many
select o.*, p.email, p.handle, p.name from platform_operator o join person p on p.id = o.person_id
where p.handle > sqlc.arg(after) order by p.handle limit sqlc.arg(n);

-- name: CountAdmins :one
select count(*) from platform_operator o join person p on p.id = o.person_id
where o.role = 'platform_admin' and p.state = 'active';

-- name: SetOperatorRole :execrows
update platform_operator set role = sqlc.arg(role), changed_at = sqlc.arg(now)
where person_id = sqlc.arg(person_id) and role = sqlc.arg(old_role);

-- name: DeleteOperator :execrows
delete from platform_operator where person_id = sqlc.arg(person_id) and role = sqlc.arg(old_role);

-- name: InsertSetupLink :exec
insert into setup_link (id, token_hash, created_at, expires_at, used_at)
values (sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: SetupLinkByToken :one
select * from setup_link where token_hash = $1;

-- name: UseSetupLink :execrows
update setup_link set used_at = sqlc.arg(now) where id = sqlc.arg(id) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: DropUnusedSetupLinks :execrows
delete from setup_link where used_at = 0;

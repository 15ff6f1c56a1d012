-- name: InsertSafe :exec
insert into safe (org_id, id, name, description, resource_id, account_id, policy_id, policy, version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(description), sqlc.arg(resource_id), sqlc.arg(account_id),
    sqlc.arg(policy_id), sqlc.arg(policy), 1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: GetSafe :one
select s.id, s.name, s.description, s.policy_id, s.policy, s.version, s.created_at, s.updated_at,
    s.resource_id, r.name as resource_name, r.protocol, r.host, r.port,
    s.account_id, a.name as account_name, a.username, a.state as account_state,
    exists (select 1 from resource_host_key k where k.org_id = s.org_id and k.resource_id = s.resource_id) as pinned,
    coalesce(m.role, '') as role
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_member m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(id) and s.deleted_at is null;

-- name: ListSafes :many
select s.id, s.name, s.description, s.policy_id, s.policy, s.version, s.created_at, s.updated_at,
    s.resource_id, r.name as resource_name, r.protocol, r.host, r.port,
    s.account_id, a.name as account_name, a.username, a.state as account_state,
    exists (select 1 from resource_host_key k where k.org_id = s.org_id and k.resource_id = s.resource_id) as pinned,
    coalesce(m.role, '') as role
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_member m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.deleted_at is null and s.name > sqlc.arg(after)
    and (cast(sqlc.arg(everything) as boolean) or m.role is not null)
order by s.name limit sqlc.arg(read);

-- name: SafeIDByName :one
select id from safe where org_id = $1 and name = $2 and deleted_at is null;

-- name: UpdateSafe :execrows
update safe
set name = sqlc.arg(name), description = sqlc.arg(description), resource_id = sqlc.arg(resource_id),
    account_id = sqlc.arg(account_id), policy = sqlc.arg(policy), version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: DeleteSafe :execrows
update safe set version = version + 1, updated_at = sqlc.arg(now), deleted_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: HoldSafe :execrows
-- Changes of the members of one safe wait for each other here (PostgreSQL), so that
-- two managers cannot both leave as the last but one.
update safe set updated_at = updated_at where org_id = $1 and id = $2 and deleted_at is null;

-- name: SafesOnResource :many
select name from safe where org_id = $1 and resource_id = $2 and deleted_at is null order by name;

-- name: SafesOnAccount :many
select name from safe where org_id = $1 and account_id = $2 and deleted_at is null order by name;

-- name: Access :one
-- Asked each second for each live session: everything that decides, in one statement.
select s.id, s.name, s.policy_id, s.policy, s.version, s.resource_id, s.account_id, a.state as account_state,
    coalesce(m.role, '') as role
from safe s
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_member m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(id) and s.deleted_at is null;

-- name: InsertMember :exec
insert into safe_member (org_id, safe_id, user_id, id, role, added_at, added_by)
values (sqlc.arg(org_id), sqlc.arg(safe_id), sqlc.arg(user_id), sqlc.arg(id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(added_by));

-- name: GetMember :one
select m.id, m.user_id, m.role, m.added_at, m.added_by, p.name, p.handle, p.email
from safe_member m join person p on p.id = m.user_id
where m.org_id = $1 and m.safe_id = $2 and m.user_id = $3;

-- name: ListMembers :many
select m.id, m.user_id, m.role, m.added_at, m.added_by, p.name, p.handle, p.email
from safe_member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.safe_id = sqlc.arg(safe_id) and p.handle > sqlc.arg(after)
order by p.handle limit sqlc.arg(read);

-- name: AllMembers :many
select user_id, role from safe_member where org_id = $1 and safe_id = $2 order by user_id;

-- name: MembershipsOf :many
select m.safe_id, s.name, m.role from safe_member m
join safe s on s.org_id = m.org_id and s.id = m.safe_id
where m.org_id = $1 and m.user_id = $2 order by s.name;

-- name: ManagerCount :one
select count(*) from safe_member where org_id = $1 and safe_id = $2 and role = 'manager';

-- name: UpdateMember :execrows
update safe_member set role = sqlc.arg(role)
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: DeleteMember :execrows
delete from safe_member where org_id = $1 and safe_id = $2 and user_id = $3;

-- name: DeleteMembers :exec
delete from safe_member where org_id = $1 and safe_id = $2;

-- name: InsertOrganization :exec
insert into organization (id, slug, name, state, created_at, changed_at)
values (sqlc.arg(id), sqlc.arg(slug), sqlc.arg(name), 'active', sqlc.arg(now), sqlc.arg(now));

-- name: GetOrganization :one
select * from organization where id = $1;

-- name: ListOrganizations :many
select * from organization where slug > sqlc.arg(after) order by slug limit sqlc.arg(n);

-- name: HoldOrganization :execrows
update organization set changed_at = sqlc.arg(now) where id = sqlc.arg(id);

-- name: InsertMember :exec
insert into member (org_id, user_id, role, created_at, changed_at)
values (sqlc.arg(org_id), sqlc.arg(user_id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(now));

-- name: GetMember :one
select m.*, p.email, p.handle, p.name, p.state from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id);

-- name: ListMembers :many
select m.*, p.email, p.handle, p.name, p.state from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and p.handle > sqlc.arg(after) order by p.handle limit sqlc.arg(n);

-- name: CountOwners :one
select count(*) from member m join person p on p.id = m.user_id
where m.org_id = $1 and m.role = 'owner' and p.state = 'active';

-- name: SetRole :execrows
update member set role = sqlc.arg(role), changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: DeleteMember :execrows
delete from member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: MembershipsOf :many
-- platform-wide: where a person belongs is asked before the organization is chosen
select m.org_id, m.role, o.slug, o.name, cast(coalesce(s.required, false) as boolean) as sso_required,
    cast(coalesce((select max(i.last_used_at) from sso_identity i where i.org_id = m.org_id and i.user_id = m.user_id), 0) as bigint) as sso_at
from member m join organization o on o.id = m.org_id left join sso_setting s on s.org_id = m.org_id
where m.user_id = $1 and o.state = 'active' order by m.created_at, m.org_id;

-- name: RoleIn :one
select m.role from member m join organization o on o.id = m.org_id join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) and o.state = 'active' and p.state = 'active';

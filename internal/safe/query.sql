-- name: InsertSafe :exec
insert into safe (org_id, id, name, description, resource_id, account_id, policy_id, policy, version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(description), sqlc.arg(resource_id), sqlc.arg(account_id),
    sqlc.arg(policy_id), sqlc.arg(policy), 1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: GetSafe :one
select s.id, s.name, s.description, s.policy_id, s.policy, s.version, s.created_at, s.updated_at,
    s.resource_id, r.name as resource_name, r.protocol, r.host, r.port, r.labels,
    s.account_id, a.name as account_name, a.username, a.state as account_state,
    exists (select 1 from resource_host_key k where k.org_id = s.org_id and k.resource_id = s.resource_id) as pinned,
    coalesce(m.role, '') as role, cast(coalesce(m.ends_at, 0) as bigint) as role_ends
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_access m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(id) and s.deleted_at is null;

-- name: ListSafes :many
select s.id, s.name, s.description, s.policy_id, s.policy, s.version, s.created_at, s.updated_at,
    s.resource_id, r.name as resource_name, r.protocol, r.host, r.port, r.labels,
    s.account_id, a.name as account_name, a.username, a.state as account_state,
    exists (select 1 from resource_host_key k where k.org_id = s.org_id and k.resource_id = s.resource_id) as pinned,
    coalesce(m.role, '') as role, cast(coalesce(m.ends_at, 0) as bigint) as role_ends
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_access m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.deleted_at is null and s.name > sqlc.arg(after)
    and (cast(sqlc.arg(everything) as boolean) or m.role is not null)
    and (cast(sqlc.arg(low) as text) = '' or s.name like cast(sqlc.arg(low) as text) escape '!'
        or lower(s.description) like cast(sqlc.arg(low) as text) escape '!' or s.description like cast(sqlc.arg(typed) as text) escape '!'
        or lower(r.name) like cast(sqlc.arg(low) as text) escape '!' or lower(r.host) like cast(sqlc.arg(low) as text) escape '!'
        or lower(a.username) like cast(sqlc.arg(low) as text) escape '!')
    and (cast(sqlc.arg(named) as text) = '' or s.name = cast(sqlc.arg(named) as text))
    and (cast(sqlc.arg(resource_id) as text) = '' or s.resource_id = cast(sqlc.arg(resource_id) as text))
    and (cast(sqlc.arg(account_id) as text) = '' or s.account_id = cast(sqlc.arg(account_id) as text))
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

-- name: HoldOrganization :execrows
-- Changes of who reaches what wait for each other here (PostgreSQL), one at a time in an
-- organization: what is derived from rows of several tables is then derived from all of them,
-- and two managers cannot both leave as the last but one.
update organization set changed_at = changed_at where id = $1;

-- name: SafesOnResource :many
select name from safe where org_id = $1 and resource_id = $2 and deleted_at is null order by name;

-- name: SafeNamed :one
select id from safe where org_id = sqlc.arg(org_id) and name = sqlc.arg(name) and deleted_at is null;

-- name: SafesOnAccount :many
select name from safe where org_id = $1 and account_id = $2 and deleted_at is null order by name;

-- name: Access :one
-- Asked each second for each live session: everything that decides, in one statement.
select s.id, s.name, s.policy_id, s.policy, s.version, s.resource_id, s.account_id, a.state as account_state,
    coalesce(m.role, '') as role, cast(coalesce(m.ends_at, 0) as bigint) as role_ends
from safe s
join account a on a.org_id = s.org_id and a.id = s.account_id
left join safe_access m on m.org_id = s.org_id and m.safe_id = s.id and m.user_id = sqlc.arg(user_id)
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(id) and s.deleted_at is null;

-- name: InsertMember :exec
insert into safe_member (org_id, safe_id, user_id, id, role, added_at, added_by, ends_at)
values (sqlc.arg(org_id), sqlc.arg(safe_id), sqlc.arg(user_id), sqlc.arg(id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(added_by), sqlc.arg(ends_at));

-- name: GetMember :one
select m.id, m.user_id, m.role, m.added_at, m.added_by, m.ends_at, p.name, p.handle, p.email
from safe_member m join person p on p.id = m.user_id
where m.org_id = $1 and m.safe_id = $2 and m.user_id = $3;

-- name: ListMembers :many
select m.id, m.user_id, m.role, m.added_at, m.added_by, m.ends_at, p.name, p.handle, p.email
from safe_member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.safe_id = sqlc.arg(safe_id) and p.handle > sqlc.arg(after)
order by p.handle limit sqlc.arg(read);

-- name: EveryMember :many
select m.safe_id, s.name as safe_name, m.id, m.user_id, m.role, m.added_at, m.added_by, m.ends_at, p.name, p.handle, p.email
from safe_member m
join safe s on s.org_id = m.org_id and s.id = m.safe_id
join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.safe_id >= sqlc.arg(safe_id) and (m.safe_id > sqlc.arg(safe_id) or m.user_id > sqlc.arg(user_id))
order by m.safe_id, m.user_id limit sqlc.arg(read);

-- name: AllMembers :many
select user_id, role from safe_member where org_id = $1 and safe_id = $2 order by user_id;

-- name: MembershipsOf :many
select m.safe_id, s.name, m.role from safe_member m
join safe s on s.org_id = m.org_id and s.id = m.safe_id
where m.org_id = $1 and m.user_id = $2 order by s.name;

-- name: ManagerCount :one
select count(*) from safe_access where org_id = $1 and safe_id = $2 and role = 'manager';

-- name: UpdateMember :execrows
update safe_member set role = sqlc.arg(role)
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: DeleteMember :execrows
delete from safe_member where org_id = $1 and safe_id = $2 and user_id = $3;

-- name: DeleteMembers :exec
delete from safe_member where org_id = $1 and safe_id = $2;

-- name: DueMembers :many
-- platform-wide: the clock ends what is due in every organization
select org_id, safe_id, user_id from safe_member where ends_at <> 0 and ends_at <= sqlc.arg(now) order by ends_at limit 100;

-- name: DueAssignments :many
-- platform-wide: the clock ends what is due in every organization
select org_id, id, safe_id from safe_group where ends_at <> 0 and ends_at <= sqlc.arg(now) order by ends_at limit 100;

-- name: SourcesOfSafe :many
-- All that gives somebody a role on one safe: being a direct member, and being in a group.
select safe_id, user_id, role, '' as group_id, ends_at from safe_member where safe_member.org_id = sqlc.arg(org_id) and safe_member.safe_id = sqlc.arg(safe_id)
union all
select b.safe_id, gm.user_id, b.role, b.group_id, b.ends_at
from safe_group b join org_group_member gm on gm.org_id = b.org_id and gm.group_id = b.group_id
where b.org_id = sqlc.arg(org_id) and b.safe_id = sqlc.arg(safe_id);

-- name: SourcesOfUser :many
select safe_id, user_id, role, '' as group_id, ends_at from safe_member where safe_member.org_id = sqlc.arg(org_id) and safe_member.user_id = sqlc.arg(user_id)
union all
select b.safe_id, gm.user_id, b.role, b.group_id, b.ends_at
from org_group_member gm join safe_group b on b.org_id = gm.org_id and b.group_id = gm.group_id
where gm.org_id = sqlc.arg(org_id) and gm.user_id = sqlc.arg(user_id);

-- name: SourcesOf :many
select safe_id, user_id, role, '' as group_id, ends_at from safe_member
where safe_member.org_id = sqlc.arg(org_id) and safe_member.safe_id = sqlc.arg(safe_id) and safe_member.user_id = sqlc.arg(user_id)
union all
select b.safe_id, gm.user_id, b.role, b.group_id, b.ends_at
from safe_group b join org_group_member gm on gm.org_id = b.org_id and gm.group_id = b.group_id and gm.user_id = sqlc.arg(user_id)
where b.org_id = sqlc.arg(org_id) and b.safe_id = sqlc.arg(safe_id);

-- name: ReachOfSafe :many
select * from safe_access where org_id = $1 and safe_id = $2;

-- name: ReachOfUser :many
select * from safe_access where org_id = $1 and user_id = $2;

-- name: ReachOf :many
select * from safe_access where org_id = $1 and safe_id = $2 and user_id = $3;

-- name: DeleteReach :exec
delete from safe_access where org_id = $1 and safe_id = $2;

-- name: WhoCan :many
select a.user_id, a.role, a.direct_role, a.group_role, a.group_id, a.ends_at, p.name, p.handle, p.email, coalesce(g.name, '') as group_name
from safe_access a
join person p on p.id = a.user_id
left join org_group g on g.org_id = a.org_id and g.id = a.group_id
where a.org_id = sqlc.arg(org_id) and a.safe_id = sqlc.arg(safe_id) and p.handle > sqlc.arg(after)
order by p.handle limit sqlc.arg(read);

-- name: WhatCan :many
select a.safe_id, a.role, a.direct_role, a.group_role, a.group_id, a.ends_at, s.name, s.description, coalesce(g.name, '') as group_name
from safe_access a
join safe s on s.org_id = a.org_id and s.id = a.safe_id
left join org_group g on g.org_id = a.org_id and g.id = a.group_id
where a.org_id = sqlc.arg(org_id) and a.user_id = sqlc.arg(user_id) and s.name > sqlc.arg(after)
order by s.name limit sqlc.arg(read);

-- name: WaysOfUser :many
-- All that gives a person a role on the safes of one page of WhatCan.
select m.safe_id, m.role, '' as group_id, '' as group_name, m.ends_at
from safe_member m
join safe s on s.org_id = m.org_id and s.id = m.safe_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) and s.name >= sqlc.arg(first) and s.name <= sqlc.arg(last)
union all
select b.safe_id, b.role, b.group_id, g.name, b.ends_at
from org_group_member gm
join safe_group b on b.org_id = gm.org_id and b.group_id = gm.group_id
join org_group g on g.org_id = b.org_id and g.id = b.group_id
join safe s on s.org_id = b.org_id and s.id = b.safe_id
where gm.org_id = sqlc.arg(org_id) and gm.user_id = sqlc.arg(user_id) and s.name >= sqlc.arg(first) and s.name <= sqlc.arg(last);

-- name: WaysTo :many
-- All that gives a person a role on one safe.
select m.role, '' as group_id, m.ends_at from safe_member m
where m.org_id = sqlc.arg(org_id) and m.safe_id = sqlc.arg(safe_id) and m.user_id = sqlc.arg(user_id)
union all
select b.role, b.group_id, b.ends_at from safe_group b
join org_group_member gm on gm.org_id = b.org_id and gm.group_id = b.group_id and gm.user_id = sqlc.arg(user_id)
where b.org_id = sqlc.arg(org_id) and b.safe_id = sqlc.arg(safe_id);

-- name: BoundRole :one
select role from safe_group where org_id = $1 and safe_id = $2 and group_id = $3;

-- name: OrgMember :one
select user_id from member where org_id = $1 and user_id = $2;

-- name: GetGroup :one
select id, name from org_group where org_id = $1 and id = $2;

-- name: InsertAssignment :exec
insert into safe_group (org_id, id, safe_id, group_id, role, ends_at, version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(safe_id), sqlc.arg(group_id), sqlc.arg(role), sqlc.arg(ends_at), 1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: GetAssignment :one
select b.*, g.name as group_name, g.source, s.name as safe_name,
    (select count(*) from org_group_member gm where gm.org_id = b.org_id and gm.group_id = b.group_id) as members
from safe_group b
join org_group g on g.org_id = b.org_id and g.id = b.group_id
join safe s on s.org_id = b.org_id and s.id = b.safe_id
where b.org_id = sqlc.arg(org_id) and b.safe_id = sqlc.arg(safe_id) and b.group_id = sqlc.arg(group_id);

-- name: ListAssignments :many
select b.*, g.name as group_name, g.source, s.name as safe_name,
    (select count(*) from org_group_member gm where gm.org_id = b.org_id and gm.group_id = b.group_id) as members
from safe_group b
join org_group g on g.org_id = b.org_id and g.id = b.group_id
join safe s on s.org_id = b.org_id and s.id = b.safe_id
where b.org_id = sqlc.arg(org_id) and b.safe_id = sqlc.arg(safe_id) and g.match_name > sqlc.arg(after)
order by g.match_name limit sqlc.arg(read);

-- name: EveryAssignment :many
select b.id, b.safe_id, b.group_id, b.role, b.ends_at, b.version, b.created_at, b.created_by, g.name as group_name, g.source, s.name as safe_name
from safe_group b
join org_group g on g.org_id = b.org_id and g.id = b.group_id
join safe s on s.org_id = b.org_id and s.id = b.safe_id
where b.org_id = sqlc.arg(org_id) and b.safe_id >= sqlc.arg(safe_id) and (b.safe_id > sqlc.arg(safe_id) or b.group_id > sqlc.arg(group_id))
order by b.safe_id, b.group_id limit sqlc.arg(read);

-- name: AssignmentsOfGroup :many
select b.id, b.safe_id, b.role, b.ends_at, s.name as safe_name, coalesce(a.role, '') as my_role
from safe_group b
join safe s on s.org_id = b.org_id and s.id = b.safe_id
left join safe_access a on a.org_id = b.org_id and a.safe_id = b.safe_id and a.user_id = sqlc.arg(user_id)
where b.org_id = sqlc.arg(org_id) and b.group_id = sqlc.arg(group_id)
order by s.name;

-- name: AssignmentsOfSafe :many
select id, group_id, role from safe_group where org_id = $1 and safe_id = $2 order by id;

-- name: UpdateAssignment :execrows
update safe_group set role = sqlc.arg(role), ends_at = sqlc.arg(ends_at), version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version);

-- name: DeleteAssignment :execrows
delete from safe_group where org_id = $1 and id = $2;

-- name: DeleteDueAssignment :one
delete from safe_group where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ends_at <> 0 and ends_at <= sqlc.arg(now)
returning id, safe_id, group_id, role;

-- name: DeleteDueMember :one
delete from safe_member
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id) and ends_at <> 0 and ends_at <= sqlc.arg(now)
returning role;

-- name: DeleteAssignmentsOfSafe :exec
delete from safe_group where org_id = $1 and safe_id = $2;

-- name: DeleteAssignmentsOfGroup :exec
delete from safe_group where org_id = $1 and group_id = $2;

-- name: SafeName :one
-- Also of one that is deleted.
select name from safe where org_id = $1 and id = $2;

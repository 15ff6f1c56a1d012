-- name: Facts :one
-- All that a decision needs beside the safe's own row.
select p.handle, p.email, p.state as person_state, cast(coalesce(m.role, '') as text) as role,
    s.name as safe_name, r.name as resource_name, r.protocol, r.host, r.labels,
    cast(coalesce(v.version, 0) as bigint) as set_version
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join person p on p.id = sqlc.arg(user_id)
left join member m on m.org_id = s.org_id and m.user_id = p.id and m.suspended_at = 0
left join access_policy_set v on v.org_id = s.org_id
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(safe_id);

-- name: SetVersion :one
select version from access_policy_set where org_id = $1;

-- name: BumpSet :one
insert into access_policy_set (org_id, version, changed_at)
values (sqlc.arg(org_id), 1, sqlc.arg(now))
on conflict (org_id) do update set version = access_policy_set.version + 1, changed_at = excluded.changed_at
returning version;

-- name: AllPolicies :many
select * from access_policy where org_id = $1 and deleted_at is null order by priority, id;

-- name: AllAssignments :many
select a.policy_id, a.safe_id, s.name as safe_name from access_policy_safe a
join safe s on s.org_id = a.org_id and s.id = a.safe_id
where a.org_id = $1 and s.deleted_at is null order by a.policy_id, s.name;

-- name: GetPolicy :one
select * from access_policy where org_id = $1 and id = $2 and deleted_at is null;

-- name: ListPolicies :many
select p.* from access_policy p
where p.org_id = sqlc.arg(org_id) and p.deleted_at is null and p.name > sqlc.arg(after)
    and (cast(sqlc.arg(safe_id) as text) = '' or p.everywhere or exists (
        select 1 from access_policy_safe a where a.org_id = p.org_id and a.policy_id = p.id and a.safe_id = sqlc.arg(safe_id)))
order by p.name limit sqlc.arg(read);

-- name: AssignmentsOf :many
select a.safe_id, s.name from access_policy_safe a
join safe s on s.org_id = a.org_id and s.id = a.safe_id
where a.org_id = $1 and a.policy_id = $2 and s.deleted_at is null order by s.name;

-- name: CountPolicies :one
select count(*) from access_policy where org_id = $1 and deleted_at is null;

-- name: InsertPolicy :exec
insert into access_policy (org_id, id, name, description, text, enabled, everywhere, priority, version, created_at, created_by, updated_at, updated_by)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(description), sqlc.arg(text), sqlc.arg(enabled), sqlc.arg(everywhere),
    sqlc.arg(priority), 1, sqlc.arg(now), sqlc.arg(changed_by), sqlc.arg(now), sqlc.arg(changed_by));

-- name: UpdatePolicy :execrows
update access_policy
set name = sqlc.arg(name), description = sqlc.arg(description), text = sqlc.arg(text), enabled = sqlc.arg(enabled),
    everywhere = sqlc.arg(everywhere), priority = sqlc.arg(priority), version = version + 1, updated_at = sqlc.arg(now), updated_by = sqlc.arg(changed_by)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: DeletePolicy :execrows
update access_policy set version = version + 1, updated_at = sqlc.arg(now), updated_by = sqlc.arg(changed_by), deleted_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: Assign :exec
insert into access_policy_safe (org_id, policy_id, safe_id, assigned_at, assigned_by)
values (sqlc.arg(org_id), sqlc.arg(policy_id), sqlc.arg(safe_id), sqlc.arg(now), sqlc.arg(assigned_by));

-- name: Unassign :exec
delete from access_policy_safe where org_id = $1 and policy_id = $2 and safe_id = $3;

-- name: InsertVersion :exec
insert into access_policy_version (org_id, policy_id, version, change, name, description, text, enabled, everywhere, priority, safes, comment, changed_at, changed_by, changed_by_name)
values (sqlc.arg(org_id), sqlc.arg(policy_id), sqlc.arg(version), sqlc.arg(change), sqlc.arg(name), sqlc.arg(description), sqlc.arg(text), sqlc.arg(enabled),
    sqlc.arg(everywhere), sqlc.arg(priority), sqlc.arg(safes), sqlc.arg(comment), sqlc.arg(now), sqlc.arg(changed_by), sqlc.arg(changed_by_name));

-- name: ListVersions :many
select * from access_policy_version
where org_id = sqlc.arg(org_id) and policy_id = sqlc.arg(policy_id) and version < sqlc.arg(before)
order by version desc limit sqlc.arg(read);

-- name: GetVersion :one
select * from access_policy_version where org_id = $1 and policy_id = $2 and version = $3;

-- name: SafesByID :many
select id, name from safe where org_id = $1 and deleted_at is null order by name;

-- name: SafeName :one
select name from safe where org_id = $1 and id = $2 and deleted_at is null;

-- name: ApproversOf :many
select m.user_id, p.handle from safe_access m
join person p on p.id = m.user_id
join member o on o.org_id = m.org_id and o.user_id = m.user_id and o.suspended_at = 0
where m.org_id = sqlc.arg(org_id) and m.safe_id = sqlc.arg(safe_id) and m.role in ('approver', 'manager') and p.state = 'active'
order by p.handle limit sqlc.arg(read);

-- name: PersonNamed :one
select p.handle, p.email, p.state, m.role, m.suspended_at from member m join person p on p.id = m.user_id
where m.org_id = $1 and m.user_id = $2;

-- name: InsertDecision :exec
insert into launch_decision (org_id, event_id, at, user_id, safe_id, outcome, why, policy_id, question, settings)
values (sqlc.arg(org_id), sqlc.arg(event_id), sqlc.arg(at), sqlc.arg(user_id), sqlc.arg(safe_id), sqlc.arg(outcome), sqlc.arg(why),
    sqlc.arg(policy_id), sqlc.arg(question), sqlc.arg(settings));

-- name: Decisions :many
select event_id, at, outcome, why, policy_id, question, settings from launch_decision
where org_id = sqlc.arg(org_id) and at >= sqlc.arg(since)
order by at desc limit sqlc.arg(read);

-- name: CountDecisions :one
select count(*) from launch_decision where org_id = $1 and at >= $2;

-- name: PurgeDecisions :execrows
-- platform-wide: the clock clears what is too old in every organization
delete from launch_decision where at < $1;

-- name: GroupExists :one
select count(*) from org_group where org_id = $1 and id = $2;

-- name: MemberExists :one
select count(*) from member where org_id = $1 and user_id = $2;

-- name: RoleOn :one
select role from safe_access where org_id = $1 and safe_id = $2 and user_id = $3;

-- name: SafeCandidates :many
-- Who has a role on a safe, in the order of their handles, with all that decisions look at.
select m.user_id, m.role as safe_role, p.handle, p.email, o.role, p.state
from safe_access m
join person p on p.id = m.user_id
join member o on o.org_id = m.org_id and o.user_id = m.user_id and o.suspended_at = 0
where m.org_id = sqlc.arg(org_id) and m.safe_id = sqlc.arg(safe_id) and p.handle > sqlc.arg(after)
order by p.handle limit sqlc.arg(read);

-- name: PersonCandidates :many
-- The safes on which somebody has a role, in the order of their names.
select m.safe_id, m.role as safe_role, s.name, s.policy, s.version, s.resource_id, s.account_id, r.name as resource_name, r.protocol, r.host, r.labels, a.state as account_state
from safe_access m
join safe s on s.org_id = m.org_id and s.id = m.safe_id and s.deleted_at is null
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) and s.name > sqlc.arg(after)
order by s.name limit sqlc.arg(read);

-- name: GroupMembers :many
select g.user_id, p.handle from org_group_member g
join person p on p.id = g.user_id
join member m on m.org_id = g.org_id and m.user_id = g.user_id and m.suspended_at = 0
where g.org_id = sqlc.arg(org_id) and g.group_id = sqlc.arg(group_id) and p.state = 'active'
order by p.handle limit sqlc.arg(read);

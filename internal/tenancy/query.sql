-- name: InsertOrganization :exec
insert into organization (id, slug, name, state, created_at, changed_at)
values (sqlc.arg(id), sqlc.arg(slug), sqlc.arg(name), 'active', sqlc.arg(now), sqlc.arg(now));

-- name: GetOrganization :one
select * from organization where id = $1;

-- name: OverviewOrganizations :many
-- platform-wide: operators see how large organizations are, and nothing of what is theirs
select o.*, cast(coalesce(s.seat_limit, 0) as bigint) as seat_limit, cast(coalesce(s.settings, '{}') as text) as settings, cast(coalesce(d.required, false) as boolean) as sso_required,
    (select count(*) from member m where m.org_id = o.id) as members,
    (select count(*) from invitation i where i.org_id = o.id and i.state = 'pending') as invited
from organization o left join organization_setting s on s.org_id = o.id left join sso_setting d on d.org_id = o.id
where o.slug > sqlc.arg(after) and (cast(sqlc.arg(id) as text) = '' or o.id = cast(sqlc.arg(id) as text)) order by o.slug limit sqlc.arg(n);

-- name: HoldOrganization :execrows
update organization set changed_at = sqlc.arg(now) where id = sqlc.arg(id);

-- name: InsertMember :exec
insert into member (org_id, user_id, role, created_at, changed_at)
values (sqlc.arg(org_id), sqlc.arg(user_id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(now));

-- name: GetMember :one
select m.*, p.email, p.handle, p.name, p.state from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id);

-- name: ListMembers :many
select m.*, p.email, p.handle, p.name, p.state,
    cast((select count(*) from mfa_factor f where f.person_id = p.id and f.confirmed_at <> 0)
        + (select count(*) from webauthn_credential w where w.person_id = p.id) as bigint) as factors
from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and p.handle > sqlc.arg(after)
and (cast(sqlc.arg(role) as text) = '' or m.role = cast(sqlc.arg(role) as text))
and (cast(sqlc.arg(people) as text) = '' or p.email not like cast(sqlc.arg(people) as text))
and (cast(sqlc.arg(service) as text) = '' or p.email like cast(sqlc.arg(service) as text))
and (cast(sqlc.arg(low) as text) = '' or p.handle like cast(sqlc.arg(low) as text) escape '!' or p.email like cast(sqlc.arg(low) as text) escape '!'
    or lower(p.name) like cast(sqlc.arg(low) as text) escape '!' or p.name like cast(sqlc.arg(typed) as text) escape '!'
    or m.user_id = cast(sqlc.arg(exact) as text))
order by p.handle limit sqlc.arg(n);

-- name: CountOtherOwners :one
select count(*) from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id <> sqlc.arg(user_id) and m.role = 'owner' and m.suspended_at = 0 and p.state = 'active';

-- name: SetRole :execrows
update member set role = sqlc.arg(role), changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: SuspendMember :execrows
-- What they had launched is over, also when they are resumed before the clock looks.
update member set suspended_at = sqlc.arg(now), void_before = sqlc.arg(now), changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(role) and suspended_at = 0;

-- name: ResumeMember :execrows
update member set suspended_at = 0, changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(role) and suspended_at <> 0;

-- name: DeleteMember :execrows
delete from member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and role = sqlc.arg(old_role);

-- name: MembershipsOf :many
-- platform-wide: where a person belongs is asked before the organization is chosen
select m.org_id, m.role, o.slug, o.name, cast(coalesce(s.required, false) as boolean) as sso_required,
    cast(coalesce((select max(i.last_used_at) from sso_identity i where i.org_id = m.org_id and i.user_id = m.user_id), 0) as bigint) as sso_at
from member m join organization o on o.id = m.org_id left join sso_setting s on s.org_id = m.org_id
where m.user_id = $1 and m.suspended_at = 0 and o.state = 'active' order by m.created_at, m.org_id;

-- name: RoleIn :one
select m.role from member m join organization o on o.id = m.org_id join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) and m.suspended_at = 0 and o.state = 'active' and p.state = 'active';

-- name: InvitedMember :exec
insert into member (org_id, user_id, role, require_mfa, created_at, changed_at)
values (sqlc.arg(org_id), sqlc.arg(user_id), sqlc.arg(role), sqlc.arg(require_mfa), sqlc.arg(now), sqlc.arg(now));

-- name: MemberByEmail :one
select m.user_id from member m join person p on p.id = m.user_id where m.org_id = sqlc.arg(org_id) and p.email = sqlc.arg(email);

-- name: CountMembers :one
select count(*) from member where org_id = $1;

-- name: GetSettings :one
select * from organization_setting where org_id = $1;

-- name: InsertSettings :execrows
insert into organization_setting (org_id, version, settings, idle_us, absolute_us, smtp_password, seat_limit, changed_at)
values (sqlc.arg(org_id), 1, sqlc.arg(settings), sqlc.arg(idle_us), sqlc.arg(absolute_us), sqlc.arg(smtp_password), sqlc.arg(seat_limit), sqlc.arg(now))
on conflict do nothing;

-- name: UpdateSettings :execrows
update organization_setting set version = version + 1, settings = sqlc.arg(settings), idle_us = sqlc.arg(idle_us), absolute_us = sqlc.arg(absolute_us),
    smtp_password = sqlc.arg(smtp_password), seat_limit = sqlc.arg(seat_limit), changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and version = sqlc.arg(old);

-- name: NextSettingsVersion :one
insert into organization_setting (org_id, version, settings, idle_us, absolute_us, smtp_password, seat_limit, changed_at)
values (sqlc.arg(org_id), 1, '{}', 0, 0, sqlc.arg(empty), 0, sqlc.arg(now))
on conflict (org_id) do update set version = organization_setting.version + 1, changed_at = excluded.changed_at
returning version;

-- name: InsertSettingChange :exec
insert into organization_setting_change (org_id, version, group_name, changes, weakened, actor_id, actor_name, changed_at)
values (sqlc.arg(org_id), sqlc.arg(version), sqlc.arg(group_name), sqlc.arg(changes), sqlc.arg(weakened), sqlc.arg(actor_id),
        sqlc.arg(actor_name), sqlc.arg(now));

-- name: ListSettingChanges :many
select * from organization_setting_change where org_id = sqlc.arg(org_id)
and (version < sqlc.arg(before) or (version = sqlc.arg(before) and group_name > sqlc.arg(after_group)))
order by version desc, group_name limit sqlc.arg(n);

-- name: RenameOrganization :execrows
update organization set name = sqlc.arg(name), changed_at = sqlc.arg(now) where id = sqlc.arg(id);

-- name: SetOrganizationState :execrows
update organization set state = sqlc.arg(state), deleted_at = sqlc.arg(deleted_at), suspended_at = sqlc.arg(suspended_at),
    state_comment = sqlc.arg(state_comment), changed_at = sqlc.arg(now)
where id = sqlc.arg(id) and state = sqlc.arg(old) and deleted_at = 0;

-- name: OrganizationBySlug :one
select id from organization where slug = $1;

-- name: OwnFactorDemanded :one
select require_mfa from member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: PersonEmail :one
select email from person where id = $1;

-- name: HoldRetention :execrows
-- Whoever deletes what is too old, and whoever sets a legal hold, is alone at it.
update organization set changed_at = changed_at where id = $1;

-- name: LegalHolds :many
select * from legal_hold where org_id = $1 order by by_platform;

-- name: InsertLegalHold :execrows
insert into legal_hold (org_id, by_platform, reason, set_at, set_by, set_by_name)
values (sqlc.arg(org_id), sqlc.arg(by_platform), sqlc.arg(reason), sqlc.arg(now), sqlc.arg(set_by), sqlc.arg(set_by_name))
on conflict do nothing;

-- name: DeleteLegalHold :execrows
delete from legal_hold where org_id = sqlc.arg(org_id) and by_platform = sqlc.arg(by_platform);

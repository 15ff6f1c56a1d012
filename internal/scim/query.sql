-- name: InsertToken :exec
insert into scim_token (org_id, id, name, token_hash, created_by, created_at, expires_at, last_used_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(token_hash), sqlc.arg(created_by), sqlc.arg(now), sqlc.arg(expires_at), 0, 0);

-- name: ListTokens :many
select * from scim_token where org_id = sqlc.arg(org_id) and ended_at = 0 and id > sqlc.arg(after) order by id limit sqlc.arg(n);

-- name: GetToken :one
select * from scim_token where org_id = $1 and id = $2 and ended_at = 0;

-- name: EndToken :execrows
update scim_token set ended_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0;

-- name: TouchToken :exec
update scim_token set last_used_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: TokenByHash :one
-- platform-wide: who shows a token does not say of which organization it is
select t.*, o.name as org_name from scim_token t join organization o on o.id = t.org_id
where t.token_hash = $1 and t.ended_at = 0 and o.state = 'active';

-- name: Setting :one
select * from scim_setting where org_id = $1;

-- name: SetSetting :exec
insert into scim_setting (org_id, default_role, roles, changed_at) values (sqlc.arg(org_id), sqlc.arg(default_role), sqlc.arg(roles), sqlc.arg(now))
on conflict (org_id) do update set default_role = excluded.default_role, roles = excluded.roles, changed_at = excluded.changed_at;

-- name: HoldOrganization :execrows
update organization set changed_at = sqlc.arg(now) where id = sqlc.arg(id);

-- name: OrganizationName :one
select name from organization where id = $1;

-- name: InsertUser :exec
insert into scim_user (org_id, user_id, user_name, match_name, external_id, email, display, given, family, active, version, created_at, changed_at)
values (sqlc.arg(org_id), sqlc.arg(user_id), sqlc.arg(user_name), sqlc.arg(match_name), sqlc.arg(external_id), sqlc.arg(email), sqlc.arg(display),
    sqlc.arg(given), sqlc.arg(family), sqlc.arg(active), 1, sqlc.arg(now), sqlc.arg(now));

-- name: UpdateUser :execrows
update scim_user set user_name = sqlc.arg(user_name), match_name = sqlc.arg(match_name), external_id = sqlc.arg(external_id), email = sqlc.arg(email),
    display = sqlc.arg(display), given = sqlc.arg(given), family = sqlc.arg(family), active = sqlc.arg(active), version = version + 1, changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: GetUser :one
select * from scim_user where org_id = $1 and user_id = $2;

-- name: DeleteUser :execrows
delete from scim_user where org_id = $1 and user_id = $2;

-- name: ListUsers :many
select * from scim_user where org_id = sqlc.arg(org_id)
and (cast(sqlc.arg(match_name) as text) = '' or match_name = cast(sqlc.arg(match_name) as text))
and (cast(sqlc.arg(external_id) as text) = '' or external_id = cast(sqlc.arg(external_id) as text))
and (cast(sqlc.arg(email) as text) = '' or email = cast(sqlc.arg(email) as text))
and (cast(sqlc.arg(user_id) as text) = '' or user_id = cast(sqlc.arg(user_id) as text))
and (cast(sqlc.arg(active) as text) = '' or active = (cast(sqlc.arg(active) as text) = 'true'))
order by user_id limit sqlc.arg(n) offset sqlc.arg(skip);

-- name: CountUsers :one
select count(*) from scim_user where org_id = sqlc.arg(org_id)
and (cast(sqlc.arg(match_name) as text) = '' or match_name = cast(sqlc.arg(match_name) as text))
and (cast(sqlc.arg(external_id) as text) = '' or external_id = cast(sqlc.arg(external_id) as text))
and (cast(sqlc.arg(email) as text) = '' or email = cast(sqlc.arg(email) as text))
and (cast(sqlc.arg(user_id) as text) = '' or user_id = cast(sqlc.arg(user_id) as text))
and (cast(sqlc.arg(active) as text) = '' or active = (cast(sqlc.arg(active) as text) = 'true'));

-- name: AllUsers :many
select user_id from scim_user where org_id = $1 and active order by user_id;

-- name: InsertGroup :exec
insert into scim_group (org_id, id, display, match_name, external_id, version, created_at, changed_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(display), sqlc.arg(match_name), sqlc.arg(external_id), 1, sqlc.arg(now), sqlc.arg(now));

-- name: UpdateGroup :execrows
update scim_group set display = sqlc.arg(display), match_name = sqlc.arg(match_name), external_id = sqlc.arg(external_id), version = version + 1, changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: GetGroup :one
select * from scim_group where org_id = $1 and id = $2;

-- name: DeleteGroup :execrows
delete from scim_group where org_id = $1 and id = $2;

-- name: ListGroups :many
select * from scim_group where scim_group.org_id = sqlc.arg(org_id)
and (cast(sqlc.arg(match_name) as text) = '' or match_name = cast(sqlc.arg(match_name) as text))
and (cast(sqlc.arg(external_id) as text) = '' or external_id = cast(sqlc.arg(external_id) as text))
and (cast(sqlc.arg(id) as text) = '' or id = cast(sqlc.arg(id) as text))
and (cast(sqlc.arg(user_id) as text) = '' or exists (select 1 from scim_group_member m where m.org_id = scim_group.org_id and m.group_id = scim_group.id
    and m.user_id = cast(sqlc.arg(user_id) as text)))
order by id limit sqlc.arg(n) offset sqlc.arg(skip);

-- name: CountGroups :one
select count(*) from scim_group where scim_group.org_id = sqlc.arg(org_id)
and (cast(sqlc.arg(match_name) as text) = '' or match_name = cast(sqlc.arg(match_name) as text))
and (cast(sqlc.arg(external_id) as text) = '' or external_id = cast(sqlc.arg(external_id) as text))
and (cast(sqlc.arg(id) as text) = '' or id = cast(sqlc.arg(id) as text))
and (cast(sqlc.arg(user_id) as text) = '' or exists (select 1 from scim_group_member m where m.org_id = scim_group.org_id and m.group_id = scim_group.id
    and m.user_id = cast(sqlc.arg(user_id) as text)));

-- name: MembersOf :many
select m.user_id, u.user_name from scim_group_member m join scim_user u on u.org_id = m.org_id and u.user_id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.group_id = sqlc.arg(group_id) order by m.user_id;

-- name: MembersBetween :many
select m.group_id, m.user_id, u.user_name from scim_group_member m join scim_user u on u.org_id = m.org_id and u.user_id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.group_id >= sqlc.arg(first) and m.group_id <= sqlc.arg(last) order by m.group_id, m.user_id;

-- name: TouchUser :exec
update scim_user set version = version + 1, changed_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: TouchGroupsOf :exec
update scim_group set version = version + 1, changed_at = sqlc.arg(now) where scim_group.org_id = sqlc.arg(org_id)
and id in (select m.group_id from scim_group_member m where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id));

-- name: GroupsOf :many
select g.id, g.display from scim_group_member m join scim_group g on g.org_id = m.org_id and g.id = m.group_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) order by g.id;

-- name: AddMember :exec
insert into scim_group_member (org_id, group_id, user_id) values (sqlc.arg(org_id), sqlc.arg(group_id), sqlc.arg(user_id))
on conflict (org_id, group_id, user_id) do nothing;

-- name: RemoveMember :exec
delete from scim_group_member where org_id = sqlc.arg(org_id) and group_id = sqlc.arg(group_id) and user_id = sqlc.arg(user_id);

-- name: LeaveGroups :exec
delete from scim_group_member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: PushedUsers :many
select sqlc.embed(u), cast(coalesce(m.role, '') as text) as role
from scim_user u left join member m on m.org_id = u.org_id and m.user_id = u.user_id
where u.org_id = sqlc.arg(org_id) and u.match_name > sqlc.arg(after) order by u.match_name limit sqlc.arg(n);

-- name: PushedGroups :many
select g.*, cast((select count(*) from scim_group_member m where m.org_id = g.org_id and m.group_id = g.id) as bigint) as members
from scim_group g where g.org_id = sqlc.arg(org_id) and g.match_name > sqlc.arg(after) order by g.match_name limit sqlc.arg(n);

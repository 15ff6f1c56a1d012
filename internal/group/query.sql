-- name: InsertGroup :exec
insert into org_group (org_id, id, name, match_name, description, source, provider_id, claim, version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(match_name), sqlc.arg(description), sqlc.arg(source), sqlc.arg(provider_id), sqlc.arg(claim),
    1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: GetGroup :one
select g.*, (select count(*) from org_group_member m where m.org_id = g.org_id and m.group_id = g.id) as members,
    (select count(*) from safe_group b where b.org_id = g.org_id and b.group_id = g.id) as safes
from org_group g where g.org_id = $1 and g.id = $2;

-- name: ListGroups :many
select g.*, (select count(*) from org_group_member m where m.org_id = g.org_id and m.group_id = g.id) as members,
    (select count(*) from safe_group b where b.org_id = g.org_id and b.group_id = g.id) as safes
from org_group g
where g.org_id = sqlc.arg(org_id) and g.match_name > sqlc.arg(after)
    and (cast(sqlc.arg(part) as text) = '' or g.match_name like cast(sqlc.arg(part) as text) escape '\')
    and (cast(sqlc.arg(user_id) as text) = '' or exists (
        select 1 from org_group_member m where m.org_id = g.org_id and m.group_id = g.id and m.user_id = cast(sqlc.arg(user_id) as text)))
order by g.match_name limit sqlc.arg(read);

-- name: UpdateGroup :execrows
update org_group set name = sqlc.arg(name), match_name = sqlc.arg(match_name), description = sqlc.arg(description), source = sqlc.arg(source),
    provider_id = sqlc.arg(provider_id), claim = sqlc.arg(claim), version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version);

-- name: DeleteGroup :execrows
delete from org_group where org_id = $1 and id = $2 and version = $3;

-- name: HoldOrganization :one
-- Changes of who reaches what wait for each other here (PostgreSQL).
update organization set changed_at = changed_at where id = $1 returning name;

-- name: MembersOf :many
select user_id from org_group_member where org_id = $1 and group_id = $2 order by user_id;

-- name: ListMembers :many
select m.user_id, m.added_at, m.added_by, p.name, p.handle, p.email
from org_group_member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.group_id = sqlc.arg(group_id) and p.handle > sqlc.arg(after)
and (cast(sqlc.arg(low) as text) = '' or p.handle like cast(sqlc.arg(low) as text) escape '!' or p.email like cast(sqlc.arg(low) as text) escape '!'
    or lower(p.name) like cast(sqlc.arg(low) as text) escape '!' or p.name like cast(sqlc.arg(typed) as text) escape '!')
order by p.handle limit sqlc.arg(read);

-- name: EveryMember :many
select m.group_id, g.name as group_name, m.user_id, m.added_at, m.added_by, p.name, p.handle, p.email
from org_group_member m
join org_group g on g.org_id = m.org_id and g.id = m.group_id
join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.group_id >= sqlc.arg(group_id) and (m.group_id > sqlc.arg(group_id) or m.user_id > sqlc.arg(user_id))
and (cast(sqlc.arg(source) as text) = '' or g.source = cast(sqlc.arg(source) as text))
order by m.group_id, m.user_id limit sqlc.arg(read);

-- name: DeleteMembers :exec
delete from org_group_member where org_id = $1 and group_id = $2;

-- name: GroupsOf :many
select m.group_id from org_group_member m where m.org_id = $1 and m.user_id = $2 order by m.group_id;

-- name: GroupsOfPerson :many
select g.id, g.source, g.provider_id, g.claim from org_group_member m join org_group g on g.org_id = m.org_id and g.id = m.group_id
where m.org_id = $1 and m.user_id = $2 order by g.id;

-- name: OfProvider :many
select id, claim from org_group where org_id = $1 and source = 'sso' and provider_id = $2 order by id;

-- name: People :many
-- Of the members of the organization; all of them, because it is asked when many are wanted.
select user_id from member where org_id = $1;

-- name: Person :one
select user_id from member where org_id = $1 and user_id = $2;

-- name: Provider :one
select name from sso_provider where org_id = $1 and id = $2;

-- name: InsertResource :exec
insert into resource (org_id, id, name, protocol, host, port, description, labels, version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(protocol), sqlc.arg(host), sqlc.arg(port),
    sqlc.arg(description), sqlc.arg(labels), 1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: GetResource :one
select * from resource where org_id = $1 and id = $2 and deleted_at is null;

-- name: ListResources :many
select * from resource
where org_id = sqlc.arg(org_id) and deleted_at is null and name > sqlc.arg(after)
order by name limit sqlc.arg(read);

-- name: UpdateResource :execrows
update resource
set name = sqlc.arg(name), host = sqlc.arg(host), port = sqlc.arg(port), description = sqlc.arg(description), labels = sqlc.arg(labels),
    version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: TouchResource :execrows
update resource set version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: DeleteResource :execrows
update resource set version = version + 1, updated_at = sqlc.arg(now), deleted_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: HoldResource :one
-- It locks the row on PostgreSQL until the transaction ends, so that a deletion
-- waits, and then sees what the transaction bound to the resource.
update resource set updated_at = updated_at
where org_id = $1 and id = $2 and deleted_at is null
returning protocol;

-- name: HostKeys :many
select * from resource_host_key where org_id = $1 and resource_id = $2 order by confirmed_at, fingerprint;

-- name: HostKeysOfList :many
select k.* from resource_host_key k
where k.org_id = sqlc.arg(org_id) and k.resource_id in (
    select r.id from resource r
    where r.org_id = sqlc.arg(org_id) and r.deleted_at is null and r.name > sqlc.arg(after)
    order by r.name limit sqlc.arg(read))
order by k.confirmed_at, k.fingerprint;

-- name: InsertHostKey :exec
insert into resource_host_key (org_id, resource_id, fingerprint, key_type, public_key, confirmed_by, confirmed_at)
values (sqlc.arg(org_id), sqlc.arg(resource_id), sqlc.arg(fingerprint), sqlc.arg(key_type), sqlc.arg(public_key),
    sqlc.arg(confirmed_by), sqlc.arg(confirmed_at));

-- name: DeleteHostKey :execrows
delete from resource_host_key where org_id = $1 and resource_id = $2 and fingerprint = $3;

-- name: SeeHostKey :one
insert into resource_host_key_sighting (org_id, id, resource_id, fingerprint, key_type, public_key, host, port, seen_by, seen_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(resource_id), sqlc.arg(fingerprint), sqlc.arg(key_type),
    sqlc.arg(public_key), sqlc.arg(host), sqlc.arg(port), sqlc.arg(seen_by), sqlc.arg(seen_at))
on conflict (org_id, resource_id, fingerprint, host, port)
do update set seen_by = excluded.seen_by, seen_at = excluded.seen_at
returning id;

-- name: GetSighting :one
select * from resource_host_key_sighting
where org_id = sqlc.arg(org_id) and resource_id = sqlc.arg(resource_id) and fingerprint = sqlc.arg(fingerprint)
    and host = sqlc.arg(host) and port = sqlc.arg(port) and seen_at >= sqlc.arg(since);

-- name: ForgetSightings :exec
delete from resource_host_key_sighting
where org_id = sqlc.arg(org_id) and resource_id = sqlc.arg(resource_id) and seen_at < sqlc.arg(before);

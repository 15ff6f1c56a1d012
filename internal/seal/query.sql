-- name: GetKeyset :one
select key_id, root_id, wrapped, version from seal_keyset where org_id = $1;

-- name: InsertKeyset :execrows
insert into seal_keyset (org_id, key_id, root_id, wrapped, version, created_at, rotated_at)
values (sqlc.arg(org_id), sqlc.arg(key_id), sqlc.arg(root_id), sqlc.arg(wrapped), 1, sqlc.arg(now), sqlc.arg(now))
on conflict (org_id) do nothing;

-- name: RotateKeyset :execrows
update seal_keyset
set key_id = sqlc.arg(key_id), root_id = sqlc.arg(root_id), wrapped = sqlc.arg(wrapped), version = version + 1, rotated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and version = sqlc.arg(version);

-- name: RewrapKeyset :execrows
update seal_keyset
set root_id = sqlc.arg(root_id), wrapped = sqlc.arg(wrapped), version = version + 1
where org_id = sqlc.arg(org_id) and version = sqlc.arg(version);

-- name: KeysetsNotUnder :many
-- platform-wide: a root key wraps the keysets of all organizations
select org_id, key_id, root_id, wrapped, version from seal_keyset
where root_id <> sqlc.arg(root_id) order by org_id limit 500;

-- name: RootUse :many
-- platform-wide: a start checks that every keyset's root key is at hand
select root_id, count(*) as keysets from seal_keyset group by root_id order by root_id;

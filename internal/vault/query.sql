-- name: InsertAccount :exec
insert into account (org_id, id, name, resource_id, username, kind, state, secret_id, credential_version, public_key,
    version, created_at, created_by, updated_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(resource_id), sqlc.arg(username), sqlc.arg(kind), 'enabled',
    sqlc.arg(secret_id), 1, sqlc.arg(public_key), 1, sqlc.arg(now), sqlc.arg(created_by), sqlc.arg(now));

-- name: InsertVersion :exec
insert into credential_version (org_id, account_id, version, state, sealed, key_id, created_at, created_by)
values (sqlc.arg(org_id), sqlc.arg(account_id), sqlc.arg(version), 'current', sqlc.arg(sealed), sqlc.arg(key_id),
    sqlc.arg(now), sqlc.arg(created_by));

-- name: RetireVersion :execrows
update credential_version set state = 'retired'
where org_id = $1 and account_id = $2 and version = $3 and state = 'current';

-- name: GetAccount :one
select * from account where org_id = $1 and id = $2 and deleted_at is null;

-- name: ListAccounts :many
select * from account
where org_id = sqlc.arg(org_id) and deleted_at is null and name > sqlc.arg(after)
    and (cast(sqlc.arg(resource_id) as text) = '' or resource_id = cast(sqlc.arg(resource_id) as text))
order by name limit sqlc.arg(read);

-- name: UpdateAccount :execrows
update account
set name = sqlc.arg(name), username = sqlc.arg(username), state = sqlc.arg(state),
    rotation_due_at = case when credential_version = cast(sqlc.arg(credential_version) as bigint) then rotation_due_at else 0 end,
    rotation_due_reason = case when credential_version = cast(sqlc.arg(credential_version) as bigint) then rotation_due_reason else '' end,
    rotate_every = sqlc.arg(rotate_every), next_rotation_at = sqlc.arg(next_rotation_at),
    credential_version = sqlc.arg(credential_version), public_key = sqlc.arg(public_key),
    version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: DeleteAccount :execrows
update account set state = 'disabled', version = version + 1, updated_at = sqlc.arg(now), deleted_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version) and deleted_at is null;

-- name: DeleteVersions :exec
delete from credential_version where org_id = $1 and account_id = $2;

-- name: HoldAccount :one
-- It locks the row on PostgreSQL until the transaction ends, so that a deletion
-- waits, and then sees what the transaction bound to the account.
update account set updated_at = updated_at
where org_id = $1 and id = $2 and deleted_at is null
returning resource_id;

-- name: RotationDue :exec
-- Since the first time, or the first emergency; what an emergency used is due for that, whatever else it is due for.
update account set rotation_due_at = case when rotation_due_at = 0 or cast(sqlc.arg(reason) as text) = 'incident' and rotation_due_reason <> 'incident' then cast(sqlc.arg(now) as bigint) else rotation_due_at end,
    rotation_due_reason = case when rotation_due_at = 0 or cast(sqlc.arg(reason) as text) = 'incident' then cast(sqlc.arg(reason) as text) else rotation_due_reason end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and deleted_at is null;

-- name: AccountsOnResource :many
select name from account where org_id = $1 and resource_id = $2 and deleted_at is null order by name;

-- name: CurrentSecret :one
select a.name, a.username, a.kind, a.state, a.secret_id, v.version, v.sealed
from account a
join credential_version v on v.org_id = a.org_id and v.account_id = a.id and v.version = a.credential_version
where a.org_id = $1 and a.id = $2 and a.deleted_at is null;

-- name: StillLeasable :one
select count(*) from account
where org_id = $1 and id = $2 and credential_version = $3 and state = 'enabled' and deleted_at is null;

-- name: VersionsToReseal :many
select v.account_id, v.version, v.sealed, a.kind
from credential_version v
join account a on a.org_id = v.org_id and a.id = v.account_id
where v.org_id = sqlc.arg(org_id) and v.state <> 'destroyed' and (v.account_id, v.version) > (cast(sqlc.arg(after_account) as text), cast(sqlc.arg(after_version) as bigint))
order by v.account_id, v.version limit 200;

-- name: ResealVersion :execrows
update credential_version set sealed = sqlc.arg(sealed), key_id = sqlc.arg(key_id)
where org_id = sqlc.arg(org_id) and account_id = sqlc.arg(account_id) and version = sqlc.arg(version);

-- name: NewestVersion :one
select cast(coalesce(max(version), 0) as bigint) from credential_version where org_id = $1 and account_id = $2;

-- name: InsertPending :exec
insert into credential_version (org_id, account_id, version, state, sealed, key_id, created_at, created_by, public_key)
values (sqlc.arg(org_id), sqlc.arg(account_id), sqlc.arg(version), 'pending', sqlc.arg(sealed), sqlc.arg(key_id), sqlc.arg(now), '', sqlc.arg(public_key));

-- name: GetVersion :one
select a.name, a.kind, a.secret_id, v.version, v.sealed, v.public_key
from credential_version v
join account a on a.org_id = v.org_id and a.id = v.account_id
where v.org_id = $1 and v.account_id = $2 and v.version = $3 and v.state <> 'destroyed' and a.deleted_at is null;

-- name: PendingVersion :one
select version from credential_version where org_id = $1 and account_id = $2 and state = 'pending';

-- name: PromoteVersion :execrows
update credential_version set state = 'current' where org_id = $1 and account_id = $2 and version = $3 and state = 'pending';

-- name: DestroyVersions :exec
update credential_version set state = 'destroyed', sealed = sqlc.arg(nothing)
where org_id = sqlc.arg(org_id) and account_id = sqlc.arg(account_id) and state = 'retired' and version <> sqlc.arg(keep);

-- name: DropPending :execrows
update credential_version set state = 'retired' where org_id = $1 and account_id = $2 and version = $3 and state = 'pending';

-- name: PromoteAccount :execrows
update account
set credential_version = sqlc.arg(next), public_key = sqlc.arg(public_key), rotation_due_at = 0, rotation_due_reason = '', rotated_at = sqlc.arg(now),
    next_rotation_at = case when rotate_every = 0 then 0 else sqlc.arg(now) + rotate_every * cast(86400000000 as bigint) end,
    version = version + 1, updated_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and credential_version = sqlc.arg(seen) and deleted_at is null;

-- name: CredentialSince :one
select v.created_at from credential_version v where v.org_id = $1 and v.account_id = $2 and v.version = $3;

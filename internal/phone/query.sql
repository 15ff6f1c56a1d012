-- name: EnsurePhone :exec
insert into person_phone (person_id, version, number, sealed_as, number_index, country, verified_at, changed_at)
values (sqlc.arg(person_id), 0, sqlc.arg(nothing), '', '', '', 0, 0)
on conflict (person_id) do nothing;

-- name: GetPhone :one
select * from person_phone where person_id = $1;

-- name: HolderOf :one
select person_id from person_phone where number_index = $1;

-- name: HoldPhone :one
-- Whoever changes what belongs to a person's number comes by here first, one
-- after the other.
update person_phone set changed_at = changed_at where person_id = sqlc.arg(person_id)
returning *;

-- name: TouchPhone :exec
update person_phone set version = version + 1, changed_at = sqlc.arg(now) where person_id = sqlc.arg(person_id);

-- name: SetNumber :exec
update person_phone set number = sqlc.arg(number), sealed_as = sqlc.arg(sealed_as), number_index = sqlc.arg(number_index),
    country = sqlc.arg(country), verified_at = sqlc.arg(now)
where person_id = sqlc.arg(person_id);

-- name: ClearNumber :exec
update person_phone set number = sqlc.arg(nothing), sealed_as = '', number_index = '', country = '', verified_at = 0
where person_id = sqlc.arg(person_id);

-- name: InsertVerification :exec
insert into phone_verification (id, person_id, log_org, purpose, number, number_index, country, code_hash, created_at, sent_at, expires_at, attempts, state, closed_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(log_org), sqlc.arg(purpose), sqlc.arg(number), sqlc.arg(number_index), sqlc.arg(country),
        sqlc.arg(code_hash), sqlc.arg(now), 0, sqlc.arg(expires_at), 0, 'open', 0);

-- name: GetVerification :one
select * from phone_verification where id = $1;

-- name: MarkSent :execrows
update phone_verification set sent_at = sqlc.arg(now) where id = sqlc.arg(id) and state = 'open';

-- name: AcceptVerification :one
update phone_verification set state = 'verified', closed_at = sqlc.arg(now)
where id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now) and attempts < cast(sqlc.arg(most) as bigint)
returning attempts;

-- name: FailVerification :one
update phone_verification
set attempts = attempts + 1,
    state = case when attempts + 1 >= cast(sqlc.arg(most) as bigint) then 'failed' else state end,
    closed_at = case when attempts + 1 >= cast(sqlc.arg(most) as bigint) then cast(sqlc.arg(now) as bigint) else closed_at end
where id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now)
returning attempts, state;

-- name: ExpireVerification :one
update phone_verification set state = 'expired', closed_at = sqlc.arg(now)
where id = sqlc.arg(id) and state = 'open' and expires_at <= sqlc.arg(now)
returning attempts;

-- name: CloseVerification :execrows
update phone_verification set state = sqlc.arg(state), closed_at = sqlc.arg(now) where id = sqlc.arg(id) and state = 'open';

-- name: LapsedVerifications :many
select * from phone_verification where state = 'open' and expires_at <= sqlc.arg(now) order by expires_at limit 100;

-- name: DropVerifications :exec
-- What was verified at a registration is kept until it has been decided on.
delete from phone_verification
where state <> 'open' and closed_at < cast(sqlc.arg(before) as bigint)
and (purpose <> 'registration' or state <> 'verified' or closed_at < cast(sqlc.arg(long_before) as bigint))
and not exists (select 1 from phone_change c where c.verification_id = phone_verification.id);

-- name: InsertChange :exec
insert into phone_change (id, person_id, log_org, verification_id, by_admin, created_at, expires_at, state, closed_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(log_org), sqlc.arg(verification_id), sqlc.arg(by_admin), sqlc.arg(now), sqlc.arg(expires_at), 'pending', 0);

-- name: GetChange :one
select * from phone_change where person_id = sqlc.arg(person_id) and id = sqlc.arg(id);

-- name: PendingChange :one
select * from phone_change where person_id = $1 and state = 'pending';

-- name: CloseChange :execrows
update phone_change set state = sqlc.arg(state), closed_at = sqlc.arg(now) where id = sqlc.arg(id) and state = 'pending';

-- name: VerifyChangeBy :execrows
-- A change lasts at least as long as its newest code.
update phone_change set verification_id = sqlc.arg(verification_id),
    expires_at = case when expires_at < cast(sqlc.arg(until) as bigint) then cast(sqlc.arg(until) as bigint) else expires_at end
where id = sqlc.arg(id) and state = 'pending';

-- name: LapsedChanges :many
select * from phone_change where state = 'pending' and expires_at <= sqlc.arg(now) order by expires_at limit 100;

-- name: DropChanges :exec
delete from phone_change where state <> 'pending' and closed_at < cast(sqlc.arg(before) as bigint);

-- name: CountSend :one
insert into phone_send_count (what, key, sent, ends_at)
values (sqlc.arg(what), sqlc.arg(key), 1, sqlc.arg(ends_at))
on conflict (what, key) do update set
    sent = case when phone_send_count.ends_at <= cast(sqlc.arg(now) as bigint) then 1 else phone_send_count.sent + 1 end,
    ends_at = case when phone_send_count.ends_at <= cast(sqlc.arg(now) as bigint) then excluded.ends_at else phone_send_count.ends_at end
returning sent, ends_at;

-- name: DropCounts :exec
delete from phone_send_count where ends_at < sqlc.arg(before);

-- name: SigningKey :one
select * from phone_digest_key where org_id = $1 and state = 'signing';

-- name: DigestKeys :many
select * from phone_digest_key where org_id = $1 order by n;

-- name: InsertFirstKey :exec
insert into phone_digest_key (org_id, n, state, key, created_at, retired_at, destroyed_at)
values (sqlc.arg(org_id), 1, 'signing', sqlc.arg(key), sqlc.arg(now), 0, 0)
on conflict (org_id, n) do nothing;

-- name: RetireKey :one
update phone_digest_key set state = 'read_only', retired_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and state = 'signing'
returning n;

-- name: InsertKey :exec
insert into phone_digest_key (org_id, n, state, key, created_at, retired_at, destroyed_at)
values (sqlc.arg(org_id), sqlc.arg(n), 'signing', sqlc.arg(key), sqlc.arg(now), 0, 0);

-- name: DestroyKey :execrows
update phone_digest_key set state = 'destroyed', key = sqlc.arg(nothing), destroyed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and n = sqlc.arg(n) and state = 'read_only';

-- name: KeysDue :many
-- platform-wide: the clock that rotates keys serves every ledger
select org_id from phone_digest_key where state = 'signing' and created_at <= sqlc.arg(before) order by created_at limit 100;

-- name: IndexKey :one
select key from phone_index_key where id = 'current';

-- name: InsertIndexKey :exec
insert into phone_index_key (id, key) values ('current', sqlc.arg(key)) on conflict (id) do nothing;

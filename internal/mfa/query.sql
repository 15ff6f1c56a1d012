-- name: InsertFactor :exec
insert into mfa_factor (id, person_id, kind, name, secret, created_at, confirmed_at, last_step, last_used_at)
values (sqlc.arg(id), sqlc.arg(person_id), 'totp', sqlc.arg(name), sqlc.arg(secret), sqlc.arg(now), 0, 0, 0);

-- name: DropPendingFactors :exec
delete from mfa_factor where person_id = $1 and confirmed_at = 0;

-- name: ConfirmedFactors :many
select * from mfa_factor where person_id = $1 and confirmed_at <> 0 order by id;

-- name: CountConfirmed :one
select count(*) from mfa_factor where person_id = $1 and confirmed_at <> 0;

-- name: PendingFactor :one
select * from mfa_factor where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and confirmed_at = 0;

-- name: ConfirmFactor :execrows
update mfa_factor set confirmed_at = sqlc.arg(now), last_step = sqlc.arg(step), last_used_at = sqlc.arg(now)
where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and confirmed_at = 0;

-- name: BurnStep :execrows
update mfa_factor set last_step = sqlc.arg(step), last_used_at = sqlc.arg(now)
where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and confirmed_at <> 0 and last_step < sqlc.arg(step);

-- name: DeleteFactor :execrows
delete from mfa_factor where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and confirmed_at <> 0;

-- name: InsertCodeSet :exec
insert into mfa_code_set (id, person_id, created_at, replaced_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(now), 0);

-- name: CurrentCodeSet :one
select * from mfa_code_set where person_id = $1 and replaced_at = 0;

-- name: ReplaceCodeSet :execrows
update mfa_code_set set replaced_at = sqlc.arg(now) where id = sqlc.arg(id) and replaced_at = 0;

-- name: InsertBackupCode :exec
insert into mfa_backup_code (set_id, n, hash, used_at) values (sqlc.arg(set_id), sqlc.arg(n), sqlc.arg(hash), 0);

-- name: BackupCodes :many
select c.set_id, c.n, c.hash, c.used_at from mfa_backup_code c
join mfa_code_set s on s.id = c.set_id
where s.person_id = $1 and s.replaced_at = 0 order by c.n;

-- name: BurnBackupCode :execrows
update mfa_backup_code set used_at = sqlc.arg(now)
where set_id = sqlc.arg(set_id) and n = sqlc.arg(n) and used_at = 0
and exists (select 1 from mfa_code_set s where s.id = mfa_backup_code.set_id and s.replaced_at = 0);

-- name: BackupCodesLeft :one
select count(*) from mfa_backup_code where set_id = $1 and used_at = 0;

-- name: InsertChallenge :exec
insert into mfa_challenge (id, person_id, token_hash, purpose, log_org, web_session_id, created_at, expires_at, failures, state)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(token_hash), sqlc.arg(purpose), sqlc.arg(log_org),
        sqlc.arg(web_session_id), sqlc.arg(now), sqlc.arg(expires_at), 0, 'open');

-- name: GetChallenge :one
select * from mfa_challenge where id = $1;

-- name: PassChallenge :execrows
update mfa_challenge set state = 'passed'
where id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now);

-- name: FailChallenge :one
update mfa_challenge
set failures = failures + 1,
    state = case when state = 'open' and failures + 1 >= cast(sqlc.arg(attempts) as bigint) then 'locked' else state end
where id = sqlc.arg(id)
returning failures, state, expires_at;

-- name: DropOldChallenges :exec
delete from mfa_challenge where expires_at < sqlc.arg(before);

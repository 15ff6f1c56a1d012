-- name: InsertFactor :exec
insert into mfa_factor (id, person_id, kind, name, secret, created_at, confirmed_at, last_step, last_used_at)
values (sqlc.arg(id), sqlc.arg(person_id), 'totp', sqlc.arg(name), sqlc.arg(secret), sqlc.arg(now), 0, 0, 0);

-- name: DropPendingFactors :exec
delete from mfa_factor where person_id = $1 and confirmed_at = 0;

-- name: ConfirmedFactors :many
select * from mfa_factor where person_id = $1 and confirmed_at <> 0 order by id;

-- name: CountConfirmed :one
select cast((select count(*) from mfa_factor f where f.person_id = sqlc.arg(person_id) and f.confirmed_at <> 0)
    + (select count(*) from webauthn_credential c where c.person_id = sqlc.arg(person_id)) as bigint) as factors;

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

-- name: DropOldCeremonies :exec
delete from webauthn_ceremony where expires_at < sqlc.arg(before);

-- name: InsertCeremony :exec
insert into webauthn_ceremony (id, person_id, web_session_id, token_hash, name, passkey, created_at, expires_at, used_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(web_session_id), sqlc.arg(token_hash), sqlc.arg(name), sqlc.arg(passkey),
        sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: GetCeremony :one
select * from webauthn_ceremony where id = $1;

-- name: SpendCeremony :execrows
update webauthn_ceremony set used_at = sqlc.arg(now)
where id = sqlc.arg(id) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: InsertCredential :exec
insert into webauthn_credential (id, person_id, name, credential_id, public_key, sign_count, aaguid, transports,
    backup_eligible, user_verified, discoverable, created_at, last_used_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(name), sqlc.arg(credential_id), sqlc.arg(public_key), sqlc.arg(sign_count),
    sqlc.arg(aaguid), sqlc.arg(transports), sqlc.arg(backup_eligible), sqlc.arg(user_verified), sqlc.arg(discoverable),
    sqlc.arg(now), 0);

-- name: CredentialsOf :many
select * from webauthn_credential where person_id = $1 order by id;

-- name: CredentialByRawID :one
select * from webauthn_credential where credential_id = $1;

-- name: UseCredential :execrows
update webauthn_credential set sign_count = sqlc.arg(sign_count), last_used_at = sqlc.arg(now)
where id = sqlc.arg(id) and person_id = sqlc.arg(person_id)
and (sign_count < sqlc.arg(sign_count) or (sign_count = 0 and cast(sqlc.arg(sign_count) as bigint) = 0));

-- name: DeleteCredential :execrows
delete from webauthn_credential where person_id = sqlc.arg(person_id) and id = sqlc.arg(id);

-- name: RenameFactor :execrows
update mfa_factor set name = sqlc.arg(name)
where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and confirmed_at <> 0 and name <> sqlc.arg(name);

-- name: RenameCredential :execrows
update webauthn_credential set name = sqlc.arg(name)
where person_id = sqlc.arg(person_id) and id = sqlc.arg(id) and name <> sqlc.arg(name);

-- name: DeleteFactorsOf :many
delete from mfa_factor where person_id = $1 returning kind;

-- name: VoidCodeSet :execrows
update mfa_code_set set replaced_at = sqlc.arg(now) where person_id = sqlc.arg(person_id) and replaced_at = 0;

-- name: DeleteCredentialsOf :execrows
delete from webauthn_credential where person_id = $1;

-- name: DropFactorsBut :many
delete from mfa_factor where person_id = sqlc.arg(person_id) and confirmed_at <> 0 and id <> sqlc.arg(keep) returning kind;

-- name: DropCredentialsBut :execrows
delete from webauthn_credential where person_id = sqlc.arg(person_id) and id <> sqlc.arg(keep);

-- name: InsertRotation :exec
insert into rotation (org_id, id, account_id, trigger_kind, credential_kind, state, requested_by, attempt, next_attempt_at, holder, lease_until,
    target_state, old_version, new_version, old_key, reason, detail, created_at, started_at, attempt_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(account_id), sqlc.arg(trigger_kind), sqlc.arg(credential_kind), 'waiting', sqlc.arg(requested_by), 0, 0, '', 0,
    sqlc.arg(target_state), sqlc.arg(old_version), sqlc.arg(new_version), '', '', '', sqlc.arg(now), 0, 0, 0);

-- name: GetRotation :one
select * from rotation where org_id = $1 and id = $2;

-- name: OpenRotation :one
select * from rotation where org_id = $1 and account_id = $2 and state in ('waiting', 'running', 'tidying');

-- name: HeldRotations :one
select count(*) from rotation where org_id = $1 and account_id = $2 and state in ('running', 'tidying') and lease_until > $3;

-- name: ListRotations :many
select * from rotation
where org_id = sqlc.arg(org_id) and account_id = sqlc.arg(account_id) and id < sqlc.arg(before)
order by id desc limit sqlc.arg(read);

-- name: Claim :execrows
-- One server at a time: whoever finds the row free at this moment has it until the lease ends.
update rotation
set state = case when state = 'tidying' then 'tidying' else 'running' end, attempt = attempt + 1, holder = sqlc.arg(holder), lease_until = sqlc.arg(lease_until),
    next_attempt_at = 0, started_at = case when started_at = 0 then sqlc.arg(now) else started_at end, attempt_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and attempt = sqlc.arg(seen) and state in ('waiting', 'running', 'tidying') and lease_until <= sqlc.arg(now);

-- name: Touch :execrows
-- What is about to happen at the target, written before it happens.
update rotation set target_state = sqlc.arg(target_state), new_version = sqlc.arg(new_version)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and attempt = sqlc.arg(attempt) and holder = sqlc.arg(holder) and state = 'running';

-- name: Promoted :execrows
update rotation set target_state = 'changed', state = sqlc.arg(state), new_version = sqlc.arg(new_version), old_key = sqlc.arg(old_key), reason = '', detail = '',
    ended_at = case when cast(sqlc.arg(state) as text) = 'completed' then cast(sqlc.arg(now) as bigint) else 0 end,
    lease_until = case when cast(sqlc.arg(state) as text) = 'completed' then 0 else lease_until end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and attempt = sqlc.arg(attempt) and holder = sqlc.arg(holder) and state = 'running';

-- name: Settle :execrows
-- The end of an attempt.
update rotation set state = sqlc.arg(state), target_state = sqlc.arg(target_state), new_version = sqlc.arg(new_version), old_key = sqlc.arg(old_key),
    reason = sqlc.arg(reason), detail = sqlc.arg(detail), next_attempt_at = sqlc.arg(next_attempt_at), ended_at = sqlc.arg(ended_at), lease_until = 0
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and attempt = sqlc.arg(attempt) and holder = sqlc.arg(holder) and state in ('running', 'tidying');

-- name: DueRotations :many
-- platform-wide: one clock takes the rotations of every organization
select org_id, id from rotation
where state in ('waiting', 'running', 'tidying') and lease_until <= sqlc.arg(now) and next_attempt_at <= sqlc.arg(now)
order by next_attempt_at, id limit 50;

-- name: DueAccounts :many
-- platform-wide: one clock finds what is to be rotated in every organization
select a.org_id, a.id, a.rotation_due_reason from account a
where a.rotation_due_at <> 0 and a.deleted_at is null
    and not exists (select 1 from rotation r where r.org_id = a.org_id and r.account_id = a.id and (r.ended_at = 0 or r.state = 'failed' and r.ended_at > sqlc.arg(failed_since) and r.ended_at > a.rotation_due_at))
order by a.rotation_due_at limit 500;

-- name: LateForIncident :many
-- platform-wide: one clock finds what is to be rotated in every organization
-- What waits for its next attempt for a lesser reason, of accounts that an emergency has used since.
select r.org_id, r.id, r.account_id, r.attempt from account a
join rotation r on r.org_id = a.org_id and r.account_id = a.id
where a.rotation_due_at <> 0 and a.rotation_due_reason = 'incident' and a.deleted_at is null
    and r.state = 'waiting' and r.trigger_kind <> 'incident' and r.lease_until <= sqlc.arg(now)
order by a.rotation_due_at limit 500;

-- name: Hasten :execrows
update rotation set trigger_kind = 'incident', next_attempt_at = 0
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and attempt = sqlc.arg(attempt) and state = 'waiting' and lease_until <= sqlc.arg(now);

-- name: PlannedAccounts :many
-- platform-wide: one clock finds what is to be rotated in every organization
select a.org_id, a.id from account a
where a.next_rotation_at <> 0 and a.next_rotation_at <= sqlc.arg(now) and a.deleted_at is null and a.state = 'enabled'
    and not exists (select 1 from rotation r where r.org_id = a.org_id and r.account_id = a.id and (r.ended_at = 0 or r.state = 'failed' and r.ended_at > sqlc.arg(failed_since)))
order by a.next_rotation_at limit 50;

-- name: Administrators :many
select p.name, p.email from member m join person p on p.id = m.user_id
where m.org_id = $1 and m.role in ('owner', 'admin') and m.suspended_at = 0 and p.state = 'active' order by p.handle;

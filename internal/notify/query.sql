-- name: InsertDelivery :exec
insert into delivery (org_id, id, channel, kind, recipient, content, state, attempts, last_error, created_at, expires_at, next_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(id), 'email', sqlc.arg(kind), sqlc.arg(recipient), sqlc.arg(content), 'queued', 0, '',
        sqlc.arg(now), sqlc.arg(expires_at), sqlc.arg(now), 0);

-- name: DueDeliveries :many
-- platform-wide: one worker delivers for all organizations
select org_id, id from delivery where ended_at = 0 and next_at <= sqlc.arg(now) order by next_at, id limit sqlc.arg(n);

-- name: GetDelivery :one
select * from delivery where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: ClaimDelivery :execrows
update delivery set state = 'sending', attempts = attempts + 1, next_at = sqlc.arg(lease_until)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and next_at <= sqlc.arg(now) and attempts = sqlc.arg(attempts);

-- name: RetryDelivery :execrows
update delivery set state = 'queued', next_at = sqlc.arg(next_at), last_error = sqlc.arg(last_error)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'sending' and attempts = sqlc.arg(attempts);

-- name: EndDelivery :execrows
update delivery set state = sqlc.arg(state), ended_at = sqlc.arg(now), last_error = sqlc.arg(last_error),
    content = case when cast(sqlc.arg(state) as text) = 'failed' then content else sqlc.arg(empty) end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and attempts = sqlc.arg(attempts);

-- name: PostponeDelivery :execrows
update delivery set next_at = sqlc.arg(next_at), last_error = sqlc.arg(last_error)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and attempts = sqlc.arg(attempts) and next_at <= sqlc.arg(now);

-- name: InsertTry :exec
insert into delivery_try (org_id, delivery_id, n, started_at, ended_at, outcome, via, error)
values (sqlc.arg(org_id), sqlc.arg(delivery_id), sqlc.arg(n), sqlc.arg(started_at), sqlc.arg(ended_at), sqlc.arg(outcome), sqlc.arg(via), sqlc.arg(error))
on conflict (org_id, delivery_id, n) do nothing;

-- name: Tries :many
select * from delivery_try where org_id = sqlc.arg(org_id) and delivery_id = sqlc.arg(delivery_id) order by n;

-- name: ListDeliveries :many
select org_id, id, channel, kind, recipient, state, attempts, last_error, created_at, expires_at, next_at, ended_at from delivery
where org_id = sqlc.arg(org_id) and id < sqlc.arg(before) order by id desc limit sqlc.arg(n);

-- name: Waiting :one
-- platform-wide: how far behind the worker is
select count(*) as n, cast(coalesce(min(created_at), 0) as bigint) as oldest from delivery where ended_at = 0;

-- name: DropOldTries :exec
-- platform-wide: time passes for all organizations
delete from delivery_try where exists (select 1 from delivery d
where d.org_id = delivery_try.org_id and d.id = delivery_try.delivery_id and d.ended_at <> 0 and d.ended_at < sqlc.arg(before));

-- name: DropOldDeliveries :execrows
-- platform-wide: time passes for all organizations
delete from delivery where ended_at <> 0 and ended_at < sqlc.arg(before);

-- name: ResendDelivery :execrows
-- One that was given up is still there until it expires; one that waits does not wait longer.
update delivery set state = 'queued', ended_at = 0, next_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state in ('failed', 'queued') and expires_at > sqlc.arg(now)
and attempts < sqlc.arg(most) and content <> sqlc.arg(empty);

-- name: ClearExpired :exec
-- platform-wide: time passes for all organizations
update delivery set content = sqlc.arg(empty) where state = 'failed' and expires_at <= sqlc.arg(now) and content <> sqlc.arg(empty);

-- name: CountKindSince :one
select count(*) from delivery where org_id = sqlc.arg(org_id) and kind = sqlc.arg(kind) and created_at > sqlc.arg(since);

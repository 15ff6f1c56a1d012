-- name: Claim :execrows
insert into idempotency_key (owner, key, request_hash, status, answer, created_at)
values (sqlc.arg(owner), sqlc.arg(key), sqlc.arg(request_hash), 0, sqlc.arg(empty), sqlc.arg(now))
on conflict (owner, key) do nothing;

-- name: Find :one
select request_hash, status, answer, created_at from idempotency_key where owner = sqlc.arg(owner) and key = sqlc.arg(key);

-- name: Keep :execrows
update idempotency_key set status = sqlc.arg(status), answer = sqlc.arg(answer)
where owner = sqlc.arg(owner) and key = sqlc.arg(key) and status = 0;

-- name: Forget :exec
delete from idempotency_key where owner = sqlc.arg(owner) and key = sqlc.arg(key) and status = 0;

-- name: Sweep :execrows
delete from idempotency_key where created_at < sqlc.arg(before);

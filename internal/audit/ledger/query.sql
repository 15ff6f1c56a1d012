-- name: LogByOrg :one
select log_id, origin, tree_size, root_hash, halted_at, halt_reason from audit_log where org_id = $1;

-- name: Logs :many
-- platform-wide: the sequencer and the signer serve every ledger
select org_id, log_id, tree_size, halted_at, halt_reason from audit_log order by org_id;

-- name: InsertLog :exec
insert into audit_log (org_id, log_id, origin, tree_size, root_hash, created_at, halt_reason)
values (sqlc.arg(org_id), sqlc.arg(log_id), sqlc.arg(origin), 0, sqlc.arg(root_hash), sqlc.arg(created_at), '')
on conflict (org_id) do nothing;

-- name: SetTree :execrows
update audit_log set tree_size = sqlc.arg(tree_size), root_hash = sqlc.arg(root_hash)
where org_id = sqlc.arg(org_id) and tree_size = sqlc.arg(old_size) and halted_at is null;

-- name: HaltLog :execrows
update audit_log set halted_at = sqlc.arg(halted_at), halt_reason = sqlc.arg(halt_reason)
where org_id = sqlc.arg(org_id) and halted_at is null;

-- name: ResumeLog :execrows
update audit_log set halted_at = null, halt_reason = '' where org_id = sqlc.arg(org_id) and halted_at is not null;

-- name: InsertEvent :exec
insert into audit_event (org_id, log_id, id, recorded_at, constant, payload, salt, payload_hash)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: NumberEvents :many
-- One statement takes the next events in order and numbers them from base on. (A
-- second "seq is null" on the outer row would let a planner pick the wrong index.)
update audit_event set seq = cast(sqlc.arg(base) as bigint) + waiting.n
from (
    select w.id, row_number() over (order by w.recorded_at, w.id) - 1 as n
    from audit_event w
    where w.org_id = sqlc.arg(org_id) and w.seq is null
    order by w.recorded_at, w.id
    limit sqlc.arg(batch)
) as waiting
where audit_event.org_id = sqlc.arg(org_id) and audit_event.id = waiting.id
returning audit_event.id, audit_event.seq, audit_event.recorded_at, audit_event.constant, audit_event.payload, audit_event.payload_hash;

-- name: LastWaiting :one
select recorded_at, id from audit_event where org_id = $1 and seq is null order by recorded_at desc, id desc limit 1;

-- name: WaitingUpTo :one
select exists (
    select 1 from audit_event
    where org_id = sqlc.arg(org_id) and seq is null and (recorded_at, id) <= (cast(sqlc.arg(recorded_at) as bigint), cast(sqlc.arg(id) as text))
);

-- name: OrgsWaiting :many
-- platform-wide: the sequencer serves every ledger
select distinct org_id from audit_event where seq is null;

-- name: Backlogs :many
-- platform-wide: the back-pressure of every ledger
select org_id, count(*) as waiting, cast(min(recorded_at) as bigint) as oldest from audit_event where seq is null group by org_id;

-- name: PutTile :exec
insert into audit_tile (org_id, level, idx, hashes) values ($1, $2, $3, $4)
on conflict (org_id, level, idx) do update set hashes = excluded.hashes;

-- name: LastCheckpoint :one
select signed_at, tree_size, note from audit_checkpoint where org_id = $1 order by signed_at desc limit 1;

-- name: CheckpointOfSize :one
select note from audit_checkpoint where org_id = $1 and tree_size = $2 order by signed_at desc limit 1;

-- name: CheckpointUpTo :one
select tree_size, note from audit_checkpoint where org_id = $1 and tree_size <= $2 order by tree_size desc, signed_at desc limit 1;

-- name: InsertCheckpoint :exec
insert into audit_checkpoint (org_id, signed_at, tree_size, note) values ($1, $2, $3, $4);

-- name: Keys :many
select id, vkey, sealed, created_at, sign_until from audit_key where org_id = $1 order by created_at, id;

-- name: InsertKey :execrows
insert into audit_key (org_id, id, vkey, sealed, created_at) values ($1, $2, $3, $4, $5)
on conflict (org_id) where sign_until is null do nothing;

-- name: RetireKey :one
update audit_key set sign_until = sqlc.arg(sign_until) where org_id = sqlc.arg(org_id) and sign_until is null returning id;

-- name: EmptyKeys :execrows
update audit_key set sealed = sqlc.arg(nothing) where org_id = sqlc.arg(org_id) and sign_until < sqlc.arg(now) and length(sealed) > 0;

-- name: EventByID :one
select e.log_id, e.id, e.recorded_at, e.constant, e.payload, e.salt, e.payload_hash, e.seq, e.pruned_at
from audit_event e where e.org_id = $1 and e.id = $2;

-- name: EventsFrom :many
select e.log_id, e.id, e.recorded_at, e.constant, e.payload, e.salt, e.payload_hash, e.seq, e.pruned_at
from audit_event e where e.org_id = sqlc.arg(org_id) and e.seq >= cast(sqlc.arg(first) as bigint) and e.seq < cast(sqlc.arg(beyond) as bigint)
order by e.seq limit sqlc.arg(max_rows);

-- name: Probe :exec
insert into audit_probe (server_id, at) values ($1, $2) on conflict (server_id) do update set at = excluded.at;

-- name: NextToPrune :many
-- platform-wide: the clock of retention runs for every ledger
select e.org_id, e.recorded_at from audit_log l join audit_event e on e.org_id = l.org_id
and e.seq = coalesce((select p.beyond_seq from audit_prune p where p.org_id = l.org_id order by p.first_seq desc limit 1), 0)
order by e.org_id;

-- name: LastPrune :one
select * from audit_prune where org_id = $1 order by first_seq desc limit 1;

-- name: Prunes :many
select * from audit_prune where org_id = sqlc.arg(org_id) and first_seq < cast(sqlc.arg(beyond) as bigint)
order by first_seq desc limit sqlc.arg(n);

-- name: FirstKept :one
-- Of a stretch, the first event whose time is not over.
select cast(coalesce(min(seq), -1) as bigint) from audit_event where org_id = sqlc.arg(org_id)
and seq >= cast(sqlc.arg(first) as bigint) and seq < cast(sqlc.arg(beyond) as bigint) and recorded_at >= sqlc.arg(recorded_before);

-- name: ClearPayloads :execrows
update audit_event set payload = null, salt = null, pruned_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and seq >= cast(sqlc.arg(first) as bigint) and seq < cast(sqlc.arg(beyond) as bigint) and pruned_at is null;

-- name: ForgetSearch :exec
delete from audit_search where org_id = sqlc.arg(org_id) and seq >= sqlc.arg(first) and seq < sqlc.arg(beyond);

-- name: InsertPrune :exec
insert into audit_prune (org_id, first_seq, beyond_seq, pruned, keep_days, recorded_before, started_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(first), sqlc.arg(beyond), sqlc.arg(pruned), sqlc.arg(keep_days), sqlc.arg(recorded_before), sqlc.arg(now), sqlc.arg(now));

-- name: GrowPrune :execrows
update audit_prune set beyond_seq = sqlc.arg(beyond), pruned = pruned + sqlc.arg(pruned), ended_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and first_seq = sqlc.arg(first) and beyond_seq = sqlc.arg(old_beyond);

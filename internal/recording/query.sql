-- name: InsertRecording :exec
insert into recording (org_id, id, session_id, user_id, user_name, safe_id, safe_name, protocol, format, store, key_id,
    state, failure, truncated, started_at, ended_at, retention_until, removed, duration_us, size_bytes, frames, chunks,
    root_hash, content_sha256)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(session_id), sqlc.arg(user_id), sqlc.arg(user_name), sqlc.arg(safe_id),
    sqlc.arg(safe_name), sqlc.arg(protocol), sqlc.arg(format), sqlc.arg(store), sqlc.arg(key_id),
    'recording', '', '', sqlc.arg(started_at), 0, 0, false, 0, sqlc.arg(size_bytes), 0, 0, '', '');

-- name: FinishRecording :execrows
update recording
set state = sqlc.arg(state), failure = sqlc.arg(failure), truncated = sqlc.arg(truncated), ended_at = sqlc.arg(ended_at),
    retention_until = sqlc.arg(retention_until), duration_us = sqlc.arg(duration_us), size_bytes = sqlc.arg(size_bytes),
    frames = sqlc.arg(frames), chunks = sqlc.arg(chunks), root_hash = sqlc.arg(root_hash),
    content_sha256 = sqlc.arg(content_sha256)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'recording';

-- name: GetRecording :one
select * from recording where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: RecordingOfSession :one
select * from recording where org_id = sqlc.arg(org_id) and session_id = sqlc.arg(session_id);

-- name: OpenRecordings :many
-- platform-wide: what a server left open is finished by its next start, for every organization
select * from recording where store = sqlc.arg(store) and state = 'recording' order by id;

-- name: RecordingExists :one
-- platform-wide: a file in the folder says nothing of its organization that can be trusted
select count(*) from recording where id = sqlc.arg(id);

-- name: ExpiredRecordings :many
-- platform-wide: the clock of retention runs for every organization
select org_id, id, retention_until from recording
where store = sqlc.arg(store) and not removed and state <> 'recording' and retention_until < sqlc.arg(now)
and (retention_until, id) > (cast(sqlc.arg(after) as bigint), cast(sqlc.arg(after_id) as text))
order by retention_until, id limit sqlc.arg(page);

-- name: PruneRecording :execrows
update recording set state = 'pruned'
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state <> 'recording' and retention_until < sqlc.arg(now);

-- name: RemovedRecording :exec
update recording set removed = true where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'pruned';

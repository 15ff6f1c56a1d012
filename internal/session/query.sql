-- name: InsertGrant :exec
insert into launch_grant (
    org_id, id, token_hash, session_id, user_id, user_name, user_email, token_id, token_name, via,
    safe_id, resource_id, account_id, protocol, client, request_id, event_id, mfa_at, created_at, expires_at, used_at, used_by, web_session_id, ticket)
values (
    sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(session_id), sqlc.arg(user_id), sqlc.arg(user_name),
    sqlc.arg(user_email), sqlc.arg(token_id), sqlc.arg(token_name), sqlc.arg(via), sqlc.arg(safe_id), sqlc.arg(resource_id),
    sqlc.arg(account_id), sqlc.arg(protocol), sqlc.arg(client), sqlc.arg(request_id), sqlc.arg(event_id), sqlc.arg(mfa_at),
    sqlc.arg(created_at), sqlc.arg(expires_at), 0, '', sqlc.arg(web_session_id), sqlc.arg(ticket));

-- name: GrantByHash :one
-- platform-wide: who presents a grant has not said yet of which organization it is
select * from launch_grant where token_hash = $1;

-- name: UseGrant :execrows
update launch_grant
set used_at = sqlc.arg(now), used_by = sqlc.arg(used_by)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: GetGrant :one
select * from launch_grant where org_id = $1 and id = $2;

-- name: PurgeGrants :execrows
-- platform-wide: the clock clears what expired long ago in every organization
delete from launch_grant where expires_at < $1;

-- name: EnterGate :exec
insert into session_gate (org_id, safe_id, at)
values (sqlc.arg(org_id), sqlc.arg(safe_id), sqlc.arg(now))
on conflict (org_id, safe_id) do update set at = excluded.at;

-- name: CountOpenSessions :one
select count(*) from session where org_id = $1 and safe_id = $2 and state <> 'ended';

-- name: CountOpenGrants :one
select count(*) from launch_grant
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: InsertSession :exec
insert into session (
    org_id, id, state, user_id, user_name, user_email, token_id, token_name, via, safe_id, safe_name, resource_id,
    resource_name, account_id, account_name, username, protocol, client, client_version, source_ip, grant_id, request_id,
    server_id, released, user_end_at, requested_at, started_at, ended_at, expires_at, changed_at, ended_by, end_reason, ended_by_name,
    end_comment, recording_id, opened, channels, bytes_to_target, bytes_from_target, web_session_id,
    access_grant_id, access_request_id, delegation_id)
values (
    sqlc.arg(org_id), sqlc.arg(id), 'starting', sqlc.arg(user_id), sqlc.arg(user_name), sqlc.arg(user_email),
    sqlc.arg(token_id), sqlc.arg(token_name), sqlc.arg(via), sqlc.arg(safe_id), sqlc.arg(safe_name), sqlc.arg(resource_id),
    sqlc.arg(resource_name), sqlc.arg(account_id), sqlc.arg(account_name), sqlc.arg(username), sqlc.arg(protocol),
    sqlc.arg(client), sqlc.arg(client_version), sqlc.arg(source_ip), sqlc.arg(grant_id), sqlc.arg(request_id),
    sqlc.arg(server_id), false, 0, sqlc.arg(now), 0, 0, sqlc.arg(expires_at), sqlc.arg(now), '', '', '', '', '', false, 0, 0, 0, sqlc.arg(web_session_id),
    sqlc.arg(access_grant_id), sqlc.arg(access_request_id), sqlc.arg(delegation_id));

-- name: GetSession :one
select * from session where org_id = $1 and id = $2;

-- name: StartSession :execrows
update session
set state = 'live', started_at = sqlc.arg(now), changed_at = sqlc.arg(now), recording_id = sqlc.arg(recording_id)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'starting';

-- name: FailSession :execrows
update session
set state = 'ended', released = true, ended_at = sqlc.arg(now), changed_at = sqlc.arg(now),
    ended_by = 'system', end_reason = sqlc.arg(reason)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'starting';

-- name: MarkOpened :execrows
update session set opened = true where org_id = $1 and id = $2 and not opened and not released;

-- name: EndSession :execrows
update session
set state = 'ended', ended_at = sqlc.arg(now), changed_at = sqlc.arg(now), ended_by = sqlc.arg(ended_by),
    end_reason = sqlc.arg(reason), ended_by_name = sqlc.arg(ended_by_name), end_comment = sqlc.arg(comment)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'live';

-- name: AskForEnd :execrows
update session set user_end_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'live' and user_end_at = 0;

-- name: ReleaseSession :execrows
update session
set released = true, exit_status = sqlc.narg(exit_status), channels = sqlc.arg(channels), changed_at = sqlc.arg(now),
    bytes_to_target = sqlc.arg(bytes_to_target), bytes_from_target = sqlc.arg(bytes_from_target)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and not released and state = 'ended';

-- name: AbandonedSessions :many
-- platform-wide: what a dead server left open is closed in every organization
select s.org_id, s.id, cast(coalesce(i.heartbeat_at, 0) as bigint) as last_beat from session s
left join server_instance i on i.id = s.server_id
where not s.released and s.server_id <> sqlc.arg(own) and (
    i.id is null or i.heartbeat_at < sqlc.arg(alive_since)
    or cast(sqlc.arg(home) as text) <> '' and s.server_id >= sqlc.arg(home_from) and s.server_id < sqlc.arg(home_to))
order by s.org_id, s.id
limit 500;

-- name: LeftOpenByOthers :many
-- platform-wide: on a store that only one server can open, whatever another one left is abandoned
select s.org_id, s.id, cast(coalesce(i.heartbeat_at, 0) as bigint) as last_beat from session s
left join server_instance i on i.id = s.server_id
where not s.released and s.server_id <> sqlc.arg(own)
order by s.org_id, s.id
limit 500;

-- name: StuckStarts :many
-- platform-wide: tickets of this server whose gateway never came back
select s.org_id, s.id from session s
where not s.released and s.server_id = sqlc.arg(own) and s.state = 'starting' and s.requested_at < sqlc.arg(before)
order by s.org_id, s.id
limit 500;

-- name: Beat :exec
insert into server_instance (id, hostname, version, started_at, heartbeat_at)
values (sqlc.arg(id), sqlc.arg(hostname), sqlc.arg(version), sqlc.arg(started_at), sqlc.arg(now))
on conflict (id) do update set heartbeat_at = excluded.heartbeat_at;

-- name: ForgetServer :exec
delete from server_instance where id = $1;

-- name: ForgetDeadServers :execrows
-- platform-wide: rows of servers that left nothing open
delete from server_instance
where heartbeat_at < sqlc.arg(before)
  and not exists (select 1 from session s where s.server_id = server_instance.id and not s.released);

-- name: ChangedSessions :many
select id, changed_at, state, released from session
where org_id = sqlc.arg(org_id) and changed_at >= sqlc.arg(since)
order by changed_at, id
limit 1000;

-- name: Standing :one
select p.handle, p.email, p.state as person_state, o.state as org_state, cast(coalesce(m.role, '') as text) as role,
    cast(coalesce(t.scopes, '') as text) as token_scopes, cast(coalesce(t.ended_at, 1) as bigint) as token_ended,
    cast(coalesce(t.expires_at, 0) as bigint) as token_expiry,
    p.void_before as person_void, cast(coalesce(m.void_before, 0) as bigint) as member_void,
    cast(coalesce(case when ws.end_reason = 'by_admin' and ws.end_org = o.id then 'by_admin_here' else ws.end_reason end, '') as text) as signed_out
from person p
join organization o on o.id = sqlc.arg(org_id)
left join member m on m.org_id = o.id and m.user_id = p.id and m.suspended_at = 0
left join web_session ws on ws.id = sqlc.arg(web_session_id) and ws.person_id = p.id
left join api_token t on t.org_id = o.id and t.id = sqlc.arg(token_id) and t.owner_id = p.id
where p.id = sqlc.arg(user_id);

-- name: OpenStandings :many
-- Asked at each tick of the clock: what lets the person of each session of this server stay in
-- it, with what others wrote into its row.
select s.id, s.state, s.ended_by, s.end_reason, s.ended_by_name, s.end_comment, s.user_end_at,
    cast(coalesce(p.state, '') as text) as person_state, cast(coalesce(o.state, '') as text) as org_state,
    cast(coalesce(om.role, '') as text) as role, cast(coalesce(m.role, '') as text) as safe_role,
    cast(coalesce(sf.version, 0) as bigint) as safe_version, cast(coalesce(rs.version, 0) as bigint) as resource_version,
    cast(coalesce(pv.version, 0) as bigint) as set_version, cast(coalesce(a.state, '') as text) as account_state,
    cast(coalesce(t.scopes, '') as text) as token_scopes, cast(coalesce(t.ended_at, 1) as bigint) as token_ended,
    cast(coalesce(t.expires_at, 0) as bigint) as token_expiry, s.requested_at,
    cast(coalesce(p.void_before, 0) as bigint) as person_void, cast(coalesce(om.void_before, 0) as bigint) as member_void,
    cast(coalesce(case when ws.end_reason = 'by_admin' and ws.end_org = s.org_id then 'by_admin_here' else ws.end_reason end, '') as text) as signed_out
from session s
left join person p on p.id = s.user_id
left join organization o on o.id = s.org_id
left join member om on om.org_id = s.org_id and om.user_id = s.user_id and om.suspended_at = 0
left join safe sf on sf.org_id = s.org_id and sf.id = s.safe_id and sf.deleted_at is null
left join safe_access m on m.org_id = sf.org_id and m.safe_id = sf.id and m.user_id = om.user_id
left join resource rs on rs.org_id = s.org_id and rs.id = s.resource_id
left join access_policy_set pv on pv.org_id = s.org_id
left join account a on a.org_id = s.org_id and a.id = s.account_id and a.deleted_at is null
left join api_token t on t.org_id = s.org_id and t.id = s.token_id and t.owner_id = s.user_id
left join web_session ws on ws.id = s.web_session_id and ws.person_id = s.user_id
where s.org_id = sqlc.arg(org_id) and s.server_id = sqlc.arg(server_id) and not s.released;

-- name: SafeRole :one
-- The actor's own role on the safe of a session, which may be deleted by now.
select role from safe_access where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id);

-- name: CountOnResource :one
select count(*) from session where org_id = sqlc.arg(org_id) and resource_id = sqlc.arg(resource_id) and state <> 'ended';

-- name: CountOnAccount :one
select count(*) from session where org_id = sqlc.arg(org_id) and account_id = sqlc.arg(account_id) and state <> 'ended';

-- name: CountOfMember :one
select count(*) from session
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id) and state <> 'ended';

-- name: CountInSafe :many
select user_id, count(*) as n from session
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and state <> 'ended' group by user_id;

-- name: CountOfUser :many
select safe_id, count(*) as n from session
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and state <> 'ended' group by safe_id;

-- name: LiveOf :many
select * from session
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and state = 'live'
order by id limit 500;

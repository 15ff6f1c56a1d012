-- name: SafeRole :one
select role from safe_access where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id);

-- name: InsertCheckout :exec
insert into checkout (
    org_id, id, safe_id, account_id, account_name, username, credential_kind, user_id, user_name, user_email, token_id, token_name, source_ip,
    access_request_id, reason, ticket, started_at, expires_at, handed_at, secret_version, reveals, ended_at, ended_by, ended_by_id, ended_by_name, end_comment)
values (
    sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(safe_id), sqlc.arg(account_id), sqlc.arg(account_name), sqlc.arg(username), sqlc.arg(credential_kind),
    sqlc.arg(user_id), sqlc.arg(user_name), sqlc.arg(user_email), sqlc.arg(token_id), sqlc.arg(token_name), sqlc.arg(source_ip),
    sqlc.arg(access_request_id), sqlc.arg(reason), sqlc.arg(ticket), sqlc.arg(started_at), sqlc.arg(expires_at), 0, 0, 0, 0, '', '', '', '');

-- name: HandOver :execrows
-- The credential is shown, while the lease is open.
update checkout
set handed_at = case when handed_at = 0 then cast(sqlc.arg(now) as bigint) else handed_at end, secret_version = sqlc.arg(secret_version), reveals = reveals + 1
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and expires_at > sqlc.arg(now);

-- name: EndCheckout :one
-- Whether the credential was shown is answered by the row as it ends: somebody may have shown it since it was read.
update checkout
set ended_at = sqlc.arg(now), ended_by = sqlc.arg(ended_by), ended_by_id = sqlc.arg(ended_by_id), ended_by_name = sqlc.arg(ended_by_name), end_comment = sqlc.arg(comment)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0
returning handed_at;

-- name: FailCheckout :execrows
-- The credential was never shown.
update checkout set ended_at = sqlc.arg(now), ended_by = sqlc.arg(ended_by)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and handed_at = 0;

-- name: GetCheckout :one
select c.*, s.name as safe_name from checkout c
join safe s on s.org_id = c.org_id and s.id = c.safe_id
where c.org_id = sqlc.arg(org_id) and c.id = sqlc.arg(id);

-- name: OpenOnAccount :one
select c.*, s.name as safe_name from checkout c
join safe s on s.org_id = c.org_id and s.id = c.safe_id
where c.org_id = sqlc.arg(org_id) and c.account_id = sqlc.arg(account_id) and c.ended_at = 0;

-- name: ListCheckouts :many
select c.*, s.name as safe_name from checkout c
join safe s on s.org_id = c.org_id and s.id = c.safe_id
where c.org_id = sqlc.arg(org_id) and c.id < sqlc.arg(before)
    and (not cast(sqlc.arg(active) as boolean) or c.ended_at = 0)
    and (cast(sqlc.arg(safe_id) as text) = '' or c.safe_id = sqlc.arg(safe_id))
    and (cast(sqlc.arg(account_id) as text) = '' or c.account_id = sqlc.arg(account_id))
    and (cast(sqlc.arg(user_id) as text) = '' or c.user_id = sqlc.arg(user_id))
    and (cast(sqlc.arg(request_id) as text) = '' or c.access_request_id = sqlc.arg(request_id))
    and (cast(sqlc.arg(whole) as boolean) or c.user_id = sqlc.arg(me) or exists (
        select 1 from safe_access m where m.org_id = c.org_id and m.safe_id = c.safe_id and m.user_id = sqlc.arg(me) and m.role = 'manager'))
order by c.id desc limit sqlc.arg(read);

-- name: Standings :many
-- platform-wide: the clock looks at each open checkout: whether it is over, and what its holder's right rests on
select c.org_id, c.id, c.user_id, c.token_id, c.safe_id, c.source_ip, c.ticket, c.started_at, c.expires_at, c.handed_at,
    cast(coalesce(s.version, 0) as bigint) as safe_version, cast(coalesce(s.account_id, '') as text) as safe_account, c.account_id,
    cast(coalesce(r.version, 0) as bigint) as resource_version, cast(coalesce(a.state, '') as text) as account_state,
    cast(coalesce(v.version, 0) as bigint) as set_version, cast(coalesce(m.role, '') as text) as role, cast(coalesce(sa.role, '') as text) as safe_role,
    cast(coalesce(p.state, '') as text) as person_state, cast(coalesce(o.state, '') as text) as org_state,
    cast(coalesce(t.ended_at, 1) as bigint) as token_ended, cast(coalesce(t.expires_at, 0) as bigint) as token_expiry, cast(coalesce(t.scopes, '') as text) as token_scopes,
    cast((select coalesce(sum(case when g.ended_at = 0 then 1 else 0 end), 0) from access_grant g where g.org_id = c.org_id and g.user_id = c.user_id and g.safe_id = c.safe_id) as bigint) as grants,
    (select count(*) from org_group_member gm where gm.org_id = c.org_id and gm.user_id = c.user_id) as groups,
    cast((select coalesce(max(gm.added_at), 0) from org_group_member gm where gm.org_id = c.org_id and gm.user_id = c.user_id) as bigint) as grouped_at
from checkout c
left join safe s on s.org_id = c.org_id and s.id = c.safe_id and s.deleted_at is null
left join resource r on r.org_id = s.org_id and r.id = s.resource_id
left join account a on a.org_id = c.org_id and a.id = c.account_id and a.deleted_at is null
left join organization o on o.id = c.org_id
left join person p on p.id = c.user_id
left join member m on m.org_id = c.org_id and m.user_id = c.user_id and m.suspended_at = 0
left join safe_access sa on sa.org_id = c.org_id and sa.safe_id = c.safe_id and sa.user_id = c.user_id
left join access_policy_set v on v.org_id = c.org_id
left join api_token t on t.org_id = c.org_id and t.id = c.token_id and t.owner_id = c.user_id
where c.ended_at = 0 and c.id > sqlc.arg(after)
order by c.id limit 500;

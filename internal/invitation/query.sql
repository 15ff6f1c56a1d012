-- name: InsertInvitation :exec
insert into invitation (org_id, id, email, role, safes, require_mfa, state, inviter_id, inviter_token, inviter_ip, created_at, sent_at,
                        expires_at, resends, ended_at, member_id)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(email), sqlc.arg(role), sqlc.arg(safes), sqlc.arg(require_mfa), 'pending', sqlc.arg(inviter_id),
        sqlc.arg(inviter_token), sqlc.arg(inviter_ip), sqlc.arg(now), sqlc.arg(now), sqlc.arg(expires_at), 0, 0, '');

-- name: InsertToken :exec
insert into invitation_token (org_id, token_hash, invitation_id, created_at, voided_at)
values (sqlc.arg(org_id), sqlc.arg(token_hash), sqlc.arg(invitation_id), sqlc.arg(now), 0);

-- name: VoidTokens :execrows
update invitation_token set voided_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and invitation_id = sqlc.arg(invitation_id) and voided_at = 0;

-- name: GetInvitation :one
select i.*, p.handle as inviter_handle, p.name as inviter_name, o.name as org_name, o.slug as org_slug, o.state as org_state
from invitation i join person p on p.id = i.inviter_id join organization o on o.id = i.org_id
where i.org_id = sqlc.arg(org_id) and i.id = sqlc.arg(id);

-- name: ListInvitations :many
select i.*, p.handle as inviter_handle, p.name as inviter_name, o.name as org_name, o.slug as org_slug, o.state as org_state
from invitation i join person p on p.id = i.inviter_id join organization o on o.id = i.org_id
where i.org_id = sqlc.arg(org_id) and (cast(sqlc.arg(state) as text) = '' or i.state = cast(sqlc.arg(state) as text)) and i.id > sqlc.arg(after)
order by i.id limit sqlc.arg(n);

-- name: OpenFor :one
select id from invitation where org_id = sqlc.arg(org_id) and email = sqlc.arg(email) and state = 'pending';

-- name: CountPending :one
select count(*) from invitation where org_id = $1 and state = 'pending';

-- name: ByToken :one
-- platform-wide: a link does not say of which organization it is
select t.org_id, t.invitation_id, t.voided_at from invitation_token t where t.token_hash = $1;

-- name: InsertFlow :exec
insert into invitation_flow (org_id, id, invitation_id, token_hash, started_at, expires_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(invitation_id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: FlowByToken :one
-- platform-wide: what a browser holds does not say of which organization it is
select * from invitation_flow where token_hash = $1;

-- name: EndFlow :execrows
update invitation_flow set ended_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and expires_at > sqlc.arg(now);

-- name: DropOldFlows :exec
-- platform-wide: one clock for all organizations
delete from invitation_flow where expires_at < sqlc.arg(before);

-- name: Settle :execrows
update invitation set state = sqlc.arg(state), ended_at = sqlc.arg(now), member_id = sqlc.arg(member_id)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'pending';

-- name: Renew :execrows
update invitation set sent_at = sqlc.arg(now), expires_at = sqlc.arg(expires_at), resends = resends + 1
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'pending' and resends = sqlc.arg(old);

-- name: Due :many
-- platform-wide: one clock ends the invitations of all organizations
select org_id, id from invitation where state = 'pending' and expires_at <= sqlc.arg(now) order by expires_at, id limit 100;

-- name: PendingOf :many
select id from invitation where org_id = sqlc.arg(org_id) and state = 'pending'
and (cast(sqlc.arg(inviter_id) as text) = '' or inviter_id = cast(sqlc.arg(inviter_id) as text)) order by id;

-- name: PendingFor :many
-- platform-wide: a person is invited by organizations that they do not belong to yet
select org_id, id from invitation where email = sqlc.arg(email) and state = 'pending' and expires_at > sqlc.arg(now) order by org_id, id limit 100;

-- name: NameMember :exec
update invitation set member_id = sqlc.arg(member_id) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'accepted';

-- name: HoldGate :execrows
update platform_gate set at = sqlc.arg(now) where id = 1;

-- name: InsertOperator :exec
insert into platform_operator (person_id, role, created_at, changed_at)
values (sqlc.arg(person_id), sqlc.arg(role), sqlc.arg(now), sqlc.arg(now));

-- name: OperatorRole :one
select o.role from platform_operator o join person p on p.id = o.person_id
where o.person_id = $1 and p.state = 'active';

-- name: GetOperator :one
select o.*, p.email, p.handle, p.name from platform_operator o join person p on p.id = o.person_id where o.person_id = $1;

-- name: ListOperators :many
select o.*, p.email, p.handle, p.name from platform_operator o join person p on p.id = o.person_id
where p.handle > sqlc.arg(after) order by p.handle limit sqlc.arg(n);

-- name: CountAdmins :one
select count(*) from platform_operator o join person p on p.id = o.person_id
where o.role = 'platform_admin' and p.state = 'active';

-- name: SetOperatorRole :execrows
update platform_operator set role = sqlc.arg(role), changed_at = sqlc.arg(now)
where person_id = sqlc.arg(person_id) and role = sqlc.arg(old_role);

-- name: DeleteOperator :execrows
delete from platform_operator where person_id = sqlc.arg(person_id) and role = sqlc.arg(old_role);

-- name: InsertSetupLink :exec
insert into setup_link (id, token_hash, created_at, expires_at, used_at)
values (sqlc.arg(id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: SetupLinkByToken :one
select * from setup_link where token_hash = $1;

-- name: UseSetupLink :execrows
update setup_link set used_at = sqlc.arg(now) where id = sqlc.arg(id) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: DropUnusedSetupLinks :execrows
delete from setup_link where used_at = 0;

-- name: ActiveAdmins :many
select o.person_id from platform_operator o join person p on p.id = o.person_id
where o.role = 'platform_admin' and p.state = 'active' order by o.person_id;

-- name: OperatorByEmail :one
select o.person_id, o.role from platform_operator o join person p on p.id = o.person_id where p.email = $1;

-- name: InsertInvitation :exec
insert into platform_invitation (id, email, role, state, invited_by, created_at, sent_at, expires_at, resends, ended_at, person_id)
values (sqlc.arg(id), sqlc.arg(email), sqlc.arg(role), 'pending', sqlc.arg(invited_by), sqlc.arg(now), sqlc.arg(now), sqlc.arg(expires_at), 0, 0, '');

-- name: GetInvitation :one
select sqlc.embed(i), p.handle as inviter_handle, p.name as inviter_name from platform_invitation i join person p on p.id = i.invited_by where i.id = $1;

-- name: PendingInvitation :one
select * from platform_invitation where email = $1 and state = 'pending';

-- name: InvitationsOf :many
select * from platform_invitation where invited_by = $1 and state = 'pending' order by id;

-- name: ListInvitations :many
select sqlc.embed(i), p.handle as inviter_handle, p.name as inviter_name from platform_invitation i join person p on p.id = i.invited_by
where (cast(sqlc.arg(state) as text) = '' or i.state = cast(sqlc.arg(state) as text))
and (cast(sqlc.arg(before) as text) = '' or i.id < cast(sqlc.arg(before) as text))
order by i.id desc limit sqlc.arg(n);

-- name: DueInvitations :many
select * from platform_invitation where state = 'pending' and expires_at <= $1 order by id limit 100;

-- name: EndInvitation :execrows
update platform_invitation set state = sqlc.arg(state), ended_at = sqlc.arg(now), person_id = sqlc.arg(person_id)
where id = sqlc.arg(id) and state = 'pending';

-- name: ExpireInvitation :execrows
update platform_invitation set state = 'expired', ended_at = sqlc.arg(now)
where id = sqlc.arg(id) and state = 'pending' and expires_at <= sqlc.arg(now);

-- name: AcceptInvitation :execrows
update platform_invitation set state = 'accepted', ended_at = sqlc.arg(now), person_id = sqlc.arg(person_id)
where id = sqlc.arg(id) and state = 'pending' and expires_at > sqlc.arg(now);

-- name: ResendInvitation :one
update platform_invitation set resends = resends + 1, sent_at = sqlc.arg(now), expires_at = sqlc.arg(expires_at)
where id = sqlc.arg(id) and state = 'pending' and sent_at <= sqlc.arg(sent_before) and resends < sqlc.arg(most)
returning resends;

-- name: InsertInvitationToken :exec
insert into platform_invitation_token (token_hash, invitation_id, created_at, superseded_at)
values (sqlc.arg(token_hash), sqlc.arg(invitation_id), sqlc.arg(now), 0);

-- name: SupersedeTokens :exec
update platform_invitation_token set superseded_at = sqlc.arg(now) where invitation_id = sqlc.arg(invitation_id) and superseded_at = 0;

-- name: InvitationByToken :one
select sqlc.embed(i), t.superseded_at, p.handle as inviter_handle, p.name as inviter_name
from platform_invitation_token t join platform_invitation i on i.id = t.invitation_id join person p on p.id = i.invited_by
where t.token_hash = $1;

-- name: InsertFlow :exec
insert into platform_invitation_flow (id, invitation_id, token_hash, started_at, expires_at, ended_at)
values (sqlc.arg(id), sqlc.arg(invitation_id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: FlowByToken :one
select * from platform_invitation_flow where token_hash = $1;

-- name: EndFlow :execrows
update platform_invitation_flow set ended_at = sqlc.arg(now) where id = sqlc.arg(id) and ended_at = 0;

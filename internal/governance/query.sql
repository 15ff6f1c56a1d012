-- name: InsertAction :execrows
insert into governance_action (org_id, id, kind, subject, subject_name, summary, changes, payload, payload_digest, state, requester_id, requester_name, requester_token,
                               requester_scopes, requester_issuer, requester_ip, requester_agent, created_at, expires_at, decided_by, decided_by_name, decided_at, comment, note, effect_event)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(kind), sqlc.arg(subject), sqlc.arg(subject_name), sqlc.arg(summary), sqlc.arg(changes), sqlc.arg(payload),
        sqlc.arg(payload_digest), 'open', sqlc.arg(requester_id), sqlc.arg(requester_name), sqlc.arg(requester_token), sqlc.arg(requester_scopes), sqlc.arg(requester_issuer),
        sqlc.arg(requester_ip), sqlc.arg(requester_agent), sqlc.arg(now), sqlc.arg(expires_at), '', '', 0, '', '', '')
on conflict do nothing;

-- name: OpenFor :one
select * from governance_action where org_id = sqlc.arg(org_id) and kind = sqlc.arg(kind) and subject = sqlc.arg(subject) and state = 'open';

-- name: CountOpen :one
select count(*) from governance_action where org_id = $1 and state = 'open';

-- name: GetAction :one
select * from governance_action where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: GetAnyAction :one
-- platform-wide: operators see the queues of all organizations
select a.*, o.name as org_name, o.slug as org_slug from governance_action a join organization o on o.id = a.org_id where a.id = sqlc.arg(id);

-- name: ListActions :many
select * from governance_action
where org_id = sqlc.arg(org_id) and id < sqlc.arg(before)
and (cast(sqlc.arg(state) as text) = '' or state = sqlc.arg(state)) and (cast(sqlc.arg(kind) as text) = '' or kind = sqlc.arg(kind))
order by id desc limit sqlc.arg(n);

-- name: ListAllActions :many
-- platform-wide: operators see the queues of all organizations
select a.*, o.name as org_name, o.slug as org_slug from governance_action a join organization o on o.id = a.org_id
where a.id < sqlc.arg(before) and (cast(sqlc.arg(only_org) as text) = '' or a.org_id = sqlc.arg(only_org))
and (cast(sqlc.arg(state) as text) = '' or a.state = sqlc.arg(state)) and (cast(sqlc.arg(kind) as text) = '' or a.kind = sqlc.arg(kind))
order by a.id desc limit sqlc.arg(n);

-- name: ApproveAction :execrows
update governance_action set state = 'approved', decided_by = sqlc.arg(decided_by), decided_by_name = sqlc.arg(decided_by_name), decided_at = sqlc.arg(now), comment = sqlc.arg(comment)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now);

-- name: SetEffect :execrows
update governance_action set effect_event = sqlc.arg(effect_event) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'approved';

-- name: EndAction :execrows
update governance_action set state = sqlc.arg(state), decided_by = sqlc.arg(decided_by), decided_by_name = sqlc.arg(decided_by_name), decided_at = sqlc.arg(now),
    comment = sqlc.arg(comment), note = sqlc.arg(note)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now);

-- name: ExpireAction :execrows
update governance_action set state = 'expired', decided_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and expires_at <= sqlc.arg(now);

-- name: DueActions :many
-- platform-wide: time passes for all organizations
select * from governance_action where state = 'open' and expires_at <= sqlc.arg(now) order by expires_at limit 100;

-- name: Deciders :many
select p.id, p.email, p.handle, p.name from member m join person p on p.id = m.user_id join organization o on o.id = m.org_id
where m.org_id = sqlc.arg(org_id) and m.role in ('owner', 'admin') and m.suspended_at = 0 and p.state = 'active' and o.state = 'active' and p.id <> sqlc.arg(requester_id) and p.id <> sqlc.arg(requester_issuer)
and (exists (select 1 from mfa_factor f where f.person_id = p.id and f.confirmed_at <> 0) or exists (select 1 from webauthn_credential w where w.person_id = p.id))
order by m.created_at, p.id;

-- name: PersonOf :one
select p.id, p.email, p.handle, p.name from person p where p.id = $1;

-- name: TokenLives :one
select count(*) from api_token where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and expires_at > sqlc.arg(now);

-- name: OrgName :one
select name from organization where id = $1;

-- name: InsertCase :exec
insert into mfa_recovery (org_id, id, person_id, state, queue, lost, source_ip, proof_hash, attempts, grant_id, grant_hash, web_session_id,
                          decided_by, comment, created_at, verified_at, decided_at, expires_at, ended_at, provider_org)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(person_id), 'requested', sqlc.arg(queue), sqlc.arg(lost), sqlc.arg(source_ip), sqlc.arg(proof_hash), 0,
        '', sqlc.arg(empty), '', '', '', sqlc.arg(now), 0, 0, sqlc.arg(expires_at), 0, sqlc.arg(provider_org));

-- name: OpenCaseOf :one
-- platform-wide: a person has one case at a time, wherever they belong
select * from mfa_recovery where person_id = $1 and ended_at = 0;

-- name: CountSince :one
-- platform-wide: the limit is the person's
select count(*) from mfa_recovery where person_id = sqlc.arg(person_id) and created_at > sqlc.arg(since);

-- name: CaseByID :one
-- platform-wide: who follows a link has no organization yet
select * from mfa_recovery where id = $1;

-- name: CaseByGrant :one
-- platform-wide: who presents a grant has no organization yet
select * from mfa_recovery where grant_id = $1;

-- name: CaseBySession :one
-- platform-wide: the session tells the person, not the organization
select * from mfa_recovery where web_session_id = sqlc.arg(web_session_id) and person_id = sqlc.arg(person_id) and state = 'consumed' and expires_at > sqlc.arg(now);

-- name: GetCase :one
select c.*, p.email, p.handle, p.name from mfa_recovery c join person p on p.id = c.person_id
where c.org_id = sqlc.arg(org_id) and c.queue = 'org' and c.id = sqlc.arg(id);

-- name: GetPlatformCase :one
-- platform-wide: what nobody in its organization may decide, the platform does
select c.*, p.email, p.handle, p.name from mfa_recovery c join person p on p.id = c.person_id
where c.queue = 'platform' and c.id = sqlc.arg(id);

-- name: ListCases :many
select c.*, p.email, p.handle, p.name from mfa_recovery c join person p on p.id = c.person_id
where c.org_id = sqlc.arg(org_id) and c.queue = 'org' and c.verified_at <> 0 and c.id < sqlc.arg(before)
and (cast(sqlc.arg(state) as text) = '' or c.state = sqlc.arg(state)) order by c.id desc limit sqlc.arg(n);

-- name: ListPlatformCases :many
-- platform-wide: what nobody in its organization may decide, the platform does
select c.*, p.email, p.handle, p.name from mfa_recovery c join person p on p.id = c.person_id
where c.queue = 'platform' and c.verified_at <> 0 and c.id < sqlc.arg(before)
and (cast(sqlc.arg(state) as text) = '' or c.state = sqlc.arg(state)) order by c.id desc limit sqlc.arg(n);

-- name: WrongProof :one
update mfa_recovery set attempts = attempts + 1,
    state = case when attempts + 1 >= cast(sqlc.arg(most) as bigint) then 'failed' else state end,
    ended_at = case when attempts + 1 >= cast(sqlc.arg(most) as bigint) then cast(sqlc.arg(now) as bigint) else ended_at end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'requested' and expires_at > sqlc.arg(now)
returning attempts, state;

-- name: ProveCase :one
update mfa_recovery set state = 'pending', attempts = attempts + 1, queue = sqlc.arg(queue), verified_at = sqlc.arg(now), expires_at = sqlc.arg(expires_at)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'requested' and expires_at > sqlc.arg(now)
returning attempts;

-- name: ApproveCase :execrows
update mfa_recovery set state = 'approved', decided_at = sqlc.arg(now), decided_by = sqlc.arg(decided_by), comment = sqlc.arg(comment),
    grant_id = sqlc.arg(grant_id), grant_hash = sqlc.arg(grant_hash), expires_at = sqlc.arg(expires_at)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'pending' and expires_at > sqlc.arg(now);

-- name: DenyCase :execrows
update mfa_recovery set state = 'denied', decided_at = sqlc.arg(now), decided_by = sqlc.arg(decided_by), comment = sqlc.arg(comment), ended_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'pending' and expires_at > sqlc.arg(now);

-- name: ConsumeGrant :execrows
update mfa_recovery set state = 'consumed', web_session_id = sqlc.arg(web_session_id), expires_at = sqlc.arg(expires_at)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and grant_id = sqlc.arg(grant_id) and state = 'approved' and expires_at > sqlc.arg(now);

-- name: CompleteCase :execrows
update mfa_recovery set state = 'completed', ended_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'consumed' and expires_at > sqlc.arg(now);

-- name: DueCases :many
-- platform-wide: time passes for all organizations
select * from mfa_recovery where ended_at = 0 and expires_at <= sqlc.arg(now) order by expires_at limit 100;

-- name: ExpireCase :execrows
update mfa_recovery set state = 'expired', ended_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = sqlc.arg(state) and ended_at = 0 and expires_at <= sqlc.arg(now);

-- name: DecidersIn :many
select p.id, p.email, p.handle, p.name, m.role from member m join person p on p.id = m.user_id join organization o on o.id = m.org_id
where m.org_id = sqlc.arg(org_id) and m.role in ('owner', 'admin') and m.suspended_at = 0 and p.state = 'active' and o.state = 'active' order by m.created_at, p.id;

-- name: DecidersOnPlatform :many
select p.id, p.email, p.handle, p.name from platform_operator o join person p on p.id = o.person_id
where o.role = 'platform_admin' and p.state = 'active' order by o.created_at, p.id;

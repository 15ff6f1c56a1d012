-- name: SafeFacts :one
-- A safe, also a deleted one, as requests tell of it.
select s.name, s.version, cast(coalesce(s.deleted_at, 0) as bigint) as deleted_at, r.name as resource_name, r.host, r.port, r.protocol, a.id as account_id, a.username
from safe s
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
where s.org_id = sqlc.arg(org_id) and s.id = sqlc.arg(id);

-- name: InsertRequest :exec
insert into access_request (
    org_id, id, safe_id, requester_id, token_id, kind, state, reason, ticket, starts_at, duration_us, approvals_needed, approvals_have,
    approvers, policy_id, one_session, cool_down_us, as_member, uses, rule_note, version, created_at, expires_at, ended_at, end_reason)
values (
    sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(safe_id), sqlc.arg(requester_id), sqlc.arg(token_id), sqlc.arg(kind), sqlc.arg(state),
    sqlc.arg(reason), sqlc.arg(ticket), sqlc.arg(starts_at), sqlc.arg(duration_us), sqlc.arg(approvals_needed), 0,
    sqlc.arg(approvers), sqlc.arg(policy_id), sqlc.arg(one_session), sqlc.arg(cool_down_us), sqlc.arg(as_member), sqlc.arg(uses), sqlc.arg(rule_note), 1, sqlc.arg(now), sqlc.arg(expires_at),
    sqlc.arg(ended_at), '');

-- name: GetRequest :one
select q.*, s.name as safe_name, cast(coalesce(s.deleted_at, 0) as bigint) as safe_deleted, r.name as resource_name, r.host, r.port, r.protocol, a.username,
    p.handle, p.name as person_name, p.email, cast(coalesce(m.role, '') as text) as org_role,
    cast(coalesce(g.id, '') as text) as grant_id, cast(coalesce(g.starts_at, 0) as bigint) as grant_starts,
    cast(coalesce(g.ends_at, 0) as bigint) as grant_ends, cast(coalesce(g.ended_at, 0) as bigint) as grant_ended,
    cast(coalesce(g.end_reason, '') as text) as grant_reason, cast(coalesce(t.issued_by, '') as text) as token_issuer
from access_request q
join safe s on s.org_id = q.org_id and s.id = q.safe_id
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
join person p on p.id = q.requester_id
left join member m on m.org_id = q.org_id and m.user_id = q.requester_id
left join access_grant g on g.org_id = q.org_id and g.request_id = q.id
left join api_token t on t.org_id = q.org_id and t.id = q.token_id
where q.org_id = sqlc.arg(org_id) and q.id = sqlc.arg(id);

-- name: OpenRequestOf :one
select id from access_request where org_id = $1 and safe_id = $2 and requester_id = $3 and state = 'open';

-- name: CountApproval :one
-- One more approval; the last one approves. No row: it is not open any more.
update access_request
set approvals_have = approvals_have + 1, version = version + 1,
    state = case when approvals_have + 1 >= approvals_needed then 'approved' else 'open' end,
    ended_at = case when approvals_have + 1 >= approvals_needed then cast(sqlc.arg(now) as bigint) else 0 end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now)
returning approvals_have, state;

-- name: EndRequest :execrows
update access_request
set state = sqlc.arg(state), end_reason = sqlc.arg(reason), ended_at = sqlc.arg(now), version = version + 1
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open';

-- name: TouchRequest :execrows
update access_request set version = version + 1 where org_id = $1 and id = $2;

-- name: InsertDecision :exec
insert into access_decision (org_id, request_id, user_id, token_id, verdict, delegation_id, comment, at)
values (sqlc.arg(org_id), sqlc.arg(request_id), sqlc.arg(user_id), sqlc.arg(token_id), sqlc.arg(verdict), sqlc.arg(delegation_id), sqlc.arg(comment), sqlc.arg(now));

-- name: Decisions :many
select d.user_id, d.verdict, d.delegation_id, d.comment, d.at, p.handle, p.name,
    cast(coalesce(l.delegator_id, '') as text) as lender_id, cast(coalesce(t.issued_by, '') as text) as token_issuer
from access_decision d
join person p on p.id = d.user_id
left join api_token t on t.org_id = d.org_id and t.id = d.token_id
left join access_delegation l on l.org_id = d.org_id and l.id = d.delegation_id
where d.org_id = sqlc.arg(org_id) and d.request_id = sqlc.arg(request_id)
order by d.at, d.user_id;

-- name: InsertComment :exec
insert into access_comment (org_id, id, request_id, user_id, text, at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(request_id), sqlc.arg(user_id), sqlc.arg(text), sqlc.arg(now));

-- name: CountComments :one
select count(*) from access_comment where org_id = $1 and request_id = $2;

-- name: Comments :many
select c.id, c.user_id, c.text, c.at, p.handle, p.name
from access_comment c join person p on p.id = c.user_id
where c.org_id = sqlc.arg(org_id) and c.request_id = sqlc.arg(request_id)
order by c.id;

-- name: DueRequests :many
-- platform-wide: the clock closes what lapsed, and what lost its person or safe, in every organization
select q.org_id, q.id,
    case when s.deleted_at is not null then 'safe_deleted'
         when m.user_id is null or m.suspended_at <> 0 or p.state <> 'active' then 'requester_disabled'
         else 'expired' end as why
from access_request q
join safe s on s.org_id = q.org_id and s.id = q.safe_id
join person p on p.id = q.requester_id
left join member m on m.org_id = q.org_id and m.user_id = q.requester_id
where q.state = 'open' and (q.expires_at <= sqlc.arg(now) or s.deleted_at is not null or m.user_id is null or m.suspended_at <> 0 or p.state <> 'active')
order by q.expires_at limit 100;

-- name: InsertGrant :exec
insert into access_grant (
    org_id, id, request_id, safe_id, user_id, kind, approved_by, ticket, one_session, cool_down_us, as_member, uses, starts_at, ends_at,
    created_at, ended_at, end_reason, ended_by)
values (
    sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(request_id), sqlc.arg(safe_id), sqlc.arg(user_id), sqlc.arg(kind), sqlc.arg(approved_by),
    sqlc.arg(ticket), sqlc.arg(one_session), sqlc.arg(cool_down_us), sqlc.arg(as_member), sqlc.arg(uses), sqlc.arg(starts_at), sqlc.arg(ends_at), sqlc.arg(now), 0, '', '');

-- name: EndGrant :one
update access_grant
set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason), ended_by = sqlc.arg(ended_by)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0
returning *;

-- name: GetGrant :one
select g.*, s.name as safe_name, p.handle, p.email, p.name as person_name
from access_grant g
join safe s on s.org_id = g.org_id and s.id = g.safe_id
join person p on p.id = g.user_id
where g.org_id = sqlc.arg(org_id) and g.id = sqlc.arg(id);

-- name: DueGrants :many
-- platform-wide: the clock ends what ran out, and what lost its person, its safe or its membership, in every organization
select g.org_id, g.id,
    case when s.deleted_at is not null then 'safe_deleted'
         when m.user_id is null or m.suspended_at <> 0 or p.state <> 'active' then 'requester_disabled'
         when g.ends_at <= sqlc.arg(now) then 'expired'
         else 'membership_lost' end as why
from access_grant g
join safe s on s.org_id = g.org_id and s.id = g.safe_id
join person p on p.id = g.user_id
left join member m on m.org_id = g.org_id and m.user_id = g.user_id
where g.ended_at = 0 and (g.ends_at <= sqlc.arg(now) or s.deleted_at is not null or m.user_id is null or m.suspended_at <> 0 or p.state <> 'active'
    or g.as_member and not exists (select 1 from safe_access a where a.org_id = g.org_id and a.safe_id = g.safe_id and a.user_id = g.user_id)
        and not exists (select 1 from access_delegation l where l.org_id = g.org_id and l.safe_id = g.safe_id and l.delegate_id = g.user_id and l.lent = 'access'
            and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)))
order by g.ends_at limit 100;

-- name: Approvers :many
-- Whoever may decide by their role: in the organization, or on the safe.
select p.id, p.handle, p.name, p.email, m.role, cast(coalesce(sm.role, '') as text) as safe_role
from member m
join person p on p.id = m.user_id
left join safe_access sm on sm.org_id = m.org_id and sm.user_id = m.user_id and sm.safe_id = sqlc.arg(safe_id)
where m.org_id = sqlc.arg(org_id) and p.state = 'active' and m.suspended_at = 0 and m.role <> 'auditor'
    and (m.role in ('owner', 'admin') or sm.role in ('approver', 'manager'))
order by p.handle;

-- name: ActiveMember :one
select p.id, p.handle, p.name, p.email, m.role from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.user_id = sqlc.arg(user_id) and m.suspended_at = 0 and p.state = 'active';

-- name: SafeRole :one
select role from safe_access where org_id = $1 and safe_id = $2 and user_id = $3;

-- name: ListRequests :many
select q.*, s.name as safe_name, cast(coalesce(s.deleted_at, 0) as bigint) as safe_deleted, r.name as resource_name, r.host, r.port, r.protocol, a.username,
    p.handle, p.name as person_name, p.email, cast(coalesce(m.role, '') as text) as org_role,
    cast(coalesce(g.id, '') as text) as grant_id, cast(coalesce(g.starts_at, 0) as bigint) as grant_starts,
    cast(coalesce(g.ends_at, 0) as bigint) as grant_ends, cast(coalesce(g.ended_at, 0) as bigint) as grant_ended,
    cast(coalesce(g.end_reason, '') as text) as grant_reason, cast(coalesce(t.issued_by, '') as text) as token_issuer
from access_request q
join safe s on s.org_id = q.org_id and s.id = q.safe_id
join resource r on r.org_id = s.org_id and r.id = s.resource_id
join account a on a.org_id = s.org_id and a.id = s.account_id
join person p on p.id = q.requester_id
left join member m on m.org_id = q.org_id and m.user_id = q.requester_id
left join access_grant g on g.org_id = q.org_id and g.request_id = q.id
left join api_token t on t.org_id = q.org_id and t.id = q.token_id
where q.org_id = sqlc.arg(org_id) and q.id < sqlc.arg(before)
    and (cast(sqlc.arg(state) as text) = '' or q.state = sqlc.arg(state))
    and (cast(sqlc.arg(safe_id) as text) = '' or q.safe_id = sqlc.arg(safe_id))
    and (not cast(sqlc.arg(mine) as boolean) or q.requester_id = sqlc.arg(me))
    and (not cast(sqlc.arg(to_decide) as boolean) or q.state = 'open' and q.expires_at > sqlc.arg(now) and q.requester_id <> sqlc.arg(me) and coalesce(t.issued_by, '') <> sqlc.arg(me)
        and not exists (select 1 from access_decision x where x.org_id = q.org_id and x.request_id = q.id and x.user_id = sqlc.arg(me)))
    and (cast(sqlc.arg(whole) as boolean)
        or q.requester_id = sqlc.arg(me) and not cast(sqlc.arg(to_decide) as boolean)
        or q.approvers like '% person:' || cast(sqlc.arg(me) as text) || ' %'
        or exists (select 1 from org_group_member gm where gm.org_id = q.org_id and gm.user_id = sqlc.arg(me) and q.approvers like '% group:' || gm.group_id || ' %')
        or q.approvers like '% safe %' and exists (
            select 1 from safe_access sm where sm.org_id = q.org_id and sm.safe_id = q.safe_id and sm.user_id = sqlc.arg(me) and sm.role in ('approver', 'manager'))
        or q.approvers like '% safe %' and exists (
            select 1 from access_delegation l
            join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id and sm.role in ('approver', 'manager')
            where l.org_id = q.org_id and l.safe_id = q.safe_id and l.delegate_id = sqlc.arg(me) and l.lent = 'approve'
                and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)))
order by q.id desc limit sqlc.arg(read);

-- name: LentToApprove :many
-- The rights to approve that are lent to somebody on a safe now, by people who have them.
select l.id, l.delegator_id from access_delegation l
join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id and sm.role in ('approver', 'manager')
join member m on m.org_id = l.org_id and m.user_id = l.delegator_id and m.suspended_at = 0 and m.role <> 'auditor'
join person p on p.id = l.delegator_id and p.state = 'active'
where l.org_id = sqlc.arg(org_id) and l.safe_id = sqlc.arg(safe_id) and l.delegate_id = sqlc.arg(user_id) and l.lent = 'approve'
    and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)
order by l.id;

-- name: LentApprovers :many
-- Who may decide in place of somebody that has lent them the right.
select p.id, p.handle, p.name, p.email, l.delegator_id from access_delegation l
join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id and sm.role in ('approver', 'manager')
join member m on m.org_id = l.org_id and m.user_id = l.delegate_id and m.suspended_at = 0 and m.role <> 'auditor'
join person p on p.id = l.delegate_id and p.state = 'active'
where l.org_id = sqlc.arg(org_id) and l.safe_id = sqlc.arg(safe_id) and l.lent = 'approve' and l.parent_id = ''
    and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)
order by p.handle;

-- name: LentBetween :one
-- Whether the requester has lent anything on this safe to somebody who wants to decide.
select count(*) from access_delegation
where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and delegator_id = sqlc.arg(requester_id) and delegate_id = sqlc.arg(user_id)
    and ended_at = 0 and ends_at > sqlc.arg(now);

-- name: OpenGrants :many
-- What somebody may use now: for one safe, or (empty) for any. One that opens a single session is used up
-- for sessions when that has ended longer ago than its cool-down, and for checkouts when one of them has ended.
select * from (
select g.id, g.request_id, g.safe_id, g.kind, g.approved_by, g.ticket, g.ends_at,
    cast(g.as_member and not exists (select 1 from safe_access a where a.org_id = g.org_id and a.safe_id = g.safe_id and a.user_id = g.user_id) as boolean) as needs_loan,
    cast(g.uses <> 'checkout' and (not g.one_session
        or not exists (select 1 from session x where x.org_id = g.org_id and x.access_request_id = g.request_id and x.access_request_id <> '' and (x.state <> 'ended' or x.started_at > 0))
        or exists (select 1 from session x where x.org_id = g.org_id and x.access_request_id = g.request_id and x.access_request_id <> ''
            and (x.state <> 'ended' or x.started_at > 0 and x.ended_at + g.cool_down_us > sqlc.arg(now)))) as boolean) as for_session,
    cast(g.uses <> 'session' and (not g.one_session
        or not exists (select 1 from checkout c where c.org_id = g.org_id and c.access_request_id = g.request_id and c.access_request_id <> '' and c.handed_at <> 0 and (c.ended_at <> 0 or c.expires_at <= sqlc.arg(now)))) as boolean) as for_checkout
from access_grant g
join safe s on s.org_id = g.org_id and s.id = g.safe_id and s.deleted_at is null
where g.org_id = sqlc.arg(org_id) and g.user_id = sqlc.arg(user_id) and (cast(sqlc.arg(safe_id) as text) = '' or g.safe_id = sqlc.arg(safe_id))
    and g.ended_at = 0 and g.starts_at <= sqlc.arg(now) and g.ends_at > sqlc.arg(now)
) u where u.for_session or u.for_checkout
order by case u.kind when 'emergency' then 1 else 0 end, u.ends_at desc, u.id;

-- name: HoldGrant :execrows
-- Nothing changes; but whoever else holds or ends the grant waits until this transaction is over.
update access_grant set end_reason = end_reason where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0;

-- name: SpentOnCheckout :one
-- Whether somebody has an approval for one use, of one safe, whose checkout has been.
select count(*) from access_grant g
where g.org_id = sqlc.arg(org_id) and g.user_id = sqlc.arg(user_id) and g.safe_id = sqlc.arg(safe_id) and g.one_session and g.uses <> 'session'
    and g.ended_at = 0 and g.starts_at <= sqlc.arg(now) and g.ends_at > sqlc.arg(now)
    and exists (select 1 from checkout c where c.org_id = g.org_id and c.access_request_id = g.request_id and c.access_request_id <> '' and c.handed_at <> 0 and (c.ended_at <> 0 or c.expires_at <= sqlc.arg(now)));

-- name: OpenedFor :many
select g.user_id from access_grant g
where g.org_id = sqlc.arg(org_id) and g.safe_id = sqlc.arg(safe_id) and g.ended_at = 0 and g.starts_at <= sqlc.arg(now) and g.ends_at > sqlc.arg(now)
union
select l.delegate_id from access_delegation l
where l.org_id = sqlc.arg(org_id) and l.safe_id = sqlc.arg(safe_id) and l.lent = 'access' and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now);

-- name: SessionsOf :many
select id, state, started_at, ended_at, recording_id from session
where org_id = $1 and access_request_id = $2 and access_request_id <> '' order by id desc limit 200;

-- name: CheckoutsOf :many
select id, started_at, expires_at, ended_at, ended_by from checkout
where org_id = $1 and access_request_id = $2 and access_request_id <> '' order by id desc limit 200;

-- name: LiveOnGrant :one
select count(*) from session where org_id = $1 and access_request_id = $2 and access_request_id <> '' and state <> 'ended';

-- name: ListGrants :many
select g.*, s.name as safe_name, p.handle, p.email, p.name as person_name
from access_grant g
join safe s on s.org_id = g.org_id and s.id = g.safe_id
join person p on p.id = g.user_id
where g.org_id = sqlc.arg(org_id) and g.id < sqlc.arg(before)
    and (not cast(sqlc.arg(active) as boolean) or g.ended_at = 0 and g.ends_at > sqlc.arg(now))
    and (cast(sqlc.arg(whole) as boolean) or g.user_id = sqlc.arg(me) or exists (
        select 1 from safe_access sm where sm.org_id = g.org_id and sm.safe_id = g.safe_id and sm.user_id = sqlc.arg(me) and sm.role in ('approver', 'manager')))
order by g.id desc limit sqlc.arg(read);

-- name: Administrators :many
select p.id, p.handle, p.name, p.email from member m join person p on p.id = m.user_id
where m.org_id = $1 and m.role in ('owner', 'admin') and m.suspended_at = 0 and p.state = 'active' order by p.handle;

-- name: IsInGroup :one
select user_id from org_group_member where org_id = $1 and group_id = $2 and user_id = $3;

-- name: InGroup :many
select p.id, p.handle, p.name, p.email from org_group_member gm
join member m on m.org_id = gm.org_id and m.user_id = gm.user_id and m.suspended_at = 0 and m.role <> 'auditor'
join person p on p.id = gm.user_id and p.state = 'active'
where gm.org_id = $1 and gm.group_id = $2 order by p.handle limit 20;

-- name: LentAccess :many
-- What is lent to somebody now, by people who have it: on one safe, or (empty) on any.
select l.id, l.safe_id, l.delegator_id, l.parent_id, l.ends_at, p.handle, p.name, p.email from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id and s.deleted_at is null and s.policy not like '%"delegation":"block"%'
join member m on m.org_id = l.org_id and m.user_id = l.delegator_id and m.suspended_at = 0 and m.role <> 'auditor'
join person p on p.id = l.delegator_id and p.state = 'active'
left join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id
where l.org_id = sqlc.arg(org_id) and l.delegate_id = sqlc.arg(user_id) and (cast(sqlc.arg(safe_id) as text) = '' or l.safe_id = sqlc.arg(safe_id))
    and l.lent = 'access' and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)
    and (l.parent_id <> '' or sm.role is not null)
order by l.ends_at desc, l.id;

-- name: Borrowed :one
-- What somebody has of others, that lasts longest.
select l.id, l.delegator_id, l.ends_at from access_delegation l
where l.org_id = sqlc.arg(org_id) and l.safe_id = sqlc.arg(safe_id) and l.delegate_id = sqlc.arg(user_id) and l.lent = sqlc.arg(lent)
    and l.ended_at = 0 and l.starts_at <= sqlc.arg(now) and l.ends_at > sqlc.arg(now)
order by l.ends_at desc, l.id limit 1;

-- name: InsertDelegation :exec
insert into access_delegation (org_id, id, safe_id, delegator_id, delegate_id, lent, role, parent_id, reason, starts_at, ends_at, created_at, ended_at, end_reason, ended_by)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(safe_id), sqlc.arg(delegator_id), sqlc.arg(delegate_id), sqlc.arg(lent), sqlc.arg(role), sqlc.arg(parent_id),
    sqlc.arg(reason), sqlc.arg(starts_at), sqlc.arg(ends_at), sqlc.arg(now), 0, '', '');

-- name: GetDelegation :one
select l.*, s.name as safe_name, d.handle as lender_handle, d.name as lender_name, p.handle, p.name as person_name
from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id
join person d on d.id = l.delegator_id
join person p on p.id = l.delegate_id
where l.org_id = sqlc.arg(org_id) and l.id = sqlc.arg(id);

-- name: ListDelegations :many
select l.*, s.name as safe_name, d.handle as lender_handle, d.name as lender_name, p.handle, p.name as person_name
from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id
join person d on d.id = l.delegator_id
join person p on p.id = l.delegate_id
where l.org_id = sqlc.arg(org_id) and l.id < sqlc.arg(before)
    and (not cast(sqlc.arg(active) as boolean) or l.ended_at = 0 and l.ends_at > sqlc.arg(now))
    and (cast(sqlc.arg(whole) as boolean) or l.delegator_id = sqlc.arg(me) or l.delegate_id = sqlc.arg(me))
order by l.id desc limit sqlc.arg(read);

-- name: LentOn :many
select l.*, s.name as safe_name, d.handle as lender_handle, d.name as lender_name, p.handle, p.name as person_name
from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id
join person d on d.id = l.delegator_id
join person p on p.id = l.delegate_id
where l.org_id = sqlc.arg(org_id) and l.parent_id = sqlc.arg(parent_id) and l.parent_id <> '' and l.ended_at = 0
order by l.id;

-- name: EndDelegation :execrows
update access_delegation set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason), ended_by = sqlc.arg(ended_by)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0;

-- name: LiveOnDelegation :one
select count(*) from session where org_id = $1 and delegation_id = $2 and delegation_id <> '' and state <> 'ended';

-- name: DueDelegations :many
-- platform-wide: the clock ends what ran out, what lost a person or its safe, and what its lender may not lend any more, in every organization
select l.org_id, l.id,
    case when l.ends_at <= sqlc.arg(now) then 'expired'
         when b.user_id is null or b.suspended_at <> 0 or b.role = 'auditor' or bp.state <> 'active' then 'delegate_disabled'
         else 'delegator_lost_right' end as why
from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id
join person p on p.id = l.delegator_id
join person bp on bp.id = l.delegate_id
left join member m on m.org_id = l.org_id and m.user_id = l.delegator_id
left join member b on b.org_id = l.org_id and b.user_id = l.delegate_id
left join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id
where l.ended_at = 0 and (l.ends_at <= sqlc.arg(now) or s.deleted_at is not null
    or m.user_id is null or m.suspended_at <> 0 or m.role = 'auditor' or p.state <> 'active'
    or b.user_id is null or b.suspended_at <> 0 or b.role = 'auditor' or bp.state <> 'active'
    or l.parent_id = '' and (sm.role is null or l.lent = 'approve' and sm.role not in ('approver', 'manager'))
    or s.policy like '%"delegation":"block"%'
    or l.parent_id <> '' and s.policy not like '%"delegation":"onward"%')
order by l.ends_at limit 100;

-- name: Footings :many
-- platform-wide: what the right of each lender rests on, so that it is asked about again only after that has changed
select l.org_id, l.id, l.delegator_id, l.safe_id, l.parent_id, s.version as safe_version, r.version as resource_version,
    cast(coalesce(v.version, 0) as bigint) as set_version, cast(coalesce(m.role, '') as text) as role, cast(coalesce(sm.role, '') as text) as safe_role,
    (select count(*) from org_group_member g where g.org_id = l.org_id and g.user_id = l.delegator_id) as groups,
    (select cast(coalesce(max(g.added_at), 0) as bigint) from org_group_member g where g.org_id = l.org_id and g.user_id = l.delegator_id) as grouped_at
from access_delegation l
join safe s on s.org_id = l.org_id and s.id = l.safe_id
join resource r on r.org_id = s.org_id and r.id = s.resource_id
left join access_policy_set v on v.org_id = l.org_id
left join member m on m.org_id = l.org_id and m.user_id = l.delegator_id
left join safe_access sm on sm.org_id = l.org_id and sm.safe_id = l.safe_id and sm.user_id = l.delegator_id
where l.ended_at = 0 and l.lent = 'access' and l.id > sqlc.arg(after)
order by l.id limit 500;

-- name: InsertLink :exec
insert into access_link (org_id, request_id, user_id, token_hash, created_at, expires_at, used_at)
values (sqlc.arg(org_id), sqlc.arg(request_id), sqlc.arg(user_id), sqlc.arg(token_hash), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: FindLink :one
-- platform-wide: the token tells the organization
select org_id, request_id, user_id, expires_at, used_at from access_link where token_hash = $1;

-- name: UseLink :execrows
update access_link set used_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and request_id = sqlc.arg(request_id) and user_id = sqlc.arg(user_id) and token_hash = sqlc.arg(token_hash)
    and used_at = 0 and expires_at > sqlc.arg(now);

-- name: InsertChannelLink :exec
insert into access_channel_link (org_id, request_id, token_hash, uses_left, created_at, expires_at)
values (sqlc.arg(org_id), sqlc.arg(request_id), sqlc.arg(token_hash), sqlc.arg(uses_left), sqlc.arg(now), sqlc.arg(expires_at));

-- name: FindChannelLink :one
-- platform-wide: the token tells the organization. Only its members are led on.
select l.org_id, l.request_id, l.expires_at from access_channel_link l
join member m on m.org_id = l.org_id and m.user_id = sqlc.arg(user_id) and m.suspended_at = 0
where l.token_hash = sqlc.arg(token_hash) and l.uses_left > 0 and l.expires_at > sqlc.arg(now);

-- name: UseChannelLink :execrows
update access_channel_link set uses_left = uses_left - 1
where org_id = sqlc.arg(org_id) and request_id = sqlc.arg(request_id) and token_hash = sqlc.arg(token_hash) and uses_left > 0 and expires_at > sqlc.arg(now);

-- name: EmergenciesOn :one
-- Those that may still use an account, and their sessions.
select (select count(*) from access_grant g join safe s on s.org_id = g.org_id and s.id = g.safe_id
        where g.org_id = sqlc.arg(org_id) and g.kind = 'emergency' and g.ended_at = 0 and s.account_id = sqlc.arg(account_id))
    + (select count(*) from session x join access_grant g on g.org_id = x.org_id and g.id = x.access_grant_id
        where x.org_id = sqlc.arg(org_id) and x.account_id = sqlc.arg(account_id) and g.kind = 'emergency' and x.state <> 'ended') as n;

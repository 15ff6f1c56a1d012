-- name: HoldOrganization :one
-- Changes of who reaches what wait for each other here (PostgreSQL).
update organization set changed_at = changed_at where id = $1 returning name;

-- name: OrgName :one
select name from organization where id = $1;

-- name: InsertReview :exec
insert into access_review (org_id, id, name, scope, reviewers, rule, state, created_by, created_by_name, created_at, deadline, remind_at, ended_at, comment)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(name), sqlc.arg(scope), sqlc.arg(reviewers), sqlc.arg(rule), 'open', sqlc.arg(created_by), sqlc.arg(created_by_name),
        sqlc.arg(now), sqlc.arg(deadline), sqlc.arg(remind_at), 0, '');

-- name: MembersOfSafes :many
select m.safe_id, s.name as safe_name, m.user_id, p.name as user_name, p.handle as user_handle, m.role, m.ends_at, m.id, m.added_at
from safe_member m join safe s on s.org_id = m.org_id and s.id = m.safe_id join person p on p.id = m.user_id
where m.org_id = $1 and s.deleted_at is null order by s.name, p.handle;

-- name: GroupsOfSafes :many
select b.safe_id, s.name as safe_name, b.group_id, g.name as group_name, b.role, b.ends_at, b.id, b.version, b.created_at, g.source
from safe_group b join safe s on s.org_id = b.org_id and s.id = b.safe_id join org_group g on g.org_id = b.org_id and g.id = b.group_id
where b.org_id = $1 and s.deleted_at is null order by s.name, g.match_name;

-- name: MembersOfGroups :many
select m.group_id, g.name as group_name, m.user_id, p.name as user_name, p.handle as user_handle, m.added_at, g.source
from org_group_member m join org_group g on g.org_id = m.org_id and g.id = m.group_id join person p on p.id = m.user_id
where m.org_id = $1 order by g.match_name, p.handle;

-- name: SafeIDs :many
select id from safe where org_id = $1 and deleted_at is null;

-- name: GroupIDs :many
select id from org_group where org_id = $1;

-- name: ManagersOfSafes :many
select safe_id, user_id from safe_access where org_id = $1 and role = 'manager' order by safe_id, user_id;

-- name: People :many
-- Who can decide, with whether they administer.
select m.user_id, m.role, p.name, p.handle, p.email from member m join person p on p.id = m.user_id
where m.org_id = $1 and m.suspended_at = 0 and p.state = 'active' order by m.user_id;

-- name: MemberMark :one
select id, role, ends_at from safe_member where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and user_id = sqlc.arg(user_id);

-- name: AssignmentMark :one
select id, version from safe_group where org_id = sqlc.arg(org_id) and safe_id = sqlc.arg(safe_id) and group_id = sqlc.arg(group_id);

-- name: GroupMark :one
select added_at from org_group_member where org_id = sqlc.arg(org_id) and group_id = sqlc.arg(group_id) and user_id = sqlc.arg(user_id);

-- name: GroupsOfPerson :many
select group_id from org_group_member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: ItemsOfReviewer :many
select item_id from access_review_reviewer where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and user_id = sqlc.arg(user_id);

-- name: ReviewersOf :many
-- Who is asked about each right.
select v.item_id, v.user_id, p.handle from access_review_reviewer v join person p on p.id = v.user_id
where v.org_id = sqlc.arg(org_id) and v.review_id = sqlc.arg(review_id) order by v.item_id, p.handle;

-- name: GetReview :one
select * from access_review where org_id = $1 and id = $2;

-- name: ListReviews :many
select r.* from access_review r where r.org_id = sqlc.arg(org_id) and r.id < sqlc.arg(before)
and (cast(sqlc.arg(state) as text) = '' or r.state = sqlc.arg(state))
and (cast(sqlc.arg(reviewer) as text) = '' or exists (select 1 from access_review_reviewer v where v.org_id = r.org_id and v.review_id = r.id and v.user_id = sqlc.arg(reviewer)))
order by r.id desc limit sqlc.arg(n);

-- name: Progress :many
-- Of all campaigns of a page at once; mine: of those, what the person is asked about.
select i.review_id, i.result, count(*) as n, count(v.user_id) as mine
from access_review r join access_review_item i on i.org_id = r.org_id and i.review_id = r.id
left join access_review_reviewer v on v.org_id = i.org_id and v.review_id = i.review_id and v.item_id = i.id and v.user_id = sqlc.arg(user_id)
where r.org_id = sqlc.arg(org_id) and r.id >= sqlc.arg(oldest) and r.id <= sqlc.arg(newest)
and (cast(sqlc.arg(state) as text) = '' or r.state = sqlc.arg(state))
group by i.review_id, i.result;

-- name: ListItems :many
select i.* from access_review_item i where i.org_id = sqlc.arg(org_id) and i.review_id = sqlc.arg(review_id) and i.id > sqlc.arg(after)
and (cast(sqlc.arg(reviewer) as text) = '' or exists (select 1 from access_review_reviewer v where v.org_id = i.org_id and v.review_id = i.review_id and v.item_id = i.id and v.user_id = sqlc.arg(reviewer)))
order by i.id limit sqlc.arg(n);

-- name: GetItem :one
select * from access_review_item where org_id = $1 and review_id = $2 and id = $3;

-- name: IsReviewer :one
select count(*) from access_review_reviewer where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and item_id = sqlc.arg(item_id) and user_id = sqlc.arg(user_id);

-- name: ReviewsAny :one
select count(*) from access_review_reviewer where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and user_id = sqlc.arg(user_id);

-- name: OpenItems :many
select id from access_review_item where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and verdict = '' and id > sqlc.arg(after) order by id limit 100;

-- name: DecideItem :execrows
update access_review_item set verdict = sqlc.arg(verdict), result = sqlc.arg(result), note = sqlc.arg(note), reason = sqlc.arg(reason), decided_by = sqlc.arg(decided_by),
    decided_by_name = sqlc.arg(decided_by_name), decided_at = sqlc.arg(now), event_id = sqlc.arg(event_id)
where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and id = sqlc.arg(id) and verdict = '';

-- name: EndReview :execrows
update access_review set state = sqlc.arg(state), ended_at = sqlc.arg(now), comment = sqlc.arg(comment)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open';

-- name: DueReviews :many
-- platform-wide: time passes for all organizations
select * from access_review where state = 'open' and deadline <= sqlc.arg(now) order by deadline limit 20;

-- name: DueReminders :many
-- platform-wide: time passes for all organizations
select * from access_review where state = 'open' and reminded_at = 0 and remind_at > 0 and remind_at <= sqlc.arg(now) and deadline > sqlc.arg(now) order by remind_at limit 20;

-- name: Undecided :many
select id, kind, group_id, user_id from access_review_item where org_id = sqlc.arg(org_id) and review_id = sqlc.arg(review_id) and verdict = '' order by id;

-- name: Reminded :execrows
-- One replica does it, once.
update access_review set reminded_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and reminded_at = 0;

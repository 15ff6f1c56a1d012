-- name: InsertDelivery :exec
-- What a channel was told of already it is not told of again.
insert into delivery (org_id, id, channel, channel_id, kind, recipient, notice_key, content, state, attempts, last_error, fell_back, created_at, expires_at, next_at, ended_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(channel), sqlc.arg(channel_id), sqlc.arg(kind), sqlc.arg(recipient), sqlc.arg(notice_key), sqlc.arg(content), 'queued', 0, '', false,
        sqlc.arg(now), sqlc.arg(expires_at), sqlc.arg(now), 0)
on conflict do nothing;

-- name: DueDeliveries :many
-- platform-wide: one worker delivers for all organizations
select org_id, id, channel_id from delivery where ended_at = 0 and next_at <= sqlc.arg(now) order by next_at, id limit sqlc.arg(n);

-- name: GetDelivery :one
select * from delivery where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: ClaimDelivery :execrows
update delivery set state = 'sending', attempts = attempts + 1, next_at = sqlc.arg(lease_until)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and next_at <= sqlc.arg(now) and attempts = sqlc.arg(attempts);

-- name: RetryDelivery :execrows
update delivery set state = 'queued', next_at = sqlc.arg(next_at), last_error = sqlc.arg(last_error)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'sending' and attempts = sqlc.arg(attempts);

-- name: EndDelivery :execrows
update delivery set state = sqlc.arg(state), ended_at = sqlc.arg(now), last_error = sqlc.arg(last_error),
    content = case when cast(sqlc.arg(state) as text) = 'failed' then content else sqlc.arg(empty) end
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and attempts = sqlc.arg(attempts);

-- name: PostponeDelivery :execrows
update delivery set next_at = sqlc.arg(next_at), last_error = sqlc.arg(last_error)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0 and attempts = sqlc.arg(attempts) and next_at <= sqlc.arg(now);

-- name: InsertTry :exec
insert into delivery_try (org_id, delivery_id, n, started_at, ended_at, outcome, via, error)
values (sqlc.arg(org_id), sqlc.arg(delivery_id), sqlc.arg(n), sqlc.arg(started_at), sqlc.arg(ended_at), sqlc.arg(outcome), sqlc.arg(via), sqlc.arg(error))
on conflict (org_id, delivery_id, n) do nothing;

-- name: Tries :many
select * from delivery_try where org_id = sqlc.arg(org_id) and delivery_id = sqlc.arg(delivery_id) order by n;

-- name: ListDeliveries :many
select org_id, id, channel, channel_id, kind, recipient, state, attempts, last_error, fell_back, created_at, expires_at, next_at, ended_at from delivery
where org_id = sqlc.arg(org_id) and id < sqlc.arg(before)
and (cast(sqlc.arg(channel_id) as text) = '' or channel_id = sqlc.arg(channel_id))
and (cast(sqlc.arg(state) as text) = '' or state = sqlc.arg(state)) order by id desc limit sqlc.arg(n);

-- name: Waiting :one
-- platform-wide: how far behind the worker is
select count(*) as n, cast(coalesce(min(created_at), 0) as bigint) as oldest from delivery where ended_at = 0;

-- name: DropOldTries :exec
-- platform-wide: time passes for all organizations
delete from delivery_try where exists (select 1 from delivery d
where d.org_id = delivery_try.org_id and d.id = delivery_try.delivery_id and d.ended_at <> 0 and d.ended_at < sqlc.arg(before));

-- name: DropOldDeliveries :execrows
-- platform-wide: time passes for all organizations
delete from delivery where ended_at <> 0 and ended_at < sqlc.arg(before);

-- name: ResendDelivery :execrows
-- One that was given up is still there until it expires; one that waits does not wait longer.
update delivery set state = 'queued', ended_at = 0, next_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state in ('failed', 'queued') and expires_at > sqlc.arg(now)
and attempts < sqlc.arg(most) and content <> sqlc.arg(empty);

-- name: ClearExpired :exec
-- platform-wide: time passes for all organizations
update delivery set content = sqlc.arg(empty) where state = 'failed' and expires_at <= sqlc.arg(now) and content <> sqlc.arg(empty);

-- name: CountKindSince :one
select count(*) from delivery where org_id = sqlc.arg(org_id) and kind = sqlc.arg(kind) and created_at > sqlc.arg(since);

-- name: FellBack :execrows
update delivery set fell_back = true where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and not fell_back;

-- name: ToldAlready :many
-- The channels that have one notice.
select channel_id from delivery where org_id = sqlc.arg(org_id) and notice_key = sqlc.arg(notice_key) and notice_key <> '';

-- name: Channels :many
select * from notify_channel where org_id = sqlc.arg(org_id) order by place, id;

-- name: GetChannel :one
select * from notify_channel where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: InsertChannel :execrows
insert into notify_channel (org_id, id, kind, name, name_key, place, enabled, kinds, host, sealed, previous_until, version, failing_since, last_error, last_sent_at, created_at, changed_at)
select sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(kind), sqlc.arg(name), sqlc.arg(name_key), coalesce(max(place), 0) + 1, cast(sqlc.arg(enabled) as boolean), sqlc.arg(kinds), sqlc.arg(host),
       sqlc.arg(sealed), 0, 1, 0, '', 0, cast(sqlc.arg(now) as bigint), cast(sqlc.arg(now) as bigint)
from notify_channel where org_id = sqlc.arg(org_id) having count(*) < cast(sqlc.arg(most) as bigint)
on conflict do nothing;

-- name: UpdateChannel :execrows
update notify_channel set name = sqlc.arg(name), name_key = sqlc.arg(name_key), enabled = sqlc.arg(enabled), kinds = sqlc.arg(kinds), host = sqlc.arg(host), sealed = sqlc.arg(sealed),
    previous_until = sqlc.arg(previous_until), version = version + 1, failing_since = case when cast(sqlc.arg(fresh) as boolean) then 0 else failing_since end,
    last_error = case when cast(sqlc.arg(fresh) as boolean) then '' else last_error end, changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version);

-- name: PlaceChannel :execrows
update notify_channel set place = sqlc.arg(place) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: DeleteChannel :execrows
delete from notify_channel where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: ChannelSent :exec
update notify_channel set failing_since = 0, last_error = '', last_sent_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: ChannelFailed :exec
update notify_channel set failing_since = case when failing_since = 0 then cast(sqlc.arg(now) as bigint) else failing_since end, last_error = sqlc.arg(last_error)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id);

-- name: Alert :execrows
-- One row when nobody was told lately.
insert into notify_alert (org_id, channel_id, alerted_at) values (sqlc.arg(org_id), sqlc.arg(channel_id), sqlc.arg(now))
on conflict (org_id, channel_id) do update set alerted_at = excluded.alerted_at where notify_alert.alerted_at <= sqlc.arg(before);

-- name: Administrators :many
select p.id, p.email, p.name from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and m.role in ('owner', 'admin') and m.suspended_at = 0 and p.state = 'active' order by m.created_at, p.id limit 50;

-- name: InsertNotice :exec
insert into notice (org_id, id, user_id, kind, subject, parts, anywhere, hidden, digest_at, created_at, read_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(user_id), sqlc.arg(kind), sqlc.arg(subject), sqlc.arg(parts), sqlc.arg(anywhere), sqlc.arg(hidden), sqlc.arg(digest_at), sqlc.arg(now), 0);

-- name: ListNotices :many
-- Those of the organization, of the person's account, and those that are told anywhere.
select id, org_id, kind, subject, parts, created_at, read_at from notice
where user_id = sqlc.arg(user_id) and (org_id in (sqlc.arg(org_id), '') or anywhere) and not hidden and id < sqlc.arg(before)
and (not cast(sqlc.arg(unread) as boolean) or read_at = 0) order by id desc limit sqlc.arg(n);

-- name: CountUnread :one
select count(*) from notice where user_id = sqlc.arg(user_id) and (org_id in (sqlc.arg(org_id), '') or anywhere) and not hidden and read_at = 0;

-- name: ReadNotice :execrows
update notice set read_at = sqlc.arg(now) where user_id = sqlc.arg(user_id) and (org_id in (sqlc.arg(org_id), '') or anywhere) and id = sqlc.arg(id) and read_at = 0;

-- name: ReadNotices :execrows
update notice set read_at = sqlc.arg(now) where user_id = sqlc.arg(user_id) and (org_id in (sqlc.arg(org_id), '') or anywhere) and read_at = 0 and id <= sqlc.arg(until);

-- name: PersonByEmail :one
select id from person where email = sqlc.arg(email) and state = 'active';

-- name: Preference :one
select in_app, email from notice_preference where user_id = sqlc.arg(user_id) and kind = sqlc.arg(kind);

-- name: Preferences :many
select kind, in_app, email from notice_preference where user_id = sqlc.arg(user_id);

-- name: SetPreference :exec
insert into notice_preference (user_id, kind, in_app, email, changed_at) values (sqlc.arg(user_id), sqlc.arg(kind), sqlc.arg(in_app), sqlc.arg(email), sqlc.arg(now))
on conflict (user_id, kind) do update set in_app = excluded.in_app, email = excluded.email, changed_at = excluded.changed_at;

-- name: DueDigests :many
-- platform-wide: one worker summarizes for all organizations
select n.org_id, n.user_id, p.email, p.name, max(n.id) as last_id from notice n join person p on p.id = n.user_id
where n.digest_at <> 0 and n.digest_at <= sqlc.arg(now) group by n.org_id, n.user_id, p.email, p.name order by n.org_id, n.user_id limit sqlc.arg(n);

-- name: DigestOf :many
select id, kind, subject, created_at from notice
where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and digest_at <> 0 and digest_at <= sqlc.arg(now) order by id limit 200;

-- name: Digested :execrows
update notice set digest_at = 0 where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and digest_at <> 0 and digest_at <= sqlc.arg(now) and id <= sqlc.arg(until);

-- name: DropOldNotices :exec
-- platform-wide: time passes for all organizations
delete from notice where created_at < sqlc.arg(before) and digest_at = 0;

-- name: Introduction :one
select words from notice_introduction where org_id = sqlc.arg(org_id) and kind = sqlc.arg(kind);

-- name: Introductions :many
select kind, words, changed_at from notice_introduction where org_id = sqlc.arg(org_id) order by kind;

-- name: SetIntroduction :exec
insert into notice_introduction (org_id, kind, words, changed_at) values (sqlc.arg(org_id), sqlc.arg(kind), sqlc.arg(words), sqlc.arg(now))
on conflict (org_id, kind) do update set words = excluded.words, changed_at = excluded.changed_at;

-- name: DropIntroduction :execrows
delete from notice_introduction where org_id = sqlc.arg(org_id) and kind = sqlc.arg(kind);

-- name: InOrganization :one
select count(*) from member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id) and suspended_at = 0;

-- +goose Up
-- Where an organization is told of what happens in it, besides the e-mails to
-- persons: Slack and signed webhooks. sealed holds the URL, the secrets and the
-- authorities; nobody reads them again but the worker that delivers.
create table notify_channel (
    org_id         text    not null,
    id             text    not null,
    kind           text    not null check (kind in ('slack', 'webhook')),
    name           text    not null,
    name_key       text    not null, -- lower case
    place          bigint  not null, -- in the organization's order; who fails falls back to the next
    enabled        boolean not null,
    kinds          text    not null, -- of notices, with spaces between; empty: all
    host           text    not null, -- of the URL, to be shown
    sealed         bytea   not null,
    previous_until bigint  not null, -- webhook: signed with the previous secret too until then; 0: not
    version        bigint  not null,
    failing_since  bigint  not null, -- 0: the last try arrived, or there was none
    last_error     text    not null,
    last_sent_at   bigint  not null,
    created_at     bigint  not null,
    changed_at     bigint  not null,
    primary key (org_id, id),
    unique (org_id, name_key)
);

-- When administrators were last told that a channel fails; 'email' is a channel here.
create table notify_alert (
    org_id     text   not null,
    channel_id text   not null,
    alerted_at bigint not null,
    primary key (org_id, channel_id)
);

-- A delivery goes by e-mail or by a channel. SQLite cannot change a check, so both
-- tables are made anew.
alter table delivery_try rename to delivery_try_old;
alter table delivery rename to delivery_old;
drop index delivery_due;
drop index delivery_ended;

create table delivery (
    org_id      text    not null,
    id          text    not null,
    channel     text    not null check (channel in ('email', 'slack', 'webhook')),
    channel_id  text    not null, -- email, or the channel's id
    kind        text    not null,
    recipient   text    not null, -- the e-mail address, or the channel's name
    notice_key  text    not null, -- what it tells, once for each channel; empty: it may be told again
    content     bytea   not null, -- sealed; empty when sent or expired
    state       text    not null check (state in ('queued', 'sending', 'sent', 'failed', 'expired')),
    attempts    bigint  not null,
    last_error  text    not null,
    fell_back   boolean not null, -- another channel was asked in its place
    created_at  bigint  not null,
    expires_at  bigint  not null, -- of no use after this
    next_at     bigint  not null, -- queued: not before this; sending: given up for lost after this
    ended_at    bigint  not null,
    primary key (org_id, id)
);

insert into delivery (org_id, id, channel, channel_id, kind, recipient, notice_key, content, state, attempts, last_error, fell_back, created_at, expires_at, next_at, ended_at)
select org_id, id, channel, 'email', kind, recipient, '', content, state, attempts, last_error, false, created_at, expires_at, next_at, ended_at from delivery_old;

create table delivery_try (
    org_id      text   not null,
    delivery_id text   not null,
    n           bigint not null,
    started_at  bigint not null,
    ended_at    bigint not null,
    outcome     text   not null check (outcome in ('sent', 'retry', 'refused', 'lost')),
    via         text   not null, -- which server, host or folder took it or should have
    error       text   not null,
    primary key (org_id, delivery_id, n),
    foreign key (org_id, delivery_id) references delivery (org_id, id) on delete cascade
);

insert into delivery_try (org_id, delivery_id, n, started_at, ended_at, outcome, via, error)
select org_id, delivery_id, n, started_at, ended_at, outcome, via, error from delivery_try_old;

drop table delivery_try_old;
drop table delivery_old;

create index delivery_due on delivery (next_at, id) where ended_at = 0;
create index delivery_ended on delivery (ended_at) where ended_at <> 0;
create unique index delivery_once on delivery (org_id, channel_id, notice_key) where notice_key <> '';

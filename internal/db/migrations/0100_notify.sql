-- +goose Up
-- What the product has to tell somebody outside of itself. A row is written in the
-- transaction of the act that it tells of, and delivered afterwards. org_id is empty
-- for what the platform tells. The content is sealed, because it may hold a one-time
-- link, and cleared once it is delivered or given up.
create table delivery (
    org_id      text   not null,
    id          text   not null,
    channel     text   not null check (channel in ('email')),
    kind        text   not null,
    recipient   text   not null, -- the e-mail address
    content     bytea  not null, -- sealed; empty when ended
    state       text   not null check (state in ('queued', 'sending', 'sent', 'failed', 'expired')),
    attempts    bigint not null,
    last_error  text   not null,
    created_at  bigint not null,
    expires_at  bigint not null, -- of no use after this
    next_at     bigint not null, -- queued: not before this; sending: given up for lost after this
    ended_at    bigint not null,
    primary key (org_id, id)
);

create index delivery_due on delivery (next_at, id) where ended_at = 0;
create index delivery_ended on delivery (ended_at) where ended_at <> 0;

-- Each try, so that nobody has to guess why a message did not come.
create table delivery_try (
    org_id      text   not null,
    delivery_id text   not null,
    n           bigint not null,
    started_at  bigint not null,
    ended_at    bigint not null,
    outcome     text   not null check (outcome in ('sent', 'retry', 'refused', 'lost')),
    via         text   not null, -- which server or folder took it or should have
    error       text   not null,
    primary key (org_id, delivery_id, n),
    foreign key (org_id, delivery_id) references delivery (org_id, id) on delete cascade
);

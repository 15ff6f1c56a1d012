-- +goose Up
-- Invitations of people who are to operate the platform. A person's e-mail address
-- has at most one that is pending.
create table platform_invitation (
    id         text   not null primary key,
    email      text   not null,
    role       text   not null check (role in ('platform_admin', 'platform_auditor')),
    state      text   not null check (state in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
    invited_by text   not null references person (id),
    created_at bigint not null,
    sent_at    bigint not null, -- of the newest message
    expires_at bigint not null,
    resends    bigint not null,
    ended_at   bigint not null,
    person_id  text   not null  -- who accepted it
);

create unique index platform_invitation_pending on platform_invitation (email) where state = 'pending';
create index platform_invitation_due on platform_invitation (expires_at) where state = 'pending';

-- The tokens of invitations, of which the newest is good. The older ones stay, so
-- that whoever shows one is told that it was replaced.
create table platform_invitation_token (
    token_hash    bytea  not null primary key,
    invitation_id text   not null references platform_invitation (id),
    created_at    bigint not null,
    superseded_at bigint not null
);

create index platform_invitation_token_of on platform_invitation_token (invitation_id);

-- An invitee's way from the landing page to the end.
create table platform_invitation_flow (
    id            text   not null primary key,
    invitation_id text   not null references platform_invitation (id),
    token_hash    bytea  not null unique,
    started_at    bigint not null,
    expires_at    bigint not null,
    ended_at      bigint not null
);

create index platform_invitation_flow_of on platform_invitation_flow (invitation_id);

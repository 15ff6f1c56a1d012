-- +goose Up
-- The addresses that people have proved to read: by a link that was mailed there.
create table email_proof (
    person_id text   not null primary key references person (id),
    email     text   not null,
    proved_at bigint not null
);

-- Somebody who is asked to join an organization. safes is a JSON list of
-- {"safe_id", "role"}.
create table invitation (
    org_id        text    not null references organization (id),
    id            text    not null,
    email         text    not null, -- canonical form
    role          text    not null check (role in ('owner', 'admin', 'operator', 'auditor')),
    safes         text    not null,
    require_mfa   boolean not null,
    state         text    not null check (state in ('pending', 'accepted', 'revoked', 'expired')),
    inviter_id    text    not null references person (id),
    inviter_token text    not null, -- the API token that acted for them, or nothing
    inviter_ip    text    not null,
    created_at    bigint  not null,
    sent_at       bigint  not null, -- when its newest message was queued
    expires_at    bigint  not null,
    resends       bigint  not null,
    ended_at      bigint  not null,
    member_id     text    not null, -- who accepted it
    primary key (org_id, id)
);

create unique index invitation_open on invitation (org_id, email) where state = 'pending';
create index invitation_due on invitation (expires_at) where state = 'pending';
create index invitation_email on invitation (email) where state = 'pending';

-- Each link that was mailed. All but the newest of an invitation are void, and
-- are kept so that they are told apart from those that never were.
create table invitation_token (
    org_id        text   not null,
    token_hash    bytea  not null primary key,
    invitation_id text   not null,
    created_at    bigint not null,
    voided_at     bigint not null,
    foreign key (org_id, invitation_id) references invitation (org_id, id)
);

create index invitation_token_of on invitation_token (org_id, invitation_id);

-- Somebody with a live link who went on from the landing page.
create table invitation_flow (
    org_id        text   not null,
    id            text   not null,
    invitation_id text   not null,
    token_hash    bytea  not null unique,
    started_at    bigint not null,
    expires_at    bigint not null,
    ended_at      bigint not null,
    primary key (org_id, id),
    foreign key (org_id, invitation_id) references invitation (org_id, id)
);

create index invitation_flow_end on invitation_flow (expires_at);

-- Links that prove the e-mail address of somebody who wants to register an organization.
create table signup_link (
    token_hash bytea  not null primary key,
    email      text   not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint not null
);

create index signup_link_email on signup_link (email, created_at);

-- An organization that asks to be let in.
create table signup (
    id            text    not null primary key,
    email         text    not null, -- of the applicant, proved
    state         text    not null check (state in ('draft', 'submitted', 'returned', 'rejected', 'approved')),
    org_name      text    not null,
    slug          text    not null,
    note          text    not null,
    handle        text    not null,
    name          text    not null,
    password_hash text    not null, -- of the first owner to be; emptied by the decision
    submissions   bigint  not null, -- how often it was sent
    started_at    bigint  not null,
    submitted_at  bigint  not null,
    decided_at    bigint  not null,
    decided_by    text    not null,
    comment       text    not null, -- of the decision
    org_id_made   text    not null,
    phone_verification text not null -- of the number that the applicant proves, or nothing
);

-- One case of an applicant is open at a time.
create unique index signup_open on signup (email) where state in ('draft', 'submitted', 'returned');
create index signup_queue on signup (state, id);

-- What an applicant shows to see and change their case: one for each link used.
create table signup_access (
    token_hash bytea  not null primary key,
    signup_id  text   not null references signup (id),
    created_at bigint not null,
    expires_at bigint not null,
    told_at    bigint not null -- when the waiting page was first shown
);

create index signup_access_of on signup_access (signup_id);

alter table organization add column deleted_at bigint not null default 0;
alter table member add column require_mfa boolean not null default false;

-- What an organization has set. settings is JSON; idle_us and absolute_us repeat
-- two of them for the clock that ends web sessions.
create table organization_setting (
    org_id        text   not null primary key references organization (id),
    version       bigint not null,
    settings      text   not null,
    idle_us       bigint not null, -- microseconds; 0: the installation's
    absolute_us   bigint not null,
    smtp_password bytea  not null, -- sealed; empty: none
    seat_limit    bigint not null, -- set by the platform; 0: none
    changed_at    bigint not null
);

-- Every change of them: a JSON list of {"field", "from", "to"}.
create table organization_setting_change (
    org_id     text   not null references organization (id),
    version    bigint not null,
    group_name text   not null,
    changes    text   not null,
    weakened   text   not null, -- separated by one space
    actor_id   text   not null,
    actor_name text   not null,
    changed_at bigint not null,
    primary key (org_id, version, group_name)
);

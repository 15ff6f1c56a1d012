-- +goose Up
create table organization (
    id         text   not null primary key,
    slug       text   not null unique,
    name       text   not null,
    state      text   not null check (state in ('active', 'suspended')),
    created_at bigint not null,
    changed_at bigint not null
);

-- Who belongs to which organization, in which role. What a person may do hangs
-- on this row alone: when it is gone, so is every right in the organization.
create table member (
    org_id     text   not null references organization (id),
    user_id    text   not null references person (id),
    role       text   not null check (role in ('owner', 'admin', 'operator', 'auditor')),
    created_at bigint not null,
    changed_at bigint not null,
    primary key (org_id, user_id)
);

create index member_by_user on member (user_id, created_at, org_id);

create table platform_operator (
    person_id  text   not null primary key references person (id),
    role       text   not null check (role in ('platform_admin', 'platform_auditor')),
    created_at bigint not null,
    changed_at bigint not null
);

-- The one-time link that makes the first platform administrator.
create table setup_link (
    id         text   not null primary key,
    token_hash bytea  not null unique,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint not null
);

-- One row. Changes to who operates the platform wait for each other on it, so
-- that two of them cannot both remove the last administrator but one.
create table platform_gate (
    id bigint not null primary key,
    at bigint not null
);

insert into platform_gate (id, at) values (1, 0);

-- +goose Up
-- People and groups as an organization's directory pushes them (SCIM 2.0). What
-- somebody may do hangs on their row in member, which these rows lead to.
create table scim_token (
    org_id       text   not null references organization (id),
    id           text   not null,
    name         text   not null,
    token_hash   bytea  not null unique,
    created_by   text   not null references person (id),
    created_at   bigint not null,
    expires_at   bigint not null,
    last_used_at bigint not null,
    ended_at     bigint not null,
    primary key (org_id, id)
);

create table scim_setting (
    org_id       text   not null primary key references organization (id),
    default_role text   not null, -- empty: who is in no group that a rule names has no place
    roles        text   not null, -- JSON: [{"group", "role"}], the first match counts
    changed_at   bigint not null
);

create table scim_user (
    org_id      text    not null references organization (id),
    user_id     text    not null references person (id),
    user_name   text    not null, -- as the directory writes it
    match_name  text    not null, -- the same, for comparison
    external_id text    not null,
    email       text    not null,
    display     text    not null,
    given       text    not null,
    family      text    not null,
    active      boolean not null,
    version     bigint  not null,
    created_at  bigint  not null,
    changed_at  bigint  not null,
    primary key (org_id, user_id),
    unique (org_id, match_name)
);

create index scim_user_external on scim_user (org_id, external_id);

create table scim_group (
    org_id      text   not null references organization (id),
    id          text   not null,
    display     text   not null,
    match_name  text   not null,
    external_id text   not null,
    version     bigint not null,
    created_at  bigint not null,
    changed_at  bigint not null,
    primary key (org_id, id),
    unique (org_id, match_name)
);

create table scim_group_member (
    org_id   text not null,
    group_id text not null,
    user_id  text not null,
    primary key (org_id, group_id, user_id),
    foreign key (org_id, group_id) references scim_group (org_id, id),
    foreign key (org_id, user_id) references scim_user (org_id, user_id)
);

create index scim_group_member_user on scim_group_member (org_id, user_id);

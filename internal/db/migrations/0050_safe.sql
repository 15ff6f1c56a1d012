-- +goose Up
-- A safe: one resource, one account on it, and the policy of using the one as the
-- other. A deleted one keeps its row, because sessions of the past name it, and
-- loses its members.
create table safe (
    org_id      text   not null,
    id          text   not null,
    name        text   not null,
    description text   not null,
    resource_id text   not null,
    account_id  text   not null,
    policy_id   text   not null,
    policy      text   not null, -- JSON, see safe.encodePolicy
    version     bigint not null,
    created_at  bigint not null,
    created_by  text   not null,
    updated_at  bigint not null,
    deleted_at  bigint,
    primary key (org_id, id),
    foreign key (org_id, resource_id) references resource (org_id, id),
    foreign key (org_id, account_id, resource_id) references account (org_id, id, resource_id)
);
create unique index safe_name on safe (org_id, name) where deleted_at is null;
create index safe_resource on safe (org_id, resource_id);
create index safe_account on safe (org_id, account_id, resource_id);

-- Direct members. Only a member of the organization can be one.
create table safe_member (
    org_id   text   not null,
    safe_id  text   not null,
    user_id  text   not null,
    id       text   not null,
    role     text   not null check (role in ('user', 'checkout', 'approver', 'manager')),
    added_at bigint not null,
    added_by text   not null,
    primary key (org_id, safe_id, user_id),
    foreign key (org_id, safe_id) references safe (org_id, id),
    foreign key (org_id, user_id) references member (org_id, user_id)
);
create index safe_member_user on safe_member (org_id, user_id, safe_id);

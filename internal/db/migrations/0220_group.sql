-- +goose Up
-- Groups of people: made here, or kept by the organization's directory (scim) or
-- by what its identity provider says at each sign-in (sso). One that a directory
-- pushes has the id of its row in scim_group.
create table org_group (
    org_id      text   not null references organization (id),
    id          text   not null,
    name        text   not null,
    match_name  text   not null, -- the same, for comparison and order
    description text   not null,
    source      text   not null check (source in ('local', 'scim', 'sso')),
    provider_id text   not null, -- sso: whose word counts
    claim       text   not null, -- sso: the provider's name for it
    version     bigint not null,
    created_at  bigint not null,
    created_by  text   not null,
    updated_at  bigint not null,
    primary key (org_id, id),
    unique (org_id, match_name)
);
create index org_group_claim on org_group (org_id, provider_id, claim) where source = 'sso';

-- Only a member of the organization can be in a group.
create table org_group_member (
    org_id   text   not null,
    group_id text   not null,
    user_id  text   not null,
    added_at bigint not null,
    added_by text   not null, -- empty: the directory or the provider
    primary key (org_id, group_id, user_id),
    foreign key (org_id, group_id) references org_group (org_id, id),
    foreign key (org_id, user_id) references member (org_id, user_id)
);
create index org_group_member_user on org_group_member (org_id, user_id, group_id);

insert into org_group (org_id, id, name, match_name, description, source, provider_id, claim, version, created_at, created_by, updated_at)
select org_id, id, display, match_name, '', 'scim', '', '', 1, created_at, '', changed_at from scim_group;

insert into org_group_member (org_id, group_id, user_id, added_at, added_by)
select g.org_id, g.group_id, g.user_id, m.created_at, ''
from scim_group_member g join member m on m.org_id = g.org_id and m.user_id = g.user_id;

-- The binding of a group to a safe: what every member of the group may do there.
create table safe_group (
    org_id     text   not null,
    id         text   not null,
    safe_id    text   not null,
    group_id   text   not null,
    role       text   not null check (role in ('user', 'checkout', 'approver', 'manager')),
    ends_at    bigint not null, -- 0: never
    version    bigint not null,
    created_at bigint not null,
    created_by text   not null,
    updated_at bigint not null,
    primary key (org_id, id),
    unique (org_id, safe_id, group_id),
    foreign key (org_id, safe_id) references safe (org_id, id),
    foreign key (org_id, group_id) references org_group (org_id, id)
);
create index safe_group_group on safe_group (org_id, group_id, safe_id);
create index safe_group_end on safe_group (ends_at) where ends_at <> 0;

alter table safe_member add column ends_at bigint not null default 0; -- 0: never
create index safe_member_end on safe_member (ends_at) where ends_at <> 0;

-- Who reaches which safe, in which role: derived from safe_member, safe_group and
-- org_group_member in the transaction in which one of those changes. Every decision
-- reads it, and nothing else.
create table safe_access (
    org_id      text   not null,
    safe_id     text   not null,
    user_id     text   not null,
    role        text   not null check (role in ('user', 'checkout', 'approver', 'manager')), -- the stronger of the next two
    direct_role text   not null, -- empty: no direct member
    group_role  text   not null, -- the strongest that groups bring; empty: none does
    group_id    text   not null, -- the group that brings it
    ends_at     bigint not null, -- when the first of all that it is made of ends; 0: none does
    primary key (org_id, safe_id, user_id),
    foreign key (org_id, safe_id) references safe (org_id, id),
    foreign key (org_id, user_id) references member (org_id, user_id)
);
create index safe_access_user on safe_access (org_id, user_id, safe_id);

insert into safe_access (org_id, safe_id, user_id, role, direct_role, group_role, group_id, ends_at)
select org_id, safe_id, user_id, role, role, '', '', 0 from safe_member;

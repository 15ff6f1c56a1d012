-- +goose Up
-- Labels of a resource, which policies look at: a JSON list of "key=value".
alter table resource add column labels text not null default '[]';

-- The organization's policies of access, as they are now. A deleted one keeps its
-- row, because launches of the past name it.
create table access_policy (
    org_id      text    not null references organization (id),
    id          text    not null,
    name        text    not null,
    description text    not null,
    text        text    not null, -- Cedar
    enabled     boolean not null,
    everywhere  boolean not null, -- on every safe; otherwise on those of access_policy_safe
    priority    bigint  not null,
    version     bigint  not null,
    created_at  bigint  not null,
    created_by  text    not null,
    updated_at  bigint  not null,
    updated_by  text    not null,
    deleted_at  bigint,
    primary key (org_id, id)
);
create unique index access_policy_name on access_policy (org_id, name) where deleted_at is null;

create table access_policy_safe (
    org_id      text   not null,
    policy_id   text   not null,
    safe_id     text   not null,
    assigned_at bigint not null,
    assigned_by text   not null,
    primary key (org_id, policy_id, safe_id),
    foreign key (org_id, policy_id) references access_policy (org_id, id),
    foreign key (org_id, safe_id) references safe (org_id, id)
);
create index access_policy_safe_by_safe on access_policy_safe (org_id, safe_id);

-- What each version said, and who saved it.
create table access_policy_version (
    org_id          text    not null,
    policy_id       text    not null,
    version         bigint  not null,
    change          text    not null, -- created, edited, assigned, restored, deleted
    name            text    not null,
    description     text    not null,
    text            text    not null,
    enabled         boolean not null,
    everywhere      boolean not null,
    priority        bigint  not null,
    safes           text    not null, -- JSON list of ids
    comment         text    not null,
    changed_at      bigint  not null,
    changed_by      text    not null,
    changed_by_name text    not null,
    primary key (org_id, policy_id, version),
    foreign key (org_id, policy_id) references access_policy (org_id, id)
);

-- One number for all policies of an organization. It grows with each change, so
-- that every server knows whether what it has compiled is still right.
create table access_policy_set (
    org_id     text   not null primary key references organization (id),
    version    bigint not null,
    changed_at bigint not null
);

-- What launches were decided upon, so that they can be decided again under other
-- policies. Kept for ninety days. Names of people and safes stand in it as they
-- were; like a session it is history, so nothing is a foreign key.
create table launch_decision (
    org_id     text   not null,
    event_id   text   not null, -- SESSION_START_REQUESTED in the ledger
    at         bigint not null,
    user_id    text   not null,
    safe_id    text   not null,
    outcome    text   not null, -- allow, deny, require_approval
    why        text   not null,
    policy_id  text   not null, -- that decided; empty: the product's own rules
    question   text   not null, -- JSON, see policy.Question
    settings   text   not null, -- JSON, of the safe
    primary key (org_id, event_id)
);
create index launch_decision_at on launch_decision (org_id, at);
create index launch_decision_age on launch_decision (at);

-- The ticket that a launch named, for when its grant is redeemed.
alter table launch_grant add column ticket text not null default '';

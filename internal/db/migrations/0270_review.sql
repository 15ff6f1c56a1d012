-- +goose Up
-- A campaign of access reviews, and each right in it as it was when the campaign opened.
create table access_review (
    org_id     text   not null,
    id         text   not null,
    name       text   not null,
    scope      text   not null, -- in words of the API: {"all", "safe_ids", "group_ids"}
    reviewers  text   not null, -- managers, or named
    rule       text   not null check (rule in ('keep', 'revoke')), -- of what nobody decided
    state      text   not null check (state in ('open', 'closed', 'cancelled')),
    created_by text   not null,
    created_by_name text not null,
    created_at bigint not null,
    deadline   bigint not null,
    ended_at   bigint not null,
    comment    text   not null, -- of who cancelled
    primary key (org_id, id)
);
create index access_review_due on access_review (deadline) where state = 'open';

create table access_review_item (
    org_id     text   not null,
    review_id  text   not null,
    id         text   not null,
    kind       text   not null check (kind in ('safe_member', 'safe_group', 'group_member')),
    safe_id    text   not null,
    safe_name  text   not null,
    group_id   text   not null,
    group_name text   not null,
    user_id    text   not null,
    user_name  text   not null,
    role       text   not null,
    ends_at    bigint not null,
    mark       text   not null, -- of the row that gives the right; another one: it has changed
    verdict    text   not null, -- keep or revoke; empty: undecided
    result     text   not null, -- kept, revoked, stale or failed
    note       text   not null, -- stale, failed: why
    reason     text   not null, -- of who decided
    decided_by text   not null, -- empty: the rule
    decided_by_name text not null,
    decided_at bigint not null,
    event_id   text   not null, -- ACCESS_REVIEW_ITEM_DECIDED
    primary key (org_id, review_id, id)
);

create table access_review_reviewer (
    org_id    text not null,
    review_id text not null,
    item_id   text not null,
    user_id   text not null,
    primary key (org_id, review_id, item_id, user_id)
);
create index access_review_reviewer_of on access_review_reviewer (org_id, user_id);

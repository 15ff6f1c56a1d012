-- +goose Up
-- Somebody asks for access to a safe. What its settings and policies demanded at that
-- moment stands in the row. A request is history: people and safes stay named in it.
create table access_request (
    org_id           text    not null,
    id               text    not null,
    safe_id          text    not null,
    requester_id     text    not null references person (id),
    token_id         text    not null, -- that filed it for them; empty: they did
    -- approval: people decide; rule: a rule of the safe approved it; emergency: nobody was asked.
    kind             text    not null check (kind in ('approval', 'rule', 'emergency')),
    state            text    not null check (state in ('open', 'approved', 'rejected', 'withdrawn', 'expired', 'closed')),
    reason           text    not null,
    ticket           text    not null,
    starts_at        bigint  not null, -- 0: when it is approved
    duration_us      bigint  not null,
    approvals_needed bigint  not null,
    approvals_have   bigint  not null,
    approvers        text    not null, -- words with a space before and after each: safe, person:<id>, group:<id>
    policy_id        text    not null, -- that asks for approval; empty: the safe's settings
    one_session      boolean not null,
    cool_down_us     bigint  not null,
    version          bigint  not null,
    created_at       bigint  not null,
    expires_at       bigint  not null, -- when it lapses undecided
    ended_at         bigint  not null, -- 0: open
    end_reason       text    not null,
    primary key (org_id, id),
    foreign key (org_id, safe_id) references safe (org_id, id)
);
create unique index access_request_open on access_request (org_id, safe_id, requester_id) where state = 'open';
create index access_request_requester on access_request (org_id, requester_id, id);
create index access_request_safe on access_request (org_id, safe_id, id);
create index access_request_due on access_request (expires_at) where state = 'open';

-- One decision of one person. Nobody decides twice.
create table access_decision (
    org_id        text   not null,
    request_id    text   not null,
    user_id       text   not null,
    token_id      text   not null,
    verdict       text   not null check (verdict in ('approve', 'reject')),
    delegation_id text   not null, -- the right was lent; empty: their own
    comment       text   not null,
    at            bigint not null,
    primary key (org_id, request_id, user_id),
    foreign key (org_id, request_id) references access_request (org_id, id)
);

create table access_comment (
    org_id     text   not null,
    id         text   not null,
    request_id text   not null,
    user_id    text   not null,
    text       text   not null,
    at         bigint not null,
    primary key (org_id, id),
    foreign key (org_id, request_id) references access_request (org_id, id)
);
create index access_comment_request on access_comment (org_id, request_id, id);

-- What an approved request opens: this person, this safe, from then until then.
create table access_grant (
    org_id       text    not null,
    id           text    not null,
    request_id   text    not null,
    safe_id      text    not null,
    user_id      text    not null,
    kind         text    not null check (kind in ('approval', 'rule', 'emergency')),
    approved_by  text    not null, -- ids, separated by one space
    ticket       text    not null,
    one_session  boolean not null, -- one session, and reconnects within the cool-down after it
    cool_down_us bigint  not null,
    starts_at    bigint  not null,
    ends_at      bigint  not null,
    created_at   bigint  not null,
    ended_at     bigint  not null, -- 0: not yet
    end_reason   text    not null, -- expired, revoked, safe_deleted, requester_disabled
    ended_by     text    not null,
    primary key (org_id, id),
    unique (org_id, request_id),
    foreign key (org_id, request_id) references access_request (org_id, id)
);
create index access_grant_user on access_grant (org_id, user_id, safe_id) where ended_at = 0;
create index access_grant_due on access_grant (ends_at) where ended_at = 0;

-- A member lends their own access, or their right to approve, to another.
create table access_delegation (
    org_id       text   not null,
    id           text   not null,
    safe_id      text   not null,
    delegator_id text   not null references person (id),
    delegate_id  text   not null references person (id),
    lent         text   not null check (lent in ('access', 'approve')),
    role         text   not null check (role in ('user', 'checkout', 'approver')),
    parent_id    text   not null, -- lent onward from this one; empty: the delegator's own
    reason       text   not null,
    starts_at    bigint not null,
    ends_at      bigint not null,
    created_at   bigint not null,
    ended_at     bigint not null, -- 0: not yet
    end_reason   text   not null,
    ended_by     text   not null,
    primary key (org_id, id),
    foreign key (org_id, safe_id) references safe (org_id, id)
);
create index access_delegation_delegate on access_delegation (org_id, delegate_id, safe_id) where ended_at = 0;
create index access_delegation_delegator on access_delegation (org_id, delegator_id, safe_id) where ended_at = 0;
create index access_delegation_due on access_delegation (ends_at) where ended_at = 0;

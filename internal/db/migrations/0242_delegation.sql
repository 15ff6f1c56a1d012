-- +goose Up
-- Through which loan a session was opened.
alter table session add column delegation_id text not null default '';
create index session_delegation on session (org_id, delegation_id) where delegation_id <> '';

-- One loan of one right on one safe between the same two people at a time.
create unique index access_delegation_open on access_delegation (org_id, safe_id, delegator_id, delegate_id, lent) where ended_at = 0;

-- Access that was asked for as somebody who may open the safe anyway ends with that.
alter table access_request add column as_member boolean not null default false;
alter table access_grant add column as_member boolean not null default false;

-- A link in the e-mail to one who may decide. It is good for one decision of that person.
create table access_link (
    org_id     text   not null,
    request_id text   not null,
    user_id    text   not null references person (id),
    token_hash bytea  not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint not null, -- 0: not yet
    primary key (org_id, request_id, user_id),
    foreign key (org_id, request_id) references access_request (org_id, id)
);
create unique index access_link_token on access_link (token_hash);

-- Since when the credential of an account is to be replaced, because an emergency has used it.
alter table account add column rotation_due_at bigint not null default 0; -- 0: it is not

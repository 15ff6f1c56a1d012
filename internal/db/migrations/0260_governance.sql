-- +goose Up
-- A sensitive change of an organization that waits for a second person, or did. changes is
-- what it changes, as a list of {field, from, to}; payload is what applying it needs, sealed,
-- because some changes carry a secret.
create table governance_action (
    org_id           text   not null,
    id               text   not null,
    kind             text   not null,
    subject          text   not null, -- id of what changes; one open action of a kind for each
    subject_name     text   not null,
    summary          text   not null,
    changes          text   not null,
    payload          bytea  not null,
    payload_digest   text   not null, -- SHA-256 of the payload before it was sealed, in hex
    state            text   not null check (state in ('open', 'approved', 'rejected', 'withdrawn', 'expired', 'superseded')),
    requester_id     text   not null,
    requester_name   text   not null,
    requester_token  text   not null, -- empty: in person
    requester_scopes text   not null, -- of the token, separated by one space
    requester_ip     text   not null,
    requester_agent  text   not null,
    created_at       bigint not null,
    expires_at       bigint not null,
    decided_by       text   not null,
    decided_by_name  text   not null,
    decided_at       bigint not null,
    comment          text   not null, -- of who decided
    note             text   not null, -- superseded: what had changed
    effect_event     text   not null, -- approved: the event that tells the effect
    primary key (org_id, id)
);

create unique index governance_action_open on governance_action (org_id, kind, subject) where state = 'open';
create index governance_action_due on governance_action (expires_at) where state = 'open';
create unique index governance_action_id on governance_action (id);

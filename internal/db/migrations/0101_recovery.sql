-- +goose Up
-- A person who has lost their second factor and asks for a new one. org_id is the
-- organization that is concerned, empty for an operator of the platform. expires_at
-- is the end of the present state; what it ends in is told by the state.
create table mfa_recovery (
    org_id         text   not null,
    id             text   not null,
    person_id      text   not null references person (id),
    -- requested: a proof was mailed; pending: it came back, and an administrator
    -- decides; approved: a grant was mailed; consumed: it was used, and a new factor
    -- is being set up. The others are ends.
    state          text   not null check (state in ('requested', 'pending', 'approved', 'consumed', 'completed', 'denied', 'expired', 'failed')),
    queue          text   not null check (queue in ('org', 'platform')), -- who decides
    lost           text   not null, -- methods, separated by one space
    source_ip      text   not null,
    proof_hash     bytea  not null,
    attempts       bigint not null, -- answers to the proof
    grant_id       text   not null,
    grant_hash     bytea  not null,
    web_session_id text   not null, -- in which the new factor is set up
    decided_by     text   not null,
    comment        text   not null,
    created_at     bigint not null,
    verified_at    bigint not null,
    decided_at     bigint not null,
    expires_at     bigint not null,
    ended_at       bigint not null,
    primary key (org_id, id)
);

create unique index mfa_recovery_open on mfa_recovery (person_id) where ended_at = 0;
create index mfa_recovery_person on mfa_recovery (person_id, created_at);
create index mfa_recovery_due on mfa_recovery (expires_at) where ended_at = 0;
create unique index mfa_recovery_id on mfa_recovery (id);
create index mfa_recovery_grant on mfa_recovery (grant_id) where grant_id <> '';
create index mfa_recovery_session on mfa_recovery (web_session_id) where web_session_id <> '';

-- +goose Up
-- Why the credential of an account is to be replaced: incident, checkin or policy; empty: it is not.
alter table account add column rotation_due_reason text not null default '';
update account set rotation_due_reason = 'incident' where rotation_due_at <> 0;
alter table account add column rotate_every bigint not null default 0; -- days; 0: by hand only
alter table account add column next_rotation_at bigint not null default 0; -- 0: none is planned
alter table account add column rotated_at bigint not null default 0; -- last promotion of a new credential; 0: never
create index account_rotation_due on account (rotation_due_at) where rotation_due_at <> 0;
create index account_next_rotation on account (next_rotation_at) where next_rotation_at <> 0;

-- The states of credential_version are now current, pending (made, and not proved at the target),
-- retired, and destroyed (without its content).
alter table credential_version add column public_key text not null default ''; -- of kind ssh_key, while it is pending
create unique index credential_version_pending on credential_version (org_id, account_id) where state = 'pending';

-- One rotation of one account's credential, over all its attempts.
create table rotation (
    org_id          text   not null,
    id              text   not null,
    account_id      text   not null,
    trigger_kind    text   not null check (trigger_kind in ('schedule', 'checkin', 'manual', 'policy', 'incident')),
    credential_kind text   not null check (credential_kind in ('password', 'ssh_key')),
    -- waiting: for next_attempt_at; running: held by holder until lease_until; tidying: the new
    -- credential is in use, and the old key is still to be taken off the target.
    state           text   not null check (state in ('waiting', 'running', 'tidying', 'completed', 'failed', 'superseded')),
    requested_by    text   not null, -- person; empty: nobody
    attempt         bigint not null,
    next_attempt_at bigint not null, -- 0: none
    holder          text   not null,
    lease_until     bigint not null,
    -- what is known of the target
    target_state    text   not null check (target_state in ('unchanged', 'unknown', 'changed_unverified', 'changed')),
    old_version     bigint not null,
    new_version     bigint not null, -- 0: none is made yet
    old_key         text   not null check (old_key in ('', 'left', 'removed')), -- kind ssh_key, once the new one is in use
    reason          text   not null, -- of the last failure, as its event says it
    detail          text   not null, -- the same in words
    created_at      bigint not null,
    started_at      bigint not null, -- first attempt; 0: not yet
    attempt_at      bigint not null, -- the present or last attempt
    ended_at        bigint not null, -- 0: open
    primary key (org_id, id),
    foreign key (org_id, account_id) references account (org_id, id)
);
create unique index rotation_open on rotation (org_id, account_id) where state in ('waiting', 'running', 'tidying');
create index rotation_account on rotation (org_id, account_id, id);
create index rotation_due on rotation (next_attempt_at) where state in ('waiting', 'running', 'tidying');

-- +goose Up
-- A privileged session and what it was opened with. The names are those of the
-- moment: a session is history, and outlives the safe, account and person that
-- it refers to; so none of them is a foreign key. A time of 0 is "not yet".
create table session (
    org_id          text    not null,
    id              text    not null,
    state           text    not null check (state in ('starting', 'live', 'ended')),
    user_id         text    not null,
    user_name       text    not null,
    user_email      text    not null,
    token_id        text    not null,
    token_name      text    not null,
    via             text    not null,
    safe_id         text    not null,
    safe_name       text    not null,
    resource_id     text    not null,
    resource_name   text    not null,
    account_id      text    not null,
    account_name    text    not null,
    username        text    not null,
    protocol        text    not null,
    client          text    not null,
    client_version  text    not null,
    source_ip       text    not null,
    grant_id        text    not null,
    request_id      text    not null,
    server_id       text    not null,
    -- true once the server that runs it has let go of it; a session that an
    -- administrator ended on another server is 'ended' a moment before that.
    released        boolean not null,
    -- set when its own user asked for the end at another door than the gateway's.
    user_end_at     bigint  not null,
    requested_at    bigint  not null,
    started_at      bigint  not null,
    ended_at        bigint  not null,
    expires_at      bigint  not null,
    changed_at      bigint  not null,
    ended_by        text    not null,
    end_reason      text    not null,
    ended_by_name   text    not null,
    end_comment     text    not null,
    recording_id    text    not null,
    opened          boolean not null,
    exit_status     bigint,
    channels        bigint  not null,
    bytes_to_target bigint  not null,
    bytes_from_target bigint not null,
    primary key (org_id, id)
);

create index session_by_user on session (org_id, user_id, id);
create index session_by_safe on session (org_id, safe_id, id);
create index session_open_by_safe on session (org_id, safe_id) where state <> 'ended';
create index session_changes on session (org_id, changed_at);
create index session_open on session (server_id, org_id) where not released;

-- A launch grant: permission to open one session, once, within a minute. The
-- token itself is with its holder only. Used and expired ones are kept for a day,
-- so that a replay is told from a wrong token, and then deleted.
create table launch_grant (
    org_id       text   not null,
    id           text   not null,
    token_hash   text   not null unique,
    session_id   text   not null,
    user_id      text   not null,
    user_name    text   not null,
    user_email   text   not null,
    token_id     text   not null,
    token_name   text   not null,
    via          text   not null,
    safe_id      text   not null,
    resource_id  text   not null,
    account_id   text   not null,
    protocol     text   not null,
    client       text   not null,
    request_id   text   not null,
    event_id     text   not null, -- of the launch, in the ledger
    mfa_at       bigint not null,
    created_at   bigint not null,
    expires_at   bigint not null,
    used_at      bigint not null,
    used_by      text   not null,
    primary key (org_id, id)
);

create index launch_grant_expiry on launch_grant (expires_at);
create index launch_grant_open on launch_grant (org_id, safe_id) where used_at = 0;

-- Launches of one safe that has a limit wait for each other on its row here, so
-- that two of them cannot both take the last place.
create table session_gate (
    org_id  text   not null,
    safe_id text   not null,
    at      bigint not null,
    primary key (org_id, safe_id)
);

-- +goose Up
-- A recording of a session. The bytes are in a store, which is named here: its
-- folder may be on another server. Names are those of the moment, and a recording
-- outlives what it refers to; so nothing is a foreign key. A time of 0 is "not yet".
create table recording (
    org_id          text    not null,
    id              text    not null,
    session_id      text    not null,
    user_id         text    not null,
    user_name       text    not null,
    safe_id         text    not null,
    safe_name       text    not null,
    protocol        text    not null,
    format          text    not null,
    store           text    not null,
    key_id          text    not null,
    state           text    not null check (state in ('recording', 'completed', 'error', 'pruned')),
    -- why it is in error: the reason of SESSION_RECORDING_FINALIZED.
    failure         text    not null,
    -- why its end is missing, though what is there is right.
    truncated       text    not null,
    started_at      bigint  not null,
    ended_at        bigint  not null,
    retention_until bigint  not null,
    -- true once the file of a pruned recording is gone.
    removed         boolean not null,
    duration_us     bigint  not null,
    size_bytes      bigint  not null,
    frames          bigint  not null,
    chunks          bigint  not null,
    root_hash       text    not null,
    content_sha256  text    not null,
    primary key (org_id, id),
    unique (org_id, session_id)
);

create index recording_open on recording (store, id) where state = 'recording';
create index recording_retention on recording (store, retention_until) where not removed and state <> 'recording';

-- +goose Up
-- The audit ledger: one for each organization and one, with the empty org_id, for
-- the platform. See docs/reference/ledger-format.md. The rules that no statement
-- may break (no update but numbering and pruning, no delete) are triggers, in
-- the engines' own folders, and rights of the PostgreSQL roles.
create table audit_log (
    org_id      text   not null primary key,
    log_id      text   not null unique,
    origin      text   not null, -- first line of its checkpoints; does not follow later changes of the host's name
    tree_size   bigint not null,
    root_hash   bytea  not null, -- of the tree over the first tree_size events
    created_at  bigint not null,
    halted_at   bigint,          -- set when the tree stopped being consistent: nothing is numbered or signed any more
    halt_reason text   not null
);

create table audit_event (
    org_id       text   not null,
    log_id       text   not null,
    id           text   not null,
    recorded_at  bigint not null,
    constant     text   not null,
    payload      bytea,           -- canonical JSON, kept byte for byte; null once pruned
    salt         bytea,
    payload_hash bytea  not null,
    seq          bigint,          -- dense, from 0; null until the sequencer has come by
    pruned_at    bigint,
    primary key (org_id, id)
);

create unique index audit_event_by_seq on audit_event (org_id, seq) where seq is not null;
create index audit_event_waiting on audit_event (org_id, recorded_at, id) where seq is null;

-- What lists filter by, taken from the payload when an event gets its number, and
-- removed when the payload is pruned.
create table audit_search (
    org_id      text   not null,
    seq         bigint not null,
    occurred_at bigint not null,
    constant    text   not null,
    category    text   not null,
    severity    text   not null,
    actor_id    text   not null,
    actor_name  text   not null,
    target_id   text   not null,
    target_name text   not null,
    outcome     text   not null,
    session_id  text   not null,
    primary key (org_id, seq)
);

create index audit_search_by_time on audit_search (org_id, occurred_at, seq);
create index audit_search_by_constant on audit_search (org_id, constant, seq);
create index audit_search_by_actor on audit_search (org_id, actor_id, seq);
create index audit_search_by_target on audit_search (org_id, target_id, seq);
create index audit_search_by_session on audit_search (org_id, session_id, seq) where session_id <> '';

-- The tree in tiles of up to 256 hashes: level 0 are the leaves, each hash of
-- level n+1 is the root of one full tile of level n. A tile only ever grows.
create table audit_tile (
    org_id text   not null,
    level  bigint not null,
    idx    bigint not null,
    hashes bytea  not null,
    primary key (org_id, level, idx)
);

create table audit_checkpoint (
    org_id    text   not null,
    signed_at bigint not null,
    tree_size bigint not null,
    note      text   not null, -- the signed note, as it is published
    primary key (org_id, signed_at)
);

create index audit_checkpoint_by_size on audit_checkpoint (org_id, tree_size);

-- The keys that sign checkpoints. The newest has no sign_until; an older one
-- signs beside it until then, and is afterwards only published.
create table audit_key (
    org_id     text   not null,
    id         text   not null,
    vkey       text   not null, -- public, "<origin>+<hash>+<base64>"
    sealed     bytea  not null, -- private, sealed; emptied when sign_until has passed
    created_at bigint not null,
    sign_until bigint,
    primary key (org_id, id)
);

create unique index audit_key_current on audit_key (org_id) where sign_until is null;

-- Written by every server every few seconds to learn whether events could be.
create table audit_probe (
    server_id text   not null primary key,
    at        bigint not null
);

-- +goose Up
-- What was pruned from a ledger, as stretches of seq without gaps between them: all
-- payloads of first_seq up to, but without, beyond_seq were recorded before
-- recorded_before, when payloads were kept for keep_days. Runs of one day are one row.
create table audit_prune (
    org_id          text   not null, -- empty: the platform's ledger
    first_seq       bigint not null,
    beyond_seq      bigint not null,
    pruned          bigint not null, -- payloads that were cleared
    keep_days       bigint not null,
    recorded_before bigint not null,
    started_at      bigint not null,
    ended_at        bigint not null,
    primary key (org_id, first_seq)
);

-- While an organization has a row here, nothing of it is deleted because its time is
-- over: neither payloads of its ledger nor recordings. Its administrators set one, the
-- platform's set another, and each side lifts its own.
create table legal_hold (
    org_id      text    not null references organization (id),
    by_platform boolean not null,
    reason      text    not null,
    set_at      bigint  not null,
    set_by      text    not null,
    set_by_name text    not null,
    primary key (org_id, by_platform)
);

-- +goose Up
-- One row for each server that uses this store, with the time it was last heard
-- of: what a dead server left open is closed by another, or by its own restart.
create table server_instance (
    id           text   not null primary key,
    hostname     text   not null,
    version      text   not null,
    started_at   bigint not null,
    heartbeat_at bigint not null
);

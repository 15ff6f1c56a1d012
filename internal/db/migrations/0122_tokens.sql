-- +goose Up
-- Networks that an API token may be used from, separated by one space; empty: any.
alter table api_token add column networks text not null default '';

-- +goose Up
-- Since when an organization is suspended, and what the platform's administrators say of it.
alter table organization add column suspended_at bigint not null default 0;
alter table organization add column state_comment text not null default '';

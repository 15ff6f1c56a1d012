-- +goose Up
-- Since when a member may do nothing in the organization; 0: they are not suspended.
alter table member add column suspended_at bigint not null default 0;

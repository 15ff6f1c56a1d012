-- +goose Up
-- Why a rule of the safe that approves by itself did not; empty: there is none, or it did.
alter table access_request add column rule_note text not null default '';

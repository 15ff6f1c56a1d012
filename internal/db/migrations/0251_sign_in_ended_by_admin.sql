-- +goose Up
-- The organization whose administrator has ended this one sign-in: what it launched there
-- ends with it. Empty: it ended otherwise, or with all of its person's.
alter table web_session add column end_org text not null default '';

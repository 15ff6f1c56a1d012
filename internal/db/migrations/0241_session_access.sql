-- +goose Up
-- Through what a session was opened.
alter table session add column access_grant_id text not null default '';
alter table session add column access_request_id text not null default '';
create index session_access_request on session (org_id, access_request_id) where access_request_id <> '';

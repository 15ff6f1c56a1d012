-- +goose Up
-- A device that is signed in asks its person to prove a second factor in a browser: its web
-- session, and person_id from the beginning. Empty: a device that wants to sign in.
alter table device_login add column web_session_id text not null default '';

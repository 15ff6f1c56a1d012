-- +goose Up
-- What a request asks for, and its grant opens: sessions, a checkout of the credential, or both.
alter table access_request add column uses text not null default 'session' check (uses in ('session', 'checkout', 'both'));
alter table access_grant add column uses text not null default 'session' check (uses in ('session', 'checkout', 'both'));

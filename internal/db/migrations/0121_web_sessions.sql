-- +goose Up
-- Why a web session ended: by_user, idle, expired and so on; empty while it lives.
alter table web_session add column end_reason text not null default '';

-- Privileged sessions know the web session that launched them, because signing out
-- ends them too. Empty: launched with an SSH key or an API token.
alter table launch_grant add column web_session_id text not null default '';
alter table session add column web_session_id text not null default '';

-- What a person launched before this moment is over: everywhere, after a change of
-- their second factors, or in one organization, after its administrator's order.
alter table person add column void_before bigint not null default 0;
alter table member add column void_before bigint not null default 0;

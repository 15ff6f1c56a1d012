-- +goose Up
-- What a reviewer needs to decide: since when the right is, and who keeps the group.
alter table access_review_item add column since bigint not null default 0;       -- 0: not known
alter table access_review_item add column group_source text not null default ''; -- of the group: local, sso, scim

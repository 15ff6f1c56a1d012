-- +goose Up
-- The link of a request in a channel where people read. It is bound to nobody: whoever
-- follows it signs in, and decides only if they may. It is good for as many decisions as
-- the request needs.
create table access_channel_link (
    org_id     text   not null,
    request_id text   not null,
    token_hash bytea  not null,
    uses_left  bigint not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (org_id, request_id),
    foreign key (org_id, request_id) references access_request (org_id, id)
);
create unique index access_channel_link_token on access_channel_link (token_hash);

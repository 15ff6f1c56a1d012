-- +goose Up
-- Somebody asks for a link that sets a password. The row is all that the question does, so
-- that the answer tells nobody whether there is such an account; what follows from it is
-- done afterwards.
create table password_reset_request (
    id         text   not null primary key,
    email      text   not null, -- canonical; emptied when it was dealt with
    source_ip  text   not null,
    user_agent text   not null,
    via        text   not null,
    request_id text   not null,
    created_at bigint not null,
    done_at    bigint not null
);

create index password_reset_request_open on password_reset_request (id) where done_at = 0;

-- A link that was mailed. One that is void from its beginning stands for a message without link.
create table password_reset (
    token_hash bytea  not null primary key,
    person_id  text   not null references person (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at    bigint not null -- or made void
);

create index password_reset_person on password_reset (person_id, created_at);

-- +goose Up
-- Answers that are kept for a day, so that a request which is sent again with the
-- same Idempotency-Key is answered again and not done again. The answer is sealed:
-- it may hold a token that is shown once. owner names the person, token and
-- organization that asked; a key means nothing to anybody else.
create table idempotency_key (
    owner        text   not null,
    key          text   not null,
    request_hash bytea  not null,
    status       bigint not null, -- of the answer; 0 while the request is being worked on
    answer       bytea  not null, -- sealed; empty while it is being worked on
    created_at   bigint not null,
    primary key (owner, key)
);
create index idempotency_key_age on idempotency_key (created_at);

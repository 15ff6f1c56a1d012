-- +goose Up
-- A device without a browser, such as the command line, that waits for a person to
-- let it in from theirs (in the shape of RFC 8628). Both codes are kept as hashes.
create table device_login (
    id           text   not null primary key,
    device_hash  bytea  not null unique, -- of what the device asks with
    user_hash    bytea  not null unique, -- of what the person types
    client       text   not null,        -- what the device calls itself
    source_ip    text   not null,        -- where it asked from
    user_agent   text   not null,
    state        text   not null check (state in ('waiting', 'approved', 'denied', 'used')),
    person_id    text   not null,        -- who has answered; empty: nobody yet
    mfa_at       bigint not null,        -- when they had last proved a second factor
    sso_org      text   not null,        -- of the sign-in that they answered from
    created_at   bigint not null,
    expires_at   bigint not null,
    polled_at    bigint not null
);

create index device_login_expiry on device_login (expires_at);

-- A web session whose token is short-lived and replaced by a refresh token, each
-- good for one use. The one before is kept, so that its second use is seen.
create table web_refresh (
    web_session_id text   not null primary key references web_session (id),
    token_hash     bytea  not null unique,
    previous_hash  bytea  not null unique,
    access_until   bigint not null, -- the session's token is good until then
    rotated_at     bigint not null
);

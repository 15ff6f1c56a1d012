-- +goose Up
-- A credential that was shown to somebody for a time. The row never holds the secret.
create table checkout (
    org_id            text   not null,
    id                text   not null,
    safe_id           text   not null,
    account_id        text   not null,
    account_name      text   not null, -- as it was: an account may be deleted afterwards
    username          text   not null,
    credential_kind   text   not null check (credential_kind in ('password', 'ssh_key')),
    user_id           text   not null references person (id),
    user_name         text   not null,
    user_email        text   not null,
    token_id          text   not null, -- that opened it for them; empty: they did
    token_name        text   not null,
    source_ip         text   not null,
    access_request_id text   not null, -- through which it was opened; empty: by their own role
    reason            text   not null,
    ticket            text   not null,
    started_at        bigint not null,
    expires_at        bigint not null,
    handed_at         bigint not null, -- when the credential was first shown; 0: not yet
    secret_version    bigint not null, -- that was shown last
    reveals           bigint not null,
    ended_at          bigint not null, -- 0: open
    -- holder, admin, expiry, account_disabled; failed: it was never shown
    ended_by          text   not null check (ended_by in ('', 'holder', 'admin', 'expiry', 'account_disabled', 'failed')),
    ended_by_id       text   not null, -- the person who ended it; empty: the clock
    ended_by_name     text   not null,
    end_comment       text   not null,
    primary key (org_id, id),
    foreign key (org_id, safe_id) references safe (org_id, id)
);
-- One person at a time, whatever the number of safes that lead to the account.
create unique index checkout_exclusive on checkout (org_id, account_id) where ended_at = 0;
create index checkout_open on checkout (expires_at) where ended_at = 0;
create index checkout_user on checkout (org_id, user_id, id);
create index checkout_safe on checkout (org_id, safe_id, id);
create index checkout_account on checkout (org_id, account_id, id);
create index checkout_request on checkout (org_id, access_request_id) where access_request_id <> '';

-- +goose Up
-- A person's telephone number, once they have proved that they hold it. Numbers
-- are sealed; a keyed digest finds equal ones. version grows with every change of
-- the number and of what is pending, so that who decides on an old view is told.
create table person_phone (
    person_id    text   not null primary key references person (id),
    version      bigint not null,
    number       bytea  not null, -- sealed; empty: none
    sealed_as    text   not null, -- the verification that it was sealed for
    number_index text   not null, -- empty: none
    country      text   not null,
    verified_at  bigint not null,
    changed_at   bigint not null
);

-- A number is one person's.
create unique index person_phone_number on person_phone (number_index) where number_index <> '';

-- A code that was made for a number. log_org is the organization whose ledger
-- tells of it; empty: the platform's.
create table phone_verification (
    id           text   not null primary key,
    person_id    text   not null, -- empty: somebody who registers and is no person yet
    log_org      text   not null,
    purpose      text   not null check (purpose in ('registration', 'phone_change')),
    number       bytea  not null, -- sealed
    number_index text   not null,
    country      text   not null,
    code_hash    bytea  not null, -- keyed
    created_at   bigint not null,
    sent_at      bigint not null, -- 0: the provider has not accepted it
    expires_at   bigint not null,
    attempts     bigint not null, -- wrong codes
    state        text   not null check (state in ('open', 'verified', 'failed', 'expired', 'replaced', 'unsent')),
    closed_at    bigint not null
);

create index phone_verification_due on phone_verification (expires_at) where state = 'open';
create index phone_verification_closed on phone_verification (closed_at) where state <> 'open';

-- A change that somebody asked for. It takes effect with the right code of its
-- newest verification.
create table phone_change (
    id              text    not null primary key,
    person_id       text    not null references person (id),
    log_org         text    not null,
    verification_id text    not null,
    by_admin        boolean not null,
    created_at      bigint  not null,
    expires_at      bigint  not null,
    state           text    not null check (state in ('pending', 'committed', 'cancelled', 'abandoned')),
    closed_at       bigint  not null
);

create unique index phone_change_pending on phone_change (person_id) where state = 'pending';
create index phone_change_due on phone_change (expires_at) where state = 'pending';
create index phone_change_closed on phone_change (closed_at) where state <> 'pending';

-- Codes asked for in the current window: by number, user, source, country, organization.
create table phone_send_count (
    what    text   not null,
    key     text   not null,
    sent    bigint not null,
    ends_at bigint not null,
    primary key (what, key)
);

create index phone_send_count_end on phone_send_count (ends_at);

-- The keys of the digests that stand for numbers in one ledger (org_id is empty
-- for the platform's). One makes digests; those before it only find them again.
create table phone_digest_key (
    org_id       text   not null,
    n            bigint not null,
    state        text   not null check (state in ('signing', 'read_only', 'destroyed')),
    key          bytea  not null, -- sealed; empty once destroyed
    created_at   bigint not null,
    retired_at   bigint not null,
    destroyed_at bigint not null,
    primary key (org_id, n)
);

create unique index phone_digest_key_signing on phone_digest_key (org_id) where state = 'signing';

-- The one key of number_index and code_hash, sealed.
create table phone_index_key (
    id  text  not null primary key,
    key bytea not null
);

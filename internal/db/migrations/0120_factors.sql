-- +goose Up
-- A security key or passkey of a person: the second factor beside those of
-- mfa_factor, whose ids it shares the form of. One enrolment serves all of the
-- person's organizations.
create table webauthn_credential (
    id              text    not null primary key,
    person_id       text    not null references person (id),
    name            text    not null,
    credential_id   bytea   not null unique, -- what the authenticator calls it
    public_key      bytea   not null,        -- COSE, of nobody's secrecy
    sign_count      bigint  not null,        -- of the newest assertion; 0 for those that do not count
    aaguid          text    not null,        -- the model of the authenticator, in hex; zeros: not told
    transports      text    not null,        -- separated by one space
    backup_eligible boolean not null,        -- it may be synchronized to other devices
    user_verified   boolean not null,        -- it asked for a PIN or a finger when it was enrolled
    discoverable    boolean not null,        -- it can tell whose it is: with user_verified, a passkey
    created_at      bigint  not null,
    last_used_at    bigint  not null         -- 0: never, but at its enrolment
);

create index webauthn_credential_person on webauthn_credential (person_id);

-- A question to an authenticator that no challenge of mfa_challenge stands for: an
-- enrolment, or a sign-in of whoever has the passkey. The bytes that are signed
-- follow from the token, which is with the caller only.
create table webauthn_ceremony (
    id             text    not null primary key,
    person_id      text    not null, -- empty: nobody is known yet
    web_session_id text    not null, -- enrolment: the session that asked
    token_hash     bytea   not null,
    name           text    not null, -- enrolment: what the factor will be called
    passkey        boolean not null, -- enrolment: it has to be one that signs in by itself
    created_at     bigint  not null,
    expires_at     bigint  not null,
    used_at        bigint  not null
);

create index webauthn_ceremony_expiry on webauthn_ceremony (expires_at);

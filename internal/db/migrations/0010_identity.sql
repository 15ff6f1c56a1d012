-- +goose Up
-- People are of the whole installation, not of one organization: what ties a
-- person to an organization is a row in member. A time of 0 is "never" or "not
-- yet" throughout. Tokens and codes are kept as hashes only.
create table person (
    id         text   not null primary key,
    email      text   not null unique, -- canonical form, see identity.ParseEmail
    handle     text   not null unique,
    name       text   not null,
    state      text   not null check (state in ('active', 'suspended')),
    created_at bigint not null,
    changed_at bigint not null
);

create table person_password (
    person_id  text   not null primary key references person (id),
    hash       text   not null, -- argon2id with its parameters
    changed_at bigint not null
);

-- Failed attempts at any factor since the last complete sign-in.
create table sign_in_guard (
    person_id    text   not null primary key references person (id),
    failures     bigint not null,
    locked_until bigint not null
);

-- Failed attempts from one address (IPv6: one /64) in the current window.
create table sign_in_source (
    source   text   not null primary key,
    failures bigint not null,
    ends_at  bigint not null,
    refused  bigint not null, -- attempts turned away since the event that told it
    told_at  bigint not null
);

create index sign_in_source_end on sign_in_source (ends_at);

create table web_session (
    id           text   not null primary key,
    person_id    text   not null references person (id),
    token_hash   bytea  not null unique,
    -- 'enrolment': a password without a second factor; it may only enrol one.
    kind         text   not null check (kind in ('full', 'enrolment')),
    mfa_at       bigint not null,
    source_ip    text   not null,
    user_agent   text   not null,
    created_at   bigint not null,
    last_seen_at bigint not null,
    expires_at   bigint not null,
    ended_at     bigint not null
);

create index web_session_live on web_session (person_id) where ended_at = 0;
create index web_session_end on web_session (ended_at, last_seen_at);

-- org_id is empty for a token of a platform operator.
create table api_token (
    org_id       text   not null,
    id           text   not null,
    owner_id     text   not null references person (id),
    name         text   not null,
    token_hash   bytea  not null unique,
    scopes       text   not null, -- separated by one space
    created_at   bigint not null,
    expires_at   bigint not null,
    last_used_at bigint not null,
    ended_at     bigint not null,
    end_reason   text   not null,
    primary key (org_id, id)
);

create index api_token_owner on api_token (owner_id, org_id, id);
create index api_token_expiry on api_token (expires_at) where ended_at = 0;

create table ssh_key (
    id           text   not null primary key,
    person_id    text   not null references person (id),
    name         text   not null,
    algorithm    text   not null,
    public_key   bytea  not null, -- RFC 4253 wire form
    fingerprint  text   not null, -- SHA256:...
    created_at   bigint not null,
    last_used_at bigint not null,
    unique (person_id, fingerprint)
);

-- The key that signs an organization's user certificates, sealed.
create table ssh_ca (
    org_id      text   not null,
    id          text   not null,
    public_key  bytea  not null unique,
    private_key bytea  not null,
    created_at  bigint not null,
    primary key (org_id, id)
);

-- Each certificate that was signed. One that is not here is not ours, whatever
-- key signed it.
create table ssh_certificate (
    org_id      text   not null,
    serial      bigint not null,
    ca_id       text   not null,
    person_id   text   not null references person (id),
    fingerprint text   not null, -- of the certified key
    mfa_at      bigint not null, -- when who asked for it had last proved a second factor
    issued_at   bigint not null,
    expires_at  bigint not null,
    revoked_at  bigint not null,
    primary key (org_id, serial),
    foreign key (org_id, ca_id) references ssh_ca (org_id, id)
);

create index ssh_certificate_person on ssh_certificate (person_id, org_id);
create index ssh_certificate_expiry on ssh_certificate (expires_at);

create table mfa_factor (
    id           text   not null primary key,
    person_id    text   not null references person (id),
    kind         text   not null check (kind in ('totp')),
    name         text   not null,
    secret       bytea  not null, -- sealed
    created_at   bigint not null,
    confirmed_at bigint not null, -- 0: enrolment was begun and not finished
    last_step    bigint not null, -- the newest time step whose code was used
    last_used_at bigint not null
);

create index mfa_factor_person on mfa_factor (person_id);

-- The current set of backup codes of a person, and those it replaced.
create table mfa_code_set (
    id          text   not null primary key,
    person_id   text   not null references person (id),
    created_at  bigint not null,
    replaced_at bigint not null
);

create unique index mfa_code_set_current on mfa_code_set (person_id) where replaced_at = 0;

create table mfa_backup_code (
    set_id  text   not null references mfa_code_set (id),
    n       bigint not null,
    hash    bytea  not null,
    used_at bigint not null,
    primary key (set_id, n)
);

-- A demand for a second factor. Its id is told in events; who answers it must
-- also hold the token.
create table mfa_challenge (
    id             text    not null primary key,
    person_id      text    not null references person (id),
    token_hash     bytea   not null,
    purpose        text    not null,
    log_org        text    not null, -- the organization whose ledger tells of it; empty: the platform's
    web_session_id text    not null, -- step-up: the session that asked; empty at sign-in
    created_at     bigint  not null,
    expires_at     bigint  not null,
    failures       bigint  not null,
    state          text    not null check (state in ('open', 'passed', 'locked'))
);

create index mfa_challenge_expiry on mfa_challenge (expires_at);

-- +goose Up
-- The keyset of each organization, wrapped under a root key. The row whose
-- org_id is empty is the platform's own, so there is no reference to organizations.
create table seal_keyset (
    org_id     text   not null primary key,
    key_id     text   not null, -- of the key that seals now; names it in events
    root_id    text   not null, -- the root key that wraps
    wrapped    bytea  not null,
    version    bigint not null, -- counts every change of the row
    created_at bigint not null,
    rotated_at bigint not null
);

-- A connection definition. A deleted one keeps its row, because sessions of the past name it.
create table resource (
    org_id      text   not null,
    id          text   not null,
    name        text   not null,
    protocol    text   not null,
    host        text   not null,
    port        bigint not null,
    description text   not null,
    version     bigint not null,
    created_at  bigint not null,
    created_by  text   not null,
    updated_at  bigint not null,
    deleted_at  bigint,
    primary key (org_id, id)
);
create unique index resource_name on resource (org_id, name) where deleted_at is null;

-- The host keys that an administrator confirmed: the only ones that a gateway accepts.
create table resource_host_key (
    org_id       text   not null,
    resource_id  text   not null,
    fingerprint  text   not null, -- SHA256:...
    key_type     text   not null,
    public_key   bytea  not null, -- RFC 4253 wire form
    confirmed_by text   not null,
    confirmed_at bigint not null,
    primary key (org_id, resource_id, fingerprint),
    foreign key (org_id, resource_id) references resource (org_id, id)
);

-- The host keys that a scan saw, at which address; only a seen key can be confirmed.
create table resource_host_key_sighting (
    org_id      text   not null,
    id          text   not null,
    resource_id text   not null,
    fingerprint text   not null,
    key_type    text   not null,
    public_key  bytea  not null,
    host        text   not null,
    port        bigint not null,
    seen_by     text   not null,
    seen_at     bigint not null,
    primary key (org_id, id),
    unique (org_id, resource_id, fingerprint, host, port),
    foreign key (org_id, resource_id) references resource (org_id, id)
);

-- A login identity on a resource. A deleted one keeps its row and loses its credential.
create table account (
    org_id             text   not null,
    id                 text   not null,
    name               text   not null,
    resource_id        text   not null,
    username           text   not null,
    kind               text   not null, -- password | ssh_key
    state              text   not null, -- enabled | disabled
    secret_id          text   not null, -- names the credential over all its versions
    credential_version bigint not null, -- the one that is leased
    public_key         text   not null, -- of kind ssh_key, in authorized_keys form; else empty
    version            bigint not null,
    created_at         bigint not null,
    created_by         text   not null,
    updated_at         bigint not null,
    deleted_at         bigint,
    primary key (org_id, id),
    unique (org_id, id, resource_id), -- what a safe refers to
    foreign key (org_id, resource_id) references resource (org_id, id)
);
create unique index account_name on account (org_id, name) where deleted_at is null;
create index account_resource on account (org_id, resource_id);

-- One sealed secret. Versions are never overwritten; older ones are kept until the account goes.
create table credential_version (
    org_id     text   not null,
    account_id text   not null,
    version    bigint not null,
    state      text   not null, -- current | retired
    sealed     bytea  not null,
    key_id     text   not null, -- the organization's key when it was sealed
    created_at bigint not null,
    created_by text   not null,
    primary key (org_id, account_id, version),
    foreign key (org_id, account_id) references account (org_id, id)
);
create unique index credential_version_current on credential_version (org_id, account_id) where state = 'current';

-- +goose Up
-- How an organization's people are known by its own identity provider. A time of
-- 0 is "never" or "not yet".
create table sso_provider (
    org_id        text    not null references organization (id),
    id            text    not null,
    protocol      text    not null check (protocol in ('oidc', 'saml')),
    name          text    not null,
    enabled       boolean not null,
    issuer        text    not null, -- OIDC: the issuer's URL; SAML: the provider's entity id
    client_id     text    not null, -- OIDC
    client_secret bytea   not null, -- OIDC: sealed; empty for a public client
    scopes        text    not null, -- OIDC: asked for besides openid, email and profile; separated by one space
    groups_claim  text    not null, -- the claim or attribute that carries groups
    ca_pem        text    not null, -- certificates that its endpoints are verified against, besides the system's
    metadata      text    not null, -- SAML: as uploaded
    trust_mfa     boolean not null, -- its second factor counts
    provision     boolean not null, -- who is not a member yet becomes one
    default_role  text    not null, -- of those whom no rule gives one; empty: they are refused
    roles         text    not null, -- JSON: [{"group", "role"}], the first match counts
    version       bigint  not null,
    created_at    bigint  not null,
    changed_at    bigint  not null,
    primary key (org_id, id),
    unique (org_id, name)
);

create unique index sso_provider_id on sso_provider (id);

-- Mail domains of an organization, and the text that its DNS must show.
create table sso_domain (
    org_id      text   not null references organization (id),
    domain      text   not null, -- ASCII, lower case
    challenge   text   not null,
    created_at  bigint not null,
    verified_at bigint not null,
    primary key (org_id, domain)
);

-- Whose a domain is can be proved by one organization at a time.
create unique index sso_domain_owner on sso_domain (domain) where verified_at <> 0;

-- Who at a provider is which person: by the provider's own name for them, never
-- by an address.
create table sso_identity (
    org_id       text   not null,
    provider_id  text   not null,
    subject      text   not null,
    user_id      text   not null references person (id),
    created_at   bigint not null,
    last_used_at bigint not null,
    primary key (org_id, provider_id, subject),
    unique (org_id, provider_id, user_id),
    foreign key (org_id, provider_id) references sso_provider (org_id, id)
);

create index sso_identity_person on sso_identity (user_id, org_id);

-- The provider's name of a browser session at it, for its word that it ended.
create table sso_browser (
    org_id      text   not null,
    provider_id text   not null,
    sid         text   not null,
    user_id     text   not null references person (id),
    seen_at     bigint not null,
    primary key (org_id, provider_id, sid),
    foreign key (org_id, provider_id) references sso_provider (org_id, id)
);

-- A sign-in that went to the provider and is not back yet, or is back and waits
-- for the browser that began it.
create table sso_flow (
    org_id       text    not null,
    id           text    not null,
    provider_id  text    not null,
    kind         text    not null check (kind in ('sign_in', 'invitation')),
    state_hash   bytea   not null unique,
    browser_hash bytea   not null,
    return_to    text    not null,
    state        text    not null check (state in ('open', 'taken', 'proved', 'done')),
    user_id      text    not null, -- proved: who it is
    second       boolean not null, -- proved: with the provider's second factor
    ticket_hash  bytea   not null,
    created_at   bigint  not null,
    expires_at   bigint  not null,
    primary key (org_id, id),
    foreign key (org_id, provider_id) references sso_provider (org_id, id)
);

create index sso_flow_expiry on sso_flow (expires_at);

-- Assertions and logout tokens that were used, until they would expire anyway.
create table sso_used (
    org_id      text   not null,
    provider_id text   not null,
    token_hash  bytea  not null,
    expires_at  bigint not null,
    primary key (org_id, provider_id, token_hash)
);

create index sso_used_expiry on sso_used (expires_at);

create table sso_setting (
    org_id     text    not null primary key references organization (id),
    required   boolean not null, -- members come in through a provider and by no other door
    changed_at bigint  not null
);

-- The organization whose provider opened the session: it is good there only.
alter table web_session add column sso_org text not null default '';

-- +goose Up
-- What a person is told inside the product. org_id is empty for what is about their
-- account. It holds no one-time token: those go by e-mail alone.
create table notice (
    org_id     text    not null,
    id         text    not null,
    user_id    text    not null references person (id),
    kind       text    not null,
    subject    text    not null,
    parts      text    not null, -- JSON
    anywhere   boolean not null, -- shown whichever organization the person is active in
    hidden     boolean not null, -- waits for a summary by e-mail, and is shown nowhere
    digest_at  bigint  not null, -- goes into the next summary then; 0: into none
    created_at bigint  not null,
    read_at    bigint  not null, -- 0: not yet
    primary key (org_id, id)
);

create index notice_of on notice (user_id, org_id, id);
create index notice_digest on notice (digest_at) where digest_at <> 0;

-- How a person wants to hear of a kind; a kind without a row is shown and mailed at once.
create table notice_preference (
    user_id    text    not null references person (id),
    kind       text    not null,
    in_app     boolean not null,
    email      text    not null check (email in ('now', 'hourly', 'daily', 'off')),
    changed_at bigint  not null,
    primary key (user_id, kind)
);

-- The words of an organization before what a kind of notice tells.
create table notice_introduction (
    org_id     text   not null,
    kind       text   not null,
    words      text   not null,
    changed_at bigint not null,
    primary key (org_id, kind)
);

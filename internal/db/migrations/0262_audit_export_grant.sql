-- +goose Up
-- A second person's word that somebody may take the whole audit log out, for a while.
create table audit_export_grant (
    org_id     text   not null,
    action_id  text   not null, -- the governance action that was approved
    user_id    text   not null, -- who asked, and may fetch it
    first_seq  bigint not null, -- from this entry on
    expires_at bigint not null,
    uses_left  bigint not null,
    created_at bigint not null,
    primary key (org_id, action_id)
);

create index audit_export_grant_of on audit_export_grant (org_id, user_id, expires_at);

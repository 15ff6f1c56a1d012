-- +goose Up
-- The organization whose identity provider gave its word for the person, who gave no
-- password. Empty: they gave it.
alter table mfa_recovery add column provider_org text not null default '';

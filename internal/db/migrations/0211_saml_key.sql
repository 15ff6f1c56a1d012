-- +goose Up
-- What a SAML provider encrypts its assertions with: our certificate, and its private key, sealed.
alter table sso_provider add column sp_key bytea not null default '';
alter table sso_provider add column sp_cert bytea not null default '';

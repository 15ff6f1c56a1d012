-- +goose Up
-- Who made the token of a service account, and so has seen it: of two people who must
-- agree, the account and they are one. Empty: a person's own token.
alter table api_token add column issued_by text not null default '';
alter table governance_action add column requester_issuer text not null default '';

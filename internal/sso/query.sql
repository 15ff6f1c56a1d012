-- name: InsertProvider :exec
insert into sso_provider (org_id, id, protocol, name, enabled, issuer, client_id, client_secret, scopes, groups_claim, ca_pem, metadata,
    trust_mfa, provision, default_role, roles, version, created_at, changed_at, sp_key, sp_cert)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(protocol), sqlc.arg(name), sqlc.arg(enabled), sqlc.arg(issuer), sqlc.arg(client_id),
    sqlc.arg(client_secret), sqlc.arg(scopes), sqlc.arg(groups_claim), sqlc.arg(ca_pem), sqlc.arg(metadata), sqlc.arg(trust_mfa),
    sqlc.arg(provision), sqlc.arg(default_role), sqlc.arg(roles), 1, sqlc.arg(now), sqlc.arg(now), sqlc.arg(sp_key), sqlc.arg(sp_cert));

-- name: GiveKey :execrows
update sso_provider set sp_key = sqlc.arg(sp_key), sp_cert = sqlc.arg(sp_cert)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and length(sp_cert) = 0;

-- name: UpdateProvider :execrows
update sso_provider set name = sqlc.arg(name), enabled = sqlc.arg(enabled), issuer = sqlc.arg(issuer), client_id = sqlc.arg(client_id),
    client_secret = sqlc.arg(client_secret), scopes = sqlc.arg(scopes), groups_claim = sqlc.arg(groups_claim), ca_pem = sqlc.arg(ca_pem),
    metadata = sqlc.arg(metadata), trust_mfa = sqlc.arg(trust_mfa), provision = sqlc.arg(provision), default_role = sqlc.arg(default_role),
    roles = sqlc.arg(roles), version = version + 1, changed_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and version = sqlc.arg(version);

-- name: GetProvider :one
select * from sso_provider where org_id = $1 and id = $2;

-- name: FindProvider :one
-- platform-wide: the address of a callback names the provider and not the organization
select p.*, o.name as org_name from sso_provider p join organization o on o.id = p.org_id
where p.id = $1 and o.state = 'active';

-- name: ListProviders :many
select * from sso_provider where org_id = $1 order by name;

-- name: CountProviders :one
select count(*) from sso_provider where org_id = $1 and enabled;

-- name: DeleteProvider :execrows
delete from sso_provider where org_id = $1 and id = $2;

-- name: DropIdentitiesOf :execrows
delete from sso_identity where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id);

-- name: DropBrowsersOf :exec
delete from sso_browser where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id);

-- name: DropFlowsOf :exec
delete from sso_flow where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id);

-- name: ProvidersOfSlug :many
-- platform-wide: somebody who is about to sign in names an organization
select p.id, p.org_id, p.name, p.protocol from sso_provider p join organization o on o.id = p.org_id
where o.slug = $1 and o.state = 'active' and p.enabled order by p.name;

-- name: ProvidersOfDomain :many
-- platform-wide: somebody who is about to sign in names their address
select p.id, p.org_id, p.name, p.protocol from sso_provider p join organization o on o.id = p.org_id
join sso_domain d on d.org_id = p.org_id
where d.domain = $1 and d.verified_at <> 0 and o.state = 'active' and p.enabled order by p.name;

-- name: InsertDomain :exec
insert into sso_domain (org_id, domain, challenge, created_at, verified_at)
values (sqlc.arg(org_id), sqlc.arg(domain), sqlc.arg(challenge), sqlc.arg(now), 0);

-- name: GetDomain :one
select * from sso_domain where org_id = $1 and domain = $2;

-- name: ListDomains :many
select * from sso_domain where org_id = $1 order by domain;

-- name: VerifyDomain :execrows
update sso_domain set verified_at = sqlc.arg(now) where org_id = sqlc.arg(org_id) and domain = sqlc.arg(domain) and verified_at = 0;

-- name: DeleteDomain :execrows
delete from sso_domain where org_id = $1 and domain = $2;

-- name: Verified :one
select count(*) from sso_domain where org_id = sqlc.arg(org_id) and domain = sqlc.arg(domain) and verified_at <> 0;

-- name: InsertFlow :exec
insert into sso_flow (org_id, id, provider_id, kind, state_hash, browser_hash, return_to, state, user_id, second, ticket_hash, created_at, expires_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(provider_id), sqlc.arg(kind), sqlc.arg(state_hash), sqlc.arg(browser_hash),
    sqlc.arg(return_to), 'open', '', false, sqlc.arg(ticket_hash), sqlc.arg(now), sqlc.arg(expires_at));

-- name: FlowByState :one
select * from sso_flow where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id) and state_hash = sqlc.arg(state_hash);

-- name: TakeFlow :execrows
update sso_flow set state = 'taken' where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'open' and expires_at > sqlc.arg(now);

-- name: ProveFlow :execrows
update sso_flow set state = 'proved', user_id = sqlc.arg(user_id), second = sqlc.arg(second), ticket_hash = sqlc.arg(ticket_hash),
    expires_at = sqlc.arg(expires_at)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'taken';

-- name: FlowByTicket :one
-- platform-wide: a ticket does not say of which organization it is
select * from sso_flow where id = $1;

-- name: FinishFlow :execrows
update sso_flow set state = 'done' where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and state = 'proved' and expires_at > sqlc.arg(now);

-- name: DropOldFlows :exec
-- platform-wide: one clock for all organizations
delete from sso_flow where expires_at < $1;

-- name: DropOldUsed :exec
-- platform-wide: one clock for all organizations
delete from sso_used where expires_at < $1;

-- name: DropOldBrowsers :exec
-- platform-wide: one clock for all organizations
delete from sso_browser where seen_at < $1;

-- name: IdentityOf :one
select * from sso_identity where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id) and subject = sqlc.arg(subject);

-- name: IdentityOfUser :one
select * from sso_identity where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id) and user_id = sqlc.arg(user_id);

-- name: InsertIdentity :exec
insert into sso_identity (org_id, provider_id, subject, user_id, created_at, last_used_at)
values (sqlc.arg(org_id), sqlc.arg(provider_id), sqlc.arg(subject), sqlc.arg(user_id), sqlc.arg(now), 0);

-- name: TouchIdentity :execrows
update sso_identity set last_used_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id) and user_id = sqlc.arg(user_id);

-- name: ForgetUse :exec
update sso_identity set last_used_at = 0 where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: DropIdentitiesOfUser :execrows
delete from sso_identity where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: ListIdentities :many
select i.*, p.email, p.handle, p.name from sso_identity i join person p on p.id = i.user_id
where i.org_id = sqlc.arg(org_id) and i.provider_id = sqlc.arg(provider_id) and i.subject > sqlc.arg(after)
order by i.subject limit sqlc.arg(n);

-- name: NoteBrowser :exec
insert into sso_browser (org_id, provider_id, sid, user_id, seen_at)
values (sqlc.arg(org_id), sqlc.arg(provider_id), sqlc.arg(sid), sqlc.arg(user_id), sqlc.arg(now))
on conflict (org_id, provider_id, sid) do update set user_id = excluded.user_id, seen_at = excluded.seen_at;

-- name: BrowserOf :one
select * from sso_browser where org_id = sqlc.arg(org_id) and provider_id = sqlc.arg(provider_id) and sid = sqlc.arg(sid);

-- name: UseOnce :execrows
insert into sso_used (org_id, provider_id, token_hash, expires_at)
values (sqlc.arg(org_id), sqlc.arg(provider_id), sqlc.arg(token_hash), sqlc.arg(expires_at))
on conflict (org_id, provider_id, token_hash) do nothing;

-- name: Required :one
select required from sso_setting where org_id = $1;

-- name: SetRequired :exec
insert into sso_setting (org_id, required, changed_at) values (sqlc.arg(org_id), sqlc.arg(required), sqlc.arg(now))
on conflict (org_id) do update set required = excluded.required, changed_at = excluded.changed_at;

-- name: PersonByEmail :one
select id, email, handle, name, state from person where email = $1;

-- name: PersonByID :one
select id, email, handle, name, state from person where id = $1;

-- name: OrganizationName :one
select name from organization where id = $1;

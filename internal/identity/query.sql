-- name: InsertPerson :exec
insert into person (id, email, handle, name, state, created_at, changed_at)
values (sqlc.arg(id), sqlc.arg(email), sqlc.arg(handle), sqlc.arg(name), 'active', sqlc.arg(now), sqlc.arg(now));

-- name: PersonByID :one
select * from person where id = $1;

-- name: PersonByLogin :one
select p.*, cast(coalesce(w.hash, '') as text) as password_hash, cast(coalesce(g.failures, 0) as bigint) as failures,
       cast(coalesce(g.locked_until, 0) as bigint) as locked_until
from person p
left join person_password w on w.person_id = p.id
left join sign_in_guard g on g.person_id = p.id
where (p.email = sqlc.arg(email) and sqlc.arg(email) <> '') or (p.handle = sqlc.arg(handle) and sqlc.arg(handle) <> '');

-- name: PasswordHash :one
select hash from person_password where person_id = $1;

-- name: SetPassword :exec
insert into person_password (person_id, hash, changed_at) values (sqlc.arg(person_id), sqlc.arg(hash), sqlc.arg(now))
on conflict (person_id) do update set hash = excluded.hash, changed_at = excluded.changed_at;

-- name: RehashPassword :execrows
update person_password set hash = sqlc.arg(hash) where person_id = sqlc.arg(person_id) and hash = sqlc.arg(old);

-- name: HoldGuard :one
insert into sign_in_guard (person_id, failures, locked_until) values ($1, 0, 0)
on conflict (person_id) do update set failures = sign_in_guard.failures
returning failures, locked_until;

-- name: CountFailure :one
update sign_in_guard set failures = failures + 1 where person_id = $1 returning failures;

-- name: LockPerson :exec
update sign_in_guard set failures = 0, locked_until = sqlc.arg(locked_until) where person_id = sqlc.arg(person_id);

-- name: ClearGuard :execrows
update sign_in_guard set failures = 0, locked_until = 0
where person_id = sqlc.arg(person_id) and (failures <> 0 or locked_until <> 0);

-- name: SourceState :one
select failures, ends_at from sign_in_source where source = $1;

-- name: CountSourceFailure :one
insert into sign_in_source (source, failures, ends_at, refused, told_at)
values (sqlc.arg(source), 1, sqlc.arg(ends_at), 0, 0)
on conflict (source) do update set
    failures = case when sign_in_source.ends_at <= sqlc.arg(now) then 1 else sign_in_source.failures + 1 end,
    ends_at = case when sign_in_source.ends_at <= sqlc.arg(now) then excluded.ends_at else sign_in_source.ends_at end
returning failures, ends_at;

-- name: CountSourceRefusal :one
update sign_in_source set refused = refused + 1 where source = $1 returning refused, told_at;

-- name: TellSourceRefusals :exec
update sign_in_source set refused = 0, told_at = sqlc.arg(now) where source = sqlc.arg(source);

-- name: DropOldSources :exec
delete from sign_in_source where ends_at < sqlc.arg(before) and refused = 0;

-- name: UntoldSources :many
select source, refused from sign_in_source where refused > 0 and told_at <= sqlc.arg(before) order by source limit 100;

-- name: InsertWebSession :exec
insert into web_session (id, person_id, token_hash, kind, mfa_at, source_ip, user_agent, created_at, last_seen_at, expires_at, ended_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(token_hash), sqlc.arg(kind), sqlc.arg(mfa_at), sqlc.arg(source_ip),
        sqlc.arg(user_agent), sqlc.arg(now), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: HandleTaken :one
select count(*) from person where handle = $1;

-- name: BindWebSession :exec
update web_session set sso_org = sqlc.arg(sso_org) where id = sqlc.arg(id);

-- name: WebSessionSSO :one
select sso_org from web_session where id = $1 and ended_at = 0;

-- name: EndWebSessionsThrough :execrows
update web_session set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason)
where person_id = sqlc.arg(person_id) and sso_org = sqlc.arg(sso_org) and sso_org <> '' and ended_at = 0;

-- name: WebSessionByToken :one
-- platform-wide: the strictest limits of the organizations that the person belongs to hold in all of them
select s.id, s.person_id, s.kind, s.mfa_at, s.created_at, s.last_seen_at, s.expires_at, s.sso_org, p.email, p.handle, p.name,
       cast(coalesce((select min(t.idle_us) from member m join organization o on o.id = m.org_id join organization_setting t on t.org_id = m.org_id
           where m.user_id = s.person_id and m.suspended_at = 0 and o.state = 'active' and t.idle_us > 0), 0) as bigint) as org_idle_us,
       cast(coalesce((select min(t.absolute_us) from member m join organization o on o.id = m.org_id join organization_setting t on t.org_id = m.org_id
           where m.user_id = s.person_id and m.suspended_at = 0 and o.state = 'active' and t.absolute_us > 0), 0) as bigint) as org_absolute_us,
       cast(coalesce(r.access_until, 0) as bigint) as access_until
from web_session s join person p on p.id = s.person_id
left join web_refresh r on r.web_session_id = s.id
where s.token_hash = $1 and s.ended_at = 0 and p.state = 'active';

-- name: TouchWebSession :exec
update web_session set last_seen_at = sqlc.arg(now) where id = sqlc.arg(id) and ended_at = 0 and last_seen_at < sqlc.arg(now);

-- name: CompleteWebSession :execrows
update web_session set kind = 'full', mfa_at = sqlc.arg(now), last_seen_at = sqlc.arg(now), expires_at = sqlc.arg(expires_at)
where id = sqlc.arg(id) and person_id = sqlc.arg(person_id) and kind = 'enrolment' and ended_at = 0;

-- name: FreshenWebSession :execrows
update web_session set mfa_at = sqlc.arg(now)
where id = sqlc.arg(id) and person_id = sqlc.arg(person_id) and kind = 'full' and ended_at = 0;

-- name: EndWebSession :execrows
update web_session set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason)
where id = sqlc.arg(id) and person_id = sqlc.arg(person_id) and ended_at = 0;

-- name: EndWebSessionIn :execrows
update web_session set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason), end_org = sqlc.arg(end_org)
where id = sqlc.arg(id) and person_id = sqlc.arg(person_id) and ended_at = 0;

-- name: EndWebSessionsOf :execrows
update web_session set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason)
where person_id = sqlc.arg(person_id) and ended_at = 0 and id <> sqlc.arg(but);

-- name: LiveWebSessions :many
select * from web_session
where person_id = sqlc.arg(person_id) and ended_at = 0 and expires_at > sqlc.arg(now) and (last_seen_at > sqlc.arg(idle_since)
    or exists (select 1 from web_refresh r where r.web_session_id = web_session.id))
order by last_seen_at desc, id desc limit 200;

-- name: VoidPerson :exec
update person set void_before = sqlc.arg(now) where id = sqlc.arg(id);

-- name: VoidMember :execrows
update member set void_before = sqlc.arg(now) where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: LapsedWebSessions :many
select id, person_id, expires_at, last_seen_at from web_session
where ended_at = 0 and (expires_at <= sqlc.arg(now) or last_seen_at <= sqlc.arg(idle_since)
    and not exists (select 1 from web_refresh r where r.web_session_id = web_session.id)) order by id limit 100;

-- name: LapseWebSession :execrows
update web_session set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason)
where id = sqlc.arg(id) and ended_at = 0 and (expires_at <= sqlc.arg(now) or last_seen_at <= sqlc.arg(idle_since)
    and not exists (select 1 from web_refresh r where r.web_session_id = web_session.id));

-- name: OverstayedWebSessions :many
-- platform-wide: one clock ends the web sessions of all organizations' members
select w.id, w.person_id,
       cast(max(case when t.idle_us > 0 and w.last_seen_at <= sqlc.arg(now) - t.idle_us then 1 else 0 end) as bigint) as idle
from web_session w join member m on m.user_id = w.person_id join organization o on o.id = m.org_id
join organization_setting t on t.org_id = m.org_id
where w.ended_at = 0 and m.suspended_at = 0 and o.state = 'active'
and ((t.idle_us > 0 and w.last_seen_at <= sqlc.arg(now) - t.idle_us) or (t.absolute_us > 0 and w.created_at <= sqlc.arg(now) - t.absolute_us))
group by w.id, w.person_id order by w.id limit 100;

-- name: DropOldWebSessions :exec
delete from web_session where ended_at <> 0 and ended_at < sqlc.arg(before);

-- name: InsertToken :exec
insert into api_token (org_id, id, owner_id, name, token_hash, scopes, networks, created_at, expires_at, last_used_at, ended_at, end_reason, issued_by)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(owner_id), sqlc.arg(name), sqlc.arg(token_hash), sqlc.arg(scopes), sqlc.arg(networks),
        sqlc.arg(now), sqlc.arg(expires_at), 0, 0, '', sqlc.arg(issued_by));

-- name: CountTokens :one
select count(*) from api_token where org_id = sqlc.arg(org_id) and owner_id = sqlc.arg(owner_id) and ended_at = 0;

-- name: TokenByHash :one
-- platform-wide: who shows a token does not say of which organization it is
select t.org_id, t.id, t.owner_id, t.name, t.scopes, t.networks, t.expires_at, t.last_used_at, t.created_at, t.issued_by, p.email, p.handle
from api_token t join person p on p.id = t.owner_id
where t.token_hash = $1 and t.ended_at = 0 and p.state = 'active';

-- name: TouchToken :exec
update api_token set last_used_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and last_used_at < sqlc.arg(now);

-- name: GetToken :one
select t.*, p.handle as owner_handle, p.email as owner_email from api_token t join person p on p.id = t.owner_id
where t.org_id = sqlc.arg(org_id) and t.id = sqlc.arg(id);

-- name: ListTokens :many
select t.*, p.handle as owner_handle, p.email as owner_email from api_token t join person p on p.id = t.owner_id
where t.org_id = sqlc.arg(org_id) and t.ended_at = 0 and t.expires_at > sqlc.arg(now)
and (cast(sqlc.arg(owner_id) as text) = '' or t.owner_id = cast(sqlc.arg(owner_id) as text)) and t.id > sqlc.arg(after)
order by t.id limit sqlc.arg(n);

-- name: EndToken :execrows
update api_token set ended_at = sqlc.arg(now), end_reason = sqlc.arg(reason)
where org_id = sqlc.arg(org_id) and id = sqlc.arg(id) and ended_at = 0;

-- name: LiveTokensOf :many
-- platform-wide: a change of a person's factors concerns their tokens in every organization
select org_id, id, name, created_at, last_used_at from api_token
where owner_id = sqlc.arg(owner_id) and ended_at = 0 order by org_id, id;

-- name: LiveTokensIn :many
select org_id, id, name, created_at, last_used_at from api_token
where org_id = sqlc.arg(org_id) and owner_id = sqlc.arg(owner_id) and ended_at = 0 order by id;

-- name: LapsedTokens :many
-- platform-wide: one clock ends the tokens of all organizations
select org_id, id, owner_id, name, created_at, last_used_at from api_token
where ended_at = 0 and expires_at <= sqlc.arg(now) order by org_id, id limit 100;

-- name: InsertSSHKey :exec
insert into ssh_key (id, person_id, name, algorithm, public_key, fingerprint, created_at, last_used_at)
values (sqlc.arg(id), sqlc.arg(person_id), sqlc.arg(name), sqlc.arg(algorithm), sqlc.arg(public_key), sqlc.arg(fingerprint),
        sqlc.arg(now), 0);

-- name: SSHKeysOf :many
select * from ssh_key where person_id = $1 order by id;

-- name: CountSSHKeys :one
select count(*) from ssh_key where person_id = $1;

-- name: DeleteSSHKey :execrows
delete from ssh_key where person_id = sqlc.arg(person_id) and id = sqlc.arg(id);

-- name: SSHKeyOwner :one
select k.id, k.public_key, k.fingerprint, p.id as person_id, p.email, p.handle, p.name, p.state,
       cast(coalesce(g.locked_until, 0) as bigint) as locked_until
from ssh_key k join person p on p.id = k.person_id
left join sign_in_guard g on g.person_id = p.id
where k.fingerprint = sqlc.arg(fingerprint)
and ((p.email = sqlc.arg(email) and sqlc.arg(email) <> '') or (p.handle = sqlc.arg(handle) and sqlc.arg(handle) <> ''));

-- name: TouchSSHKey :execrows
update ssh_key set last_used_at = sqlc.arg(now) where person_id = sqlc.arg(person_id) and id = sqlc.arg(id);

-- name: InsertCA :execrows
insert into ssh_ca (org_id, id, public_key, private_key, created_at)
values (sqlc.arg(org_id), sqlc.arg(id), sqlc.arg(public_key), sqlc.arg(private_key), sqlc.arg(now));

-- name: CurrentCA :one
select * from ssh_ca where org_id = $1 order by created_at desc, id desc limit 1;

-- name: CAByPublicKey :one
-- platform-wide: a certificate names its authority, and by it its organization
select org_id, id, public_key from ssh_ca where public_key = $1;

-- name: InsertCertificate :exec
insert into ssh_certificate (org_id, serial, ca_id, person_id, fingerprint, mfa_at, issued_at, expires_at, revoked_at)
values (sqlc.arg(org_id), sqlc.arg(serial), sqlc.arg(ca_id), sqlc.arg(person_id), sqlc.arg(fingerprint), sqlc.arg(mfa_at),
        sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: GetCertificate :one
select c.*, p.email, p.handle, p.name, p.state, cast(coalesce(g.locked_until, 0) as bigint) as locked_until
from ssh_certificate c join person p on p.id = c.person_id
left join sign_in_guard g on g.person_id = p.id
where c.org_id = sqlc.arg(org_id) and c.serial = sqlc.arg(serial);

-- name: RevokeCertificatesIn :execrows
update ssh_certificate set revoked_at = sqlc.arg(now)
where org_id = sqlc.arg(org_id) and person_id = sqlc.arg(person_id) and revoked_at = 0;

-- name: RevokeCertificatesOf :execrows
-- platform-wide: a change of a person's factors concerns their certificates in every organization
update ssh_certificate set revoked_at = sqlc.arg(now) where person_id = sqlc.arg(person_id) and revoked_at = 0;

-- name: DropOldCertificates :exec
-- platform-wide: one clock for all organizations
delete from ssh_certificate where expires_at < sqlc.arg(before);

-- name: ProveEmail :exec
insert into email_proof (person_id, email, proved_at) values (sqlc.arg(person_id), sqlc.arg(email), sqlc.arg(now))
on conflict (person_id) do update set email = excluded.email, proved_at = excluded.proved_at;

-- name: ProvedEmail :one
select email from email_proof where person_id = $1;

-- name: ServiceAccounts :many
select p.id, p.name, p.handle, m.role, m.created_at,
       cast((select count(*) from api_token t where t.org_id = m.org_id and t.owner_id = p.id and t.ended_at = 0 and t.expires_at > sqlc.arg(now)) as bigint) as tokens
from member m join person p on p.id = m.user_id
where m.org_id = sqlc.arg(org_id) and p.email like sqlc.arg(domain) and p.name > sqlc.arg(after) order by p.name limit sqlc.arg(n);

-- name: InsertDeviceLogin :exec
insert into device_login (id, device_hash, user_hash, client, source_ip, user_agent, state, person_id, web_session_id, mfa_at, sso_org, created_at, expires_at, polled_at)
values (sqlc.arg(id), sqlc.arg(device_hash), sqlc.arg(user_hash), sqlc.arg(client), sqlc.arg(source_ip), sqlc.arg(user_agent), 'waiting', sqlc.arg(person_id),
        sqlc.arg(web_session_id), 0, '', sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: DeviceLoginByUserCode :one
select * from device_login where user_hash = $1;

-- name: DeviceLoginByDevice :one
select * from device_login where device_hash = $1;

-- name: AnswerDeviceLogin :execrows
update device_login set state = sqlc.arg(state), person_id = sqlc.arg(person_id), mfa_at = sqlc.arg(mfa_at), sso_org = sqlc.arg(sso_org)
where id = sqlc.arg(id) and state = 'waiting' and expires_at > sqlc.arg(now);

-- name: PollDeviceLogin :execrows
update device_login set polled_at = sqlc.arg(now) where id = sqlc.arg(id) and polled_at <= sqlc.arg(before);

-- name: UseDeviceLogin :execrows
update device_login set state = 'used' where id = sqlc.arg(id) and state = 'approved' and expires_at > sqlc.arg(now);

-- name: DropOldDeviceLogins :exec
delete from device_login where expires_at < sqlc.arg(before);

-- name: InsertRefresh :exec
insert into web_refresh (web_session_id, token_hash, previous_hash, access_until, rotated_at)
values (sqlc.arg(web_session_id), sqlc.arg(token_hash), sqlc.arg(previous_hash), sqlc.arg(access_until), sqlc.arg(now));

-- name: RefreshByToken :one
-- platform-wide: as for WebSessionByToken
select r.web_session_id, r.token_hash, r.rotated_at, s.person_id, s.created_at, s.last_seen_at, s.expires_at, s.ended_at, p.state,
       cast(coalesce((select min(t.idle_us) from member m join organization o on o.id = m.org_id join organization_setting t on t.org_id = m.org_id
           where m.user_id = s.person_id and m.suspended_at = 0 and o.state = 'active' and t.idle_us > 0), 0) as bigint) as org_idle_us,
       cast(coalesce((select min(t.absolute_us) from member m join organization o on o.id = m.org_id join organization_setting t on t.org_id = m.org_id
           where m.user_id = s.person_id and m.suspended_at = 0 and o.state = 'active' and t.absolute_us > 0), 0) as bigint) as org_absolute_us
from web_refresh r join web_session s on s.id = r.web_session_id join person p on p.id = s.person_id
where r.token_hash = sqlc.arg(hash) or r.previous_hash = sqlc.arg(hash);

-- name: RotateRefresh :execrows
update web_refresh set token_hash = sqlc.arg(token_hash), previous_hash = sqlc.arg(previous_hash), access_until = sqlc.arg(access_until), rotated_at = sqlc.arg(now)
where web_session_id = sqlc.arg(web_session_id) and token_hash = sqlc.arg(previous_hash);

-- name: RotateWebSession :execrows
update web_session set token_hash = sqlc.arg(token_hash), last_seen_at = sqlc.arg(now)
where id = sqlc.arg(id) and ended_at = 0 and expires_at > sqlc.arg(now);

-- name: DropOldRefreshes :exec
delete from web_refresh where web_session_id in (select s.id from web_session s where s.ended_at <> 0 and s.ended_at < sqlc.arg(before));

-- name: SetWebSessionMFA :exec
update web_session set mfa_at = sqlc.arg(mfa_at) where id = sqlc.arg(id);

-- name: CountMembership :one
select count(*) from member where org_id = sqlc.arg(org_id) and user_id = sqlc.arg(user_id);

-- name: CountPlacesBesides :one
-- platform-wide: whether somebody belongs to more than one organization
select count(*) from member where user_id = sqlc.arg(user_id) and org_id <> sqlc.arg(org_id);

-- name: InsertResetRequest :exec
insert into password_reset_request (id, email, source_ip, user_agent, via, request_id, created_at, done_at)
values (sqlc.arg(id), sqlc.arg(email), sqlc.arg(source_ip), sqlc.arg(user_agent), sqlc.arg(via), sqlc.arg(request_id), sqlc.arg(now), 0);

-- name: OpenResetRequests :many
select * from password_reset_request where done_at = 0 order by id limit 100;

-- name: CloseResetRequest :execrows
update password_reset_request set done_at = sqlc.arg(now), email = '' where id = sqlc.arg(id) and done_at = 0;

-- name: CountResets :one
select count(*) from password_reset where person_id = sqlc.arg(person_id) and created_at > sqlc.arg(since);

-- name: InsertReset :exec
insert into password_reset (token_hash, person_id, created_at, expires_at, used_at)
values (sqlc.arg(token_hash), sqlc.arg(person_id), sqlc.arg(now), sqlc.arg(expires_at), sqlc.arg(used_at));

-- name: ResetByToken :one
select * from password_reset where token_hash = $1;

-- name: UseReset :execrows
update password_reset set used_at = sqlc.arg(now) where token_hash = sqlc.arg(token_hash) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: VoidResetsOf :exec
update password_reset set used_at = sqlc.arg(now) where person_id = sqlc.arg(person_id) and used_at = 0;

-- name: DropOldResetRequests :exec
delete from password_reset_request where created_at < sqlc.arg(before);

-- name: DropOldResets :exec
delete from password_reset where expires_at < sqlc.arg(before);

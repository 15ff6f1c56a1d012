-- name: InsertLink :exec
insert into signup_link (token_hash, email, created_at, expires_at, used_at)
values (sqlc.arg(token_hash), sqlc.arg(email), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: CountLinks :one
select count(*) from signup_link where email = sqlc.arg(email) and created_at > sqlc.arg(since);

-- name: LinkByToken :one
select * from signup_link where token_hash = $1;

-- name: UseLink :execrows
update signup_link set used_at = sqlc.arg(now) where token_hash = sqlc.arg(token_hash) and used_at = 0 and expires_at > sqlc.arg(now);

-- name: DropOldLinks :exec
delete from signup_link where expires_at < sqlc.arg(before);

-- name: InsertSignup :exec
insert into signup (id, email, state, org_name, slug, note, handle, name, password_hash, submissions, started_at, submitted_at, decided_at,
                    decided_by, comment, org_id_made, phone_verification)
values (sqlc.arg(id), sqlc.arg(email), 'draft', '', '', '', '', '', '', 0, sqlc.arg(now), 0, 0, '', '', '', '');

-- name: OpenSignup :one
select * from signup where email = sqlc.arg(email) and state in ('draft', 'submitted', 'returned');

-- name: GetSignup :one
select * from signup where id = $1;

-- name: ListSignups :many
select * from signup where (cast(sqlc.arg(state) as text) = '' or state = cast(sqlc.arg(state) as text)) and state <> 'draft' and id > sqlc.arg(after)
order by id limit sqlc.arg(n);

-- name: SetPhone :execrows
update signup set phone_verification = sqlc.arg(phone_verification) where id = sqlc.arg(id) and state in ('draft', 'returned');

-- name: Submit :execrows
update signup set state = 'submitted', org_name = sqlc.arg(org_name), slug = sqlc.arg(slug), note = sqlc.arg(note), handle = sqlc.arg(handle),
    name = sqlc.arg(name), password_hash = sqlc.arg(password_hash), submissions = submissions + 1, submitted_at = sqlc.arg(now), comment = ''
where id = sqlc.arg(id) and state in ('draft', 'returned') and submissions = sqlc.arg(old);

-- name: Decide :execrows
update signup set state = sqlc.arg(state), decided_at = sqlc.arg(now), decided_by = sqlc.arg(decided_by), comment = sqlc.arg(comment),
    org_id_made = sqlc.arg(org_id_made), password_hash = sqlc.arg(password_hash)
where id = sqlc.arg(id) and state = 'submitted';

-- name: DropOldDrafts :exec
delete from signup where state = 'draft' and submissions = 0 and started_at < sqlc.arg(before)
and not exists (select 1 from signup_access a where a.signup_id = signup.id);

-- name: InsertAccess :exec
insert into signup_access (token_hash, signup_id, created_at, expires_at, told_at)
values (sqlc.arg(token_hash), sqlc.arg(signup_id), sqlc.arg(now), sqlc.arg(expires_at), 0);

-- name: AccessByToken :one
select * from signup_access where token_hash = $1;

-- name: TellAccess :execrows
update signup_access set told_at = sqlc.arg(now) where token_hash = sqlc.arg(token_hash) and told_at = 0;

-- name: DropOldAccess :exec
delete from signup_access where expires_at < sqlc.arg(before);

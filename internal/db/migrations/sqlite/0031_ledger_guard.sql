-- +goose Up
-- SQLite has no roles: triggers refuse what nobody may do to a recorded event.
-- +goose StatementBegin
create trigger audit_event_insert before insert on audit_event
when new.seq is not null or new.pruned_at is not null or new.payload is null or new.salt is null
begin select raise(abort, 'an audit event is recorded whole and without a number'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_event_update before update on audit_event
when not (
    new.org_id is old.org_id and new.log_id is old.log_id and new.id is old.id
    and new.recorded_at is old.recorded_at and new.constant is old.constant
    and new.payload_hash is old.payload_hash
    and (
        -- numbering
        old.seq is null and new.seq is not null
        and new.payload is old.payload and new.salt is old.salt and new.pruned_at is old.pruned_at
        or
        -- pruning
        new.seq is old.seq and old.seq is not null
        and old.pruned_at is null and new.pruned_at is not null
        and new.payload is null and new.salt is null
    )
)
begin select raise(abort, 'a recorded audit event is never changed'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_event_delete before delete on audit_event
begin select raise(abort, 'a recorded audit event is never deleted'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_tile_update before update on audit_tile
when not (
    new.org_id is old.org_id and new.level is old.level and new.idx is old.idx
    and length(new.hashes) between length(old.hashes) and 8192
    and substr(new.hashes, 1, length(old.hashes)) is old.hashes
)
begin select raise(abort, 'a tile of the audit tree only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_tile_delete before delete on audit_tile
begin select raise(abort, 'a tile of the audit tree is never deleted'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_checkpoint_update before update on audit_checkpoint
begin select raise(abort, 'a signed checkpoint is never changed'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_checkpoint_delete before delete on audit_checkpoint
begin select raise(abort, 'a signed checkpoint is never deleted'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_log_update before update on audit_log
when new.org_id is not old.org_id or new.log_id is not old.log_id or new.origin is not old.origin or new.tree_size < old.tree_size
begin select raise(abort, 'a ledger keeps its name and never shrinks'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_log_delete before delete on audit_log
begin select raise(abort, 'a ledger is never deleted'); end;
-- +goose StatementEnd

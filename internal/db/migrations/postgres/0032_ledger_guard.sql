-- +goose Up
-- The rights of the roles (see internal/db) say who may write what; these triggers
-- say, also to the owner of the tables, what must never be written.
-- +goose StatementBegin
create function audit_refuse() returns trigger language plpgsql as $$
begin
    raise exception '%', tg_argv[0] using errcode = 'integrity_constraint_violation';
end $$;
-- +goose StatementEnd

create trigger audit_event_insert before insert on audit_event for each row
when (new.seq is not null or new.pruned_at is not null or new.payload is null or new.salt is null)
execute function audit_refuse('an audit event is recorded whole and without a number');

create trigger audit_event_update before update on audit_event for each row
when (not (
    new.org_id = old.org_id and new.log_id = old.log_id and new.id = old.id
    and new.recorded_at = old.recorded_at and new.constant = old.constant
    and new.payload_hash = old.payload_hash
    and (
        old.seq is null and new.seq is not null
        and new.payload is not distinct from old.payload and new.salt is not distinct from old.salt
        and new.pruned_at is not distinct from old.pruned_at
        or
        new.seq = old.seq and old.pruned_at is null and new.pruned_at is not null
        and new.payload is null and new.salt is null
    )
))
execute function audit_refuse('a recorded audit event is never changed');

create trigger audit_event_delete before delete on audit_event for each row
execute function audit_refuse('a recorded audit event is never deleted');
create trigger audit_event_truncate before truncate on audit_event
execute function audit_refuse('a recorded audit event is never deleted');

create trigger audit_tile_update before update on audit_tile for each row
when (not (
    new.org_id = old.org_id and new.level = old.level and new.idx = old.idx
    and length(new.hashes) between length(old.hashes) and 8192
    and substr(new.hashes, 1, length(old.hashes)) = old.hashes
))
execute function audit_refuse('a tile of the audit tree only grows');
create trigger audit_tile_delete before delete on audit_tile for each row
execute function audit_refuse('a tile of the audit tree is never deleted');
create trigger audit_tile_truncate before truncate on audit_tile
execute function audit_refuse('a tile of the audit tree is never deleted');

create trigger audit_checkpoint_update before update on audit_checkpoint for each row
execute function audit_refuse('a signed checkpoint is never changed');
create trigger audit_checkpoint_delete before delete on audit_checkpoint for each row
execute function audit_refuse('a signed checkpoint is never deleted');
create trigger audit_checkpoint_truncate before truncate on audit_checkpoint
execute function audit_refuse('a signed checkpoint is never deleted');

create trigger audit_log_update before update on audit_log for each row
when (new.org_id <> old.org_id or new.log_id <> old.log_id or new.origin <> old.origin or new.tree_size < old.tree_size)
execute function audit_refuse('a ledger keeps its name and never shrinks');
create trigger audit_log_delete before delete on audit_log for each row
execute function audit_refuse('a ledger is never deleted');
create trigger audit_log_truncate before truncate on audit_log
execute function audit_refuse('a ledger is never deleted');

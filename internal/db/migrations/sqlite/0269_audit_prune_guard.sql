-- +goose Up
-- What was pruned is not unsaid. (On PostgreSQL the roles' rights say so.)
-- +goose StatementBegin
create trigger audit_prune_update before update on audit_prune
when not (
    new.org_id is old.org_id and new.first_seq is old.first_seq and new.beyond_seq > old.beyond_seq and new.pruned >= old.pruned
    and new.keep_days is old.keep_days and new.recorded_before is old.recorded_before and new.started_at is old.started_at
)
begin select raise(abort, 'what was pruned from a ledger only grows'); end;
-- +goose StatementEnd
-- +goose StatementBegin
create trigger audit_prune_delete before delete on audit_prune
begin select raise(abort, 'what was pruned from a ledger is never forgotten'); end;
-- +goose StatementEnd

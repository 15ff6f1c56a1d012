-- +goose Up
-- Reviewers are reminded once: three days before the deadline, or at half of the time of a shorter review.
alter table access_review add column remind_at bigint not null default 0;
alter table access_review add column reminded_at bigint not null default 0; -- 0: not yet
update access_review set remind_at = deadline - 259200000000 where state = 'open' and deadline - created_at >= 518400000000;
update access_review set remind_at = created_at + (deadline - created_at) / 2 where state = 'open' and remind_at = 0;
create index access_review_reminder on access_review (remind_at) where state = 'open' and reminded_at = 0;

-- +goose Up
-- What is left to decide of a review is found at once, however large the review is.
create index access_review_item_open on access_review_item (org_id, review_id, id) where verdict = '';

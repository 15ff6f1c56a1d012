package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
)

const manyGroups = 1_000 // beside the large one

// largeGroup is a group of all but one of the members, in an organization with a
// thousand others: each act that changes what all of them may do, over the API. Each
// leaves an event for every person whose role changed.
func (b *bench) largeGroup(ctx context.Context, store string, p *product, members []id.User) error {
	var group struct {
		ID string `json:"id"`
	}
	for n := range b.pick(manyGroups, 50) {
		if err := p.patiently(ctx, "POST", "/org/groups", map[string]any{"name": fmt.Sprintf("group %d", n)}, &group); err != nil {
			return err
		}
	}
	if err := p.patiently(ctx, "POST", "/org/groups", map[string]any{"name": "everybody"}, &group); err != nil {
		return err
	}
	const atOnce = 1000 // as many as one request takes
	for some := range slices.Chunk(members[1:], atOnce) {
		if err := p.patiently(ctx, "POST", "/org/groups/"+group.ID+"/members", map[string]any{"user_ids": some}, nil); err != nil {
			return err
		}
	}
	if len(p.dev.Safes) == 0 {
		return errors.New("dev.json names no safe")
	}
	binding := "/safes/" + p.dev.Safes[0].ID + "/groups"
	slowest, acts := 0.0, []struct {
		what, method, path string
		body               any
	}{
		{"bind it to a safe", "POST", binding, map[string]any{"group_id": group.ID, "role": "user"}},
		{"change its role", "PATCH", binding + "/" + group.ID, map[string]any{"role": "checkout"}},
		{"one more member", "POST", "/org/groups/" + group.ID + "/members", map[string]any{"user_ids": members[:1]}},
		{"take it off the safe", "DELETE", binding + "/" + group.ID, nil},
		{"bind it again", "POST", binding, map[string]any{"group_id": group.ID, "role": "user"}},
		{"delete it", "DELETE", "/org/groups/" + group.ID, nil},
	}
	for _, a := range acts {
		began := time.Now()
		if err := p.call(ctx, a.method, a.path, a.body, nil); err != nil {
			return fmt.Errorf("%s: %w", a.what, err)
		}
		took := time.Since(began).Seconds()
		slowest = max(slowest, took)
		b.report.note("a group of %d on %s, %s: %.2f s", len(members), store, a.what, took)
	}
	b.report.value(false, 2, fmt.Sprintf("the slowest act on a group of %d that opens a safe, among %d groups, on %s", len(members), b.pick(manyGroups, 50), store), "s", slowest, math.NaN())
	return nil
}

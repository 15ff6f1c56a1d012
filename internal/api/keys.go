package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/keys"
)

// RootKey is the state of the installation's root key.
type RootKey struct {
	RootKeyID id.Key   `json:"root_key_id" doc:"The key that wraps the keys of organizations"`
	OlderIDs  []id.Key `json:"older_root_key_ids" nullable:"false" doc:"Still in the file: a rotation was begun and not finished"`
	Keysets   int64    `json:"keysets" doc:"Keys of organizations and of the platform"`
	Waiting   int64    `json:"keysets_waiting" doc:"Of them, those that are not under the newest root key yet"`
}

func rootKeyJSON(k keys.RootKey) RootKey {
	return RootKey{RootKeyID: k.Root, OlderIDs: append([]id.Key{}, k.Older...), Keysets: k.Keysets, Waiting: k.Waiting}
}

// DataKey is the new encryption key of an organization.
type DataKey struct {
	KeyID    id.Key `json:"key_id"`
	Replaced id.Key `json:"replaced_key_id" doc:"It opens what it has sealed, and seals nothing any more"`
	Moved    int    `json:"secrets_moved" doc:"Credentials of accounts that are sealed under the new key now"`
}

// LedgerState is how one audit ledger is. What stands in it is not told.
type LedgerState struct {
	LogID         id.Log    `json:"log_id"`
	OrgID         id.Org    `json:"org_id,omitempty" doc:"Absent: the platform's ledger"`
	OrgName       string    `json:"org_name,omitempty"`
	Size          int64     `json:"size" doc:"Events with a number"`
	Waiting       int64     `json:"waiting" doc:"Committed events without a number"`
	OldestWaiting time.Time `json:"oldest_waiting,omitzero"`
	SignedSize    int64     `json:"signed_size" doc:"Events under the last checkpoint that this server knows"`
	SignedAt      time.Time `json:"signed_at,omitzero"`
	Stopped       bool      `json:"stopped" doc:"It stands still because its tree is not the one that was signed"`
	StoppedAt     time.Time `json:"stopped_at,omitzero"`
	StopReason    string    `json:"stop_reason,omitempty"`
}

func ledgerJSON(l keys.LedgerState) LedgerState {
	return LedgerState{LogID: l.Log, OrgID: l.Org, OrgName: l.Name, Size: l.Size, Waiting: l.Waiting, OldestWaiting: l.Oldest,
		SignedSize: l.Signed, SignedAt: l.SignedAt, Stopped: l.Stopped, StoppedAt: l.Stop.At, StopReason: l.Stop.Reason}
}

type LogPath struct {
	LogID string `path:"log_id" maxLength:"64"`
}

const freshFactor = "Wants a second factor that was proved just now; otherwise STEP_UP_REQUIRED."

func (s *Server) keyRoutes() {
	data := func(ctx context.Context, a authz.Actor) (*struct{ Body DataKey }, error) {
		k, err := s.Keys.RotateData(ctx, a)
		if err != nil {
			return nil, err
		}
		return &struct{ Body DataKey }{DataKey{KeyID: k.ID, Replaced: k.Replaced, Moved: k.Moved}}, nil
	}
	handle(s, signedIn, huma.Operation{OperationID: "rotate-org-key", Method: http.MethodPost, Path: "/org/key/rotate", Summary: "Give the active organization a new encryption key", Tags: []string{"organization"},
		Description: "For owners. The new key seals from now on, and the credentials of accounts are moved to it; everything sealed before still opens, and sessions go on. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body DataKey }, error) {
			return data(ctx, a)
		})
	const tag = "platform"
	handle(s, signedIn, huma.Operation{OperationID: "rotate-platform-key", Method: http.MethodPost, Path: "/platform/keys/data/rotate", Summary: "Give the platform a new encryption key", Tags: []string{tag},
		Description: "It seals what belongs to no organization, such as second factors. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body DataKey }, error) {
			a.Org, a.Role = "", authz.None
			return data(ctx, a)
		})
	handle(s, signedIn, huma.Operation{OperationID: "root-key", Method: http.MethodGet, Path: "/platform/keys/root", Summary: "Which root keys there are", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body RootKey }, error) {
			k, err := s.Keys.Root(ctx, a)
			if err != nil {
				return nil, err
			}
			return &struct{ Body RootKey }{rootKeyJSON(k)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "rotate-root-key", Method: http.MethodPost, Path: "/platform/keys/root/rotate", Summary: "Replace the root key of the installation", Tags: []string{tag},
		Description: "Everything stays readable meanwhile, and an interrupted rotation is taken up where it was left. Back up the new key file afterwards. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				Step string `json:"step,omitempty" enum:"all,begin,finish" doc:"all when absent. Where servers have a root key file each: begin on one, copy the file to the others, then finish"`
			}
		}) (*struct{ Body RootKey }, error) {
			step := keys.Step(in.Body.Step)
			if step == "" {
				step = keys.All
			}
			k, err := s.Keys.RotateRoot(ctx, a, step)
			if err != nil {
				return nil, err
			}
			return &struct{ Body RootKey }{rootKeyJSON(k)}, nil
		})
	s.ledgerRoutes(tag)
}

func (s *Server) ledgerRoutes(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "list-ledgers", Method: http.MethodGet, Path: "/platform/ledgers", Summary: "How the audit ledgers are", Tags: []string{tag},
		Description: "The platform's first. Sizes and signatures only; what stands in an organization's ledger is its own."},
		func(ctx context.Context, a authz.Actor, in *struct{ PageIn }) (*pageOut[LedgerState], error) {
			l, err := s.Keys.Ledgers(ctx, a, in.request())
			return pageOf(l, ledgerJSON, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "rotate-ledger-key", Method: http.MethodPost, Path: "/platform/ledgers/{log_id}/key/rotate", Summary: "Give a ledger a new signing key", Tags: []string{tag},
		Description: "The replaced key signs beside the new one for 30 days, and its public half stays published. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *LogPath) (*struct{ Body AuditKeyRotation }, error) {
			r, err := s.Keys.RotateLedgerKey(ctx, a, id.Log(in.LogID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body AuditKeyRotation }{AuditKeyRotation{ID: r.Key, VKey: r.VKey, Replaced: r.Replaced, SignUntil: r.SignUntil}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "resume-ledger", Method: http.MethodPost, Path: "/platform/ledgers/{log_id}/resume", Summary: "Let a stopped ledger go on", Tags: []string{tag},
		Description: "Only after somebody has looked at what is wrong with it. The tree is checked at once: when it is still not the one that was signed, the ledger stops again and the answer is 503. " + freshFactor},
		func(ctx context.Context, a authz.Actor, in *LogPath) (*struct{ Body LedgerState }, error) {
			l, err := s.Keys.ResumeLedger(ctx, a, id.Log(in.LogID))
			if err != nil {
				return nil, err
			}
			return &struct{ Body LedgerState }{ledgerJSON(l)}, nil
		})
}

// AuditKeyRotation is the new signing key of a ledger.
type AuditKeyRotation struct {
	ID        id.Key    `json:"id"`
	VKey      string    `json:"vkey" doc:"As C2SP signed-note writes it: name+hash+base64"`
	Replaced  id.Key    `json:"replaced_key_id,omitempty" doc:"Absent: the ledger had no key yet"`
	SignUntil time.Time `json:"replaced_signs_until,omitzero"`
}

// Package idempotency lets a client send a request again without doing it again,
// when it does not know whether the first try arrived. The client names the
// request with a key of its own; the first answer under that key is kept, sealed,
// for a day and given to every repeat. The same key with another request is an
// error, and so is a repeat while the first is still being worked on.
//
// The answer is kept after the act is committed, not with it. A server that is
// killed between the two leaves a key whose outcome is not known; a repeat is then
// refused and says so, rather than done twice.
package idempotency

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/idempotency/idempotencysql"
)

// Life is how long an answer is kept.
const Life = 24 * time.Hour

// MaxKey is the length of the longest key.
const MaxKey = 255

// The codes of refusals.
const (
	CodeReused  = "IDEMPOTENCY_KEY_REUSED"
	CodeWorking = "IDEMPOTENCY_KEY_IN_USE"
)

// Sealer makes answers unreadable at rest; seal.Keyring is one.
type Sealer interface {
	Seal(ctx context.Context, org id.Org, context string, plain []byte) ([]byte, error)
	Open(ctx context.Context, org id.Org, context string, sealed []byte) ([]byte, error)
}

// Deps are the parts that a Service is made of.
type Deps struct {
	DB   *db.DB
	Seal Sealer
	Now  func() time.Time // nil: time.Now
}

// Service keeps answers. It is safe for concurrent use.
type Service struct{ d Deps }

// New checks the parts.
func New(d Deps) (*Service, error) {
	if d.DB == nil || d.Seal == nil {
		return nil, errors.New("idempotency: DB and Seal are needed")
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	return &Service{d}, nil
}

// Request is what a key stands for.
type Request struct {
	Owner string // who asks: person, token, organization
	Key   string
	What  []byte // method, address and body; only its hash is kept
}

// Answer is what is kept and given again.
type Answer struct {
	Status int                 `json:"-"`
	Header map[string][]string `json:"header"`
	Body   []byte              `json:"body"`
}

// CheckKey tells whether a key is 1 to MaxKey printable ASCII characters.
func CheckKey(key string) error {
	ok := len(key) >= 1 && len(key) <= MaxKey
	for i := 0; ok && i < len(key); i++ {
		ok = key[i] > ' ' && key[i] < 0x7f
	}
	if !ok {
		return fault.New(fault.Invalid, "the Idempotency-Key must be 1 to %d printable ASCII characters without spaces", MaxKey).WithField("header.Idempotency-Key", "must be 1 to %d printable characters", MaxKey)
	}
	return nil
}

func (r Request) hash() []byte {
	h := sha256.Sum256(r.What)
	return h[:]
}

func (r Request) context() string { return "idempotency/" + r.Owner + "/" + r.Key }

// Begin claims the key. It gives the kept answer when the request was done before,
// and nil when it is the caller's to do: then Keep or Forget must follow.
func (s *Service) Begin(ctx context.Context, r Request) (*Answer, error) {
	if err := CheckKey(r.Key); err != nil {
		return nil, err
	}
	var had idempotencysql.FindRow
	var mine bool
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := idempotencysql.New(tx)
		n, err := q.Claim(ctx, idempotencysql.ClaimParams{Owner: r.Owner, Key: r.Key, RequestHash: r.hash(), Empty: []byte{}, Now: db.Micros(s.d.Now())})
		if mine = n == 1; err != nil || mine {
			return err
		}
		had, err = q.Find(ctx, idempotencysql.FindParams{Owner: r.Owner, Key: r.Key})
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("claim an idempotency key: %w", err)
	case mine:
		return nil, nil
	case !bytes.Equal(had.RequestHash, r.hash()):
		return nil, fault.New(fault.Invalid, "this Idempotency-Key was used for another request: use a new one for each").WithCode(CodeReused)
	case had.Status == 0:
		return nil, fault.New(fault.Conflict, "the first request with this Idempotency-Key is not answered yet, or its server was killed: look whether it was done before you send it with a new key").WithCode(CodeWorking).WithRetry(time.Second)
	}
	plain, err := s.d.Seal.Open(ctx, "", r.context(), had.Answer)
	if err != nil {
		return nil, fmt.Errorf("open a kept answer: %w", err)
	}
	a := &Answer{Status: int(had.Status)}
	if err := json.Unmarshal(plain, a); err != nil {
		return nil, fmt.Errorf("read a kept answer: %w", err)
	}
	return a, nil
}

// Keep stores the answer for repeats.
func (s *Service) Keep(ctx context.Context, r Request, a Answer) error {
	plain, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	sealed, err := s.d.Seal.Seal(ctx, "", r.context(), plain)
	if err != nil {
		return fmt.Errorf("seal an answer: %w", err)
	}
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := idempotencysql.New(tx).Keep(ctx, idempotencysql.KeepParams{Owner: r.Owner, Key: r.Key, Status: int64(a.Status), Answer: sealed})
		return err
	})
	if err != nil {
		return fmt.Errorf("keep an answer: %w", err)
	}
	return nil
}

// Forget gives the key free again: nothing was done, so a repeat may try.
func (s *Service) Forget(ctx context.Context, r Request) error {
	err := s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		return idempotencysql.New(tx).Forget(ctx, idempotencysql.ForgetParams{Owner: r.Owner, Key: r.Key})
	})
	if err != nil {
		return fmt.Errorf("forget an idempotency key: %w", err)
	}
	return nil
}

// Sweep deletes what is older than Life, and tells how much it was.
func (s *Service) Sweep(ctx context.Context) (n int64, err error) {
	err = s.d.DB.InPlatform(ctx, func(ctx context.Context, tx *db.Tx) error {
		n, err = idempotencysql.New(tx).Sweep(ctx, db.Micros(s.d.Now().Add(-Life)))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep idempotency keys: %w", err)
	}
	return n, nil
}

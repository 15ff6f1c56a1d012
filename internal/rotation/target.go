package rotation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/resource"
	"github.com/vaultpam/vaultpam/internal/sshtarget"
	"github.com/vaultpam/vaultpam/internal/vault"
)

const (
	signInWithin  = 15 * time.Second // dial and handshake
	attemptWithin = 75 * time.Second // one attempt; less than leaseFor
	leaseFor      = 2 * time.Minute
)

var (
	// errRefused is a target that does not take a credential.
	errRefused = errors.New("the target does not accept the credential")
	// errStranger is a target that does not show a confirmed host key.
	errStranger = errors.New("the target does not show a confirmed host key")
)

// signIn is a connection to the target as its account. It fails with errRefused or
// errStranger; anything else is a target that cannot be reached.
func (s *Service) signIn(ctx context.Context, r resource.Resource, username string, c vault.Credential) (*ssh.Client, error) {
	if len(r.HostKeys) == 0 {
		return nil, errStranger
	}
	ctx, cancel := context.WithTimeout(ctx, signInWithin)
	defer cancel()
	raw, err := s.d.Dialer.Dial(ctx, r.Host, r.Port)
	if err != nil {
		return nil, err
	}
	unhook := context.AfterFunc(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	defer unhook()
	var pinned [][]byte
	for _, k := range r.HostKeys {
		pinned = append(pinned, k.PublicKey)
	}
	conn, chans, reqs, err := ssh.NewClientConn(raw, r.Host, sshtarget.Config(username, pinned, func() (sshtarget.Credential, error) {
		return sshtarget.Credential{Password: c.Password, PrivateKey: c.PrivateKey}, nil
	}, func(string) {}))
	switch {
	case err == nil:
	case sshtarget.Stranger(err):
		raw.Close()
		return nil, fmt.Errorf("%w: %w", errStranger, err)
	case sshtarget.Refused(err):
		raw.Close()
		return nil, fmt.Errorf("%w: %w", errRefused, err)
	default:
		raw.Close()
		return nil, fmt.Errorf("sign in: %w", err)
	}
	if !unhook() {
		conn.Close()
		return nil, ctx.Err()
	}
	raw.SetDeadline(time.Time{})
	return ssh.NewClient(conn, chans, reqs), nil
}

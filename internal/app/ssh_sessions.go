package app

import (
	"context"

	gateway "github.com/vaultpam/vaultpam/internal/gateway/ssh"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/safe"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/session"
)

// sshSessions lets the SSH gateway open sessions: it translates between the
// gateway's words and those of the session domain, and decides nothing.
type sshSessions struct {
	sessions *session.Service
	people   sshPeople
}

func (s sshSessions) Launch(ctx context.Context, p gateway.Person, c gateway.Choice, from gateway.Client) (*gateway.Ticket, error) {
	actor, err := s.people.actor(ctx, p, c.Org, from.Source)
	if err != nil {
		return nil, err
	}
	l, err := s.sessions.Launch(ctx, actor, session.LaunchArgs{Safe: c.Safe, Name: c.Name, Protocol: session.SSH, Client: from.Kind})
	if err != nil {
		return nil, err
	}
	return s.Redeem(ctx, p, l.Token, from)
}

func (s sshSessions) Redeem(ctx context.Context, p gateway.Person, grant secret.Secret, from gateway.Client) (*gateway.Ticket, error) {
	t, err := s.sessions.Redeem(ctx, session.RedeemArgs{
		Token: grant.RevealString(), Protocol: session.SSH, User: p.User, Source: from.Source, Client: from.Kind, ClientVersion: from.Version,
	})
	if err != nil {
		return nil, err
	}
	return gatewayTicket(t), nil
}

func gatewayTicket(t *session.Ticket) *gateway.Ticket {
	g := &gateway.Ticket{
		Session: t.Session, Safe: t.SafeName, Host: t.Resource.Host, Port: t.Resource.Port, Username: t.Account.Username, Handle: t,
		Policy: gateway.Policy{
			RecordInput: t.Policy.RecordInput, LocalForward: t.Policy.LocalForward, RemoteForward: t.Policy.RemoteForward,
			AgentForward: t.Policy.AgentForward, X11Forward: t.Policy.X11Forward, Jump: t.Policy.Jump != safe.JumpBlock,
			BlockFiles: t.Policy.FileTransfer == safe.FilesBlock, BlockClipboard: t.Policy.Clipboard == safe.ClipboardBlock,
		},
	}
	for _, k := range t.Resource.HostKeys {
		g.HostKeys = append(g.HostKeys, k.PublicKey)
	}
	return g
}

func (s sshSessions) Lease(ctx context.Context, t *gateway.Ticket) (gateway.Credential, error) {
	c, err := s.sessions.Lease(ctx, t.Handle.(*session.Ticket))
	if err != nil {
		return gateway.Credential{}, err
	}
	return gateway.Credential{Username: c.Username, Password: c.Password, PrivateKey: c.PrivateKey}, nil
}

func (s sshSessions) Failed(ctx context.Context, t *gateway.Ticket, why gateway.Failure) error {
	return s.sessions.Failed(ctx, t.Handle.(*session.Ticket), session.Failure(why))
}

func (s sshSessions) Start(ctx context.Context, t *gateway.Ticket) (gateway.Live, error) {
	l, err := s.sessions.Start(ctx, t.Handle.(*session.Ticket))
	if err != nil {
		return nil, err
	}
	return sshLive{l}, nil
}

// sshLive is a live session in the gateway's words.
type sshLive struct{ *session.Live }

func (l sshLive) Recorder() gateway.Recorder {
	if w := l.Live.Recorder(); w != nil {
		return sshRecorder{w}
	}
	return nil // recording is off; a nil *Writer in the interface would not be
}

func (l sshLive) EndingSentence() string { return l.Cause().Sentence() }

func (l sshLive) Opened(ctx context.Context, o gateway.Opened) error {
	return l.Live.Opened(ctx, session.Opened{
		UpstreamHost: o.Host, UpstreamPort: o.Port, HostKeyFingerprint: o.HostKey, ClientVersion: o.Client, FirstChannel: session.Channel(o.FirstChannel),
	})
}

func (l sshLive) Enforced(ctx context.Context, e gateway.Enforcement) error {
	return l.Live.Enforced(ctx, session.Enforcement{Control: session.Control(e.Control), Reason: e.Control + "_blocked", Direction: session.Direction(e.Direction), Bytes: e.Bytes})
}

func (l sshLive) Close(ctx context.Context, c gateway.Closed) error {
	return l.Live.Close(ctx, session.Closed{
		By: session.CloseSide(c.By), ExitStatus: c.ExitStatus, Channels: c.Channels, BytesToTarget: c.BytesToTarget, BytesFromTarget: c.BytesFromTarget,
	})
}

// sshRecorder sets the time of each frame, so that all channels share one clock.
type sshRecorder struct{ *recording.Writer }

func (r sshRecorder) Write(f format.Frame) error {
	f.At = r.Elapsed()
	return r.Writer.Write(f)
}

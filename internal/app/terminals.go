package app

import (
	"context"

	"github.com/vaultpam/vaultpam/internal/api"
	"github.com/vaultpam/vaultpam/internal/authz"
	gateway "github.com/vaultpam/vaultpam/internal/gateway/ssh"
	"github.com/vaultpam/vaultpam/internal/secret"
	"github.com/vaultpam/vaultpam/internal/session"
)

// terminals opens browser terminals through the SSH gateway.
type terminals struct {
	sessions *session.Service
	gateway  *gateway.Gateway
}

func (t terminals) Open(ctx context.Context, actor authz.Actor, grant secret.Secret, b api.Terminal) (*int, error) {
	ticket, err := t.sessions.Redeem(ctx, session.RedeemArgs{
		Token: grant.RevealString(), Protocol: session.SSH, User: actor.User, Source: actor.Source, Client: session.ClientBrowser, ClientVersion: actor.Source.UserAgent,
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sizes := make(chan gateway.Size)
	go func() { // ends with the session
		for {
			select {
			case z := <-b.Resize:
				select {
				case sizes <- gateway.Size{Cols: z[0], Rows: z[1]}:
				case <-ctx.Done():
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return t.gateway.ServeTerminal(ctx, gatewayTicket(ticket), gateway.Client{Source: actor.Source, Kind: session.ClientBrowser, Version: actor.Source.UserAgent},
		gateway.Terminal{IO: b.IO, Size: gateway.Size{Cols: b.Cols, Rows: b.Rows}, Resize: sizes, Notice: b.Notice,
			Ready: func() { b.Ready(string(ticket.Policy.Clipboard)) }})
}

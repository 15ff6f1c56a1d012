package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/session"
)

// Session is a privileged session.
type Session struct {
	ID              id.Session            `json:"id"`
	User            SessionUser           `json:"user"`
	Safe            NamedRef[id.Safe]     `json:"safe"`
	Resource        NamedRef[id.Resource] `json:"resource"`
	Account         SessionAccount        `json:"account"`
	Protocol        string                `json:"protocol"`
	Client          string                `json:"client"`
	ClientVersion   string                `json:"client_version,omitempty"`
	SourceIP        string                `json:"source_ip"`
	State           string                `json:"state" enum:"starting,live,ended"`
	RequestedAt     time.Time             `json:"requested_at"`
	StartedAt       time.Time             `json:"started_at,omitzero"`
	EndedAt         time.Time             `json:"ended_at,omitzero"`
	ExpiresAt       time.Time             `json:"expires_at,omitzero"`
	EndedBy         string                `json:"ended_by,omitempty" enum:"user,admin,system"`
	EndReason       string                `json:"end_reason,omitempty"`
	EndedByName     string                `json:"ended_by_name,omitempty"`
	EndComment      string                `json:"end_comment,omitempty"`
	DurationSeconds int64                 `json:"duration_seconds"`
	Recording       *Recording            `json:"recording" doc:"Null when the session is not recorded"`
	ExitStatus      *int                  `json:"exit_status,omitempty"`
	Channels        int                   `json:"channels"`
	BytesToTarget   int64                 `json:"bytes_to_target"`
	BytesFromTarget int64                 `json:"bytes_from_target"`
	AccessRequestID id.AccessReq          `json:"access_request_id,omitempty" doc:"The approved request that it was opened through"`
}

// SessionUser is whose session it is.
type SessionUser struct {
	ID    id.User  `json:"id"`
	Name  string   `json:"name"`
	Email string   `json:"email"`
	Token id.Token `json:"token_id,omitempty" doc:"Set when an API token launched it"`
}

// NamedRef points to an object and says its name.
type NamedRef[T id.Kind] struct {
	ID   T      `json:"id"`
	Name string `json:"name"`
}

// SessionAccount is whom the session is signed in as.
type SessionAccount struct {
	ID       id.Account `json:"id"`
	Name     string     `json:"name"`
	Username string     `json:"username"`
}

func (s *Server) sessionJSON(v session.Session, rec *Recording) Session {
	return Session{
		ID: v.ID, User: SessionUser{ID: v.User, Name: v.UserName, Email: v.UserEmail, Token: v.Token},
		Safe: NamedRef[id.Safe]{v.Safe, v.SafeName}, Resource: NamedRef[id.Resource]{v.Resource, v.ResourceName},
		Account:  SessionAccount{v.Account, v.AccountName, v.Username},
		Protocol: string(v.Protocol), Client: v.Client, ClientVersion: v.ClientVersion, SourceIP: v.SourceIP, State: string(v.State),
		RequestedAt: v.RequestedAt, StartedAt: v.StartedAt, EndedAt: v.EndedAt, ExpiresAt: v.ExpiresAt,
		EndedBy: string(v.EndedBy), EndReason: v.EndReason, EndedByName: v.EndedByName, EndComment: v.EndComment,
		DurationSeconds: int64(v.Duration(s.Now()).Seconds()), Recording: rec, ExitStatus: v.ExitStatus, Channels: v.Channels,
		BytesToTarget: v.BytesToTarget, BytesFromTarget: v.BytesFromTarget, AccessRequestID: v.AccessRequest,
	}
}

func (s *Server) sessionRoutes() {
	const tag = "sessions"
	handle(s, signedIn, huma.Operation{OperationID: "list-sessions", Method: http.MethodGet, Path: "/sessions", Summary: "List the sessions that you may see, newest first", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			PageIn
			State    string    `query:"state" enum:"starting,live,ended"`
			User     string    `query:"user" maxLength:"64"`
			Safe     string    `query:"safe" maxLength:"64"`
			Resource string    `query:"resource" maxLength:"64"`
			From     time.Time `query:"from"`
			To       time.Time `query:"to" doc:"Not included"`
		}) (*pageOut[Session], error) {
			l, err := s.Sessions.List(ctx, a, session.Filter{State: session.State(in.State), User: id.User(in.User), Safe: id.Safe(in.Safe), Resource: id.Resource(in.Resource), From: in.From, To: in.To}, in.request())
			if err != nil {
				return nil, err
			}
			recs, err := s.recordingsOf(ctx, a, l.Items...)
			return pageOf(l, func(v session.Session) Session { return s.sessionJSON(v, recs[v.ID]) }, err)
		})
	handle(s, signedIn, huma.Operation{OperationID: "get-session", Method: http.MethodGet, Path: "/sessions/{id}", Summary: "Get a session", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *SessionID) (*struct{ Body Session }, error) {
			v, err := s.Sessions.Get(ctx, a, id.Session(in.ID))
			if err != nil {
				return nil, err
			}
			recs, err := s.recordingsOf(ctx, a, v)
			if err != nil {
				return nil, err
			}
			return &struct{ Body Session }{s.sessionJSON(v, recs[v.ID])}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "terminate-session", Method: http.MethodPost, Path: "/sessions/{id}/terminate", Summary: "End a live session", DefaultStatus: 204, Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			SessionID
			Body *struct {
				Comment string `json:"comment,omitempty" maxLength:"256" doc:"Told to the person and kept in the ledger"`
			}
		}) (*struct{}, error) {
			comment := ""
			if in.Body != nil {
				comment = in.Body.Comment
			}
			return nothing(s.Sessions.Terminate(ctx, a, id.Session(in.ID), comment))
		})
	s.launchRoute(tag)
	s.feedRoute(tag)
}

type SessionID struct {
	ID string `path:"id" maxLength:"64"`
}

// Launched is a launch grant, on its way to whoever will present it.
type Launched struct {
	SessionID id.Session `json:"session_id"`
	GrantID   id.Grant   `json:"grant_id"`
	ExpiresAt time.Time  `json:"expires_at" doc:"Of the grant: it is good for sixty seconds and one use"`
	Grant     string     `json:"grant,omitempty" doc:"For the browser terminal: the first message on its WebSocket"`
	SSH       *LaunchSSH `json:"ssh,omitempty" doc:"For an SSH client of ours"`
}

// LaunchSSH is what an SSH client needs to use a grant.
type LaunchSSH struct {
	Certificate string   `json:"certificate" doc:"Carries the grant; the line of a -cert.pub file"`
	GatewayAddr string   `json:"gateway_addr"`
	HostKeys    []string `json:"host_keys" doc:"Of the gateway, as in known_hosts"`
	Login       string   `json:"login"`
}

// certOutlives is how much longer the certificate lives than the grant in it. Such a
// certificate is good for its grant and nothing else; without the margin, who comes
// late would be told that their key is unknown, and the ledger the same.
const certOutlives = 5 * time.Minute

func (s *Server) launchRoute(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "launch-session", Method: http.MethodPost, Path: "/sessions/launch", Summary: "Ask for a session: mints a launch grant", DefaultStatus: 201, Tags: []string{tag},
		Description: "With public_key the grant travels in an SSH certificate for that key; without, it is for the browser terminal."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				SafeID    string `json:"safe_id,omitempty" maxLength:"64"`
				Safe      string `json:"safe,omitempty" maxLength:"128" doc:"Its name, instead of safe_id"`
				PublicKey string `json:"public_key,omitempty" maxLength:"16384" doc:"Of a key pair made for this session"`
				Ticket    string `json:"ticket,omitempty" maxLength:"128" doc:"Of the work that the session is for; policies may ask for one"`
			}
		}) (*struct{ Body Launched }, error) {
			client := session.ClientBrowser
			if in.Body.PublicKey != "" {
				client = session.ClientVaultPAM
			}
			l, err := s.Sessions.Launch(ctx, a, session.LaunchArgs{Safe: id.Safe(in.Body.SafeID), Name: in.Body.Safe, Protocol: session.SSH, Client: client, Ticket: in.Body.Ticket})
			if err != nil {
				return nil, err
			}
			out := Launched{SessionID: l.Session, GrantID: l.Grant, ExpiresAt: l.ExpiresAt}
			if client == session.ClientBrowser {
				out.Grant = l.Token.RevealString()
				return &struct{ Body Launched }{out}, nil
			}
			cert, err := s.Identity.SignUserCert(ctx, a, identity.SignArgs{PublicKey: in.Body.PublicKey, Life: l.ExpiresAt.Sub(s.Now()) + certOutlives, Grant: l.Token})
			if err != nil {
				return nil, err
			}
			p, err := s.Identity.ByID(ctx, a.User)
			if err != nil {
				return nil, err
			}
			out.SSH = &LaunchSSH{Certificate: cert.AuthorizedKey, GatewayAddr: s.SSHAddr, HostKeys: s.SSHHostKeys, Login: p.Handle}
			return &struct{ Body Launched }{out}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "ssh-gateway", Method: http.MethodGet, Path: "/ssh-gateway", Summary: "Where the SSH gateway is, and its host keys", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*struct{ Body SSHGateway }, error) {
			return &struct{ Body SSHGateway }{SSHGateway{Addr: s.SSHAddr, HostKeys: s.SSHHostKeys}}, nil
		})
}

// SSHGateway is where people connect to.
type SSHGateway struct {
	Addr     string   `json:"addr"`
	HostKeys []string `json:"host_keys" doc:"As in known_hosts"`
}

// feedLife bounds one stream of changes, so that a sign-in that ended, or a role
// that was lost, is noticed: the client connects again.
const feedLife = 5 * time.Minute

func (s *Server) feedRoute(tag string) {
	handle(s, signedIn, huma.Operation{OperationID: "watch-sessions", Method: http.MethodGet, Path: "/sessions/live/events", Summary: "Changes of the sessions that you may see, as server-sent events", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct{}) (*huma.StreamResponse, error) {
			feed, err := s.Sessions.Subscribe(ctx, a)
			if err != nil {
				return nil, err
			}
			return &huma.StreamResponse{Body: func(c huma.Context) {
				defer feed.Close()
				c.SetHeader("Content-Type", "text/event-stream")
				w := c.BodyWriter()
				flush := w.(http.Flusher).Flush
				fmt.Fprint(w, "retry: 2000\n: open\n\n")
				flush()
				ctx, cancel := context.WithTimeout(c.Context(), feedLife)
				defer cancel()
				for {
					v, err := s.nextChange(ctx, feed)
					switch {
					case ctx.Err() != nil:
						return
					case errors.Is(err, context.DeadlineExceeded):
						fmt.Fprint(w, ": still here\n\n")
					case err != nil:
						s.log.WarnContext(ctx, "session feed ended", "error", err.Error())
						return
					default:
						writeEvent(w, "session", s.sessionJSON(v, nil))
					}
					flush()
				}
			}}, nil
		})
}

func (s *Server) nextChange(ctx context.Context, feed *session.Feed) (session.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second) // proxies close what is silent
	defer cancel()
	return feed.Next(ctx)
}

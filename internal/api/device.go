package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/vaultpam/vaultpam/internal/authz"
	"github.com/vaultpam/vaultpam/internal/identity"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// DeviceCodes is what a device shows, and what it asks with.
type DeviceCodes struct {
	DeviceCode string `json:"device_code"`
	UserCode   string `json:"user_code" doc:"What the person types"`
	URI        string `json:"verification_uri" doc:"Where they type it"`
	Complete   string `json:"verification_uri_complete" doc:"The same with the code in it"`
	ExpiresIn  int64  `json:"expires_in" doc:"Seconds"`
	Interval   int64  `json:"interval" doc:"Seconds between two questions"`
}

// DevicePath is the console's page for user codes.
const DevicePath = "/device"

func (s *Server) deviceCodes(d identity.DeviceLogin) DeviceCodes {
	out := DeviceCodes{DeviceCode: d.DeviceCode.RevealString(), UserCode: d.UserCode.RevealString(), URI: s.PublicURL + DevicePath,
		ExpiresIn: int64(d.ExpiresAt.Sub(s.Now()).Seconds()), Interval: int64(identity.DeviceInterval.Seconds())}
	out.Complete = out.URI + "#" + out.UserCode
	return out
}

type refreshOut struct{ Body SignedIn }

func (s *Server) refreshed(w identity.Session) *refreshOut {
	return &refreshOut{SignedIn{AccessToken: w.Token.RevealString(), ExpiresIn: int64(w.AccessUntil.Sub(s.Now()).Seconds()),
		RefreshToken: w.Refresh.RevealString(), RefreshExpiresIn: int64(w.ExpiresAt.Sub(s.Now()).Seconds())}}
}

// deviceRoutes sign in what has no browser, in the shape of RFC 8628.
func (s *Server) deviceRoutes() {
	const tag = "sign-in"
	handle(s, open, huma.Operation{OperationID: "begin-device", Method: http.MethodPost, Path: "/auth/device", Summary: "Begin to sign in a device that has no browser", Tags: []string{tag},
		Description: "Show the person user_code and verification_uri, and ask /auth/device/token until they have answered."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				Client string `json:"client,omitempty" maxLength:"128" doc:"What the device calls itself; shown to the person"`
			}
		}) (*struct{ Body DeviceCodes }, error) {
			client := ""
			if in.Body != nil {
				client = in.Body.Client
			}
			d, err := s.Identity.BeginDevice(ctx, client, origin(a))
			if err != nil {
				return nil, err
			}
			return &struct{ Body DeviceCodes }{s.deviceCodes(d)}, nil
		})
	handle(s, open, huma.Operation{OperationID: "device-token", Method: http.MethodPost, Path: "/auth/device/token", Summary: "Ask whether a person has let the device in", Tags: []string{tag},
		Description: "The codes of its problems: AUTHORIZATION_PENDING (ask again), SLOW_DOWN (less often), ACCESS_DENIED, EXPIRED_TOKEN."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				DeviceCode secret.Secret `json:"device_code"`
			}
		}) (*refreshOut, error) {
			w, err := s.Identity.DeviceSession(ctx, in.Body.DeviceCode, origin(a))
			if err != nil {
				return nil, err
			}
			return s.refreshed(w), nil
		})
	handle(s, open, huma.Operation{OperationID: "refresh", Method: http.MethodPost, Path: "/auth/refresh", Summary: "Change a refresh token for the next pair of tokens", Tags: []string{tag},
		Description: "A refresh token is good once. One that is used again after its successor was given ends the sign-in. REFRESHED_MEANWHILE: another command was faster a moment ago."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				RefreshToken secret.Secret `json:"refresh_token"`
			}
		}) (*refreshOut, error) {
			w, err := s.Identity.Refresh(ctx, in.Body.RefreshToken, origin(a))
			if err != nil {
				return nil, err
			}
			return s.refreshed(w), nil
		})
	type waiting struct {
		Client    string    `json:"client" doc:"What the device calls itself; nobody has checked it"`
		SourceIP  string    `json:"source_ip"`
		UserAgent string    `json:"user_agent"`
		CreatedAt time.Time `json:"created_at"`
		ExpiresAt time.Time `json:"expires_at"`
		Purpose   string    `json:"purpose" enum:"sign_in,step_up" doc:"step_up: it is signed in as you already, and asks for your second factor only"`
	}
	handle(s, signedIn, huma.Operation{OperationID: "look-up-device", Method: http.MethodPost, Path: "/auth/device/look-up", Summary: "See which device waits with a code", Tags: []string{tag}},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				UserCode secret.Secret `json:"user_code"`
			}
		}) (*struct{ Body waiting }, error) {
			d, err := s.Identity.LookUpDevice(ctx, a, in.Body.UserCode)
			if err != nil {
				return nil, err
			}
			purpose := "sign_in"
			if d.StepUp {
				purpose = "step_up"
			}
			return &struct{ Body waiting }{waiting{d.Client, d.SourceIP, d.UserAgent, d.CreatedAt, d.ExpiresAt, purpose}}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "answer-device", Method: http.MethodPost, Path: "/auth/device/answer", Summary: "Let a device in as you, or send it away", DefaultStatus: 204, Tags: []string{tag},
		Description: "Asks for a second factor that was proved in the last 15 minutes. The device's sign-in is as fresh as yours. A device that only asks for a second factor wants one that was proved since it asked."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				UserCode secret.Secret `json:"user_code"`
				Approve  bool          `json:"approve"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.AnswerDevice(ctx, a, in.Body.UserCode, in.Body.Approve))
		})
	handle(s, signedIn, huma.Operation{OperationID: "begin-device-step-up", Method: http.MethodPost, Path: "/auth/step-up/browser", Summary: "Ask for a second factor in a browser", DefaultStatus: 201, Tags: []string{tag},
		Description: "For a device that is signed in and cannot ask a security key or passkey itself. Show the person user_code and verification_uri, and ask /auth/step-up/browser/answer until they have answered."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body *struct {
				Client string `json:"client,omitempty" maxLength:"128" doc:"What the device calls itself; shown to the person"`
			}
		}) (*struct{ Body DeviceCodes }, error) {
			client := ""
			if in.Body != nil {
				client = in.Body.Client
			}
			d, err := s.Identity.BeginDeviceStepUp(ctx, a, client)
			if err != nil {
				return nil, err
			}
			return &struct{ Body DeviceCodes }{s.deviceCodes(d)}, nil
		})
	handle(s, signedIn, huma.Operation{OperationID: "device-step-up", Method: http.MethodPost, Path: "/auth/step-up/browser/answer", Summary: "Ask whether a person has proved their second factor in a browser", DefaultStatus: 204, Tags: []string{tag},
		Description: "This sign-in is fresh then. The codes of its problems are those of /auth/device/token."},
		func(ctx context.Context, a authz.Actor, in *struct {
			Body struct {
				DeviceCode secret.Secret `json:"device_code"`
			}
		}) (*struct{}, error) {
			return nothing(s.Identity.DeviceStepUp(ctx, a, in.Body.DeviceCode))
		})
}

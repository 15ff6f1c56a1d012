package test

import (
	"testing"
)

// The whole path of one session, as the ledger tells it.
func TestSessionLeavesItsWholeStory(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar := w.person("operator")
		v := w.safe(host(t), nil, oscar)
		out := oscar.succeeds(t, v, "echo hello; echo problem >&2")
		if out != "hello\n" {
			t.Errorf("stdout is %q", out)
		}
		x := w.ended(v)
		if x.EndedBy != "user" || x.Client != "openssh" || x.SourceIP != oscar.Source || x.ExitStatus == nil || *x.ExitStatus != 0 {
			t.Errorf("the session is %+v", x)
		}
		theHost, port := host(t).addr()
		start := w.saw(Want{Constant: "SESSION_START_REQUESTED", ActorID: oscar.ID, Actor: "User", Target: "Connection", TargetID: v.Resource, IP: oscar.Source,
			Meta: obj{"protocol": "ssh", "safe_id": v.ID, "account_id": v.Account, "policy_id": present, "grant_id": present}})
		grant := start.Metadata["grant_id"]
		w.saw(Want{Constant: "SECRET_ACCESSED", Session: x.ID, Actor: "User", Target: "Secret",
			Meta: obj{"account_id": v.Account, "secret_access_mode": "injection", "safe_id": v.ID, "secret_version": 1, "field_names": []string{"private_key"}}})
		w.saw(Want{Constant: "SESSION_RECORDING_STARTED", Session: x.ID, Actor: "System", Target: "Session", TargetID: x.ID,
			Meta: obj{"recording_id": x.Recording.ID, "protocol": "ssh", "recording_format": present, "storage": present, "encryption_key_id": present}})
		w.saw(Want{Constant: "SESSION_ESTABLISHED", Session: x.ID, Actor: "User", ActorID: oscar.ID, Target: "Session", TargetID: x.ID,
			Meta: obj{"protocol": "ssh", "connection_id": v.Resource, "safe_id": v.ID, "account_id": v.Account, "grant_id": grant, "resumed": false, "recording_mode": "required", "expires_at": present}})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_OPENED", Session: x.ID, Actor: "User", ActorID: oscar.ID, Target: "Session",
			Meta: obj{"connection_id": v.Resource, "account_id": v.Account, "grant_id": grant, "upstream_host": theHost, "upstream_port": port,
				"host_key_fingerprint": present, "client_version": present, "first_channel": "exec"}})
		w.saw(Want{Constant: "SESSION_TERMINATED_BY_USER", Session: x.ID, Actor: "User", ActorID: oscar.ID, Target: "Session",
			Meta: obj{"protocol": "ssh", "connection_id": v.Resource, "account_id": v.Account, "recording_id": x.Recording.ID, "bytes_from_target": len("hello\nproblem\n")}})
		w.saw(Want{Constant: "PROXY_SSH_SESSION_CLOSED", Session: x.ID, Reason: "channel_close", Actor: "User", Target: "Session",
			Meta: obj{"connection_id": v.Resource, "exit_status": 0, "channels": 1, "bytes_from_target": len("hello\nproblem\n")}})
		w.saw(Want{Constant: "PROXY_SSH_RECORDING_WRITTEN", Session: x.ID, Actor: "System", Target: "Session",
			Meta: obj{"recording_id": x.Recording.ID, "size_bytes": x.Recording.Size, "content_sha256": present, "frames": present, "storage": present}})
		w.saw(Want{Constant: "SESSION_RECORDING_FINALIZED", Session: x.ID, Actor: "System", Target: "Session",
			Meta: obj{"recording_id": x.Recording.ID, "size_bytes": x.Recording.Size, "root_hash": x.Recording.RootHash, "parts": present, "retention_until": present}})
	})
}

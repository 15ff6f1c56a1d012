package sshevent

// The constants, without the PROXY_SSH_ under which package event re-exports them.
const (
	SESSION_OPENED    Constant = "PROXY_SSH_SESSION_OPENED"
	SESSION_CLOSED    Constant = "PROXY_SSH_SESSION_CLOSED"
	AUTH_REJECTED     Constant = "PROXY_SSH_AUTH_REJECTED"
	RECORDING_WRITTEN Constant = "PROXY_SSH_RECORDING_WRITTEN"
)

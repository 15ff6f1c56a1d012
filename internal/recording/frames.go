package recording

import "github.com/vaultpam/vaultpam/internal/recording/format"

// The words of the format, under the names that gateways use.
type (
	Frame   = format.Frame
	Kind    = format.Kind
	Payload = format.Payload
	Hash    = format.Hash

	Raw        = format.Raw
	Size       = format.Size
	Terminal   = format.Terminal
	Command    = format.Command
	Variable   = format.Variable
	SignalName = format.SignalName
	ExitStatus = format.ExitStatus
	FileOp     = format.FileOp
	Forwarded  = format.Forwarded
	Opened     = format.Opened
	Closed     = format.Closed
	Enforced   = format.Enforced
	Missing    = format.Missing
)

// The kinds of frames that are pieces of a stream. All others are made by the
// Frame method of their payload: Terminal, Size, Command, ExitStatus, FileOp, ...
const (
	Output = format.Output // from the target, as it goes to the client
	Stderr = format.Stderr // from the target's stream for errors
	Input  = format.Input  // from the client, as it goes to the target
)

// What Command can start.
const (
	Shell      = format.Shell
	RunCommand = format.RunCommand
	Subsystem  = format.Subsystem
)

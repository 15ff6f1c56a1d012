package format

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// Kind says what a frame tells.
type Kind uint8

// The kinds of frames. The numbers are in the files: they never change, and a
// reader passes over kinds that it does not know.
const (
	Output  Kind = 1  // bytes from the target, as they went to the client
	Stderr  Kind = 2  // bytes from the target on the stream for errors
	Input   Kind = 3  // bytes from the client, as they went to the target
	Pty     Kind = 4  // a terminal was given to the channel: Terminal
	Resize  Kind = 5  // its window changed: Size
	Exec    Kind = 6  // a shell, a command or a subsystem was started: Command
	Env     Kind = 7  // a variable was set: Variable
	Signal  Kind = 8  // the client sent a signal; the data are its name, without SIG
	Exit    Kind = 9  // what was started has ended: ExitStatus
	File    Kind = 10 // an operation on a file: FileOp
	Forward Kind = 11 // a forwarded connection was opened, refused or closed: Forwarded
	Open    Kind = 12 // a channel was opened: Opened
	Close   Kind = 13 // a channel was closed: Closed
	Policy  Kind = 14 // a control of the safe's policy acted: Enforced
	Gap     Kind = 15 // something passed that is not in the recording: Missing

	end Kind = 255 // the last frame of a recording, read by the Decoder
)

var kindNames = map[Kind]string{
	Output: "output", Stderr: "stderr", Input: "input", Pty: "pty", Resize: "resize", Exec: "exec",
	Env: "env", Signal: "signal", Exit: "exit", File: "file", Forward: "forward", Open: "open",
	Close: "close", Policy: "policy", Gap: "gap", end: "end",
}

func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind-%d", uint8(k))
}

// Stream tells whether the data are a piece of a stream of bytes, so that only
// their sequence counts and not where one frame ends and the next begins.
func (k Kind) Stream() bool { return k == Output || k == Stderr || k == Input }

// MaxData is the most data that one frame holds, in bytes.
const MaxData = 256 << 10

// Frame is one thing that happened in a session.
type Frame struct {
	At      time.Duration // since the start of the recording; kept in whole microseconds
	Channel uint32        // the gateway's number of the channel; 0 when it concerns the whole session
	Kind    Kind
	Data    []byte // bytes of a stream, or a payload (see Payload)
}

// maxFrameHead bounds what a frame adds to its data.
const maxFrameHead = 1 + binary.MaxVarintLen32 + binary.MaxVarintLen64 + binary.MaxVarintLen32

// AppendFrame adds the encoded frame to a chunk's plaintext. prev is the time of
// the frame before it in the same chunk, 0 for the first one; a frame is never
// stored as earlier than the one before it.
func AppendFrame(dst []byte, prev time.Duration, f Frame) []byte {
	delta := max(0, f.At.Microseconds()-prev.Microseconds())
	dst = append(dst, byte(f.Kind))
	dst = binary.AppendUvarint(dst, uint64(f.Channel))
	dst = binary.AppendUvarint(dst, uint64(delta))
	dst = binary.AppendUvarint(dst, uint64(len(f.Data)))
	return append(dst, f.Data...)
}

var errFrame = errors.New("malformed frame")

// CutFrame takes the first frame off a chunk's plaintext. The frame's data
// alias chunk. Every frame has one encoding only; any other is refused.
func CutFrame(chunk []byte, prev time.Duration) (f Frame, rest []byte, err error) {
	if len(chunk) == 0 {
		return f, nil, errFrame
	}
	f.Kind, rest = Kind(chunk[0]), chunk[1:]
	channel, rest, ok1 := cutUvarint(rest, math.MaxUint32)
	delta, rest, ok2 := cutUvarint(rest, math.MaxInt64/1000-uint64(prev.Microseconds()))
	size, rest, ok3 := cutUvarint(rest, MaxData)
	if f.Kind == 0 || !ok1 || !ok2 || !ok3 || uint64(len(rest)) < size {
		return Frame{}, nil, errFrame
	}
	f.Channel = uint32(channel)
	f.At = time.Duration(uint64(prev.Microseconds())+delta) * time.Microsecond
	f.Data, rest = rest[:size:size], rest[size:]
	return f, rest, nil
}

// cutUvarint reads a number of at most limit in its shortest form.
func cutUvarint(b []byte, limit uint64) (uint64, []byte, bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > limit || (n > 1 && b[n-1] == 0) {
		return 0, nil, false
	}
	return v, b[n:], true
}

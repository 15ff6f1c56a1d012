package ssh

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// The protocol of scp as it was before it used SFTP, as OpenSSH's scp -t and -f
// speak it. The side that has the files sends lines: C<mode> <size> <name>, then
// the contents and a zero byte; D<mode> 0 <name> and E around a directory's
// entries; T<times>; or a byte 1 or 2 and a message. The other side answers each
// with a zero byte, or a byte 1 or 2 and a message.

// maxSCPLine bounds a line; a name is at most as long as a path.
const maxSCPLine = 2 * maxPath

// scpTap reads along on the side that sends files. Contents that this side has
// announced with name and size are not recorded; everything else, the answers
// included, is recorded as it is.
type scpTap struct {
	id        uint32
	put       func(format.Frame) error
	raw       sinks
	direction string

	mu     sync.Mutex
	line   []byte
	op     format.FileOp // of the file whose contents pass
	left   int64         // contents still to come
	status bool          // the byte after the contents is due
	dir    string        // under way
	unheld int64
	broken bool
}

func newSCPTap(id uint32, put func(format.Frame) error, raw sinks, direction string) *scpTap {
	return &scpTap{id: id, put: put, raw: raw, direction: direction}
}

func (t *scpTap) sinks() sinks {
	s := sinks{input: t.raw.input, output: t.raw.output, stderr: t.raw.stderr, done: t.finish}
	if t.direction == toTarget {
		s.input = func(p []byte) error { return t.see(p, t.raw.input) }
	} else {
		s.output = func(p []byte) error { return t.see(p, t.raw.output) }
	}
	return s
}

// see takes the next bytes of the sending side.
func (t *scpTap) see(p []byte, raw sink) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(p) > 0 {
		switch {
		case t.broken:
			return raw(p)
		case t.left > 0:
			n := min(t.left, int64(len(p)))
			t.left -= n
			t.unheld += n
			p = p[n:]
			t.status = t.left == 0
		case t.status:
			t.status = false
			result := "ok"
			if p[0] != 0 { // the sender could not read all of it; a message follows
				result = "failure"
			} else if err := raw(p[:1]); err != nil {
				return err
			}
			if err := t.file(result); err != nil {
				return err
			}
			if p[0] == 0 {
				p = p[1:]
			}
		default:
			n := bytes.IndexByte(p, '\n') + 1
			whole := n > 0
			if !whole {
				n = len(p)
			}
			if err := raw(p[:n]); err != nil {
				return err
			}
			t.line = append(t.line, p[:n]...)
			p = p[n:]
			if whole || len(t.line) > maxSCPLine {
				if err := t.command(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// command takes a whole line. One that is not of the protocol breaks the tap. An
// acknowledgement of a sender that receives as well does not occur: each scp has
// one side that sends.
func (t *scpTap) command() error {
	line, whole := strings.CutSuffix(string(t.line), "\n")
	t.line = t.line[:0]
	t.broken = !whole
	if !whole || line == "" {
		t.broken = true
		return nil
	}
	switch line[0] {
	case 'C', 'D':
		mode, size, name, ok := scpEntry(line[1:])
		path := strings.TrimPrefix(t.dir+"/"+name, "/")
		if !ok || len(path) > maxPath {
			break
		}
		op := format.FileOp{Op: "write", Via: "scp", Path: format.Raw(path), Direction: t.direction, Size: size, Mode: mode}
		if t.direction == fromTarget {
			op.Op = "read"
		}
		if line[0] == 'D' {
			t.dir = path
			op.Op, op.Size, op.Direction, op.Result = "mkdir", 0, "", "ok"
			if t.direction == fromTarget {
				op.Op = "list"
			}
			return t.put(op.Frame(t.id))
		}
		t.op, t.left = op, size
		t.status = size == 0
		return nil
	case 'E':
		if line == "E" && t.dir != "" {
			t.dir = t.dir[:max(0, strings.LastIndexByte(t.dir, '/'))]
			return nil
		}
	case 'T':
		if scpTimes(line[1:]) {
			return nil
		}
	case 1, 2:
		return nil
	}
	t.broken = true
	return nil
}

// scpEntry reads the rest of a C or D line: four octal digits, a size, a name.
func scpEntry(s string) (mode string, size int64, name string, ok bool) {
	mode, rest, ok1 := strings.Cut(s, " ")
	num, name, ok2 := strings.Cut(rest, " ")
	if !ok1 || !ok2 || len(mode) != 4 || name == "" || strings.ContainsRune(name, '/') || len(num) > 18 {
		return "", 0, "", false
	}
	if _, err := strconv.ParseUint(mode, 8, 12); err != nil {
		return "", 0, "", false
	}
	n, err := strconv.ParseUint(num, 10, 63)
	return mode, int64(n), name, err == nil
}

func scpTimes(s string) bool {
	words := strings.Fields(s)
	for _, w := range words {
		if _, err := strconv.ParseUint(w, 10, 64); err != nil {
			return false
		}
	}
	return len(words) == 4
}

// file tells of a file whose contents have passed.
func (t *scpTap) file(result string) error {
	t.op.Result = result
	return t.put(t.op.Frame(t.id))
}

// finish tells of a file that was cut off, and of what is not in the record.
func (t *scpTap) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left > 0 || t.status {
		t.op.Size -= t.left
		if t.file("cut off") != nil {
			return
		}
	}
	if t.unheld > 0 {
		t.put(format.Missing{Reason: fmt.Sprintf("contents of files, recorded as file operations %s", strings.ReplaceAll(t.direction, "_", " ")), Bytes: t.unheld}.Frame(t.id))
	}
}

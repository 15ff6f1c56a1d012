package ssh

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// SFTP, version 3: draft-ietf-secsh-filexfer-02. Packets are a length, a type and,
// but for the first of each side, the number of a request.
const (
	sftpInit     = 1
	sftpVersion  = 2
	sftpOpen     = 3
	sftpClose    = 4
	sftpRead     = 5
	sftpWrite    = 6
	sftpSetstat  = 9
	sftpFsetstat = 10
	sftpOpendir  = 11
	sftpRemove   = 13
	sftpMkdir    = 14
	sftpRmdir    = 15
	sftpRename   = 18
	sftpSymlink  = 20
	sftpStatus   = 101
	sftpHandle   = 102
	sftpData     = 103
	sftpName     = 104
	sftpExtended = 200
)

// Bounds of what the tap keeps. A session that goes beyond them is not one that
// it can follow, and is recorded raw from there on.
const (
	sftpMaxPacket  = 4 << 20
	sftpMaxHead    = 32 << 10 // of a packet that names files
	sftpMaxPending = 8192
	sftpMaxOpen    = 4096
	sftpMaxHandle  = 256 // by the protocol
)

// maxPath is the longest name that a file can be reached by. A longer one names
// nothing, and would only make the record of short requests long.
const maxPath = 4096

// sftpTap reads along on an SFTP session and records its operations. It never
// changes or holds back a byte.
type sftpTap struct {
	id  uint32
	put func(format.Frame) error
	raw sinks

	mu      sync.Mutex
	up      packetStream
	down    packetStream
	pending map[uint32]sftpRequest
	open    map[string]*sftpFile
	unheld  int64 // bytes that are not in the record as they were
	broken  bool
	err     error // of the recorder
}

// sftpRequest is a request that waits for its answer.
type sftpRequest struct {
	typ    byte
	op     *format.FileOp // what to record with the answer; nil: nothing
	file   *sftpFile      // of read, write and close; nil when the handle is not known
	handle string         // of close
	n      int64          // of write
}

// sftpFile is an open file or directory.
type sftpFile struct {
	op            *format.FileOp
	read, written int64
}

func newSFTPTap(id uint32, put func(format.Frame) error, raw sinks) *sftpTap {
	return &sftpTap{id: id, put: put, raw: raw, pending: map[uint32]sftpRequest{}, open: map[string]*sftpFile{}}
}

func (t *sftpTap) sinks() sinks {
	return sinks{
		input:  func(p []byte) error { return t.see(p, &t.up, t.request, t.raw.input) },
		output: func(p []byte) error { return t.see(p, &t.down, t.answer, t.raw.output) },
		stderr: t.raw.stderr,
		done:   t.finish,
	}
}

// see takes the next bytes of one side. Once the tap is broken they are recorded raw.
func (t *sftpTap) see(p []byte, s *packetStream, take func(typ byte, head []byte) error, raw sink) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken {
		return raw(p)
	}
	t.unheld += int64(len(p))
	early, rest, err := s.feed(p, take)
	if t.err != nil || err == nil {
		return t.err
	}
	t.broken = true
	t.unheld -= int64(len(early) + len(rest))
	t.gap(fmt.Sprintf("not followed as SFTP any more: %v", err))
	if t.err != nil {
		return t.err
	}
	if len(early) > 0 {
		if err := raw(early); err != nil {
			return err
		}
	}
	return raw(rest)
}

// record writes a frame and keeps the error for the pump that feeds the tap.
func (t *sftpTap) record(p format.Payload) {
	if t.err == nil {
		t.err = t.put(p.Frame(t.id))
	}
}

// gap declares what passed without being in the record.
func (t *sftpTap) gap(why string) {
	t.record(format.Missing{Reason: why, Bytes: t.unheld})
	t.unheld = 0
}

// finish tells of what was under way when the channel ended.
func (t *sftpTap) finish() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range t.pending {
		if q.op != nil {
			q.op.Result = "no answer"
			t.record(q.op)
		}
	}
	for _, f := range t.open {
		t.closed(f, "not closed")
	}
	if t.unheld > 0 {
		t.gap("SFTP, recorded as file operations")
	}
}

// packetStream cuts a stream into packets without holding their bulk.
type packetStream struct {
	head  []byte // of the packet under way: length, type and as much as wanted
	want  int    // length of head when the packet is taken
	skip  int64  // bytes of the packet that are still to come and are not wanted
	begun bool   // the first packet has been taken
}

// headOf is how much of a packet of this type the tap wants to see, type included.
func headOf(typ byte, length uint32) int {
	most := sftpMaxHead
	switch typ {
	case sftpWrite:
		most = 1 + 4 + 4 + sftpMaxHandle + 8 + 4
	case sftpData:
		most = 1 + 4 + 4
	case sftpInit, sftpVersion, sftpName: // extensions, and the entries of a directory
		most = 1 + 4
	}
	return min(most, int(length))
}

// feed takes the next bytes and gives each packet, as much of it as is wanted, to
// take. On error the bytes that belong to no packet that was taken are given
// back: early came with former pieces, rest is the end of p.
func (s *packetStream) feed(p []byte, take func(typ byte, head []byte) error) (early, rest []byte, err error) {
	held := len(s.head)
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			p = p[n:]
			continue
		}
		rest = p
		if len(s.head) < 5 { // length and type
			n := min(5-len(s.head), len(p))
			s.head = append(s.head, p[:n]...)
			if p = p[n:]; len(s.head) < 5 {
				break
			}
			length, typ := binary.BigEndian.Uint32(s.head), s.head[4]
			if length < 5 || length > sftpMaxPacket || s.begun == (typ == sftpInit || typ == sftpVersion) {
				return s.head[:held], rest, fmt.Errorf("a packet of type %d and %d bytes", typ, length)
			}
			s.want = 4 + headOf(typ, length)
			s.skip = int64(length) - int64(s.want-4)
		}
		n := min(s.want-len(s.head), len(p))
		s.head = append(s.head, p[:n]...)
		if p = p[n:]; len(s.head) < s.want {
			break
		}
		if err := take(s.head[4], s.head[5:]); err != nil {
			return s.head[:held], rest, err
		}
		s.begun, held = true, 0
		if cap(s.head) > 1<<10 {
			s.head = nil // a long name is rare; it is not held on to
		} else {
			s.head = s.head[:0]
		}
	}
	return nil, nil, nil
}

// request takes a packet of the client.
func (t *sftpTap) request(typ byte, head []byte) error {
	if typ == sftpInit {
		return nil
	}
	f := fields{b: head}
	id := f.uint32()
	q := sftpRequest{typ: typ}
	path := func() format.Raw { return format.Raw(f.string(maxPath)) }
	switch typ {
	case sftpOpen:
		q.op = &format.FileOp{Op: "open", Path: path(), Mode: openMode(f.uint32())}
	case sftpOpendir:
		q.op = &format.FileOp{Op: "list", Path: path()}
	case sftpClose:
		q.handle = f.string(sftpMaxHandle)
		q.file = t.open[q.handle]
	case sftpRead:
		q.file = t.open[f.string(sftpMaxHandle)]
	case sftpWrite:
		q.file = t.open[f.string(sftpMaxHandle)]
		f.uint32() // offset
		f.uint32()
		q.n = int64(f.uint32())
	case sftpRemove:
		q.op = &format.FileOp{Op: "remove", Path: path()}
	case sftpMkdir:
		q.op = &format.FileOp{Op: "mkdir", Path: path()}
	case sftpRmdir:
		q.op = &format.FileOp{Op: "rmdir", Path: path()}
	case sftpRename:
		q.op = &format.FileOp{Op: "rename", Path: path(), To: path()}
	case sftpSymlink: // OpenSSH's order: what it points to, then its name
		q.op = &format.FileOp{Op: "symlink", To: path(), Path: path()}
	case sftpSetstat:
		q.op = &format.FileOp{Op: "setstat", Path: path(), Mode: attributes(&f)}
	case sftpFsetstat:
		if file := t.open[f.string(sftpMaxHandle)]; file != nil {
			q.op = &format.FileOp{Op: "setstat", Path: file.op.Path, Mode: attributes(&f)}
		}
	case sftpExtended:
		q.op = t.extended(&f)
	}
	if f.bad {
		return fmt.Errorf("a malformed packet of type %d", typ)
	}
	if _, twice := t.pending[id]; twice || len(t.pending) >= sftpMaxPending {
		return fmt.Errorf("a request whose answer could not be told from another's, or one too many")
	}
	if q.op != nil {
		q.op.Via = "sftp"
	}
	t.pending[id] = q
	return nil
}

// extended takes OpenSSH's additions that change something.
func (t *sftpTap) extended(f *fields) *format.FileOp {
	path := func() format.Raw { return format.Raw(f.string(maxPath)) }
	switch f.string(maxEnvName) {
	case "posix-rename@openssh.com":
		return &format.FileOp{Op: "rename", Path: path(), To: path()}
	case "hardlink@openssh.com":
		return &format.FileOp{Op: "link", To: path(), Path: path()}
	case "lsetstat@openssh.com":
		return &format.FileOp{Op: "setstat", Path: path(), Mode: attributes(f)}
	case "copy-data":
		from := t.open[f.string(sftpMaxHandle)]
		for range 4 { // two numbers of 64 bits
			f.uint32()
		}
		if to := t.open[f.string(sftpMaxHandle)]; from != nil && to != nil {
			return &format.FileOp{Op: "copy", Path: from.op.Path, To: to.op.Path}
		}
	}
	return nil
}

// answer takes a packet of the target. What it answers is recorded before the
// client learns of it.
func (t *sftpTap) answer(typ byte, head []byte) error {
	if typ == sftpVersion {
		return nil
	}
	f := fields{b: head}
	id := f.uint32()
	q, ok := t.pending[id]
	if !ok || f.bad {
		return fmt.Errorf("an answer to nothing that was asked")
	}
	delete(t.pending, id)
	switch typ {
	case sftpHandle:
		handle := f.string(sftpMaxHandle)
		if f.bad || len(t.open) >= sftpMaxOpen || q.typ != sftpOpen && q.typ != sftpOpendir {
			return fmt.Errorf("a handle that was not asked for, or one too many")
		}
		q.op.Result = "ok"
		t.open[handle] = &sftpFile{op: q.op}
		t.record(q.op)
	case sftpData:
		if n := int64(f.uint32()); q.file != nil && q.typ == sftpRead {
			q.file.read += n
		}
	case sftpStatus:
		t.status(q, f.uint32())
	}
	return nil
}

// status takes the outcome of a request.
func (t *sftpTap) status(q sftpRequest, code uint32) {
	switch {
	case q.typ == sftpWrite && q.file != nil && code == 0:
		q.file.written += q.n
	case q.typ == sftpClose && q.file != nil:
		delete(t.open, q.handle)
		t.closed(q.file, result(code))
	case q.op != nil:
		q.op.Result = result(code)
		t.record(q.op)
	}
}

// closed records what was read from and written to a file.
func (t *sftpTap) closed(f *sftpFile, result string) {
	op := format.FileOp{Op: "close", Via: "sftp", Path: f.op.Path, Result: result}
	if f.op.Op == "list" {
		return // told when it was opened
	}
	if f.read == 0 && f.written == 0 {
		t.record(op)
	}
	if f.read > 0 {
		op.Op, op.Direction, op.Size = "read", fromTarget, f.read
		t.record(op)
	}
	if f.written > 0 {
		op.Op, op.Direction, op.Size = "write", toTarget, f.written
		t.record(op)
	}
}

func openMode(flags uint32) string {
	mode := ""
	for i, name := range []string{"read", "write", "append", "create", "truncate", "exclusive"} {
		if flags&(1<<i) != 0 {
			if mode != "" {
				mode += ","
			}
			mode += name
		}
	}
	return mode
}

// attributes gives the permissions that a request sets, in octal, if it does.
func attributes(f *fields) string {
	flags := f.uint32()
	if flags&1 != 0 { // size
		f.uint32()
		f.uint32()
	}
	if flags&2 != 0 { // owner and group
		f.uint32()
		f.uint32()
	}
	if flags&4 == 0 || f.bad {
		return ""
	}
	return fmt.Sprintf("%04o", f.uint32()&0o7777)
}

func result(code uint32) string {
	switch code {
	case 0:
		return "ok"
	case 2:
		return "no such file"
	case 3:
		return "permission denied"
	case 4:
		return "failure"
	case 8:
		return "not supported"
	}
	return fmt.Sprintf("error %d", code)
}

package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/safe"
)

// Options are what a policy that lets somebody in says about their session. They
// only narrow what the safe's settings allow; the zero value changes nothing.
type Options struct {
	Recording     bool              // record, also where the safe does not
	RecordInput   bool              // and what is typed
	FileTransfer  safe.FileTransfer // block or audit
	LocalForward  bool              // true: blocked
	RemoteForward bool
	AgentForward  bool
	X11Forward    bool
	Jump          bool
	Clipboard     bool
	SessionTTL    time.Duration
	IdleTimeout   time.Duration
}

var optionNames = []string{"recording", "record_input", "file_transfer", "local_forward", "remote_forward", "agent_forward", "x11_forward", "jump", "clipboard", "session_ttl", "idle_timeout"}

// set takes one annotation; known tells whether its key is an option at all.
func (o *Options) set(key, v string) (known bool, err error) {
	word := func(to *bool, want string) {
		if v != want {
			err = fmt.Errorf("must be %q: an option only narrows what the safe allows", want)
		}
		*to = true
	}
	limit := func(to *time.Duration) {
		d, e := time.ParseDuration(v)
		if e != nil || d < safe.MinLimit || d > safe.MaxLimit || d%time.Second != 0 {
			err = fmt.Errorf("must be a time such as 30m or 4h, from %s to %s", safe.MinLimit, safe.MaxLimit)
		}
		*to = d
	}
	switch key {
	case "recording":
		word(&o.Recording, "on")
	case "record_input":
		word(&o.RecordInput, "on")
	case "file_transfer":
		o.FileTransfer = safe.FileTransfer(v)
		if o.FileTransfer != safe.FilesBlock && o.FileTransfer != safe.FilesAudit {
			err = fmt.Errorf(`must be "block" or "audit": an option only narrows what the safe allows`)
		}
	case "local_forward":
		word(&o.LocalForward, "block")
	case "remote_forward":
		word(&o.RemoteForward, "block")
	case "agent_forward":
		word(&o.AgentForward, "block")
	case "x11_forward":
		word(&o.X11Forward, "block")
	case "jump":
		word(&o.Jump, "block")
	case "clipboard":
		word(&o.Clipboard, "block")
	case "session_ttl":
		limit(&o.SessionTTL)
	case "idle_timeout":
		limit(&o.IdleTimeout)
	default:
		return false, nil
	}
	return true, err
}

// annotations writes the options as they are read.
func (o Options) annotations() []string {
	var out []string
	put := func(key, v string) { out = append(out, fmt.Sprintf("@%s(%q)", key, v)) }
	flag := func(on bool, key, v string) {
		if on {
			put(key, v)
		}
	}
	flag(o.Recording, "recording", "on")
	flag(o.RecordInput, "record_input", "on")
	if o.FileTransfer != "" {
		put("file_transfer", string(o.FileTransfer))
	}
	flag(o.LocalForward, "local_forward", "block")
	flag(o.RemoteForward, "remote_forward", "block")
	flag(o.AgentForward, "agent_forward", "block")
	flag(o.X11Forward, "x11_forward", "block")
	flag(o.Jump, "jump", "block")
	flag(o.Clipboard, "clipboard", "block")
	if o.SessionTTL > 0 {
		put("session_ttl", short(o.SessionTTL))
	}
	if o.IdleTimeout > 0 {
		put("idle_timeout", short(o.IdleTimeout))
	}
	return out
}

// short is a duration without its zero parts: 4h, not 4h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}

// narrow is what a session may do under the settings of a safe and these options.
func (o Options) narrow(p safe.Policy) safe.Policy {
	p.Recording = p.Recording || o.Recording || o.RecordInput
	p.RecordInput = p.RecordInput || o.RecordInput
	modes := []safe.FileTransfer{safe.FilesBlock, safe.FilesAudit, safe.FilesAllow}
	if o.FileTransfer != "" && slices.Index(modes, o.FileTransfer) < slices.Index(modes, p.FileTransfer) {
		p.FileTransfer = o.FileTransfer
	}
	p.LocalForward = p.LocalForward && !o.LocalForward
	p.RemoteForward = p.RemoteForward && !o.RemoteForward
	p.AgentForward = p.AgentForward && !o.AgentForward
	p.X11Forward = p.X11Forward && !o.X11Forward
	if o.Jump {
		p.Jump = safe.JumpBlock
	}
	if o.Clipboard {
		p.Clipboard = safe.ClipboardBlock
	}
	if o.SessionTTL > 0 {
		p.SessionTTL = min(p.SessionTTL, o.SessionTTL)
	}
	if o.IdleTimeout > 0 {
		p.IdleTimeout = min(p.IdleTimeout, o.IdleTimeout)
	}
	return p
}

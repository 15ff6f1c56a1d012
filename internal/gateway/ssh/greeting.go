package ssh

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/sshtarget"
)

// version is our identification line, to clients and to targets.
const version = sshtarget.ClientVersion

// maxVersionLine is the bound of RFC 4253, section 4.2, line end included.
const maxVersionLine = 255

var errNotSSH = errors.New("the client did not send an SSH identification line")

// greeted is a connection whose identification lines have been exchanged ahead
// of the handshake: ours went out first, so that no client has to wait, and
// theirs is read so that the algorithms can be chosen by it. The handshake then
// reads their line again, and its own writing of ours is swallowed.
type greeted struct {
	net.Conn
	client  string // their line, without its end
	replay  []byte // what has been read and the handshake has not seen
	ignored bool   // our line has been swallowed
}

// greet exchanges the identification lines. The caller has set a deadline.
func greet(c net.Conn) (*greeted, error) {
	if _, err := c.Write([]byte(version + "\r\n")); err != nil {
		return nil, err
	}
	var buf [512]byte
	n := 0
	for {
		m, err := c.Read(buf[n:])
		n += m
		if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 && i < maxVersionLine {
			line := strings.TrimSuffix(string(buf[:i]), "\r")
			if !strings.HasPrefix(line, "SSH-2.0-") || !plainName(line) {
				return nil, errNotSSH
			}
			return &greeted{Conn: c, client: line, replay: bytes.Clone(buf[:n])}, nil
		}
		if n >= maxVersionLine {
			return nil, errNotSSH
		}
		if err != nil {
			return nil, err
		}
	}
}

func (g *greeted) Read(p []byte) (int, error) {
	if len(g.replay) == 0 {
		return g.Conn.Read(p)
	}
	n := copy(p, g.replay)
	if g.replay = g.replay[n:]; len(g.replay) == 0 {
		g.replay = nil
	}
	return n, nil
}

func (g *greeted) Write(p []byte) (int, error) {
	if !g.ignored {
		if string(p) != version+"\r\n" {
			return 0, errors.New("the handshake did not begin with our identification line")
		}
		g.ignored = true
		return len(p), nil
	}
	return g.Conn.Write(p)
}

// Of the ciphers that both sides know the client's favourite is taken, and
// OpenSSH's is ChaCha20-Poly1305, for which Go has no fast code: one fifth of the
// speed of AES-GCM. So an OpenSSH client is offered AES-GCM alone, which it knows
// since 6.2. Where its owner has struck AES-GCM from the list, the handshake
// fails, the address is remembered, and the next try is offered everything.
func ciphersFor(clientVersion string, strict bool) []string {
	if strict && openSSHSince(clientVersion, 6, 2) {
		return []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM}
	}
	return ssh.SupportedAlgorithms().Ciphers
}

// openSSHSince tells whether the identification line is of OpenSSH at least major.minor.
func openSSHSince(line string, major, minor int) bool {
	v, ok := strings.CutPrefix(line, "SSH-2.0-OpenSSH_")
	if !ok {
		return false
	}
	v = strings.TrimPrefix(v, "for_Windows_")
	a, rest, ok := strings.Cut(v, ".")
	x, err := strconv.Atoi(a)
	if !ok || err != nil {
		return false
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(rest)
	}
	y, err := strconv.Atoi(rest[:end])
	return err == nil && (x > major || x == major && y >= minor)
}

// strangers remembers for a while which addresses could not use AES-GCM.
type strangers struct {
	mu   sync.Mutex
	seen map[netip.Addr]time.Time // until when
}

const (
	maxStrangers = 1024
	strangerFor  = time.Hour
)

func (s *strangers) has(a netip.Addr, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.seen[a])
}

func (s *strangers) add(a netip.Addr, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil || len(s.seen) >= maxStrangers {
		s.seen = map[netip.Addr]time.Time{} // forgetting costs somebody one failed try
	}
	s.seen[a] = now.Add(strangerFor)
}

// noCipher tells whether a handshake failed because no cipher is common.
func noCipher(err error) bool {
	var e *ssh.AlgorithmNegotiationError
	return errors.As(err, &e) && strings.Contains(e.What, "cipher")
}

package recovery

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/id"
)

func FuzzTickets(f *testing.F) {
	good, _ := newTicket(id.New[id.Recovery]())
	for _, s := range []string{"", ".", good.RevealString(), good.RevealString() + "x", "rcv_x." + good.RevealString(), "rgr_01h455vb4pex5vsknk084sn02q.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		name, token, ok := parseTicket[id.Recovery](in)
		if !ok {
			return
		}
		if string(name)+"."+token != in || len(token) != 43 {
			t.Fatalf("%q was read as %q and %q", in, name, token)
		}
		if !same(hashTicket(string(name), token), string(name), token) || same(hashTicket(string(name), token), string(name), token[1:]+"x") && token[1:]+"x" != token {
			t.Fatalf("%q does not open what it is for, or something else", in)
		}
	})
}

// What is stored from before must open what it opened.
func TestStoredTicketsStayValid(t *testing.T) {
	name, token := "rcv_01h455vb4pex5vsknk084sn02q", strings.Repeat("A", 43)
	sum := sha256.Sum256([]byte("vaultpam-recovery/v1\x00" + name + "\x00" + token))
	if got, shown, ok := parseTicket[id.Recovery](name + "." + token); !ok || !same(sum[:], string(got), shown) {
		t.Errorf("%q %q %v", got, shown, ok)
	}
}

package recovery

import (
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
		if string(name)+"."+token != in || len(token) != ticketLength {
			t.Fatalf("%q was read as %q and %q", in, name, token)
		}
		if !same(hashTicket(string(name), token), string(name), token) || same(hashTicket(string(name), token), string(name), token[1:]+"x") && token[1:]+"x" != token {
			t.Fatalf("%q does not open what it is for, or something else", in)
		}
	})
}

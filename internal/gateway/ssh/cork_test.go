package ssh

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// strokes is a connection that keeps each write.
type strokes struct {
	net.Conn
	got [][]byte
}

func (s *strokes) Write(p []byte) (int, error) {
	s.got = append(s.got, bytes.Clone(p))
	return len(p), nil
}

func TestCorkLosesNothingAndKeepsOnlyFullPieces(t *testing.T) {
	sizes := []int{1, 4095, 4096, 28000, 4096, 4096, 4097, 4096, 1, 20, 4096, 4096}
	for _, on := range []bool{false, true} {
		s := &strokes{}
		c := &corked{Conn: s}
		c.on.Store(on)
		var want []byte
		for i, n := range sizes {
			p := bytes.Repeat([]byte{byte(i + 1)}, n)
			want = append(want, p...)
			if m, err := c.Write(p); m != n || err != nil {
				t.Fatalf("wrote %d of %d: %v", m, n, err)
			}
			if got := bytes.Join(s.got, nil); n != corkSize && !bytes.Equal(got, want) {
				t.Fatalf("%d bytes are kept after a piece of %d", len(want)-len(got), n)
			}
		}
		if got := bytes.Join(s.got, nil); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes arrived of %d", len(got), len(want))
		}
	}
}

// TestNoPacketUnderGCMFillsThePiece holds the arithmetic that cork relies on.
func TestNoPacketUnderGCMFillsThePiece(t *testing.T) {
	for payload := 1; payload < 2*corkSize; payload++ {
		padding := 16 - (1+payload)%16
		if padding < 4 {
			padding += 16
		}
		if 4+1+payload+padding+16 == corkSize {
			t.Fatalf("a packet with %d bytes of payload is %d bytes long", payload, corkSize)
		}
	}
}

// tide is a connection whose reads give what they are told to.
type tide struct {
	net.Conn
	sizes []int
	next  byte
}

func (t *tide) Read(p []byte) (int, error) {
	if len(t.sizes) == 0 {
		return 0, io.EOF
	}
	n := min(t.sizes[0], len(p))
	if t.sizes[0] -= n; t.sizes[0] == 0 {
		t.sizes = t.sizes[1:]
	}
	for i := range n {
		p[i] = t.next
		t.next++
	}
	return n, nil
}

func TestReadingAheadKeepsTheOrderAndNoBufferAtTheEnd(t *testing.T) {
	sizes := []int{10, 4096, 100, 4096, 40000, 4096, 200000, 4095, 1, 4096, readAhead, 3}
	total := 0
	for _, n := range sizes {
		total += n
	}
	c := &corked{Conn: &tide{sizes: sizes}}
	c.on.Store(true)
	buf := make([]byte, 30000)
	want := byte(0)
	for i, got := 0, 0; ; i++ {
		p := buf[:[]int{4096, 28676, 4096, 7}[i%4]]
		n, err := c.Read(p)
		for _, b := range p[:n] {
			if b != want {
				t.Fatalf("byte %d is out of order", got)
			}
			want++
			got++
		}
		if err != nil {
			if got != total || c.big != nil {
				t.Fatalf("%d of %d bytes, a buffer is kept: %v", got, total, c.big != nil)
			}
			return
		}
	}
}

// The client's unread bytes would have the system reset the connection, and the
// client would learn of that before it has read why.
func TestLastWordsArriveThoughTheClientIsStillSending(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	raw, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	server := &corked{Conn: raw}
	if _, err := client.Write(make([]byte, 64<<10)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Write([]byte("this is why")); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()
	heard, err := io.ReadAll(client)
	if err != nil || string(heard) != "this is why" {
		t.Errorf("heard %q, %v", heard, err)
	}
	if _, err := client.Write([]byte("still sending")); err != nil {
		t.Errorf("the client is cut off while it reads: %v", err)
	}
	if n, err := server.Read(make([]byte, 100)); n != 0 || err == nil {
		t.Errorf("%d bytes are taken after the end, %v", n, err)
	}
	client.Close()
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

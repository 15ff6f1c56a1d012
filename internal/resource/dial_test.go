package resource

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// resolver answers every name with one address, as a hostile name server may.
func resolver(t *testing.T, answer netip.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go serveDNS(t, server, answer)
		return client, nil
	}}
}

// serveDNS speaks DNS over a stream: two bytes of length, then the message.
func serveDNS(t *testing.T, conn net.Conn, answer netip.Addr) {
	defer conn.Close()
	buf := make([]byte, 2048)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		var q dnsmessage.Message
		if n < 2 || q.Unpack(buf[2:n]) != nil {
			t.Error("a question that cannot be read")
			return
		}
		q.Response = true
		q.Authoritative = true
		q.Additionals = nil
		if !answer.IsValid() {
			q.RCode = dnsmessage.RCodeNameError
		}
		h := dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 1}
		switch typ := q.Questions[0].Type; {
		case typ == dnsmessage.TypeA && answer.Is4():
			q.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AResource{A: answer.As4()}}}
		case typ == dnsmessage.TypeAAAA && answer.Is6():
			q.Answers = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.AAAAResource{AAAA: answer.As16()}}}
		}
		out, err := q.AppendPack([]byte{0, 0})
		if err != nil {
			t.Error(err)
			return
		}
		out[0], out[1] = byte((len(out)-2)>>8), byte(len(out)-2)
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

func listen(t *testing.T) netip.AddrPort {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	return netip.MustParseAddrPort(ln.Addr().String())
}

func TestAddressIsCheckedAfterResolution(t *testing.T) {
	at := listen(t)
	ctx := context.Background()
	for _, a := range []string{"127.0.0.1", "169.254.169.254", "0.0.0.0", "::1", "fe80::1", "::ffff:127.0.0.1", "224.0.0.1"} {
		d := &Dialer{Resolver: resolver(t, netip.MustParseAddr(a)), Timeout: 5 * time.Second}
		if err := d.CheckHost("innocent.example", int(at.Port())); err != nil {
			t.Fatalf("the name is refused before it is resolved: %v", err)
		}
		_, err := d.Dial(ctx, "innocent.example", int(at.Port()))
		var f *ForbiddenAddress
		if !fault.Is(err, fault.Denied) || fault.CodeOf(err) != AddressForbidden || !errors.As(err, &f) {
			t.Errorf("a name for %s: %v", a, err)
			continue
		}
		if strings.Contains(fault.MessageOf(err), a) {
			t.Errorf("the message tells what the name resolves to: %s", fault.MessageOf(err))
		}
	}
	d := &Dialer{Loopback: true, Resolver: resolver(t, at.Addr())}
	conn, err := d.Dial(ctx, "innocent.example", int(at.Port()))
	if err != nil {
		t.Fatalf("loopback that is configured: %v", err)
	}
	conn.Close()
}

func TestOwnListenersAreNotDialled(t *testing.T) {
	at, other := listen(t), listen(t)
	ctx := context.Background()
	for name, own := range map[string]netip.AddrPort{
		"on the address":        at,
		"on all addresses":      netip.AddrPortFrom(netip.IPv4Unspecified(), at.Port()),
		"on all addresses, IP6": netip.AddrPortFrom(netip.IPv6Unspecified(), at.Port()),
	} {
		d := &Dialer{Loopback: true, Own: func() []netip.AddrPort { return []netip.AddrPort{own} }}
		if _, err := d.Dial(ctx, "127.0.0.1", int(at.Port())); fault.CodeOf(err) != AddressForbidden {
			t.Errorf("listening %s: %v", name, err)
		}
		if err := d.CheckHost("127.0.0.1", int(at.Port())); fault.CodeOf(err) != AddressForbidden {
			t.Errorf("saved although listening %s: %v", name, err)
		}
		conn, err := d.Dial(ctx, "127.0.0.1", int(other.Port()))
		if err != nil {
			t.Errorf("another port while listening %s: %v", name, err)
			continue
		}
		conn.Close()
		d.AllowOwn = true
		if conn, err = d.Dial(ctx, "127.0.0.1", int(at.Port())); err != nil {
			t.Errorf("own listener that is configured: %v", err)
			continue
		}
		conn.Close()
	}
}

func TestUnreachableTargetSaysWhy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	d := &Dialer{Loopback: true}
	_, err = d.Dial(context.Background(), "127.0.0.1", gone)
	if !fault.Is(err, fault.Unavailable) || fault.CodeOf(err) != TargetUnreachable || !strings.Contains(fault.MessageOf(err), "nothing listens there") {
		t.Errorf("closed port: %v", err)
	}
	nobody := &Dialer{Resolver: resolver(t, netip.Addr{})}
	_, err = nobody.Dial(context.Background(), "nobody.example", 22)
	if !fault.Is(err, fault.Unavailable) || !strings.Contains(fault.MessageOf(err), "no host has this name") {
		t.Errorf("unknown name: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Dial(ctx, "127.0.0.1", gone); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := d.Dial(context.Background(), "127.0.0.1", 0); !fault.Is(err, fault.Invalid) {
		t.Errorf("port 0: %v", err)
	}
}

func TestAPublicDialerRefusesPrivateNetworks(t *testing.T) {
	d := &Dialer{Public: true}
	for _, addr := range []string{"127.0.0.1", "::1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "fd00::1", "fe80::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1",
		"64:ff9b::a00:1", "2002:a00:1::", "0.0.0.0", "198.18.0.1", "224.0.0.1", "2001:db8::1"} {
		if err := d.check("x", netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); err == nil {
			t.Errorf("%s may be dialled", addr)
		}
	}
	for _, addr := range []string{"93.184.216.34", "2606:4700::1111"} {
		if err := d.check("x", netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); err != nil {
			t.Errorf("%s: %v", addr, err)
		}
	}
	d.Except = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16")}
	for addr, may := range map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "127.0.0.1": true, "192.168.1.1": false, "169.254.169.254": false} {
		if err := d.check("x", netip.AddrPortFrom(netip.MustParseAddr(addr), 443)); (err == nil) != may {
			t.Errorf("%s with exceptions: %v", addr, err)
		}
	}
}

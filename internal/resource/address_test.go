package resource

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func TestHosts(t *testing.T) {
	for in, want := range map[string]string{
		"web1":               "web1",
		"Web1.Example.COM":   "web1.example.com",
		"db.internal.":       "db.internal",
		"under_score.lan":    "under_score.lan",
		"10.0.0.5":           "10.0.0.5",
		"2001:DB8::0:1":      "2001:db8::1",
		"[2001:db8::1]":      "2001:db8::1",
		"::ffff:10.0.0.5":    "10.0.0.5",
		"xn--bcher-kva.test": "xn--bcher-kva.test",
		"3com.example":       "3com.example",
	} {
		got, err := ParseHost(in)
		if err != nil || got != want {
			t.Errorf("ParseHost(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", ".", "a..b", "-a", "a-", "a b", "a\n", "a\x00b", "a\x1b[2J", "bücher.test", "a/b", "user@host", "host:22", "a%b",
		"http://a", "127.1", "2130706433", "0x7f000001", "0x7f.1", "1.2.3.4.5", "256.1.1.1", "fe80::1%eth0", "[10.0.0.1]", "[a]",
		strings.Repeat("a", 64), strings.Repeat("a.", 127) + "aa", "\xff",
	} {
		if got, err := ParseHost(in); !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseHost(%q) = %q, %v; want an Invalid", in, got, err)
		}
	}
}

// What parses is canonical: it parses to itself, and is safe to print and to dial.
func FuzzParseHost(f *testing.F) {
	for _, s := range []string{"web1.example.com.", "10.0.0.1", "[::1]", "::ffff:1.2.3.4", "0x7f.1", "a\x00", "fe80::1%1", "xn--a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		host, err := ParseHost(s)
		if err != nil {
			return
		}
		again, err := ParseHost(host)
		if err != nil || again != host {
			t.Fatalf("%q became %q, which becomes %q, %v", s, host, again, err)
		}
		for _, r := range host {
			if r <= ' ' || r >= 0x7f || strings.ContainsRune(`/@%[]"'\`, r) {
				t.Fatalf("%q became %q", s, host)
			}
		}
		if _, err := netip.ParseAddr(host); err != nil && strings.Contains(host, ":") {
			t.Fatalf("%q became %q", s, host)
		}
	})
}

func TestDialListIsClosed(t *testing.T) {
	forbidden := []string{
		"169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::169.254.169.254",
		"0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
		"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
	}
	loopback := []string{"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"}
	open := []string{"10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "8.8.8.8", "2001:db8::1", "fd00::1", "2002:a00:1::1"}
	for _, loop := range []bool{false, true} {
		for _, s := range forbidden {
			if refused(netip.MustParseAddr(s), loop) == "" {
				t.Errorf("%s may be dialled (loopback %v)", s, loop)
			}
		}
		for _, s := range loopback {
			if (refused(netip.MustParseAddr(s), loop) == "") != loop {
				t.Errorf("%s: refused is %q (loopback %v)", s, refused(netip.MustParseAddr(s), loop), loop)
			}
		}
		for _, s := range open {
			if why := refused(netip.MustParseAddr(s), loop); why != "" {
				t.Errorf("%s may not be dialled: %s", s, why)
			}
		}
	}
	if refused(netip.MustParseAddr("fe80::1%eth0"), true) == "" {
		t.Error("a zone opens a link-local address")
	}
}

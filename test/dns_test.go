package test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// theZone is what the tests' name server knows: TXT records by name.
var theZone = struct {
	sync.Mutex
	addr string
	txt  map[string][]string
}{txt: map[string][]string{}}

// theDNS starts the tests' name server, once, and gives its address.
func theDNS(t testing.TB) string {
	t.Helper()
	theZone.Lock()
	defer theZone.Unlock()
	if theZone.addr != "" {
		return theZone.addr
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	theZone.addr = conn.LocalAddr().String()
	go serveDNS(conn) // until the process ends
	return theZone.addr
}

// publish adds a TXT record.
func publish(name, value string) {
	theZone.Lock()
	defer theZone.Unlock()
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	theZone.txt[name] = append(theZone.txt[name], value)
}

func serveDNS(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		q := m.Questions[0]
		m.Response, m.Authoritative, m.RecursionAvailable, m.Additionals = true, true, true, nil
		theZone.Lock()
		values := theZone.txt[strings.ToLower(strings.TrimSuffix(q.Name.String(), "."))]
		theZone.Unlock()
		if len(values) == 0 {
			m.RCode = dnsmessage.RCodeNameError
		}
		for _, v := range values {
			if q.Type == dnsmessage.TypeTXT {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}, Body: &dnsmessage.TXTResource{TXT: []string{v}}})
			}
		}
		if out, err := m.Pack(); err == nil {
			conn.WriteTo(out, from)
		}
	}
}

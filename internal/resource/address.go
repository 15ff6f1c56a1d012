package resource

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// ParseHost checks a host as somebody wrote it and gives its canonical form: an
// IP address in its shortest spelling, or a host name in lower case without a
// final dot. What some resolvers read as a number (127.1, 0x7f000001, 2130706433)
// is no host name.
func ParseHost(s string) (string, error) {
	wrong := func(why string) (string, error) {
		return "", fault.New(fault.Invalid, "%.64q is not a host: it %s", s, why).WithField("host", "must be a host name or an IP address: it %s", why)
	}
	if s == "" {
		return wrong("is empty")
	}
	if len(s) > 253 {
		return wrong("has more than 253 characters")
	}
	literal := s
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		literal = s[1 : len(s)-1]
	}
	if a, err := netip.ParseAddr(literal); err == nil {
		if a.Zone() != "" {
			return wrong("has a zone, which means something else on every machine")
		}
		if literal != s && a.Is4() {
			return wrong("has brackets around an IPv4 address")
		}
		return a.Unmap().String(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(s, "."))
	labels := strings.Split(name, ".")
	for _, l := range labels {
		switch {
		case l == "":
			return wrong("has an empty part")
		case len(l) > 63:
			return wrong("has a part of more than 63 characters")
		case l[0] == '-' || l[len(l)-1] == '-':
			return wrong("has a part that begins or ends with a hyphen")
		case strings.ContainsFunc(l, func(r rune) bool { return r >= 0x80 }):
			return wrong("has letters outside ASCII; write such a name in its xn-- form")
		case strings.ContainsFunc(l, notInName):
			return wrong("contains characters that no host name has")
		}
	}
	if last := labels[len(labels)-1]; numeric(last) {
		return wrong("ends in a number but is not an IP address")
	}
	return name, nil
}

func notInName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// numeric tells whether a resolver may take the last part of a name for a number.
func numeric(s string) bool {
	if strings.HasPrefix(s, "0x") {
		return !strings.ContainsFunc(s[2:], func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// ForbiddenAddress says that an address is not on the dial list. It is the cause
// of a fault.Denied with the code ADDRESS_FORBIDDEN.
type ForbiddenAddress struct {
	Host string     // as configured
	Addr netip.Addr // what it resolved to; for the log
	Why  string     // completes "it is ..."
}

func (e *ForbiddenAddress) Error() string {
	return fmt.Sprintf("%s (%s) is not dialled: it is %s", e.Host, e.Addr, e.Why)
}

// AddressForbidden is the code of the fault for an address that is not dialled.
const AddressForbidden = "ADDRESS_FORBIDDEN"

func (e *ForbiddenAddress) fault() error {
	return fault.New(fault.Denied, "%s is not dialled, because it is %s; give the resource an address of the target itself", e.Host, e.Why).
		WithCode(AddressForbidden).WithField("host", "must not be %s", e.Why).Because(e)
}

type closed struct {
	net netip.Prefix
	why string
}

const (
	whyMetadata  = "an address of a cloud's metadata service"
	whyLinkLocal = "a link-local address, where metadata services live"
	whyLoopback  = "an address of the VaultPAM server itself"
)

// Never dialled, by nobody. Loopback is apart, because a configuration may open it.
var closedList = []closed{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
	{netip.MustParsePrefix("::/128"), "an unspecified address"},
	{netip.MustParsePrefix("169.254.0.0/16"), whyLinkLocal},
	{netip.MustParsePrefix("fe80::/10"), whyLinkLocal},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a broadcast or reserved address"},
	{netip.MustParsePrefix("100.100.100.200/32"), whyMetadata}, // Alibaba Cloud
	{netip.MustParsePrefix("168.63.129.16/32"), whyMetadata},   // Azure's wire server
	{netip.MustParsePrefix("192.0.0.192/32"), whyMetadata},     // Oracle Cloud, classic
	{netip.MustParsePrefix("fd00:ec2::/32"), whyMetadata},      // AWS
	{netip.MustParsePrefix("fd20:ce::/64"), whyMetadata},       // Google Cloud
}

// refused says why a is not dialled; empty when it may be.
func refused(a netip.Addr, loopback bool) string {
	a = a.WithZone("")
	if inner, ok := embedded(a); ok {
		a = inner
	}
	if a.IsLoopback() && !loopback {
		return whyLoopback
	}
	for _, c := range closedList {
		if c.net.Contains(a) {
			return c.why
		}
	}
	return ""
}

// Networks that no stranger's server has (IANA's special-purpose registries).
var privateList = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("fc00::/7"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("100::/64"), netip.MustParsePrefix("64:ff9b:1::/48"),
}

// private says why a is not one of the public Internet; empty when it is.
func private(a netip.Addr) string {
	a = a.WithZone("")
	if inner, ok := embedded(a); ok {
		a = inner
	}
	if a.IsLoopback() {
		return whyLoopback
	}
	for _, p := range privateList {
		if p.Contains(a) {
			return "an address of a private network"
		}
	}
	return ""
}

var (
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour = netip.MustParsePrefix("2002::/16")
	oldCompat = netip.MustParsePrefix("::/96")
)

// embedded is the IPv4 address that a translator reaches through an IPv6 one.
func embedded(a netip.Addr) (netip.Addr, bool) {
	if a.Is4In6() {
		return a.Unmap(), true
	}
	b := a.As16()
	switch {
	case a.Is4():
		return a, false
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case oldCompat.Contains(a) && !a.IsUnspecified() && !a.IsLoopback():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	}
	return a, false
}

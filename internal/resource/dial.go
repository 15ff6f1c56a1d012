package resource

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

// TargetUnreachable is the code of the fault for a target that does not answer.
const TargetUnreachable = "TARGET_UNREACHABLE"

// dialTimeout bounds resolution and connection together.
const dialTimeout = 10 * time.Second

// Dialer connects to targets, and to nothing else: what it refuses is decided on
// the address that is about to be dialled, after names are resolved. The zero
// value refuses loopback.
type Dialer struct {
	Loopback bool                    // the machine's own loopback may be dialled: demo targets, tests
	Public   bool                    // private networks are refused too: for addresses that an organization names and nobody of the installation looks at
	Except   []netip.Prefix          // of Public and Loopback
	Own      func() []netip.AddrPort // where this server listens; never dialled, whatever Loopback says
	AllowOwn bool                    // lifts the ban on Own
	Timeout  time.Duration           // 0: 10 s
	Resolver *net.Resolver           // nil: the machine's
}

// Dial connects to host and port. An address off the dial list is fault.Denied
// with the code ADDRESS_FORBIDDEN and a *ForbiddenAddress as cause; a target that
// does not answer is fault.Unavailable with the code TARGET_UNREACHABLE.
func (d *Dialer) Dial(ctx context.Context, host string, port int) (net.Conn, error) {
	if port < 1 || port > 65535 {
		return nil, fault.New(fault.Invalid, "%d is not a port; it must be from 1 to 65535", port)
	}
	timeout := d.Timeout
	if timeout == 0 {
		timeout = dialTimeout
	}
	nd := net.Dialer{Timeout: timeout, Resolver: d.Resolver, KeepAlive: 30 * time.Second,
		Control: func(network, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !strings.HasPrefix(network, "tcp") {
				return &ForbiddenAddress{Host: host, Why: "not a TCP address"}
			}
			return d.check(host, ap)
		}}
	conn, err := nd.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err == nil {
		return conn, nil
	}
	var forbidden *ForbiddenAddress
	if errors.As(err, &forbidden) {
		return nil, forbidden.fault()
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, fault.New(fault.Unavailable, "%s port %d cannot be reached: %s", host, port, whyUnreachable(err)).WithCode(TargetUnreachable).Because(err)
}

// CheckHost refuses a host that can never be dialled, before it is saved: an
// address off the dial list, or a name for the machine itself. A name that
// resolves to one is found when it is dialled.
func (d *Dialer) CheckHost(host string, port int) error {
	if a, err := netip.ParseAddr(host); err == nil {
		if err := d.check(host, netip.AddrPortFrom(a, uint16(port))); err != nil {
			return err.(*ForbiddenAddress).fault()
		}
		return nil
	}
	if !d.Loopback && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		return (&ForbiddenAddress{Host: host, Why: whyLoopback}).fault()
	}
	return nil
}

// check returns a *ForbiddenAddress or nil.
func (d *Dialer) check(host string, to netip.AddrPort) error {
	excepted := slices.ContainsFunc(d.Except, func(p netip.Prefix) bool { return p.Contains(to.Addr().Unmap().WithZone("")) })
	why := refused(to.Addr(), d.Loopback || excepted)
	if why == "" && d.Public && !excepted {
		why = private(to.Addr())
	}
	if why != "" {
		return &ForbiddenAddress{Host: host, Addr: to.Addr(), Why: why}
	}
	if d.Own == nil || d.AllowOwn {
		return nil
	}
	a := to.Addr().Unmap().WithZone("")
	for _, own := range d.Own() {
		if own.Port() != to.Port() {
			continue
		}
		at := own.Addr().Unmap().WithZone("")
		if at == a || at.IsUnspecified() && ofThisMachine(a) {
			return &ForbiddenAddress{Host: host, Addr: a, Why: "where VaultPAM itself listens"}
		}
	}
	return nil
}

// ofThisMachine tells whether a listener on all addresses listens on a. When the
// machine's addresses cannot be had the answer is yes.
func ofThisMachine(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, each := range addrs {
		if n, ok := each.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok && ip.Unmap() == a {
				return true
			}
		}
	}
	return false
}

// whyUnreachable says in words what the network said, without its addresses.
func whyUnreachable(err error) string {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no host has this name"
	case errors.As(err, &dns):
		return "its name cannot be resolved at the moment"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "there is no route to it"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "it did not answer in time"
	}
	return "the connection failed"
}

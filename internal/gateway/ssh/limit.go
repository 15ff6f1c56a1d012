package ssh

import (
	"net/netip"
	"sync"
)

// doorkeeper bounds the connections that have not signed in yet: in all, and from
// one source, so that neither a flood nor one busy network keeps others out.
type doorkeeper struct {
	total, perSource int

	mu    sync.Mutex
	count int
	by    map[netip.Prefix]int
}

func newDoorkeeper(total, perSource int) *doorkeeper {
	return &doorkeeper{total: total, perSource: perSource, by: map[netip.Prefix]int{}}
}

// enter tells whether one more may wait at the door. When it may, leave is to be
// called once it has signed in or gone.
func (d *doorkeeper) enter(a netip.Addr) (leave func(), ok bool) {
	src := network(a)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.count >= d.total || d.by[src] >= d.perSource {
		return nil, false
	}
	d.count++
	d.by[src]++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.count--
		if d.by[src]--; d.by[src] == 0 {
			delete(d.by, src)
		}
	}), true
}

// network is what counts as one source: an IPv4 address, or the /64 that an IPv6
// subscriber can choose freely in.
func network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

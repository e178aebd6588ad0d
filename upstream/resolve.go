package upstream

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// How long an answer of the DNS is used, and how long until it is asked again
// after it failed. The system's resolver does not tell the records' own TTL. Where
// no address takes a connection, it is asked at once, but not more often.
const (
	resolveEvery  = 10 * time.Second
	resolveAgain  = 2 * time.Second
	resolveBroken = time.Second
)

// addrs are the addresses a name has at one time. It is not changed once made.
type addrs struct{ ips []netip.Addr }

// has reports whether a connection to remote is to one of the addresses.
func (a *addrs) has(remote net.Addr) bool {
	tcp, ok := remote.(*net.TCPAddr)
	if a == nil || !ok {
		return false
	}
	ip, _ := netip.AddrFromSlice(tcp.IP)
	ip = ip.Unmap()
	for _, x := range a.ips {
		if x == ip {
			return true
		}
	}
	return false
}

// Lookup finds the addresses of a host name; [net.Resolver.LookupNetIP] with
// network "ip" is one.
type Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

// resolver keeps the addresses of one name and asks again over time. While the
// DNS fails, the last answer stays in use.
type resolver struct {
	host    string
	lookup  Lookup
	now     atomic.Pointer[addrs]
	askAt   atomic.Int64 // unix ns from when on it is to be asked again
	asking  atomic.Bool
	next    atomic.Uint32 // rotates over the addresses
	waited  sync.Mutex    // one look-up that requests wait for at a time
	renewAt time.Time     // from when on the next may be; guarded by waited
}

// newResolver returns nil for a host that is an address itself.
func newResolver(host string, lookup Lookup) *resolver {
	if _, err := netip.ParseAddr(host); err == nil {
		return nil
	}
	return &resolver{host: host, lookup: lookup}
}

// current returns the addresses in use, nil before the first answer, and sees to
// it that they are looked up again when their time has come.
func (r *resolver) current(now time.Time) *addrs {
	if r == nil {
		return nil
	}
	a := r.now.Load()
	if a != nil && now.UnixNano() > r.askAt.Load() && r.asking.CompareAndSwap(false, true) {
		go func() {
			defer r.asking.Store(false)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			_, _ = r.ask(ctx)
		}()
	}
	return a
}

// get returns the addresses, waiting for the first answer if there is none.
func (r *resolver) get(ctx context.Context) (*addrs, error) {
	if a := r.current(time.Now()); a != nil {
		return a, nil
	}
	r.waited.Lock()
	defer r.waited.Unlock()
	if a := r.now.Load(); a != nil {
		return a, nil
	}
	return r.ask(ctx)
}

// renew asks again because none of the addresses in use takes a connection: the
// name may have moved. It returns nil where that brought nothing new.
func (r *resolver) renew(ctx context.Context, broken *addrs) *addrs {
	r.waited.Lock()
	defer r.waited.Unlock()
	if a := r.now.Load(); a != broken {
		return a
	}
	if time.Now().Before(r.renewAt) {
		return nil
	}
	if ctx.Err() != nil {
		// Too late for this request; the next one has it asked meanwhile.
		r.askAt.Store(0)
		r.renewAt = time.Now().Add(resolveBroken)
		return nil
	}
	a, err := r.ask(ctx)
	// A DNS that fails may take all of the request's time, and must not take it
	// from many.
	pause := resolveBroken
	if err != nil {
		pause = resolveEvery
	}
	r.renewAt = time.Now().Add(pause)
	if err != nil || a == broken {
		return nil
	}
	return a
}

var errNoAddress = errors.New("name has no address")

func (r *resolver) ask(ctx context.Context) (*addrs, error) {
	ips, err := r.lookup(ctx, r.host)
	if err == nil && len(ips) == 0 {
		err = errNoAddress
	}
	if err != nil {
		r.askAt.Store(time.Now().Add(resolveAgain).UnixNano())
		return nil, err
	}
	for i := range ips {
		ips[i] = ips[i].Unmap()
	}
	a := &addrs{ips: ips}
	if old := r.now.Load(); old != nil && sameAddrs(old.ips, ips) {
		a = old
	}
	r.now.Store(a)
	r.askAt.Store(time.Now().Add(resolveEvery).UnixNano())
	return a, nil
}

func sameAddrs(a, b []netip.Addr) bool {
	if len(a) != len(b) {
		return false
	}
	for _, x := range a {
		found := false
		for _, y := range b {
			found = found || x == y
		}
		if !found {
			return false
		}
	}
	return true
}

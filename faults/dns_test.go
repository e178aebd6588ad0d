package main

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestDNS asks our server as Sluice does, over UDP and TCP.
func TestDNS(t *testing.T) {
	if here.world.dns == nil {
		t.Skip("no namespaces here")
	}
	for _, network := range []string{"udp", "tcp"} {
		r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
		ask := func() ([]netip.Addr, error) { return r.LookupNetIP(context.Background(), "ip4", network+".test.") }
		if _, err := ask(); err == nil {
			t.Errorf("%s: an unknown name is known", network)
		}
		here.world.dns.set(network+".test.", zone{address: netip.MustParseAddr("127.0.0.9")})
		if ips, err := ask(); err != nil || len(ips) != 1 || ips[0].String() != "127.0.0.9" {
			t.Errorf("%s: %v, %v", network, ips, err)
		}
		here.world.dns.set(network+".test.", zone{code: dnsmessage.RCodeServerFailure})
		if _, err := ask(); err == nil {
			t.Errorf("%s: no SERVFAIL", network)
		}
	}
}

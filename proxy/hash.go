package proxy

import (
	"math/rand/v2"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// hashKey makes of a request what consistent_hash places it by.
type hashKey func(r *request) uint64

// newHashKey compiles a key of the config: client_ip, path, uri, host, header:N,
// cookie:N or query:N. A request without that header, cookie or parameter goes
// anywhere, rather than all of them to one target.
func newHashKey(key string) hashKey {
	kind, name, _ := strings.Cut(key, ":")
	switch kind {
	case "client_ip":
		return func(r *request) uint64 { return lb.Key(r.clientAddress()) }
	case "path":
		return func(r *request) uint64 {
			path, _, _ := wire.SplitTarget(r.Head.Origin)
			return lb.Key(path)
		}
	case "uri":
		return func(r *request) uint64 { return lb.Key(r.Head.Origin) }
	case "host":
		return func(r *request) uint64 { return lb.Key(r.host) }
	case "header":
		return func(r *request) uint64 { return keyOr(r.Header(name, 0)) }
	case "cookie":
		return func(r *request) uint64 { return keyOr(r.Cookie(name, 0)) }
	default: // query; the config knows no other
		return func(r *request) uint64 { return keyOr(r.Query(name, 0)) }
	}
}

func keyOr(value []byte, ok bool) uint64 {
	if !ok {
		return rand.Uint64()
	}
	return lb.Key(value)
}

func newForwarder(pool *upstream.Pool, metrics *telemetry.UpstreamMetrics) *forwarder {
	def := pool.Definition()
	f := &forwarder{pool: pool, metrics: metrics}
	if def.Balance == "consistent_hash" && def.Hash != nil {
		f.key = newHashKey(def.Hash.Key)
	}
	switch def.Host {
	case "client", "":
	case "target":
		f.host.target = true
	default:
		f.host.fixed = []byte(def.Host)
	}
	return f
}

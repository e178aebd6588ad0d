package proxy

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/telemetry"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// hashKey returns the part of a request that consistent_hash places it by; ok is
// false where the request has no such part. The value lives as long as the
// request.
type hashKey func(r *request) (value []byte, ok bool)

// newHashKey compiles a key of the config: client_ip, path, uri, host, header:N,
// cookie:N or query:N.
func newHashKey(key string) hashKey {
	kind, name, _ := strings.Cut(key, ":")
	switch kind {
	case "client_ip":
		return func(r *request) ([]byte, bool) {
			address := r.clientAddress()
			return address, len(address) > 0 // over a unix socket there is none
		}
	case "path":
		return func(r *request) ([]byte, bool) {
			path, _, _ := wire.SplitTarget(r.Head.Origin)
			return path, true
		}
	case "uri":
		return func(r *request) ([]byte, bool) { return r.Head.Origin, true }
	case "host":
		return func(r *request) ([]byte, bool) { return r.host, true }
	case "header":
		return func(r *request) ([]byte, bool) { return r.Header(name, 0) }
	case "cookie":
		return func(r *request) ([]byte, bool) { return r.Cookie(name, 0) }
	default: // query; the config knows no other
		return func(r *request) ([]byte, bool) { return r.Query(name, 0) }
	}
}

// keyOr hashes a value. A request without one goes anywhere, rather than all of
// them to one target.
func keyOr(value []byte, ok bool) uint64 {
	if !ok {
		return rand.Uint64()
	}
	return lb.Key(value)
}

func newForwarder(pool *upstream.Pool, metrics *telemetry.UpstreamMetrics) *forwarder {
	def := pool.Definition()
	f := &forwarder{pool: pool, metrics: metrics}
	pool.Budget.Begin(time.Now(), metrics.Requests())
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

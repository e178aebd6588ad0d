package proxy

import "github.com/sluiceproxy/sluice/middleware"

// Wrap puts m around all that a route of the generation in force does. It must
// be called before the first request.
func (p *Proxy) Wrap(route string, m middleware.Middleware) {
	for _, rt := range p.gen.Load().routes {
		if rt.def.Name == route {
			rt.handler, rt.bare = m(rt.handler), false
		}
	}
}

package proxy

import "github.com/sluiceproxy/sluice/middleware"

// Wrap puts m around all that a route of the generation in force does. It must
// be called before the first request.
func (p *Proxy) Wrap(route string, m middleware.Middleware) {
	routes := p.gen.Load().routes
	for i := range routes {
		rt := &routes[i]
		if rt.def.Name == route {
			rt.handler, rt.bare = m(rt.handler), false
		}
	}
}

package middleware

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
)

// target answers as a handler in steady state does: without allocating.
func target(ctx *fasthttp.RequestCtx) {
	x := exchange.Of(ctx)
	x.Response.Status = 200
	x.Response.Fields.SetBlock(append(x.Response.Fields.Bytes()[:0], "Server: origin\r\nX-Request-Id: x\r\n"...))
}

// fixedParams are parameters that cost nothing to look up.
type fixedParams struct{ value []byte }

func (p *fixedParams) Param(string) ([]byte, bool) { return p.value, true }

func allocCases(t testing.TB) map[string]Middleware {
	long := strings.Repeat("v", 200)
	return map[string]Middleware{
		"strip_prefix":         mustBuild(t, "strip_prefix", &StripPrefix{"/v1"}),
		"strip_prefix/refused": mustBuild(t, "strip_prefix", &StripPrefix{"/users"}),
		"add_prefix":           mustBuild(t, "add_prefix", &AddPrefix{"/app"}),
		"replace_path":         mustBuild(t, "replace_path", &ReplacePath{"/u/:id/profile"}),
		"request_headers":      mustBuild(t, "request_headers", &RequestHeaders{Set: fieldMap{"Accept": long}, Add: fieldMap{"X-A": long}, Remove: []string{"Cookie"}}),
		"response_headers":     mustBuild(t, "response_headers", &ResponseHeaders{Set: fieldMap{"Server": long}, Add: fieldMap{"X-A": long}, Remove: []string{"Via"}}),
		"request_id":           mustBuild(t, "request_id", &RequestID{Header: "X-Request-Id"}),
		"request_id/kept":      mustBuild(t, "request_id", &RequestID{Header: "Accept", Trust: true}),
		"redirect":             mustBuild(t, "redirect", &Redirect{302, "{scheme}://{host}/:id?next={uri}&id=:id"}),
	}
}

func TestNoAllocations(t *testing.T) {
	for name, m := range allocCases(t) {
		t.Run(name, func(t *testing.T) {
			tr := newTrial(t, "GET /v1/x/%2e%2e/users/a?x=1|Accept: */*|Cookie: a=b")
			tr.params = &fixedParams{[]byte("a b")}
			chain := m(target)
			n := testing.AllocsPerRun(200, func() { tr.run(chain) })
			if n != 0 && !raceEnabled {
				t.Errorf("%v allocations per request", n)
			}
		})
	}
}

func BenchmarkMiddleware(b *testing.B) {
	for name, m := range allocCases(b) {
		b.Run(name, func(b *testing.B) {
			tr := newTrial(b, "GET /v1/users/a?x=1|Accept: */*|Cookie: a=b")
			tr.params = &fixedParams{[]byte("a b")}
			chain := m(target)
			b.ReportAllocs()
			for b.Loop() {
				tr.run(chain)
			}
		})
	}
}

package middleware

import (
	"maps"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
)

type fieldMap = map[string]string

func TestRequestHeaders(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options RequestHeaders
		fields  string
		want    string
	}{
		{"set anew", RequestHeaders{Set: fieldMap{"X-B": "2", "X-A": "1"}}, "Accept: */*", "Accept: */*|X-A: 1|X-B: 2"},
		{"set in place", RequestHeaders{Set: fieldMap{"X-A": "new"}}, "x-a: 1|Accept: */*|X-A: 2", "x-a: new|Accept: */*"},
		{"set longer", RequestHeaders{Set: fieldMap{"Authorization": strings.Repeat("x", 400)}}, "Authorization: y|B: 1", "Authorization: " + strings.Repeat("x", 400) + "|B: 1"},
		{"set empty", RequestHeaders{Set: fieldMap{"Accept-Encoding": ""}}, "Accept-Encoding: gzip", "Accept-Encoding: "},
		{"add", RequestHeaders{Add: fieldMap{"Via": "1.1 b"}}, "via: 1.0 a|B: 1|b: 2", "via: 1.0 a|B: 1|b: 2|Via: 1.1 b"},
		{"remove", RequestHeaders{Remove: []string{"Cookie"}}, "Cookie: a|B: 1|COOKIE: b|Cookie2: c", "B: 1|Cookie2: c"},
		{"remove what is not there", RequestHeaders{Remove: []string{"Cookie"}}, "B:  1 ", "B:  1 "},
		{"remove then add", RequestHeaders{Remove: []string{"A"}, Add: fieldMap{"A": "2"}}, "A: 1|A: 0", "A: 2"},
		{"remove a star", RequestHeaders{Remove: []string{"X-*"}}, "X-A: 1|X-*: 2", "X-A: 1"},
		{"set then add", RequestHeaders{Set: fieldMap{"A": "1"}, Add: fieldMap{"A": "2"}}, "B: 0", "B: 0|A: 1|A: 2"},
		{"framing stays", RequestHeaders{Set: fieldMap{"A": "1"}}, "Content-Length: 3|Connection: A, close|A: 0", "Content-Length: 3|A: 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(t, "POST /|"+tt.fields)
			tr.run(mustBuild(t, "request_headers", &tt.options)(tr.ok("")))
			if got := tr.sent(); got != tt.want {
				t.Errorf("sent %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRequestHeadersSeeForwardingFields(t *testing.T) {
	tr := newTrial(t, "GET /|X-Forwarded-For: 1.2.3.4")
	tr.run(mustBuild(t, "request_headers", &RequestHeaders{Remove: []string{"X-Forwarded-For"}})(tr.ok("")))
	if head := string(tr.x.AppendHead(nil)); strings.Contains(head, "X-Forwarded-For") || !strings.Contains(head, "X-Forwarded-Proto: http\r\n") {
		t.Errorf("head %q, want all forwarding fields but X-Forwarded-For", head)
	}
}

func TestResponseHeaders(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options ResponseHeaders
		want    string
	}{
		{"set", ResponseHeaders{Set: fieldMap{"SERVER": "sluice", "X-A": "1"}}, "server: sluice|Set-Cookie: a|set-cookie: b|X-A: 1"},
		{"add", ResponseHeaders{Add: fieldMap{"Set-Cookie": "c", "Age": "0"}}, "server: origin|Set-Cookie: a|set-cookie: b|Age: 0|Set-Cookie: c"},
		{"remove", ResponseHeaders{Remove: []string{"Server", "Set-Cookie"}}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(t, "GET /")
			x := tr.run(mustBuild(t, "response_headers", &tt.options)(tr.ok("server: origin|Set-Cookie: a|set-cookie: b")))
			if got := lines(x.Response.Fields.Bytes()); got != tt.want || x.Response.Status != 200 {
				t.Errorf("fields %q, want %q", got, tt.want)
			}
		})
	}
}

// What is built keeps nothing of the options.
func TestOptionsMayChangeAfterBuild(t *testing.T) {
	o := &RequestHeaders{Set: fieldMap{"A": "1"}, Remove: []string{"B"}}
	want := maps.Clone(o.Set)["A"]
	m := mustBuild(t, "request_headers", o)
	o.Set["A"], o.Remove[0] = "2", "C"
	tr := newTrial(t, "GET /|B: 1|C: 1")
	tr.run(m(tr.ok("")))
	if got := tr.sent(); got != "C: 1|A: "+want {
		t.Errorf("sent %q", got)
	}
}

func TestRequestID(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fields string
		proxy  bool // the peer is a trusted proxy
		trust  bool
		want   string // "" for a new id
	}{
		{name: "new"},
		{name: "not believed", fields: "X-Request-Id: mine"},
		{name: "trusted proxy", fields: "x-request-id: mine", proxy: true, want: "mine"},
		{name: "trust", fields: "X-Request-Id: mine", trust: true, want: "mine"},
		{name: "first of two", fields: "X-Request-Id: mine|A: 1|X-Request-Id: other", trust: true, want: "mine"},
		{name: "uuid", fields: "X-Request-Id:  7f5c1ff0-98f3-4f5e-b7a0-5c1f6d1d7c11 ", trust: true, want: "7f5c1ff0-98f3-4f5e-b7a0-5c1f6d1d7c11"},
		{name: "visible", fields: `X-Request-Id: a/b="c",{d}`, trust: true, want: `a/b="c",{d}`},
		{name: "longest", fields: "X-Request-Id: " + strings.Repeat("a", 128), trust: true, want: strings.Repeat("a", 128)},
		{name: "too long", fields: "X-Request-Id: " + strings.Repeat("a", 129), trust: true},
		{name: "empty", fields: "X-Request-Id: ", trust: true},
		{name: "space", fields: "X-Request-Id: a b", trust: true},
		{name: "tab", fields: "X-Request-Id: a\tb", trust: true},
		{name: "not ascii", fields: "X-Request-Id: ü", trust: true},
		{name: "hop by hop", fields: "X-Request-Id: mine|Connection: x-request-id", trust: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := newTrial(t, strings.TrimSuffix("GET /|Accept: */*|"+tt.fields, "|"))
			tr.fwd.Trusted = tt.proxy
			m := mustBuild(t, "request_id", &RequestID{Header: "X-Request-Id", Trust: tt.trust})
			x := tr.run(m(tr.ok("X-Request-Id: origin|B: 1|x-request-id: again")))
			id := string(x.RequestFields().Get("X-Request-Id"))
			if tt.want != "" && id != tt.want {
				t.Errorf("id %q, want %q", id, tt.want)
			}
			if tt.want == "" && (len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "") {
				t.Errorf("id %q, want 32 hexadecimal digits", id)
			}
			if n := strings.Count(strings.ToLower(tr.sent()), "x-request-id:"); n != 1 {
				t.Errorf("sent %d ids: %q", n, tr.sent())
			}
			if got := lines(x.Response.Fields.Bytes()); got != "B: 1|X-Request-Id: "+id {
				t.Errorf("response fields %q, want the id %q", got, id)
			}
		})
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	seen := make(map[string]bool)
	tr := newTrial(t, "GET /")
	chain := mustBuild(t, "request_id", &RequestID{Header: "X-Id"})(tr.ok(""))
	for range 1000 {
		seen[string(tr.run(chain).Response.Fields.Get("X-Id"))] = true
	}
	if len(seen) != 1000 {
		t.Errorf("%d ids for 1000 requests", len(seen))
	}
}

// The id must be whole even if what next does reuses the request's buffers.
func TestRequestIDOutlivesTheRequest(t *testing.T) {
	tr := newTrial(t, "GET /|X-Id: mine")
	m := mustBuild(t, "request_id", &RequestID{Header: "X-Id", Trust: true})
	target := tr.ok("")
	x := tr.run(m(func(ctx *fasthttp.RequestCtx) {
		target(ctx)
		clear(exchange.Of(ctx).RequestFields().Bytes())
		clear(tr.raw)
	}))
	if got := string(x.Response.Fields.Get("X-Id")); got != "mine" {
		t.Errorf("id %q", got)
	}
}

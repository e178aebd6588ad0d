package middleware

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// trial is one request on its way through middlewares.
type trial struct {
	ctx  *fasthttp.RequestCtx
	x    *exchange.Exchange
	head wire.Head
	raw  []byte
	fwd  wire.Forwarding
	// params of the route; nil for none.
	params exchange.Params
	// reached tells that the innermost handler was called.
	reached bool
}

// params are a route's parameters.
type params map[string]string

func (p params) Param(name string) ([]byte, bool) {
	v, ok := p[name]
	return []byte(v), ok
}

// newTrial reads a request head; lines are separated by "|" and need no Host.
func newTrial(t testing.TB, head string) *trial {
	t.Helper()
	line, fields, _ := strings.Cut(head, "|")
	text := line + " HTTP/1.1\r\n"
	if !strings.Contains(strings.ToLower("|"+fields), "|host:") {
		text += "Host: a.test\r\n"
	}
	if fields != "" {
		text += strings.ReplaceAll(fields, "|", "\r\n") + "\r\n"
	}
	tr := &trial{ctx: new(fasthttp.RequestCtx), x: new(exchange.Exchange), raw: []byte(text + "\r\n")}
	if n, err := tr.head.Parse(tr.raw, wire.Limits{Bytes: 64 << 10, Fields: 100}); n != len(tr.raw) || err != nil {
		t.Fatalf("Parse(%q) = %d, %v", tr.raw, n, err)
	}
	tr.fwd = wire.Forwarding{Client: []byte("192.0.2.7"), Proto: "http"}
	tr.x.Bind(tr.ctx)
	return tr
}

// start makes the exchange what it is when the chain is entered.
func (tr *trial) start() {
	tr.x.Reset()
	tr.reached = false
	tr.x.Head, tr.x.Target, tr.x.Forwarding, tr.x.Params = &tr.head, tr.head.Origin, tr.fwd, tr.params
}

// run sends the request through the chain to next.
func (tr *trial) run(chain fasthttp.RequestHandler) *exchange.Exchange {
	tr.start()
	chain(tr.ctx)
	return tr.x
}

// ok is a target that answers 200 with the given field lines, separated by "|".
func (tr *trial) ok(fields string) fasthttp.RequestHandler {
	var block []byte
	if fields != "" {
		block = []byte(strings.ReplaceAll(fields, "|", "\r\n") + "\r\n")
	}
	return func(ctx *fasthttp.RequestCtx) {
		tr.reached = true
		x := exchange.Of(ctx)
		x.Response.Status = 200
		x.Response.Fields.SetBlock(append(x.Response.Fields.Bytes()[:0], block...))
	}
}

func mustBuild(t testing.TB, typ string, options any) Middleware {
	t.Helper()
	m, err := Build(config.Middleware{Type: typ, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lines renders a block of fields with "|" between the lines.
func lines(block []byte) string {
	return strings.ReplaceAll(strings.TrimSuffix(string(block), "\r\n"), "\r\n", "|")
}

// sent returns what a target is sent, less the fields that the proxy adds.
func (tr *trial) sent() string {
	head := tr.x.AppendHead(nil)
	_, rest, _ := bytes.Cut(head, []byte("\r\n"))
	var kept []string
	for line := range strings.SplitSeq(strings.TrimSuffix(string(rest), "\r\n\r\n"), "\r\n") {
		if !strings.HasPrefix(line, "X-Forwarded-") && !strings.HasPrefix(line, "Host:") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "|")
}

func wantRefused(t *testing.T, tr *trial, status int, reason exchange.Reason) {
	t.Helper()
	x := tr.x
	if tr.reached {
		t.Error("next was called")
	}
	if x.Response.Status != status || x.Reason != reason {
		t.Errorf("answered %d %v, want %d %v", x.Response.Status, x.Reason, status, reason)
	}
	if len(x.Response.Body) == 0 || !bytes.HasSuffix(x.Response.Body, []byte("\n")) {
		t.Errorf("body %q, want a line", x.Response.Body)
	}
	if string(x.Response.Fields.Get("Content-Type")) != plainText {
		t.Errorf("fields %q, want a Content-Type", x.Response.Fields.Bytes())
	}
	if x.Response.Fields.Has("Location") {
		t.Errorf("fields %q have a Location", x.Response.Fields.Bytes())
	}
}

func TestTypes(t *testing.T) {
	got := slices.Sorted(maps.Keys(Types()))
	want := []string{
		"add_prefix", "redirect", "replace_path", "request_headers", "request_id",
		"response_headers", "strip_prefix",
	}
	if !slices.Equal(got, want) {
		t.Errorf("Types() has %q, want %q", got, want)
	}
	for name, options := range Types() {
		if options() == options() {
			t.Errorf("%s: the same options twice", name)
		}
	}
}

// A config with every type, written as a user would, parses and builds.
func TestTypesInConfig(t *testing.T) {
	src := `{
		"listeners": [{"address": "127.0.0.1:0"}],
		"middlewares": {
			"strip":    {"type": "strip_prefix", "prefix": "/v1"},
			"add":      {"type": "add_prefix", "prefix": "/app"},
			"replace":  {"type": "replace_path", "path": "/u/:id"},
			"request":  {"type": "request_headers", "set": {"X-A": "1"}, "remove": ["Cookie"]},
			"response": {"type": "response_headers", "add": {"Vary": "Origin"}},
			"id":       {"type": "request_id"},
			"go":       {"type": "redirect", "to": "https://{host}{uri}"},
		},
		"routes": [{"name": "all", "path": "/users/:id", "middlewares": ["id", "strip", "add", "replace", "request", "response", "go"]}],
	}`
	c, err := config.Parse([]byte(src), config.Catalog{Policies: []string{"weighted"}, Middlewares: Types()})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range c.Middlewares {
		if _, err := Build(m); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if id := c.Middlewares["id"].Options.(*RequestID); *id != (RequestID{Header: "X-Request-Id"}) {
		t.Errorf("request_id defaults to %+v", *id)
	}
	if r := c.Middlewares["go"].Options.(*Redirect); r.Status != 308 {
		t.Errorf("redirect defaults to status %d", r.Status)
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, tt := range []struct {
		m    config.Middleware
		want string
	}{
		{config.Middleware{Type: "gzip"}, `unknown type "gzip"`},
		{config.Middleware{Type: "strip_prefix"}, "options are <nil>"},
		{config.Middleware{Type: "strip_prefix", Options: &AddPrefix{}}, "options are *middleware.AddPrefix, want *middleware.StripPrefix"},
		{config.Middleware{Type: "strip_prefix", Options: &StripPrefix{"v1"}}, `strip_prefix: prefix: "v1" does not begin with /`},
	} {
		m, err := Build(tt.m)
		if m != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Build(%+v) = %v, want an error with %q", tt.m, err, tt.want)
		}
	}
}

func TestCheck(t *testing.T) {
	type keys []string
	for _, tt := range []struct {
		options interface{ Check() []config.OptionProblem }
		want    keys
	}{
		{&StripPrefix{"/v1"}, nil},
		{&StripPrefix{"/v1/"}, nil},
		{&StripPrefix{"/a b/ü"}, nil},
		{&StripPrefix{""}, keys{"prefix"}},
		{&StripPrefix{"/"}, keys{"prefix"}},
		{&StripPrefix{"/a%20b"}, keys{"prefix"}},
		{&StripPrefix{"/a//b"}, keys{"prefix"}},
		{&StripPrefix{"/a/../b"}, keys{"prefix"}},
		{&StripPrefix{"/a/."}, keys{"prefix"}},
		{&StripPrefix{"/a?b"}, keys{"prefix"}},
		{&StripPrefix{"/a\r\nb"}, keys{"prefix"}},
		{&AddPrefix{"/a%20b"}, nil},
		{&AddPrefix{"/a%2"}, keys{"prefix"}},
		{&AddPrefix{"/a%zz"}, keys{"prefix"}},
		{&AddPrefix{"/%2e%2E/b"}, keys{"prefix"}},
		{&AddPrefix{`/a\b`}, keys{"prefix"}},
		{&AddPrefix{"/a#b"}, keys{"prefix"}},
		{&AddPrefix{"/"}, keys{"prefix"}},
		{&ReplacePath{"/"}, nil},
		{&ReplacePath{"/users/:user-id/x:y"}, nil},
		{&ReplacePath{"users"}, keys{"path"}},
		{&ReplacePath{"/users/:"}, keys{"path"}},
		{&ReplacePath{"/users/:id.json"}, keys{"path"}},
		{&ReplacePath{"/users?x=1"}, keys{"path"}},
		{&RequestHeaders{}, keys{""}},
		{&RequestHeaders{Set: map[string]string{"X-A": ""}}, nil},
		{&RequestHeaders{Set: map[string]string{"X-A": "ü\t1"}, Add: map[string]string{"x-a": "2"}}, nil},
		{&RequestHeaders{Set: map[string]string{"X A": "1"}}, keys{`set["X A"]`}},
		{&RequestHeaders{Set: map[string]string{"": "1"}}, keys{`set[""]`}},
		{&RequestHeaders{Add: map[string]string{"X-A": "1\r\nX-B: 2"}}, keys{`add["X-A"]`}},
		{&RequestHeaders{Add: map[string]string{"X-A": "\x7f"}}, keys{`add["X-A"]`}},
		{&RequestHeaders{Add: map[string]string{"X-A": " 1"}}, keys{`add["X-A"]`}},
		{&RequestHeaders{Add: map[string]string{"X-A": "1", "x-a": "2"}}, keys{`add["x-a"]`}},
		{&RequestHeaders{Set: map[string]string{"X-A": "1"}, Remove: []string{"x-a"}}, keys{"remove[0]"}},
		{&RequestHeaders{Remove: []string{"X-A", "x-a"}}, keys{"remove[1]"}},
		{&RequestHeaders{Remove: []string{"X-*", "X Y"}}, keys{"remove[1]"}},
		{&RequestHeaders{Set: map[string]string{
			"Connection": "close", "Content-Length": "1", "Expect": "100-continue", "HTTP2-Settings": "x", "host": "b.test", "Keep-Alive": "1",
			"Proxy-Connection": "close", "te": "trailers", "Trailer": "x", "TRANSFER-ENCODING": "chunked", "Upgrade": "h2c",
		}}, keys{
			`set["Connection"]`, `set["Content-Length"]`, `set["Expect"]`, `set["HTTP2-Settings"]`, `set["Keep-Alive"]`, `set["Proxy-Connection"]`,
			`set["TRANSFER-ENCODING"]`, `set["Trailer"]`, `set["Upgrade"]`, `set["host"]`, `set["te"]`,
		}},
		{&ResponseHeaders{Remove: []string{"Content-Length", "Server"}}, keys{"remove[0]"}},
		{&ResponseHeaders{Set: map[string]string{"Host": "a"}}, nil},
		{&RequestID{Header: "X-Id"}, nil},
		{&RequestID{Header: ""}, keys{"header"}},
		{&RequestID{Header: "Host"}, keys{"header"}},
		{&RequestID{Header: "X:Id"}, keys{"header"}},
	} {
		var got keys
		for _, p := range tt.options.Check() {
			got = append(got, p.Key)
			if p.Message == "" {
				t.Errorf("%+v: no message for %q", tt.options, p.Key)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%T%+v: problems at %q, want %q", tt.options, tt.options, got, tt.want)
		}
	}
}

func TestHostIsRefusedWithTheWayOut(t *testing.T) {
	problems := (&RequestHeaders{Set: map[string]string{"Host": "b.test"}}).Check()
	if len(problems) != 1 || !strings.Contains(problems[0].Message, "upstreams.X.host") {
		t.Errorf("problems %v, want one that names upstreams.X.host", problems)
	}
}

// The first middleware of a route sees the request first and the response last.
func TestOrder(t *testing.T) {
	tr := newTrial(t, "GET /v1/a?x=1|X-Drop: 1|Accept: */*")
	chain := tr.ok("Server: origin|X-From: target")
	for _, m := range []Middleware{
		mustBuild(t, "response_headers", &ResponseHeaders{Set: map[string]string{"X-From": "inner"}}),
		mustBuild(t, "add_prefix", &AddPrefix{"/app"}),
		mustBuild(t, "strip_prefix", &StripPrefix{"/v1"}),
		mustBuild(t, "request_headers", &RequestHeaders{Set: map[string]string{"X-B": "2"}, Remove: []string{"X-A"}}),
		mustBuild(t, "request_headers", &RequestHeaders{Set: map[string]string{"X-A": "1"}, Remove: []string{"x-drop"}}),
		mustBuild(t, "response_headers", &ResponseHeaders{Set: map[string]string{"X-From": "outer"}, Add: map[string]string{"X-Last": "1"}}),
	} {
		chain = m(chain)
	}
	x := tr.run(chain)
	if got := string(x.Target); got != "/app/a?x=1" {
		t.Errorf("target %q", got)
	}
	if got := tr.sent(); got != "Accept: */*|X-B: 2" {
		t.Errorf("sent %q", got)
	}
	if got := lines(x.Response.Fields.Bytes()); got != "Server: origin|X-From: outer|X-Last: 1" {
		t.Errorf("response fields %q", got)
	}
}

// Answers made within the chain get the fields that outer middlewares add.
func TestResponseFieldsOnLocalAnswers(t *testing.T) {
	outer := mustBuild(t, "response_headers", &ResponseHeaders{Set: map[string]string{"X-Frame-Options": "DENY"}})
	id := mustBuild(t, "request_id", &RequestID{Header: "X-Request-Id"})
	for name, inner := range map[string]fasthttp.RequestHandler{
		"redirect": mustBuild(t, "redirect", &Redirect{Status: 302, To: "/b"})(nil),
		"refusal":  mustBuild(t, "strip_prefix", &StripPrefix{"/v1"})(nil),
		"error": func(ctx *fasthttp.RequestCtx) {
			exchange.Of(ctx).Response.Answer(502, plainText, []byte("502 bad gateway\n"))
		},
	} {
		tr := newTrial(t, "GET /v1/../a")
		x := tr.run(outer(id(inner)))
		if got := string(x.Response.Fields.Get("X-Frame-Options")); got != "DENY" {
			t.Errorf("%s: X-Frame-Options %q", name, got)
		}
		if got := x.Response.Fields.Get("X-Request-Id"); len(got) != 32 {
			t.Errorf("%s: X-Request-Id %q", name, got)
		}
	}
}

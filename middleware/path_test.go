package middleware

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/exchange"
)

// pathCase is a target before and after; an empty want is a refusal.
type pathCase struct{ target, want string }

func testPaths(t *testing.T, m Middleware, route params, method string, cases []pathCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.target, func(t *testing.T) {
			tr := newTrial(t, method+" "+tt.target)
			tr.params = route
			x := tr.run(m(tr.ok("")))
			if tt.want == "" {
				wantRefused(t, tr, 400, exchange.AmbiguousPath)
				return
			}
			if !tr.reached || string(x.Target) != tt.want {
				t.Errorf("target %q (status %d), want %q", x.Target, x.Response.Status, tt.want)
			}
		})
	}
}

func TestStripPrefix(t *testing.T) {
	testPaths(t, mustBuild(t, "strip_prefix", &StripPrefix{"/v1"}), nil, "GET", []pathCase{
		{"/v1", "/"},
		{"/v1/", "/"},
		{"/v1?x=1", "/?x=1"},
		{"/v1?", "/?"},
		{"/v1/a", "/a"},
		{"/v1/a?", "/a?"},
		{"/v1/a?x=/v1/b&x=1", "/a?x=/v1/b&x=1"},
		{"/v1/a?x=/../..", "/a?x=/../.."},
		{"/v1/v1/a", "/v1/a"},
		{"/v1/a%2Fb%2fc", "/a%2Fb%2fc"},
		{"/v1/%20%C3%bc", "/%20%C3%bc"},
		{"/v1/a%zz%", "/a%zz%"},
		{"/v1//a", "//a"},
		{"/v1/a/./b/../c", "/a/./b/../c"},
		// Written otherwise.
		{"/%761/a", "/a"},
		{"/%76%31", "/"},
		{"/v%31/a?b", "/a?b"},
		// Not the prefix.
		{"/", "/"},
		{"/v", "/v"},
		{"/v10/a", "/v10/a"},
		{"/v1a", "/v1a"},
		{"/V1/a", "/V1/a"},
		{"/v2/v1/a", "/v2/v1/a"},
		{"/v%310/a", "/v%310/a"},
		{"/a/../b", "/a/../b"},
		{"/v1%zz", "/v1%zz"},
		{"/v%3", "/v%3"},
		// Climbs out.
		{"/v1/..", ""},
		{"/v1/../", ""},
		{"/v1/../a", ""},
		{"/v1/%2e%2e/a", ""},
		{"/v1/.%2E/a", ""},
		{"/v1/a/../../b", ""},
		{"/v1/a/..%2f..%2fb", ""},
		{`/v1/a\..\..\b`, ""},
		{"/v1/./../a", ""},
		{"/v1//../a", ""},
		// Has the prefix in one reading only.
		{"//v1/a", ""},
		{"/./v1/a", ""},
		{"/a/../v1/b", ""},
		{"/a/%2e%2e/v1/b", ""},
		{"/v1%2Fa", ""},
		{`/v1\a`, ""},
		{"/%2Fv1/a", ""},
		{"/" + strings.Repeat("a/../", 200) + "v1", ""},
	})
	testPaths(t, mustBuild(t, "strip_prefix", &StripPrefix{"/v1"}), nil, "OPTIONS", []pathCase{{"*", "*"}})
	testPaths(t, mustBuild(t, "strip_prefix", &StripPrefix{"/a b/ü/"}), nil, "GET", []pathCase{
		{"/a%20b/%C3%BC/c%20d", "/c%20d"},
		{"/a%20b/%c3%bc", "/"},
		{"/a%20b/ü/", "/"},
		{"/a%20b", "/a%20b"},
		{"/a%20b/%C3%BCx", "/a%20b/%C3%BCx"},
	})
}

func TestAddPrefix(t *testing.T) {
	testPaths(t, mustBuild(t, "add_prefix", &AddPrefix{"/app"}), nil, "GET", []pathCase{
		{"/", "/app/"},
		{"/a", "/app/a"},
		{"/?", "/app/?"},
		{"/a?x=../..", "/app/a?x=../.."},
		{"/a/../b", "/app/a/../b"},
		{"//a", "/app//a"},
		{"/a%2F..", "/app/a%2F.."},
		{"/%zz", "/app/%zz"},
		{"/..", ""},
		{"/../a", ""},
		{"/%2e%2e/a", ""},
		{"/%2e%2e%2fa", ""},
		{`/..\a`, ""},
		{"/a/../../b", ""},
		{"/./../b", ""},
	})
	testPaths(t, mustBuild(t, "add_prefix", &AddPrefix{"/a b%2Fc/ü/"}), nil, "GET", []pathCase{
		{"/d", "/a%20b%2Fc/%C3%BC/d"},
	})
	testPaths(t, mustBuild(t, "add_prefix", &AddPrefix{"/app"}), nil, "OPTIONS", []pathCase{{"*", "*"}})
}

func TestReplacePath(t *testing.T) {
	testPaths(t, mustBuild(t, "replace_path", &ReplacePath{"/a b/x:y%2F"}), nil, "GET", []pathCase{
		{"/", "/a%20b/x:y%2F"},
		{"/c?x=%20&y", "/a%20b/x:y%2F?x=%20&y"},
		{"/c?", "/a%20b/x:y%2F?"},
		{"/../c", "/a%20b/x:y%2F"},
	})
	testPaths(t, mustBuild(t, "replace_path", &ReplacePath{"/u"}), nil, "OPTIONS", []pathCase{{"*", "*"}})
	for _, tt := range []struct{ template, id, want string }{
		{"/u/:id", "7", "/u/7?q"},
		{"/:id", "7", "/7?q"},
		{"/:id/:id/x", "7", "/7/7/x?q"},
		{"/u/:id/", "a b", "/u/a%20b/?q"},
		{"/u/:id", "ü", "/u/%C3%BC?q"},
		{"/u/:id", "a?b#c%d;e", "/u/a%3Fb%23c%25d%3Be?q"},
		{"/u/:id", "a-b._~!$&'()*+,=:@", "/u/a-b._~!$&'()*+,=:@?q"},
		{"/u/:id", "...", "/u/...?q"},
		{"/u/:id", ".a", "/u/.a?q"},
		{"/u/:id", "..;a", "/u/..%3Ba?q"},
		{"/u/:id", "%2e%2e", "/u/%252e%252e?q"},
		{"/u/:id", "\r\n", "/u/%0D%0A?q"},
		{"/u/:id", ".", ""},
		{"/u/:id", "..", ""},
		{"/u/:id", "", ""},
		{"/u/:id", "a/b", ""},
		{"/u/:id", `a\b`, ""},
		{"/u/:id", "a%2Fb", ""},
		{"/u/:id", "a%5cb", ""},
		{"/u/:id", "a\x00", ""},
	} {
		m := mustBuild(t, "replace_path", &ReplacePath{tt.template})
		testPaths(t, m, params{"id": tt.id}, "GET", []pathCase{{"/old?q", tt.want}})
	}
}

func TestReplacePathWithoutParam(t *testing.T) {
	m := mustBuild(t, "replace_path", &ReplacePath{"/u/:id"})
	for _, route := range []exchange.Params{nil, params{"name": "x"}} {
		tr := newTrial(t, "GET /")
		tr.params = route
		tr.run(m(tr.ok("")))
		wantRefused(t, tr, 500, exchange.Panic)
	}
}

func TestParams(t *testing.T) {
	for _, tt := range []struct {
		options interface{ Params() []string }
		want    string
	}{
		{&ReplacePath{"/a"}, ""},
		{&ReplacePath{"/:b/x/:a/:b"}, "b a"},
		{&Redirect{302, "https://{host}/:b/x/:a?c=:c&d=:b"}, "b a c"},
		{&Redirect{302, "/a:b"}, ""},
	} {
		if got := strings.Join(tt.options.Params(), " "); got != tt.want {
			t.Errorf("%+v: Params() = %q, want %q", tt.options, got, tt.want)
		}
	}
}

package middleware

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/exchange"
)

func TestRedirect(t *testing.T) {
	for _, tt := range []struct{ to, request, want string }{
		{"/new", "GET /old?x=1", "/new"},
		{"/a b/ü%20\"<>", "GET /", "/a%20b/%C3%BC%20%22%3C%3E"},
		{"/new#top", "GET /", "/new#top"},
		{"/new{query}", "GET /old?x=1&y", "/new?x=1&y"},
		{"/new{query}", "GET /old?", "/new?"},
		{"/new{query}", "GET /old", "/new"},
		{"/new{query}#a:b", "GET /old?x", "/new?x#a:b"},
		{"{path}/", "GET /old?x=1", "/old/"},
		{"{path}/{query}", "GET /old?x=1", "/old/?x=1"},
		{"{uri}", "GET /old?x=//1", "/old?x=//1"},
		{"/new{uri}", "GET /a%2Fb?x", "/new/a%2Fb?x"},
		{"/new{path}", "GET /a/../b", "/new/a/../b"},
		{"https://b.test", "GET /old", "https://b.test"},
		{"https://b.test/", "GET /old", "https://b.test/"},
		{"https://b.test:8443{uri}", "GET /old?x", "https://b.test:8443/old?x"},
		{"https://[2001:db8::1]:80{path}", "GET /old?x", "https://[2001:db8::1]:80/old"},
		{"https://b.test{query}", "GET /old?x", "https://b.test?x"},
		{"https://b.test?a=1", "GET /old", "https://b.test?a=1"},
		{"https://b.test//a", "GET /old", "https://b.test//a"},
		{"https://{host}{uri}", "GET /old?x", "https://a.test/old?x"},
		{"https://{host}{uri}", "GET //evil.test/?x", "https://a.test//evil.test/?x"},
		{"https://{host}{uri}", `GET /\evil.test`, `https://a.test/\evil.test`},
		{"https://{host}{uri}", "GET /|Host: B.Test.:8080", "https://b.test/"},
		{"https://{host}:8443{uri}", "GET /|Host: b.test:8080", "https://b.test:8443/"},
		{"https://{host}{uri}", "GET /|Host: [::1]:8080", "https://[::1]/"},
		{"https://{host}{uri}", "GET http://c.test/x|Host: b.test", "https://c.test/x"},
		{"https://www.{host}.test{uri}", "GET /x", "https://www.a.test.test/x"},
		{"{scheme}://www.{host}{uri}", "GET /x", "http://www.a.test/x"},
		{"{scheme}://{host}{uri}", "GET /x|X-Forwarded-Proto: https", "http://a.test/x"},
		{"http://{host}/{host}", "GET /x", "http://a.test/a.test"},
		{"/login?next={uri}", "GET /a%20b?x=1&y=//z", "/login?next=%2Fa%2520b%3Fx%3D1%26y%3D%2F%2Fz"},
		{"/login?next={path}&s={scheme}&h={host}", "GET //a", "/login?next=%2F%2Fa&s=http&h=a.test"},
		{"/login?next={uri}#f", "GET /", "/login?next=%2F#f"},
		{"/u/:id", "GET /", "/u/a%20b&c"},
		{"/u/:id/x{query}", "GET /?q", "/u/a%20b&c/x?q"},
		{"https://b.test/:id?i=:id&j=x:id", "GET /", "https://b.test/a%20b&c?i=a%20b%26c&j=x:id"},
		{"https://{host}{uri}", "OPTIONS *", "https://a.test/"},
		{"{uri}", "OPTIONS *", "/"},
	} {
		t.Run(tt.to+" "+tt.request, func(t *testing.T) {
			tr := newTrial(t, tt.request)
			tr.params = params{"id": "a b&c"}
			x := tr.run(mustBuild(t, "redirect", &Redirect{307, tt.to})(tr.ok("")))
			if got := lines(x.Response.Fields.Bytes()); got != "Content-Type: "+plainText+"|Location: "+tt.want {
				t.Errorf("fields %q, want Location %q", got, tt.want)
			}
			if x.Response.Status != 307 || string(x.Response.Body) != "307 Temporary Redirect\n" || x.Reason != exchange.OK || tr.reached {
				t.Errorf("status %d, body %q, reason %v, reached %v", x.Response.Status, x.Response.Body, x.Reason, tr.reached)
			}
		})
	}
}

func TestRedirectRefuses(t *testing.T) {
	for _, tt := range []struct{ to, request string }{
		// May be taken for another host.
		{"{path}", "GET //evil.test"},
		{"{uri}", "GET //evil.test/x?y"},
		{"{path}/", `GET /\evil.test`},
		{"{uri}", "GET /a/..//evil.test"},
		{"{uri}", "GET /%2e//evil.test"},
		{"{uri}", `GET /a\evil.test`},
		{"/x{path}", "GET //evil.test"},
		// Climbs out.
		{"/x{uri}", "GET /../y"},
		{"https://b.test/x{path}", "GET /%2e%2e/y"},
	} {
		t.Run(tt.to+" "+tt.request, func(t *testing.T) {
			tr := newTrial(t, tt.request)
			tr.run(mustBuild(t, "redirect", &Redirect{302, tt.to})(tr.ok("")))
			wantRefused(t, tr, 400, exchange.AmbiguousPath)
		})
	}
	for _, id := range []string{"", ".", "..", "a/b", "/evil.test", `\evil.test`, "%2Fevil.test"} {
		tr := newTrial(t, "GET /")
		tr.params = params{"id": id}
		tr.run(mustBuild(t, "redirect", &Redirect{302, "/:id"})(tr.ok("")))
		wantRefused(t, tr, 400, exchange.AmbiguousPath)
		x := tr.run(mustBuild(t, "redirect", &Redirect{302, "/x?id=:id"})(tr.ok("")))
		if x.Response.Status != 302 {
			t.Errorf("%q as a query value: status %d", id, x.Response.Status)
		}
	}
	for _, to := range []string{"/:no", "/?a=:no"} {
		tr := newTrial(t, "GET /")
		tr.run(mustBuild(t, "redirect", &Redirect{302, to})(tr.ok("")))
		wantRefused(t, tr, 500, exchange.Panic)
	}
}

func TestRedirectWithoutHost(t *testing.T) {
	for _, to := range []string{"https://{host}/", "/?h={host}"} {
		tr := newTrial(t, "GET /")
		tr.head.Host = nil // as HTTP/1.0 may have it
		tr.run(mustBuild(t, "redirect", &Redirect{302, to})(tr.ok("")))
		wantRefused(t, tr, 400, exchange.Malformed)
	}
}

func TestRedirectSchemeOfTrustedProxy(t *testing.T) {
	for _, tt := range []struct{ sent, want string }{
		{"https", "https"},
		{"HTTP", "http"},
		{"javascript", "http"},
		{"https, http", "http"},
	} {
		tr := newTrial(t, "GET /|X-Forwarded-Proto: "+tt.sent)
		tr.fwd.Trusted = true
		x := tr.run(mustBuild(t, "redirect", &Redirect{302, "{scheme}://{host}/?s={scheme}"})(nil))
		if got := string(x.Response.Fields.Get("Location")); got != tt.want+"://a.test/?s="+tt.want {
			t.Errorf("sent %q: Location %q", tt.sent, got)
		}
	}
}

func TestRedirectAfterStripPrefix(t *testing.T) {
	tr := newTrial(t, "GET /old/a?x")
	chain := mustBuild(t, "redirect", &Redirect{301, "https://b.test{uri}"})(nil)
	x := tr.run(mustBuild(t, "strip_prefix", &StripPrefix{"/old"})(chain))
	if got := string(x.Response.Fields.Get("Location")); got != "https://b.test/a?x" {
		t.Errorf("Location %q", got)
	}
}

func TestRedirectCheck(t *testing.T) {
	for _, tt := range []struct{ to, want string }{
		{"", "does not begin"},
		{"new", "does not begin"},
		{"ftp://b.test/", "does not begin"},
		{"javascript:alert(1)", "does not begin"},
		{"{host}/", "does not begin"},
		{"//b.test/", "without scheme"},
		{"/\\b.test/", "backslash"},
		{"/a\r\nb", "control"},
		{"/%2", "%25"},
		{"https://", "not a host"},
		{"https:///a", "not a host"},
		{"https://u@b.test/", "not a host"},
		{"https://{host}{host}/", "not a host"},
		{"https://b{scheme}/", "not a host"},
		{"https://:id/", "not a host"},
		{"https://b.test:x/", "not a host"},
		{"/{path}", "leave out the one before"},
		{"https://b.test/{uri}", "leave out the one before"},
		{"/a?{query}", "leave that out"},
		{"/a{query}b", "only a fragment"},
		{"{uri}/b", "only a fragment"},
		{"{uri}{query}", "only a fragment"},
		{"{uri}?a=1", "only a fragment"},
		{"/a/{scheme}", "{scheme} can only"},
		{"/a/{name}", "{name} is unknown"},
		{"/a/{host", "without its }"},
		{"/a/host}", "without its {"},
		{"/a#{host}", "fragment"},
		{"/a#b#c", "second #"},
		{"/:/b", "name of a parameter"},
		{"/b?x=:", "name of a parameter"},
		{"/:id.html", "name of a parameter"},
	} {
		problems := (&Redirect{302, tt.to}).Check()
		if len(problems) != 1 || problems[0].Key != "to" || !strings.Contains(problems[0].Message, tt.want) {
			t.Errorf("%q: problems %v, want one with %q", tt.to, problems, tt.want)
		}
	}
	for _, status := range []int{0, 200, 300, 304, 309} {
		problems := (&Redirect{status, "/"}).Check()
		if len(problems) != 1 || problems[0].Key != "status" {
			t.Errorf("status %d: problems %v", status, problems)
		}
	}
	if !(&Redirect{}).Answers() {
		t.Error("a redirect does not answer")
	}
}

// Whatever a client asks for, the Location stays on the host it asked, unless
// the template names another.
func FuzzRedirect(f *testing.F) {
	for _, target := range []string{"/", "//evil.test", `/\evil`, "/%2f/e", "/a/..//e", "/\t/e", "/a?//b", "*"} {
		f.Add(target)
	}
	m := mustBuild(f, "redirect", &Redirect{302, "{uri}"})(nil)
	f.Fuzz(func(t *testing.T, target string) {
		tr := newTrial(t, "GET /")
		tr.head.Origin = []byte(target)
		if !strings.HasPrefix(target, "/") || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }) {
			return // wire refuses it
		}
		x := tr.run(m)
		to := string(x.Response.Fields.Get("Location"))
		switch {
		case x.Response.Status == 400 && to == "":
		case x.Response.Status != 302 || to != target:
			t.Errorf("%q: %d to %q", target, x.Response.Status, to)
		case strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`):
			t.Errorf("%q leads to another host", to)
		}
	})
}

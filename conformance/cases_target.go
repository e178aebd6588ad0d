package main

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

var targetGroups = []Group{
	{"Targets", "A target is forwarded byte for byte. What cannot be a target is refused.", targetCases},
	{"Two readings of a path", "`/admin/*` is answered 403 by the proxy and must not be reached by writing it in another way; " +
		"`/v1/*` loses its prefix and must not be walked out of it. Everything else passes.", readingCases},
	{"Settings for paths", "`limits.paths`: strict refuses what can be read in two ways; normalized forwards what was read. nginx has no setting like the first; " +
		"its second is a proxy_pass with a path, HAProxy's is normalize-uri.", pathSettingCases},
}

// sameTarget is a target that must be forwarded as it came.
func sameTarget(name, ref, t string) Case {
	return passes(name, ref, "GET "+t+" HTTP/1.1\r\nHost: h\r\n\r\n", target(t), field("Host", "h"))
}

// absolute is an absolute-form target that must arrive in origin-form with its own
// Host; or in absolute-form, which says the same.
func absolute(name, ref, method, t, host, origin string) Case {
	return passes(name, ref, method+" "+t+" HTTP/1.1\r\nHost: other\r\n\r\n", either(target(origin), target(t)), field("Host", host))
}

func wrongTarget(name, ref, t string) Case {
	return refuses(name, ref, "400", "GET "+t+" HTTP/1.1\r\nHost: h\r\n\r\n")
}

var targetCases = []Case{
	sameTarget("plain", "RFC 9112 3.2.1", "/a/b/c"),
	sameTarget("empty query", "RFC 3986 3.4", "/a?"),
	sameTarget("query", "RFC 3986 3.4", "/a?b=c&d=%20e+f"),
	sameTarget("two question marks", "RFC 3986 3.4", "/a??b?c"),
	sameTarget("query with slashes and dots", "RFC 3986 3.4", "/a?x=/../b//c"),
	sameTarget("query with a scheme", "fasthttp uri.go", "/a?u=http://z/x"),
	sameTarget("encoded slash", "RFC 3986 2.2", "/a%2Fb"),
	sameTarget("encoded slash in lower case", "RFC 3986 6.2.2.1", "/a%2fb"),
	sameTarget("encoded unreserved letters", "RFC 3986 6.2.2.2", "/%61%2Db"),
	sameTarget("encoded percent", "RFC 3986 2.4", "/a%252Fb"),
	sameTarget("encoded question mark", "RFC 3986 2.2", "/a%3Fb"),
	sameTarget("encoded number sign", "RFC 3986 2.2", "/a%23b"),
	sameTarget("encoded space", "RFC 3986 2.1", "/a%20b"),
	sameTarget("encoded line end", "CRLF injection", "/a%0d%0aX:%20y"),
	sameTarget("encoded UTF-8", "RFC 3986 2.5", "/%E2%82%AC"),
	sameTarget("encoded bytes that are no UTF-8", "RFC 3986 2.5", "/%ff%fe"),
	sameTarget("raw UTF-8", "RFC 9112 3.2", "/\xe2\x82\xac"),
	sameTarget("raw bytes that are no UTF-8", "RFC 9112 3.2", "/\xff\xfe"),
	sameTarget("percent that encodes nothing", "RFC 3986 2.1", "/100%"),
	sameTarget("percent with other letters", "RFC 3986 2.1", "/%zz"),
	sameTarget("empty segments", "RFC 3986 3.3", "/a//b///c"),
	sameTarget("two slashes first", "fasthttp uri.go host confusion", "//a/b"),
	sameTarget("two slashes and a host", "fasthttp uri.go host confusion", "//evil.example/x?u=http://z"),
	sameTarget("trailing slash", "RFC 3986 6.2.3", "/a/"),
	sameTarget("parameters", "RFC 3986 3.3", "/a;x=y/b;z"),
	sameTarget("colon and at", "RFC 3986 3.3", "/a:b@c"),
	sameTarget("quotes, braces and bars", "RFC 9112 3.2", "/a\"{}|^`<>"),
	sameTarget("brackets", "RFC 3986 3.2.2", "/a[1]?b[]=2"),
	sameTarget("plus", "RFC 3986 2.2", "/a+b"),
	sameTarget("dot segment", "RFC 3986 5.2.4", "/a/./b"),
	sameTarget("two dots inside", "RFC 3986 5.2.4", "/a/b/../c"),
	sameTarget("three dots", "RFC 3986 3.3", "/a/.../b"),
	sameTarget("backslash", "RFC 9112 3.2", "/a\\b"),
	sameTarget("8000 bytes", "RFC 9112 3", "/"+strings.Repeat("x", 7999)),
	absolute("absolute-form", "RFC 9112 3.2.2", "GET", "http://h.example/a?b", "h.example", "/a?b"),
	absolute("absolute-form with a port", "RFC 9112 3.2.2", "GET", "http://h.example:81/a", "h.example:81", "/a"),
	absolute("absolute-form without a path", "RFC 9112 3.2.1", "GET", "http://h.example", "h.example", "/"),
	absolute("absolute-form with only a query", "RFC 9112 3.2.1", "GET", "http://h.example?q", "h.example", "/?q"),
	absolute("absolute-form, scheme in upper case", "RFC 3986 3.1", "GET", "HTTP://h.example/", "h.example", "/"),
	absolute("absolute-form with two slashes in the path", "RFC 9112 3.2.2", "GET", "http://h.example//x", "h.example", "//x"),
	absolute("absolute-form of a POST", "RFC 9112 3.2.2", "POST", "http://h.example/p", "h.example", "/p"),
	absolute("absolute-form with https", "RFC 9112 3.2.2", "GET", "https://h.example/", "h.example", "/"),
	absolute("OPTIONS in absolute-form without a path", "RFC 9112 3.2.4", "OPTIONS", "http://h.example", "h.example", "*"),
	passes("asterisk-form", "RFC 9112 3.2.4", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", start("OPTIONS * HTTP/1.1")),
	passes("OPTIONS of a path", "RFC 9110 9.3.7", "OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n", start("OPTIONS /a HTTP/1.1")),
	refuses("asterisk-form with GET", "RFC 9112 3.2.4", "400", "GET * HTTP/1.1\r\nHost: h\r\n\r\n"),
	wrongTarget("fragment", "RFC 9112 3.2", "/a#b"),
	wrongTarget("fragment in a query", "RFC 9112 3.2", "/a?b#c"),
	wrongTarget("only a fragment", "RFC 9112 3.2", "#"),
	wrongTarget("no slash first", "RFC 9112 3.2.1", "a/b"),
	wrongTarget("only a query", "RFC 9112 3.2.1", "?a"),
	wrongTarget("another scheme", "RFC 9112 3.2.2", "ftp://h/"),
	wrongTarget("file scheme", "RFC 9112 3.2.2", "file:///etc/passwd"),
	wrongTarget("scheme without slashes", "RFC 9112 3.2.2", "http:/h/"),
	wrongTarget("absolute-form without a host", "RFC 9110 4.2.1", "http:///a"),
	wrongTarget("absolute-form with userinfo", "RFC 9110 4.2.4", "http://user@h/"),
	wrongTarget("absolute-form with a backslash", "RFC 3986 3.2.2", "http://h\\@other/"),
	wrongTarget("absolute-form with a fragment", "RFC 9112 3.2", "http://h/#a"),
	wrongTarget("authority-form", "RFC 9112 3.2.3", "h:80"),
	wrongTarget("NUL", "RFC 9112 3.2", "/a\x00b"),
	wrongTarget("tab", "RFC 9112 3.2", "/a\tb"),
	wrongTarget("DEL", "RFC 9112 3.2", "/a\x7fb"),
	wrongTarget("escape", "RFC 9112 3.2", "/a\x1bb"),
}

// reads returns what an origin may take a target for that decodes it, takes
// backslashes for slashes and cuts off the parameters of segments.
func reads(target string) string {
	p, _, _ := strings.Cut(target, "?")
	if decoded, err := url.PathUnescape(p); err == nil {
		p = decoded
	}
	segments := strings.Split(strings.ReplaceAll(p, `\`, "/"), "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return path.Clean("/" + strings.Join(segments, "/"))
}

// guarded wants the target, refused or not, never to come to the origin so that it
// may be read as something under /admin.
func guarded(name, ref, t string) Case {
	return Case{Name: name, Ref: ref, Setup: Routed, Steps: []Step{
		send("GET " + t + " HTTP/1.1\r\nHost: h\r\n\r\n"),
		func(p *play) error {
			if err := p.await(p.within, func() bool { return p.arrived() != nil || len(p.client.all) > 0 || p.client.end != nil }); err != nil {
				return fmt.Errorf("no answer in %v", p.within)
			}
			p.Lock()
			forwarded := p.arrived() != nil
			p.Unlock()
			if !forwarded {
				return gets("400 403 404")(p)
			}
			if err := p.nextRequest(); err != nil {
				return err
			}
			if r := reads(p.taken.target()); r == "/admin" || strings.HasPrefix(r, "/admin/") {
				return fmt.Errorf("forwarded %s past the rule", p.taken.target())
			}
			return nil
		},
	}}
}

// unguarded is a target that has nothing to do with /admin and must pass.
func unguarded(name, ref, t string) Case {
	c := passes(name, ref, "GET "+t+" HTTP/1.1\r\nHost: h\r\n\r\n", target(t))
	c.Setup = Routed
	return c
}

// kept wants the rewritten target to stay within the origin's part, or a refusal.
func kept(name, ref, t string) Case {
	c := guarded(name, ref, t)
	c.Name = "prefix: " + name
	return c
}

func rewritten(name, ref, from, to string) Case {
	c := passes("prefix: "+name, ref, "GET "+from+" HTTP/1.1\r\nHost: h\r\n\r\n", target(to))
	c.Setup = Routed
	return c
}

var readingCases = []Case{
	guarded("as it is", "the rule itself", "/admin/x"),
	guarded("without a trailing segment", "the rule itself", "/admin"),
	guarded("dot segments", "RFC 3986 5.2.4", "/x/../admin/y"),
	guarded("encoded dot segments", "CVE-2021-41773", "/x/%2e%2e/admin/y"),
	guarded("half encoded dot segments", "CVE-2021-41773", "/x/.%2e/admin/y"),
	guarded("encoded slash behind dots", "CVE-2021-42013 kin", "/x/..%2fadmin/y"),
	guarded("encoded slash", "RFC 3986 2.2", "/admin%2fy"),
	guarded("encoded slash first", "RFC 3986 2.2", "/%2fadmin/y"),
	guarded("encoded letter", "RFC 3986 6.2.2.2", "/%61dmin/y"),
	guarded("encoded letters in other case", "RFC 3986 6.2.2.1", "/adm%69%6E/y"),
	guarded("two slashes first", "path confusion", "//admin/y"),
	guarded("slash dot slash first", "RFC 3986 5.2.4", "/./admin/y"),
	guarded("encoded dot first", "RFC 3986 5.2.4", "/%2e/admin/y"),
	guarded("backslash", "path confusion", "/x\\..\\admin/y"),
	guarded("backslash first", "path confusion", "/\\admin/y"),
	guarded("encoded backslash", "path confusion", "/x%5c..%5cadmin/y"),
	guarded("in and out and in", "RFC 3986 5.2.4", "/admin/../admin/y"),
	guarded("dots over the root", "RFC 3986 5.2.4", "/../../admin/y"),
	guarded("parameter on dots", "Tomcat ..;/ (Tsai 2018)", "/x/..;/admin/y"),
	guarded("parameter on dots with a value", "Tomcat ..;/ (Tsai 2018)", "/x/..;a=b/admin/y"),
	guarded("parameter on the segment", "Tomcat path parameters (Tsai 2018)", "/admin;a/y"),
	guarded("parameter on an empty segment", "Tomcat path parameters (Tsai 2018)", "/;a/admin/y"),
	guarded("absolute-form", "RFC 9112 3.2.2", "http://h/admin/y"),
	guarded("absolute-form with dots", "RFC 9112 3.2.2", "http://h/x/../admin/y"),
	guarded("encoded NUL behind it", "NUL truncation", "/admin%00/y"),
	unguarded("a name that only starts alike", "segment boundary", "/administrator"),
	unguarded("encoded slash elsewhere", "RFC 3986 2.2", "/files/a%2Fb"),
	unguarded("double encoding elsewhere", "RFC 3986 2.4", "/files/%252e%252e/x"),
	unguarded("the name in a query", "RFC 3986 3.4", "/x?/../admin"),
	unguarded("the name deeper", "RFC 3986 3.3", "/x/admin/y"),
	unguarded("parameters elsewhere", "RFC 3986 3.3", "/files;v=1/x"),
	rewritten("taken away", "strip_prefix", "/v1/users", "/users"),
	rewritten("taken away from its root", "strip_prefix", "/v1/", "/"),
	rewritten("encoded slash kept", "strip_prefix", "/v1/a%2Fb?c", "/a%2Fb?c"),
	rewritten("empty query kept", "strip_prefix", "/v1/a?", "/a?"),
	kept("dots walk to admin", "alias traversal (Tsai 2018)", "/v1/../admin/y"),
	kept("dots behind the prefix", "alias traversal (Tsai 2018)", "/v1../admin/y"),
	kept("encoded dots walk to admin", "alias traversal (Tsai 2018)", "/v1/%2e%2e/admin/y"),
	kept("encoded slash walks to admin", "alias traversal (Tsai 2018)", "/v1/..%2fadmin/y"),
}

// strictly is a target that is refused by the setting.
func strictly(name, ref, t string) Case {
	c := refuses("strict: "+name, ref, "400", "GET "+t+" HTTP/1.1\r\nHost: h\r\n\r\n")
	c.Setup = Strict
	c.Steps[1] = func(p *play) error {
		if !p.strict {
			return errNoSetting
		}
		// The connection may live on: nothing is wrong with its framing.
		return sequence(gets("400"), untouched)(p)
	}
	return c
}

func strictlyKept(name, ref, t string) Case {
	c := unguarded("strict: "+name, ref, t)
	c.Setup = Strict
	return c
}

func normalized(name, ref, from, to string) Case {
	c := passes("normalized: "+name, ref, "GET "+from+" HTTP/1.1\r\nHost: h\r\n\r\n", func(m *message) error {
		if strings.EqualFold(m.target(), to) {
			return nil // the case of hexadecimal digits is a matter of taste
		}
		return target(to)(m)
	})
	c.Setup = Normalized
	return c
}

func normalizedGuarded(name, ref, t string) Case {
	c := guarded("normalized: "+name, ref, t)
	c.Setup = Normalized
	return c
}

var pathSettingCases = []Case{
	strictly("dot segments", "RFC 3986 5.2.4", "/a/../b"),
	strictly("one dot", "RFC 3986 5.2.4", "/a/./b"),
	strictly("encoded dot segments", "RFC 3986 6.2.2.2", "/a/%2e%2e/b"),
	strictly("encoded slash", "RFC 3986 2.2", "/a%2Fb"),
	strictly("encoded backslash", "path confusion", "/a%5Cb"),
	strictly("backslash", "path confusion", "/a\\b"),
	strictly("encoded NUL", "NUL truncation", "/a%00b"),
	strictlyKept("encoded space", "RFC 3986 2.1", "/a%20b"),
	strictlyKept("encoded question mark", "RFC 3986 2.2", "/a%3Fb"),
	strictlyKept("name that starts with a dot", "RFC 8615 3", "/.well-known/x"),
	strictlyKept("dots inside a name", "RFC 3986 3.3", "/a..b/..."),
	strictlyKept("anything in a query", "RFC 3986 3.4", "/a?b=/../%2F\\"),
	normalized("plain", "RFC 3986 6.2", "/a/b", "/a/b"),
	normalized("dot segments", "RFC 3986 5.2.4", "/a/../b", "/b"),
	normalized("one dot", "RFC 3986 5.2.4", "/a/./b", "/a/b"),
	normalized("dots over the root", "RFC 3986 5.2.4", "/../../a", "/a"),
	normalized("encoded dots", "RFC 3986 6.2.2.2", "/a/%2e%2e/b", "/b"),
	normalized("encoded letters", "RFC 3986 6.2.2.2", "/%61%62", "/ab"),
	normalized("empty segments", "RFC 3986 6.2.3", "/a//b", "/a/b"),
	normalized("encoded space stays encoded", "RFC 3986 2.1", "/a%20b", "/a%20b"),
	normalized("encoded percent stays encoded", "RFC 3986 2.4", "/a%25%32e", "/a%252e"),
	normalized("encoded question mark stays encoded", "RFC 3986 2.2", "/a%3fb?c", "/a%3Fb?c"),
	normalized("encoded number sign stays encoded", "RFC 3986 2.2", "/a%23b", "/a%23b"),
	normalized("encoded line end stays encoded", "CRLF injection", "/a%0d%0aX:b", "/a%0D%0AX:b"),
	normalized("UTF-8 stays encoded", "RFC 3986 2.5", "/%e2%82%ac", "/%E2%82%AC"),
	normalized("query as it came", "RFC 3986 3.4", "/a/../b?x=/../%61//", "/b?x=/../%61//"),
	normalized("empty query", "RFC 3986 3.4", "/a/../b?", "/b?"),
	normalized("trailing slash", "RFC 3986 6.2.3", "/a/../b/", "/b/"),
	normalized("prefix taken away", "strip_prefix", "/v1/a/../b", "/b"),
	normalizedGuarded("dots to a rule", "RFC 3986 5.2.4", "/x/../admin/y"),
	normalizedGuarded("encoded slash to a rule", "RFC 3986 2.2", "/x/..%2fadmin/y"),
	normalizedGuarded("backslash to a rule", "path confusion", "/x\\..\\admin/y"),
	normalizedGuarded("dots out of a prefix", "alias traversal (Tsai 2018)", "/v1/../admin/y"),
	normalizedGuarded("double encoding", "double decoding", "/%252e%252e/%2561dmin"),
}

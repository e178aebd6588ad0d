package main

var forwardingGroups = []Group{
	{"Hop by hop, to the origin", "What is meant for the next hop alone ends here, and what Connection names; but nobody can have a field " +
		"taken away by it that framing or trust depends on.", hopRequestCases},
	{"Hop by hop, to the client", "The same on the way back.", hopResponseCases},
	{"Who the client is", "Forwarding fields of a client that is not a trusted proxy are replaced; those of one that is are kept and added to.", forwardedCases},
}

// without is a GET whose lines must not reach the origin.
func without(name, ref, line string, names ...string) Case {
	return passes(name, ref, getWith(line), lacks(names...))
}

var hopRequestCases = []Case{
	without("Connection: X takes X away", "RFC 9110 7.6.1", "X: secret\r\nConnection: X\r\n", "X"),
	without("in other cases", "RFC 9110 7.6.1", "x-Foo: secret\r\nconnection: X-FOO\r\n", "X-Foo"),
	without("on a list", "RFC 9110 7.6.1", "X: 1\r\nY: 2\r\nConnection: close , X,,Y\r\n", "X", "Y"),
	without("on several lines", "RFC 9110 7.6.1", "X: 1\r\nConnection: X\r\nY: 2\r\nConnection: Y\r\n", "X", "Y"),
	without("every line of the name", "RFC 9110 7.6.1", "X: 1\r\nX: 2\r\nConnection: X\r\nX: 3\r\n", "X"),
	without("Keep-Alive", "RFC 9110 7.6.1", "Keep-Alive: timeout=5\r\n", "Keep-Alive"),
	without("Proxy-Connection", "RFC 9110 7.6.1", "Proxy-Connection: keep-alive\r\n", "Proxy-Connection"),
	without("Proxy-Authorization", "RFC 9110 11.7.2", "Proxy-Authorization: Basic dTpw\r\n", "Proxy-Authorization"),
	without("Upgrade to another protocol", "RFC 9110 7.8", "Connection: Upgrade\r\nUpgrade: foo/2\r\n", "Upgrade"),
	without("h2c upgrade", "GHSA-w4v4-9rw7-5326; h2c smuggling", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "Upgrade", "HTTP2-Settings"),
	without("HTTP2-Settings that Connection does not name", "h2c smuggling", "Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", "Upgrade", "HTTP2-Settings"),
	without("TE: gzip", "RFC 9110 10.1.4", "TE: gzip\r\nConnection: TE\r\n", "TE"),
	passes("TE: trailers stays", "RFC 9110 10.1.4", getWith("TE: trailers\r\nConnection: TE\r\n"), field("TE", "trailers")),
	passes("TE is named by Connection", "RFC 9110 10.1.4", getWith("TE: trailers\r\nConnection: TE\r\n"), either(lacks("TE"), connection("te", true))),
	passes("TE: trailers of a list stays", "RFC 9110 10.1.4", getWith("TE: gzip, trailers;q=0.5\r\nConnection: TE\r\n"), either(field("TE", "trailers"), lacks("TE"))),
	without("Upgrade without Connection", "RFC 9110 7.8", "Upgrade: websocket\r\n", "Upgrade"),
	passes("Connection: Host leaves Host", "RFC 9110 7.6.1; hop-by-hop abuse", getWith("Connection: Host\r\n"), field("Host", "h")),
	passes("Connection: Content-Length leaves the framing", "CVE-2026-6338", postHead+"Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc", body("abc")),
	passes("Connection: Transfer-Encoding leaves the framing", "RFC 9110 7.6.1", postHead+"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", body("abc")),
	passes("Connection: X-Forwarded-For leaves it", "CVE-2022-31813", getWith("Connection: X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto\r\n"), field("X-Forwarded-For", "127.0.0.1"), field("X-Forwarded-Host", "h"), field("X-Forwarded-Proto", "http")),
	passes("Connection: close is ours alone", "RFC 9112 9.6", getWith("Connection: close\r\nX: y\r\n"), field("X", "y")),
	passes("empty Connection", "RFC 9110 7.6.1", getWith("Connection:\r\n")),
	passes("Connection of commas", "RFC 9110 5.6.1", getWith("Connection: ,, ,\r\nX: y\r\n"), field("X", "y")),
	passes("Trailer of a chunked request", "RFC 9110 6.6.2", postHead+"Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n\r\n"),
	passes("Expect is not passed on twice", "RFC 9110 10.1.1", postHead+"Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc", body("abc")),
	passes("end-to-end fields beside them stay", "RFC 9110 7.6.1", getWith("Connection: keep-alive, X\r\nX: 1\r\nX-Y: 2\r\nCookie: c\r\n"), lacks("X"), field("X-Y", "2"), field("Cookie", "c")),
}

// back is a response whose lines must not reach the client.
func back(name, ref, lines string, names ...string) Case {
	return answers(name, ref, reply(lines), lacks(names...))
}

var hopResponseCases = []Case{
	back("Connection: X takes X away", "RFC 9110 7.6.1", "X: secret\r\nConnection: X\r\n", "X"),
	back("on a list in other cases", "RFC 9110 7.6.1", "X: 1\r\nY: 2\r\nConnection: keep-alive, x ,Y\r\n", "X", "Y"),
	back("Keep-Alive", "RFC 9110 7.6.1", "Keep-Alive: timeout=5\r\nConnection: Keep-Alive\r\n", "Keep-Alive"),
	back("Keep-Alive that Connection does not name", "RFC 9110 7.6.1", "Keep-Alive: timeout=77, max=3\r\n", "Keep-Alive"),
	back("Proxy-Connection", "RFC 9110 7.6.1", "Proxy-Connection: close\r\n", "Proxy-Connection"),
	back("Upgrade", "RFC 9110 7.8", "Connection: Upgrade\r\nUpgrade: h2, h2c\r\n", "Upgrade"),
	back("TE", "RFC 9110 10.1.4", "TE: trailers\r\n", "TE"),
	{Name: "Connection: close of the origin is not the client's", Ref: "RFC 9112 9.6", Steps: []Step{
		send(get), takes(), replies(reply("Connection: close\r\n")), gets("200", body("ok")), again,
	}},
	{Name: "Connection: close of the client is not the origin's", Ref: "RFC 9112 9.6", Steps: []Step{
		send(getWith("Connection: close\r\n")), takes(), replies(ok), gets("200"), closesCleanly, another,
	}},
	answers("Connection: Content-Length leaves the framing", "CVE-2026-6338", reply("Connection: Content-Length\r\n"), body("ok")),
	answers("Transfer-Encoding is each connection's own", "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", body("ok")),
	answers("Proxy-Authenticate stays", "RFC 9110 11.7.1", "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"),
}

// claims is a request with forwarding fields of its own.
func claims(name, ref string, s Setup, lines string, checks ...check) Case {
	c := passes(name, ref, getWith(lines), checks...)
	c.Setup = s
	return c
}

var forwardedCases = []Case{
	claims("none sent", "de facto", Plain, "", field("X-Forwarded-For", "127.0.0.1"), field("X-Forwarded-Proto", "http"), field("X-Forwarded-Host", "h")),
	claims("X-Forwarded-For not trusted", "spoofing", Plain, "X-Forwarded-For: 1.2.3.4\r\n", field("X-Forwarded-For", "127.0.0.1")),
	claims("X-Forwarded-For not trusted, several lines", "spoofing", Plain, "X-Forwarded-For: 1.2.3.4\r\nx-forwarded-for: 5.6.7.8\r\n", field("X-Forwarded-For", "127.0.0.1")),
	claims("X-Forwarded-Proto not trusted", "spoofing", Plain, "X-Forwarded-Proto: https\r\n", field("X-Forwarded-Proto", "http")),
	claims("X-Forwarded-Host not trusted", "spoofing", Plain, "X-Forwarded-Host: evil\r\n", field("X-Forwarded-Host", "h")),
	claims("Forwarded not trusted", "RFC 7239 8.1", Plain, "Forwarded: for=1.2.3.4;proto=https\r\n", lacks("Forwarded")),
	claims("all at once, not trusted", "spoofing", Plain, "X-Forwarded-For: 1\r\nX-Forwarded-Host: 2\r\nX-Forwarded-Proto: 3\r\nForwarded: for=4\r\n",
		field("X-Forwarded-For", "127.0.0.1"), field("X-Forwarded-Host", "h"), field("X-Forwarded-Proto", "http"), lacks("Forwarded")),
	claims("written with underscores, not trusted", "header spoofing (CVE-2015-0219)", Plain, "X_Forwarded_For: 1.2.3.4\r\nX-Forwarded_Proto: https\r\nx_forwarded-host: evil\r\n",
		lacks("X_Forwarded_For", "X-Forwarded_Proto", "X_Forwarded-Host"), field("X-Forwarded-For", "127.0.0.1")),
	claims("none sent by a trusted proxy", "de facto", Trusted, "", field("X-Forwarded-For", "127.0.0.1"), field("X-Forwarded-Proto", "http"), field("X-Forwarded-Host", "h")),
	claims("X-Forwarded-For trusted", "de facto", Trusted, "X-Forwarded-For: 1.2.3.4\r\n",
		either(field("X-Forwarded-For", "1.2.3.4, 127.0.0.1"), field("X-Forwarded-For", "1.2.3.4", "127.0.0.1"))),
	claims("X-Forwarded-For trusted, a list", "de facto", Trusted, "X-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n",
		either(field("X-Forwarded-For", "1.2.3.4, 5.6.7.8, 127.0.0.1"), field("X-Forwarded-For", "1.2.3.4, 5.6.7.8", "127.0.0.1"))),
	claims("X-Forwarded-For trusted, several lines in order", "fasthttp Header.Del reorders", Trusted, "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5.6.7.8\r\nKeep-Alive: x\r\n",
		func(m *message) error {
			return field("all", "1.2.3.4, 5.6.7.8, 127.0.0.1")(&message{lines: []string{"all: " + joined(m.values("X-Forwarded-For"))}})
		}),
	claims("X-Forwarded-Proto trusted", "de facto", Trusted, "X-Forwarded-Proto: https\r\n", field("X-Forwarded-Proto", "https")),
	claims("X-Forwarded-Host trusted", "de facto", Trusted, "X-Forwarded-Host: outer\r\n", field("X-Forwarded-Host", "outer")),
	claims("trusted, and named by Connection", "CVE-2022-31813", Trusted, "Connection: X-Forwarded-For\r\nX-Forwarded-For: 1.2.3.4\r\n",
		either(field("X-Forwarded-For", "1.2.3.4, 127.0.0.1"), field("X-Forwarded-For", "1.2.3.4", "127.0.0.1"))),
}

package main

import "strings"

var transparencyGroups = []Group{
	{"Requests as they came", "Fields that are not the proxy's business reach the origin byte for byte and in their order.", requestAsIsCases},
	{"Responses as they came", "So do those of responses reach the client.", responseAsIsCases},
}

func methodKept(name, m string) Case {
	return passes("method "+name, "RFC 9110 9.1", m+" /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", start(m+" /x HTTP/1.1"))
}

var requestAsIsCases = []Case{
	passes("order of fields", "RFC 9110 5.3", getWith("B: 1\r\nA: 2\r\nUser-Agent: u\r\nC: 3\r\nAccept: */*\r\n"), lines("B: 1", "A: 2", "User-Agent: u", "C: 3", "Accept: */*")),
	passes("case of names", "RFC 9110 5.1", getWith("x-LOWER-Upper: 1\r\nETAG: 2\r\nuser-agent: 3\r\n"), spelt("x-LOWER-Upper: 1", "ETAG: 2", "user-agent: 3")),
	passes("repeated fields apart and in order", "RFC 9110 5.3", getWith("X: 1\r\nY: 0\r\nX: 2\r\nX: 1\r\n"), lines("X: 1", "Y: 0", "X: 2", "X: 1")),
	passes("repeated User-Agent", "RFC 9110 5.3", getWith("User-Agent: a\r\nUser-Agent: b\r\n"), field("User-Agent", "a", "b")),
	passes("repeated Content-Type", "RFC 9110 5.3", postHead+"Content-Type: a\r\nContent-Type: b\r\nContent-Length: 0\r\n\r\n", field("Content-Type", "a", "b")),
	passes("repeated Cookie", "RFC 6265 5.4", getWith("Cookie: a=1\r\nCookie: b=2\r\n"), field("Cookie", "a=1", "b=2")),
	passes("odd cookies", "RFC 6265 5.4", getWith("Cookie: a; =b; c=\"d; e\"; a=2\r\n"), field("Cookie", "a; =b; c=\"d; e\"; a=2")),
	passes("empty value", "RFC 9110 5.5", getWith("X:\r\nY: \r\n"), field("X", ""), field("Y", "")),
	passes("empty User-Agent", "RFC 9110 10.1.5", getWith("User-Agent:\r\n"), field("User-Agent", "")),
	passes("no User-Agent, none made up", "RFC 9110 10.1.5", get, lacks("User-Agent", "Accept", "Accept-Encoding", "Content-Type")),
	passes("no Content-Type, none made up", "RFC 9110 8.3", postHead+"Content-Length: 3\r\n\r\nabc", lacks("Content-Type")),
	passes("obs-text in a value", "RFC 9110 5.5", getWith("X: \xe4\xff\r\n"), field("X", "\xe4\xff")),
	passes("tab in a value", "RFC 9110 5.5", getWith("X: a\tb\r\n"), field("X", "a\tb")),
	passes("spaces inside a value", "RFC 9110 5.5", getWith("X: a  b   c\r\n"), field("X", "a  b   c")),
	passes("no space after the colon", "RFC 9112 5", getWith("X:y\r\n"), field("X", "y")),
	passes("colons in a value", "RFC 9110 5.5", getWith("X: a:b: c\r\n"), field("X", "a:b: c")),
	passes("name of every token character", "RFC 9110 5.6.2", getWith("!#$%&'*+-.^_`|~09az: y\r\n"), field("!#$%&'*+-.^_`|~09az", "y")),
	passes("name with an underscore", "RFC 9110 5.1", getWith("X_Y: z\r\n"), field("X_Y", "z")),
	passes("name with a dot", "RFC 9110 5.1", getWith("X.Y: z\r\n"), field("X.Y", "z")),
	passes("numeric name", "RFC 9110 5.1", getWith("42: z\r\n"), field("42", "z")),
	passes("Authorization", "RFC 9110 11.6.2", getWith("Authorization: Basic dTpw\r\n"), field("Authorization", "Basic dTpw")),
	passes("Accept-Encoding", "RFC 9110 12.5.3", getWith("Accept-Encoding: gzip;q=0.5, br, *;q=0\r\n"), field("Accept-Encoding", "gzip;q=0.5, br, *;q=0")),
	passes("Range", "RFC 9110 14.2", getWith("Range: bytes=0-1,-5\r\nIf-Range: \"x\"\r\n"), field("Range", "bytes=0-1,-5"), field("If-Range", "\"x\"")),
	passes("conditions", "RFC 9110 13.1", getWith("If-None-Match: \"a\", W/\"b\"\r\nIf-Modified-Since: nonsense\r\n"), field("If-None-Match", "\"a\", W/\"b\""), field("If-Modified-Since", "nonsense")),
	passes("Cache-Control and Pragma", "RFC 9111 5.2", getWith("Cache-Control: no-cache\r\nPragma: no-cache\r\n"), field("Cache-Control", "no-cache"), field("Pragma", "no-cache")),
	passes("Via of others", "RFC 9110 7.6.3", getWith("Via: 1.1 a, 1.0 b\r\n"), lines("Via: 1.1 a, 1.0 b")),
	passes("Referer and Origin", "RFC 9110 10.1.3", getWith("Referer: http://a/b?c\r\nOrigin: null\r\n"), field("Referer", "http://a/b?c"), field("Origin", "null")),
	passes("Content-Encoding of the body", "RFC 9110 8.4", postHead+"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08", field("Content-Encoding", "gzip"), body("\x1f\x8b\x08")),
	methodKept("PATCH", "PATCH"), methodKept("PUT", "PUT"), methodKept("PROPFIND", "PROPFIND"), methodKept("QUERY", "QUERY"),
	methodKept("in lower case", "get"), methodKept("with odd characters", "X-FOO!"), methodKept("of one letter", "X"),
	methodKept("of 24 letters", strings.Repeat("M", 24)), methodKept("PURGE", "PURGE"),
}

// reply is a response of length 2 with more field lines.
func reply(lines string) string { return "HTTP/1.1 200 OK\r\n" + lines + "Content-Length: 2\r\n\r\nok" }

var responseAsIsCases = []Case{
	answers("order of fields", "RFC 9110 5.3", reply("B: 1\r\nServer: s\r\nA: 2\r\nContent-Type: t\r\nC: 3\r\n"), lines("B: 1", "Server: s", "A: 2", "Content-Type: t", "C: 3")),
	answers("case of names", "RFC 9110 5.1", reply("x-LOWER-Upper: 1\r\nETAG: 2\r\ncontent-TYPE: 3\r\n"), spelt("x-LOWER-Upper: 1", "ETAG: 2", "content-TYPE: 3")),
	answers("Set-Cookie repeated", "RFC 6265 3", reply("Set-Cookie: a=1\r\nSet-Cookie: b=2; Path=/\r\nSet-Cookie: a=3\r\n"), field("Set-Cookie", "a=1", "b=2; Path=/", "a=3")),
	answers("Set-Cookie with a comma", "RFC 6265 4.1", reply("Set-Cookie: a=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT\r\n"), field("Set-Cookie", "a=1; Expires=Wed, 09 Jun 2032 10:18:14 GMT")),
	answers("WWW-Authenticate repeated", "RFC 9110 11.6.1", "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\nContent-Length: 0\r\n\r\n", field("WWW-Authenticate", "Basic", "Digest")),
	answers("Content-Encoding repeated", "RFC 9110 8.4", reply("Content-Encoding: gzip\r\nContent-Encoding: br\r\n"), field("Content-Encoding", "gzip", "br")),
	answers("Content-Type repeated", "RFC 9110 5.3", reply("Content-Type: a\r\nContent-Type: b\r\n"), field("Content-Type", "a", "b")),
	answers("Server repeated", "RFC 9110 10.2.4", reply("Server: a\r\nServer: b\r\n"), field("Server", "a", "b")),
	answers("Date and Server of the origin", "RFC 9110 6.6.1", reply("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: origin/1\r\n"), field("Date", "Sun, 06 Nov 1994 08:49:37 GMT"), field("Server", "origin/1")),
	answers("Date that is none", "RFC 9110 6.6.1", reply("Date: soon\r\n"), field("Date", "soon")),
	answers("no Content-Type, none made up", "RFC 9110 8.3", ok, lacks("Content-Type")),
	answers("no Server, none made up", "RFC 9110 10.2.4", ok, lacks("Server")),
	answers("empty value", "RFC 9110 5.5", reply("X:\r\nContent-Type:\r\n"), field("X", ""), field("Content-Type", "")),
	answers("obs-text in a value", "RFC 9110 5.5", reply("X: \xe4\xff\r\n"), field("X", "\xe4\xff")),
	answers("Location as it is", "RFC 9110 10.2.2", "HTTP/1.1 302 Found\r\nLocation: //other/../x?y#z\r\nContent-Length: 0\r\n\r\n", field("Location", "//other/../x?y#z")),
	answers("reason phrase unknown", "RFC 9112 4", "HTTP/1.1 200 All Right Then\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 200 All Right Then")),
	answers("reason phrase with obs-text", "RFC 9112 4", "HTTP/1.1 200 \xfcber\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 200 \xfcber")),
	answers("reason phrase empty", "RFC 9112 4", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", either(start("HTTP/1.1 200 "), start("HTTP/1.1 200"))),
	answers("status 299", "RFC 9110 15", "HTTP/1.1 299 Odd\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 299 Odd"), body("ok")),
	answers("status 418", "RFC 9110 15.5.19", "HTTP/1.1 418 I'm a teapot\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 418 I'm a teapot"), body("ok")),
	answers("status 499", "RFC 9110 15", "HTTP/1.1 499 Odd\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 499 Odd")),
	answers("status 599", "RFC 9110 15", "HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 599 Odd")),
	answers("status 799", "RFC 9110 15", "HTTP/1.1 799 Odd\r\nContent-Length: 2\r\n\r\nok", start("HTTP/1.1 799 Odd"), body("ok")),
	answers("206 with its range", "RFC 9110 15.3.7", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nok", field("Content-Range", "bytes 0-1/9"), body("ok")),
	answers("500 with a body", "RFC 9110 15.6.1", "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\nno", start("HTTP/1.1 500 Oops"), body("no")),
	answers("503 with Retry-After", "RFC 9110 10.2.3", "HTTP/1.1 503 Busy\r\nRetry-After: 9\r\nContent-Length: 2\r\n\r\nno", field("Retry-After", "9"), body("no")),
	answers("gzip body untouched", "RFC 9110 8.4", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00", field("Content-Encoding", "gzip"), body("\x1f\x8b\x08\x00"), framed(byLength)),
	answers("body of zeros", "RFC 9112 6.2", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\x00\x00\x00", body("\x00\x00\x00")),
	answers("1 MiB by Content-Length", "RFC 9112 6.2", "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<20), bodyLength(1<<20), framed(byLength)),
	answers("head of 20 KiB", "RFC 9112 5", reply(strings.Repeat("X: "+strings.Repeat("y", 997)+"\r\n", 20))),
	answers("cookie of 12 KiB", "RFC 6265 6.1", reply("Set-Cookie: a="+strings.Repeat("y", 12<<10)+"\r\n")),
	answers("X-Accel and X-Sendfile names", "transparency", reply("X-Accel-Expires: 0\r\nX-Sendfile: a\r\n"), field("X-Accel-Expires", "0"), field("X-Sendfile", "a")),
	answers("Via of the origin", "RFC 9110 7.6.3", reply("Via: 1.0 x\r\n"), lines("Via: 1.0 x")),
	answers("Alt-Svc and security fields", "transparency", reply("Alt-Svc: clear\r\nStrict-Transport-Security: max-age=1\r\n"), field("Alt-Svc", "clear"), field("Strict-Transport-Security", "max-age=1")),
}

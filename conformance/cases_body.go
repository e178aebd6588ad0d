package main

import "strings"

var chunkCases = []Case{
	breaks("size with a minus", "RFC 9112 7.1", "-3\r\nabc\r\n0\r\n\r\n"),
	breaks("size with a plus", "RFC 9112 7.1", "+3\r\nabc\r\n0\r\n\r\n"),
	breaks("size with 0x", "RFC 9112 7.1", "0x3\r\nabc\r\n0\r\n\r\n"),
	breaks("size with an underscore", "RFC 9112 7.1", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
	breaks("size empty", "RFC 9112 7.1", "\r\nabc\r\n0\r\n\r\n"),
	breaks("size only an extension", "RFC 9112 7.1", ";x\r\nabc\r\n0\r\n\r\n"),
	breaks("size that is no number", "RFC 9112 7.1", "G\r\nabc\r\n0\r\n\r\n"),
	breaks("size with a letter behind it", "RFC 9112 7.1", "3z\r\nabc\r\n0\r\n\r\n"),
	breaks("size beyond 64 bits", "RFC 9112 7.1", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
	breaks("size beyond 32 bits that wraps", "CVE-2013-2028 kin", "FFFFFFFFFFFFFFFD\r\nabc\r\n0\r\n\r\n"),
	dubious("size of very many zeros", "RFC 9112 7.1", strings.Repeat("0", 70000)+"3\r\nabc\r\n0\r\n\r\n"),
	breaks("space before the size", "RFC 9112 7.1", " 3\r\nabc\r\n0\r\n\r\n"),
	dubious("tab after the size", "RFC 9112 7.1", "3\t\r\nabc\r\n0\r\n\r\n"),
	dubious("space after the size", "RFC 9112 7.1; stricter", "3 \r\nabc\r\n0\r\n\r\n"),
	breaks("NUL after the size", "RFC 9112 7.1", "3\x00\r\nabc\r\n0\r\n\r\n"),
	breaks("bare LF after the size", "RFC 9112 7.1; TERM.EXT", "3\nabc\r\n0\r\n\r\n"),
	breaks("bare CR after the size", "RFC 9112 7.1", "3\rabc\r\n0\r\n\r\n"),
	breaks("CR CR LF after the size", "RFC 9112 7.1", "3\r\r\nabc\r\n0\r\n\r\n"),
	breaks("LF in an extension", "fasthttp PR 1899; TERM.EXT", "3;x\ny\r\nabc\r\n0\r\n\r\n"),
	breaks("bare CR in an extension", "CVE-2025-22871 kin", "3;x\ry\r\nabc\r\n0\r\n\r\n"),
	dubious("NUL in an extension", "RFC 9112 7.1.1", "3;\x00\r\nabc\r\n0\r\n\r\n"),
	dubious("extension without end", "RFC 9112 7.1.1; CVE-2023-39326", "3;"+strings.Repeat("x", 70000)+"\r\nabc\r\n0\r\n\r\n"),
	breaks("no CRLF after the data", "RFC 9112 7.1", "3\r\nabc0\r\n\r\n"),
	breaks("bare LF after the data", "RFC 9112 7.1", "3\r\nabc\n0\r\n\r\n"),
	breaks("other two bytes after the data", "RFC 9112 7.1; SPILL", "3\r\nabcXX0\r\n\r\n"),
	breaks("longer data than the size", "RFC 9112 7.1", "3\r\nabcd\r\n0\r\n\r\n"),
	breaks("bare LF after the last chunk", "RFC 9112 7.1", "3\r\nabc\r\n0\n\r\n"),
	breaks("bare LF ends the trailer section", "RFC 9112 7.1", "3\r\nabc\r\n0\r\n\n"+get),
	dubious("space before a trailer's colon", "RFC 9112 5.1", "3\r\nabc\r\n0\r\nX : y\r\n\r\n"),
	dubious("folded trailer", "RFC 9112 5.2", "3\r\nabc\r\n0\r\nX: y\r\n z\r\n\r\n"),
	dubious("NUL in a trailer", "RFC 9110 5.5", "3\r\nabc\r\n0\r\nX: \x00\r\n\r\n"),
	dubious("trailer without a colon", "RFC 9112 5", "3\r\nabc\r\n0\r\nGET / HTTP/1.1\r\n\r\n"),
	dubious("trailer section without end", "RFC 9112 7.1.2", "3\r\nabc\r\n0\r\nX: "+strings.Repeat("y", 70000)+"\r\n\r\n"),
}

var bodyCases = []Case{
	passes("Content-Length", "RFC 9112 6.2", postHead+"Content-Length: 3\r\n\r\nabc", body("abc"), framed(byLength)),
	passes("Content-Length with zeros before it, told in one way", "RFC 9110 8.6", postHead+"Content-Length: 0003\r\n\r\nabc", body("abc")),
	passes("Content-Length with tabs and spaces around it", "RFC 9110 5.5", postHead+"Content-Length: \t 3 \t\r\n\r\nabc", body("abc")),
	passes("Content-Length 0", "RFC 9110 8.6", postHead+"Content-Length: 0\r\n\r\n", field("Content-Length", "0")),
	passes("POST without any length", "RFC 9112 6.3", postHead+"\r\n", body("")),
	passes("chunked", "RFC 9112 7.1", chunked+"3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", body("abcdefg")),
	passes("chunked in other cases", "RFC 9112 7", postHead+"transfer-ENCODING: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", body("abc")),
	passes("chunked with spaces and a tab around it", "RFC 9110 5.5", postHead+"Transfer-Encoding: \t chunked \t\r\n\r\n3\r\nabc\r\n0\r\n\r\n", body("abc")),
	passes("chunked and empty", "RFC 9112 7.1", chunked+"0\r\n\r\n", body("")),
	passes("sizes with zeros before them", "RFC 9112 7.1", chunked+"0003\r\nabc\r\n00\r\n\r\n", body("abc")),
	passes("sizes in upper and lower case", "RFC 9112 7.1", chunked+"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", body("01234567890123456789")),
	passes("last chunk of several zeros", "RFC 9112 7.1", chunked+"1\r\na\r\n000\r\n\r\n", body("a")),
	passes("extension", "RFC 9112 7.1.1", chunked+"3;x=y\r\nabc\r\n0;z\r\n\r\n", body("abc")),
	passes("extension with a quoted string", "RFC 9112 7.1.1", chunked+"3;x=\"a;b\"\r\nabc\r\n0\r\n\r\n", body("abc")),
	passes("chunks that look like framing", "RFC 9112 7.1", chunked+"5\r\n0\r\n\r\n\r\n0\r\n\r\n", body("0\r\n\r\n")),
	passes("body that looks like a request", "RFC 9112 6.3", postHead+"Content-Length: 32\r\n\r\nGET /x HTTP/1.1\r\nHost: other\r\n\r\n",
		body("GET /x HTTP/1.1\r\nHost: other\r\n\r\n")),
	passes("body of zeros", "RFC 9112 6.2", postHead+"Content-Length: 4\r\n\r\n\x00\x00\x00\x00", body("\x00\x00\x00\x00")),
	passes("1 MiB by Content-Length", "RFC 9112 6.2", postHead+"Content-Length: 1048576\r\n\r\n"+strings.Repeat("x", 1<<20), bodyLength(1<<20)),
	passes("1 MiB in chunks of 1000 bytes", "RFC 9112 7.1",
		chunked+strings.Repeat("3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 1048)+"0\r\n\r\n", bodyLength(1048000)),
	passes("1000 chunks of one byte", "RFC 9112 7.1", chunked+strings.Repeat("1\r\nx\r\n", 1000)+"0\r\n\r\n", bodyLength(1000)),
	passes("on GET", "RFC 9110 9.3.1", getWith("Content-Length: 3\r\n")+"abc", body("abc")),
	passes("on GET, chunked", "RFC 9110 9.3.1", getWith("Transfer-Encoding: chunked\r\n")+"3\r\nabc\r\n0\r\n\r\n", body("abc")),
	passes("on DELETE", "RFC 9110 9.3.5", "DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", body("abc")),
	passes("on OPTIONS", "RFC 9110 9.3.7", "OPTIONS / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", body("abc")),
	passes("on a method nobody knows", "RFC 9110 9.1", "FROB / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", body("abc"), start("FROB / HTTP/1.1")),
	{Name: "on HEAD", Ref: "RFC 9110 9.3.2", Steps: []Step{
		send("HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"), takes(body("abc")),
		replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), getsToHead("200"), again,
	}},
	{Name: "on HTTP/1.0", Ref: "RFC 9112 6.2", Steps: []Step{
		send("POST / HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"), takes(body("abc")), replies(ok), gets("200", body("ok")), closes,
	}},
	{Name: "sent byte by byte", Ref: "RFC 9112 7.1", Steps: []Step{
		sendSingly(chunked + "3\r\nabc\r\nA;ext\r\n0123456789\r\n0\r\n\r\n"), takes(body("abc0123456789")), replies(ok), gets("200"), again,
	}},
	{Name: "head sent byte by byte", Ref: "RFC 9112 2.2", Steps: []Step{
		sendSingly(getWith("X-Long: " + strings.Repeat("y", 300) + "\r\n")), takes(field("X-Long", strings.Repeat("y", 300))), replies(ok), gets("200"), again,
	}},
}

var limitCases = []Case{
	refuses("64 KiB of target", "RFC 9110 15.5.15", "414", "GET /"+strings.Repeat("x", 64<<10)+" HTTP/1.1\r\nHost: h\r\n\r\n"),
	refuses("64 KiB in one field", "RFC 6585 5", "431", getWith("X: "+strings.Repeat("x", 64<<10)+"\r\n")),
	refuses("64 KiB of fields", "RFC 6585 5", "431", getWith(strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 64))),
	refuses("5000 short fields", "RFC 6585 5", "431", getWith(strings.Repeat("X: y\r\n", 5000))),
	refuses("field name of 64 KiB", "RFC 6585 5", "431", getWith(strings.Repeat("x", 64<<10)+": y\r\n")),
	refuses("method of 64 KiB", "RFC 9112 3", "400 414 431 501", strings.Repeat("X", 64<<10)+" / HTTP/1.1\r\nHost: h\r\n\r\n"),
	refuses("129 fields", "RFC 6585 5", "431", getWith(strings.Repeat("X: y\r\n", 128))),
	passes("100 fields", "RFC 9112 5", getWith(strings.Repeat("X: y\r\n", 100))),
	passes("target of 4000 bytes", "RFC 9112 3", "GET /"+strings.Repeat("x", 4000)+" HTTP/1.1\r\nHost: h\r\n\r\n", target("/"+strings.Repeat("x", 4000))),
	passes("field of 7000 bytes", "RFC 9112 5", getWith("X: "+strings.Repeat("x", 7000)+"\r\n"), field("X", strings.Repeat("x", 7000))),
	{Name: "declared body over the limit", Ref: "RFC 9110 15.5.14", Setup: Small, Steps: []Step{
		send(postHead + "Content-Length: 1001\r\n\r\n"), refused("413"),
	}},
	{Name: "declared body over the limit, told before it is sent", Ref: "RFC 9110 10.1.1", Setup: Small, Steps: []Step{
		send(postHead + "Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n"), refused("413"),
	}},
	{Name: "413 is read by a client that goes on sending", Ref: "RFC 9112 9.6", Setup: Small, Steps: []Step{
		send(postHead + "Content-Length: 4000000\r\n\r\n" + strings.Repeat("x", 1<<20)), send(strings.Repeat("x", 3<<20)), refused("413"),
	}},
	{Name: "chunked body over the limit", Ref: "RFC 9110 15.5.14", Setup: Small, Steps: []Step{
		send(chunked + strings.Repeat("64\r\n"+strings.Repeat("x", 100)+"\r\n", 20) + "0\r\n\r\n"), cutOff("413"), closes, neverWhole,
	}},
	{Name: "chunked body over the limit by a client that goes on sending", Ref: "RFC 9112 9.6", Setup: Small, Steps: []Step{
		send(chunked + strings.Repeat("3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 2000)), cutOff("413"), closes, neverWhole,
	}},
	{Name: "chunked body over the limit, sent after 100", Ref: "RFC 9110 15.5.14", Setup: Small, Steps: []Step{
		send(postHead + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"), continues, send("7d0\r\n" + strings.Repeat("x", 2000) + "\r\n0\r\n\r\n"), cutOff("413"), closes, neverWhole,
	}},
	{Name: "body at the limit", Ref: "RFC 9110 15.5.14", Setup: Small, Steps: []Step{
		send(postHead + "Content-Length: 1000\r\n\r\n" + strings.Repeat("x", 1000)), takes(bodyLength(1000)), replies(ok), gets("200"), again,
	}},
	{Name: "chunked body at the limit", Ref: "RFC 9110 15.5.14", Setup: Small, Steps: []Step{
		send(chunked + "3e8\r\n" + strings.Repeat("x", 1000) + "\r\n0\r\n\r\n"), takes(bodyLength(1000)), replies(ok), gets("200"), again,
	}},
}

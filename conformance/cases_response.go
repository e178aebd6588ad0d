package main

import "strings"

var responseGroups = []Group{
	{"Responses and their ends", "Every way for a response to end is read as RFC 9112 says and told the client in a way it understands.", endCases},
	{"Malformed responses", "A response that can be read in two ways, or not at all, becomes 502; its connection is not used again.", malformedCases},
	{"Interim responses", "1xx are passed on to those who understand them.", interimCases},
	{"Trailers", "Trailer fields travel both ways, except those that a receiver would have needed before.", trailerCases},
}

const asked10 = "GET / HTTP/1.0\r\nHost: h\r\n\r\n"

// old is a response to an HTTP/1.0 client that does not keep the connection.
func old(name, ref, response string, hang bool, checks ...check) Case {
	steps := []Step{send(asked10), takes(), replies(response)}
	if hang {
		steps = append(steps, hangsUp)
	}
	status := strings.Fields(response)[1]
	return Case{Name: name, Ref: ref, Steps: append(steps, gets(status, append(checks, lacks("Transfer-Encoding"))...), closesCleanly)}
}

const chunkedReply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

var endCases = []Case{
	answers("Content-Length", "RFC 9112 6.3", ok, body("ok"), framed(byLength)),
	answers("Content-Length 0", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", body(""), field("Content-Length", "0")),
	answers("chunked", "RFC 9112 7.1", chunkedReply+"2\r\nok\r\n3\r\nabc\r\n0\r\n\r\n", body("okabc"), framed(byChunks)),
	answers("chunked and empty", "RFC 9112 7.1", chunkedReply+"0\r\n\r\n", body("")),
	answers("chunked with extensions", "RFC 9112 7.1.1", chunkedReply+"2;a=\"b\"\r\nok\r\n0;c\r\n\r\n", body("ok")),
	answers("chunks that look like framing", "RFC 9112 7.1", chunkedReply+"5\r\n0\r\n\r\n\r\n0\r\n\r\n", body("0\r\n\r\n")),
	answers("1 MiB in chunks of 1000 bytes", "RFC 9112 7.1", chunkedReply+strings.Repeat("3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 1048)+"0\r\n\r\n", bodyLength(1048000)),
	answers("1000 chunks of one byte", "RFC 9112 7.1", chunkedReply+strings.Repeat("1\r\nx\r\n", 1000)+"0\r\n\r\n", bodyLength(1000)),
	{Name: "end of connection", Ref: "RFC 9112 6.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\nuntil the end"), hangsUp, gets("200", body("until the end"))}},
	{Name: "end of connection, empty", Ref: "RFC 9112 6.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\n"), hangsUp, gets("200", body(""))}},
	{Name: "end of connection, and the client keeps its own", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\nabc"), hangsUp, gets("200", body("abc"), framed(byChunks)), again}},
	{Name: "end of connection, 1 MiB", Ref: "RFC 9112 6.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("x", 1<<20)), hangsUp, gets("200", bodyLength(1<<20))}},
	{Name: "origin speaks HTTP/1.0", Ref: "RFC 9112 2.3", Steps: []Step{send(get), takes(), replies("HTTP/1.0 200 OK\r\n\r\nabc"), hangsUp, gets("200", start("HTTP/1.1 200 OK"), body("abc"))}},
	{Name: "origin speaks HTTP/1.0 with a length", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"), gets("200", body("abc")), originEnds, again}},
	{Name: "origin speaks HTTP/1.0 and keeps the connection", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc"), gets("200", body("abc")), again}},
	{Name: "Date is added where the origin has none", Ref: "RFC 9110 6.6.1", Steps: []Step{send(get), takes(), replies(ok), gets("200", dated)}},
	answers("204", "RFC 9110 15.3.5", "HTTP/1.1 204 No Content\r\n\r\n", lacks("Content-Length", "Transfer-Encoding")),
	answers("204 that claims a length", "RFC 9110 8.6", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", lacks("Content-Length", "Transfer-Encoding")),
	answers("204 that claims to be chunked", "RFC 9112 6.1", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", lacks("Content-Length", "Transfer-Encoding")),
	{Name: "204 and the connection goes on", Ref: "RFC 9112 6.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 204 No Content\r\n\r\n"), gets("204"), again}},
	{Name: "304 with the length of what is not sent", Ref: "RFC 9110 15.4.5", Steps: []Step{send(get), takes(), replies("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n\r\n"), gets("304", field("ETag", `"x"`), either(field("Content-Length", "500"), lacks("Content-Length"))), again}},
	{Name: "304 with Transfer-Encoding", Ref: "RFC 9112 6.1", Steps: []Step{send(get), takes(), replies("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"), gets("304"), again}},
	{Name: "205 with a length of zero", Ref: "RFC 9110 15.3.6", Steps: []Step{send(get), takes(), replies("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"), gets("205"), again}},
	answersHead("HEAD with Content-Length", "RFC 9110 9.3.2", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", field("Content-Length", "500")),
	answersHead("HEAD with Transfer-Encoding", "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", lacks("Content-Length")),
	answersHead("HEAD without any length", "RFC 9110 9.3.2", "HTTP/1.1 200 OK\r\nX: y\r\n\r\n", field("X", "y"), lacks("Content-Length")),
	answersHead("HEAD with 404", "RFC 9110 9.3.2", "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n", field("Content-Length", "9")),
	{Name: "HEAD answered with a body by mistake", Ref: "RFC 9110 9.3.2; desync", Steps: []Step{
		send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), getsToHead("200"), elsewhere}},
	old("HTTP/1.0 client, chunked origin", "RFC 9112 6.1", chunkedReply+"3\r\nabc\r\n0\r\n\r\n", false, body("abc")),
	old("HTTP/1.0 client, length", "RFC 9112 6.3", ok, false, body("ok")),
	old("HTTP/1.0 client, end of connection", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\n\r\nabc", true, body("abc")),
	{Name: "HTTP/1.0 client that asks to keep the connection", Ref: "RFC 9112 9.3", Steps: []Step{
		send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"), takes(), replies(ok), gets("200", body("ok"), connection("keep-alive", true)), again}},
	{Name: "HTTP/1.0 client that asks to keep it, chunked origin", Ref: "RFC 9112 9.3", Steps: []Step{
		send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"), takes(), replies(chunkedReply + "3\r\nabc\r\n0\r\n\r\n"),
		gets("200", lacks("Transfer-Encoding"), body("abc"), connection("keep-alive", false)), closesCleanly}},
}

var malformedCases = []Case{
	spoils("no HTTP at all", "RFC 9112 4", "hello there\r\n\r\n"),
	spoils("HTTP/0.9 style", "RFC 9112 4", "<html>ok</html>\r\n\r\n"),
	doubtful("version HTTP/2.0", "RFC 9112 2.3", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("version of another protocol", "RFC 9112 4", "ICY 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("status of two digits", "RFC 9112 4", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("status of four digits", "RFC 9112 4", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("status of letters", "RFC 9112 4", "HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("status 099", "RFC 9110 15", "HTTP/1.1 099 Low\r\nContent-Length: 2\r\n\r\nok"),
	spoils("signed status", "RFC 9112 4", "HTTP/1.1 +20 OK\r\nContent-Length: 2\r\n\r\nok"),
	spoils("NUL in the reason phrase", "RFC 9112 4", "HTTP/1.1 200 O\x00K\r\nContent-Length: 2\r\n\r\nok"),
	doubtful("Content-Length with Transfer-Encoding", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	spoils("two Content-Lengths that differ", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!"),
	spoils("Content-Length as a list that differs", "RFC 9112 6.3", "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok!"),
	spoils("Content-Length with a plus", "RFC 9110 8.6", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"),
	spoils("Content-Length with a minus", "RFC 9110 8.6", "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok"),
	spoils("Content-Length in hexadecimal", "RFC 9110 8.6", "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok"),
	spoils("Content-Length empty", "RFC 9110 8.6", "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\nok"),
	spoils("Content-Length beyond 64 bits", "RFC 9110 8.6", "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551618\r\n\r\nok"),
	spoils("Transfer-Encoding: gzip, chunked", "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
	doubtful("Transfer-Encoding: identity", "RFC 9112 7", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok"),
	spoils("Transfer-Encoding: xchunked", "RFC 9112 6.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
	doubtful("Transfer-Encoding twice", "RFC 9112 7.1", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	doubtful("Transfer-Encoding on HTTP/1.0", "RFC 9112 6.1", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	spoils("space before the colon", "RFC 9112 5.1", "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 2\r\n\r\nok"),
	spoils("Content-Length with a space before the colon", "RFC 9112 5.1", "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok"),
	spoils("space inside a name", "RFC 9110 5.1", "HTTP/1.1 200 OK\r\nX Y: z\r\nContent-Length: 2\r\n\r\nok"),
	spoils("line without a colon", "RFC 9112 5", "HTTP/1.1 200 OK\r\nwarning text\r\nContent-Length: 2\r\n\r\nok"),
	spoils("empty name", "RFC 9110 5.1", "HTTP/1.1 200 OK\r\n: y\r\nContent-Length: 2\r\n\r\nok"),
	spoils("fold before the first field", "RFC 9112 2.2", "HTTP/1.1 200 OK\r\n X: y\r\nContent-Length: 2\r\n\r\nok"),
	spoils("NUL in a value", "RFC 9110 5.5", "HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok"),
	spoils("bare CR in a value", "RFC 9112 2.2", "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\nContent-Length: 2\r\n\r\nok"),
	doubtful("folded line", "RFC 9112 5.2; stricter", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok"),
	doubtful("bare LF ends a line", "RFC 9112 2.2; stricter", "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 2\r\n\r\nok"),
	spoils("fields of 200 KiB", "RFC 9112 5", "HTTP/1.1 200 OK\r\n"+strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 200)+"Content-Length: 2\r\n\r\nok"),
	spoils("one line of 200 KiB", "RFC 9112 5", "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("y", 200<<10)+"\r\nContent-Length: 2\r\n\r\nok"),
	spoils("status line of 200 KiB", "RFC 9112 4", "HTTP/1.1 200 "+strings.Repeat("y", 200<<10)+"\r\nContent-Length: 2\r\n\r\nok"),
	spoils("101 nobody asked for", "RFC 9110 15.2.2", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
	spoils("101 to another protocol", "RFC 9110 7.8", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"),
	{Name: "closed without a byte, on a new connection", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 2\r\n\r\nok"), takes(), hangsUp, gets("502"), another}},
	{Name: "reset without a byte, on a new connection", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 2\r\n\r\nok"), takes(), resets, gets("502"), another}},
	{Name: "closed amid the status line", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 2"), hangsUp, gets("502"), another}},
	{Name: "closed amid the head", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), hangsUp, gets("502"), another}},
	{Name: "second response together with the first", Ref: "response queue poisoning", Steps: []Step{send(get), takes(), replies(ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), gets("200", body("ok")), elsewhere}},
	{Name: "second response behind a chunked one", Ref: "response queue poisoning", Steps: []Step{send(get), takes(), replies(chunkedReply + "2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), gets("200", body("ok")), elsewhere}},
	{Name: "second response later, while the connection is idle", Ref: "response queue poisoning", Steps: []Step{send(get), takes(), replies(ok), gets("200", body("ok")), replies("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), elsewhere}},
	{Name: "bytes behind 204", Ref: "response queue poisoning", Steps: []Step{send(get), takes(), replies("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), gets("204"), elsewhere}},
	{Name: "bytes behind 304", Ref: "response queue poisoning", Steps: []Step{send(get), takes(), replies("HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), gets("304"), elsewhere}},
	{Name: "bytes behind HEAD", Ref: "response queue poisoning", Steps: []Step{send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), getsToHead("200"), elsewhere}},
	{Name: "more data than Content-Length", Ref: "RFC 9112 6.3", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokevil"), gets("200", body("ok")), elsewhere}},
}

const early = "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"

var interimCases = []Case{
	{Name: "103 before the final response", Ref: "RFC 8297", Steps: []Step{send(get), takes(), replies(early), gets("103", field("Link", "</a>; rel=preload")), replies(ok), gets("200", body("ok")), again}},
	{Name: "103 together with the final response", Ref: "RFC 8297", Steps: []Step{send(get), takes(), replies(early + ok), gets("103"), gets("200", body("ok")), again}},
	{Name: "three of them", Ref: "RFC 9110 15.2", Steps: []Step{send(get), takes(), replies(early + "HTTP/1.1 102 Processing\r\n\r\n" + early + ok), gets("103"), gets("102"), gets("103"), gets("200"), again}},
	{Name: "one nobody knows", Ref: "RFC 9110 15.2", Steps: []Step{send(get), takes(), replies("HTTP/1.1 199 Odd\r\nX: y\r\n\r\n" + ok), gets("199", field("X", "y")), gets("200"), again}},
	{Name: "with a length, which it cannot have", Ref: "RFC 9110 8.6", Steps: []Step{send(get), takes(), replies("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok), gets("103", lacks("Content-Length")), gets("200", body("ok"))}},
	{Name: "none to HTTP/1.0", Ref: "RFC 9110 15.2", Steps: []Step{send(asked10), takes(), replies(early + ok), gets("200", body("ok")), closes}},
	{Name: "100 that nobody asked for", Ref: "RFC 9110 15.2.1", Steps: []Step{send(get), takes(), replies("HTTP/1.1 100 Continue\r\n\r\n" + ok), gets("200", body("ok")), again}},
	{Name: "without end", Ref: "RFC 9110 15.2; memory", Steps: []Step{send(get), takes(), replies(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 5000) + ok), func(p *play) error {
		for {
			m, err := p.nextResponse(false)
			if err != nil || m.status()[0] != '1' {
				return err
			}
		}
	}}},
	{Name: "before HEAD's answer", Ref: "RFC 9110 15.2", Steps: []Step{send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"), takes(), replies(early + ok[:len(ok)-2]), getsToHead("103"), getsToHead("200"), again}},
	{Name: "100 sent to a client that waits for it", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"), continues, send("abc"), takes(body("abc")), replies(ok), gets("200"), again}},
	{Name: "100 sent to a client that waits with chunks", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"), continues, send("3\r\nabc\r\n0\r\n\r\n"), takes(body("abc")), replies(ok), gets("200"), again}},
	{Name: "100 of the proxy and of the origin are one", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"), continues, send("3\r\nabc\r\n0\r\n\r\n"), takes(body("abc")), replies("HTTP/1.1 100 Continue\r\n\r\n" + ok), gets("200"), once("HTTP/1.1 100")}},
	{Name: "with Transfer-Encoding, which it cannot have", Ref: "RFC 9112 6.1", Steps: []Step{send(get), takes(), replies("HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + ok), gets("103", lacks("Transfer-Encoding")), gets("200", body("ok"))}},
	{Name: "Expect in other cases", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "expect: 100-Continue\r\nContent-Length: 3\r\n\r\n"), continues, send("abc"), takes(body("abc")), replies(ok), gets("200")}},
	{Name: "Expect without a body", Ref: "RFC 9110 10.1.1", Steps: []Step{send(getWith("Expect: 100-continue\r\n")), takes(), replies(ok), gets("200"), again}},
	{Name: "Expect on HTTP/1.0", Ref: "RFC 9110 10.1.1", Steps: []Step{send("POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"), takes(body("abc")), replies(ok), gets("200"), closes}},
	{Name: "final response to one that still waits", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"), takesPart("\r\n\r\n"), replies("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"), gets("401", body("no"))}},
}

var trailerCases = []Case{
	passes("of a request", "RFC 9112 7.1.2", postHead+"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", body("abc"), trailer("X-Sum", "1")),
	passes("of a request, none announced", "RFC 9112 7.1.2", chunked+"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n", body("abc"), trailer("X-Sum", "1")),
	passes("of a request, two lines", "RFC 9112 7.1.2", chunked+"3\r\nabc\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\n", body("abc"), trailer("X-A", "1"), trailer("X-B", "2")),
	passes("Content-Length in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n", body("abc"), trailer("Content-Length")),
	passes("Transfer-Encoding in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", body("abc"), trailer("Transfer-Encoding")),
	passes("Host in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nHost: evil\r\n\r\n", body("abc"), trailer("Host")),
	passes("Authorization and Cookie in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nAuthorization: x\r\nCookie: y\r\n\r\n", body("abc"), trailer("Authorization"), trailer("Cookie")),
	passes("X-Forwarded-For in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\n\r\n", body("abc"), trailer("X-Forwarded-For"), trailer("Forwarded")),
	passes("Connection in a request's", "RFC 9110 6.5.1", chunked+"3\r\nabc\r\n0\r\nConnection: close\r\n\r\n", body("abc"), trailer("Connection")),
	{Name: "request after one with trailers", Ref: "RFC 9112 7.1.2", Steps: []Step{send(chunked + "0\r\nX: y\r\n\r\n"), takes(), replies(ok), gets("200"), again}},
	{Name: "of a response, asked for", Ref: "RFC 9110 6.5", Steps: []Step{send(getWith("TE: trailers\r\nConnection: TE\r\n")), takes(),
		replies("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"), gets("200", body("ok"), trailer("X-Sum", "1")), again}},
	{Name: "of a response, not asked for", Ref: "RFC 9110 6.5.1", Steps: []Step{send(get), takes(),
		replies(chunkedReply + "2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"), gets("200", body("ok")), again}},
	{Name: "Set-Cookie in a response's", Ref: "RFC 9110 6.5.1", Steps: []Step{send(getWith("TE: trailers\r\nConnection: TE\r\n")), takes(),
		replies(chunkedReply + "2\r\nok\r\n0\r\nSet-Cookie: a=b\r\nX-Sum: 1\r\n\r\n"), gets("200", body("ok"), trailer("Set-Cookie"))}},
	{Name: "Content-Length in a response's", Ref: "RFC 9110 6.5.1", Steps: []Step{send(getWith("TE: trailers\r\nConnection: TE\r\n")), takes(),
		replies(chunkedReply + "2\r\nok\r\n0\r\nContent-Length: 7\r\n\r\n"), gets("200", body("ok"), trailer("Content-Length")), again}},
	{Name: "of a response to HTTP/1.0", Ref: "RFC 9112 7.1.2", Steps: []Step{send(asked10), takes(), replies(chunkedReply + "2\r\nok\r\n0\r\nX: y\r\n\r\n"), gets("200", body("ok")), closesCleanly}},
}

package main

import "strings"

var streamGroups = []Group{
	{"As it comes", "Every part of a body reaches the other side before the next is sent: nothing waits for more.", streamingCases},
	{"Cut short", "What was cut short on one side is never made to look complete on the other, and its connection is not used again.", cutCases},
	{"Answers before the request's end", "An origin may answer before it has the whole body, and the client gets that answer.", earlyCases},
}

var streamingCases = []Case{
	{Name: "chunks of a response", Ref: "server-sent events", Steps: []Step{send(get), takes(), replies(chunkedReply + "5\r\nfirst\r\n"), receives("first"), replies("6\r\nsecond\r\n"), receives("second"), replies("0\r\n\r\n"), receives("0\r\n\r\n"), again}},
	{Name: "head of a response before its body", Ref: "server-sent events", Steps: []Step{send(get), takes(), replies(chunkedReply), receives("\r\n\r\n"), replies("5\r\nfirst\r\n"), receives("first"), replies("0\r\n\r\n"), receives("0\r\n\r\n")}},
	{Name: "parts of a response with a length", Ref: "streaming", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nfirst"), receives("first"), replies("second"), receives("second"), again}},
	{Name: "head of one with a length", Ref: "streaming", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), receives("\r\n\r\n"), replies("first"), receives("first"), again}},
	{Name: "parts of one that ends with the connection", Ref: "streaming", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\nfirst"), receives("first"), replies("second"), receives("second"), hangsUp, complete("firstsecond")}},
	{Name: "part of a chunk", Ref: "streaming", Steps: []Step{send(get), takes(), replies(chunkedReply + "64\r\nfirst"), receives("first"), replies(strings.Repeat("x", 95) + "\r\n0\r\n\r\n"), receives("0\r\n\r\n")}},
	{Name: "head of a chunked request before its body", Ref: "streaming", Steps: []Step{send(chunked), takesPart("\r\n\r\n"), send("2\r\nok\r\n0\r\n\r\n"), takes(body("ok")), replies(ok), gets("200")}},
	{Name: "chunks of a request", Ref: "streaming uploads", Steps: []Step{send(chunked + "5\r\nfirst\r\n"), takesPart("first"), send("6\r\nsecond\r\n"), takesPart("second"), send("0\r\n\r\n"), takes(body("firstsecond")), replies(ok), gets("200"), again}},
	{Name: "parts of a request with a length", Ref: "streaming uploads", Steps: []Step{send(postHead + "Content-Length: 11\r\n\r\nfirst"), takesPart("first"), send("second"), takes(body("firstsecond")), replies(ok), gets("200"), again}},
	{Name: "part of a long request", Ref: "streaming uploads", Steps: []Step{send(postHead + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("x", 500000)), takesPart(strings.Repeat("x", 500000)), send(strings.Repeat("x", 500000)), takes(bodyLength(1000000)), replies(ok), gets("200"), again}},
	{Name: "both ways at once", Ref: "full duplex", Steps: []Step{send(chunked + "1\r\na\r\n"), takesPart("a"), replies(chunkedReply + "1\r\nA\r\n"), receives("1\r\nA"), send("1\r\nb\r\n"), takesPart("b"), replies("1\r\nB\r\n"), receives("1\r\nB"), send("0\r\n\r\n"), takes(body("ab")), replies("0\r\n\r\n"), receives("0\r\n\r\n")}},
	{Name: "empty line of a head late", Ref: "RFC 9112 2.2", Steps: []Step{send("GET / HTTP/1.1\r\nHost: h\r\n"), send("\r\n"), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"), replies("\r\nok"), gets("200", body("ok"))}},
	{Name: "response sent byte by byte", Ref: "RFC 9112 2.2", Steps: []Step{send(get), takes(), repliesSingly("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nA;x\r\n0123456789\r\n0\r\nX: y\r\n\r\n"), gets("200", body("ok0123456789")), again}},
	{Name: "response with a length sent byte by byte", Ref: "RFC 9112 2.2", Steps: []Step{send(get), takes(), repliesSingly("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 200) + "\r\nContent-Length: 10\r\n\r\n0123456789"), gets("200", body("0123456789")), again}},
}

var cutCases = []Case{
	{Name: "response with a length, closed amid", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), hangsUp, incomplete("abc"), another}},
	{Name: "response with a length, closed before its body", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"), hangsUp, incomplete(""), another}},
	{Name: "response with a length, reset amid", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), receives("abc"), resets, cutAfter, another}},
	{Name: "1 MiB less a byte", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20-1)), hangsUp, incomplete(""), another}},
	{Name: "chunked response, closed between chunks", Ref: "RFC 9112 8; fasthttp streaming.go", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed amid a chunk", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "6\r\nabc"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed amid a size", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n1"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed behind 0", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n0"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed behind 0 CRLF", Ref: "RFC 9112 8; fasthttp streaming.go", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n0\r\n"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed amid its trailer section", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n0\r\nX: y\r\n"), hangsUp, incomplete("abc"), another}},
	{Name: "chunked response, closed before the first chunk", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply), hangsUp, incomplete(""), another}},
	{Name: "chunked response, malformed size", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\nzz\r\nabc\r\n0\r\n\r\n"), incomplete(""), originEnds, another}},
	{Name: "chunked response, no CRLF behind the data", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabcdef\r\n0\r\n\r\n"), incomplete(""), originEnds, another}},
	{Name: "chunked response, size beyond 64 bits", Ref: "RFC 9112 7.1", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n10000000000000003\r\nabc\r\n0\r\n\r\n"), incomplete(""), originEnds, another}},
	{Name: "chunked response, bare LF behind a size", Ref: "RFC 9112 7.1; stricter", Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n3\nabc\r\n0\r\n\r\n"), incompleteOrClean, another}},
	{Name: "chunked response to HTTP/1.0, closed amid", Ref: "RFC 9112 8", Steps: []Step{send(asked10), takes(), replies(chunkedReply + "3\r\nabc\r\n"), receives("abc"), hangsUp, resetSeen, another}},
	{Name: "response that ends with the connection, reset amid", Ref: "RFC 9112 8", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\nabc"), receives("abc"), resets, cutAfter, another}},
	{Name: "error text is not put into a body", Ref: "Traefik 13568", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\nabc"), receives("abc"), hangsUp, cutAfter}},
	{Name: "request with a length, half-closed amid", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), takesPart("abc"), endSending, cutShort, another}},
	{Name: "request with a length, closed amid", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), takesPart("abc"), leave, cutShort, another}},
	{Name: "request with a length, reset amid", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), takesPart("abc"), breakOff, cutShort, another}},
	{Name: "chunked request, half-closed between chunks", Ref: "RFC 9112 8; fasthttp streaming.go", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), endSending, cutShort, another}},
	{Name: "chunked request, closed between chunks", Ref: "RFC 9112 8; fasthttp streaming.go", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), leave, cutShort, another}},
	{Name: "chunked request, closed amid a chunk", Ref: "RFC 9112 8", Steps: []Step{send(chunked + "6\r\nabc"), takesPart("abc"), leave, cutShort, another}},
	{Name: "chunked request, half-closed behind 0 CRLF", Ref: "RFC 9112 8; fasthttp streaming.go", Steps: []Step{send(chunked + "3\r\nabc\r\n0\r\n"), takesPart("abc"), endSending, cutShort, another}},
	{Name: "chunked request, half-closed amid its trailer section", Ref: "RFC 9112 8", Steps: []Step{send(chunked + "3\r\nabc\r\n0\r\nX: y\r\n"), takesPart("abc"), endSending, cutShort, another}},
	{Name: "chunked request, reset", Ref: "RFC 9112 8", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), breakOff, cutShort, another}},
	{Name: "chunked request, malformed later", Ref: "RFC 9112 8", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), send("zz\r\n"), cutShort, ends, another}},
	{Name: "client leaves amid a response", Ref: "resources", Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nabc"), receives("abc"), breakOff, floods, another}},
	{Name: "client leaves while the origin is silent", Ref: "resources", Steps: []Step{send(get), takes(), breakOff, originEnds}},
}

var earlyCases = []Case{
	{Name: "413 amid an upload with a length", Ref: "RFC 9112 9.5", Steps: []Step{send(postHead + "Content-Length: 10000000\r\n\r\nabc"), takesPart("abc"), drops, replies("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), gets("413", body("no"))}},
	{Name: "401 amid a chunked upload", Ref: "RFC 9112 9.5", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), drops, replies("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno"), gets("401", body("no"))}},
	{Name: "connection to the origin is not used again then", Ref: "RFC 9112 9.5; desync", Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), takesPart("abc"), drops, replies(ok), gets("200", body("ok")), elsewhere, nothingBehind}},
	{Name: "rest of the body is no request then", Ref: "desync", Steps: []Step{send(postHead + "Content-Length: 100\r\n\r\nabc"), takesPart("abc"), drops, replies(ok), gets("200", body("ok")), send(getPath("/smuggled") + strings.Repeat("x", 100)), another, nothingBehind}},
	{Name: "client that goes on sending 4 MiB reads it", Ref: "RFC 9112 9.6", Steps: []Step{send(postHead + "Content-Length: 4194304\r\n\r\nabc"), takesPart("abc"), drops, replies("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), send(strings.Repeat("x", 4<<20-3)), gets("413", body("no"))}},
	{Name: "origin closes behind it", Ref: "RFC 9112 9.5", Steps: []Step{send(postHead + "Content-Length: 4194304\r\n\r\nabc"), takesPart("abc"), drops, replies("HTTP/1.1 413 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"), hangsUp, gets("413", body("no"))}},
	{Name: "streamed while the upload goes on", Ref: "full duplex", Steps: []Step{send(postHead + "Content-Length: 6\r\n\r\nabc"), takesPart("abc"), replies("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nAB"), receives("AB"), send("def"), takes(body("abcdef")), replies("CD"), receives("CD")}},
	{Name: "100 for a client that waits, then the answer", Ref: "RFC 9110 10.1.1", Steps: []Step{send(postHead + "Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"), takesPart("\r\n\r\n"), drops, replies("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"), gets("403", body("no"))}},
	{Name: "origin dies amid an upload", Ref: "RFC 9112 8", Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), takesPart("abc"), drops, hangsUp, gets("502")}},
	{Name: "origin dies amid a chunked upload", Ref: "RFC 9112 8", Steps: []Step{send(chunked + "3\r\nabc\r\n"), takesPart("abc"), drops, resets, gets("502")}},
}

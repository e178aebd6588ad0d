package main

import (
	"strings"
	"time"
)

var hostileGroups = []Group{
	{"Slow and silent peers", "Time limits cut off who is too slow, and nobody else.", slowCases},
	{"Smuggling, as published", "Whole attacks, as they were published: the smuggled part never reaches the origin as a request.", smuggleCases},
}

// timedOut wants a 408 or the end of the connection, with nothing forwarded.
var timedOut = sequence(refused("408"))

var slowCases = []Case{
	{Name: "silent client", Ref: "RFC 9110 15.5.9", Setup: Tight, Steps: []Step{ends, untouched}},
	{Name: "part of a request line, then silence", Ref: "RFC 9110 15.5.9", Setup: Tight, Steps: []Step{send("GET /"), timedOut}},
	{Name: "part of a head, then silence", Ref: "slowloris", Setup: Tight, Steps: []Step{send("GET / HTTP/1.1\r\nHost: h\r\n"), timedOut}},
	{Name: "a byte of the head now and then", Ref: "slowloris", Setup: Tight, Steps: []Step{drip("GET / HTTP/1.1\r\nHost: h\r\nX: ", 50*time.Millisecond), ends, untouched}},
	{Name: "the same on the second request", Ref: "slowloris", Setup: Tight, Steps: []Step{send(get), takes(), replies(ok), gets("200"), drip("GET / HTTP/1.1\r\nHost: h\r\nX: ", 50*time.Millisecond), ends, untouched}},
	{Name: "body that stops", Ref: "R-U-Dead-Yet", Setup: Tight, Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\nabc"), cutOff("408"), closes, neverWhole}},
	{Name: "chunked body that stops", Ref: "R-U-Dead-Yet", Setup: Tight, Steps: []Step{send(chunked + "3\r\nabc\r\n"), cutOff("408"), closes, neverWhole}},
	{Name: "body that never starts", Ref: "R-U-Dead-Yet", Setup: Tight, Steps: []Step{send(postHead + "Content-Length: 10\r\n\r\n"), cutOff("408"), closes, neverWhole}},
	{Name: "silent origin", Ref: "RFC 9110 15.6.5", Setup: Hurried, Steps: []Step{send(get), takes(), gets("504"), originEnds}},
	{Name: "origin that stops amid the head", Ref: "RFC 9110 15.6.5", Setup: Hurried, Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nX: "), gets("504"), originEnds}},
	{Name: "origin that stops amid a body with a length", Ref: "RFC 9112 8", Setup: Hurried, Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), incomplete("abc"), originEnds}},
	{Name: "origin that stops amid a chunked body", Ref: "RFC 9112 8", Setup: Hurried, Steps: []Step{send(get), takes(), replies(chunkedReply + "3\r\nabc\r\n"), incomplete("abc"), originEnds}},
	{Name: "origin that stops amid a body that ends with the connection", Ref: "RFC 9112 8", Setup: Hurried, Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\n\r\nabc"), incomplete("abc"), originEnds}},
	{Name: "origin that is silent after an interim response", Ref: "RFC 9110 15.2", Setup: Hurried, Steps: []Step{send(get), takes(), replies("HTTP/1.1 100 Continue\r\n\r\n"), gets("504"), originEnds}},
	{Name: "POST is not sent again after a timeout", Ref: "RFC 9110 9.2.2", Setup: Hurried, Steps: []Step{send(postHead + "Content-Length: 2\r\n\r\nok"), takes(), gets("504"), untouched, connections(1)}},
	{Name: "GET is not sent again after a timeout", Ref: "fasthttp client.go retries", Setup: Hurried, Steps: []Step{send(get), takes(), gets("504"), untouched, connections(1)}},
	{Name: "slow body that keeps coming", Ref: "rolling deadlines", Setup: Tight, Steps: []Step{send(postHead + "Content-Length: 12\r\n\r\n"), paced("0123456789ab", 80*time.Millisecond), takes(body("0123456789ab")), replies(ok), gets("200")}},
	{Name: "slow origin that keeps sending", Ref: "rolling deadlines", Setup: Hurried, Steps: []Step{send(get), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"), pacedReply("0123456789ab", 80*time.Millisecond), gets("200", body("0123456789ab"))}},
	{Name: "client that reads nothing holds the origin back", Ref: "back-pressure", Steps: []Step{heldBack}},
	{Name: "client that reads nothing of its answer", Ref: "slow read", Setup: Tight, Steps: []Step{deaf, another}},
}

const hidden = "GET /smuggled HTTP/1.1\r\nHost: h\r\nX: "

var smuggleCases = []Case{
	smuggled("CL.TE", "Kettle 2019", postHead+"Content-Length: 49\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("TE.CL", "Kettle 2019", postHead+"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n29\r\n"+hidden+"\r\n\r\n\r\n0\r\n\r\n"),
	smuggled("TE.TE with x", "Kettle 2019", postHead+"Transfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("TE.TE with a tab", "Kettle 2019", postHead+"Content-Length: 6\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("TE in a folded line", "Kettle 2019", postHead+"Content-Length: 6\r\nTransfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("TE behind a bare CR", "Kettle 2019", postHead+"Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("bare CR in a field", "CVE-2019-16276 kin", "GET / HTTP/1.1\r\nHost: h\r\nX: y\r\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("two lengths", "CVE-2019-16785 kin", postHead+"Content-Length: 0\r\nContent-Length: 44\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("space before the colon of a length", "CVE-2019-16869", postHead+"Content-Length : 43\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("length with a plus", "CVE-2019-20444 kin", postHead+"Content-Length: +43\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("length behind Connection", "CVE-2026-6338", postHead+"Connection: Content-Length\r\nContent-Length: 43\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("identity", "fasthttp http.go", postHead+"Transfer-Encoding: identity\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("chunk size with 0x", "CVE-2022-24801 kin", chunked+"0x0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("LF in a chunk extension", "fasthttp PR 1899", chunked+"0;x\n\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("last chunk with a bare LF", "CVE-2025-22871", chunked+"0\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("chunk size that wraps to zero", "CVE-2002-0392 kin", chunked+"10000000000000000\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("body on HTTP/1.0 with chunked", "RFC 9112 6.1", "POST / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("body of an upgrade to h2c", "GHSA-w4v4-9rw7-5326", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("body of CONNECT", "GHSA-3ccp-42pg-hgv6", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("line end encoded in the target", "CRLF injection", "GET /%0d%0a%0d%0aGET%20/smuggled%20HTTP/1.1%0d%0aHost:%20h%0d%0a%0d%0a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"),
	smuggled("body of HEAD", "RFC 9110 9.3.2", "HEAD / HTTP/1.1\r\nHost: h\r\nContent-Length: 43\r\n\r\n"+hidden+"yy\r\n\r\n"),
	smuggled("body of a GET with Expect", "Expect desync (2025)", "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 41\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("obfuscated Expect", "Expect desync (2025)", postHead+"Expect: y 100-continue\r\nContent-Length: 41\r\n\r\n"+hidden+"\r\n\r\n"),
	smuggled("trailers as a request", "RFC 9112 7.1.2", chunked+"0\r\n"+strings.ReplaceAll(hidden, "GET /smuggled HTTP/1.1\r\n", "X: y\r\n")+"GET /smuggled HTTP/1.1\r\n\r\n"),
}

package main

import (
	"fmt"
	"strings"
)

var connectionGroups = []Group{
	{"Connections", "When a connection lives on and when it ends, on both sides; pipelined requests are answered in order.", keepCases},
	{"Upgrades", "WebSocket is tunnelled; nothing else is.", upgradeCases},
}

// path is a GET of its own path; its answer says the same.
func getPath(p string) string { return "GET " + p + " HTTP/1.1\r\nHost: h\r\n\r\n" }

func says(p string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(p), p)
}

// serves takes the request for each path in turn, answers it, and has the client
// get it.
func serves(paths ...string) Step {
	var steps []Step
	for _, p := range paths {
		steps = append(steps, takes(target(p)), replies(says(p)), gets("200", body(p)))
	}
	return sequence(steps...)
}

var keepCases = []Case{
	{Name: "HTTP/1.1 stays open", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies(ok), gets("200", connection("close", false)), again, again}},
	{Name: "Connection: close ends it", Ref: "RFC 9112 9.6", Steps: []Step{send(getWith("Connection: close\r\n")), takes(), replies(ok), gets("200", connection("close", true)), closesCleanly}},
	{Name: "Connection: Close in other cases", Ref: "RFC 9112 9.6", Steps: []Step{send(getWith("Connection: CLOSE\r\n")), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "close on a list", Ref: "RFC 9112 9.6", Steps: []Step{send(getWith("Connection: foo, close\r\n")), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "close on a second line", Ref: "RFC 9112 9.6", Steps: []Step{send(getWith("Connection: keep-alive\r\nConnection: close\r\n")), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "HTTP/1.0 ends it", Ref: "RFC 9112 9.3", Steps: []Step{send(asked10), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "HTTP/1.0 with close and keep-alive ends it", Ref: "RFC 9112 9.3", Steps: []Step{send("GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n"), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "connection to the origin is used again", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies(ok), gets("200"), reused}},
	{Name: "and after a chunked response", Ref: "RFC 9112 9.3", Steps: []Step{send(get), takes(), replies(chunkedReply + "2\r\nok\r\n0\r\n\r\n"), gets("200"), reused}},
	{Name: "and after a chunked request", Ref: "RFC 9112 9.3", Steps: []Step{send(chunked + "2\r\nok\r\n0\r\n\r\n"), takes(), replies(ok), gets("200"), reused}},
	{Name: "not used again after Connection: close of the origin", Ref: "RFC 9112 9.6", Steps: []Step{send(get), takes(), replies(reply("Connection: close\r\n")), gets("200"), originEnds, elsewhere}},
	{Name: "closed by the origin while idle, GET", Ref: "RFC 9112 9.5", Steps: []Step{send(get), takes(), replies(ok), gets("200"), hangsUp, elsewhere}},
	{Name: "closed by the origin while idle, POST", Ref: "RFC 9112 9.5", Steps: []Step{send(get), takes(), replies(ok), gets("200"), hangsUp, send(postHead + "Content-Length: 2\r\n\r\nok"), takes(body("ok")), replies(ok), gets("200")}},
	{Name: "closed by the origin when the next request arrives, GET", Ref: "RFC 9110 9.2.2", Steps: []Step{send(get), takes(), replies(ok), gets("200"), send(getPath("/b")), takes(target("/b")), hangsUp, takes(target("/b")), replies(says("/b")), gets("200", body("/b"))}},
	{Name: "closed by the origin when the next request arrives, POST", Ref: "RFC 9110 9.2.2", Steps: []Step{send(get), takes(), replies(ok), gets("200"), send(postHead + "Content-Length: 2\r\n\r\nok"), takes(body("ok")), hangsUp, gets("502 503"), untouched}},
	{Name: "closed by the origin when the next request arrives, chunked", Ref: "RFC 9110 9.2.2", Steps: []Step{send(get), takes(), replies(ok), gets("200"), send(chunked + "3\r\nabc\r\n"), takesPart("abc"), drops, hangsUp, gets("502 503"), untouched}},
	{Name: "closed by the origin whenever a request arrives", Ref: "RFC 9110 9.2.2", Steps: []Step{send(get), takes(), replies(ok), gets("200"), send(getPath("/b")), takes(target("/b")), hangsUp, takes(target("/b")), hangsUp, gets("502"), untouched, another}},
	{Name: "idle for too long, and ended without a word", Ref: "RFC 9112 9.5", Setup: Tight, Steps: []Step{send(get), takes(), replies(ok), gets("200"), closesCleanly}},
	{Name: "a slow client holds no other up", Ref: "head-of-line blocking", Steps: []Step{send("GET / HTTP/1.1\r\nHost:"), another}},
	{Name: "pipelined", Ref: "RFC 9112 9.3.2", Steps: []Step{send(getPath("/1") + getPath("/2") + getPath("/3")), serves("/1", "/2", "/3"), again}},
	{Name: "pipelined, the first answer slow", Ref: "RFC 9112 9.3.2", Steps: []Step{send(getPath("/1")), takes(target("/1")), send(getPath("/2")), replies("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n/"), receives("\r\n\r\n/"), replies("1"), receives("1"), serves("/2")}},
	{Name: "pipelined, the first answered before the second is", Ref: "RFC 9112 9.3.2", Steps: []Step{send(getPath("/1") + getPath("/2")), takes(target("/1")), replies(says("/1")), gets("200", body("/1")), serves("/2")}},
	{Name: "pipelined behind a POST", Ref: "RFC 9112 9.3.2", Steps: []Step{send(postHead + "Content-Length: 3\r\n\r\nabc" + getPath("/2")), takes(body("abc")), replies(ok), gets("200"), serves("/2")}},
	{Name: "pipelined behind a chunked POST", Ref: "RFC 9112 9.3.2", Steps: []Step{send(chunked + "3\r\nabc\r\n0\r\n\r\n" + getPath("/2")), takes(body("abc")), replies(ok), gets("200"), serves("/2")}},
	{Name: "pipelined behind HEAD", Ref: "RFC 9112 9.3.2", Steps: []Step{send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" + getPath("/2")), takes(), replies("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), getsToHead("200"), serves("/2")}},
	{Name: "pipelined behind a GET with a body", Ref: "RFC 9112 9.3.2", Steps: []Step{send(getWith("Content-Length: 5\r\n") + "GET /" + getPath("/2")), takes(body("GET /")), replies(ok), gets("200"), serves("/2")}},
	{Name: "pipelined, an empty line between", Ref: "RFC 9112 2.2", Steps: []Step{send(postHead + "Content-Length: 3\r\n\r\nabc\r\n" + getPath("/2")), takes(body("abc")), replies(ok), gets("200"), serves("/2")}},
	{Name: "pipelined behind Connection: close", Ref: "RFC 9112 9.6", Steps: []Step{send(getWith("Connection: close\r\n") + getPath("/2")), takes(), replies(ok), gets("200"), closes, untouched}},
	{Name: "pipelined behind a malformed one", Ref: "RFC 9112 9.3.2", Steps: []Step{send("GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n" + getPath("/2")), refused("400")}},
	{Name: "malformed behind a good one", Ref: "RFC 9112 9.3.2", Steps: []Step{send(getPath("/1") + getWith("X : y\r\n")), takes(target("/1")), replies(says("/1")), gets("200", body("/1")), refused("400")}},
	{Name: "pipelined behind 100 KiB in chunks", Ref: "RFC 9112 9.3.2", Steps: []Step{send(chunked + strings.Repeat("3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 100) + "0\r\n\r\n" + getPath("/2")), takes(bodyLength(100000)), replies(ok), gets("200"), serves("/2")}},
	{Name: "pipelined behind 100 KiB by length", Ref: "RFC 9112 9.3.2", Steps: []Step{send(postHead + "Content-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000) + getPath("/2")), takes(bodyLength(100000)), replies(ok), gets("200"), serves("/2")}},
	{Name: "body of a request answered by the proxy is no request", Ref: "desync (CL.0)", Setup: Routed, Steps: []Step{send("POST /admin HTTP/1.1\r\nHost: h\r\nContent-Length: 36\r\n\r\n" + getPath("/smuggled")), gets("403"), another}},
	{Name: "chunked body of a request answered by the proxy is no request", Ref: "desync (CL.0)", Setup: Routed, Steps: []Step{send("POST /admin HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n24\r\n" + getPath("/smuggled") + "\r\n0\r\n\r\n"), gets("403"), another}},
	{Name: "waiting for 100 is no reason to be answered late", Ref: "RFC 9110 10.1.1", Setup: Routed, Steps: []Step{send("POST /admin HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 36\r\n\r\n"), gets("403"), untouched}},
	{Name: "50 pipelined", Ref: "RFC 9112 9.3.2", Steps: []Step{send(strings.Repeat(getPath("/1"), 50)), serves(strings.Split(strings.Repeat("/1 ", 49)+"/1", " ")...), again}},
	{Name: "client says that it sends no more, and gets its answer", Ref: "RFC 9112 9.6", Steps: []Step{send(get), endSending, takes(), replies(ok), gets("200", body("ok")), closesCleanly}},
	{Name: "and the answer may take its time", Ref: "RFC 9112 9.6", Steps: []Step{send(get), endSending, takes(), replies(chunkedReply + "2\r\nok\r\n"), receives("ok"), replies("2\r\nko\r\n0\r\n\r\n"), receives("ko"), ends}},
	{Name: "client says so after a POST", Ref: "RFC 9112 9.6", Steps: []Step{send(postHead + "Content-Length: 2\r\n\r\nok"), endSending, takes(body("ok")), replies(ok), gets("200", body("ok")), closesCleanly}},
	{Name: "origin half-closes behind its answer", Ref: "RFC 9112 9.6", Steps: []Step{send(get), takes(), replies(ok), endsReply, gets("200", body("ok")), elsewhere}},
	{Name: "nothing at all, then the end", Ref: "RFC 9112 9.5", Steps: []Step{endSending, closes, untouched}},
	{Name: "only empty lines, then the end", Ref: "RFC 9112 2.2", Steps: []Step{send("\r\n\r\n"), endSending, ends, untouched}},
	{Name: "a part of a head, then the end", Ref: "RFC 9112 8", Steps: []Step{send("GET / HTTP/1.1\r\nHost: h\r\n"), endSending, ends, untouched}},
}

const (
	wsKey    = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	wsAsk    = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + wsKey + "\r\n"
	wsAnswer = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)

// switched is a WebSocket that stands.
var switched = sequence(send(wsAsk), takes(field("Upgrade", "websocket"), connection("upgrade", true)), replies(wsAnswer),
	gets("101", field("Upgrade", "websocket"), connection("upgrade", true), field("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")))

var upgradeCases = []Case{
	{Name: "WebSocket, bytes both ways", Ref: "RFC 6455 4", Steps: []Step{switched, send("ping\x00\xff"), takesBytes("ping\x00\xff"), replies("pong\x00\xff"), receives("pong\x00\xff")}},
	{Name: "Sec-WebSocket fields in their case", Ref: "Traefik 11301", Steps: []Step{send(wsAsk), takes(lines(strings.Split(strings.TrimSuffix(wsKey, "\r\n"), "\r\n")...)), replies(wsAnswer), gets("101")}},
	{Name: "tokens in other cases and lists", Ref: "RFC 9110 7.6.1", Steps: []Step{
		send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, upgrade\r\nUpgrade: WebSocket\r\n" + wsKey + "\r\n"), takes(connection("upgrade", true)), replies(wsAnswer), gets("101"), send("a"), takesBytes("a")}},
	{Name: "origin's first bytes together with the 101", Ref: "RFC 6455 4.2.2", Steps: []Step{send(wsAsk), takes(), replies(wsAnswer + "early"), gets("101"), receives("early"), send("a"), takesBytes("a")}},
	{Name: "client's first bytes before the 101", Ref: "RFC 6455 4.1", Steps: []Step{send(wsAsk + "early"), takes(), replies(wsAnswer), gets("101"), takesBytes("early"), replies("b"), receives("b")}},
	{Name: "1 MiB both ways", Ref: "RFC 6455 5", Steps: []Step{switched, send(strings.Repeat("x", 1<<20)), takesBytes(strings.Repeat("x", 1<<20)), replies(strings.Repeat("y", 1<<20)), receives(strings.Repeat("y", 1<<20))}},
	{Name: "client half-closes, origin goes on", Ref: "RFC 6455 7.1", Steps: []Step{switched, send("bye"), endSending, takesBytes("bye"), originEnds, replies("still here"), receives("still here"), hangsUp, closes}},
	{Name: "origin half-closes, client goes on", Ref: "RFC 6455 7.1", Steps: []Step{switched, replies("bye"), endsReply, receives("bye"), send("still here"), takesBytes("still here")}},
	{Name: "origin closes", Ref: "RFC 6455 7.1", Steps: []Step{switched, hangsUp, closes}},
	{Name: "client closes", Ref: "RFC 6455 7.1", Steps: []Step{switched, leave, originEnds}},
	{Name: "refused by the origin", Ref: "RFC 6455 4.2.2", Steps: []Step{send(wsAsk), takes(), replies("HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno"), gets("403", body("no")), again}},
	{Name: "answered 200 by the origin", Ref: "RFC 9110 7.8", Steps: []Step{send(wsAsk), takes(), replies(ok), gets("200", body("ok")), again}},
	{Name: "426 with its Upgrade and version", Ref: "RFC 6455 4.4", Steps: []Step{send(wsAsk), takes(), replies("HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n"), gets("426", field("Sec-WebSocket-Version", "13")), again}},
	{Name: "redirected by the origin", Ref: "RFC 6455 4.2.2", Steps: []Step{send(wsAsk), takes(), replies("HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), gets("302", field("Location", "/x")), again}},
	{Name: "request smuggled behind a refused upgrade", Ref: "WebSocket smuggling (Akafan 2019)", Steps: []Step{send(wsAsk + getPath("/admin2")), takes(target("/ws")), replies("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n"), gets("426"), takes(target("/admin2"), field("X-Forwarded-For", "127.0.0.1")), replies(ok), gets("200")}},
	{Name: "101 that does not say to what", Ref: "RFC 9110 15.2.2", Steps: []Step{send(wsAsk), takes(), replies("HTTP/1.1 101 Switching Protocols\r\n\r\n"), gets("502"), originEnds, elsewhere}},
	{Name: "of two protocols only WebSocket is asked for", Ref: "RFC 9110 7.8; h2c smuggling", Steps: []Step{send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c, websocket\r\n" + wsKey + "\r\n"), takes(either(lacks("Upgrade"), field("Upgrade", "websocket"))), replies(ok), gets("200")}},
	{Name: "of two lines only WebSocket is asked for", Ref: "RFC 9110 7.8; h2c smuggling", Steps: []Step{send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n" + wsKey + "\r\n"), takes(either(lacks("Upgrade"), field("Upgrade", "websocket"))), replies(ok), gets("200")}},
	{Name: "asked with a body", Ref: "RFC 9110 7.8", Steps: []Step{send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n" + wsKey + "\r\nhello"), takes(body("hello")), replies(ok), gets("200")}},
	{Name: "asked with a body that is still coming", Ref: "RFC 9110 7.8; tunnel under an upload", Steps: []Step{send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n" + wsKey + "\r\n5\r\nhello\r\n"), takesPart("hello"), drops, replies(wsAnswer), gets("502 400"), send("0\r\n\r\n"), originEnds, another}},
	{Name: "asked with POST", Ref: "RFC 6455 4.1", Steps: []Step{send("POST /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n" + wsKey + "\r\n"), takes(), replies(ok), gets("200"), again}},
	{Name: "asked on HTTP/1.0", Ref: "RFC 9110 7.8", Steps: []Step{send("GET /ws HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" + wsKey + "\r\n"), takes(lacks("Upgrade")), replies(ok), gets("200"), closes}},
	{Name: "fields of the 101 pass", Ref: "RFC 6455 4.2.2", Steps: []Step{send(wsAsk), takes(), replies(strings.Replace(wsAnswer, "\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=b\r\nX-Empty:\r\n\r\n", 1)), gets("101", field("Sec-WebSocket-Protocol", "chat"), field("Set-Cookie", "a=b"), field("X-Empty", ""))}},
}

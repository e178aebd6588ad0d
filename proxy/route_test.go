package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

func TestPredicates(t *testing.T) {
	b := serve(t, `{ LISTEN, "routes": [
		{ "name": "rest", "path": "/*", "respond": { "body": "rest" } },
		{ "name": "canary", "path": "/h", "headers": { "X-Canary": "1" }, "respond": { "body": "canary" } },
		{ "name": "version", "path": "/q", "query": { "ver sion": "a b" }, "respond": { "body": "version" } },
		{ "name": "beta", "path": "/c", "cookies": { "beta": "*" }, "respond": { "body": "beta" } },
		{ "name": "agent", "path": "/a", "headers": { "User-Agent": "~^curl/[0-9]" }, "respond": { "body": "agent" } },
		{ "name": "both", "path": "/h", "headers": { "X-Canary": "1" }, "cookies": { "beta": "2" }, "respond": { "body": "both" } },
		{ "name": "post", "path": "/form", "methods": [ "POST" ], "respond": { "body": "post" } } ] }`)
	cases := []struct{ target, fields, want string }{
		{"/", "", "rest"},
		{"/h", "X-Canary: 1\r\n", "canary"},
		{"/h", "x-canary: 0\r\nX-CANARY: 1\r\n", "canary"},
		{"/h", "X-Canary: 11\r\n", "rest"},
		{"/q?ver%20sion=a%20b", "", "version"},
		{"/q?x=1&ver+sion=a+b", "", "version"},
		{"/q?%76er%20sion=%61+b#f", "", "400"},
		{"/q?%76er%20sion=%61+b", "", "version"},
		{"/q?ver%20sion=c&ver%20sion=a+b", "", "version"},
		{"/q?ver%20sion=a%2520b", "", "rest"},
		{"/c", "Cookie: a=1; beta=x\r\n", "beta"},
		{"/c", "Cookie: a=1\r\nCookie: beta=\r\n", "beta"},
		{"/c", "Cookie: alphabeta=1; Beta=1\r\n", "rest"},
		{"/a", "User-Agent: curl/8\r\n", "agent"},
		{"/a", "User-Agent: not curl/8\r\n", "rest"},
		{"/h", "X-Canary: 1\r\nCookie: beta=2\r\n", "both"},
		{"/form", "", "rest"},
	}
	for _, c := range cases {
		got := b.raw("GET " + c.target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + c.fields + "\r\n")
		if !strings.HasSuffix(got, "\r\n\r\n"+c.want) && !strings.HasPrefix(got, "HTTP/1.1 "+c.want+" ") {
			t.Errorf("%s %q: %q, want %s", c.target, c.fields, got, c.want)
		}
	}
}

func TestRespond(t *testing.T) {
	b := serve(t, `{ LISTEN, "routes": [
		{ "name": "full", "path": "/full", "respond": { "status": 418, "headers": { "B": "2", "A": "1" }, "body": "tea\n" } },
		{ "name": "empty", "path": "/empty", "respond": { "status": 204 } },
		{ "name": "typed", "path": "/typed", "respond": { "headers": { "Content-Type": "a/b", "Date": "never" }, "body": "x" } },
		{ "name": "got", "path": "/got", "methods": [ "GET" ], "respond": {} } ] }`)
	cases := []struct{ request, want string }{
		{"GET /full", "HTTP/1.1 418 I'm a teapot\r\nA: 1\r\nB: 2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\nDATEConnection: close\r\n\r\ntea\n"},
		{"HEAD /full", "HTTP/1.1 418 I'm a teapot\r\nA: 1\r\nB: 2\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\nDATEConnection: close\r\n\r\n"},
		{"GET /empty", "HTTP/1.1 204 No Content\r\nDATEConnection: close\r\n\r\n"},
		{"GET /typed", "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nDate: never\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx"},
		{"GET /got", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDATEConnection: close\r\n\r\n"},
		{"PUT /got", "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain; charset=utf-8\r\nAllow: GET, HEAD\r\nContent-Length: 23\r\nDATEConnection: close\r\n\r\n405 method not allowed\n"},
		{"GET /none", "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\nDATEConnection: close\r\n\r\n404 no route\n"},
	}
	for _, c := range cases {
		got := b.raw(c.request + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if at := strings.Index(got, "Date: "); at >= 0 && strings.Contains(c.want, "DATE") {
			end := at + strings.Index(got[at:], "\r\n") + 2
			got = got[:at] + "DATE" + got[end:]
		}
		if got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.request, got, c.want)
		}
	}
}

// reporting is an origin that reports each request head.
func reporting(t testing.TB) (addr string, heads chan string) {
	heads = make(chan string, 10)
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			heads <- head
			if _, err := io.WriteString(c, hello); err != nil {
				return
			}
		}
	}), heads
}

// value returns the values of a field in a head, joined by "|".
func value(head, name string) string {
	var all []string
	for line := range strings.SplitSeq(head, "\r\n") {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			all = append(all, strings.TrimSpace(v))
		}
	}
	return strings.Join(all, "|")
}

func TestHostPolicies(t *testing.T) {
	addr, heads := reporting(t)
	for setting, want := range map[string]string{
		"": "Client.test:81", `"host": "client"`: "Client.test:81", `"host": "target"`: addr, `"host": "app.internal"`: "app.internal",
	} {
		b := serve(t, over(setting, addr))
		for _, version := range []string{"1.1", "1.0"} {
			b.raw("GET / HTTP/" + version + "\r\nHost: Client.test:81\r\nConnection: close\r\n\r\n")
			head := <-heads
			if got := value(head, "Host"); got != want {
				t.Errorf("%s: the target sees Host %q, want %q", setting, got, want)
			}
			if got := value(head, "X-Forwarded-Host"); got != "Client.test:81" {
				t.Errorf("%s: the target is told of %q", setting, got)
			}
		}
	}
}

func TestForwardingFields(t *testing.T) {
	addr, heads := reporting(t)
	const sent = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.test\r\nForwarded: for=192.0.2.1\r\n"
	cases := []struct {
		name, trusted, sent    string
		client, proto, host, f string
	}{
		{"nothing sent", "", "", "127.0.0.1", "http", "a", ""},
		{"not believed", "", sent, "127.0.0.1", "http", "a", ""},
		{"another is trusted", `"10.0.0.0/8"`, sent, "127.0.0.1", "http", "a", ""},
		{"trusted", `"127.0.0.1/32"`, sent, "192.0.2.1, 127.0.0.1", "https", "shop.test", "for=192.0.2.1"},
		{"trusted and silent", `"127.0.0.0/8"`, "", "127.0.0.1", "http", "a", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := serve(t, strings.Replace(over("", addr), "LISTEN,", `LISTEN, "trusted_proxies": [ `+c.trusted+` ],`, 1))
			b.raw("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + c.sent + "\r\n")
			head := <-heads
			got := []string{value(head, "X-Forwarded-For"), value(head, "X-Forwarded-Proto"), value(head, "X-Forwarded-Host"), value(head, "Forwarded")}
			want := []string{c.client, c.proto, c.host, c.f}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("told %q, want %q", got, want)
					break
				}
			}
		})
	}
}

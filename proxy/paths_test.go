package proxy_test

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// TestPaths tells for each setting of limits.paths what an origin is sent, or
// that the request is refused.
func TestPaths(t *testing.T) {
	addr := origin(t, func(c net.Conn, br *bufio.Reader) {
		head, err := readHead(br)
		if err != nil {
			return
		}
		target := strings.Fields(head)[1]
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"+target)
	})
	const config = `{ LISTEN, "limits": { "paths": "MODE" },
		"upstreams": { "u": { "targets": [ { "address": "ADDR" } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" },
			{ "name": "admin", "path": "/admin/*", "respond": { "status": 403, "body": "no" } } ] }`
	const refused = "400"
	for mode, cases := range map[string]map[string]string{
		"exact": {
			"/a%2Fb?q=%2f": "/a%2Fb?q=%2f", "//a//b": "//a//b", "/x/../y": "/x/../y", "/caf%C3%A9": "/caf%C3%A9", "/a?": "/a?",
			"/x/../admin/": refused, "/x%2f..%2fadmin": refused, "//admin": refused, "/%61dmin": "403", `/x\..\admin`: refused,
			"/admin/../x": refused, "/%00": refused, "/a;b=c/d": "/a;b=c/d", "/x/..;/admin": refused,
			"/admin;a/y": refused, "/;a/admin/y": refused, "/admin%3Ba": "/admin%3Ba", "/x;a/y;b": "/x;a/y;b", "/admin/x;y": "403",
		},
		"strict": {
			"/a%2Fb": refused, "/x/../y": refused, "/%2e%2e": refused, "/caf%C3%A9": "/caf%C3%A9", "/a%20b?x=../": "/a%20b?x=../", `/a\b`: refused,
		},
		"normalized": {
			"/a%2Fb?q=%2f": "/a/b?q=%2f", "/x/../y": "/y", "//a//./b?": "/a/b?", "/caf%C3%A9 ": refused, "/caf%c3%a9": "/caf%C3%A9",
			"/x/../admin/": "403", "/a%3Fb%25": "/a%3Fb%25", "/x": "/x",
		},
	} {
		b := serve(t, replace(config, "MODE", mode, "ADDR", addr))
		for target, want := range cases {
			got := b.raw("GET " + target + " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			status, body := got[9:12], got[strings.Index(got, "\r\n\r\n")+4:]
			if status == "200" {
				// Towards an HTTP/1.1 client the body is in one chunk.
				status = strings.Split(body, "\r\n")[1]
			}
			if status != want {
				t.Errorf("%s: GET %s: got %s, want %s", mode, target, status, want)
			}
		}
	}
}

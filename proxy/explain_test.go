package proxy_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// generationOf compiles a config, in which LISTEN stands for the listeners.
func generationOf(t *testing.T, text string) *proxy.Generation {
	t.Helper()
	text = strings.Replace(text, "LISTEN", `"listeners": [{"address": "127.0.0.1:0"}]`, 1)
	cfg, err := config.Parse([]byte(text), proxy.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	candidate, err := proxy.New(proxy.Options{Metrics: telemetry.NewMetrics("test")}).Prepare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	candidate.Commit()
	return candidate.Generation()
}

func explain(t *testing.T, g *proxy.Generation, q proxy.Query) *proxy.Explanation {
	t.Helper()
	e, err := g.Explain(q)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// heads is an origin that answers everything and hands on the heads it gets.
func heads(t *testing.T) (addr string, got chan string) {
	got = make(chan string, 16)
	return origin(t, func(c net.Conn, br *bufio.Reader) {
		for {
			head, err := readHead(br)
			if err != nil {
				return
			}
			got <- head
			if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
				return
			}
		}
	}), got
}

const explained = `{ LISTEN,
	"upstreams": {
		"app": { "targets": [ { "address": %[1]q } ] },
		"named": { "host": "origin.internal", "targets": [ { "address": %[1]q } ] },
		"direct": { "host": "target", "targets": [ { "address": %[1]q } ] } },
	"middlewares": {
		"v1": { "type": "strip_prefix", "prefix": "/v1" },
		"mark": { "type": "request_headers", "set": { "X-Mark": "1" }, "remove": ["Accept"] },
		"seen": { "type": "response_headers", "set": { "X-Seen": "yes" } },
		"away": { "type": "redirect", "status": 302, "to": "https://{host}{uri}" } },
	"routes": [
		{ "name": "v1", "hosts": ["api.example.com"], "path": "/v1/*", "middlewares": ["mark", "v1"], "upstream": "app" },
		{ "name": "item", "path": "/items/:id", "methods": ["GET"], "upstream": "named" },
		{ "name": "direct", "path": "/direct", "upstream": "direct" },
		{ "name": "canary", "path": "/canary", "headers": { "X-Canary": "1" }, "upstream": "app" },
		{ "name": "away", "path": "/old/*", "middlewares": ["seen", "away"] },
		{ "name": "ping", "path": "/ping", "middlewares": ["seen"],
		  "respond": { "status": 203, "headers": { "X-A": "b" }, "body": "pong\n" } },
		{ "name": "static", "path": "/static/*", "upstream": "app" } ] }`

var explainedRequests = []struct {
	method, target string
	header         [][2]string
	status         int
}{
	{"GET", "/v1/users?a=%20b", [][2]string{{"Host", "API.example.com:8080"}, {"accept", "x"}, {"X-mark", "0"}}, 200},
	{"POST", "/v1/", [][2]string{{"Host", "api.example.com"}, {"Content-Length", "0"}}, 200},
	{"GET", "/v1", [][2]string{{"Host", "api.example.com"}, {"Connection", "close, x-hop"}, {"X-Hop", "1"}}, 200},
	{"GET", "/items/7%2f8", [][2]string{{"Host", "h"}}, 400},
	{"GET", "/items/a%20b", [][2]string{{"Host", "h"}, {"X-Forwarded-For", "1.2.3.4"}}, 200},
	{"HEAD", "/items/7", [][2]string{{"Host", "h"}}, 200},
	{"DELETE", "/items/7", [][2]string{{"Host", "h"}}, 405},
	{"GET", "/direct", [][2]string{{"Host", "h"}}, 200},
	{"GET", "/canary", [][2]string{{"Host", "h"}, {"X-Canary", "1"}}, 200},
	{"GET", "/canary", [][2]string{{"Host", "h"}, {"X-Canary", "2"}}, 404},
	{"GET", "/old/a?b", [][2]string{{"Host", "h"}}, 302},
	{"GET", "/ping", [][2]string{{"Host", "h"}}, 203},
	{"GET", "/static/../ping", [][2]string{{"Host", "h"}}, 400},
	{"GET", "/static/a%00", [][2]string{{"Host", "h"}}, 400},
	{"GET", "/nowhere", [][2]string{{"Host", "h"}}, 404},
	{"GET", "/ping", nil, 400},
	{"GET", "/ping", [][2]string{{"Host", "a b"}}, 400},
	{"GET", "/ping", [][2]string{{"Host", "h"}, {"Transfer-Encoding", "gzip"}}, 501},
	{"G(T", "/ping", [][2]string{{"Host", "h"}}, 400},
	{"GET", "/a b", [][2]string{{"Host", "h"}}, 400},
	{"GET", "/" + strings.Repeat("a", 20<<10), [][2]string{{"Host", "h"}}, 414},
}

// What is explained is what happens: each request is explained and then sent.
func TestExplainIsWhatHappens(t *testing.T) {
	addr, got := heads(t)
	text := fmt.Sprintf(explained, addr)
	b := serve(t, text)
	g := b.proxy.Generation()
	for _, test := range explainedRequests {
		name := fmt.Sprintf("%s %.40s %v", test.method, test.target, test.header)
		e := explain(t, g, proxy.Query{Method: test.method, URL: test.target, Header: test.header})
		request := test.method + " " + test.target + " HTTP/1.1\r\n"
		for _, f := range test.header {
			request += f[0] + ": " + f[1] + "\r\n"
		}
		answer := b.raw(request + "Connection: close\r\n\r\n")
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
			t.Errorf("%s: answered %.60q, want status %d", name, answer, test.status)
		}
		switch e.Verdict {
		case proxy.VerdictForward:
			if head := <-got; head != e.Forward.Head {
				t.Errorf("%s: explained\n%swas sent\n%s", name, e.Forward.Head, head)
			}
		case proxy.VerdictAnswer:
			sent := checkAnswer(t, name, e.Answer, answer)
			if sent != test.status {
				t.Errorf("%s: explained as %d", name, sent)
			}
		case proxy.VerdictRefuse:
			want := fmt.Sprintf("\r\n\r\n%d %s\n", e.Status, e.Reason)
			if e.Status != test.status || !strings.HasSuffix(answer, want) {
				t.Errorf("%s: explained as %d %s, answered %q", name, e.Status, e.Reason, answer)
			}
		}
	}
	if len(got) > 0 {
		t.Errorf("a request was sent that was explained as not forwarded: %s", <-got)
	}
}

// checkAnswer compares an answer explained with the one received.
func checkAnswer(t *testing.T, name string, a *proxy.AnswerPlan, answer string) int {
	t.Helper()
	for _, f := range a.Header {
		if !strings.Contains(answer, "\r\n"+f[0]+": "+f[1]+"\r\n") {
			t.Errorf("%s: %s: %s was explained, answered %q", name, f[0], f[1], answer)
		}
	}
	if !strings.HasSuffix(answer, "\r\n\r\n"+a.Body) {
		t.Errorf("%s: body %q was explained, answered %q", name, a.Body, answer)
	}
	return a.Status
}

func TestExplainNamesTheOwner(t *testing.T) {
	const text = `{ LISTEN, "upstreams": { "cache": { "balance": "consistent_hash",
		"hash": { "key": "header:X-User" }, "targets": [ { "address": %q }, { "address": %q }, { "address": %q } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "cache" } ] }`
	var addrs []any
	for i := range 3 {
		addrs = append(addrs, answering(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", i)))
	}
	b := serve(t, fmt.Sprintf(text, addrs...))
	for i := range 20 {
		user := fmt.Sprint("user", i)
		e := explain(t, b.proxy.Generation(), proxy.Query{URL: "http://h/", Header: [][2]string{{"x-user", user}}})
		if h := e.Forward.Hash; h.Key != "header:X-User" || h.Value != user || len(h.Hash) != 16 {
			t.Errorf("hash %+v", h)
		}
		_, body := b.get("/", "X-User: "+user)
		if addrs[body[0]-'0'] != e.Forward.Owner {
			t.Errorf("%s went to %v, not to %s", user, addrs[body[0]-'0'], e.Forward.Owner)
		}
	}
	e := explain(t, b.proxy.Generation(), proxy.Query{URL: "http://h/"})
	if !e.Forward.Hash.Missing || e.Forward.Owner != "" {
		t.Errorf("without the field: %+v, owner %q", e.Forward.Hash, e.Forward.Owner)
	}
}

func TestExplainTellsWhy(t *testing.T) {
	g := generationOf(t, fmt.Sprintf(explained, "127.0.0.1:1"))
	e := explain(t, g, proxy.Query{URL: "http://h/canary"})
	if e.Status != 404 || e.Route != "" || e.Host != "h" || e.Path != "/canary" {
		t.Errorf("%+v", e)
	}
	why := map[string]string{}
	for _, c := range e.Why {
		why[c.Route] = c.Reason
	}
	if why["canary"] != "header X-Canary is missing" || why["v1"] != `host "h" is not api.example.com` {
		t.Errorf("why: %v", why)
	}
	e = explain(t, g, proxy.Query{URL: "/static/%2e%2e/ping", Header: [][2]string{{"Host", "h"}}})
	if e.Reason != "ambiguous path" || e.Path != "/static/../ping" || e.Resolved != "/ping" {
		t.Errorf("%+v", e)
	}
	e = explain(t, g, proxy.Query{Method: "PUT", URL: "http://h/items/1"})
	if e.Status != 405 || len(e.Answer.Header) != 2 || e.Answer.Header[1] != [2]string{"Allow", "GET, HEAD"} {
		t.Errorf("405: %+v", e.Answer)
	}
}

func TestExplainBoundsWhatItTells(t *testing.T) {
	var routes []string
	for i := range 300 {
		routes = append(routes, fmt.Sprintf(`{ "name": "r%d", "hosts": ["h%d"], "path": "/*", "respond": {} }`, i, i))
	}
	g := generationOf(t, `{ LISTEN, "routes": [`+strings.Join(routes, ",")+`] }`)
	e := explain(t, g, proxy.Query{URL: "http://h299/"})
	if e.Route != "r299" || len(e.Why) != 1 || !e.Why[0].Chosen || e.Omitted != 299 {
		t.Errorf("route %s, %d routes told, %d left out", e.Route, len(e.Why), e.Omitted)
	}
}

func TestExplainURL(t *testing.T) {
	g := generationOf(t, fmt.Sprintf(explained, "127.0.0.1:1"))
	for url, want := range map[string]string{
		"http://api.example.com/v1/a?b=1#c": "/a?b=1",
		"HTTPS://api.example.com/v1?q":      "/?q",
		"http://x/static/%7e//b":            "/static/%7e//b",
	} {
		e := explain(t, g, proxy.Query{URL: url})
		if e.Forward == nil || e.Forward.Target != want {
			t.Errorf("%s: %+v, want target %s", url, e, want)
		}
	}
	if e := explain(t, g, proxy.Query{URL: "https://api.example.com/v1/a"}); !strings.Contains(e.Forward.Head, "X-Forwarded-Proto: https\r\n") {
		t.Errorf("https: sent %q", e.Forward.Head)
	}
	for _, q := range []proxy.Query{
		{},
		{URL: "api.example.com/v1"},
		{URL: "ftp://h/"},
		{URL: "http:///v1"},
		{URL: "http://h/\r\nX: y"},
		{URL: "http://h/", Method: "GET / HTTP/1.1\r\nX:"},
		{URL: "http://h/", Header: [][2]string{{"A", "b\r\nHost: other"}}},
	} {
		if e, err := g.Explain(q); err == nil {
			t.Errorf("%+v: explained as %+v", q, e)
		}
	}
}

func TestExplainWithoutUsableTarget(t *testing.T) {
	g := generationOf(t, `{ LISTEN, "upstreams": { "u": { "targets": [ { "address": "127.0.0.1:1" }, { "address": "127.0.0.1:2", "backup": true } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`)
	targets := g.Pools()["u"].Targets
	targets[0].Node.SetUsable(false)
	if e := explain(t, g, proxy.Query{URL: "http://h/"}); e.Verdict != proxy.VerdictForward {
		t.Errorf("with a backup: %s %d", e.Verdict, e.Status)
	}
	targets[1].Node.SetUsable(false)
	e := explain(t, g, proxy.Query{URL: "http://h/"})
	if e.Verdict != proxy.VerdictRefuse || e.Status != 503 || e.Forward == nil || e.Forward.Targets[0].Usable {
		t.Errorf("without: %+v", e)
	}
}

func TestExplainForPeople(t *testing.T) {
	g := generationOf(t, fmt.Sprintf(explained, "127.0.0.1:9001"))
	var b strings.Builder
	e := explain(t, g, proxy.Query{URL: "http://api.example.com/v1/users", Header: [][2]string{{"Accept", "x"}}})
	if err := e.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	const want = `request      GET http://api.example.com/v1/users
verdict      forwarded to upstream app
matched by   host api.example.com, path /v1/users
route        v1, path /v1/*
middlewares  mark, v1
why          v1      api.example.com/v1/*  chosen
             item    */items/:id           path "/v1/users" does not match /items/:id
             canary  */canary              path "/v1/users" does not match /canary
             direct  */direct              path "/v1/users" does not match /direct
             ping    */ping                path "/v1/users" does not match /ping
             away    */old/*               path "/v1/users" does not match /old/*
             static  */static/*            path "/v1/users" does not match /static/*
sends        GET /users HTTP/1.1
             Host: api.example.com
             X-Forwarded-For: 127.0.0.1
             X-Forwarded-Host: api.example.com
             X-Forwarded-Proto: http
             X-Mark: 1
balance      weighted
targets      127.0.0.1:9001  weight 1  usable, 100% of picks
timeouts     connect 1s, response_header 30s, idle 1m, request none
`
	if b.String() != want {
		t.Errorf("told\n%swant\n%s", b.String(), want)
	}
	b.Reset()
	e = explain(t, g, proxy.Query{URL: "/\x1b[2J", Header: [][2]string{{"Host", "h"}}})
	if err := e.WriteText(&b); err != nil || strings.Contains(b.String(), "\x1b") {
		t.Errorf("a control byte reaches the terminal: %q, %v", b.String(), err)
	}
}

// Explaining changes nothing and may be done while requests are served.
func TestExplainBesideTraffic(t *testing.T) {
	addr := answering(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	b := serve(t, fmt.Sprintf(explained, addr))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				e, err := b.proxy.Generation().Explain(proxy.Query{URL: "http://api.example.com/v1/a"})
				if err != nil || e.Route != "v1" {
					t.Errorf("explained as %+v, %v", e, err)
					return
				}
			}
		})
	}
	for range 20 {
		if status, body := b.get("/v1/a", "Host: api.example.com"); status != 200 || body != "ok" {
			t.Errorf("answered %d %q", status, body)
		}
	}
	wg.Wait()
	if u := b.proxy.Generation().UpstreamList(); u[0].Targets[0].InFlight != 0 {
		t.Errorf("left in flight: %+v", u[0].Targets)
	}
}

func TestExplainForPeopleInShort(t *testing.T) {
	g := generationOf(t, `{ LISTEN, "limits": { "body_bytes": "1KiB" },
		"upstreams": { "u": { "balance": "consistent_hash", "hash": { "key": "query:k" },
			"targets": [ { "address": "127.0.0.1:1" }, { "address": "127.0.0.1:2", "backup": true } ] } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" },
			{ "name": "long", "path": "/long", "respond": { "body": "`+strings.Repeat("x", 300)+`" } } ] }`)
	nodes := g.Pools()["u"].Targets
	nodes[0].Node.Start()
	nodes[1].Node.SetUsable(false)
	nodes[1].Node.SetShare(0.5)
	for _, test := range []struct {
		q     proxy.Query
		lines []string
	}{
		{proxy.Query{URL: "http://h/?k=v"}, []string{
			fmt.Sprintf(`hash         query:k is "v": %016x`, lb.KeyString("v")),
			"targets      127.0.0.1:1  weight 1  usable, 1 in flight, owner",
			"             127.0.0.1:2  weight 1  not usable, backup, share 0.50",
		}},
		{proxy.Query{URL: "http://h/"}, []string{"hash         query:k is not in the request: any target"}},
		{proxy.Query{URL: "http://h/long"}, []string{
			"verdict      answered by Sluice: 200",
			"answers      200",
			"             Content-Type: text/plain; charset=utf-8",
			"             " + strings.Repeat("x", 200) + "… (300 bytes)",
		}},
		{proxy.Query{URL: "http://h/", Method: "POST", Header: [][2]string{{"Content-Length", "1025"}}}, []string{
			"verdict      refused: 413 request body too long",
		}},
	} {
		var b strings.Builder
		if err := explain(t, g, test.q).WriteText(&b); err != nil {
			t.Fatal(err)
		}
		for _, line := range test.lines {
			if !strings.Contains(b.String(), "\n"+line+"\n") {
				t.Errorf("%+v: no line %q in\n%s", test.q, line, b.String())
			}
		}
	}
}

package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/telemetry"
)

func TestIndex(t *testing.T) {
	a := open(t, conf).do("GET", "/", "")
	if a.status != 200 || !strings.HasPrefix(a.body, "Sluice v1.2.3, admin interface\n\nGET  / ") || !strings.Contains(a.body, "\nPOST /reload ") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", a.header)
	}
}

func TestHealthAndReadiness(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/healthz", "").is(t, 200, "ok\n")
	d.do("GET", "/readyz", "").is(t, 200, "ready\n")
	why := "draining"
	d.unready.Store(&why)
	d.do("GET", "/readyz", "").is(t, 503, "not ready: draining\n")
	d.do("GET", "/healthz", "").is(t, 200, "ok\n")
	if a := d.do("HEAD", "/healthz", ""); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
}

func TestMetrics(t *testing.T) {
	a := open(t, conf).do("GET", "/metrics", "")
	if a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("answered %d, %v", a.status, a.header)
	}
	for _, line := range []string{"sluice_config_generation 1\n", `sluice_build_info{go=`, `sluice_target_usable{target="127.0.0.1:2",upstream="api"} 1`} {
		if !strings.Contains(a.body, line) {
			t.Errorf("no %s in\n%s", line, a.body)
		}
	}
}

func TestMetricsInProtobuf(t *testing.T) {
	a := open(t, conf).do("GET", "/metrics", "", "Accept: "+telemetry.ProtobufType+", text/plain;q=0.5")
	if a.status != 200 || a.header.Get("Content-Type") != telemetry.ProtobufType || a.header.Get("Vary") != "Accept" {
		t.Errorf("answered %d, %v", a.status, a.header)
	}
	if !strings.Contains(a.body, "sluice_config_generation") || strings.Contains(a.body, "# HELP") {
		t.Errorf("answered %q", a.body)
	}
}

func TestRoutes(t *testing.T) {
	open(t, conf).do("GET", "/routes", "").is(t, 200, `{
  "generation": 1,
  "routes": [
    {
      "name": "api",
      "hosts": [
        "api.example.com"
      ],
      "path": "/v1/*",
      "methods": [
        "GET"
      ],
      "headers": {
        "X-Canary": "1"
      },
      "query": {
        "q": "*"
      },
      "cookies": {
        "c": "~^a"
      },
      "middlewares": [
        "v1"
      ],
      "upstream": "api"
    },
    {
      "name": "away",
      "hosts": [
        "*"
      ],
      "path": "/old",
      "middlewares": [
        "away"
      ]
    },
    {
      "name": "ping",
      "hosts": [
        "*"
      ],
      "path": "/ping",
      "respond": 200
    },
    {
      "name": "rest",
      "hosts": [
        "*"
      ],
      "path": "/*",
      "upstream": "cache"
    }
  ]
}
`)
}

func TestUpstreams(t *testing.T) {
	d := open(t, conf)
	api := d.proxy.Generation().Pools()["api"]
	api.Targets[1].Node.SetUsable(false)
	d.do("GET", "/upstreams", "").is(t, 200, `{
  "generation": 1,
  "upstreams": [
    {
      "name": "api",
      "balance": "weighted",
      "failing_open": false,
      "targets": [
        {
          "address": "127.0.0.1:***",
          "weight": 5,
          "backup": false,
          "usable": true,
          "state": "up",
          "since": "***",
          "drained": false,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        },
        {
          "address": "127.0.0.1:2",
          "weight": 1,
          "backup": true,
          "usable": false,
          "state": "up",
          "since": "***",
          "drained": false,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        }
      ]
    },
    {
      "name": "cache",
      "balance": "consistent_hash",
      "hash": "header:X-User",
      "failing_open": false,
      "targets": [
        {
          "address": "127.0.0.1:***",
          "weight": 1,
          "backup": false,
          "usable": true,
          "state": "up",
          "since": "***",
          "drained": false,
          "share": 1,
          "in_flight": 0,
          "latency_ms": 0,
          "connections": {
            "all": 0,
            "idle": 0
          }
        }
      ]
    }
  ]
}
`)
}

func TestConfig(t *testing.T) {
	d := open(t, conf)
	d.do("GET", "/config", "").is(t, 200, string(d.proxy.Generation().Config.Shown()))
}

func TestExplain(t *testing.T) {
	d := open(t, conf)
	q := url.Values{"url": {"http://api.example.com/v1/a?q=%41"}, "header": {"X-Canary: 1", "Cookie:c=ab"}, "client": {"192.0.2.9"}}
	a := d.do("GET", "/explain?"+q.Encode(), "")
	for _, part := range []string{`"generation": 1`, `"verdict": "forward"`, `"route": "api"`, `"target": "/a?q=%41"`,
		`X-Forwarded-For: 192.0.2.9\r\n`, `"weight": 5`, `"connect": "1s"`} {
		if a.status != 200 || !strings.Contains(a.body, part) {
			t.Errorf("no %s in %d %s", part, a.status, a.body)
		}
	}
	a = d.do("GET", "/explain?method=POST&format=text&url=/ping&header=Host:x", "")
	if a.status != 200 || !strings.HasPrefix(a.body, "request      POST /ping\nverdict      answered by Sluice: 200\n") {
		t.Errorf("text: %d %s", a.status, a.body)
	}
	for query, part := range map[string]string{
		"":                             "url is missing",
		"url=example.com":              "not a URL",
		"url=/&header=x":               "no colon",
		"url=/&client=x":               "not an IP address",
		"url=/&format=xml":             "unknown format",
		"url=http://h/?a=1&b=2":        `unknown parameter "b"`,
		"url=/&header=A:b%0d%0aHost:c": "line break",
	} {
		d.do("GET", "/explain?"+query, "").fails(t, 400, part)
	}
}

func TestLogLevel(t *testing.T) {
	d := open(t, conf)
	const info, debug = "{\n  \"level\": \"info\"\n}\n", "{\n  \"level\": \"debug\"\n}\n"
	d.do("GET", "/log", "").is(t, 200, info)
	d.do("PUT", "/log", `{"level":"debug"}`).is(t, 200, debug)
	d.do("GET", "/log", "").is(t, 200, debug)
	d.do("POST", "/log", `{"level":"error"}`).is(t, 200, "{\n  \"level\": \"error\"\n}\n")
	d.do("PUT", "/log", `{"level":"loud"}`).fails(t, 400, "unknown log level")
	d.do("PUT", "/log", `{"lever":"info"}`).fails(t, 400, `send {"level":"debug"}`)
	d.do("PUT", "/log", `{"level":"info"} x`).fails(t, 400, "cannot read the level")
	d.do("PUT", "/log", "").fails(t, 400, "cannot read the level")
	if d.log.LevelName() != "error" {
		t.Errorf("level %s", d.log.LevelName())
	}
	if n := strings.Count(d.written.String(), "log level changed"); n != 2 {
		t.Errorf("%d changes logged: %s", n, d.written)
	}
}

func TestProfiles(t *testing.T) {
	d := open(t, conf)
	if a := d.do("GET", "/debug/pprof/", ""); a.status != 200 || !strings.Contains(a.body, "goroutine?debug=1") {
		t.Errorf("list: %d %s", a.status, a.body)
	}
	if a := d.do("GET", "/debug/pprof", ""); a.status != 301 || a.header.Get("Location") != "/debug/pprof/" {
		t.Errorf("without slash: %d %v", a.status, a.header)
	}
	if a := d.do("GET", "/debug/pprof/goroutine?debug=1", ""); a.status != 200 || !strings.HasPrefix(a.body, "goroutine profile:") {
		t.Errorf("goroutine: %d %.100s", a.status, a.body)
	}
	if a := d.do("GET", "/debug/pprof/heap", ""); a.status != 200 || !strings.HasPrefix(a.body, "\x1f\x8b") {
		t.Errorf("heap: %d", a.status)
	}
	if a := d.do("GET", "/debug/pprof/nonsense", ""); a.status != 404 {
		t.Errorf("unknown: %d", a.status)
	}
}

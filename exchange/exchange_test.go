package exchange_test

import (
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// received returns an exchange of a request as it came from 192.0.2.1.
func received(t testing.TB, raw string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{Head: &wire.Head{}}
	begin(t, x, raw)
	return x
}

func begin(t testing.TB, x *exchange.Exchange, raw string) {
	t.Helper()
	head := x.Head
	if n, err := head.Parse([]byte(raw), wire.Limits{Bytes: 4096, Fields: 100}); err != nil || n == 0 {
		t.Fatalf("%d, %v", n, err)
	}
	x.Reset()
	x.Head, x.Target = head, head.Origin
	x.Forwarding = wire.Forwarding{Client: []byte("192.0.2.1"), Proto: "http"}
}

const raw = "GET /a?b HTTP/1.1\r\nhost: Old.test\r\nX-A: 1\r\nX-A: 2\r\nKeep-Alive: x\r\n\r\n"

func TestHead(t *testing.T) {
	const rest = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Host: Old.test\r\nX-Forwarded-Proto: http\r\n"
	cases := []struct {
		name string
		edit func(x *exchange.Exchange)
		want string
	}{
		{"as it came", func(*exchange.Exchange) {},
			"GET /a?b HTTP/1.1\r\nhost: Old.test\r\nX-A: 1\r\nX-A: 2\r\n" + rest + "\r\n"},
		{"asked for and not edited", func(x *exchange.Exchange) { x.RequestFields() },
			"GET /a?b HTTP/1.1\r\nhost: Old.test\r\nX-A: 1\r\nX-A: 2\r\n" + rest + "\r\n"},
		{"edited", func(x *exchange.Exchange) { x.RequestFields().Set("X-A", "3") },
			"GET /a?b HTTP/1.1\r\nhost: Old.test\r\nX-A: 3\r\n" + rest + "\r\n"},
		{"edited twice", func(x *exchange.Exchange) { x.RequestFields().Del("X-A"); x.RequestFields().Add("X-B", "1") },
			"GET /a?b HTTP/1.1\r\nhost: Old.test\r\n" + rest + "X-B: 1\r\n\r\n"},
		{"another target", func(x *exchange.Exchange) { x.SetTarget([]byte("/pre"), x.Target) },
			"GET /pre/a?b HTTP/1.1\r\nhost: Old.test\r\nX-A: 1\r\nX-A: 2\r\n" + rest + "\r\n"},
	}
	for _, c := range cases {
		x := received(t, raw)
		c.edit(x)
		if got := string(x.AppendHead(nil)); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// TestHost sets the Host before and after fields were edited.
func TestHost(t *testing.T) {
	for name, edit := range map[string]func(x *exchange.Exchange){
		"alone":  func(x *exchange.Exchange) { x.SetHost([]byte("new.test")) },
		"before": func(x *exchange.Exchange) { x.SetHost([]byte("new.test")); x.RequestFields().Add("X-B", "1") },
		"after":  func(x *exchange.Exchange) { x.RequestFields().Add("X-B", "1"); x.SetHost([]byte("new.test")) },
		"twice":  func(x *exchange.Exchange) { x.SetHost([]byte("other.test")); x.SetHost([]byte("new.test")) },
		"edited twice": func(x *exchange.Exchange) {
			x.RequestFields()
			x.SetHost([]byte("other.test"))
			x.SetHost([]byte("new.test"))
		},
	} {
		x := received(t, raw)
		edit(x)
		got := strings.ToLower(string(x.AppendHead(nil)))
		if !strings.Contains(got, "\r\nhost: new.test\r\n") || strings.Count(got, "\r\nhost: ") != 1 || strings.Contains(got, "other.test") {
			t.Errorf("%s: head %q, want the Host new.test", name, got)
		}
		if !strings.Contains(got, "x-forwarded-host: old.test\r\n") {
			t.Errorf("%s: head %q does not tell the client's Host", name, got)
		}
	}
}

// TestSetSpan tells two targets, one after the other, of the trace.
func TestSetSpan(t *testing.T) {
	const id = "0a000000000000000000000000000000"
	for _, c := range []struct {
		name string
		edit func(x *exchange.Exchange)
		want [2]string // "" for no field
	}{
		{"as it came", func(*exchange.Exchange) {}, [2]string{"00-" + id + "-0100000000000000-01", "00-" + id + "-0200000000000000-01"}},
		{"edited", func(x *exchange.Exchange) { x.RequestFields().Set("X-A", "1") },
			[2]string{"00-" + id + "-0100000000000000-01", "00-" + id + "-0200000000000000-01"}},
		{"removed", func(x *exchange.Exchange) { x.RequestFields().Del("Traceparent") }, [2]string{}},
		{"another", func(x *exchange.Exchange) { x.RequestFields().Set("traceparent", "x") }, [2]string{"x", "x"}},
		{"another trace", func(x *exchange.Exchange) { x.RequestFields().Set("traceparent", "01-"+id+"-0000000000000000-01") },
			[2]string{"01-" + id + "-0000000000000000-01", "01-" + id + "-0000000000000000-01"}},
	} {
		x := received(t, "GET /a HTTP/1.1\r\nHost: a\r\ntraceparent: old\r\n\r\n")
		x.Forwarding.Trace = wire.TraceContext{ID: [16]byte{10}, Flags: 1}
		c.edit(x)
		for i, want := range c.want {
			x.SetSpan([8]byte{byte(i + 1)})
			head, want := string(x.AppendHead(nil)), "traceparent: "+want+"\r\n"
			if c.want[i] == "" {
				want = ""
			}
			if strings.Count(head, "traceparent") != strings.Count(want, "traceparent") || !strings.Contains(head, want) {
				t.Errorf("%s: head %q, want %q", c.name, head, want)
			}
		}
	}
}

// TestSetTargetFromItself puts targets together from parts of the one before, as
// one rewriting middleware after another does.
func TestSetTargetFromItself(t *testing.T) {
	x := received(t, raw)
	x.SetTarget([]byte("/x"), x.Target)     // /x/a?b
	x.SetTarget(x.Target[2:])               // /a?b
	x.SetTarget(x.Target[:2], []byte("/c")) // /a/c
	x.SetTarget(x.Target[2:], x.Target[:2]) // /c/a
	x.SetTarget(x.Target, []byte("?"), nil) // /c/a?
	kept := x.Target                        // an earlier target must not change
	x.SetTarget([]byte("/d"), x.Target[:2]) // /d/c
	x.SetTarget(append(x.Target, "/e"...))  // appending must not reach what lies behind
	if got := string(x.Target); got != "/d/c/e" {
		t.Errorf("target %q, want /d/c/e", got)
	}
	if string(kept) != "/c/a?" {
		t.Errorf("an earlier target became %q", kept)
	}
}

// TestReset: nothing of an exchange may be seen in the next one.
func TestReset(t *testing.T) {
	x := received(t, raw)
	x.RequestFields().Add("X-Secret", "1")
	x.SetHost([]byte("secret.test"))
	x.SetTarget([]byte("/secret"))
	x.SetRequestID([]byte("secret"))
	if got := string(x.RequestID()); got != "secret" {
		t.Errorf("request id %q", got)
	}
	x.Response.Answer(200, "text/secret", []byte("secret"))
	x.Facts = exchange.Facts{Route: "secret", Status: 200, Reason: exchange.Panic, Attempts: 3}
	begin(t, x, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := string(x.AppendHead(nil)); strings.Contains(got, "ecret") {
		t.Errorf("head %q", got)
	}
	if x.Facts != (exchange.Facts{}) || x.Response.Status != 0 || x.Response.Body != nil || len(x.Response.Fields.Bytes()) != 0 || len(x.RequestID()) != 0 {
		t.Errorf("left: %+v, %+v", x.Facts, x.Response)
	}
}

func TestAnswer(t *testing.T) {
	var r exchange.Response
	r.Relayed, r.Phrase = true, []byte("Fine")
	r.Fields.Add("X-Target", "1")
	r.Answer(503, "text/plain", []byte("no"))
	if r.Status != 503 || r.Relayed || r.Phrase != nil || string(r.Body) != "no" ||
		string(r.Fields.Bytes()) != "Content-Type: text/plain\r\n" {
		t.Errorf("answer %+v with fields %q", r, r.Fields.Bytes())
	}
	r.Answer(204, "", nil)
	if len(r.Fields.Bytes()) != 0 || r.Body != nil {
		t.Errorf("answer without a body: %+v", r)
	}
}

func TestOf(t *testing.T) {
	var ctx fasthttp.RequestCtx
	if x := exchange.Of(&ctx); x != nil {
		t.Errorf("%v outside of an exchange", x)
	}
	x := &exchange.Exchange{}
	x.Bind(&ctx)
	if exchange.Of(&ctx) != x {
		t.Error("another exchange than was bound")
	}
}

// TestReasonLabels: labels are for dashboards and alerts, so each is there and
// none twice.
func TestReasonLabels(t *testing.T) {
	if got := exchange.OK.String(); got != "" {
		t.Errorf("OK is called %q", got)
	}
	seen := map[string]bool{}
	for _, r := range exchange.Reasons() {
		label := r.String()
		if label == "" || label == "unknown" || seen[label] || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz_") != "" {
			t.Errorf("reason %d is called %q", r, label)
		}
		seen[label] = true
	}
	if !seen["panic"] || !seen["malformed"] {
		t.Errorf("not all reasons: %v", seen)
	}
	if got := exchange.Reason(255).String(); got != "unknown" {
		t.Errorf("a reason that is not there is called %q", got)
	}
}

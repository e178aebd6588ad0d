package telemetry

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// parsed reads the members of log.access as a file has them.
func parsed(t testing.TB, access string) config.AccessLog {
	t.Helper()
	src := `{ "listeners": [{ "address": ":80" }], "log": { "access": {` + access + `} }, "routes": [
		{ "name": "user", "path": "/users", "respond": {} }, { "name": "ping", "path": "/ping", "respond": {} } ] }`
	c, err := config.Parse([]byte(src), config.Catalog{Policies: []string{"weighted"}})
	if err != nil {
		t.Fatal(err)
	}
	return c.Log.Access
}

// logged returns what a log writes of exchanges.
func logged(t testing.TB, access string, xs ...*exchange.Exchange) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "access.log")
	def := parsed(t, access)
	def.Path = path
	a := openAccess(t, def, NewMetrics(""), func(e AccessEvent) { t.Errorf("told %+v", e) })
	for _, x := range xs {
		a.Write(x)
	}
	closeLog(t, a)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// received is sample with the head of a request as it came.
func received(t testing.TB, head string) *exchange.Exchange {
	t.Helper()
	x := sample()
	x.Head = &wire.Head{}
	raw := strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n"
	if n, err := x.Head.Parse([]byte(raw), wire.Limits{Bytes: 1 << 20, Fields: 100}); err != nil || n == 0 {
		t.Fatalf("%d, %v", n, err)
	}
	x.Response.Fields.Add("Age", "7")
	x.Response.Fields.Add("Location", "/next?token=t1&a=b")
	x.Response.Fields.Add("Set-Cookie", "sid=s3cret")
	x.SetRequestID([]byte("id-1"))
	x.Trace = wire.TraceContext{ID: [16]byte{0xab, 15: 0xcd}}
	return x
}

const browser = "GET /users?token=s3cret&page=2 HTTP/1.1\nHost: api.example.com:8080\n" +
	"User-Agent: Curl \"8\" \\\nReferer: http://a/b?x=1&%74oken=s3cret#f\nCookie: lang=de; sid=s3cret\nAuthorization: s3cret"

func TestFormats(t *testing.T) {
	bare := &exchange.Exchange{Start: sample().Start, Facts: exchange.Facts{Status: 400, Reason: exchange.Malformed}}
	cases := []struct {
		format, want, refused string
	}{
		{"common", `192.0.2.7 - - [09/Mar/2025:06:05:02 +0000] "GET /users?token=s3cret&page=2 HTTP/1.1" 200 3456`,
			`- - - [09/Mar/2025:06:05:02 +0000] "-" 400 0`},
		{"combined", `192.0.2.7 - - [09/Mar/2025:06:05:02 +0000] "GET /users?token=s3cret&page=2 HTTP/1.1" 200 3456 ` +
			`"http://a/b?x=1&%74oken=s3cret#f" "Curl \"8\" \\"`, `- - - [09/Mar/2025:06:05:02 +0000] "-" 400 0 "-" "-"`},
		{"{{{time}}}\t{host}|{reason}|{attempts}|{upgraded}|{header_ms}|{request_id}|{trace_id}",
			"{2025-03-09T06:05:02.004321Z}\tapi.example.com:8080|-|2|-|0.120|id-1|ab0000000000000000000000000000cd",
			"{2025-03-09T06:05:02.004321Z}\t-|malformed|0|-|-|-|-"},
		{"{header:x-none} {header:user-agent} {response:age} {cookie:lang} {query:page} {query:token}",
			`- Curl \"8\" \\ 7 de 2 s3cret`, `- - - - - -`},
	}
	for _, c := range cases {
		got := logged(t, `"format": `+quoteJSON(c.format), received(t, browser), bare)
		if want := c.want + "\n" + c.refused + "\n"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", c.format, got, want)
		}
	}
}

func quoteJSON(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// TestMaps: what is kept, dropped, set and redacted, in JSON.
func TestMaps(t *testing.T) {
	cases := []struct{ stages, want string }{
		{`{"map": {"keep": ["status", "client", "host", "reason"]}}`, `{"status":200,"client":"192.0.2.7","host":"api.example.com:8080"}`},
		{`{"map": {"keep": ["reason", "upgraded"]}}`, `{}`},
		{`{"map": {"keep": ["status"]}}, {"filter": {"sample": {"one_in": 1}}}, {"map": {"set": {"a": "text:b"}}}`, `{"status":200,"weight":1,"a":"b"}`},
		{`{"filter": {"sample": {"one_in": 1}}}, {"map": {"keep": ["weight", "status"]}}, {"filter": {"sample": {"one_in": 1}}}`, `{"weight":1,"status":200}`},
		{`{"filter": {"sample": {"one_in": 1}}}, {"map": {"keep": ["weight", "status"], "drop": ["weight"]}}`, `{"status":200}`},
		{`{"map": {"keep": ["status"], "set": {"zone": "text:a\"b", "agent": "header:User-Agent", "age": "response:Age", "none": "header:X"}}}`,
			`{"status":200,"age":"7","agent":"Curl \"8\" \\","zone":"a\"b"}`},
		{`{"map": {"keep": ["status", "client"], "set": {"client2": "header:X"}}}, {"map": {"drop": ["client", "client2"], "set": {"client": "text:nobody"}}}`,
			`{"status":200,"client":"nobody"}`},
		{`{"map": {"keep": ["client", "uri", "route", "reason"], "redact": ["client", "route", "reason"]}}`,
			`{"client":"REDACTED","uri":"/users?token=s3cret&page=2","route":"REDACTED"}`},
		{`{"map": {"keep": ["uri"], "set": {"ref": "header:Referer", "q": "query:TOKEN", "page": "query:page", "to": "response:Location"}, "redact": ["query:token"]}}`,
			`{"uri":"/users?token=REDACTED&page=2","page":"2","q":"REDACTED","ref":"http://a/b?x=1&%74oken=REDACTED#f","to":"/next?token=REDACTED&a=b"}`},
		// What is redacted stays so in what a later stage sets.
		{`{"map": {"redact": ["query:token", "header:authorization", "cookie:sid", "response:age"]}},
		  {"map": {"keep": ["status"], "set": {"a": "header:Authorization", "b": "header:COOKIE", "c": "response:Set-Cookie", "d": "cookie:sid",
		   "e": "query:token", "f": "cookie:lang", "g": "response:AGE"}}}`,
			`{"status":200,"a":"REDACTED","b":"REDACTED","c":"REDACTED","d":"REDACTED","e":"REDACTED","f":"de","g":"REDACTED"}`},
	}
	for _, c := range cases {
		if got := logged(t, `"stages": [`+c.stages+`]`, received(t, browser)); got != c.want+"\n" {
			t.Errorf("%s:\n got %s\nwant %s", c.stages, got, c.want)
		}
	}
}

// TestMapsInTemplates: templates show what the stages leave and hide what they
// redact.
func TestMapsInTemplates(t *testing.T) {
	const hide = `"stages": [{"map": {"drop": ["client", "proto"], "redact": ["query:token", "header:Authorization", "cookie:sid"]}}]`
	for format, want := range map[string]string{
		"combined": `- - - [09/Mar/2025:06:05:02 +0000] "GET /users?token=REDACTED&page=2 HTTP/1.1" 200 3456 "http://a/b?x=1&%74oken=REDACTED#f" "Curl \"8\" \\"`,
		"{uri} {header:Authorization} {cookie:sid} {header:Cookie} {query:token}": "/users?token=REDACTED&page=2 REDACTED REDACTED REDACTED REDACTED",
	} {
		if got := logged(t, hide+`, "format": `+quoteJSON(format), received(t, browser)); got != want+"\n" {
			t.Errorf("%s:\n got %s\nwant %s", format, got, want)
		}
	}
	const drop = `"stages": [{"map": {"drop": ["uri"]}}], "format": "{request}"`
	if got := logged(t, drop, received(t, browser)); got != "GET - HTTP/1.1\n" {
		t.Errorf("a uri that was dropped: %s", got)
	}
}

func TestHiddenParameters(t *testing.T) {
	for url, want := range map[string]string{
		"/a?token=1":                "/a?token=REDACTED",
		"/a?TOKEN=1&b=2":            "/a?TOKEN=REDACTED&b=2",
		"/a?b=2&token=1&token=2":    "/a?b=2&token=REDACTED&token=REDACTED",
		"/a?x;token=1;b":            "/a?x;token=REDACTED;b",
		"/a?to%6ben=1":              "/a?to%6ben=REDACTED",
		"/a?to%6Ben=a=b":            "/a?to%6Ben=REDACTED",
		"/a?b?token=1":              "/a?b?token=REDACTED",
		"/a?token=":                 "/a?token=",
		"/a?token":                  "/a?token",
		"/a?token[]=1&token%5Ba]=2": "/a?token[]=REDACTED&token%5Ba]=REDACTED",
		"/a?tokens=1&atoken=1":      "/a?tokens=1&atoken=1",
		"/a?a+b=1&%zz=1&%7=1":       "/a?a+b=REDACTED&%zz=1&%7=1",
		"/a?&&=&":                   "/a?&&=&",
	} {
		if got := string(appendHidden(nil, []byte(url), []string{"token", "a b"}, maxURI)); got != want {
			t.Errorf("%s became %s, want %s", url, got, want)
		}
	}
}

// FuzzHidden: whatever the URL, no value of the parameter is left, and nothing
// else changes.
func FuzzHidden(f *testing.F) {
	f.Add("/a?token=1&b=token")
	f.Add("/a?b;to%6Ben=1?token==&token[x]=%00#token=1")
	f.Fuzz(func(t *testing.T, url string) {
		out := string(appendHidden(nil, []byte(url+"?"), []string{"token"}, 1<<20))
		split := func(url string) []string {
			_, query, _ := strings.Cut(url, "?")
			return strings.FieldsFunc(query, func(r rune) bool { return strings.ContainsRune("&;#?", r) })
		}
		before, after := split(url+"?"), split(out)
		if len(before) != len(after) {
			t.Fatalf("%q became %q", url, out)
		}
		for i, pair := range after {
			key, value, _ := strings.Cut(pair, "=")
			switch hidden := decodesTo([]byte(key), "token"); {
			case hidden && value != "" && value != redacted, !hidden && pair != before[i]:
				t.Fatalf("%q became %q", url, out)
			}
		}
	})
}

func TestFilters(t *testing.T) {
	edit := func(edit func(x *exchange.Exchange)) *exchange.Exchange {
		x := received(t, browser)
		edit(x)
		return x
	}
	records := map[string]*exchange.Exchange{
		"plain": received(t, browser),
		"slow":  edit(func(x *exchange.Exchange) { x.Duration = 2 * time.Second }),
		"error": edit(func(x *exchange.Exchange) { x.Status, x.Reason = 502, exchange.ConnectFailed }),
		"other": edit(func(x *exchange.Exchange) { x.Route, x.Status = "ping", 404 }),
		"post":  received(t, "POST / HTTP/1.1\nHost: EXAMPLE.com"),
		"six":   received(t, "GET / HTTP/1.1\nHost: [::1]:80"),
		"bare":  {Start: sample().Start, Facts: exchange.Facts{Status: 400, Reason: exchange.Malformed}},
		"lost":  edit(func(x *exchange.Exchange) { x.Status, x.Reason = 0, exchange.ClientClosed }),
	}
	const order = "plain slow error other post six bare lost"
	cases := []struct{ stages, want string }{
		{`{"filter": {"keep": {"status": "200-299"}}}`, "plain slow post six"},
		{`{"filter": {"drop": {"status": "200,404"}}}`, "error bare lost"},
		{`{"filter": {"keep": {"min_duration": "2s"}}}`, "slow"},
		{`{"filter": {"keep": {"failed": true}}}`, "error bare lost"},
		{`{"filter": {"drop": {"routes": ["ping"]}}}`, "plain slow error post six bare lost"},
		{`{"filter": {"keep": {"methods": ["POST", "PUT"]}}}`, "post"},
		{`{"filter": {"keep": {"hosts": ["example.com"]}}}`, "post"},
		{`{"filter": {"keep": {"hosts": ["*.EXAMPLE.com"]}}}`, "plain slow error other lost"},
		{`{"filter": {"keep": {"hosts": ["[::1]"]}}}`, "six"},
		{`{"filter": {"keep": {"failed": true, "status": "500-599"}}}`, "error"},
		{`{"filter": {"keep": {"fields": {"uri": "~page=2$", "reason": "*"}}}}`, "error lost"},
		{`{"filter": {"keep": {"fields": {"route": "ping"}}}}`, "other"},
		{`{"filter": {"drop": {"methods": ["GET"]}}}, {"filter": {"keep": {"status": "200"}}}`, "post"},
		// Stages see what those before them have made of a record.
		{`{"map": {"set": {"agent": "header:User-Agent"}}}, {"filter": {"keep": {"fields": {"agent": "~^Curl"}}}}`, "plain slow error other lost"},
		{`{"map": {"redact": ["query:token"]}}, {"filter": {"keep": {"fields": {"uri": "~s3cret"}}}}`, ""},
		{`{"filter": {"keep": {"fields": {"uri": "~s3cret"}}}}, {"map": {"redact": ["query:token"]}}`, "plain slow error other lost"},
		// Of a sample nearly nothing is left but what always goes on.
		{`{"filter": {"sample": {"one_in": 1000000}}}`, "slow error bare lost"},
		{`{"filter": {"sample": {"one_in": 1000000, "slow": "0s"}}}`, "error bare lost"},
		{`{"filter": {"sample": {"one_in": 1000000, "when": {"methods": ["GET"]}}}}`, "slow error post bare lost"},
	}
	for _, c := range cases {
		def := parsed(t, `"path": "stderr", "stages": [`+c.stages+`]`)
		m := NewMetrics("")
		s := firstShape()
		a := &AccessLog{filtered: &m.filtered}
		for i := range def.Stages {
			if f := def.Stages[i].Filter; f != nil {
				a.filters = append(a.filters, compileFilter(f, s))
			} else {
				s.apply(def.Stages[i].Map)
			}
		}
		var passed []string
		ended := 0
		for _, name := range strings.Fields(order) {
			if a.passes(&record{x: records[name], weight: 1}) {
				passed = append(passed, name)
			} else {
				a.Write(records[name])
				ended++
			}
		}
		if got := strings.Join(passed, " "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.stages, got, c.want)
		}
		want(t, scrape(t, m), "sluice_access_log_filtered_total", fmt.Sprint(ended))
	}
}

// TestEveryFieldHasASource: the names of the config and our sources go together.
func TestEveryFieldHasASource(t *testing.T) {
	names := config.AccessFields()
	if len(names) != int(fromWeight) || names[fromURI] != "uri" || names[fromHeaderTime] != "header_ms" || names[fromTraceID] != "trace_id" {
		t.Errorf("fields are %v", names)
	}
}

// TestNoFormatBreaksTheLine: whatever a client sends, a record is one line, and what
// stands in quotes stays there.
func TestNoFormatBreaksTheLine(t *testing.T) {
	hostile := sample()
	var all []byte
	for c := range 256 {
		all = append(all, byte(c))
	}
	hostile.Head = &wire.Head{Method: all, Host: all, Target: all}
	hostile.Forwarding.Client = all
	hostile.SetRequestID(all)
	hostile.Route, hostile.Upstream, hostile.TargetName = string(all), string(all), string(all)
	hostile.Response.Fields.AddBytes("X-All", all[32:])
	for _, format := range []string{"common", "combined", `{client}"{method}"{host}"{uri}"{request_id}"{request}"{route}"{upstream}"{target}"{response:X-All}"`} {
		got := logged(t, `"format": `+quoteJSON(format), hostile)
		quotes := 0
		for i := range len(got) - 1 {
			if c := got[i]; c < ' ' || c > 0x7e {
				t.Fatalf("%s: byte %q in %q", format, c, got)
			}
			if got[i] == '"' && (i == 0 || got[i-1] != '\\') {
				quotes++
			}
		}
		// The backslash before a quote of the template may be that of \\.
		if want := strings.Count(format, `"`); format[0] == '{' && quotes != want {
			t.Errorf("%s: %d quotes stand free, want %d, in %s", format, quotes, want, got)
		}
	}
}

// TestLongestLines: the worst a client can send fits into a block, in every format.
func TestLongestLines(t *testing.T) {
	var set, tmpl []string
	head := "GET /" + strings.Repeat("a", 8000) + " HTTP/1.1\nHost: a"
	for i := range 32 {
		set = append(set, fmt.Sprintf(`"f%d": "header:X-%d"`, i, i))
		tmpl = append(tmpl, fmt.Sprintf("{request} {header:X-%d}", i))
		head += fmt.Sprintf("\nX-%d: %s", i, strings.Repeat("\xff\"", 3000))
	}
	x := received(t, head)
	for _, access := range []string{
		`"stages": [{"map": {"set": {` + strings.Join(set, ",") + `}}}]`,
		`"format": "` + strings.Join(tmpl, " ") + `"`,
	} {
		line := logged(t, access, x)
		if len(line) < blockSize/8 || len(line) > blockSize || strings.Count(line, "\n") != 1 {
			t.Errorf("a line of %d bytes", len(line))
		}
		if line[0] == '{' && !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestStagesDoNotAllocate(t *testing.T) {
	x := received(t, browser)
	x.Response.Fields.Add("Referer", "/?token=1")
	stages := `"stages": [
		{"filter": {"drop": {"routes": ["ping"], "hosts": ["*.example.com"]}}},
		{"map": {"set": {"agent": "header:User-Agent", "q": "query:page", "c": "cookie:lang", "ref": "header:Referer"}, "redact": ["query:token", "cookie:sid"]}},
		{"filter": {"drop": {"fields": {"agent": "~^kube", "uri": "~secret"}}}},
		{"filter": {"sample": {"one_in": 2}}}]`
	for _, format := range []string{"json", "common", "combined", "{time} {uri} {ref} {cookie:lang} {response:Age}"} {
		def := parsed(t, stages+`, "format": `+quoteJSON(format))
		def.Path = os.DevNull
		a := openAccess(t, def, NewMetrics(""), noTrouble(t))
		for range 5000 { // the blocks are made
			a.Write(x)
		}
		noAllocs(t, func() { a.Write(x) })
		closeLog(t, a)
	}
}

func BenchmarkAccessWrite(b *testing.B) {
	const sampled = `"stages": [{"filter": {"sample": {"one_in": 100}}}]`
	const mapped = `"stages": [{"filter": {"drop": {"routes": ["ping"]}}},
		{"map": {"set": {"agent": "header:User-Agent"}, "redact": ["query:token"]}}, {"filter": {"drop": {"fields": {"agent": "~^kube"}}}}]`
	for name, access := range map[string]string{
		"json": `"format": "json"`, "common": `"format": "common"`, "combined": `"format": "combined"`,
		"template": `"format": "{time} {client} {status} {duration_ms} {header:User-Agent}"`, "sampled": sampled, "mapped": mapped,
	} {
		b.Run(name, func(b *testing.B) {
			def := parsed(b, access)
			def.Path = os.DevNull
			a := openAccess(b, def, NewMetrics(""), func(AccessEvent) {})
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				x := received(b, browser)
				for pb.Next() {
					a.Write(x)
				}
			})
			behind := a.counters().behind.Load()
			closeLog(b, a)
			if behind > 0 {
				b.ReportMetric(float64(behind)/float64(b.N), "dropped/op")
			}
		})
	}
}

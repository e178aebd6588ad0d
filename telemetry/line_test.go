package telemetry

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
	"github.com/sluiceproxy/sluice/wire"
)

// line is an access line as a reader sees it.
type line struct {
	Time      string
	Client    string
	Method    *string
	Host      *string
	URI       *string
	URILength int `json:"uri_length"`
	Proto     string
	Route     *string
	Upstream  *string
	Target    *string
	Attempts  int
	Status    int
	Reason    *string
	BytesIn   int64       `json:"bytes_in"`
	BytesOut  int64       `json:"bytes_out"`
	Duration  json.Number `json:"duration_ms"`
	Header    json.Number `json:"header_ms"`
	Upgraded  bool
}

func parseLine(t testing.TB, b []byte) line {
	t.Helper()
	var l line
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		t.Fatalf("%v in %q", err, b)
	}
	if rest := string(b[d.InputOffset():]); rest != "\n" {
		t.Fatalf("line ends in %q", rest)
	}
	return l
}

// mappedLine is what appendLine must be the same as.
func mappedLine(x *exchange.Exchange) []byte {
	f := firstShape().format("json")
	f.untouched = false
	return f.append(nil, &record{x: x, weight: 1})
}

func sample() *exchange.Exchange {
	return &exchange.Exchange{
		Start:      time.Date(2025, 3, 9, 7, 5, 2, 4_321_999, time.FixedZone("", 3600)),
		Head:       &wire.Head{Method: []byte("GET"), Host: []byte("api.example.com"), Target: []byte("/users?x=1"), Minor: 1},
		Forwarding: wire.Forwarding{Client: []byte("192.0.2.7")},
		Facts: exchange.Facts{
			Route: "user", Upstream: "cache", TargetName: "127.0.0.1:9101", Attempts: 2, Status: 200,
			BytesIn: 12, BytesOut: 3456, Duration: 12_345_678, HeaderTime: 120_999,
		},
	}
}

func TestLine(t *testing.T) {
	const want = `{"time":"2025-03-09T06:05:02.004321Z","client":"192.0.2.7","method":"GET","host":"api.example.com",` +
		`"uri":"/users?x=1","proto":"HTTP/1.1","route":"user","upstream":"cache","target":"127.0.0.1:9101","attempts":2,` +
		`"status":200,"bytes_in":12,"bytes_out":3456,"duration_ms":12.345,"header_ms":0.120}` + "\n"
	for _, got := range [][]byte{appendLine(nil, sample()), mappedLine(sample())} {
		if string(got) != want {
			t.Errorf("line is\n%swant\n%s", got, want)
		}
	}
}

func TestLineOfATrace(t *testing.T) {
	x := sample()
	x.Trace.ID = [16]byte{0xab, 15: 0xcd}
	for _, got := range [][]byte{appendLine(nil, x), mappedLine(x)} {
		if !strings.HasSuffix(string(got), `,"header_ms":0.120,"trace_id":"ab0000000000000000000000000000cd"}`+"\n") {
			t.Errorf("line is %s", got)
		}
	}
}

func TestLineWithoutHead(t *testing.T) {
	x := &exchange.Exchange{Start: time.Now(), Facts: exchange.Facts{Status: 400, Reason: exchange.Malformed}}
	if b := appendLine(nil, x); string(b) != string(mappedLine(x)) {
		t.Errorf("mapped line is %s", mappedLine(x))
	}
	l := parseLine(t, appendLine(nil, x))
	if l.Method != nil || l.Host != nil || l.URI != nil || l.Route != nil || l.Target != nil || l.Header != "" {
		t.Errorf("line tells what is not known: %+v", l)
	}
	if l.Status != 400 || *l.Reason != "malformed" || l.Duration != "0.000" {
		t.Errorf("line is %+v", l)
	}
}

func TestLineOfTunnel(t *testing.T) {
	x := sample()
	x.Upgraded, x.Duration, x.Head.Minor = true, 90*time.Minute, 0
	l := parseLine(t, appendLine(nil, x))
	if !l.Upgraded || l.Duration != "5400000.000" || l.Proto != "HTTP/1.0" {
		t.Errorf("line is %+v", l)
	}
}

func TestLineIsBounded(t *testing.T) {
	x := sample()
	long := strings.Repeat("\x01", 1<<20)
	x.Head.Method, x.Head.Host, x.Head.Target = []byte(long), []byte(long), []byte(long)
	x.Route, x.Upstream, x.TargetName, x.Forwarding.Client = long, long, long, []byte(long)
	b := appendLine(nil, x)
	if len(b) > blockSize/2 {
		t.Errorf("line of %d bytes", len(b))
	}
	l := parseLine(t, b)
	if *l.URI != long[:maxURI] || l.URILength != 1<<20 {
		t.Errorf("uri of %d bytes, length %d", len(*l.URI), l.URILength)
	}
}

func TestTimesOfLines(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Unix(1e9, 999_999_999), time.Date(9999, 12, 31, 23, 59, 59, 1000, time.UTC)} {
		want := at.UTC().Format("2006-01-02T15:04:05.000000Z")
		if got := string(appendTime(nil, at)); got != want {
			t.Errorf("time is %s, want %s", got, want)
		}
	}
}

func TestTerminalControlsAreEscaped(t *testing.T) {
	const hostile = "a\x1b[2J\x7f\u009b2J\u2028\u2029\r\n\t\"\\é😀"
	got := string(appendJSON(nil, hostile, 100))
	const want = `"a\u001b[2J\u007f\u009b2J\u2028\u2029\r\n\t\"\\é😀"`
	if got != want {
		t.Errorf("escaped to %s, want %s", got, want)
	}
}

// viaJSON is what encoding/json makes of s and back.
func viaJSON(t testing.TB, s string, limit int) (back string) {
	t.Helper()
	b, err := json.Marshal(s[:min(len(s), limit)])
	if err == nil {
		err = json.Unmarshal(b, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func FuzzLine(f *testing.F) {
	f.Add([]byte("/a"), []byte("h"), []byte("GET"), "route", 200, int64(1))
	f.Add([]byte("/\xff\xfe\xc3"), []byte("\xe2\x80\xa8"), []byte("\x00\"\\"), "\xed\xa0\x80", -1, int64(-5))
	f.Add([]byte("\xf0\x9f\x98"), []byte("\u0085"), []byte{}, "\ufffd", 1<<40, int64(1)<<62)
	f.Fuzz(func(t *testing.T, uri, host, method []byte, route string, status int, n int64) {
		x := sample()
		x.Head.Target, x.Head.Host, x.Head.Method = uri, host, method
		x.Route, x.Status, x.BytesIn, x.Duration = route, status, n, time.Duration(n)
		b := appendLine(nil, x)
		if mapped := mappedLine(x); string(b) != string(mapped) {
			t.Fatalf("lines are\n%sand\n%s", b, mapped)
		}
		if strings.Count(string(b), "\n") != 1 {
			t.Fatalf("more than one line: %q", b)
		}
		l := parseLine(t, b)
		if *l.URI != viaJSON(t, string(uri), maxURI) || *l.Host != viaJSON(t, string(host), maxHost) ||
			*l.Method != viaJSON(t, string(method), maxMethod) || l.Status != status || l.BytesIn != n {
			t.Fatalf("line %q", b)
		}
		if route != "" && *l.Route != viaJSON(t, route, maxName) {
			t.Fatalf("route is %q of %q", *l.Route, route)
		}
	})
}

func BenchmarkAccessLine(b *testing.B) {
	x := sample()
	var buf []byte
	r := &record{x: x, weight: 1}
	for _, text := range []string{"json", "mapped", "common", "combined", "{time} {client} {status} {duration_ms} {header:User-Agent}"} {
		f := firstShape().format(strings.Replace(text, "mapped", "json", 1))
		f.untouched = text == "json"
		b.Run(strings.Fields(text)[0], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				buf = f.append(buf[:0], r)
			}
		})
	}
}

func BenchmarkTime(b *testing.B) {
	at := time.Now()
	var buf []byte
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			buf = appendTime(buf[:0], at)
		}
	})
	b.Run("AppendFormat", func(b *testing.B) {
		for b.Loop() {
			buf = at.UTC().AppendFormat(buf[:0], timeFormat)
		}
	})
}

func TestEscapingDoesNotAllocate(t *testing.T) {
	x := sample()
	x.Head.Target = []byte("/\xff\x00\"é😀\u009b\u2028" + strings.Repeat("\xc3", maxURI))
	buf := make([]byte, 0, blockSize)
	r := &record{x: x, weight: 1}
	for _, text := range []string{"json", "combined"} {
		f := firstShape().format(text)
		noAllocs(t, func() { f.append(buf, r) })
		f.untouched = false
		noAllocs(t, func() { f.append(buf, r) })
	}
}

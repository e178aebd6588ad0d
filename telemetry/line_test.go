package telemetry

import (
	"encoding/json"
	"math"
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

// plainLine is the line of a shape that no stage has changed.
func plainLine(x *exchange.Exchange) []byte {
	f := firstShape().format("json")
	return f.append(nil, &record{x: x, weight: 1})
}

// mappedLine is what appendLine must be the same as.
func mappedLine(x *exchange.Exchange) []byte { return slowLine(x, "json") }

// slowLine is a line made column by column.
func slowLine(x *exchange.Exchange, format string) []byte {
	f := firstShape().format(format)
	f.quick = nil
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

// sameLines checks that formats with a quick way have the same lines by it.
func sameLines(t *testing.T, x *exchange.Exchange) {
	t.Helper()
	for _, text := range []string{"json", "common", "combined"} {
		f := firstShape().format(text)
		if f.quick == nil {
			t.Fatalf("%s has no quick way", text)
		}
		quick := f.append(nil, &record{x: x, weight: 1})
		if slow := slowLine(x, text); string(quick) != string(slow) {
			t.Fatalf("lines are\n%sand\n%s", quick, slow)
		}
	}
}

func TestQuickLines(t *testing.T) {
	sameLines(t, sample())
	sameLines(t, &exchange.Exchange{Start: time.Now(), Facts: exchange.Facts{Status: 400, Reason: exchange.Malformed}})
	for _, fields := range []string{"", "\nReferer: http://b/?c=\"\\\xff\nUser-Agent: \xe9", "\nuser-agent: a\nUser-Agent: b\nReferer: " + strings.Repeat("\xff", 2*maxAdded)} {
		x := received(t, "GET /bench HTTP/1.1\nHost: a"+fields)
		sameLines(t, x)
		x.Head.Minor, x.Head.Method, x.Head.Target, x.Forwarding.Client = 0, nil, nil, nil
		sameLines(t, x)
	}
	for n := int64(-1); n < 1e18; n = max(n+1, n*9) {
		x := sample()
		x.Status, x.BytesOut, x.BytesIn = int(n), n, n+1
		sameLines(t, x)
	}
}

func TestLine(t *testing.T) {
	const want = `{"time":"2025-03-09T06:05:02.004321Z","client":"192.0.2.7","method":"GET","host":"api.example.com",` +
		`"uri":"/users?x=1","proto":"HTTP/1.1","route":"user","upstream":"cache","target":"127.0.0.1:9101","attempts":2,` +
		`"status":200,"bytes_in":12,"bytes_out":3456,"duration_ms":12.345,"header_ms":0.120}` + "\n"
	for _, got := range [][]byte{plainLine(sample()), mappedLine(sample())} {
		if string(got) != want {
			t.Errorf("line is\n%swant\n%s", got, want)
		}
	}
}

func TestLineOfATrace(t *testing.T) {
	x := sample()
	x.Trace.ID = [16]byte{0xab, 15: 0xcd}
	for _, got := range [][]byte{plainLine(x), mappedLine(x)} {
		if !strings.HasSuffix(string(got), `,"header_ms":0.120,"trace_id":"ab0000000000000000000000000000cd"}`+"\n") {
			t.Errorf("line is %s", got)
		}
	}
}

func TestLineWithoutHead(t *testing.T) {
	x := &exchange.Exchange{Start: time.Now(), Facts: exchange.Facts{Status: 400, Reason: exchange.Malformed}}
	if b := plainLine(x); string(b) != string(mappedLine(x)) {
		t.Errorf("mapped line is %s", mappedLine(x))
	}
	l := parseLine(t, plainLine(x))
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
	l := parseLine(t, plainLine(x))
	if !l.Upgraded || l.Duration != "5400000.000" || l.Proto != "HTTP/1.0" {
		t.Errorf("line is %+v", l)
	}
}

func TestLineIsBounded(t *testing.T) {
	x := sample()
	long := strings.Repeat("\x01", 1<<20)
	x.Head.Method, x.Head.Host, x.Head.Target = []byte(long), []byte(long), []byte(long)
	x.Route, x.Upstream, x.TargetName, x.Forwarding.Client = long, long, long, []byte(long)
	b := plainLine(x)
	if len(b) > blockSize/2 {
		t.Errorf("line of %d bytes", len(b))
	}
	l := parseLine(t, b)
	if *l.URI != long[:maxURI] || l.URILength != 1<<20 {
		t.Errorf("uri of %d bytes, length %d", len(*l.URI), l.URILength)
	}
}

// One clock for all, as records are used again.
func TestTimesOfLines(t *testing.T) {
	var c clock
	end := time.Date(9999, 12, 31, 23, 59, 59, 1000, time.UTC)
	times := []time.Time{time.Unix(0, 0), {}, time.Unix(0, 0), time.Unix(1e9, 999_999_999), time.Unix(1e9, 1e9), time.Unix(1e9, 1e9+123_456_789), end}
	for _, at := range times {
		for _, at := range []time.Time{at, at.Add(time.Hour), at.In(time.FixedZone("", -5400)), at} {
			want := at.UTC().Format("2006-01-02T15:04:05.000000Z 02/Jan/2006:15:04:05 +0000")
			if got := string(c.appendCLF(append(c.appendTime(nil, at), ' '), at)); got != want {
				t.Errorf("time is %s, want %s", got, want)
			}
		}
	}
}

func TestMillis(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0.000", 0: "0.000", 999: "0.000", 1000: "0.001", 120_999: "0.120", 999_999: "0.999",
		time.Millisecond: "1.000", 10*time.Millisecond + 19*time.Microsecond: "10.019", math.MaxInt64: "9223372036854.775",
	} {
		if got := string(appendMillis(nil, d)); got != want {
			t.Errorf("%d ns are %s, want %s", d, got, want)
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
		x.Route, x.Status, x.BytesIn, x.BytesOut, x.Duration = route, status, n, n/3, time.Duration(n)
		sameLines(t, x)
		b := plainLine(x)
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
		if text == "mapped" {
			f.quick = nil
		}
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
	var c clock
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			buf = c.appendTime(buf[:0], at)
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
		f.quick = nil
		noAllocs(t, func() { f.append(buf, r) })
	}
}

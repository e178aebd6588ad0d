package wire

import (
	"strings"
	"testing"
)

const (
	testTrace = "12345678901234567890123456789012"
	testSpan  = "1234567890123456"
	goodTrace = "00-" + testTrace + "-" + testSpan + "-01"
)

// TestTraceparent goes through what the specification says of the field, in the
// order of its own test suite.
func TestTraceparent(t *testing.T) {
	for _, tt := range []struct{ name, value, want string }{
		{"as it should be", goodTrace, goodTrace},
		{"not sampled", "00-" + testTrace + "-" + testSpan + "-00", "00-" + testTrace + "-" + testSpan + "-00"},
		{"random", "00-" + testTrace + "-" + testSpan + "-03", "00-" + testTrace + "-" + testSpan + "-03"},
		{"flags without a meaning", "00-" + testTrace + "-" + testSpan + "-fd", "00-" + testTrace + "-" + testSpan + "-01"},
		{"flags without a meaning, not sampled", "00-" + testTrace + "-" + testSpan + "-fc", "00-" + testTrace + "-" + testSpan + "-00"},
		{"empty", "", ""},
		{"version 00, more behind", goodTrace + "-what-the-future-will-be-like", ""},
		{"version 00, a dash behind", goodTrace + "-", ""},
		{"version 00, a digit more", goodTrace + "0", ""},
		{"version cc", "cc" + goodTrace[2:], goodTrace},
		{"version cc, more behind", "cc" + goodTrace[2:] + "-what-the-future-will-be-like", goodTrace},
		{"version cc, a dash behind", "cc" + goodTrace[2:] + "-", goodTrace},
		{"version cc, more without a dash", "cc" + goodTrace[2:] + ".what-the-future-will-not-be-like", ""},
		{"version ff", "ff" + goodTrace[2:], ""},
		{"version ff, more behind", "ff" + goodTrace[2:] + "-x", ""},
		{"version, bad first digit", ".0" + goodTrace[2:], ""},
		{"version, bad second digit", "0." + goodTrace[2:], ""},
		{"version, upper case", "CC" + goodTrace[2:], ""},
		{"version too long", "000" + goodTrace[2:], ""},
		{"version much too long", "0000" + goodTrace[2:], ""},
		{"version too short", goodTrace[1:], ""},
		{"trace id of zeros", "00-" + strings.Repeat("0", 32) + "-" + testSpan + "-01", ""},
		{"trace id, bad digit", "00-." + testTrace[1:] + "-" + testSpan + "-01", ""},
		{"trace id, bad last digit", "00-" + testTrace[1:] + "g-" + testSpan + "-01", ""},
		{"trace id, upper case", "00-A" + testTrace[1:] + "-" + testSpan + "-01", ""},
		{"trace id too long", "00-" + testTrace + "3-" + testSpan + "-01", ""},
		{"trace id too short", "00-" + testTrace[1:] + "-" + testSpan + "-01", ""},
		{"parent id of zeros", "00-" + testTrace + "-" + strings.Repeat("0", 16) + "-01", ""},
		{"parent id, bad digit", "00-" + testTrace + "-." + testSpan[1:] + "-01", ""},
		{"parent id, upper case", "00-" + testTrace + "-F" + testSpan[1:] + "-01", ""},
		{"parent id too long", "00-" + testTrace + "-" + testSpan + "7-01", ""},
		{"parent id too short", "00-" + testTrace + "-" + testSpan[1:] + "-01", ""},
		{"flags, bad first digit", goodTrace[:53] + ".0", ""},
		{"flags, bad second digit", goodTrace[:53] + "0.", ""},
		{"flags, upper case", goodTrace[:53] + "0A", ""},
		{"flags too long", goodTrace[:53] + "001", ""},
		{"flags too short", goodTrace[:54], ""},
		{"no flags", goodTrace[:52], ""},
		{"dash", strings.Replace(goodTrace, "-", "_", 1), ""},
		{"dash before the parent", goodTrace[:35] + "_" + goodTrace[36:], ""},
		{"dash before the flags", goodTrace[:52] + "_" + goodTrace[53:], ""},
	} {
		c, ok := ParseTraceparent([]byte(tt.value))
		got := ""
		if ok {
			got = string(c.AppendText(nil))
		} else if c != (TraceContext{}) {
			t.Errorf("%s: something is left: %+v", tt.name, c)
		}
		if got != tt.want {
			t.Errorf("%s: read as %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestHeadTrace is about the two fields together.
func TestHeadTrace(t *testing.T) {
	member := func(n int) string { return strings.Repeat(",a=1", n)[1:] }
	key := func(n int) string { return strings.Repeat("k", n) }
	const parent = "traceparent: " + goodTrace + "¶"
	for _, tt := range []struct {
		name, fields string
		ok, state    bool
		list         string
	}{
		{name: "nothing"},
		{name: "parent", fields: parent, ok: true, state: true},
		{name: "any case", fields: "TrAcEpArEnT: " + goodTrace + "¶TraceState: a=1¶", ok: true, state: true, list: "a=1"},
		{name: "white space", fields: "traceparent: \t " + goodTrace + " \t¶tracestate:\t a=1 \t¶", ok: true, state: true, list: "a=1"},
		{name: "another name", fields: "trace-parent: " + goodTrace + "¶trace.parent: " + goodTrace + "¶trace_parent: " + goodTrace + "¶"},
		{name: "twice", fields: parent + parent},
		{name: "twice, one bad", fields: parent + "traceparent: x¶"},
		{name: "two in one", fields: "traceparent: " + goodTrace + "," + goodTrace + "¶"},
		{name: "state alone", fields: "tracestate: a=1¶", list: "a=1"},
		{name: "state with a bad parent", fields: "traceparent: x¶tracestate: a=1¶", list: "a=1"},
		{name: "empty state", fields: parent + "tracestate:¶", ok: true, state: true},
		{name: "empty entries", fields: parent + "tracestate: ,a=1, ,\t,b=2,¶", ok: true, state: true, list: ",a=1, ,\t,b=2,"},
		{name: "several lines", fields: parent + "tracestate: a=1,b=2¶X: 1¶tracestate:¶tracestate: rojo=1¶", ok: true, state: true, list: "a=1,b=2,rojo=1"},
		{name: "all characters", fields: parent + "tracestate: abcdefghijklmnopqrstuvwxyz0123456789_-*/= !\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~¶",
			ok: true, state: true, list: "abcdefghijklmnopqrstuvwxyz0123456789_-*/= !\"#$%&'()*+-./0123456789:;<>?@AZ[\\]^_`az{|}~"},
		{name: "tenant", fields: parent + "tracestate: 0a_-*/@v0_-*/=1¶", ok: true, state: true, list: "0a_-*/@v0_-*/=1"},
		{name: "32 entries", fields: parent + "tracestate: " + member(31) + "¶tracestate: b=1¶", ok: true, state: true, list: member(31) + ",b=1"},
		{name: "33 entries", fields: parent + "tracestate: " + member(32) + "¶tracestate: b=1¶", ok: true, list: member(32) + ",b=1"},
		{name: "long key", fields: parent + "tracestate: " + key(256) + "=1¶", ok: true, state: true, list: key(256) + "=1"},
		{name: "key too long", fields: parent + "tracestate: " + key(257) + "=1¶", ok: true, list: key(257) + "=1"},
		{name: "long tenant", fields: parent + "tracestate: " + key(241) + "@" + key(14) + "=1¶", ok: true, state: true, list: key(241) + "@" + key(14) + "=1"},
		{name: "tenant too long", fields: parent + "tracestate: " + key(242) + "@v=1¶", ok: true, list: key(242) + "@v=1"},
		{name: "system too long", fields: parent + "tracestate: t@" + key(15) + "=1¶", ok: true, list: "t@" + key(15) + "=1"},
		{name: "long value", fields: parent + "tracestate: a=" + key(256) + "¶", ok: true, state: true, list: "a=" + key(256)},
		{name: "value too long", fields: parent + "tracestate: a=" + key(257) + "¶", ok: true, list: "a=" + key(257)},
	} {
		var h Head
		if n, err := h.Parse(crlf("GET / HTTP/1.1¶Host: a¶"+tt.fields+"¶"), testLimits); n == 0 || err != nil {
			t.Fatalf("%s: %d, %v", tt.name, n, err)
		}
		c, state, ok := h.Trace()
		if ok != tt.ok || state != tt.state || ok && string(c.AppendText(nil)) != goodTrace || !ok && c != (TraceContext{}) {
			t.Errorf("%s: %+v, state %v, %v", tt.name, c, state, ok)
		}
		if list := string(h.AppendTracestate([]byte("X"))); list != "X"+tt.list {
			t.Errorf("%s: combined %q, want %q", tt.name, list[1:], tt.list)
		}
	}
	for _, bad := range []string{
		"foo", "foo=", "=1", "foo@=1", "@foo=1", "foo@@bar=1", "foo@bar@baz=1", "foo@0bar=1", "foo@_bar=1", "0foo=1", "_foo=1", "-foo=1",
		"Foo=1", "foO=1", "foo =1", "foo.=1", "foo=1=2", "foo=\x80", "foo=a\tb", "f\xe4=1", ",,foo", "foo=1,bar", "foo@=1,bar=2",
	} {
		var h Head
		if n, err := h.Parse(crlf("GET / HTTP/1.1¶Host: a¶"+parent+"tracestate: ok=1¶tracestate: "+bad+"¶¶"), testLimits); n == 0 || err != nil {
			t.Fatalf("%q: %d, %v", bad, n, err)
		}
		if _, state, ok := h.Trace(); !ok || state {
			t.Errorf("tracestate %q: state %v, parent %v", bad, state, ok)
		}
	}
}

func TestTraceDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var h Head
	if _, err := h.Parse(crlf("GET / HTTP/1.1¶Host: a¶traceparent: "+goodTrace+"¶tracestate: a=1,b@c=2¶¶"), testLimits); err != nil {
		t.Fatal(err)
	}
	fwd, out := Forwarding{Proto: "http"}, make([]byte, 0, 1<<10)
	if n := testing.AllocsPerRun(100, func() {
		fwd.Trace, fwd.TraceState, _ = h.Trace()
		out = h.AppendFields(out[:0], nil, &fwd)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !strings.Contains(string(out), "traceparent: "+goodTrace) {
		t.Errorf("fields %q", out)
	}
}

func BenchmarkTrace(b *testing.B) {
	for _, bb := range []struct{ name, fields string }{
		{"none", ""}, {"parent", "traceparent: " + goodTrace + "¶"}, {"state", "traceparent: " + goodTrace + "¶tracestate: a=1,b@c=2¶"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var h Head
			if _, err := h.Parse(crlf("GET / HTTP/1.1¶Host: a¶User-Agent: b¶Accept: */*¶Accept-Encoding: gzip¶"+bb.fields+"¶"), testLimits); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				h.Trace()
			}
		})
	}
}

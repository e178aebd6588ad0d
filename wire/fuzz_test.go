package wire

import (
	"bytes"
	"testing"
)

var testLimits = Limits{Bytes: 16 << 10, Fields: 128}

// checkHead checks what must hold for every input of Head.Parse.
func checkHead(t *testing.T, input []byte) {
	var h Head
	n, err := h.Parse(input, testLimits)
	if n < 0 || n > len(input) || err != nil && n != 0 {
		t.Fatalf("Parse(%q) = %d, %v", input, n, err)
	}
	if err != nil {
		if r, ok := err.(*Refusal); !ok || r.Status < 400 || r.Status == 502 || r.Status > 505 {
			t.Errorf("Parse(%q): %v", input, err)
		}
		return
	}
	if n == 0 {
		return
	}
	raw := bytes.Clone(h.Raw())
	if !bytes.HasSuffix(input[:n], raw) || len(bytes.Trim(input[:n-len(raw)], "\r\n")) > 0 {
		t.Errorf("Parse(%q) = %d, with the head %q", input, n, raw)
	}
	sameAsNetHTTP(t, &h)
	if len(h.Host) == 0 {
		return // would be refused as HTTP/1.1
	}
	for _, fwd := range []Forwarding{
		{Client: []byte("192.0.2.7"), Proto: "http"}, {Client: []byte("::1"), Proto: "https", Trusted: true}, {Proto: "http", Trusted: true},
		{Proto: "http", Trace: TraceContext{ID: [16]byte{1}, Span: [8]byte{2}}, TraceState: true},
	} {
		for _, host := range [][]byte{nil, []byte("other:81")} {
			checkForwarded(t, &h, h.AppendFields(nil, host, &fwd), host)
		}
	}
	if c, _, ok := h.Trace(); ok {
		if again, _ := ParseTraceparent(c.AppendText(nil)); again != c || !c.Valid() {
			t.Errorf("the trace %+v of %q is read back as %+v", c, raw, again)
		}
	}
	if !bytes.Equal(raw, h.Raw()) {
		t.Errorf("AppendFields changed the head %q", raw)
	}
}

// checkForwarded checks that the fields make a head that is read as h was, and
// that nothing in them was meant for us alone.
func checkForwarded(t *testing.T, h *Head, fields, host []byte) {
	t.Helper()
	if host == nil {
		host = h.Host
	}
	head := append(append([]byte("GET / HTTP/1.1\r\n"), fields...), "\r\n"...)
	var f Head
	n, err := f.Parse(head, Limits{1 << 20, 1 << 10})
	if err != nil || n != len(head) {
		t.Fatalf("forwarded head %q: %d, %v", head, n, err)
	}
	if string(f.Host) != string(host) || f.Length != h.Length || f.Framed != h.Framed || f.Expect100 || f.Trailers != h.Trailers {
		t.Errorf("forwarded head %q of %q: host %q, length %d", head, h.Raw(), f.Host, f.Length)
	}
	if f.WebSocket != h.WebSocket || !f.KeepAlive {
		t.Errorf("forwarded head %q of %q: websocket %v, keep-alive %v", head, h.Raw(), f.WebSocket, f.KeepAlive)
	}
	for i := range f.Len() {
		switch name, value, kind := f.Field(i); kind {
		case KindConnection, KindUpgrade:
			if !h.WebSocket && !(h.Trailers && string(value) == "TE") {
				t.Errorf("forwarded head %q has %s", head, name)
			}
		case KindKeepAlive, KindProxyConnection, KindProxyAuthorization, KindHTTP2Settings, KindExpect:
			t.Errorf("forwarded head %q has %s", head, name)
		case KindTE:
			if string(value) != "trailers" {
				t.Errorf("forwarded head %q has TE: %s", head, value)
			}
		case KindOther:
			if h.isNominated(name) {
				t.Errorf("forwarded head %q has %s, which Connection names", head, name)
			}
		}
	}
}

func FuzzHead(f *testing.F) {
	for _, tt := range acceptedHeads {
		f.Add(crlf(tt.head))
	}
	f.Add(crlf("GET / HTTP/1.1¶Host: a¶Traceparent: cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x¶TRACESTATE: a=1,b@c=2¶¶"))
	for _, tt := range refusedFields {
		f.Add(crlf("POST / HTTP/1.1¶Host: a¶" + tt.inputs[0] + "¶¶"))
	}
	for _, tt := range refusedHeads {
		f.Add(crlf(tt.inputs[0]))
	}
	f.Fuzz(checkHead)
}

func FuzzResponse(f *testing.F) {
	for _, tt := range acceptedResponses {
		input, toHead := responseInput(tt.head)
		f.Add(input, toHead)
	}
	for _, tt := range refusedResponses {
		input, toHead := responseInput(tt.inputs[0])
		f.Add(input, toHead)
	}
	f.Fuzz(func(t *testing.T, input []byte, toHead bool) {
		var r Response
		n, err := r.Parse(input, toHead)
		if n < 0 || n > len(input) || err != nil && n != 0 {
			t.Fatalf("Parse(%q) = %d, %v", input, n, err)
		}
		if err != nil {
			if refusal, ok := err.(*Refusal); !ok || refusal.Status != 502 {
				t.Errorf("Parse(%q): %v", input, err)
			}
			return
		}
		if n == 0 {
			return
		}
		sameResponseAsNetHTTP(t, &r, toHead)
		// What goes on is a head of its own that only lacks the coding.
		head := append(r.AppendFields([]byte("HTTP/1.1 200 OK\r\n")), "\r\n"...)
		var f Response
		if n, err := f.Parse(head, toHead); err != nil || n != len(head) {
			t.Fatalf("forwarded head %q: %d, %v", head, n, err)
		}
		if f.coding || f.Declared >= 0 && f.Declared != r.Declared {
			t.Errorf("forwarded head %q of %q", head, r.Raw())
		}
		for i := range f.Len() {
			switch name, _, kind := f.Field(i); kind {
			case KindConnection, KindKeepAlive, KindProxyConnection, KindTE, KindUpgrade, KindHTTP2Settings, KindTransferEncoding:
				t.Errorf("forwarded head %q has %s", head, name)
			}
		}
	})
}

func FuzzChunks(f *testing.F) {
	for _, tt := range acceptedChunks {
		f.Add(crlf(tt.body), uint8(3))
	}
	for _, tt := range refusedChunks {
		f.Add(crlf(tt.inputs[0]), uint8(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, size uint8) {
		var whole, parts Chunks
		data, used, err := decode(&whole, body, len(body)+1)
		if used > len(body) || len(data) > used {
			t.Fatalf("%q: %d bytes used, %d of data", body, used, len(data))
		}
		partData, partUsed, partErr := decode(&parts, body, int(size)+1)
		if !bytes.Equal(data, partData) || err != partErr || whole.Done() != parts.Done() || err == nil && used != partUsed {
			t.Errorf("%q: %q, %d, %v; in parts of %d: %q, %d, %v", body, data, used, err, int(size)+1, partData, partUsed, partErr)
		}
		if err != nil && whole.Done() {
			t.Errorf("%q is done in spite of %v", body, err)
		}
		if whole.Done() {
			sameChunksAsNetHTTP(t, body[:used], data)
			if !bytes.Equal(whole.Trailer(), parts.Trailer()) {
				t.Errorf("%q: trailers %q and %q", body, whole.Trailer(), parts.Trailer())
			}
			again := append(append([]byte("0\r\n"), AppendTrailer(nil, whole.Trailer())...), "\r\n"...)
			var c Chunks
			if _, n, err := decode(&c, again, len(again)); err != nil || n != len(again) || !c.Done() {
				t.Errorf("forwarded trailer %q: %v", again, err)
			}
		}
	})
}

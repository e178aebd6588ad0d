package telemetry

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/sluiceproxy/sluice/config"
)

const (
	receiverTimeout = 10 * time.Second
	maxTraceAnswer  = 64 << 10
	maxRetryAfter   = 30 * time.Second
)

// receiver takes spans by OTLP over HTTP.
type receiver struct {
	url    string
	fields http.Header
	client *http.Client
}

func newReceiver(def *config.Tracing) receiver {
	r := receiver{url: def.Endpoint, fields: make(http.Header)}
	for name, value := range def.Headers {
		r.fields.Set(name, value)
	}
	r.fields.Set("Content-Type", "application/x-protobuf")
	if r.fields.Get("User-Agent") == "" {
		r.fields.Set("User-Agent", "sluice")
	}
	r.client = &http.Client{
		// The config says where spans go, and nothing else does: no proxy of the
		// environment's, no redirect.
		Transport:     &http.Transport{MaxIdleConns: 1, IdleConnTimeout: time.Minute},
		Timeout:       receiverTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return r
}

func (r *receiver) close() { r.client.CloseIdleConnections() }

// traceAnswer is what became of a batch.
type traceAnswer struct {
	rejected uint64 // spans of a batch that was taken otherwise
	message  string // why
	again    bool   // with an error: there is a point in trying again
	after    time.Duration
}

// post sends a batch once.
func (r *receiver) post(ctx context.Context, body []byte) (traceAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return traceAnswer{}, fmt.Errorf("cannot send spans: %w", err)
	}
	req.Header = r.fields.Clone()
	resp, err := r.client.Do(req)
	if err != nil {
		return traceAnswer{again: true}, fmt.Errorf("cannot send spans: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxTraceAnswer))
	if resp.StatusCode/100 == 2 {
		// It was taken, whatever became of the rest of the answer.
		a := traceAnswer{}
		a.rejected, a.message = partialSuccess(text)
		return a, nil
	}
	a := traceAnswer{}
	switch resp.StatusCode {
	case 429, 502, 503, 504: // as OTLP has it
		a.again = true
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
			a.after = min(time.Duration(s)*time.Second, maxRetryAfter)
		}
	}
	return a, fmt.Errorf("cannot send spans: the receiver answers %s", resp.Status)
}

// partialSuccess reads an ExportTraceServiceResponse: field 1 is a message whose
// field 1 counts the spans that were rejected, and whose field 2 says why. It is read
// by hand because the generated package brings all of gRPC with it.
func partialSuccess(b []byte) (rejected uint64, message string) {
	each := func(b []byte, fn func(num protowire.Number, value uint64, text []byte)) {
		for len(b) > 0 {
			num, typ, n := protowire.ConsumeTag(b)
			if n < 0 {
				return
			}
			b = b[n:]
			var value uint64
			var text []byte
			switch typ {
			case protowire.VarintType:
				value, n = protowire.ConsumeVarint(b)
			case protowire.BytesType:
				text, n = protowire.ConsumeBytes(b)
			default:
				n = protowire.ConsumeFieldValue(num, typ, b)
			}
			if n < 0 {
				return
			}
			b = b[n:]
			fn(num, value, text)
		}
	}
	each(b, func(num protowire.Number, _ uint64, partial []byte) {
		if num != 1 {
			return
		}
		each(partial, func(num protowire.Number, value uint64, text []byte) {
			switch {
			case num == 1 && int64(value) > 0:
				rejected = value
			case num == 2:
				message = string(text[:min(len(text), maxName)])
			}
		})
	})
	return rejected, message
}

package telemetry

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/exchange"
)

// appendLine appends what the JSON format of a shape that no stage has changed
// does, in half the time: that is what most access logs are. Always there are time
// (when the request's head had arrived), client, status, bytes_in, bytes_out and
// duration_ms; with a head method, host, uri and proto; the others where they say
// something. It does not allocate if dst has room.
func appendLine(dst []byte, x *exchange.Exchange) []byte {
	dst = append(dst, `{"time":"`...)
	dst = appendTime(dst, x.Start)
	dst = append(dst, `","client":`...)
	dst = appendJSON(dst, x.Forwarding.Client, maxClient)
	dst = appendRequest(dst, x)
	dst = appendName(dst, `,"route":`, x.Route)
	dst = appendName(dst, `,"upstream":`, x.Upstream)
	dst = appendName(dst, `,"target":`, x.TargetName)
	if x.Attempts > 0 {
		dst = append(dst, `,"attempts":`...)
		dst = strconv.AppendInt(dst, int64(x.Attempts), 10)
	}
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(x.Status), 10)
	dst = appendName(dst, `,"reason":`, x.Reason.String())
	dst = append(dst, `,"bytes_in":`...)
	dst = strconv.AppendInt(dst, x.BytesIn, 10)
	dst = append(dst, `,"bytes_out":`...)
	dst = strconv.AppendInt(dst, x.BytesOut, 10)
	dst = append(dst, `,"duration_ms":`...)
	dst = appendMillis(dst, x.Duration)
	if x.HeaderTime > 0 {
		dst = append(dst, `,"header_ms":`...)
		dst = appendMillis(dst, x.HeaderTime)
	}
	if x.Upgraded {
		dst = append(dst, `,"upgraded":true`...)
	}
	if id := x.RequestID(); len(id) > 0 {
		dst = appendJSON(append(dst, `,"request_id":`...), id, maxClient)
	}
	if x.Trace.Valid() {
		dst = append(dst, `,"trace_id":"`...)
		dst = append(hex.AppendEncode(dst, x.Trace.ID[:]), '"')
	}
	return append(dst, "}\n"...)
}

func appendRequest(dst []byte, x *exchange.Exchange) []byte {
	h := x.Head
	if h == nil {
		return dst
	}
	dst = append(dst, `,"method":`...)
	dst = appendJSON(dst, h.Method, maxMethod)
	dst = append(dst, `,"host":`...)
	dst = appendJSON(dst, h.Host, maxHost)
	dst = append(dst, `,"uri":`...)
	dst = appendJSON(dst, h.Target, maxURI)
	if len(h.Target) > maxURI {
		dst = append(dst, `,"uri_length":`...)
		dst = strconv.AppendInt(dst, int64(len(h.Target)), 10)
	}
	if h.Minor == 0 {
		return append(dst, `,"proto":"HTTP/1.0"`...)
	}
	return append(dst, `,"proto":"HTTP/1.1"`...)
}

func appendName(dst []byte, key, value string) []byte {
	if value == "" {
		return dst
	}
	return appendJSON(append(dst, key...), value, maxName)
}

// appendTime appends t as RFC 3339 in UTC with microseconds. time.AppendFormat
// takes more than twice as long.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	dst = appendDigits(append(dst, '.'), t.Nanosecond()/1000, 6)
	return append(dst, 'Z')
}

// appendMillis appends d in milliseconds, with microseconds as decimals.
func appendMillis(dst []byte, d time.Duration) []byte {
	us := max(d, 0).Microseconds()
	dst = strconv.AppendInt(dst, us/1000, 10)
	return appendDigits(append(dst, '.'), int(us%1000), 3)
}

// appendDigits appends the last width decimal digits of n, which is not negative.
func appendDigits(dst []byte, n, width int) []byte {
	at := len(dst) + width
	for range width {
		dst = append(dst, '0')
	}
	for i := at - 1; n > 0 && i >= at-width; i-- {
		dst[i] += byte(n % 10)
		n /= 10
	}
	return dst
}

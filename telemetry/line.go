package telemetry

import (
	"encoding/hex"

	"github.com/sluiceproxy/sluice/exchange"
)

// appendLine appends what the JSON format of a shape that no stage has changed
// does, but for the end of the line, in half the time: that is what most access logs are. Always there are time
// (when the request's head had arrived), client, status, bytes_in, bytes_out and
// duration_ms; with a head method, host, uri and proto; the others where they say
// something. It does not allocate if dst has room.
func appendLine(dst []byte, r *record) []byte {
	x := r.x
	dst = append(dst, `{"time":"`...)
	dst = r.clock.appendTime(dst, x.Start)
	dst = append(dst, `","client":`...)
	dst = appendJSON(dst, x.Forwarding.Client, maxClient)
	dst = appendRequest(dst, x)
	dst = appendName(dst, `,"route":`, x.Route)
	dst = appendName(dst, `,"upstream":`, x.Upstream)
	dst = appendName(dst, `,"target":`, x.TargetName)
	if x.Attempts > 0 {
		dst = append(dst, `,"attempts":`...)
		dst = appendInt(dst, int64(x.Attempts))
	}
	dst = append(dst, `,"status":`...)
	dst = appendInt(dst, int64(x.Status))
	dst = appendName(dst, `,"reason":`, x.Reason.String())
	dst = append(dst, `,"bytes_in":`...)
	dst = appendInt(dst, x.BytesIn)
	dst = append(dst, `,"bytes_out":`...)
	dst = appendInt(dst, x.BytesOut)
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
	return append(dst, '}')
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
		dst = appendInt(dst, int64(len(h.Target)))
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

package proxy

import (
	"strconv"

	"github.com/sluiceproxy/sluice/exchange"
)

// failure is what a client is told when a request fails for a reason.
type failure struct {
	status int
	text   string
	body   []byte // "504 text\n"
	// again says that the client may do better soon: it is told by Retry-After
	// (RFC 9110 section 10.2.3).
	again bool
}

// retryAfter is in seconds. What is full now may have room at once.
const retryAfter = "1"

// failures is the one table from what went wrong to what is answered. A status
// of 0 means that nobody is there to be answered, or that the response has begun.
var failures = func() (table map[exchange.Reason]*failure) {
	table = map[exchange.Reason]*failure{
		exchange.Malformed:          {status: 400, text: "malformed request"},
		exchange.AmbiguousPath:      {status: 400, text: "ambiguous path"},
		exchange.NoRoute:            {status: 404, text: "no route"},
		exchange.MethodNotAllowed:   {status: 405, text: "method not allowed"},
		exchange.ClientTimeout:      {status: 408, text: "request body took too long"},
		exchange.BodyTooLong:        {status: 413, text: "request body too long"},
		exchange.Panic:              {status: 500, text: "internal error"},
		exchange.ConnectFailed:      {status: 502, text: "cannot connect to upstream"},
		exchange.UpstreamClosed:     {status: 502, text: "upstream closed the connection"},
		exchange.UpstreamMalformed:  {status: 502, text: "upstream sent a malformed response"},
		exchange.ResponseTruncated:  {status: 502, text: "upstream cut its response short"},
		exchange.UpstreamStatus:     {status: 502, text: "upstream answered with an error"},
		exchange.NoTarget:           {status: 503, text: "no usable target", again: true},
		exchange.ConcurrencyFull:    {status: 503, text: "upstream is at its request limit", again: true},
		exchange.ConcurrencyTimeout: {status: 503, text: "upstream had no room for the request in time", again: true},
		exchange.QueueFull:          {status: 503, text: "upstream is at its connection limit", again: true},
		exchange.QueueTimeout:       {status: 503, text: "no upstream connection became free in time", again: true},
		exchange.ConnectTimeout:     {status: 504, text: "timeout connecting to upstream"},
		exchange.ResponseTimeout:    {status: 504, text: "timeout waiting for upstream response"},
		exchange.UpstreamIdle:       {status: 504, text: "timeout reading from upstream"},
		exchange.RequestTimeout:     {status: 504, text: "request timeout"},
		exchange.ClientClosed:       {},
	}
	for _, f := range table {
		if f.status != 0 {
			f.body = []byte(strconv.Itoa(f.status) + " " + f.text + "\n")
		}
	}
	return table
}()

const plainText = "text/plain; charset=utf-8"

// fail makes the answer of a failure. For one without an answer the connection
// just ends.
func (r *request) fail(reason exchange.Reason) {
	r.Reason = reason
	f := failures[reason]
	if f.status == 0 {
		r.silent = true
		r.client.Abandon(false)
		return
	}
	r.Response.Answer(f.status, plainText, f.body)
	if f.again {
		r.Response.Fields.Add("Retry-After", retryAfter)
	}
}

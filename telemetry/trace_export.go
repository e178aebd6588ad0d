package telemetry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	pb "google.golang.org/protobuf/proto"

	"github.com/sluiceproxy/sluice/config"
)

const (
	// maxWaiting is how many requests may wait for their spans to be sent.
	maxWaiting = 2048
	// maxBatch is how many spans are sent at a time, give or take those of one
	// request, and batchEvery how long they are gathered at most.
	maxBatch   = 512
	batchEvery = time.Second
	// maxBatchAge is how long a batch is tried to be sent.
	maxBatchAge = time.Minute
)

// TraceEvent tells that spans cannot be sent or are lost, or no longer. Between
// these two nothing is told of it.
type TraceEvent struct {
	Err  error  // nil when all is well again
	Lost uint64 // spans lost in between
}

// traceCounters count spans. They outlive a tracer, which a reload may change.
type traceCounters struct {
	sent, behind, failed, rejected atomic.Uint64
	trouble                        atomic.Bool
}

func (c *traceCounters) lost() uint64 { return c.behind.Load() + c.failed.Load() + c.rejected.Load() }

func (c *traceCounters) emit(emit Emit) {
	emit(TraceSpans, float64(c.sent.Load()))
	emit(TraceDropped, float64(c.behind.Load()), "behind")
	emit(TraceDropped, float64(c.failed.Load()), "failed")
	emit(TraceDropped, float64(c.rejected.Load()), "rejected")
	trouble := 0.0
	if c.trouble.Load() {
		trouble = 1
	}
	emit(TraceTrouble, trouble)
}

// exporter is a bounded queue of records, and a goroutine that sends their spans
// to a receiver, in batches.
type exporter struct {
	to       receiver
	source   spanSource
	counters *traceCounters
	tell     func(TraceEvent)
	queue    chan *tracedRecord
	quiet    time.Duration
	maxAge   time.Duration

	closed  atomic.Bool
	closing chan struct{} // closed when what waits is to be sent, and no more taken
	ended   chan struct{} // closed when the goroutine has ended
	ctx     context.Context
	giveUp  context.CancelFunc

	// The rest is the goroutine's own.
	batch   []*tracepb.Span
	before  uint64 // lost when the trouble began
	seen    uint64 // lost at the last look
	working bool   // the last batch was taken
}

func newExporter(def *config.Tracing, o TracerOptions) *exporter {
	e := &exporter{
		to: newReceiver(def), source: newSpanSource(def, o.Version), counters: &o.Metrics.traces, tell: o.Tell,
		quiet: quietFor, maxAge: maxBatchAge,
		queue: make(chan *tracedRecord, maxWaiting), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	e.seen = e.counters.lost()
	e.ctx, e.giveUp = context.WithCancel(context.Background())
	return e
}

// put takes a record, which is no longer the caller's.
func (e *exporter) put(r *tracedRecord) {
	lost := &e.counters.behind
	if e.closed.Load() {
		lost = &e.counters.failed
	} else {
		select {
		case e.queue <- r:
			return
		default:
		}
	}
	lost.Add(uint64(r.spans()))
	r.release()
}

// run is the goroutine. A batch is sent when it is full, and at the latest
// batchEvery after the first span in it.
func (e *exporter) run() {
	defer close(e.ended)
	defer e.to.close()
	timer := time.NewTimer(batchEvery)
	timer.Stop()
	look := time.NewTicker(e.quiet)
	defer look.Stop()
	for {
		select {
		case r := <-e.queue:
			if len(e.batch) == 0 {
				timer.Reset(batchEvery)
			}
			e.take(r)
		case <-timer.C:
			e.send()
		case <-look.C:
			e.judge()
		case <-e.closing:
			e.drain()
			return
		}
	}
}

// take makes the spans of a record a part of the batch.
func (e *exporter) take(r *tracedRecord) {
	e.batch = e.source.appendSpans(e.batch, r)
	r.release()
	if len(e.batch) >= maxBatch {
		e.send()
	}
}

// drain sends what waits.
func (e *exporter) drain() {
	for {
		select {
		case r := <-e.queue:
			e.take(r)
		default:
			e.send()
			e.counters.trouble.Store(false)
			return
		}
	}
}

// send sends the batch, again and again where there is hope, and counts its spans.
func (e *exporter) send() {
	n := uint64(len(e.batch))
	if n == 0 {
		return
	}
	body, err := pb.Marshal(e.source.message(e.batch))
	clear(e.batch)
	e.batch = e.batch[:0]
	if err != nil {
		e.giveUpOn(n, fmt.Errorf("cannot encode spans: %w", err))
		return
	}
	closing, begun := e.closing, time.Now()
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		answer, err := e.to.post(e.ctx, body)
		if err == nil {
			rejected := min(answer.rejected, n)
			e.counters.sent.Add(n - rejected)
			e.counters.rejected.Add(rejected)
			e.working = true
			if rejected > 0 {
				e.trouble(fmt.Errorf("the receiver has rejected %d of %d spans: %s", rejected, n, answer.message))
			}
			return
		}
		e.working = false
		if !answer.again || e.ctx.Err() != nil || time.Since(begun) > e.maxAge {
			e.giveUpOn(n, err)
			return
		}
		e.trouble(err)
		select {
		case <-e.ctx.Done():
		case <-closing:
			// Once more at once: there is not much time.
			closing, pause = nil, firstPause
		case <-time.After(max(answer.after, pause/2+rand.N(pause/2))):
		}
	}
}

func (e *exporter) giveUpOn(n uint64, why error) {
	e.counters.failed.Add(n)
	e.trouble(why)
}

// trouble tells of trouble, once until it is over.
func (e *exporter) trouble(why error) {
	if e.counters.trouble.Load() {
		return
	}
	e.before = e.seen
	e.counters.trouble.Store(true)
	e.tell(TraceEvent{Err: why})
}

var errTracesBehind = errors.New("more spans come than the receiver takes")

// judge is called now and then: spans may have been lost since, or trouble be over.
func (e *exporter) judge() {
	lost := e.counters.lost()
	more := lost > e.seen
	if more {
		e.trouble(errTracesBehind)
	}
	e.seen = lost
	if !more && e.working && e.counters.trouble.Load() {
		e.counters.trouble.Store(false)
		e.tell(TraceEvent{Lost: lost - e.before})
	}
}

// close sends what waits and ends the exporter; see [Tracer.Close].
func (e *exporter) close(ctx context.Context) error {
	if !e.closed.Swap(true) {
		close(e.closing)
	}
	before := e.counters.failed.Load() // another tracer's may be among them; it is for a message
	var why error
	select {
	case <-e.ended:
	case <-ctx.Done():
		why = ctx.Err()
		e.giveUp()
		<-e.ended
	}
	e.giveUp() // frees the context
	for late := true; late; {
		select {
		case r := <-e.queue:
			e.counters.failed.Add(uint64(r.spans()))
			r.release()
		default:
			late = false
		}
	}
	if lost := e.counters.failed.Load() - before; why != nil || lost > 0 {
		return errors.Join(fmt.Errorf("%d spans are lost at the end of tracing", lost), why)
	}
	return nil
}

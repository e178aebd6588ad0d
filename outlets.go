package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// outletGrace is how long requests that ended just at a reload may take to
	// write to what was in force.
	outletGrace = time.Second
	// outletFlush is how long outlets have at the end of the process to pass on what
	// waits for them, and outletRetire how long those have that a reload has replaced.
	outletFlush  = 3 * time.Second
	outletRetire = 10 * time.Second
)

// outlet is where requests leave what is to be known of them: an access log or a
// tracer. Close passes on what waits in it.
type outlet interface {
	comparable
	Close(ctx context.Context) error
}

// outlets are the outlet in force, nil if there is none, and those before it that
// have not yet ended. They are changed by one goroutine at a time.
type outlets[T outlet] struct {
	inForce T

	mu      sync.Mutex
	retired map[T]bool
}

// swap notes that requests use next from now on, which may be nil, and has the one
// before end by itself; told is told if that loses anything.
func (o *outlets[T]) swap(next T, end func(context.Context, T) error, told func(error)) {
	var none T
	old := o.inForce
	o.inForce = next
	if old == none || old == next {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.retired == nil {
		o.retired = make(map[T]bool)
	}
	o.retired[old] = true
	time.AfterFunc(outletGrace, func() {
		ctx, cancel := context.WithTimeout(context.Background(), outletRetire)
		defer cancel()
		if err := end(ctx, old); err != nil {
			told(err)
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.retired, old)
	})
}

// close ends all of them, at once.
func (o *outlets[T]) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), outletFlush)
	defer cancel()
	var none T
	var ending []T
	o.mu.Lock()
	if o.inForce != none {
		ending = append(ending, o.inForce)
	}
	for old := range o.retired {
		ending = append(ending, old)
	}
	o.mu.Unlock()
	results := make(chan error)
	for _, one := range ending {
		go func() { results <- one.Close(ctx) }()
	}
	var errs []error
	for range ending {
		errs = append(errs, <-results)
	}
	return errors.Join(errs...)
}

// flush writes the access lines and sends the spans that wait, both at once.
func (in *instance) flush() {
	sent := make(chan error)
	go func() { sent <- in.traces.close() }()
	if err := in.access.close(); err != nil {
		in.accessLost(err)
	}
	if err := <-sent; err != nil {
		in.tracesLost(err)
	}
}

//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// backlog is how long after the end what was due before is still sent, and
	// grace how long answers are waited for.
	backlog = 3 * time.Second
	grace   = 10 * time.Second
	// patience is how long connecting may take.
	patience = 5 * time.Second
)

// loop is an event loop in one thread: Go's timers are a millisecond coarse, and
// its scheduler would compete with what is measured.
type loop struct {
	plan
	epoll, timer int
	resolved     *net.TCPAddr
	conns        map[int32]*conn // by descriptor
	free         []*conn         // waiting for a request, the one that waits longest first
	made         chan *conn      // connected anew; one with no descriptor could not be
	buf          []byte

	gap         time.Duration
	total, sent int
	begin, end  time.Time // of what is due
	ended       time.Time // when the last answer came
	armed       int       // the request for which the timer is set
	starved     bool      // the next request did not find a free connection when it was due

	latencies, late []time.Duration
	errors          int
}

func newLoop(p plan) (*loop, error) {
	resolved, err := net.ResolveTCPAddr("tcp", p.address)
	if err != nil {
		return nil, err
	}
	l := &loop{
		plan: p, resolved: resolved, epoll: -1, timer: -1, conns: map[int32]*conn{}, made: make(chan *conn, p.connections), buf: make([]byte, 64<<10),
		gap: time.Duration(float64(time.Second) / p.rate), total: int(p.rate * p.duration.Seconds()), armed: -1,
	}
	l.latencies = make([]time.Duration, 0, l.total)
	l.late = make([]time.Duration, 0, l.total)
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("cannot create an epoll set: %w", err)
	}
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err == nil {
		// The timer is never read: it is set anew, and wakes once each time.
		err = l.watch(l.timer, unix.EPOLLIN|unix.EPOLLET)
	}
	if err == nil {
		err = l.connectAll()
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *loop) close() {
	for _, c := range l.conns {
		_ = unix.Close(c.fd)
	}
	_ = unix.Close(l.timer)
	_ = unix.Close(l.epoll)
}

// watch has the loop woken by events of a descriptor.
func (l *loop) watch(fd int, events uint32) error {
	event := unix.EpollEvent{Events: events, Fd: int32(fd)}
	if err := unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &event); err != nil {
		return fmt.Errorf("cannot watch a descriptor: %w", err)
	}
	return nil
}

// connectAll opens every connection, so that none is part of a latency.
func (l *loop) connectAll() error {
	errs := make([]error, l.connections)
	fds := make([]int, l.connections)
	var connecting sync.WaitGroup
	for i := range fds {
		connecting.Go(func() { fds[i], errs[i] = connect(l.resolved) })
	}
	connecting.Wait()
	for _, fd := range fds {
		if fd >= 0 {
			l.add(&conn{fd: fd})
		}
	}
	return errors.Join(errs...)
}

// connect returns the descriptor of a connection, -1 with an error.
func connect(to *net.TCPAddr) (int, error) {
	family, address := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Port: to.Port, Addr: [16]byte(to.IP.To16())})
	if ip4 := to.IP.To4(); ip4 != nil {
		family, address = unix.AF_INET, &unix.SockaddrInet4{Port: to.Port, Addr: [4]byte(ip4)}
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("cannot create a socket: %w", err)
	}
	limit := unix.NsecToTimeval(patience.Nanoseconds())
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	err = unix.Connect(fd, address)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("cannot connect: %w", err)
	}
	return fd, nil
}

// add takes a connection in, free for a request.
func (l *loop) add(c *conn) {
	if err := l.watch(c.fd, unix.EPOLLIN); err != nil {
		_ = unix.Close(c.fd)
		return
	}
	l.conns[int32(c.fd)] = c
	l.free = append(l.free, c)
}

// due is when request i is to be sent.
func (l *loop) due(i int) time.Time { return l.begin.Add(time.Duration(i) * l.gap) }

func (l *loop) run() error {
	l.begin = time.Now().Add(10 * time.Millisecond)
	l.end = l.due(l.total)
	l.ended = l.begin
	events := make([]unix.EpollEvent, 256)
	for now := time.Now(); now.Before(l.end.Add(grace)); now = time.Now() {
		late := now.After(l.end.Add(backlog))
		if !late {
			l.sendDue(now)
		}
		if (late || l.sent == l.total) && len(l.latencies)+l.errors == l.sent {
			return nil
		}
		if err := l.arm(now); err != nil {
			return err
		}
		n, err := unix.EpollWait(l.epoll, events, 100)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("cannot wait for events: %w", err)
		}
		for _, event := range events[:max(n, 0)] {
			if c := l.conns[event.Fd]; c != nil {
				l.receive(c)
			}
		}
		l.takeMade()
	}
	// Those still out have failed, those not sent are told apart.
	l.ended = time.Now()
	l.errors = l.sent - len(l.latencies)
	return nil
}

// sendDue sends what is due as far as connections are free.
func (l *loop) sendDue(now time.Time) {
	for l.sent < l.total && !l.due(l.sent).After(now) {
		if len(l.free) == 0 {
			l.starved = true
			return
		}
		c := l.free[0]
		l.free = l.free[1:]
		if !l.starved {
			l.late = append(l.late, now.Sub(l.due(l.sent)))
		}
		l.starved = false
		c.busy, c.due = true, l.due(l.sent)
		l.sent++
		if n, err := unix.Write(c.fd, l.request); err != nil || n < len(l.request) {
			l.fail(c)
		}
		now = time.Now()
	}
}

// arm sets the timer to the moment of the next request.
func (l *loop) arm(now time.Time) error {
	if l.sent == l.total || l.sent == l.armed || l.starved {
		return nil
	}
	l.armed = l.sent
	// At once is 1: 0 would switch the timer off.
	wait := unix.NsecToTimespec(max(l.due(l.sent).Sub(now).Nanoseconds(), 1))
	if err := unix.TimerfdSettime(l.timer, 0, &unix.ItimerSpec{Value: wait}, nil); err != nil {
		return fmt.Errorf("cannot set a timer: %w", err)
	}
	return nil
}

// receive reads once what has come on a connection; if there is more, the next
// turn tells of it again.
func (l *loop) receive(c *conn) {
	n, err := unix.Read(c.fd, l.buf)
	switch {
	case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
		return
	case err != nil || n == 0:
		l.fail(c)
		return
	}
	done, err := c.take(l.buf[:n])
	switch {
	case err != nil:
		l.fail(c)
	case done:
		l.ended = time.Now()
		l.latencies = append(l.latencies, l.ended.Sub(c.due))
		c.busy = false
		l.free = append(l.free, c)
	}
}

// fail closes a connection, counts its request, and has another one opened.
func (l *loop) fail(c *conn) {
	if c.busy {
		l.errors++
		l.ended = time.Now()
	}
	for i := range l.free {
		if l.free[i] == c {
			l.free = append(l.free[:i:i], l.free[i+1:]...)
			break
		}
	}
	delete(l.conns, int32(c.fd))
	_ = unix.Close(c.fd)
	l.reconnect()
}

func (l *loop) reconnect() {
	go func() {
		fd, _ := connect(l.resolved)
		l.made <- &conn{fd: fd}
	}()
}

// takeMade takes in what has connected meanwhile. What could not is tried again,
// but not faster than the loop turns.
func (l *loop) takeMade() {
	for range len(l.made) {
		if c := <-l.made; c.fd >= 0 {
			l.add(c)
		} else {
			l.reconnect()
		}
	}
}

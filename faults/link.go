package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// link is a network between this network namespace and another one, in which
// targets live. Its packets pass through our hands, from one TUN device to the
// other, and are delayed and lost there: what netem does, for kernels without it.
type link struct {
	far      string // address of the targets' end
	ns       *os.File
	ends     [2]*os.File
	weather  atomic.Pointer[weather]
	relaying sync.WaitGroup
}

// weather is what becomes of packets, in each direction.
type weather struct {
	delay, jitter time.Duration
	loss          float64
}

var links atomic.Int32

func newLink() (*link, error) {
	n := byte(links.Add(1))
	l := &link{far: fmt.Sprintf("10.77.%d.2", n)}
	l.weather.Store(&weather{})
	var err error
	if l.ends[0], err = openTun(fmt.Sprintf("near%d", n), []byte{10, 77, n, 1}); err != nil {
		return nil, err
	}
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		if err := raise("lo", nil); err != nil {
			return err
		}
		if l.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		l.ends[1], err = openTun(fmt.Sprintf("far%d", n), []byte{10, 77, n, 2})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot make a link: %w", err)
	}
	for i := range l.ends {
		l.relaying.Go(func() { l.relay(l.ends[i], l.ends[1-i]) })
	}
	return l, nil
}

// onThread runs f on a thread of its own, which ends with it.
func onThread(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlock: nobody else may use it now
		done <- f()
	}()
	return <-done
}

// enter runs f among the targets: processes that it starts are there.
func (l *link) enter(f func() error) error {
	if l == nil {
		return f()
	}
	return onThread(func() error {
		if err := unix.Setns(int(l.ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return f()
	})
}

func (l *link) set(w weather) { l.weather.Store(&w) }

type packet struct {
	data []byte
	due  time.Time
}

// relay passes packets on in order. A queue that is full loses them, as routers do.
func (l *link) relay(from, to *os.File) {
	queue := make(chan packet, 4096)
	l.relaying.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			_, _ = to.Write(p.data)
		}
	})
	defer close(queue)
	for {
		buf := make([]byte, 2048)
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		w := l.weather.Load()
		if rand.Float64() < w.loss {
			continue
		}
		wait := w.delay
		if w.jitter > 0 {
			wait += rand.N(w.jitter)
		}
		select {
		case queue <- packet{buf[:n], time.Now().Add(wait)}:
		default:
		}
	}
}

func (l *link) close() {
	for _, end := range l.ends {
		_ = end.Close()
	}
	l.relaying.Wait()
	_ = l.ns.Close()
}

// openTun makes an interface whose packets are read from and written to a file.
func openTun(name string, ip []byte) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err == nil {
		err = raise(name, ip)
	}
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot make interface %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

package telemetry

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// How long a network sink may take for a step before it counts as failed.
const (
	dialTimeout  = 2 * time.Second
	writeTimeout = 5 * time.Second
)

// Severity and facilities of RFC 5424 section 6.2.1.
const severityInfo = 6

var facilities = map[string]int{
	"user": 1, "daemon": 3, "local0": 16, "local1": 17, "local2": 18, "local3": 19,
	"local4": 20, "local5": 21, "local6": 22, "local7": 23,
}

// syslogHeader returns what stands before the time and behind it in each message
// of a sink (RFC 5424 section 6.2), up to the line itself.
func syslogHeader(s *config.AccessSink) (prefix, suffix []byte) {
	host, err := os.Hostname()
	if err != nil || host == "" || len(host) > 255 || strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		host = "-"
	}
	priority := facilities[cmp.Or(s.Facility, "local0")]*8 + severityInfo
	return fmt.Appendf(nil, "<%d>1 ", priority),
		fmt.Appendf(nil, " %s %s %d access - ", host, cmp.Or(s.AppName, "sluice"), os.Getpid())
}

// syslogOutput sends each line as a message: as a datagram over UDP (RFC 5426) or
// a unix socket, or over TCP, its length before it (RFC 6587 section 3.4.1).
type syslogOutput struct {
	network, address string
	conn             net.Conn
	release          func() bool // of the conn from the end of ctx
	frames           []byte
}

func newSyslogOutput(address string) *syslogOutput {
	o := &syslogOutput{}
	o.network, o.address = config.SplitSyslogAddress(address)
	if o.network == "unix" {
		o.network = "unixgram"
	}
	return o
}

func (o *syslogOutput) write(ctx context.Context, lines []byte) (done, lost int, err error) {
	if o.conn == nil {
		if err := o.dial(ctx); err != nil {
			return 0, 0, err
		}
	}
	if err := o.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		o.drop()
		return 0, 0, err
	}
	if o.network == "tcp" {
		return o.stream(lines)
	}
	return o.datagrams(lines)
}

func (o *syslogOutput) dial(ctx context.Context) error {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, o.network, o.address)
	if err != nil {
		return err
	}
	o.conn, o.release = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
	if o.network == "tcp" {
		// A receiver has nothing to say. That it has closed is seen here at once;
		// by writing alone, only after lines were lost.
		go func() {
			var b [64]byte
			for {
				if _, err := conn.Read(b[:]); err != nil {
					_ = conn.Close()
					return
				}
			}
		}()
	}
	return nil
}

func (o *syslogOutput) drop() {
	if o.conn != nil {
		o.release()
		_ = o.conn.Close() // whatever it says, lines go over another one
		o.conn = nil
	}
}

// stream sends lines in one write. If that ends early, the message that was cut
// off is sent again over the next connection.
func (o *syslogOutput) stream(lines []byte) (done, lost int, err error) {
	o.frames = o.frames[:0]
	for l := range bytes.Lines(lines) {
		o.frames = strconv.AppendInt(o.frames, int64(len(l)-1), 10)
		o.frames = append(append(o.frames, ' '), l[:len(l)-1]...)
	}
	n, err := o.conn.Write(o.frames)
	if err == nil {
		return len(lines), 0, nil
	}
	o.drop()
	for l := range bytes.Lines(lines) {
		if n -= len(strconv.Itoa(len(l)-1)) + len(l); n < 0 {
			break
		}
		done += len(l)
	}
	return done, 0, err
}

// datagrams sends lines one by one. A line that is refused is lost: it is too
// long, or the one before it has met no receiver.
func (o *syslogOutput) datagrams(lines []byte) (done, lost int, err error) {
	for l := range bytes.Lines(lines) {
		_, err := o.conn.Write(l[:len(l)-1])
		switch {
		case err == nil:
			done += len(l)
			continue
		case errors.Is(err, syscall.EMSGSIZE), o.network == "udp" && errors.Is(err, syscall.ECONNREFUSED):
			return done, len(l), err
		}
		o.drop()
		return done, 0, err
	}
	return done, 0, nil
}

func (o *syslogOutput) close() error {
	o.drop()
	return nil
}

// abort has nothing to do: the end of the context closes the connection.
func (o *syslogOutput) abort() {}

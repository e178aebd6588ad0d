package telemetry

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/nsqio/go-nsq"

	"github.com/sluiceproxy/sluice/config"
)

// nsqOutput publishes each line as a message, a batch in one MPUB, to the first
// of some nsqds that takes it, and stays with that one until it fails. What nsqd
// has not confirmed is published again, so a message may come twice but none is
// lost while there is room in the buffer.
//
// It speaks go-nsq's protocol over a connection of its own and not through
// nsq.Producer: that one's goroutines panic on an answer that nobody asked for,
// allocate whatever length a peer that is no nsqd seems to announce, cannot be
// interrupted, and log by themselves.
type nsqOutput struct {
	addresses []string
	topic     string
	at        int // the address in use, or to be tried next
	conn      net.Conn
	answers   *bufio.Reader
	release   func() bool // of the conn from the end of ctx
	body      []byte
	timeout   time.Duration
}

func newNSQOutput(s *config.AccessSink) *nsqOutput {
	return &nsqOutput{addresses: s.Addresses, topic: s.Topic, timeout: writeTimeout}
}

func (o *nsqOutput) write(ctx context.Context, lines []byte) (done, lost int, err error) {
	var failed error
	tries := len(o.addresses)
	if o.conn != nil {
		tries++ // a connection that has grown old says nothing of its nsqd
	}
	for range tries {
		reused := o.conn != nil
		err := o.publish(ctx, lines)
		if err == nil && failed != nil {
			failed = &overcome{fmt.Errorf("%w; lines go to %s now", failed, o.addresses[o.at])}
		}
		if err == nil {
			return len(lines), 0, failed
		}
		o.drop()
		if refused := (*refusal)(nil); errors.As(err, &refused) && refused.forGood() {
			return 0, len(lines), err
		}
		if !reused || errors.Is(err, os.ErrDeadlineExceeded) {
			failed = fmt.Errorf("nsqd %s: %w", o.addresses[o.at], err)
			o.at = (o.at + 1) % len(o.addresses)
		}
	}
	return 0, 0, failed
}

// publish sends lines and waits until nsqd has confirmed them.
func (o *nsqOutput) publish(ctx context.Context, lines []byte) error {
	if o.conn == nil {
		if err := o.connect(ctx); err != nil {
			return err
		}
	}
	o.body = binary.BigEndian.AppendUint32(o.body[:0], uint32(count(lines)))
	for l := range bytes.Lines(lines) {
		o.body = binary.BigEndian.AppendUint32(o.body, uint32(len(l)-1))
		o.body = append(o.body, l[:len(l)-1]...)
	}
	return o.ask(&nsq.Command{Name: []byte("MPUB"), Params: [][]byte{[]byte(o.topic)}, Body: o.body})
}

func (o *nsqOutput) connect(ctx context.Context) error {
	d := net.Dialer{Timeout: dialTimeout}
	conn, err := d.DialContext(ctx, "tcp", o.addresses[o.at])
	if err != nil {
		return err
	}
	o.conn, o.release = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
	o.answers = bufio.NewReader(conn)
	if _, err := conn.Write(nsq.MagicV2); err != nil {
		return err
	}
	host, _ := os.Hostname() // it is only shown; nsqd takes an empty one
	identify, err := nsq.Identify(map[string]any{
		"client_id": "sluice", "hostname": host, "user_agent": "sluice go-nsq/" + nsq.VERSION,
		"heartbeat_interval": -1, // a dead nsqd is found by the next batch
	})
	if err != nil {
		return err
	}
	return o.ask(identify)
}

// ask sends a command and waits for its answer.
func (o *nsqOutput) ask(c *nsq.Command) error {
	if err := o.conn.SetDeadline(time.Now().Add(o.timeout)); err != nil {
		return err
	}
	if _, err := c.WriteTo(o.conn); err != nil {
		return err
	}
	for {
		kind, data, err := o.frame()
		switch {
		case err != nil:
			return err
		case kind == nsq.FrameTypeError:
			return &refusal{string(data)}
		case string(data) != "_heartbeat_":
			return nil
		}
		if _, err := nsq.Nop().WriteTo(o.conn); err != nil {
			return err
		}
	}
}

// maxAnswer is more than nsqd answers to what we ask; a longer frame comes from
// something else.
const maxAnswer = 4 << 10

func (o *nsqOutput) frame() (kind int32, data []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(o.answers, head[:]); err != nil {
		return 0, nil, fmt.Errorf("no answer: %w", err)
	}
	size := binary.BigEndian.Uint32(head[:4])
	if size < 4 || size > maxAnswer {
		return 0, nil, fmt.Errorf("it does not answer as nsqd does: %q", head[:])
	}
	data = make([]byte, size-4)
	_, err = io.ReadFull(o.answers, data)
	return int32(binary.BigEndian.Uint32(head[4:])), data, err
}

// refusal is an error that nsqd answered.
type refusal struct{ text string }

func (r *refusal) Error() string { return "refused: " + r.text }

// forGood tells that no nsqd will ever take the same lines.
func (r *refusal) forGood() bool {
	return strings.HasPrefix(r.text, "E_BAD_") || strings.HasPrefix(r.text, "E_INVALID")
}

func (o *nsqOutput) drop() {
	if o.conn != nil {
		o.release()
		_ = o.conn.Close() // whatever it says, lines go over another one
		o.conn = nil
	}
}

func (o *nsqOutput) close() error {
	o.drop()
	return nil
}

// abort has nothing to do: the end of the context closes the connection.
func (o *nsqOutput) abort() {}

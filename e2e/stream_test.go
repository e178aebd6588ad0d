package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestEventsArriveOneByOne has the origin send each event only after the client
// has seen the one before.
func TestEventsArriveOneByOne(t *testing.T) {
	t.Parallel()
	seen := make(chan int)
	target := origin(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 20 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-seen:
			case <-r.Context().Done():
				return
			}
		}
	})
	p := serve(t, proxyTo(target))
	resp, err := client(t).Get("http://" + p.addr + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type %q", got)
	}
	br := bufio.NewReader(resp.Body)
	for i := range 20 {
		line, err := br.ReadString('\n')
		if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil {
			t.Fatalf("event %d is %q, %v", i, line, err)
		}
		_, _ = br.ReadString('\n')
		to(t, seen, i)
	}
	if _, err := br.ReadByte(); err != io.EOF {
		t.Errorf("%v instead of the end", err)
	}
}

// TestUploadsArrivePartByPart has the client send each part of its body only
// after the origin has confirmed the one before.
func TestUploadsArrivePartByPart(t *testing.T) {
	t.Parallel()
	seen := make(chan string)
	target := origin(t, func(w http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				seen <- string(buf[:n])
			}
			if err != nil {
				_, _ = fmt.Fprint(w, err)
				return
			}
		}
	})
	p := serve(t, proxyTo(target))
	for _, framing := range []string{"chunked", "length"} {
		const parts = 10
		r, w := io.Pipe()
		req, _ := http.NewRequest("POST", "http://"+p.addr+"/", r)
		if framing == "length" {
			req.ContentLength = parts * int64(len("part 0;"))
		}
		go func() {
			for i := range parts {
				part := fmt.Sprintf("part %d;", i)
				_, _ = io.WriteString(w, part)
				if got := <-seen; got != part {
					t.Errorf("%s: the origin got %q, want %q", framing, got, part)
				}
			}
			_ = w.Close()
		}()
		do(t, client(t), req).wants(t, 200, "EOF")
	}
}

// TestBothWaysAtOnce has an origin answer each part of a body before the client
// sends the next.
func TestBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	target := origin(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.(http.Flusher).Flush()
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			_, _ = w.Write(buf[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		part := fmt.Sprintf("part %d;", i)
		c.send(fmt.Sprintf("%x\r\n%s\r\n", len(part), part))
		got := make([]byte, len(part))
		if _, err := io.ReadFull(resp.Body, got); err != nil || string(got) != part {
			t.Fatalf("part %d came back as %q, %v", i, got, err)
		}
	}
	c.send("0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Errorf("%q and %v instead of the end", rest, err)
	}
}

// TestSlowReaderHoldsUpTheOrigin tells that a body which its reader does not take
// is not gathered in memory: the origin cannot send it either.
func TestSlowReaderHoldsUpTheOrigin(t *testing.T) {
	t.Parallel()
	sent := make(chan int64, 1)
	target := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
		if readRequest(br) == nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
		stuck := 0
		total, block := int64(0), make([]byte, 64<<10)
		for stuck < 3 {
			_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			n, err := c.Write(block)
			if total += int64(n); err == nil || n > 0 {
				stuck = 0
			} else {
				stuck++
			}
			if total > 1<<30 {
				break
			}
		}
		sent <- total
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case n := <-sent:
		// What the system itself keeps for the two connections is some MiB each.
		if n > 64<<20 {
			t.Errorf("the origin could send %d MiB that nobody read", n>>20)
		}
	case <-time.After(patience):
		t.Error("the origin was never held up")
	}
}

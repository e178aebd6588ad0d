package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// holder holds WebSockets, as a process of its own: descriptors are limited for
// each process. Its argument is the proxy's address. It says "ready", and answers
// "open N" with how many are open, and "ping" with how many still answer.
type holder struct {
	address string
	mu      sync.Mutex
	held    []net.Conn
}

func runHolder(args []string) error {
	h := &holder{address: args[0]}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		order, number, _ := strings.Cut(lines.Text(), " ")
		switch n, _ := strconv.Atoi(number); order {
		case "open":
			h.open(n)
			fmt.Println(len(h.held))
		case "ping":
			fmt.Println(h.ping())
		}
	}
	return nil
}

// parallel runs f for 0 to n-1, some at a time.
func parallel(n int, f func(i int)) {
	var all sync.WaitGroup
	gate := make(chan struct{}, 100)
	for i := range n {
		gate <- struct{}{}
		all.Go(func() {
			f(i)
			<-gate
		})
	}
	all.Wait()
}

func (h *holder) open(n int) {
	parallel(n, func(int) {
		if c, err := handshake(h.address); err == nil {
			h.mu.Lock()
			h.held = append(h.held, c)
			h.mu.Unlock()
		}
	})
}

// handshake opens a WebSocket.
func handshake(address string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	_, err = fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: faults.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	buf := make([]byte, 1024)
	n := 0
	for err == nil && !strings.Contains(string(buf[:n]), "\r\n\r\n") {
		var got int
		got, err = c.Read(buf[n:])
		n += got
	}
	if err == nil && !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 101") {
		err = fmt.Errorf("not switched: %s", buf[:n])
	}
	if err != nil {
		_ = c.Close()
	}
	return c, err
}

// ping counts the WebSockets that send back what they are sent.
func (h *holder) ping() int64 {
	var alive atomic.Int64
	parallel(len(h.held), func(i int) {
		c, sent := h.held[i], fmt.Sprintf("ping %d", i)
		_ = c.SetDeadline(time.Now().Add(patience))
		buf := make([]byte, len(sent))
		if _, err := c.Write([]byte(sent)); err != nil {
			return
		}
		for n := 0; n < len(buf); {
			got, err := c.Read(buf[n:])
			if err != nil {
				return
			}
			n += got
		}
		if string(buf) == sent {
			alive.Add(1)
		}
	})
	return alive.Load()
}

package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// origin starts an application on net/http and returns its address.
func origin(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.Listener.Addr().String()
}

// named starts an origin that answers every request with its name.
func named(t testing.TB, name string) string {
	return origin(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

// rawOrigin starts an origin that does with each connection what talk does; the
// connection is closed when talk returns.
func rawOrigin(t testing.TB, talk func(c net.Conn, br *bufio.Reader)) string {
	t.Helper()
	l := listen(t, "tcp", "127.0.0.1:0")
	rawServe(t, l, talk)
	return l.Addr().String()
}

// rawServe is rawOrigin on a given socket.
func rawServe(t testing.TB, l net.Listener, talk func(c net.Conn, br *bufio.Reader)) {
	var open sync.Map
	var talking sync.WaitGroup
	talking.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Store(c, true)
			talking.Go(func() {
				defer open.Delete(c)
				defer c.Close()
				talk(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		open.Range(func(c, _ any) bool {
			_ = c.(net.Conn).Close()
			return true
		})
		talking.Wait()
	})
}

// answering talks like an origin that answers each request with the same bytes
// and then, if told so, closes without having said that it will.
func answering(answer string, closes bool) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, br *bufio.Reader) {
		for readRequest(br) != nil {
			if _, err := io.WriteString(c, answer); err != nil || closes {
				return
			}
		}
	}
}

// readRequest reads a request and its body; nil where there is none.
func readRequest(br *bufio.Reader) *http.Request {
	r, err := http.ReadRequest(br)
	if err != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil
	}
	return r
}

// awaitEnd reads until the peer is gone.
func awaitEnd(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// webSocketOrigin echoes messages; the text "close" has it close the WebSocket,
// and the path /deny has it refuse.
func webSocketOrigin(ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/deny" {
			w.Header().Set("X-Why", "no ticket")
			http.Error(w, "not without a ticket", http.StatusForbidden)
			return
		}
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{"echo"}, InsecureSkipVerify: true})
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(-1)
		_ = c.Write(r.Context(), websocket.MessageText, []byte("welcome"))
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				ended <- err
				return
			}
			if string(data) == "close" {
				_ = c.Close(4007, "as you wish")
				return
			}
			if err := c.Write(r.Context(), kind, data); err != nil {
				ended <- err
				return
			}
		}
	}
}

func dialWebSocket(t *testing.T, addr string) (*websocket.Conn, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	c, resp, err := websocket.Dial(ctx, "ws://"+addr+"/", &websocket.DialOptions{Subprotocols: []string{"echo"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Header.Get("Sec-WebSocket-Protocol"); got != "echo" {
		t.Errorf("Sec-WebSocket-Protocol %q", got)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	c.SetReadLimit(-1)
	wantMessage(t, ctx, c, websocket.MessageText, []byte("welcome"))
	return c, ctx
}

func wantMessage(t *testing.T, ctx context.Context, c *websocket.Conn, kind websocket.MessageType, data []byte) {
	t.Helper()
	k, got, err := c.Read(ctx)
	if err != nil || k != kind || !bytes.Equal(got, data) {
		t.Fatalf("message %v of %d bytes %.20q, %v; want %v of %d", k, len(got), got, err, kind, len(data))
	}
}

func TestWebSocket(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	target := origin(t, webSocketOrigin(ended))
	p := serve(t, proxyTo(target))
	t.Run("messages", func(t *testing.T) {
		c, ctx := dialWebSocket(t, p.addr)
		for _, size := range []int{0, 1, 125, 126, 70_000, 4 << 20} {
			for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
				data := bytes.Repeat([]byte("x"), size)
				sent := make(chan error, 1)
				go func() { sent <- c.Write(ctx, kind, data) }()
				wantMessage(t, ctx, c, kind, data)
				if err := from(t, sent); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.Close(4001, "bye"); err != nil {
			t.Errorf("closing: %v", err)
		}
		var told websocket.CloseError
		if err := from(t, ended); !errors.As(err, &told) || told.Code != 4001 || told.Reason != "bye" {
			t.Errorf("the origin saw %v, want 4001 bye", err)
		}
	})
	t.Run("closed by the origin", func(t *testing.T) {
		c, ctx := dialWebSocket(t, p.addr)
		_ = c.Write(ctx, websocket.MessageText, []byte("close"))
		var told websocket.CloseError
		if _, _, err := c.Read(ctx); !errors.As(err, &told) || told.Code != 4007 || told.Reason != "as you wish" {
			t.Errorf("the client saw %v, want 4007", err)
		}
	})
	t.Run("client gone", func(t *testing.T) {
		c, _ := dialWebSocket(t, p.addr)
		_ = c.CloseNow()
		if err := from(t, ended); err == nil {
			t.Error("the origin was not told")
		}
	})
	t.Run("refused", func(t *testing.T) {
		_, resp, err := websocket.Dial(context.Background(), "ws://"+p.addr+"/deny", nil)
		if err == nil || resp == nil || resp.StatusCode != 403 || resp.Header.Get("X-Why") != "no ticket" {
			t.Fatalf("%v, %v; want 403", resp, err)
		}
		if body, _ := io.ReadAll(resp.Body); !strings.Contains(string(body), "not without a ticket") {
			t.Errorf("body %q", body)
		}
	})
}

// TestWebSocketEarlyBytes has both ends send data in the same write as their
// part of the handshake.
func TestWebSocketEarlyBytes(t *testing.T) {
	t.Parallel()
	const accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	target := rawOrigin(t, func(c net.Conn, br *bufio.Reader) {
		if _, err := http.ReadRequest(br); err != nil {
			return
		}
		_, _ = io.WriteString(c, accept+"early from origin;")
		line, _ := br.ReadString(';')
		_, _ = fmt.Fprintf(c, "got %s", line)
		rest, err := io.ReadAll(br)
		_, _ = fmt.Fprintf(c, "then %s %v;", rest, err)
	})
	p := serve(t, proxyTo(target))
	c := dial(t, p.addr)
	c.send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly from client;")
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v, %v", resp, err)
	}
	const early = "early from origin;got early from client;"
	got := make([]byte, len(early))
	if _, err := io.ReadFull(c.br, got); string(got) != early {
		t.Fatalf("%q, %v; want %q", got, err, early)
	}
	c.send("late")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(c.br); string(rest) != "then late <nil>;" || err != nil {
		t.Errorf("%q, %v after the half-close", rest, err)
	}
}

package handover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/handover"
)

// part says which part this program plays, where it is a new process of a test.
const part = "HANDOVER_TEST_PART"

func TestMain(m *testing.M) {
	if name := os.Getenv(part); name != "" {
		h, err := handover.Claim()
		if err == nil {
			err = parts[name](h)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// parts are what new processes do.
var parts = map[string]func(h *handover.Inheritance) error{
	// serves one connection on each socket, with the state, until it ends.
	"serve": func(h *handover.Inheritance) error {
		state, err := h.State()
		if err != nil {
			return err
		}
		first, err := h.Listener("one")
		if err != nil || first == nil {
			return fmt.Errorf("socket one: %v, %w", first, err)
		}
		// What was closed can be had again, as by a second try of a config.
		_ = first.Close()
		if first, err = h.Listener("one"); err != nil || first == nil {
			return fmt.Errorf("socket one, again: %v, %w", first, err)
		}
		if l, err := h.Listener("one"); l != nil || err != nil {
			return fmt.Errorf("socket one, twice at once: %v, %w", l, err)
		}
		if l, err := h.Listener("none"); l != nil || err != nil {
			return fmt.Errorf("a socket there is not: %v, %w", l, err)
		}
		second, err := h.Listener("two")
		if err != nil || second == nil {
			return fmt.Errorf("socket two: %v, %w", second, err)
		}
		if os.Getenv("SLUICE_HANDOVER") != "" {
			return errors.New("its own children would take themselves for successors")
		}
		if err := h.Serve(handover.Ready{Version: "v2"}); err != nil {
			return err
		}
		for _, l := range []net.Listener{first, second} {
			c, err := l.Accept()
			if err != nil {
				return err
			}
			_, _ = c.Write(state)
			_ = c.Close()
			_ = l.Close()
		}
		return nil
	},
	"fail": func(*handover.Inheritance) error { return errors.New("I will not") },
	"hang": func(*handover.Inheritance) error { time.Sleep(time.Hour); return nil },
	// is ready too late, and says so.
	"late": func(h *handover.Inheritance) error {
		if _, err := h.State(); err == nil {
			return errors.New("there was an answer")
		}
		if err := h.Serve(handover.Ready{}); err == nil {
			return errors.New("it may stay")
		}
		return nil
	},
}

// begin starts a new process with a TCP socket and three unix ones.
func begin(t *testing.T, name string) (s *handover.Successor, sockets map[string]net.Listener, dir string) {
	t.Helper()
	t.Setenv(part, name)
	program, err := handover.Program()
	if err != nil {
		t.Fatal(err)
	}
	dir, err = os.MkdirTemp("", "h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sockets = map[string]net.Listener{}
	var passed []handover.Socket
	for _, s := range []string{"one", "two", "unwanted"} {
		network, address := "unix", filepath.Join(dir, s)
		if s == "one" {
			network, address = "tcp", "127.0.0.1:0"
		}
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		sockets[s] = l
		passed = append(passed, handover.Socket{Name: s, Listener: l})
	}
	s, err = handover.Start(program, passed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		s.Terminate(ctx)
	})
	return s, sockets, dir
}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestHandover has a connection wait in the queue while the place changes hands.
func TestHandover(t *testing.T) {
	s, sockets, dir := begin(t, "serve")
	early, err := net.Dial("tcp", sockets["one"].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer early.Close()
	// More than a pipe or a socket holds.
	state := `"` + strings.Repeat("state", 200_000) + `"`
	ready, err := s.Await(patience(t), func() ([]byte, error) { return []byte(state), nil })
	if err != nil || ready.Version != "v2" {
		t.Fatalf("%+v, %v", ready, err)
	}
	for _, l := range sockets {
		handover.KeepPath(l)
		_ = l.Close()
	}
	if got, err := io.ReadAll(early); err != nil || string(got) != state {
		t.Errorf("the connection that waited got %d bytes, %v", len(got), err)
	}
	late, err := net.Dial("unix", filepath.Join(dir, "two"))
	if err != nil {
		t.Fatal(err)
	}
	defer late.Close()
	if got, err := io.ReadAll(late); err != nil || string(got) != state {
		t.Errorf("a connection by path got %d bytes, %v", len(got), err)
	}
	s.Terminate(patience(t))
	for _, path := range []string{"two", "unwanted"} {
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			t.Errorf("the socket %s is left behind", path)
		}
	}
}

func TestNoHandover(t *testing.T) {
	state := func() ([]byte, error) { return []byte("{}"), nil }
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		part string
		ctx  context.Context
		why  string
	}{
		{"fail", patience(t), "the new process ended: exit status 1"},
		{"hang", over, "context canceled"},
	} {
		s, sockets, dir := begin(t, c.part)
		if _, err := s.Await(c.ctx, state); err == nil || err.Error() != c.why {
			t.Errorf("%s: %v, want %s", c.part, err, c.why)
		}
		s.Terminate(over)
		works(t, sockets, dir)
	}
}

// TestTooLate gives a new process up before it is ready: it is told so.
func TestTooLate(t *testing.T) {
	s, sockets, dir := begin(t, "late")
	over, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Await(over, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	select {
	case <-s.Exited():
		if err := s.Err(); err != nil {
			t.Errorf("the new process: %v", err)
		}
	case <-patience(t).Done():
		t.Error("the new process goes on")
	}
	works(t, sockets, dir)
}

// works fails the test unless the sockets are as they were.
func works(t *testing.T, sockets map[string]net.Listener, dir string) {
	t.Helper()
	for name, l := range sockets {
		c, err := net.Dial(l.Addr().Network(), l.Addr().String())
		if err != nil {
			t.Errorf("socket %s in %s: %v", name, dir, err)
			continue
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Close(), accepted.Close()
	}
}

func TestNothingInherited(t *testing.T) {
	h, err := handover.Claim()
	if h != nil || err != nil {
		t.Fatalf("%v, %v", h, err)
	}
	if l, err := h.Listener("one"); l != nil || err != nil {
		t.Errorf("%v, %v", l, err)
	}
	if state, err := h.State(); state != nil || err != nil {
		t.Errorf("%v, %v", state, err)
	}
	if err := h.Serve(handover.Ready{}); err != nil {
		t.Error(err)
	}
}

func TestClaimRefusesNonsense(t *testing.T) {
	for _, value := range []string{"", "no JSON", `{"a": 1}`} {
		t.Setenv("SLUICE_HANDOVER", value)
		if _, err := handover.Claim(); err == nil {
			t.Errorf("%q is taken for an inheritance", value)
		}
	}
}

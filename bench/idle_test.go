package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestIdleTable(t *testing.T) {
	if got := (idleResults{}).table(time.Second); got != "" {
		t.Errorf("nothing measured: %s", got)
	}
	r := idleResults{
		"nginx":  {{0, 10 << 20, 10 << 20}, {1000, 11 << 20, 12 << 20}, {2000, 14 << 20, 14 << 20}},
		"sluice": {{0, 20 << 20, 20 << 20}},
	}
	want := []string{
		"| sluice | 0 | 20.0 | - | 20.0 |", "| nginx | 0 | 10.0 | - | 10.0 |", "| nginx | 1000 | 11.0 | 1.02 | 12.0 |", "| nginx | 2000 | 14.0 | 2.05 | 14.0 |",
	}
	if got := strings.Split(r.table(time.Second), "\n")[2:6]; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	files, err := writePlots(t.TempDir(), charts(nil, r))
	if err != nil || !slices.Equal(files, []string{"memory.svg"}) {
		t.Errorf("got %v, %v", files, err)
	}
}

func TestAskOnceKeepsTheConnection(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/bench" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	c, err := askOnce(strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := stillOpen([]net.Conn{c}); err != nil {
		t.Error(err)
	}
	s.CloseClientConnections()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _ = c.Read(make([]byte, 1)) // returns when the other side's end has come
	if stillOpen([]net.Conn{c}) == nil {
		t.Error("a closed connection counts as open")
	}
	s.Close()
	if c, err := askOnce(strings.TrimPrefix(s.URL, "http://")); err == nil {
		t.Errorf("got %v", c)
	}
}

func TestAskOnceRefusesWhatIsNotKept(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") }))
	defer s.Close()
	if c, err := askOnce(strings.TrimPrefix(s.URL, "http://")); err == nil {
		t.Errorf("got %v", c)
	}
}

func TestParseCounts(t *testing.T) {
	if got, err := parseCounts("0,10,200"); err != nil || !slices.Equal(got, []int{0, 10, 200}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", "a", "1,", "-1", "5,5", "9,8"} {
		if got, err := parseCounts(bad); err == nil {
			t.Errorf("%q: got %v", bad, got)
		}
	}
}

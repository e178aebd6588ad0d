package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// goodOrigin serves as an application should. Each answer depends on the tag of
// its request:
//
//	/good/bytes?n=N    N bytes of the tag's pattern; chunked=1 sends them without a length
//	/good/echo         the request's body, as it comes in
//	/good/slow?ms=N    as bytes, after N milliseconds
//	/good/events?n=N   N events, 20 ms apart
//	/good/upgrade      101, and then what is sent comes back
type goodOrigin struct {
	net.Listener
	server http.Server
}

func startGood(t *tally) (*goodOrigin, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &goodOrigin{Listener: l}
	mux := http.NewServeMux()
	mux.HandleFunc("/good/bytes", answerBytes)
	mux.HandleFunc("/good/slow", answerSlow)
	mux.HandleFunc("/good/echo", answerEcho)
	mux.HandleFunc("/good/events", answerEvents)
	mux.HandleFunc("/good/upgrade", answerUpgrade)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// Nobody asks for anything else but by smuggling.
		t.fail("smuggled", fmt.Errorf("the origin was sent %s %s", r.Method, r.RequestURI))
		http.NotFound(w, r)
	})
	g.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(tagField, r.Header.Get(tagField))
		mux.ServeHTTP(w, r)
	})
	go func() { _ = g.server.Serve(l) }()
	return g, nil
}

func (g *goodOrigin) address() string { return g.Addr().String() }
func (g *goodOrigin) close()          { _ = g.server.Close() }

// number returns a query parameter of the request; 0 if there is none.
func number(r *http.Request, name string) int {
	n, _ := strconv.Atoi(r.URL.Query().Get(name))
	return n
}

func answerBytes(w http.ResponseWriter, r *http.Request) {
	n := number(r, "n")
	if number(r, "chunked") == 0 {
		w.Header().Set("Content-Length", strconv.Itoa(n))
	}
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, pattern(r.Header.Get(tagField), n))
	}
}

func answerSlow(w http.ResponseWriter, r *http.Request) {
	select {
	case <-time.After(time.Duration(number(r, "ms")) * time.Millisecond):
		answerBytes(w, r)
	case <-r.Context().Done():
	}
}

func answerEcho(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength >= 0 {
		w.Header().Set("Content-Length", strconv.FormatInt(r.ContentLength, 10))
	}
	// Where the body comes and goes at once, a client that reads late must not
	// stop the sending, nor the other way round.
	_ = http.NewResponseController(w).EnableFullDuplex()
	if _, err := io.Copy(w, r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func answerEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	for i := range number(r, "n") {
		if _, err := fmt.Fprintf(w, "data: %s %d\n\n", r.Header.Get(tagField), i); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-r.Context().Done():
			return
		}
	}
}

func answerUpgrade(w http.ResponseWriter, r *http.Request) {
	c, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(errors.Join(errors.New("cannot take the connection"), err))
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	_, _ = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n%s: %s\r\n\r\n",
		tagField, r.Header.Get(tagField))
	_, _ = io.Copy(c, rw)
}

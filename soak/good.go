package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client sends good requests and checks the answers.
type client struct {
	base string // of URLs
	http *http.Client
}

// task is one kind of good request.
type task struct {
	name   string
	weight int
	prompt bool // answered at once, so that its time tells something
	do     func(c *client, tag string) error
}

const goodPrefix = "good: "

// isGood reports whether the kind is one of good requests.
func isGood(kind string) bool { return strings.HasPrefix(kind, goodPrefix) }

var tasks = []task{
	{"get", 40, true, func(c *client, tag string) error { return c.get("/good/bytes?n=100", tag, 100) }},
	{"get 40 KiB chunked", 8, true, func(c *client, tag string) error { return c.get("/good/bytes?n=40960&chunked=1", tag, 40<<10) }},
	{"get 512 KiB", 1, true, func(c *client, tag string) error { return c.get("/good/bytes?n=524288", tag, 512<<10) }},
	{"get, slow origin", 4, false, func(c *client, tag string) error {
		return c.get(fmt.Sprintf("/good/slow?ms=%d&n=10", 50+rand.IntN(400)), tag, 10)
	}},
	{"head", 3, true, func(c *client, tag string) error { return c.send(http.MethodHead, "/good/bytes?n=100", tag, nil, 100) }},
	{"post", 12, true, func(c *client, tag string) error { return c.echo(tag, 1+rand.IntN(2000), false) }},
	{"post 200 KiB", 2, true, func(c *client, tag string) error { return c.echo(tag, 200<<10, false) }},
	{"post chunked", 8, true, func(c *client, tag string) error { return c.echo(tag, 1+rand.IntN(60<<10), true) }},
	{"new connection", 4, true, (*client).once},
	{"events", 2, false, (*client).events},
	{"upgrade", 2, false, (*client).upgrade},
	{"origin that answers twice", 4, false, func(c *client, tag string) error { return c.get("/bad/twice", tag, badBody) }},
	{"origin that hints", 2, false, func(c *client, tag string) error { return c.get("/bad/interim", tag, badBody) }},
	{"origin that closes", 2, false, func(c *client, tag string) error { return c.get("/bad/closing", tag, badBody) }},
	{"origin that fails", 6, false, (*client).failing},
}

// goodWorkers bounds the good requests under way.
const goodWorkers = 64

// runGood sends rate good requests per second until ctx ends, and waits for the
// answers.
func runGood(ctx context.Context, s *site, t *tally, rate int) {
	c := &client{base: "http://" + s.address, http: &http.Client{
		Timeout: 20 * time.Second,
		Transport: &http.Transport{
			MaxIdleConnsPerHost: goodWorkers,
			// Less than the proxy's, so that the two do not cross on the way.
			IdleConnTimeout:    time.Second,
			DisableCompression: true,
		},
	}}
	defer c.http.CloseIdleConnections()
	work := make(chan task)
	var workers sync.WaitGroup
	var tags atomic.Uint64
	for range goodWorkers {
		workers.Go(func() {
			for job := range work {
				tag := fmt.Sprintf("t%d-%08x", tags.Add(1), rand.Uint32())
				begun := time.Now()
				t.done(goodPrefix+job.name, job.do(c, tag))
				if job.prompt {
					t.took(time.Since(begun))
				}
			}
		})
	}
	total := 0
	for _, job := range tasks {
		total += job.weight
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			work <- draw(rand.IntN(total))
		}
	}
	close(work)
	workers.Wait()
}

func draw(n int) task {
	for _, job := range tasks {
		if n -= job.weight; n < 0 {
			return job
		}
	}
	return tasks[0]
}

func (c *client) get(path, tag string, n int) error {
	return c.send(http.MethodGet, path, tag, nil, n)
}

// echo has n bytes sent back; chunked sends them without a length.
func (c *client) echo(tag string, n int, chunked bool) error {
	var body io.Reader = strings.NewReader(pattern(tag, n))
	if chunked {
		body = io.MultiReader(body) // net/http knows no length of it
	}
	return c.send(http.MethodPost, "/good/echo", tag, body, n)
}

// send asks for n bytes of the tag's pattern.
func (c *client) send(method, path, tag string, body io.Reader, n int) error {
	resp, err := c.ask(method, path, tag, body, false)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := checkHead(resp, tag); err != nil {
		return err
	}
	if method == http.MethodHead {
		if resp.ContentLength != int64(n) {
			return fmt.Errorf("HEAD answered with length %d", resp.ContentLength)
		}
		n = 0
	}
	return compare(resp.Body, tag, n)
}

func (c *client) ask(method, path, tag string, body io.Reader, last bool) (*http.Response, error) {
	req, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set(tagField, tag)
	req.Close = last
	return c.http.Do(req)
}

func checkHead(resp *http.Response, tag string) error {
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200))
		return fmt.Errorf("%s answered %s: %q", resp.Request.URL.Path, resp.Status, text)
	}
	if got := resp.Header.Get(tagField); got != tag {
		return fmt.Errorf("%s answered with the tag %q of another than %q", resp.Request.URL.Path, got, tag)
	}
	return nil
}

// once asks on a connection of its own.
func (c *client) once(tag string) error {
	resp, err := c.ask(http.MethodGet, "/good/bytes?n=1000", tag, nil, true)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return errors.Join(checkHead(resp, tag), compare(resp.Body, tag, 1000))
}

func (c *client) events(tag string) error {
	const n = 10
	resp, err := c.ask(http.MethodGet, "/good/events?n="+strconv.Itoa(n), tag, nil, false)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := checkHead(resp, tag); err != nil {
		return err
	}
	text, err := io.ReadAll(resp.Body)
	want := ""
	for i := range n {
		want += fmt.Sprintf("data: %s %d\n\n", tag, i)
	}
	if err == nil && string(text) != want {
		err = fmt.Errorf("events %q", text)
	}
	return err
}

// upgrade talks through a tunnel.
func (c *client) upgrade(tag string) error {
	req, err := http.NewRequest(http.MethodGet, c.base+"/good/upgrade", nil)
	if err != nil {
		return err
	}
	req.Header = http.Header{tagField: {tag}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
	ctx, cancel := context.WithTimeout(context.Background(), c.http.Timeout)
	defer cancel()
	// Not by the client: to keep its timeout it hides that the body can be written to.
	resp, err := c.http.Transport.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	tunnel, ok := resp.Body.(io.ReadWriter)
	if resp.StatusCode != http.StatusSwitchingProtocols || resp.Header.Get(tagField) != tag || !ok {
		return fmt.Errorf("upgrade answered %s, tag %q", resp.Status, resp.Header.Get(tagField))
	}
	br := bufio.NewReader(tunnel)
	for i := range 5 {
		line := fmt.Sprintf("%s %d %s\n", tag, i, strings.Repeat("x", rand.IntN(3000)))
		if _, err := io.WriteString(tunnel, line); err != nil {
			return err
		}
		if got, err := br.ReadString('\n'); err != nil || got != line {
			return fmt.Errorf("the tunnel gave back %.100q, %w", got, err)
		}
	}
	return nil
}

// failing asks an origin that fails: the client must be told, one way or another,
// and never be given something that looks right and is not.
func (c *client) failing(tag string) error {
	m := manners[rand.IntN(len(manners))]
	path := "/bad/" + m.name
	if rand.IntN(len(manners)) == 0 {
		path, m.whole = "/dead/x", false
	}
	resp, err := c.ask(http.MethodGet, path, tag, nil, false)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		if !m.whole && resp.StatusCode >= 502 && resp.StatusCode <= 504 {
			_, err := io.Copy(io.Discard, resp.Body)
			return err
		}
		if err = checkHead(resp, tag); err != nil {
			return err
		}
		err = compare(resp.Body, tag, badBody)
	}
	var cut *cutError
	switch {
	case m.whole && err == nil, !m.whole && errors.As(err, &cut):
		return nil
	case err == nil:
		return fmt.Errorf("the answer of %s looks complete", path)
	}
	return fmt.Errorf("%s: %w", path, err)
}

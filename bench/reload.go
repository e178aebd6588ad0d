package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// pause is the time between two reloads.
const pause = 500 * time.Millisecond

// turnRoute stands in Sluice's config so that each reload finds another one.
const turnRoute = "/turn/000000"

// reloadUntil changes one route in Sluice's config and has it reloaded, again
// and again until there is no load any more.
func (p *proxy) reloadUntil(ctx context.Context, loaded <-chan struct{}) error {
	path := filepath.Join(p.site.Dir, "sluice.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	turn, err := turnIn(text)
	if err != nil {
		return err
	}
	for {
		select {
		case <-loaded:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		p.turns++
		copy(turn, fmt.Sprintf("%06d", p.turns))
		began := time.Now()
		if err := p.reload(ctx, path, text); err != nil {
			return err
		}
		p.reloads = append(p.reloads, time.Since(began))
	}
}

// turnIn returns the digits of turnRoute in a config, whatever turn it is.
func turnIn(text []byte) ([]byte, error) {
	const prefix = "/turn/"
	at := bytes.Index(text, []byte(prefix))
	if at < 0 {
		return nil, fmt.Errorf("no route %s in the config", turnRoute)
	}
	return text[at+len(prefix) : at+len(turnRoute)], nil
}

// reload puts a config in the place of another, as editors do, and waits until
// it is in force.
func (p *proxy) reload(ctx context.Context, path string, text []byte) error {
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.admin+"/reload", http.NoBody)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	return send(request, io.Discard)
}

// profile writes a CPU profile of Sluice over a time to a file.
func (p *proxy) profile(ctx context.Context, over time.Duration, path string) (err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://"+p.admin+"/debug/pprof/profile?seconds="+strconv.Itoa(int(over.Seconds())), http.NoBody)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("cannot write a profile: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return send(request, file)
}

// send sends a request and copies what a 200 has to say to out.
func send(request *http.Request, out io.Writer) error {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10))
		return fmt.Errorf("%s %s: status %d: %s", request.Method, request.URL.Path, response.StatusCode, text)
	}
	_, err = io.Copy(out, response.Body)
	return err
}

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// check asks a proxy once for what the cases will ask for, so that what is
// measured is the same work in all: the whole answer, and a request that reaches
// the origin with its forwarding headers.
func check(ctx context.Context, p *proxy, cases []testCase) error {
	for _, c := range cases {
		if c.idle {
			continue
		}
		body, err := get(ctx, "http://"+p.address+c.path, c.host)
		if err == nil && len(body) != c.bytes {
			err = fmt.Errorf("%d bytes, not %d", len(body), c.bytes)
		}
		if err != nil {
			return fmt.Errorf("case %s: GET %s: %w", c.name, c.path, err)
		}
	}
	return checkForwarding(ctx, p)
}

func checkForwarding(ctx context.Context, p *proxy) error {
	body, err := get(ctx, "http://"+p.address+"/headers", "")
	if err != nil {
		return fmt.Errorf("GET /headers: %w", err)
	}
	var seen struct{ Headers [][2]string }
	if err := json.Unmarshal(body, &seen); err != nil {
		return fmt.Errorf("GET /headers: %w", err)
	}
	got := map[string]string{}
	for _, field := range seen.Headers {
		got[strings.ToLower(field[0])] = field[1]
	}
	want := map[string]string{
		"host": p.address, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": p.address,
	}
	for name, value := range want {
		if got[name] != value {
			return fmt.Errorf("the origin sees %s: %q, not %q", name, got[name], value)
		}
	}
	return nil
}

// get returns the body of a 200; host, where not empty, is asked for.
func get(ctx context.Context, url, host string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Host = host
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	return io.ReadAll(response.Body)
}

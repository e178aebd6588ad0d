package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// site is the addresses, the origins and the config of one soak.
type site struct {
	file          string // config.json
	address       string // Sluice's listener
	admin         string
	spare         string // a listener that comes and goes
	good          [2]*goodOrigin
	bad           *badOrigin
	configChanges int
}

func newSite(dir string, t *tally) (*site, error) {
	s := &site{file: filepath.Join(dir, "config.json")}
	for _, address := range []*string{&s.address, &s.admin, &s.spare} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		// Closed only when all are found, so that no two are the same.
		defer func() { _ = l.Close() }()
		*address = l.Addr().String()
	}
	var err error
	for i := range s.good {
		if s.good[i], err = startGood(t); err != nil {
			return nil, err
		}
	}
	if s.bad, err = startBad(); err != nil {
		return nil, err
	}
	return s, s.write(configVariants[0])
}

func (s *site) close() {
	for _, g := range s.good {
		g.close()
	}
	s.bad.close()
}

// siteConfig has short timeouts, so that hostile clients are met by all of them.
const siteConfig = `{
	// edit EDIT
	"listeners": [ { "address": "ADDRESS" } LISTENER ],
	"admin": { "address": "ADMIN" },
	"log": { "level": "error" },
	"limits": { "header_timeout": "2s", "body_timeout": "2s", "idle_timeout": "3s", "write_timeout": "2s",
		"connections": 2000, "body_bytes": "1MiB", "drain_timeout": "5s" },
	"upstreams": {
		"good": { "balance": "BALANCE", "targets": [ { "address": "GOOD0", "weight": WEIGHT }, { "address": "GOOD1" } ],
			"connections": { "max": 512, "idle_timeout": "2s" } },
		"bad": { "targets": [ { "address": "BAD" } ], "connections": { "max": 512, "idle_timeout": "2s" },
			"timeouts": { "connect": "1s", "response_header": "1s", "idle": "2s", "request": "5s" } },
		"dead": { "targets": [ { "address": "127.0.0.1:1" } ], "timeouts": { "connect": "500ms" } }
	},
	"middlewares": { "ids": { "type": "request_id" } },
	"routes": [
		{ "name": "good", "path": "/good/*", "upstream": "good" },
		{ "name": "ids", "path": "/good/echo", "middlewares": ["ids"], "upstream": "good" },
		{ "name": "bad", "path": "/bad/*", "upstream": "bad" },
		{ "name": "dead", "path": "/dead/*", "upstream": "dead" },
		ROUTE
		{ "name": "ping", "path": "/ping", "respond": { "status": 200, "body": "pong\n" } }
	]
}`

// variant is one edit of the config.
type variant struct{ listener, balance, weight, route string }

var configVariants = []variant{
	{"", "weighted", "1", ""},
	{"", "weighted", "5", ""},
	{"", "least_request", "1", ""},
	{`, { "address": "SPARE" }`, "weighted", "1", ""},
	{"", "round_robin", "1", `{ "name": "extra", "path": "/extra/*", "upstream": "good" },`},
	{"", "no such policy", "1", `{ "name": "refused" },`}, // leaves the one before in force
	{"", "ewma", "2", `{ "name": "extra", "path": "/extra/:id", "methods": ["GET"], "upstream": "dead" },`},
}

// write puts a config in place as careful editors do.
func (s *site) write(v variant) error {
	s.configChanges++
	text := strings.NewReplacer("EDIT", fmt.Sprint(s.configChanges), "LISTENER", v.listener, "BALANCE", v.balance,
		"WEIGHT", v.weight, "ROUTE", v.route).Replace(siteConfig)
	text = strings.NewReplacer("ADDRESS", s.address, "ADMIN", s.admin, "SPARE", s.spare, "GOOD0", s.good[0].address(),
		"GOOD1", s.good[1].address(), "BAD", s.bad.address()).Replace(text)
	next := s.file + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.file)
}

// editEvery is the time between two edits of the config.
const editEvery = 4 * time.Second

// runEdits edits the config until ctx ends, and then puts the first one back.
func runEdits(ctx context.Context, s *site, t *tally) {
	tick := time.NewTicker(editEvery)
	defer tick.Stop()
	for i := 1; ; i++ {
		v := configVariants[i%len(configVariants)]
		select {
		case <-ctx.Done():
			v = configVariants[0]
		case <-tick.C:
		}
		t.done("config edits", s.write(v))
		if ctx.Err() != nil {
			return
		}
	}
}

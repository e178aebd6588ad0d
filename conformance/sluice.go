package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/server"
	"github.com/sluiceproxy/sluice/telemetry"
)

// sluice is Sluice in this process, anew for each case.
type sluice struct{}

const sluiceConfig = `{
	"listeners": [ { "address": "127.0.0.1:0" } ],
	"limits": { LIMITS },
	"trusted_proxies": [ TRUSTED ],
	"upstreams": { "origin": { "targets": [ { "address": "ORIGIN" } ], "timeouts": { TIMEOUTS } } },
	"middlewares": { "strip": { "type": "strip_prefix", "prefix": "/v1" } },
	"routes": [ ROUTES { "name": "all", "path": "/*", "upstream": "origin" } ]
}`

const sluiceRoutes = `
	{ "name": "admin", "path": "/admin/*", "respond": { "status": 403 } },
	{ "name": "v1", "path": "/v1/*", "middlewares": ["strip"], "upstream": "origin" },`

func sluiceText(s Setup, origin string) string {
	limits, trusted, timeouts, routes := "", "", "", ""
	switch s {
	case Trusted:
		trusted = `"127.0.0.1/32"`
	case Small:
		limits = `"body_bytes": "1000"`
	case Tight:
		limits = `"header_timeout": "500ms", "body_timeout": "500ms", "write_timeout": "500ms", "idle_timeout": "500ms"`
	case Hurried:
		timeouts = `"response_header": "500ms", "idle": "500ms"`
	case Routed:
		routes = sluiceRoutes
	case Strict:
		limits, routes = `"paths": "strict"`, sluiceRoutes
	case Normalized:
		limits, routes = `"paths": "normalized"`, sluiceRoutes
	}
	return strings.NewReplacer("LIMITS", limits, "TRUSTED", trusted, "ORIGIN", origin,
		"TIMEOUTS", timeouts, "ROUTES", routes).Replace(sluiceConfig)
}

func (sluice) lane(s Setup) (*lane, error) {
	o, err := newOrigin()
	if err != nil {
		return nil, err
	}
	cfg, err := config.Parse([]byte(sluiceText(s, o.Addr().String())), proxy.Catalog())
	if err != nil {
		return nil, err
	}
	var troubles troubles
	p := proxy.New(proxy.Options{Metrics: telemetry.NewMetrics("conformance"), Trouble: troubles.add})
	srv := server.New(server.Options{Handler: p.Handle})
	candidate, err := p.Prepare(cfg)
	if err != nil {
		return nil, err
	}
	change, err := srv.Prepare(context.Background(), cfg.Listeners, cfg.Limits)
	if err != nil {
		return nil, err
	}
	candidate.Commit()
	change.Commit()
	return &lane{
		proxy: srv.Addresses()["127.0.0.1:0"].String(), origin: o, strict: true, within: sluiceWait,
		done: func() error {
			_ = o.Close()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if err := srv.Shutdown(ctx); err != nil {
				troubles.add(fmt.Sprintf("connections stay when both ends are gone: %v", err))
			}
			return troubles.err()
		},
	}, nil
}

func (sluice) stop() {}

// troubles collects what Sluice reports of itself.
type troubles struct {
	mu  sync.Mutex
	all []error
}

func (t *troubles) add(msg string) {
	t.mu.Lock()
	t.all = append(t.all, errors.New(msg))
	t.mu.Unlock()
}

func (t *troubles) err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.all...)
}

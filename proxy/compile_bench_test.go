package proxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
	"github.com/sluiceproxy/sluice/telemetry"
)

// manyRoutes is a config file of 100,000 routes, as the bench has it.
func manyRoutes() []byte {
	var b strings.Builder
	b.WriteString(`{"listeners": [{"address": ":8080"}], "upstreams": {"origin": {"targets": [{"address": "127.0.0.1:9001"}]}}, "routes": [` + "\n")
	for host := range 1000 {
		for path := range 100 {
			fmt.Fprintf(&b, `    { "name": "h%02d.bench.test/p%02d", "hosts": ["h%02d.bench.test"], "path": "/p%02d/*", "upstream": "origin" },`+"\n",
				host, path, host, path)
		}
	}
	b.WriteString("  ],\n}\n")
	return []byte(b.String())
}

// BenchmarkReload is what a reload of many routes works out: the steps of it, and
// all of it in turn.
func BenchmarkReload(b *testing.B) {
	src := manyRoutes()
	parse := func(b *testing.B) *config.Config {
		cfg, err := config.Parse(src, proxy.Catalog())
		if err != nil {
			b.Fatal(err)
		}
		return cfg
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parse(b)
		}
	})
	b.Run("compile", func(b *testing.B) {
		p := proxy.New(proxy.Options{Metrics: telemetry.NewMetrics("v1.2.3")})
		cfg := parse(b)
		b.ReportAllocs()
		for b.Loop() {
			c, err := p.Prepare(cfg)
			if err != nil {
				b.Fatal(err)
			}
			c.Commit()
		}
	})
	b.Run("diff", func(b *testing.B) {
		one, other := parse(b), parse(b)
		b.ReportAllocs()
		for b.Loop() {
			proxy.Diff(one, other)
		}
	})
}

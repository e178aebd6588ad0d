package main

import (
	"context"
	"strings"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// toxic is toxiproxy before a target.
type toxic struct{ *toxiproxy.Proxy }

func startToxic(listen, target string) (*toxic, error) {
	zerolog.SetGlobalLevel(zerolog.Disabled) // toxics log past the logger they are given
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	t := &toxic{toxiproxy.NewProxy(server, target, listen, target)}
	return t, t.Start()
}

// poison adds a toxic, given in toxiproxy's JSON.
func (t *toxic) poison(json string) error {
	_, err := t.Toxics.AddToxicJson(strings.NewReader(json))
	return err
}

func (t *toxic) heal() { t.Toxics.ResetToxics(context.Background()) }

package proxy_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/proxy"
)

const beforeEdit = `{
	"listeners": [ { "address": "127.0.0.1:80" }, { "address": "127.0.0.1:81" } ],
	"upstreams": {
		"api": { "targets": [ { "address": "a:1" }, { "address": "b:1" }, { "address": "c:1" } ] },
		"gone": { "targets": [ { "address": "a:1" } ] },
		"same": { "targets": [ { "address": "a:1" } ] },
		"slow": { "targets": [ { "address": "a:1" } ] } },
	"middlewares": { "v1": { "type": "strip_prefix", "prefix": "/v1" }, "ids": { "type": "request_id" } },
	"routes": [
		{ "name": "api", "path": "/v1/*", "middlewares": ["v1"], "upstream": "api" },
		{ "name": "ids", "path": "/ids", "middlewares": ["ids"], "upstream": "same" },
		{ "name": "old", "path": "/old", "upstream": "gone" } ] }`

// afterEdit has the kept parts in another order.
const afterEdit = `{ // a comment
	"$schema": "./config.schema.json",
	"listeners": [ { "address": "127.0.0.1:82" }, { "address": "127.0.0.1:80" } ],
	"upstreams": {
		"new": { "targets": [ { "address": "a:1" } ] },
		"slow": { "targets": [ { "address": "a:1" } ], "connections": { "max": 10 } },
		"same": { "balance": "weighted", "targets": [ { "address": "a:1", "weight": 1 } ] },
		"api": { "balance": "ewma", "targets": [ { "address": "d:1" }, { "address": "a:1", "weight": 5 }, { "address": "c:1" } ] } },
	"middlewares": { "ids": { "type": "request_id" }, "v1": { "type": "strip_prefix", "prefix": "/v2" } },
	"routes": [
		{ "name": "ids", "path": "/ids", "middlewares": ["ids"], "upstream": "same", "methods": [] },
		{ "name": "slow", "path": "/slow", "upstream": "slow" },
		{ "name": "new", "path": "/new", "upstream": "new" },
		{ "name": "api", "path": "/v2/*", "middlewares": ["v1"], "upstream": "api" } ],
	"limits": { "body_bytes": "1MiB" } }`

const editText = `listeners    + 127.0.0.1:82: opened
             - 127.0.0.1:81: closed; its connections end with the request they are in
             1 kept as they are
upstreams    + new: created
             - gone: retired; its connections end with the request they are in
             ~ api
                 balance: "weighted" -> "ewma"
                 + target d:1
                 - target b:1: its connections end with the request they are in
                 ~ target a:1: weight: 1 -> 5
                 connections of 2 targets kept
             ~ slow
                 connections.max: 1024 -> 10
                 connections of 1 target made anew; those in use end with the request they are in
             1 kept as they are
middlewares  ~ v1
                 prefix: "/v1" -> "/v2"
             1 kept as they are
routes       + new
             + slow
             - old
             ~ api
                 path: "/v1/*" -> "/v2/*"
             1 kept as they are
settings     ~ limits.body_bytes: "0" -> "1MiB"
`

func configOf(t testing.TB, src string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(src), proxy.Catalog())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func textOf(t *testing.T, c *proxy.Changes) string {
	t.Helper()
	var b strings.Builder
	if err := c.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDiff(t *testing.T) {
	before, after := configOf(t, beforeEdit), configOf(t, afterEdit)
	c := proxy.Diff(before, after)
	if got := textOf(t, c); got != editText {
		t.Errorf("got\n%s\nwant\n%s", got, editText)
	}
	const summary = "listeners: +127.0.0.1:82 -127.0.0.1:81, upstreams: +new -gone ~api (+1 -1 ~1 targets) ~slow, " +
		"middlewares: ~1, routes: +2 -1 ~1, settings: limits.body_bytes"
	if got := c.Summary(); got != summary {
		t.Errorf("summary %s\nwant    %s", got, summary)
	}
	if c.Empty() {
		t.Error("it is told to change nothing")
	}
}

func TestDiffJSON(t *testing.T) {
	c := proxy.Diff(configOf(t, beforeEdit), configOf(t, afterEdit))
	got, err := json.Marshal(c.Upstreams)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"added":["new"],"removed":["gone"],"changed":[` +
		`{"name":"api","settings":[{"path":"balance","old":"\"weighted\"","new":"\"ewma\""}],"targets":{"added":["d:1"],"removed":["b:1"],` +
		`"changed":[{"name":"a:1","settings":[{"path":"weight","old":"1","new":"5"}]}],"kept":["c:1"],"connections_kept":true}},` +
		`{"name":"slow","settings":[{"path":"connections.max","old":"1024","new":"10"}],"targets":{"added":[],"removed":[],` +
		`"changed":[],"kept":["a:1"],"connections_kept":false}}],"kept":["same"]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, _ = json.Marshal(proxy.Diff(configOf(t, afterEdit), configOf(t, afterEdit)).Settings); string(got) != "[]" {
		t.Errorf("no settings are told as %s", got)
	}
}

func TestDiffOfTheSame(t *testing.T) {
	// The same, put another way.
	same := strings.ReplaceAll(beforeEdit, `"a:1" }`, `"a:1", "weight": 1, "backup": false }`)
	c := proxy.Diff(configOf(t, beforeEdit), configOf(t, same))
	if !c.Empty() || c.Summary() != "nothing" || textOf(t, c) != "no change    both mean the same\n" {
		t.Errorf("got %s: %s", c.Summary(), textOf(t, c))
	}
}

// TestDiffOfManyIsBounded has every one of very many parts change.
func TestDiffOfManyIsBounded(t *testing.T) {
	version := func(path string) *config.Config {
		var routes []string
		for i := range 1000 {
			routes = append(routes, fmt.Sprintf(`{ "name": "r%d", "path": "/%d/%s", "respond": {} }`, i, i, path))
		}
		return configOf(t, `{ "listeners": [ { "address": ":80" } ], "routes": [`+strings.Join(routes, ",")+`] }`)
	}
	c := proxy.Diff(version("a"), version("b"))
	if text := textOf(t, c); strings.Count(text, "\n") != 101 || !strings.HasSuffix(text, "~ and 950 more\n") {
		t.Errorf("%d lines: %s", strings.Count(text, "\n"), text)
	}
	if got := c.Summary(); got != "routes: ~1000" {
		t.Error(got)
	}
}

// TestDiffTellsWhatReloadsDo holds what is told of connections against what
// compiling does.
func TestDiffTellsWhatReloadsDo(t *testing.T) {
	const text = `{ "listeners": [ { "address": "127.0.0.1:0" } ],
		"upstreams": { "u": { "targets": [ { "address": "127.0.0.1:1" } ] %s } },
		"routes": [ { "name": "all", "path": "/*", "upstream": "u" } ] }`
	for _, setting := range []string{
		`, "balance": "ewma"`, `, "host": "target"`, `, "timeouts": { "idle": "1s" }`, `, "timeouts": { "connect": "9s" }`,
		`, "connections": { "max": 9 }`, `, "connections": { "idle_timeout": "1s" }`,
	} {
		b := serve(t, fmt.Sprintf(text, ""))
		before := b.proxy.Generation()
		b.reload(fmt.Sprintf(text, setting))
		after := b.proxy.Generation()
		c := proxy.Diff(before.Config, after.Config)
		if len(c.Upstreams.Changed) != 1 {
			t.Errorf("%s: %+v", setting, c.Upstreams)
			continue
		}
		kept := before.Pools()["u"].Targets[0] == after.Pools()["u"].Targets[0]
		if told := c.Upstreams.Changed[0].Targets.ConnectionsKept; told != kept {
			t.Errorf("%s: connections kept %t, told %t", setting, kept, told)
		}
	}
}

// TestEveryFieldOfARouteCounts: routes that differ in any one field are not alike.
func TestEveryFieldOfARouteCounts(t *testing.T) {
	full := func() config.Route {
		some := map[string]string{"a": "b"}
		return config.Route{
			Name: "r", Hosts: []string{"h"}, Path: "/", Methods: []string{"GET"}, Headers: some, Query: some, Cookies: some,
			Middlewares: []string{"m"}, Upstream: "u", Respond: &config.Respond{Status: 200},
		}
	}
	typ := reflect.TypeFor[config.Route]()
	for i := range typ.NumField() {
		before, after := &config.Config{Routes: []config.Route{full()}}, &config.Config{Routes: []config.Route{full()}}
		if c := proxy.Diff(before, after); !c.Empty() || len(c.Routes.Kept) != 1 {
			t.Fatalf("alike: %+v", c)
		}
		field := reflect.ValueOf(&after.Routes[0]).Elem().Field(i)
		if field.IsZero() {
			t.Fatalf("%s is not filled in here", typ.Field(i).Name)
		}
		field.SetZero()
		if c := proxy.Diff(before, after); c.Empty() {
			t.Errorf("%s makes no difference", typ.Field(i).Name)
		}
	}
}

// TestRoutesThatMove: the order of routes means nothing.
func TestRoutesThatMove(t *testing.T) {
	routes := func(names ...string) *config.Config {
		c := new(config.Config)
		for _, name := range names {
			c.Routes = append(c.Routes, config.Route{Name: name, Path: "/" + strings.ToLower(name)})
		}
		return c
	}
	c := proxy.Diff(routes("a", "b", "c", "d", "e"), routes("x", "e", "c", "D", "a", "b"))
	got := fmt.Sprint(c.Routes.Added, c.Routes.Removed, c.Routes.Kept, len(c.Routes.Changed))
	if want := "[D x] [d] [a b c e] 0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

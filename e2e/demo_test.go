package e2e

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var shippedAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// startDemo runs the demo with the shipped config, here text, on other ports.
func startDemo(t *testing.T) (p *process, text string, ports map[string]string) {
	t.Helper()
	shipped, err := os.ReadFile("../config.json")
	if err != nil {
		t.Fatal(err)
	}
	ports = map[string]string{}
	text = shippedAddress.ReplaceAllStringFunc(string(shipped), func(addr string) string {
		if ports[addr] == "" {
			ports[addr] = reserve(t)
		}
		return ports[addr]
	})
	p = start(t, sluice, "demo", "-config", write(t, text))
	p.file, p.addr = p.cmd.Args[3], ports["127.0.0.1:8080"]
	p.out.after(t, 0, "Ctrl-C ends")
	p.log.after(t, 0, inForce)
	return p, text, ports
}

// TestDemo does what the demo proposes, and edits the file.
func TestDemo(t *testing.T) {
	t.Parallel()
	p, text, ports := startDemo(t)
	url := "http://" + p.addr
	for _, want := range []string{"Sluice serves " + p.file + " on " + url, "curl " + url + "/ping", ports["127.0.0.1:9001"]} {
		if !strings.Contains(p.out.String(), want) {
			t.Errorf("it does not tell %q:\n%s", want, p.out)
		}
	}
	c := client(t)
	get(t, c, url+"/ping").wants(t, 200, "pong\n")
	hello := func() string {
		var names []string
		for range 7 {
			body := get(t, c, url+"/v1/hello").body
			name, what, _ := strings.Cut(body, ": ")
			if what != "GET /hello\n" {
				t.Errorf("/v1/hello is answered %q", body)
			}
			names = append(names, name)
		}
		slices.Sort(names)
		return strings.Join(names, "")
	}
	if got := hello(); got != "aaaaabc" {
		t.Errorf("seven requests went to %s", got)
	}
	get(t, c, url+"/headers").wants(t, 200, `"X-Forwarded-For"`)
	wantsOneHome(t, url)
	get(t, c, "http://"+ports["127.0.0.1:9901"]+"/upstreams").wants(t, 200, ports["127.0.0.1:9002"])

	p.edit(strings.Replace(text, `"weight": 5`, `"weight": 0`, 1), inForce)
	if got := hello(); strings.Contains(got, "a") {
		t.Errorf("with weight 0 for a, seven requests went to %s", got)
	}
	p.edit(text[:len(text)/2], refused)
	get(t, c, url+"/ping").wants(t, 200, "pong\n")
}

// wantsOneHome asks as curl is proposed to: the same user, the same origin.
func wantsOneHome(t *testing.T, url string) {
	t.Helper()
	for _, user := range []string{"ada", "bob"} {
		first := ""
		for range 5 {
			out, errs, code := curl(t, "-H", fmt.Sprintf("X-User-Id: %s", user), url+"/users/1")
			if first == "" {
				first = out
			}
			if code != 0 || out != first || !strings.Contains(out, "GET /users/1") {
				t.Errorf("%s: exit code %d, %q %q after %q", user, code, out, errs, first)
			}
		}
	}
}

package config_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/config"
)

func ExampleParse() {
	src := []byte(`{
  "listeners": [{ "address": ":8080" }],
  "upstreams": { "api": { "targets": [{ "address": "127.0.0.1:9001", "wieght": 2 }] } },
  "routes": [
    { "name": "all", "path": "/*", "upstream": "apis" }, // a comment
  ],
}`)
	_, err := config.Parse(src, config.Catalog{Policies: []string{"weighted"}})
	var problems config.Problems
	if errors.As(err, &problems) {
		fmt.Println(problems.Format("config.json"))
	}
	// Output:
	// config.json:3:70: upstreams.api.targets[0].wieght: unknown key; did you mean "weight"?
	// config.json:5:48: routes[0].upstream: unknown upstream "apis"; did you mean "api"?
}

// wellPlaced fails the test unless each problem lies within src and they stand
// in the order of their places.
func wellPlaced(t *testing.T, src []byte, problems config.Problems) {
	t.Helper()
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	lines := strings.Split(string(src), "\n")
	for i, p := range problems {
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 {
			t.Errorf("the file has no place %v", p)
		}
		if p.Message == "" || strings.ContainsAny(p.String(), "\r\n") {
			t.Errorf("the message is empty or more than one line: %q", p)
		}
		if i > 0 && (problems[i-1].Line > p.Line || problems[i-1].Line == p.Line && problems[i-1].Column > p.Column) {
			t.Errorf("%v stands after %v", p, problems[i-1])
		}
	}
	if len(problems) == 0 || len(problems) > 101 {
		t.Errorf("%d problems are reported", len(problems))
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/valid/*.json", "testdata/invalid/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(parsesOrExplains)
}

// parsesOrExplains checks what holds for any input.
func parsesOrExplains(t *testing.T, src []byte) {
	before := bytes.Clone(src)
	c, err := config.Parse(src, catalog())
	if !bytes.Equal(src, before) {
		t.Fatal("Parse wrote to its input")
	}
	if err != nil {
		var problems config.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("error is not Problems: %v", err)
		}
		wellPlaced(t, src, problems)
		return
	}
	again, err := config.Parse(c.Effective(), catalog())
	if err != nil {
		t.Fatalf("the effective config is not valid: %v\n%s", err, c.Effective())
	}
	if !reflect.DeepEqual(c, again) {
		t.Errorf("the effective config means something else:\n%s", c.Effective())
	}
}

// TestDamagedFiles cuts and changes good files at every place, or at places
// chosen at random.
func TestDamagedFiles(t *testing.T) {
	src, err := os.ReadFile("testdata/valid/full.json")
	if err != nil {
		t.Fatal(err)
	}
	for n := range src {
		parsesOrExplains(t, src[:n])
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		damaged := bytes.Clone(src)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = "{}[]\",:/*\\ \n0a-\x00\xff"[random.IntN(17)]
		}
		parsesOrExplains(t, damaged)
	}
}

func TestProblemsAreCapped(t *testing.T) {
	src := []byte(`{"listeners": [{"address": ":80"}], "routes": [` + strings.Repeat("1,", 1000) + "]}")
	_, err := config.Parse(src, catalog())
	var problems config.Problems
	if !errors.As(err, &problems) {
		t.Fatal(err)
	}
	wellPlaced(t, src, problems)
	if last := problems[len(problems)-1].Message; len(problems) != 101 || last != "and 900 more problems from here on" {
		t.Errorf("%d problems, the last: %s", len(problems), last)
	}
}

// TestManyUnknownNames checks that hints do not cost the square of the file.
func TestManyUnknownNames(t *testing.T) {
	const n = 20_000
	var b strings.Builder
	b.WriteString(`{"listeners": [{"address": ":80"}], "upstreams": {`)
	for i := range n {
		fmt.Fprintf(&b, `"upstream-%06d": {"targets": []},`, i)
	}
	b.WriteString(`}, "routes": [`)
	for i := range n {
		fmt.Fprintf(&b, `{"name": "%d", "path": "/%d", "upstream": "upstraem-%06d"},`, i, i, i)
	}
	b.WriteString("]}")
	_, err := config.Parse([]byte(b.String()), catalog())
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 101 {
		t.Fatal(err)
	}
	if last := problems[100].Message; last != "and 39900 more problems from here on" {
		t.Error(last)
	}
}

func TestDurationAndSizeText(t *testing.T) {
	for _, text := range []string{"0s", "1ns", "1.5µs", "250ms", "59s", "1m", "1m10s", "10m", "1h", "1h10m", "10h10m10s", "100h0m1s", "1h30m"} {
		d := durationOf(t, text)
		if d.String() != text {
			t.Errorf("duration %s is written %s", text, d)
		}
	}
	sizes := map[string]string{"0": "0", "512": "512", "512B": "512", "1024": "1KiB", "1000": "1KB", "8MiB": "8MiB", "10MB": "10MB", "1536KiB": "1536KiB", "2TiB": "2TiB", "1GB": "1GB"}
	for in, want := range sizes {
		c := parse(t, fmt.Sprintf(`"limits": {"body_bytes": %q},`, in))
		if got := c.Limits.BodyBytes.String(); got != want {
			t.Errorf("size %s is written %s, want %s", in, got, want)
		}
	}
}

func durationOf(t *testing.T, text string) config.Duration {
	t.Helper()
	return parse(t, fmt.Sprintf(`"limits": {"idle_timeout": %q},`, text)).Limits.IdleTimeout
}

// parse parses a small config with one more section.
func parse(t *testing.T, section string) *config.Config {
	t.Helper()
	c, err := config.Parse([]byte(`{`+section+`"listeners": [{"address": ":80"}], "routes": [{"name": "a", "path": "/", "respond": {}}]}`), catalog())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEmptyListsAreNone(t *testing.T) {
	with := parse(t, `"trusted_proxies": [], "upstreams": {}, "middlewares": {},`)
	if without := parse(t, ""); !reflect.DeepEqual(with, without) {
		t.Errorf("got %+v, want %+v", with, without)
	}
}

func TestSplitAddress(t *testing.T) {
	for address, want := range map[string][2]string{
		"127.0.0.1:80": {"tcp", "127.0.0.1:80"}, ":80": {"tcp", ":80"},
		"unix:/run/a.sock": {"unix", "/run/a.sock"}, "unix:a.sock": {"unix", "a.sock"},
	} {
		if network, rest := config.SplitAddress(address); [2]string{network, rest} != want {
			t.Errorf("SplitAddress(%q) = %s, %s", address, network, rest)
		}
	}
}

// large returns a config with that many routes.
func large(routes int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"listeners": [{"address": ":80"}], "upstreams": {"api": {"targets": [{"address": "10.0.0.1:80"}]}},
  "middlewares": {"v1": {"type": "strip_prefix", "prefix": "/v1"}},
  "routes": [
`)
	for i := range routes {
		fmt.Fprintf(&b, `    { "name": "route-%d", "hosts": ["tenant-%d.example.com"], "path": "/v1/items/%d/:id", "methods": ["GET", "POST"], "headers": {"X-Canary": "1"}, "middlewares": ["v1"], "upstream": "api" },
`, i, i%100, i)
	}
	b.WriteString("  ]\n}\n")
	return b.Bytes()
}

func BenchmarkParse(b *testing.B) {
	for _, routes := range []int{10, 10_000, 100_000} {
		b.Run(fmt.Sprint(routes), func(b *testing.B) {
			src := large(routes)
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := config.Parse(src, catalog()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

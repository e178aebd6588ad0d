package config_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
)

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// TestReferenceExamples parses each JSON block of the reference. One that is not
// a whole file is completed with the sections it leaves out.
func TestReferenceExamples(t *testing.T) {
	blocks := jsonBlock.FindAllStringSubmatch(string(config.Reference(catalog())), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d examples found", len(blocks))
	}
	for _, block := range blocks {
		src := block[1]
		if !strings.HasPrefix(src, "{") {
			src = complete(src)
		}
		if _, err := config.Parse([]byte(src), catalog()); err != nil {
			t.Errorf("%v in\n%s", err, src)
		}
	}
}

func complete(sections string) string {
	src := `{ "listeners": [{ "address": ":80" }],`
	if !strings.Contains(sections, `"routes":`) {
		src += `"routes": [{ "name": "a", "path": "/", "respond": {} }],`
	}
	return src + sections + "}"
}

func TestReferenceHasEveryField(t *testing.T) {
	text := string(config.Reference(catalog()))
	if strings.Contains(text, "\n@") {
		t.Error("a line that begins with @ is left")
	}
	for _, row := range []string{
		"| `header_bytes` | size | `16KiB` |", "| `level` | `trace`, `debug`,", "| `listeners` | list of objects | required |",
		"| `upstreams` | object: a name for each object |", "| `tls` | object |  | Terminates TLS on this listener. **Refused in this version:** TLS",
		"| `balance` | `weighted`, `round_robin`,", "### request_id\n\n| Key", "| `header` | text | `X-Request-Id` |",
	} {
		if !strings.Contains(text, row) {
			t.Errorf("there is no row %s", row)
		}
	}
	compare(t, "testdata/reference.golden", []byte(text))
}

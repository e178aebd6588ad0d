package proxy_test

import (
	"strings"
	"testing"
)

func TestUnreached(t *testing.T) {
	for routes, want := range map[string][]string{
		`{"name": "a", "path": "/*", "respond": {"status": 200}}`: nil,
		// All that a route can ask for, at once.
		`{"name": "a", "hosts": ["*.x.org", "x.org", "[::1]"], "path": "/é b/:id/x/*", "methods": ["PUT"], "headers": {"X-A": "1", "X-B": "*"},
		  "query": {"q u": "a&b"}, "cookies": {"c": "d"}, "respond": {"status": 200}},
		 {"name": "b", "path": "/*", "respond": {"status": 200}},
		 {"name": "c", "hosts": ["*.x.org"], "path": "/:p/:id", "respond": {"status": 200}}`: nil,
		// Of a regular expression nothing is said.
		`{"name": "a", "path": "/", "headers": {"X-A": "~^$never"}, "respond": {"status": 200}}`: nil,
		`{"name": "ok", "path": "/", "respond": {"status": 200}}, {"name": "a", "path": "/", "headers": {"X-A": " 1"}, "respond": {"status": 200}}`: {
			`routes[1]: route "a" does not get even the request made for it: GET http://sluice-validate.invalid/ goes to "ok"`},
		// Their path has two readings, which choose different routes.
		`{"name": "ok", "path": "/a", "respond": {"status": 200}}, {"name": "a", "path": "/a;v=1", "respond": {"status": 200}}`: {
			`routes[1]: route "a" does not get even the request made for it: GET http://sluice-validate.invalid/a;v=1 is refused: 400`},
	} {
		err := generationOf(t, `{ LISTEN, "routes": [`+routes+`] }`).Unreached()
		if (err == nil) != (want == nil) {
			t.Errorf("%s: %v", routes, err)
		}
		for _, text := range want {
			if err != nil && !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v\nwant %s", routes, err, text)
			}
		}
	}
}

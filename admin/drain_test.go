package admin_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestDrain(t *testing.T) {
	d := open(t, conf)
	target := d.proxy.Generation().Pools()["api"].Targets[0]
	path := "/upstreams/api/targets/" + target.Address + "/drain"
	drained := func(changed bool) string {
		return fmt.Sprintf("{\n  \"upstream\": \"api\",\n  \"target\": %q,\n  \"drained\": true,\n  \"since\": \"***\",\n  \"changed\": %v,\n  \"in_flight\": 0\n}\n", target.Address, changed)
	}
	d.do("POST", path, "").is(t, 200, drained(true))
	d.do("POST", path, "").is(t, 200, drained(false))
	if target.Node.Usable() {
		t.Error("it is still usable")
	}
	if a := d.do("GET", "/upstreams", ""); !strings.Contains(a.body, `"drained": true,`) || !strings.Contains(a.body, `"drained_since": "`) {
		t.Errorf("not shown: %s", a.body)
	}
	line := fmt.Sprintf(`sluice_target_drained{target=%q,upstream="api"} `, target.Address)
	if a := d.do("GET", "/metrics", ""); !strings.Contains(a.body, line+"1\n") {
		t.Errorf("no %s1", line)
	}
	if a := d.do("GET", "/explain?format=text&method=GET&url=http://api.example.com/v1/%3Fq=1&header=X-Canary:1&header=Cookie:c%3Dab", ""); !strings.Contains(a.body, "not usable, drained") {
		t.Errorf("explained: %s", a.body)
	}
	if a := d.do("DELETE", path, ""); a.status != 200 || !strings.Contains(a.body, `"drained": false,`) || !target.Node.Usable() {
		t.Errorf("undrained: %d %s", a.status, a.body)
	}
	if a := d.do("GET", "/metrics", ""); !strings.Contains(a.body, line+"0\n") {
		t.Errorf("no %s0", line)
	}
}

// TestDrainByAwkwardNames: what has slashes and the like can be drained too.
func TestDrainByAwkwardNames(t *testing.T) {
	const name, address = "a/b c?/targets/x", "unix:/run/app #1.sock"
	d := open(t, `{ "listeners": [ { "address": "127.0.0.1:0" } ],
  "upstreams": { "`+name+`": { "targets": [ { "address": "`+address+`" }, { "address": "127.0.0.1:1" } ] } },
  "routes": [ { "name": "rest", "path": "/*", "upstream": "`+name+`" } ] }`)
	path := "/upstreams/" + url.PathEscape(name) + "/targets/" + url.PathEscape(address) + "/drain"
	if a := d.do("POST", path, ""); a.status != 200 || d.proxy.Generation().Target(name, address).Node.Usable() {
		t.Errorf("%s: %d %s", path, a.status, a.body)
	}
	path = "/upstreams/" + url.PathEscape(name) + "/targets/unix:/run/app%20%231.sock/drain"
	if a := d.do("DELETE", path, ""); a.status != 200 || !d.proxy.Generation().Target(name, address).Node.Usable() {
		t.Errorf("%s: %d %s", path, a.status, a.body)
	}
}

func TestDrainRefuses(t *testing.T) {
	d := open(t, conf)
	address := d.proxy.Generation().Pools()["api"].Targets[0].Address
	good := "/upstreams/api/targets/" + address + "/drain"
	d.do("POST", "/upstreams/apis/targets/"+address+"/drain", "").fails(t, 404, `no upstream "apis"`)
	d.do("POST", "/upstreams/api/targets/127.0.0.1:3/drain", "").fails(t, 404, `no target "127.0.0.1:3"`)
	d.do("POST", "/upstreams/api/targets//drain", "").fails(t, 404, "no such endpoint")
	d.do("POST", "/upstreams/%2e%2e/targets/x/drain", "").fails(t, 404, "no such endpoint")
	d.do("POST", good+"?x=1", "").fails(t, 400, "a query means nothing")
	d.do("POST", good, `{}`).fails(t, 400, "a body means nothing")
	d.do("GET", good, "").fails(t, 405, "use POST, DELETE")
	d.do("POST", "/upstreams/api/targets/"+address, "").fails(t, 404, "no such endpoint")
	d.do("POST", good+"/", "").fails(t, 404, "no such endpoint")
	d.untouched()
}

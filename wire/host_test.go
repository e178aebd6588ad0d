package wire

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// Hosts and the keys they are routed by; no key says that the host is refused.
var hosts = []struct{ host, key string }{
	{"a", "a"},
	{"a.example.com", "a.example.com"},
	{"A.Example.COM", "a.example.com"},
	{"a.example.com.", "a.example.com"},
	{"a:80", "a"},
	{"A.:8080", "a"},
	{"a:", "a"},
	{"a:0", "a"},
	{"a:99999", "a"},
	{".", "."},
	{"a..", "a."},
	{"-", "-"},
	{"a_b~c-d.e", "a_b~c-d.e"},
	{"xn--bcher-kva.example", "xn--bcher-kva.example"},
	{"127.0.0.1", "127.0.0.1"},
	{"127.0.0.1:80", "127.0.0.1"},
	{"0x7f.1", "0x7f.1"},
	{strings.Repeat("a", 300), strings.Repeat("a", 300)},
	{"[::]", "[::]"},
	{"[::1]", "[::1]"},
	{"[::1]:80", "[::1]"},
	{"[::1]:", "[::1]"},
	{"[2001:DB8::A]", "[2001:db8::a]"},
	{"[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7:8]"},
	{"[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7::]"},
	{"[::2:3:4:5:6:7:8]", "[::2:3:4:5:6:7:8]"},
	{"[1::8]", "[1::8]"},
	{"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"},
	{"[1:2:3:4:5:6:192.0.2.1]", "[1:2:3:4:5:6:192.0.2.1]"},
	{"[::192.0.2.255]", "[::192.0.2.255]"},
	{"", ""},
	{":80", ""},
	{":", ""},
	{"::1", ""},
	{"a:b", ""},
	{"a:80:80", ""},
	{"a:123456", ""},
	{"a:-1", ""},
	{"a:+80", ""},
	{"a: 80", ""},
	{"a b", ""},
	{" a", ""},
	{"a\t", ""},
	{"a,b", ""},
	{"a;b", ""},
	{"a/b", ""},
	{"a?b", ""},
	{"a#b", ""},
	{"a\\b", ""},
	{"a@b", ""},
	{"u:p@b", ""},
	{"a%41", ""},
	{"a*", ""},
	{"a!b", ""},
	{"a\x00", ""},
	{"\xc3\xbc", ""},
	{"a\xff", ""},
	{"<a>", ""},
	{"[", ""},
	{"]", ""},
	{"[]", ""},
	{"[]:80", ""},
	{"[::1", ""},
	{"::1]", ""},
	{"[::1]a", ""},
	{"[::1]80", ""},
	{"[::1]:a", ""},
	{"[::1]]", ""},
	{"[[::1]]", ""},
	{"[::1%25eth0]", ""},
	{"[::1%eth0]", ""},
	{"[v1.a]", ""},
	{"[a]", ""},
	{"[127.0.0.1]", ""},
	{"[:]", ""},
	{"[:::]", ""},
	{"[1:]", ""},
	{"[:1]", ""},
	{"[1::2::3]", ""},
	{"[1:2:3:4:5:6:7]", ""},
	{"[1:2:3:4:5:6:7:8:9]", ""},
	{"[1:2:3:4:5:6:7:8::]", ""},
	{"[::1:2:3:4:5:6:7:8]", ""},
	{"[12345::]", ""},
	{"[g::]", ""},
	{"[::1.2.3]", ""},
	{"[::1.2.3.4.5]", ""},
	{"[::256.0.0.1]", ""},
	{"[::01.2.3.4]", ""},
	{"[::1.2.3.]", ""},
	{"[::1.2.3.4:5]", ""},
	{"[1:2:3:4:5:6:7:1.2.3.4]", ""},
	{"[1:2:3:4:5:6:7::1.2.3.4]", ""},
	{"[::1 ]", ""},
}

func TestHosts(t *testing.T) {
	for _, tt := range hosts {
		if got := ValidHost([]byte(tt.host)); got != (tt.key != "") {
			t.Errorf("ValidHost(%q) = %v", tt.host, got)
		}
		if tt.key == "" {
			continue
		}
		if got := string(AppendHostKey([]byte("x"), []byte(tt.host))); got != "x"+tt.key {
			t.Errorf("AppendHostKey(%q) = %q, want %q", tt.host, got, tt.key)
		}
	}
}

func FuzzHost(f *testing.F) {
	for _, tt := range hosts {
		f.Add([]byte(tt.host))
	}
	f.Fuzz(func(t *testing.T, host []byte) {
		key := AppendHostKey(nil, host) // must not panic, whatever it is
		name, port, ok := splitHost(host)
		if !ValidHost(host) {
			// Every address in brackets that others take and that has no zone is taken.
			if ok && len(name) > 2 && name[0] == '[' && len(port) == 0 {
				if a, err := netip.ParseAddr(string(name[1 : len(name)-1])); err == nil && a.Is6() && a.Zone() == "" {
					t.Errorf("%q is refused", host)
				}
			}
			return
		}
		if strings.ContainsAny(string(host), "/\\@?#%,; \t\r\n\x00") {
			t.Errorf("%q is accepted", host)
		}
		if len(key) == 0 || strings.ToLower(string(key)) != string(key) {
			t.Errorf("%q has the key %q", host, key)
		}
		// A key has no port; its own key is itself but for one more trailing dot.
		again := string(AppendHostKey(nil, key))
		if again != string(key) && again != strings.TrimSuffix(string(key), ".") {
			t.Errorf("%q has the key %q, that has %q", host, key, again)
		}
		if name[0] == '[' {
			if _, err := netip.ParseAddr(string(name[1 : len(name)-1])); err != nil {
				t.Errorf("%q is accepted: %v", host, err)
			}
		}
		var uri fasthttp.URI
		if err := uri.Parse(host, []byte("/")); err != nil {
			t.Errorf("fasthttp refuses %q: %v", host, err)
		}
	})
}

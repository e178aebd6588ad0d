package proxy_test

import (
	"fmt"
	"strings"
	"testing"
)

// numbered returns the addresses of n origins that answer with their number.
func numbered(t testing.TB, n int) []string {
	var all []string
	for i := range n {
		all = append(all, answering(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", i)))
	}
	return all
}

// chosen returns the target that a request goes to.
func (b *bed) chosen(target string, fields ...string) string {
	b.t.Helper()
	var head strings.Builder
	host := "a"
	for _, f := range fields {
		if value, ok := strings.CutPrefix(f, "Host: "); ok {
			host = value
			continue
		}
		head.WriteString(f + "\r\n")
	}
	answer := b.raw("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n" + head.String() + "\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		b.t.Fatalf("answered %q", answer)
	}
	return answer[len(answer)-1:]
}

// TestHashKeys: requests that agree in what is hashed go to one target, whatever
// else differs; those that differ in it spread.
func TestHashKeys(t *testing.T) {
	addresses := numbered(t, 5)
	cases := []struct {
		key string
		// request makes a request with the i-th value; j changes all else.
		request func(i, j int) (target string, fields []string)
	}{
		{"path", func(i, j int) (string, []string) {
			return fmt.Sprintf("/p%d?q=%d", i, j), []string{fmt.Sprintf("X-User: %d", j), fmt.Sprintf("Host: h%d", j)}
		}},
		{"uri", func(i, j int) (string, []string) {
			return fmt.Sprintf("/p?q=%d", i), []string{fmt.Sprintf("X-User: %d", j)}
		}},
		{"host", func(i, j int) (string, []string) {
			return fmt.Sprintf("/%d", j), []string{fmt.Sprintf("Host: %s%d.test%s", []string{"h", "H"}[j%2], i, []string{"", ":80"}[j%2])}
		}},
		{"header:X-User", func(i, j int) (string, []string) {
			return fmt.Sprintf("/%d", j), []string{fmt.Sprintf("%s: u%d", []string{"x-user", "X-User"}[j%2], i)}
		}},
		{"cookie:session", func(i, j int) (string, []string) {
			return fmt.Sprintf("/%d", j), []string{fmt.Sprintf("Cookie: a=%d; session=s%d; b=1", j, i)}
		}},
		{"query:user", func(i, j int) (string, []string) {
			return fmt.Sprintf("/%d?x=%d&user=u%d", j, j, i), nil
		}},
	}
	for _, c := range cases {
		t.Run(c.key, func(t *testing.T) {
			b := serve(t, over(fmt.Sprintf(`"balance": "consistent_hash", "hash": { "key": %q }`, c.key), addresses...))
			used := map[string]bool{}
			for i := range 20 {
				target, fields := c.request(i, 0)
				first := b.chosen(target, fields...)
				used[first] = true
				for j := range 3 {
					target, fields := c.request(i, j)
					if got := b.chosen(target, fields...); got != first {
						t.Fatalf("value %d went to %s and to %s (%s %q)", i, first, got, target, fields)
					}
				}
			}
			if len(used) < 3 {
				t.Errorf("20 values went to %d of 5 targets", len(used))
			}
		})
	}
}

// TestHashOfNothing: requests without a key must not all go to one target.
func TestHashOfNothing(t *testing.T) {
	b := serve(t, over(`"balance": "consistent_hash", "hash": { "key": "header:X-User" }`, numbered(t, 3)...))
	used := map[string]bool{}
	for range 60 {
		used[b.chosen("/")] = true
	}
	if len(used) != 3 {
		t.Errorf("60 requests without a key went to %d of 3 targets", len(used))
	}
}

// TestHashOfTheClient reads X-Forwarded-For from right to left, past proxies that
// are trusted, and no further.
func TestHashOfTheClient(t *testing.T) {
	addresses := numbered(t, 8)
	settings := `"balance": "consistent_hash", "hash": { "key": "client_ip" }`
	const trusting = `"trusted_proxies": [ "127.0.0.0/8", "10.0.0.0/8" ], `
	b := serve(t, strings.Replace(over(settings, addresses...), "{ LISTEN, ", "{ LISTEN, "+trusting, 1))
	peer := b.chosen("/")
	// An address of another target than the peer's, and another of yet another's.
	pick := func(not ...string) (ip, target string) {
		for i := 1; i < 250; i++ {
			ip = fmt.Sprintf("192.0.2.%d", i)
			if target = b.chosen("/", "X-Forwarded-For: "+ip); target != not[0] && target != not[len(not)-1] {
				return ip, target
			}
		}
		t.Fatal("all addresses go to one target")
		return "", ""
	}
	one, at1 := pick(peer)
	two, at2 := pick(peer, at1)
	cases := []struct {
		fields []string
		want   string
	}{
		{[]string{"X-Forwarded-For: " + one}, at1},
		{[]string{"X-Forwarded-For: " + two}, at2},
		{[]string{"X-Forwarded-For: " + two + ", " + one}, at1},
		{[]string{"X-Forwarded-For: " + one + ", 10.1.2.3, 127.0.0.9"}, at1},
		{[]string{"X-Forwarded-For: " + two + "," + one + " ,10.1.2.3"}, at1},
		{[]string{"X-Forwarded-For: " + two, "X-Forwarded-For: " + one}, at1},
		{[]string{"X-Forwarded-For: " + one, "X-Forwarded-For: 10.1.1.1"}, at1},
		{[]string{"X-Forwarded-For: " + one + ", nonsense"}, peer},
		{[]string{"X-Forwarded-For: " + one + ", ::ffff:10.0.0.1"}, at1},
		{[]string{"X-Forwarded-For: "}, peer},
		{[]string{"X-Real-Ip: " + one}, peer},
	}
	for _, c := range cases {
		if got := b.chosen("/", c.fields...); got != c.want {
			t.Errorf("%q went to %s, want %s", c.fields, got, c.want)
		}
	}
	distrusting := serve(t, over(settings, addresses...))
	if got := distrusting.chosen("/", "X-Forwarded-For: "+one); got != peer {
		t.Errorf("what a client says of itself was believed: went to %s, want %s", got, peer)
	}
}

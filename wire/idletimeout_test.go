package wire

import "testing"

func TestResponseIdleTimeout(t *testing.T) {
	for field, want := range map[string]int64{
		"":                                              -1,
		"Keep-Alive: timeout=5":                         5,
		"Keep-Alive: timeout=0":                         0,
		"keep-alive: max=100, Timeout=72":               72,
		"Keep-Alive: timeout=5, max=1000":               5,
		"Keep-Alive: timeout=99999999999":               maxIdleTimeout,
		"Keep-Alive: timeout=":                          -1,
		"Keep-Alive: timeout=-1":                        -1,
		"Keep-Alive: timeout=5s":                        -1,
		"Keep-Alive: timeout=\"5\"":                     -1,
		"Keep-Alive: timeout=" + "99999999999999999999": -1,
		"Keep-Alive: max=5":                             -1,
		"Keep-Alive:":                                   -1,
		"X-Keep-Alive: timeout=5":                       -1,
	} {
		var r Response
		head := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
		if field != "" {
			head += field + "\r\n"
		}
		if _, err := r.Parse([]byte(head+"\r\n"), false); err != nil {
			t.Errorf("%q: %v", field, err)
		}
		if r.IdleTimeout != want {
			t.Errorf("%q is read as %d, want %d", field, r.IdleTimeout, want)
		}
	}
}

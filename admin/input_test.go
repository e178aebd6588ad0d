package admin_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// send writes raw bytes and returns what was answered; status 0 if nothing was.
func (d *desk) send(raw string) answer {
	d.t.Helper()
	c, err := net.Dial("tcp", d.addr)
	if err != nil {
		d.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	go func() {
		_, _ = io.WriteString(c, raw)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// TestBadChangesChangeNothing sends every call that changes something in every way
// that is to be refused: the answer is an error in JSON, which says what is the
// matter, and all is as it was.
func TestBadChangesChangeNothing(t *testing.T) {
	d := open(t, conf)
	big := strings.Repeat("x", 100<<10)
	for _, c := range changes(d) {
		line := c.method + " " + c.path + " HTTP/1.1\r\n"
		host := "Host: " + d.addr + "\r\n"
		length := fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(c.body))
		for name, bad := range map[string]struct {
			raw    string
			status int
			says   string
		}{
			"a rebound name":              {line + "Host: rebound.example:9901\r\n" + length + "\r\n" + c.body, 403, "admin.hosts"},
			"a rebound name, as a target": {c.method + " http://rebound.example" + c.path + " HTTP/1.1\r\n" + host + length + "\r\n" + c.body, 403, "admin.hosts"},
			"no host":                     {line + length + "\r\n" + c.body, 400, "malformed"},
			"a page of another site":      {line + host + "Origin: http://evil.example\r\n" + length + "\r\n" + c.body, 403, "other sites"},
			"a frame without an origin":   {line + host + "Origin: null\r\n" + length + "\r\n" + c.body, 403, "other sites"},
			"a form":                      {line + host + "Content-Type: text/plain\r\nContent-Length: " + fmt.Sprint(len(c.body)) + "\r\n\r\n" + c.body, 415, "application/json"},
			"a long head":                 {line + host + "X: " + big + "\r\n" + length + "\r\n" + c.body, 431, "too long"},
			"a long body":                 {line + host + "Content-Type: application/json\r\nContent-Length: 102400\r\n\r\n" + big, 413, "too long"},
			"a long body in chunks":       {line + host + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n19000\r\n" + big + "\r\n0\r\n\r\n", 413, "too long"},
			"a broken chunk":              {line + host + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n" + c.body, 400, "malformed"},
			"a body cut short":            {line + host + "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n" + c.body, 400, "malformed"},
			"a line that is none":         {line + host + "nonsense\r\n" + length + "\r\n" + c.body, 400, "malformed"},
			"two lengths":                 {line + host + length + "Content-Length: 7777\r\n\r\n" + c.body, 400, "malformed"},
			"no JSON":                     {line + host + "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"level", 400, ""},
		} {
			if name == "no JSON" && !strings.HasPrefix(c.path, "/log") {
				continue // what takes no body is tested on its own
			}
			a := d.send(bad.raw)
			var told struct{ Error string }
			if err := json.Unmarshal([]byte(a.body), &told); err != nil || told.Error == "" || !strings.Contains(told.Error, bad.says) || a.status != bad.status {
				t.Errorf("%s %s, %s: answered %d %q, want %d with %q", c.method, c.path, name, a.status, a.body, bad.status, bad.says)
			}
			if kind := a.header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("%s: answered with %s", name, kind)
			}
		}
	}
	d.untouched()
}

package e2e

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestCurl(t *testing.T) {
	t.Parallel()
	target := origin(t, curlOrigin)
	p := serve(t, proxyTo(target))
	url := "http://" + p.addr
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, []byte(strings.Repeat("0123456789abcdef", 4096)), 0o644); err != nil {
		t.Fatal(err)
	}
	const whole = "65536 bytes"
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"GET", []string{url + "/hello"}, "GET /hello 0 bytes"},
		{"HEAD", []string{"-I", url + "/hello"}, "X-Origin: yes"},
		{"POST", []string{"--data-binary", "@" + file, url + "/"}, whole},
		{"Expect", []string{"-v", "-H", "Expect: 100-continue", "--data-binary", "@" + file, url + "/"}, whole},
		{"Expect and HTTP/1.0", []string{"-0", "-H", "Expect: 100-continue", "--data-binary", "@" + file, url + "/"}, whole},
		{"chunked", []string{"-H", "Transfer-Encoding: chunked", "-T", file, url + "/"}, whole},
		{"chunked and Expect", []string{"-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-T", file, url + "/"}, whole},
		{"range", []string{"-r", "2-5", url + "/file"}, "2345"},
		{"HTTP/1.0", []string{"-0", url + "/hello"}, "GET /hello 0 bytes"},
		{"two on one connection", []string{"-w", "%{num_connects};", url + "/hello", url + "/hello"}, "0 bytes\n0;"},
		{"form", []string{"-F", "a=@" + file, url + "/"}, "bytes"},
		{"refused early", []string{"-H", "Expect: 100-continue", "--data-binary", "@" + file, "-w", "%{http_code}", url + "/refuse"}, "413"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := curl(t, c.args...)
			if code != 0 || !strings.Contains(out, c.want) {
				t.Errorf("exit code %d, %q %q, want %q", code, out, errs, c.want)
			}
			if c.name == "Expect" && !strings.Contains(errs, "HTTP/1.1 100 Continue") {
				t.Errorf("no 100 Continue: %s", errs)
			}
		})
	}
}

func curlOrigin(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Origin", "yes")
	switch r.URL.Path {
	case "/file":
		http.ServeContent(w, r, "file", time.Time{}, strings.NewReader("0123456789"))
		return
	case "/refuse":
		// Without reading the body, as an origin does that needs a login.
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	text := r.Method + " " + r.URL.Path + " " + strconv.FormatInt(n, 10) + " bytes\n"
	if err != nil {
		text = err.Error()
	}
	_, _ = io.WriteString(w, text)
}

package admin_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const fromBrowser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"

func TestPage(t *testing.T) {
	d := open(t, conf)
	a := d.do("GET", "/", "", fromBrowser)
	if a.status != 200 || !strings.HasPrefix(a.body, "<!doctype html>") || a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("Vary") != "Accept" {
		t.Errorf("answered %d %v %.100s", a.status, a.header, a.body)
	}
	policy := a.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none';", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	}
	if a.header.Get("X-Frame-Options") != "DENY" || a.header.Get("Referrer-Policy") != "no-referrer" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", a.header)
	}
	if a := d.do("HEAD", "/", "", fromBrowser); a.status != 200 || a.body != "" {
		t.Errorf("HEAD: %d %q", a.status, a.body)
	}
	for _, path := range []string{"/page/", "/page/x.js", "/page/../admin.go", "/page/%2e%2e/page.go", "/page/page/app.js"} {
		d.do("GET", path, "").fails(t, 404, "no such")
	}
	d.do("POST", "/page/app.js", "").fails(t, 405, "method not allowed")
	d.do("GET", "/", "", fromBrowser, "Host: evil.example").fails(t, 403, "admin.address")
}

var (
	refers  = regexp.MustCompile(`(?:src|href)="(/page/[^"]*)"|from "\./([^"]*)"`)
	outside = regexp.MustCompile(`https?://[^"'\s<)]+|@import|url\(`)
	inline  = regexp.MustCompile(`<script>|<style|\sstyle=|\son[a-z]+=|innerHTML|outerHTML|insertAdjacentHTML|eval\(|document\.write`)
)

// TestPageNeedsNothingElse: what it refers to is there, nothing of it is from
// outside, and nothing is in it that its policy, or a name in a config, could break.
func TestPageNeedsNothingElse(t *testing.T) {
	d := open(t, conf)
	files, err := filepath.Glob("page/*")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	mayName := []string{"http://www.w3.org/", "http://api.example.com/"}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range refers.FindAllStringSubmatch(string(src), -1) {
			path := m[1]
			if path == "" {
				path = "/page/" + m[2]
			}
			if a := d.do("GET", path, ""); a.status != 200 || a.header.Get("Content-Security-Policy") == "" {
				t.Errorf("%s refers to %s: %d", file, path, a.status)
			}
		}
		for _, url := range outside.FindAllString(string(src), -1) {
			ok := false
			for _, prefix := range mayName {
				ok = ok || strings.HasPrefix(url, prefix)
			}
			if !ok {
				t.Errorf("%s names %s", file, url)
			}
		}
		if found := inline.FindString(string(src)); found != "" {
			t.Errorf("%s has %q", file, found)
		}
	}
}

package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Each proxy's own figure of how often it sent a request again.

func sluiceRetries(p *proxy) (int, error) { return p.metric("sluice_upstream_retries_total") }

// metric returns the sum of a metric of Sluice over all labels.
func (p *proxy) metric(name string) (int, error) {
	resp, err := http.Get("http://" + p.site.Admin + "/metrics")
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	sum := 0.0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if ok && rest != "" && (rest[0] == '{' || rest[0] == ' ') {
			v, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
			if err != nil {
				return 0, err
			}
			sum += v
		}
	}
	return int(sum), nil
}

// nginxRetries counts the addresses beyond a request's first in the access log.
func nginxRetries(p *proxy) (int, error) {
	text, err := os.ReadFile(filepath.Join(p.site.Dir, "access.log"))
	return bytes.Count(text, []byte(", ")), err
}

// haproxyRetries sums the retries and redispatches of all backends.
func haproxyRetries(p *proxy) (int, error) {
	c, err := net.Dial("unix", filepath.Join(p.site.Dir, "stats"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, "show stat\n"); err != nil {
		return 0, err
	}
	rows, err := csv.NewReader(c).ReadAll()
	if err != nil || len(rows) == 0 {
		return 0, fmt.Errorf("cannot read HAProxy's statistics: %w", err)
	}
	sum := 0
	for _, row := range rows[1:] {
		for i, name := range rows[0] {
			if row[1] == "BACKEND" && (name == "wretr" || name == "wredis") {
				n, _ := strconv.Atoi(row[i])
				sum += n
			}
		}
	}
	return sum, nil
}

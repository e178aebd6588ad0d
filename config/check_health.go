package config

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bounds of what the health of targets may be judged by.
const (
	minCheckInterval = 10 * time.Millisecond
	maxHealthCount   = 1000
)

// StatusRange is a range of status codes, both ends included.
type StatusRange struct{ First, Last int }

// ParseStatuses reads a list of statuses and ranges of them, as 200-299,401.
func ParseStatuses(text string) ([]StatusRange, error) { return parseStatuses(text, 200) }

func parseStatuses(text string, least int) ([]StatusRange, error) {
	var out []StatusRange
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		switch {
		case errA != nil || errB != nil || a < least || b > 599:
			return nil, fmt.Errorf(`%q is not a list of statuses from %d to 599 such as "200-299,401"`, shorten(text), least)
		case a > b:
			return nil, fmt.Errorf("the range %d-%d is empty", a, b)
		}
		out = append(out, StatusRange{a, b})
	}
	return out, nil
}

func (k *checker) health(p path, h *Health) {
	switch {
	case h == nil:
		return
	case h.Active == nil && h.Passive == nil:
		k.add(p, "neither active nor passive; nothing would be found out")
	}
	if h.Active != nil {
		k.activeHealth(p.key("active"), h.Active)
	}
	if h.Passive != nil {
		k.passiveHealth(p.key("passive"), h.Passive)
	}
}

func (k *checker) activeHealth(p path, a *ActiveHealth) {
	if a.Interval.D() < minCheckInterval {
		k.add(p.key("interval"), "%s is too often; the least is %s", a.Interval, Duration(minCheckInterval))
	}
	if a.Timeout == 0 {
		k.add(p.key("timeout"), "%s lets no check succeed", a.Timeout)
	}
	k.count(p.key("rise"), a.Rise)
	k.count(p.key("fall"), a.Fall)
	if _, err := ParseStatuses(a.Statuses); err != nil {
		k.add(p.key("statuses"), "%v", err)
	}
	if a.Type == CheckTCP {
		k.tcpHealth(p, a)
		return
	}
	switch {
	case a.Path == "" && k.trusted(p.key("type")):
		k.addAcross(p, []string{"path"}, `an http check needs a path, as "/healthz"`)
	case a.Path != "" && !isCheckPath(a.Path):
		k.add(p.key("path"), "%q does not begin with / or has characters that must be escaped", shorten(a.Path))
	}
	if a.Host != "" && (a.Host == "client" || a.Host == "target" || checkUpstreamHost(a.Host) != nil) {
		k.add(p.key("host"), `%q is not a host such as "app.example.com"`, shorten(a.Host))
	}
	k.sameField(p.key("headers"), a.Headers)
	for name, value := range a.Headers {
		err := checkRespondField(name, value)
		if err == nil && strings.EqualFold(name, "Host") {
			err = fmt.Errorf(`the Host stands in "host"`)
		}
		if err != nil {
			k.addKey(p.key("headers").key(name), err.Error())
		}
	}
	if _, err := regexp.Compile(a.Body); err != nil {
		k.add(p.key("body"), "bad regular expression: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
}

// tcpHealth refuses what a check that only connects has no use for.
func (k *checker) tcpHealth(p path, a *ActiveHealth) {
	for key, used := range map[string]bool{
		"path": a.Path != "", "host": a.Host != "", "headers": len(a.Headers) > 0, "body": a.Body != "",
	} {
		if used {
			k.addKey(p.key(key), "a tcp check sends and reads nothing; remove it")
		}
	}
}

// isCheckPath reports whether a path, or path and query, can stand in a request
// line as it is.
func isCheckPath(target string) bool {
	bad := func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '#' }
	return strings.HasPrefix(target, "/") && strings.IndexFunc(target, bad) < 0
}

func (k *checker) passiveHealth(p path, h *PassiveHealth) {
	k.count(p.key("failures"), h.Failures)
	k.count(p.key("ratio_requests"), h.RatioRequests)
	if !(h.Ratio >= 0 && h.Ratio < 1) {
		k.add(p.key("ratio"), "%v is not a share from 0 to below 1; 0 turns it off", h.Ratio)
	}
	if _, err := ParseStatuses(h.Statuses); h.Statuses != "" && err != nil {
		k.add(p.key("statuses"), "%v", err)
	}
	if h.Probes < 0 || h.Probes > maxHealthCount {
		k.add(p.key("probes"), "%d is not between 0 and %d; 0 sets no bound", h.Probes, maxHealthCount)
	}
	if h.Window == 0 {
		k.add(p.key("window"), "%s is too short for failures to come in", h.Window)
	}
	if h.Eject == 0 {
		k.add(p.key("eject"), "%s would eject nothing", h.Eject)
	}
	if !(h.MaxEjected > 0 && h.MaxEjected <= 1) {
		k.add(p.key("max_ejected"), "%v is not a share above 0 and up to 1", h.MaxEjected)
	}
}

func (k *checker) count(p path, n int) {
	if n < 1 || n > maxHealthCount {
		k.add(p, "%d is not between 1 and %d", n, maxHealthCount)
	}
}

package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// framing holds the header fields that only the server itself may write: they
// say where a message ends or what becomes of the connection.
var framing = []string{
	"connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

// isToken reports whether s is a token of RFC 9110: the name of a header field,
// a cookie or a method.
func isToken(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte("!#$%&'*+-.^_`|~", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// hasControl reports whether s contains an ASCII control character.
func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}

// checkRespondField reports what is wrong with a header field of a fixed answer.
func checkRespondField(name, value string) error {
	switch {
	case !isToken(name):
		return fmt.Errorf("%q is not the name of a header field", shorten(name))
	case slices.Contains(framing, strings.ToLower(name)):
		return fmt.Errorf("%s is written by Sluice itself; remove it", name)
	case strings.ContainsAny(value, "\r\n\x00"):
		return fmt.Errorf("the value of %s contains a line break or a NUL", name)
	}
	return nil
}

// checkMethod reports what is wrong with a method of a route.
func checkMethod(method string) error {
	known := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	upper := strings.ToUpper(method)
	switch {
	case !isToken(method):
		return fmt.Errorf("%q is not a method", shorten(method))
	case upper == "CONNECT" || upper == "TRACE":
		return fmt.Errorf("%s is never forwarded; remove it", upper)
	case upper != method && slices.Contains(known, upper):
		return fmt.Errorf("methods are case-sensitive; write %s", upper)
	}
	return nil
}

// checkRouteHost reports what is wrong with a host of a route.
func checkRouteHost(host string) error {
	name := strings.TrimPrefix(host, "*.")
	switch {
	case host == "":
		return fmt.Errorf("the host is empty; a route without hosts matches any host")
	case host == "*":
		return fmt.Errorf(`"*" is not a host; a route without hosts matches any host`)
	case strings.Contains(host, "/"):
		return fmt.Errorf("%q is not a host; write it without scheme and path", shorten(host))
	case strings.Contains(name, "*"):
		return fmt.Errorf(`%q: "*." stands only at the beginning, for one or more labels`, shorten(host))
	case strings.HasSuffix(host, "."):
		return fmt.Errorf("%q: write the host without the dot at its end", shorten(host))
	case isIPHost(host) || isHostName(name):
		return nil
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		return fmt.Errorf("%q: an IPv6 address stands in brackets here, as in a URL", host)
	}
	if i := strings.LastIndexByte(host, ':'); i > 0 && checkRouteHost(host[:i]) == nil {
		return fmt.Errorf("%q: a route's host has no port; write %q", shorten(host), shorten(host[:i]))
	}
	return fmt.Errorf("%q is not a host such as example.com, *.example.com, 127.0.0.1 or [::1]", shorten(host))
}

// isIPHost reports whether host is an IP address as a URL has it.
func isIPHost(host string) bool {
	inner, bracketed := strings.CutPrefix(host, "[")
	if bracketed {
		inner, bracketed = strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return bracketed && err == nil && ip.Is6() && ip.Zone() == ""
	}
	if host == "" || host[0] < '0' || '9' < host[0] {
		return false // no error is made of it, for most hosts are names
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is4()
}

// checkUpstreamHost reports what is wrong with what an upstream's targets see as Host.
func checkUpstreamHost(host string) error {
	if host == "client" || host == "target" || isIPHost(host) || isHostName(host) {
		return nil
	}
	i := strings.LastIndexByte(host, ':')
	if i > 0 && (isIPHost(host[:i]) || isHostName(host[:i])) && !strings.Contains(host, "/") {
		return checkPort(host, host[i+1:], 1)
	}
	return fmt.Errorf(`%q is not a host; write "client", "target", or a name such as "app.example.com"`, shorten(host))
}

// checkHashKey reports what is wrong with the key of consistent_hash.
func checkHashKey(key string) error {
	source, name, named := strings.Cut(key, ":")
	switch source {
	case "client_ip", "path", "uri", "host":
		if named {
			return fmt.Errorf("%q: %s takes no name", shorten(key), source)
		}
		return nil
	case "header", "cookie":
		if !isToken(name) {
			return fmt.Errorf("%q: %q is not the name of a %s", shorten(key), shorten(name), source)
		}
		return nil
	case "query":
		if name == "" || hasControl(name) {
			return fmt.Errorf("%q: %q is not the name of a query parameter", shorten(key), shorten(name))
		}
		return nil
	}
	return fmt.Errorf("%q is not client_ip, path, uri, host, header:NAME, cookie:NAME or query:NAME", shorten(key))
}

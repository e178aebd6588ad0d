package router

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// maxHost is the longest name DNS allows.
const maxHost = 253

// host is one element of a rule's hosts, in normal form.
type host struct {
	class hostClass
	name  string // the name, for a wildcard what follows the *: ".example.com", for any host ""
}

// hostClass is how narrow a host is; the values are in matching order.
type hostClass byte

const (
	hostExact hostClass = iota
	hostWildcard
	hostAny
)

func (h host) String() string {
	if h.class == hostExact {
		return h.name
	}
	return "*" + h.name
}

// fits reports whether the host of a request, in normal form, is one of those meant.
func (h host) fits(name []byte) bool {
	switch h.class {
	case hostExact:
		return string(name) == h.name || h.name[0] == '[' && string(name) == bareAddress(h.name)
	case hostWildcard:
		return len(name) > len(h.name) && string(name[len(name)-len(h.name):]) == h.name
	}
	return true
}

// compareHosts orders hosts as they are tried: exact, wildcards from long to short, any.
func compareHosts(a, b host) int {
	if a.class == hostWildcard && b.class == hostWildcard && len(a.name) != len(b.name) {
		return cmp.Compare(len(b.name), len(a.name))
	}
	return cmp.Or(cmp.Compare(a.class, b.class), strings.Compare(a.name, b.name))
}

// parseHost reads one element of a rule's hosts.
func parseHost(text string) (host, error) {
	if text == "*" {
		return host{class: hostAny}, nil
	}
	if strings.Contains(text, ":") { // most are names, and an error is not made of each
		if addr, err := netip.ParseAddr(bareAddress(text)); err == nil && addr.Is6() {
			return host{name: "[" + addr.String() + "]"}, nil
		}
	}
	name := strings.ToLower(strings.TrimSuffix(text, "."))
	h := host{name: name}
	if suffix, ok := strings.CutPrefix(name, "*."); ok {
		h = host{class: hostWildcard, name: name[1:]}
		name = suffix
	}
	return h, checkHostName(name)
}

func checkHostName(name string) error {
	switch {
	case name == "":
		return errors.New("empty; leave hosts out for any host")
	case len(name) > maxHost:
		return fmt.Errorf("%d bytes; a host name has at most %d", len(name), maxHost)
	case strings.Contains(name, "*"):
		return errors.New(`a * can only be the whole first label, as in "*.example.com"`)
	case strings.Contains(name, ":"):
		return errors.New("contains a colon; hosts are matched without port")
	case strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, ".."):
		return errors.New("contains an empty label")
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return errors.New("contains a character that host names do not have; write international names in their xn-- form")
		}
	}
	return nil
}

// bareAddress takes the brackets off an IPv6 address; other names stay as they are.
func bareAddress(name string) string {
	if len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		return name[1 : len(name)-1]
	}
	return name
}

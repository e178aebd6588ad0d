package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxSocketPath is the longest path of a Unix socket, in bytes (sun_path).
const maxSocketPath = 107

// SplitAddress returns what [net.Dial] and [net.Listen] take for an address of
// the file: "unix" and a path for unix:/path, else "tcp" and the address.
func SplitAddress(address string) (network, rest string) {
	if name, ok := strings.CutPrefix(address, "unix:"); ok {
		return "unix", name
	}
	return "tcp", address
}

// listenable reports what is wrong with an address to listen on. Port 0 is
// allowed: the system chooses one.
func listenable(address string) error {
	host, port, err := splitAddress(address)
	if err != nil || port == "" {
		return err
	}
	if host == "*" {
		return fmt.Errorf("%q: to listen on every address, write %q", address, ":"+port)
	}
	if host != "" && !isHost(host) {
		return fmt.Errorf("%q: %q is neither an IP address nor a host name", address, host)
	}
	return checkPort(address, port, 0)
}

// dialable reports what is wrong with an address to connect to.
func dialable(address string) error {
	host, port, err := splitAddress(address)
	if err != nil || port == "" {
		return err
	}
	if host == "" {
		return fmt.Errorf("%q has no host; write %q, say", address, "127.0.0.1"+address)
	}
	if !isHost(host) {
		return fmt.Errorf("%q: %q is neither an IP address nor a host name", address, host)
	}
	return checkPort(address, port, 1)
}

// splitAddress splits a TCP address; a good Unix address has no port.
func splitAddress(address string) (host, port string, err error) {
	if network, name := SplitAddress(address); network == "unix" {
		return "", "", checkSocketPath(name)
	}
	if address == "" {
		return "", "", errors.New("the address is empty")
	}
	if scheme, rest, ok := strings.Cut(address, "://"); ok {
		return "", "", fmt.Errorf("%q: an address has no scheme; leave out %q and write %q", address, scheme+"://", strings.TrimRight(rest, "/"))
	}
	host, port, err = net.SplitHostPort(address)
	switch {
	case err == nil && port == "":
		return "", "", fmt.Errorf("%q has no port after the colon", address)
	case err == nil:
		return host, port, nil
	}
	if ip, ipErr := netip.ParseAddr(address); ipErr == nil && ip.Is6() {
		return "", "", fmt.Errorf("%q: an IPv6 address stands in brackets, followed by a port, as in \"[::1]:8080\"", address)
	}
	if !strings.Contains(address, ":") {
		return "", "", fmt.Errorf("%q has no port; write host:port, or unix: and a path", address)
	}
	return "", "", fmt.Errorf("%q is not host:port, nor unix: and a path", shorten(address))
}

func checkSocketPath(name string) error {
	switch {
	case name == "":
		return errors.New("unix: is not followed by a path")
	case strings.ContainsRune(name, 0):
		return fmt.Errorf("the path %q contains a NUL", shorten(name))
	case len(name) > maxSocketPath:
		return fmt.Errorf("the path of a Unix socket is at most %d bytes long; %q has %d", maxSocketPath, shorten(name), len(name))
	}
	return nil
}

func checkPort(address, port string, least int) error {
	n, err := strconv.Atoi(port)
	if err != nil || port != strconv.Itoa(n) || n < least || n > 65535 {
		return fmt.Errorf("%q: the port is not a number from %d to 65535", address, least)
	}
	return nil
}

// isHost reports whether s is an IP address or the name of a host.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return isHostName(strings.TrimSuffix(s, "."))
}

// isHostName reports whether s is a DNS name without a trailing dot. Underscores
// are allowed: container networks use them. A name that ends in a number is an
// IPv4 address gone wrong.
func isHostName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	last := ""
	for label := range strings.SplitSeq(s, ".") {
		if !isLabel(label) {
			return false
		}
		last = label
	}
	return strings.Trim(last, "0123456789") != ""
}

func isLabel(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '-' && c != '_' && !isAlphanumeric(c) {
			return false
		}
	}
	return s != "" && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

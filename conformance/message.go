package main

import (
	"errors"
	"io"
	"strconv"
	"strings"
)

// message is one request or response, read by a parser that shares nothing with
// the proxy's own.
type message struct {
	start   string   // request or status line
	lines   []string // field lines, as they came, without their CRLF
	body    string   // decoded
	trailer []string
	framing framing
	chunks  int // data chunks of the body, or of what there is of it
}

type framing string

const (
	noBody    framing = "no body"
	byLength  framing = "Content-Length"
	byChunks  framing = "chunked"
	byClosing framing = "end of connection"
)

var (
	errPartial   = errors.New("incomplete message")
	errMalformed = errors.New("malformed message")
)

// parseRequest reads the first request of b; n is its length. errPartial says
// that there is only a part of it; what there is stands in m.
func parseRequest(b string) (m message, n int, err error) {
	n, err = m.parseHead(b)
	if err != nil {
		return m, 0, err
	}
	m.framing = noBody
	if err := m.frame(); err != nil {
		return m, 0, err
	}
	used, err := m.parseBody(b[n:], nil)
	return m, n + used, err
}

// parseResponse reads the first response of b; end is how the connection ended,
// nil while it is open.
func parseResponse(b string, toHead bool, end error) (m message, n int, err error) {
	n, err = m.parseHead(b)
	if err != nil {
		return m, 0, err
	}
	code := m.status()
	if len(code) != 3 || !strings.HasPrefix(m.start, "HTTP/1.") {
		return m, 0, errMalformed
	}
	m.framing = byClosing
	if err := m.frame(); err != nil {
		return m, 0, err
	}
	if toHead || code[0] == '1' || code == "204" || code == "304" {
		m.framing = noBody
	}
	used, err := m.parseBody(b[n:], end)
	return m, n + used, err
}

func (m *message) parseHead(b string) (int, error) {
	end := strings.Index(b, "\r\n\r\n")
	if end < 0 {
		return 0, errPartial
	}
	lines := strings.Split(b[:end], "\r\n")
	m.start, m.lines = lines[0], lines[1:]
	for _, l := range m.lines {
		if colon := strings.IndexByte(l, ':'); colon < 1 || strings.ContainsAny(l[:colon], " \t\n\r") || strings.ContainsAny(l, "\r\n") {
			return 0, errMalformed
		}
	}
	return end + 4, nil
}

// frame sets the framing from the fields; any doubt is malformed.
func (m *message) frame() error {
	lengths, codings := m.values("Content-Length"), m.values("Transfer-Encoding")
	switch {
	case len(lengths)+len(codings) > 1:
		return errMalformed
	case len(codings) == 1:
		if !strings.EqualFold(codings[0], "chunked") {
			return errMalformed
		}
		m.framing = byChunks
	case len(lengths) == 1:
		if _, err := strconv.ParseUint(lengths[0], 10, 62); err != nil {
			return errMalformed
		}
		m.framing = byLength
	}
	return nil
}

func (m *message) parseBody(b string, end error) (int, error) {
	switch m.framing {
	case byLength:
		length, _ := strconv.Atoi(m.values("Content-Length")[0])
		if m.body = b[:min(length, len(b))]; len(m.body) < length {
			return 0, errPartial
		}
		return length, nil
	case byChunks:
		return m.parseChunks(b)
	case byClosing:
		if m.body = b; end == nil || !errors.Is(end, io.EOF) {
			return 0, errPartial
		}
		return len(b), nil
	}
	return 0, nil
}

func (m *message) parseChunks(b string) (int, error) {
	rest := b
	for {
		line, after, ok := strings.Cut(rest, "\r\n")
		if !ok {
			return 0, errPartial
		}
		size, err := strconv.ParseUint(line, 16, 40)
		if err != nil || line[0] == '+' {
			return 0, errMalformed
		}
		if size == 0 {
			rest = after
			break
		}
		data := after[:min(int(size), len(after))]
		m.body += data
		m.chunks++
		if len(after) < int(size)+2 {
			return 0, errPartial
		}
		if after[size:size+2] != "\r\n" {
			return 0, errMalformed
		}
		rest = after[size+2:]
	}
	for {
		line, after, ok := strings.Cut(rest, "\r\n")
		if !ok {
			return 0, errPartial
		}
		if rest = after; line == "" {
			return len(b) - len(rest), nil
		}
		m.trailer = append(m.trailer, line)
	}
}

// status returns the status code of a response.
func (m *message) status() string {
	if f := strings.SplitN(m.start, " ", 3); len(f) > 1 {
		return f[1]
	}
	return ""
}

// target returns the target of a request.
func (m *message) target() string {
	if f := strings.Split(m.start, " "); len(f) == 3 {
		return f[1]
	}
	return ""
}

// values returns the values of all lines of name, in order.
func (m *message) values(name string) []string { return valuesIn(m.lines, name) }

func valuesIn(lines []string, name string) (values []string) {
	for _, l := range lines {
		if n, v, _ := strings.Cut(l, ":"); strings.EqualFold(n, name) {
			values = append(values, strings.Trim(v, " \t"))
		}
	}
	return values
}

package proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// reading is a request as a parser reads it.
type reading struct{ method, target, body string }

// parseNetHTTP reads the first request of raw as net/http does, and tells how
// much is left. Targets that package net/url does not take say nothing about
// framing: they are hidden from it.
func parseNetHTTP(raw []byte) (m reading, left int, err error) {
	line, rest, _ := bytes.Cut(raw, []byte("\r\n"))
	if f := strings.Split(string(line), " "); len(f) == 3 {
		if _, err := url.ParseRequestURI(f[1]); err != nil {
			m.target = f[1]
			raw = append([]byte(f[0]+" /hidden "+f[2]+"\r\n"), rest...)
		}
	}
	r := bytes.NewReader(raw)
	br := bufio.NewReaderSize(r, len(raw)+16)
	req, err := http.ReadRequest(br)
	if err != nil {
		return m, 0, err
	}
	body, err := io.ReadAll(req.Body)
	if m.target == "" {
		m.target = req.RequestURI
	}
	m.method, m.body = req.Method, string(body)
	return m, br.Buffered() + r.Len(), err
}

// refusedTrailer reports whether net/http refused an announced trailer field: it
// takes none that frames. Such trailers are left out when they come.
func refusedTrailer(err error) bool {
	return err != nil && strings.Contains(err.Error(), "bad trailer key")
}

// parseClient reads the requests of a client as net/http does, up to the first
// that it refuses or that is incomplete, with the targets that are to be
// forwarded; all is false if there it is stricter than it has to be.
func parseClient(input []byte) (meant []reading, all bool) {
	for {
		for i := 0; i < 2; i++ { // RFC 9112 section 2.2; net/http does not
			input = bytes.TrimPrefix(input, []byte("\r\n"))
		}
		if len(input) == 0 {
			return meant, true
		}
		m, left, err := parseNetHTTP(input)
		if err != nil {
			return meant, !refusedTrailer(err)
		}
		m.target = originForm(m.method, m.target)
		meant = append(meant, m)
		input = input[len(input)-left:]
	}
}

// originForm is RFC 9112 section 3.2.1 for a target in absolute-form.
func originForm(method, target string) string {
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute || target[0] == '/' {
		return target
	}
	at := strings.IndexAny(rest, "/?")
	switch {
	case at < 0 && method == "OPTIONS":
		return "*"
	case at < 0:
		return "/"
	case rest[at] == '?':
		return "/" + rest[at:]
	}
	return rest[at:]
}

var (
	errCut     = errors.New("incomplete request")
	errGrammar = errors.New("not a request by RFC 9112's grammar")
)

var (
	startLine = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\\x21-\\x7e\\x80-\\xff]+) HTTP/1\\.1$")
	fieldLine = regexp.MustCompile("^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \\t]*((?:[\\x20-\\x7e\\x80-\\xff\\t]*[\\x21-\\x7e\\x80-\\xff])?)[ \\t]*$")
	sizeLine  = regexp.MustCompile("^[0-9A-Fa-f]{1,15}$")
)

// parseStrict reads the first request of raw by the grammar of RFC 9112 and
// nothing besides: no leniency that it allows a recipient. n is its length.
func parseStrict(raw string) (m reading, n int, err error) {
	head, rest, ok := strings.Cut(raw, "\r\n\r\n")
	if !ok {
		return m, 0, errCut
	}
	lines := strings.Split(head, "\r\n")
	if !startLine.MatchString(latin1(lines[0])) {
		return m, 0, errGrammar
	}
	sp := strings.IndexByte(lines[0], ' ')
	m.method, m.target = lines[0][:sp], lines[0][sp+1:len(lines[0])-len(" HTTP/1.1")]
	values := map[string][]string{}
	for _, l := range lines[1:] {
		f := fieldLine.FindStringSubmatch(latin1(l))
		if f == nil {
			return m, 0, errGrammar
		}
		name := strings.ToLower(f[1])
		values[name] = append(values[name], f[2])
	}
	length, coding := values["content-length"], values["transfer-encoding"]
	if len(values["host"]) != 1 || len(length)+len(coding) > 1 {
		return m, 0, errGrammar
	}
	left := len(rest)
	switch {
	case len(coding) == 1:
		if coding[0] != "chunked" {
			return m, 0, errGrammar
		}
		m.body, rest, err = strictChunks(rest)
	case len(length) == 1:
		size, parseErr := strconv.ParseUint(length[0], 10, 63)
		if parseErr != nil {
			return m, 0, errGrammar
		}
		if uint64(left) < size {
			return m, 0, errCut
		}
		m.body, rest = rest[:size], rest[size:]
	}
	return m, len(raw) - len(rest), err
}

// strictChunks decodes a chunked body, without extensions, which the proxy does
// not send.
func strictChunks(raw string) (body, rest string, err error) {
	for {
		line, after, ok := strings.Cut(raw, "\r\n")
		if !ok {
			return body, raw, errCut
		}
		if !sizeLine.MatchString(line) {
			return body, raw, errGrammar
		}
		size, _ := strconv.ParseInt(line, 16, 64)
		if size == 0 {
			return strictTrailer(body, after)
		}
		if int64(len(after)) < size+2 {
			return body, raw, errCut
		}
		if after[size:size+2] != "\r\n" {
			return body, raw, errGrammar
		}
		body, raw = body+after[:size], after[size+2:]
	}
}

func strictTrailer(body, raw string) (_, rest string, err error) {
	for {
		line, after, ok := strings.Cut(raw, "\r\n")
		if !ok {
			return body, raw, errCut
		}
		if raw = after; line == "" {
			return body, raw, nil
		}
		if !fieldLine.MatchString(latin1(line)) {
			return body, raw, errGrammar
		}
	}
}

// latin1 makes each byte a character, for regular expressions that speak of bytes.
func latin1(s string) string {
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}

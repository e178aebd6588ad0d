//go:build linux

package main

import (
	"bytes"
	"errors"
	"strconv"
	"time"
)

// longestHead bounds the head of an answer.
const longestHead = 64 << 10

// conn is a connection and the answer that it is at.
type conn struct {
	fd   int
	busy bool
	due  time.Time
	head []byte // of the answer, as far as it is there; empty in its body
	left int    // bytes of the body to come
}

var (
	errUnasked  = errors.New("bytes that nobody asked for")
	errStatus   = errors.New("status other than 200")
	errLength   = errors.New("no Content-Length; openloop needs one")
	errTooLarge = errors.New("head too large")
)

// take reads on with what has come, and reports whether the answer is complete.
// After an error the connection is of no use.
func (c *conn) take(p []byte) (bool, error) {
	if !c.busy {
		return false, errUnasked
	}
	if c.left == 0 {
		c.head = append(c.head, p...)
		end := bytes.Index(c.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(c.head) > longestHead {
				return false, errTooLarge
			}
			return false, nil
		}
		length, err := readHead(c.head[:end+2])
		if err != nil {
			return false, err
		}
		p = c.head[end+4:]
		c.head, c.left = c.head[:0], length
	}
	if len(p) > c.left {
		return false, errUnasked
	}
	c.left -= len(p)
	return c.left == 0, nil
}

// readHead returns the length of the body of an answer whose status is 200.
func readHead(head []byte) (int, error) {
	line, fields, _ := bytes.Cut(head, []byte("\r\n"))
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return 0, errStatus
	}
	for field := range bytes.Lines(fields) {
		name, value, _ := bytes.Cut(field, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
			if err != nil || n < 0 {
				return 0, errLength
			}
			return n, nil
		}
	}
	return 0, errLength
}

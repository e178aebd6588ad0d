package config

import (
	"fmt"
	"strings"
)

// maxProblems is how many problems one Parse reports; one more stands for the rest.
const maxProblems = 100

// Problem is one thing wrong with a file, and where.
type Problem struct {
	// Line and Column count from 1. Column counts characters (Unicode code
	// points), as editors do, not bytes.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Path names the value as routes[3].upstream; empty for the whole file.
	Path    string `json:"path"`
	Message string `json:"message"`
}

// String returns p as line:column: path: message.
func (p Problem) String() string {
	if p.Path == "" {
		return fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message)
	}
	return fmt.Sprintf("%d:%d: %s: %s", p.Line, p.Column, p.Path, p.Message)
}

// Problems is everything wrong with a file, in the order of its lines. Past
// 100 problems a last one, with an empty Path, says how many were left out.
type Problems []Problem

// Error returns one line for each problem.
func (p Problems) Error() string { return p.lines("") }

// Format returns one line for each problem, each beginning with the file's name.
func (p Problems) Format(file string) string { return p.lines(file + ":") }

func (p Problems) lines(prefix string) string {
	var b strings.Builder
	for i, one := range p {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(prefix)
		b.WriteString(one.String())
	}
	return b.String()
}

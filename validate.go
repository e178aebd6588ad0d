package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/sluiceproxy/sluice/config"
)

func validateCommand(args []string, out, errs io.Writer) int {
	f := flags("validate", "[-config FILE] [-quiet | -json] [-strict]",
		"Tells every problem of the file with its line and column, and runs the tests in it. Where there\n"+
			"is none, the first line says so, and then comes what the file amounts to, with warnings of what\n"+
			"can hardly be meant. Exit code 1 if there is a problem. Nothing is opened or dialled.", errs)
	path := configFlag(f)
	quiet := f.Bool("quiet", false, "print the first line only, and no warnings")
	asJSON := f.Bool("json", false, "print JSON, problems too")
	strict := f.Bool("strict", false, "exit with code 1 where there are warnings, too")
	if code, done := parse(f, args, 0); done {
		return code
	}
	s, err := inspectConfig(*path)
	if err != nil && !*asJSON {
		tell(errs, *path, err)
		return exitFail
	}
	switch {
	case *asJSON:
		err = s.writeJSON(out, err)
	case *quiet:
		_, err = fmt.Fprintln(out, s.headline())
	default:
		err = s.writeText(out)
	}
	if err != nil {
		fmt.Fprintf(errs, "sluice validate: %v\n", err)
		return exitFail
	}
	if !s.OK || *strict && len(s.Warnings) > 0 {
		return exitFail
	}
	return exitOK
}

// writeJSON writes s, or what is wrong where wrong is not nil.
func (s *summary) writeJSON(w io.Writer, wrong error) error {
	if wrong != nil && !errors.As(wrong, &s.Problems) {
		// The file could not be read.
		s.Problems = config.Problems{{Message: wrong.Error()}}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(s)
}

package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// shells are those that command lines can be completed in.
var shells = map[string]func(w io.Writer, all []completed){
	"bash": bashCompletion,
	"zsh":  zshCompletion,
	"fish": fishCompletion,
}

func completionCommand(args []string, out, errs io.Writer) int {
	f := flags("completion", "bash|zsh|fish", "Prints what makes the shell complete commands, flags and files:\n"+
		"  bash: sluice completion bash >/etc/bash_completion.d/sluice\n"+
		"  zsh:  sluice completion zsh >/usr/local/share/zsh/site-functions/_sluice\n"+
		"  fish: sluice completion fish >~/.config/fish/completions/sluice.fish", errs)
	if code, done := parse(f, args, 1); done {
		return code
	}
	write, ok := shells[f.Arg(0)]
	if !ok {
		fmt.Fprintf(errs, "sluice completion: no shell %q; have %s\n", f.Arg(0), strings.Join(slices.Sorted(maps.Keys(shells)), ", "))
		return exitUsage
	}
	write(out, completedCommands())
	return exitOK
}

// completed is a command with its flags.
type completed struct {
	command
	flags []completedFlag
}

// completedFlag is one flag. value is empty for those that take none.
type completedFlag struct{ name, value, about string }

// file says that the value of a flag is a file's path.
func (f *completedFlag) file() bool { return f.value == "file" }

// files says that a command takes files.
func (c *completed) files() bool { return slices.Equal(c.words, argFiles) }

// flagLister, as the place for errors, makes a command hand over its flags in
// place of doing anything.
type flagLister struct {
	io.Writer
	flags *flag.FlagSet
}

func completedCommands() []completed {
	var all []completed
	for _, c := range commands() {
		l := &flagLister{Writer: io.Discard}
		c.run(nil, io.Discard, l)
		one := completed{command: c}
		if c.name == "help" {
			for _, other := range commands() {
				one.words = append(one.words, other.name)
			}
		}
		l.flags.VisitAll(func(f *flag.Flag) {
			value, about := flag.UnquoteUsage(f)
			one.flags = append(one.flags, completedFlag{f.Name, value, about})
		})
		all = append(all, one)
	}
	return all
}

// bashCompletion works with the bash 3.2 of macOS, too.
func bashCompletion(w io.Writer, all []completed) {
	fmt.Fprint(w, `# bash completion of sluice
_sluice() {
	local IFS=$'\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words= files=
	[[ $COMP_CWORD -eq 1 || $command == -* ]] && command=run
	case $command in
`)
	var names []string
	for _, c := range all {
		names = append(names, c.name)
		words, files := flagWords(c.flags), ""
		if c.files() {
			files = " files=1"
		} else {
			words = append(words, c.words...)
		}
		fmt.Fprintf(w, "\t%s) words=$'%s'%s ;;\n", c.name, strings.Join(words, `\n`), files)
	}
	fmt.Fprintf(w, "\tesac\n\t[[ $COMP_CWORD -eq 1 ]] && words=$'%s\\n'$words\n\tcase $command:$prev in\n", strings.Join(names, `\n`))
	for _, c := range all {
		for _, f := range c.flags {
			if f.file() {
				fmt.Fprintf(w, "\t%s:-%s) words= files=1 ;;\n", c.name, f.name)
			} else if f.value != "" {
				fmt.Fprintf(w, "\t%s:-%s) words= files= ;;\n", c.name, f.name)
			}
		}
	}
	fmt.Fprint(w, `	esac
	COMPREPLY=($(compgen -W "$words" -- "$cur"))
	if [[ $files && $cur != -* ]]; then
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -f -- "$cur"))
	fi
}
complete -F _sluice sluice
`)
}

func flagWords(flags []completedFlag) []string {
	var words []string
	for _, f := range flags {
		words = append(words, "-"+f.name)
	}
	return words
}

func zshCompletion(w io.Writer, all []completed) {
	fmt.Fprint(w, "#compdef sluice\n_sluice() {\n\tlocal -a commands\n\tcommands=(\n")
	for _, c := range all {
		fmt.Fprintf(w, "\t\t%s\n", shellQuote(c.name+":"+c.summary))
	}
	fmt.Fprint(w, `	)
	local command=$words[2]
	if (( CURRENT == 2 )) && [[ $command != -* ]]; then
		_describe command commands
		return
	fi
	if [[ $command == -* ]]; then
		command=run
	else
		shift words
		(( CURRENT-- ))
	fi
	case $command in
`)
	escape := strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)
	for _, c := range all {
		fmt.Fprintf(w, "\t%s) _arguments", c.name)
		for _, f := range c.flags {
			spec := "-" + f.name + "[" + escape.Replace(f.about) + "]"
			switch {
			case f.file():
				spec += ":file:_files"
			case f.value != "":
				spec += ":" + f.value + ": "
			}
			fmt.Fprintf(w, " %s", shellQuote(spec))
		}
		switch {
		case c.files():
			fmt.Fprint(w, " '*:file:_files'")
		case len(c.words) > 0:
			fmt.Fprintf(w, " %s", shellQuote("1: :("+strings.Join(c.words, " ")+")"))
		}
		fmt.Fprint(w, " ;;\n")
	}
	fmt.Fprint(w, "\tesac\n}\nif [[ $funcstack[1] == _sluice ]]; then\n\t_sluice \"$@\"\nelse\n\tcompdef _sluice sluice\nfi\n")
}

func fishCompletion(w io.Writer, all []completed) {
	fmt.Fprint(w, "# fish completion of sluice\ncomplete -c sluice -f\n")
	others := "" // than run, whose flags may stand without it
	for _, c := range all {
		if c.name != "run" {
			others += " " + c.name
		}
	}
	for _, c := range all {
		fmt.Fprintf(w, "complete -c sluice -n __fish_use_subcommand -a %s -d %s\n", c.name, fishQuote(c.summary))
		when := "__fish_seen_subcommand_from " + c.name
		if c.name == "run" {
			when = "not __fish_seen_subcommand_from" + others
		}
		for _, f := range c.flags {
			value := ""
			switch {
			case f.file():
				value = " -r -F"
			case f.value != "":
				value = " -x"
			}
			fmt.Fprintf(w, "complete -c sluice -n %s -o %s%s -d %s\n", fishQuote(when), f.name, value, fishQuote(f.about))
		}
		switch {
		case c.files():
			fmt.Fprintf(w, "complete -c sluice -n %s -F\n", fishQuote(when))
		case len(c.words) > 0:
			fmt.Fprintf(w, "complete -c sluice -n %s -a %s\n", fishQuote(when), fishQuote(strings.Join(c.words, " ")))
		}
	}
}

// shellQuote quotes text for bash and zsh.
func shellQuote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

package config_test

import (
	"strings"

	"github.com/sluiceproxy/sluice/config"
)

// catalog stands for the real one: its middlewares have options of every shape.
func catalog() config.Catalog {
	return config.Catalog{
		Policies: []string{"weighted", "round_robin", "random", "least_request", "ewma", "consistent_hash"},
		Middlewares: map[string]func() any{
			"strip_prefix":    func() any { return new(prefixOptions) },
			"request_headers": func() any { return new(headerOptions) },
			"request_id":      func() any { return new(idOptions) },
			"add_prefix":      func() any { return new(prefixOptions) },
			"replace_path":    func() any { return new(replaceOptions) },
			"redirect":        func() any { return new(redirectOptions) },
		},
	}
}

type prefixOptions struct {
	Prefix string `json:"prefix" required:"true" doc:"What is taken off the beginning of the path."`
}

func (o *prefixOptions) Check() []config.OptionProblem {
	if !strings.HasPrefix(o.Prefix, "/") {
		return []config.OptionProblem{{Key: "prefix", Message: "does not begin with /"}}
	}
	return nil
}

type headerOptions struct {
	Set    map[string]string   `json:"set" doc:"Fields that replace those of the same name."`
	Add    map[string][]string `json:"add" doc:"Fields that are added."`
	Remove []string            `json:"remove" doc:"Names of fields that are taken away."`
}

func (o *headerOptions) Check() []config.OptionProblem {
	var out []config.OptionProblem
	if _, ok := o.Set["Host"]; ok {
		out = append(out, config.OptionProblem{Key: `set["Host"]`, Message: "is set by the upstream"})
	}
	if len(o.Set)+len(o.Add)+len(o.Remove) == 0 {
		out = append(out, config.OptionProblem{Message: "does nothing"})
	}
	return out
}

type idOptions struct {
	Header string `json:"header" default:"X-Request-Id" doc:"The field that carries the id."`
}

type replaceOptions struct {
	Path string `json:"path" required:"true" doc:"The path to send."`
}

func (o *replaceOptions) Params() (names []string) {
	for segment := range strings.SplitSeq(o.Path, "/") {
		if name, ok := strings.CutPrefix(segment, ":"); ok {
			names = append(names, name)
		}
	}
	return names
}

type redirectOptions struct {
	Status int             `json:"status" default:"308" doc:"The status of the redirect."`
	To     string          `json:"to" required:"true" doc:"Where to."`
	Cache  config.Duration `json:"cache" default:"1h" doc:"How long clients may keep it."`
}

func (*redirectOptions) Answers() bool { return true }

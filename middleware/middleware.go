// Package middleware holds what a route can do to a request before it goes on and
// to its response before it is written: one file a type, one list of all.
// It picks no target and makes no retry; those need the pool and live elsewhere.
package middleware

import (
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/exchange"
)

// Middleware wraps the handler that comes after it. It serves any number of
// requests at once, so what it keeps is fixed when it is built.
//
// Before next it may edit the request, or answer and not call next. After next
// has returned, the exchange holds the pending answer, of whatever origin: a
// target, an inner middleware or an error of Sluice's own.
type Middleware = func(next fasthttp.RequestHandler) fasthttp.RequestHandler

// kind is one type of middleware.
type kind struct {
	name    string
	options func() any
	build   func(options any) (Middleware, error)
}

// kinds lists every type there is.
var kinds = []kind{
	kindOf("strip_prefix", (*StripPrefix).build),
	kindOf("add_prefix", (*AddPrefix).build),
	kindOf("replace_path", (*ReplacePath).build),
	kindOf("request_headers", (*RequestHeaders).build),
	kindOf("response_headers", (*ResponseHeaders).build),
	kindOf("request_id", (*RequestID).build),
	kindOf("redirect", (*Redirect).build),
}

// checker is what every options type has: Check says what tags cannot.
type checker[O any] interface {
	*O
	Check() []config.OptionProblem
}

// kindOf makes a kind of an options type and what builds from options that
// passed their Check.
func kindOf[O any, P checker[O]](name string, build func(P) Middleware) kind {
	return kind{
		name:    name,
		options: func() any { return P(new(O)) },
		build: func(options any) (Middleware, error) {
			o, ok := options.(P)
			if !ok {
				return nil, fmt.Errorf("its options are %T, want %T", options, o)
			}
			if problems := o.Check(); len(problems) > 0 {
				return nil, joined(problems)
			}
			return build(o), nil
		},
	}
}

func joined(problems []config.OptionProblem) error {
	all := make([]error, len(problems))
	for i, p := range problems {
		all[i] = errors.New(p.Message)
		if p.Key != "" {
			all[i] = fmt.Errorf("%s: %s", p.Key, p.Message)
		}
	}
	return errors.Join(all...)
}

// Types returns a function for each type of middleware that makes a pointer to
// its zero options, as [config.Catalog] wants them.
func Types() map[string]func() any {
	types := make(map[string]func() any, len(kinds))
	for _, k := range kinds {
		types[k.name] = k.options
	}
	return types
}

// Build makes what m defines. The error says what is wrong with the options; a
// config that [config.Parse] accepted with Types as its catalog builds without.
func Build(m config.Middleware) (Middleware, error) {
	for _, k := range kinds {
		if k.name != m.Type {
			continue
		}
		built, err := k.build(m.Options)
		if err != nil {
			return nil, fmt.Errorf("cannot build middleware %s: %w", m.Type, err)
		}
		return built, nil
	}
	return nil, fmt.Errorf("cannot build middleware: unknown type %q", m.Type)
}

const plainText = "text/plain; charset=utf-8"

var ambiguousBody = []byte("400 ambiguous path\n")

// refusePath answers a request whose path has two readings that matter.
func refusePath(x *exchange.Exchange) {
	x.Reason = exchange.AmbiguousPath
	x.Response.Answer(fasthttp.StatusBadRequest, plainText, ambiguousBody)
}

// problem is a list of one problem.
func problem(key, format string, args ...any) []config.OptionProblem {
	return []config.OptionProblem{{Key: key, Message: fmt.Sprintf(format, args...)}}
}

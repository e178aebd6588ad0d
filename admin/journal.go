package admin

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/valyala/fasthttp"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/hotreload"
	"github.com/sluiceproxy/sluice/proxy"
)

// Bounds of what a journal keeps, and of the part of a line that is shown.
const (
	reloadsKept  = 20
	sourcesKept  = 20
	excerptRunes = 160
	keptNamed    = 256 // parts of a section that a reload kept
)

// Journal remembers the last reloads and what they changed, or what was wrong and
// the lines it stands in. The zero value is ready; safe for any goroutine.
type Journal struct {
	mu     sync.Mutex
	number uint64 // of reloads noted
	last   []reload
}

// reload is one reload as it is told.
type reload struct {
	Number     uint64 `json:"number"` // counted from the start of the process
	Generation uint64 `json:"generation"`
	outcome
	// Sources are the lines of the problems, in their order; for those only who
	// may change things, since there may be more in a line than what is wrong.
	Sources []excerpt      `json:"sources,omitempty"`
	Summary string         `json:"summary,omitempty"`
	Changes *proxy.Changes `json:"changes,omitempty"`
}

// excerpt is a line of a file, or a part of it; At is the index of the character
// that is meant.
type excerpt struct {
	Text string `json:"text"`
	At   int    `json:"at"`
}

// Note adds a reload; generation is the one in force after it. changes are what
// it did and src what it read, each nil where there is none; src is not kept.
func (j *Journal) Note(o hotreload.Outcome, generation uint64, changes *proxy.Changes, src []byte) {
	told := newOutcome(o)
	if told == nil {
		return
	}
	r := reload{Generation: generation, outcome: *told, Changes: changes}
	if changes != nil {
		r.Summary = changes.Summary()
		r.Changes = changes.Short(keptNamed)
	}
	if len(src) > 0 {
		lines := strings.Split(string(maskSecrets(src)), "\n")
		for _, p := range r.Problems[:min(len(r.Problems), sourcesKept)] {
			r.Sources = append(r.Sources, newExcerpt(lines, p))
		}
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.number++
	r.Number = j.number
	j.last = push(j.last, r, reloadsKept)
}

// list returns the reloads, the latest first.
func (j *Journal) list() []reload {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := slices.Clone(j.last)
	slices.Reverse(list)
	return list
}

// count returns how many reloads were noted.
func (j *Journal) count() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.number
}

func newExcerpt(lines []string, p config.Problem) excerpt {
	if p.Line < 1 || p.Line > len(lines) {
		return excerpt{}
	}
	runes := []rune(strings.TrimRight(strings.ToValidUTF8(lines[p.Line-1], "\uFFFD"), "\r"))
	at := min(max(p.Column-1, 0), len(runes))
	from := max(0, at-excerptRunes/2)
	to := min(len(runes), from+excerptRunes)
	return excerpt{Text: string(runes[from:to]), At: at - from}
}

// secret finds values, or lists of values, of keys whose name says that they are
// secret, also where the text ends within one.
var secret = regexp.MustCompile(`(?i)"[^"\n]*(?:token|secret|password|passwd|credential|authorization|cookie)[^"\n]*"\s*:\s*(?:"(?:[^"\\\n]|\\.)*|\[[^\]]*)`)

var quoted = regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"?`)

// maskSecrets returns src with what is secret made unreadable, every character in
// its place.
func maskSecrets(src []byte) []byte {
	return secret.ReplaceAllFunc(src, func(found []byte) []byte {
		key := quoted.FindIndex(found)[1]
		return append(slices.Clone(found[:key]), quoted.ReplaceAllFunc(found[key:], func(value []byte) []byte {
			out := slices.Clone(value[:1])
			for rest := value[1:]; len(rest) > 0; {
				c, n := utf8.DecodeRune(rest)
				rest = rest[n:]
				if c == '"' && len(rest) == 0 {
					out = append(out, '"')
					break
				}
				out = append(out, '*')
			}
			return out
		})...)
	})
}

func (a *Admin) reloads(ctx *fasthttp.RequestCtx) {
	list := []reload{}
	if a.opts.Journal != nil {
		list = a.opts.Journal.list()
	}
	if a.trust(ctx) != trusted {
		for i := range list {
			list[i].Sources = nil
		}
	}
	reply(ctx, fasthttp.StatusOK, struct {
		Reloads []reload `json:"reloads"`
	}{list})
}

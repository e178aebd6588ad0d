package proxy

import (
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/upstream"
	"github.com/sluiceproxy/sluice/wire"
)

// ForwardPlan is what would be sent, and where to.
type ForwardPlan struct {
	Upstream string `json:"upstream"`
	Balance  string `json:"balance"`
	Path     string `json:"path"`   // as middlewares left it
	Target   string `json:"target"` // the path and the query
	// Host is the Host that the target sees. Where that is the target's own
	// address, it is the one of Owner or else of the first target.
	Host string `json:"host"`
	// Head is the request head as it would be sent. What is made up for each
	// request, such as its id, is made up here too.
	Head     string       `json:"head"`
	Timeouts TimeoutsPlan `json:"timeouts"`
	Hash     *HashPlan    `json:"hash,omitempty"`
	Owner    string       `json:"owner,omitempty"` // the target consistent_hash chooses now
	// Rating says what the targets' ratings mean; see [lb.Rating].
	Rating  string        `json:"rating"`
	Targets []RatedTarget `json:"targets"`
}

// RatedTarget is a target that the request could go to, and what the policy makes
// of it now.
type RatedTarget struct {
	TargetStatus
	// Rating is nil where the target would not be picked: it is not usable, has
	// no weight, or is a backup that is not needed.
	Rating *float64 `json:"rating"`
}

// TimeoutsPlan are the timeouts of the upstream as the config has them; "0s" sets
// no limit.
type TimeoutsPlan struct {
	Connect        string `json:"connect"`
	ResponseHeader string `json:"response_header"`
	Idle           string `json:"idle"`
	Request        string `json:"request"`
}

// HashPlan is what consistent_hash places the request by.
type HashPlan struct {
	Key   string `json:"key"` // as the config has it
	Value string `json:"value"`
	// Missing says that the request has no such value and goes anywhere.
	Missing bool   `json:"missing,omitempty"`
	Hash    string `json:"hash,omitempty"` // 16 hexadecimal digits
}

// plan tells what serve would do with the request.
func (f *forwarder) plan(r *request) *ForwardPlan {
	def := f.pool.Definition()
	p := &ForwardPlan{
		Upstream: f.pool.Name,
		Balance:  def.Balance,
		Timeouts: timeoutsPlan(&def.Timeouts),
		Rating:   lb.Rating(def.Balance),
	}
	for _, s := range targetList(f.pool) {
		p.Targets = append(p.Targets, RatedTarget{TargetStatus: s})
	}
	shown := f.pool.Targets[0]
	if f.key != nil {
		p.Hash = &HashPlan{Key: def.Hash.Key}
		value, ok := f.key(r)
		p.Hash.Value, p.Hash.Missing = string(value), !ok
		if ok {
			key := keyOr(value, ok)
			p.Hash.Hash = fmt.Sprintf("%016x", key)
			if owner := f.pool.Pick(key, upstream.Clock(r.Start), nil); owner != nil {
				shown, p.Owner = owner, owner.Address
			}
			f.rateTurns(p, key, upstream.Clock(r.Start))
		}
	}
	if p.Rating != lb.RateTurn {
		f.rate(p, upstream.Clock(r.Start))
	}
	f.setHost(r, shown)
	path, _, _ := wire.SplitTarget(r.Exchange.Target)
	p.Path, p.Target = string(path), string(r.Exchange.Target)
	p.Head = string(r.AppendHead(nil))
	p.Host = string(r.RequestFields().Get("Host"))
	return p
}

// rate fills in the ratings of the targets that would be picked from: backups
// only where there is no other. Chances add up to 1.
func (f *forwarder) rate(p *ForwardPlan, now int64) {
	backups := true
	for i := range p.Targets {
		if t := &p.Targets[i]; !t.Backup && t.takes() {
			backups = false
		}
	}
	sum := 0.0
	for i := range p.Targets {
		if t := &p.Targets[i]; t.Backup == backups && t.takes() {
			rate := lb.Rate(p.Balance, lb.Member{Node: f.pool.Targets[i].Node, Weight: t.Weight}, now)
			sum += rate
			t.Rating = &rate
		}
	}
	for i := range p.Targets {
		if t := &p.Targets[i]; t.Rating != nil && p.Rating == lb.RateChance && sum > 0 {
			*t.Rating /= sum
		}
	}
}

// rateTurns fills in the order in which the targets would be asked for a key, as
// far as one request would go.
func (f *forwarder) rateTurns(p *ForwardPlan, key uint64, now int64) {
	var tried lb.Tried
	for turn := 1; turn <= maxConnects; turn++ {
		at := f.pool.Pick(key, now, &tried)
		if at == nil {
			return
		}
		tried.Add(at.Node)
		rate := float64(turn)
		p.Targets[slices.Index(f.pool.Targets, at)].Rating = &rate
	}
}

func (s *TargetStatus) takes() bool { return s.Usable && s.Weight > 0 }

func timeoutsPlan(t *config.Timeouts) TimeoutsPlan {
	return TimeoutsPlan{
		Connect: t.Connect.String(), ResponseHeader: t.ResponseHeader.String(),
		Idle: t.Idle.String(), Request: t.Request.String(),
	}
}

// anyTakes reports whether some target would be picked.
func (p *ForwardPlan) anyTakes() bool {
	for i := range p.Targets {
		if p.Targets[i].takes() {
			return true
		}
	}
	return false
}

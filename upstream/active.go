package upstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

const (
	// checkedBody is how much of a response body is looked at for a match.
	checkedBody = 64 << 10
	// checkInterims is how many 1xx responses a check reads past.
	checkInterims = 16
)

// activeRecord is what checks tell of one target. It is guarded by monitor.mu.
type activeRecord struct {
	checker *checker // nil: nothing is checked
	down    bool
	known   bool // a check has ended, or the target was in use before there were any
	streak  int  // checks in a row that say otherwise than down
}

// probe is how the targets of one upstream are checked. It is not changed once made.
type probe struct {
	def      config.ActiveHealth
	host     string // "" for the target's own
	statuses []config.StatusRange
	body     *regexp.Regexp // nil: any
}

// prepareHealth makes what the health of the pool needs.
func (p *Pool) prepareHealth(prev *Pool, tell func(Event)) error {
	if prev != nil {
		p.monitor, p.gate = prev.monitor, prev.gate
	} else {
		p.monitor = &monitor{upstream: p.Name, tell: tell}
		p.gate = &gate{m: p.monitor}
	}
	var err error
	if rules := passiveRules(&p.def); rules != nil && rules.Statuses != "" {
		if p.failing, err = newStatusRules(rules.Statuses); err != nil {
			return err
		}
	}
	if p.def.Health == nil || p.def.Health.Active == nil {
		return nil
	}
	p.probe = &probe{def: *p.def.Health.Active}
	d := &p.probe.def
	if p.probe.host = d.Host; d.Host == "" && p.def.Host != "client" && p.def.Host != "target" {
		p.probe.host = p.def.Host
	}
	if d.Type != config.CheckTCP {
		if p.probe.statuses, err = config.ParseStatuses(d.Statuses); err != nil {
			return err
		}
	}
	if d.Body != "" {
		p.probe.body, err = regexp.Compile(d.Body)
	}
	return err
}

// checker checks one target until it is cancelled.
type checker struct {
	probe   *probe
	target  *Target
	request []byte
	cancel  context.CancelFunc
}

// check sees to it that a target is checked as the pool in force says; checks that
// would not differ go on. fresh says that the target was not in use before.
func (m *monitor) check(t *Target, fresh bool) {
	r, p := t.health, m.pool.probe
	if p == nil {
		r.stopChecks()
		r.active = activeRecord{}
		return
	}
	if c := r.active.checker; c != nil && c.target == t && c.probe.host == p.host && reflect.DeepEqual(c.probe.def, p.def) {
		return
	}
	if r.active.checker == nil {
		r.active.known = !fresh
	}
	r.stopChecks()
	ctx, cancel := context.WithCancel(context.Background())
	c := &checker{probe: p, target: t, request: p.request(t), cancel: cancel}
	r.active.checker, r.active.streak = c, 0
	go c.run(ctx)
}

func (r *record) stopChecks() {
	if r.active.checker != nil {
		r.active.checker.cancel()
		r.active.checker = nil
	}
}

// run checks the target again and again. Intervals vary by a tenth, and the first
// check comes within a tenth of one, so that checks do not come in volleys.
func (c *checker) run(ctx context.Context) {
	interval := c.probe.def.Interval.D()
	timer := time.NewTimer(rand.N(interval/10 + 1))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		begun := time.Now()
		err := c.once(ctx)
		if ctx.Err() != nil {
			return
		}
		c.target.health.m.checked(c, err)
		wait := interval - interval/10 + rand.N(interval/5+1)
		timer.Reset(wait - time.Since(begun))
	}
}

// checked draws the conclusion from one check; err says how it failed.
func (m *monitor) checked(c *checker, err error) {
	m.mu.Lock()
	defer m.unlock()
	r := c.target.health
	a := &r.active
	if a.checker != c {
		return // not asked for any more
	}
	first := !a.known
	a.known = true
	if (err == nil) != a.down {
		a.streak = 0
		return
	}
	a.streak++
	d := &c.probe.def
	switch {
	case a.down && a.streak >= d.Rise:
		m.setDown(r, false, fmt.Sprintf("%d good checks in a row", a.streak))
	case !a.down && first:
		m.setDown(r, true, "its first check failed: "+err.Error())
	case !a.down && a.streak >= d.Fall:
		m.setDown(r, true, fmt.Sprintf("%d failed checks in a row, the last: %v", a.streak, err))
	}
}

func (m *monitor) setDown(r *record, down bool, why string) {
	r.active.down, r.active.streak = down, 0
	m.turned(r, why, time.Now())
	m.settle()
}

// request returns the bytes of a check of t.
func (p *probe) request(t *Target) []byte {
	if p.def.Type == config.CheckTCP {
		return nil
	}
	host := p.host
	if host == "" {
		host = string(t.HostField)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\n", p.def.Path, host)
	agent := "User-Agent: Sluice-Health\r\n"
	for _, name := range slices.Sorted(maps.Keys(p.def.Headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, p.def.Headers[name])
		if strings.EqualFold(name, "User-Agent") {
			agent = ""
		}
	}
	b.WriteString(agent + "Connection: close\r\n\r\n")
	return b.Bytes()
}

// once checks the target once, over a connection of its own, and returns why the
// check failed.
func (c *checker) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.probe.def.Timeout.D())
	defer cancel()
	raw, a, err := c.target.dialAny(ctx)
	if err == nil {
		defer raw.Close()
		if c.request == nil {
			return nil
		}
		// Its only limit is that of the whole check.
		trip := &Trip{target: c.target, c: newConn(raw, a)}
		defer context.AfterFunc(ctx, trip.Interrupt)()
		err = c.ask(trip)
	}
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("not done within %s", c.probe.def.Timeout)
	}
	var failure *Failure
	if errors.As(err, &failure) {
		return failure.Err
	}
	return err
}

// patient is a client that waits for its answer.
type patient struct{}

func (patient) Gone() bool { return false }

// ask sends the request of a check and judges what is answered.
func (c *checker) ask(trip *Trip) error {
	now := time.Now()
	if err := trip.Send(c.request, now); err != nil {
		return err
	}
	for interims := 0; ; interims++ {
		if err := trip.ReadHead(patient{}, now, 0, false); err != nil {
			return err
		}
		if status := trip.Response.Status; status >= 200 || interims == checkInterims {
			break
		}
	}
	status := trip.Response.Status
	if !slices.ContainsFunc(c.probe.statuses, func(s config.StatusRange) bool { return s.First <= status && status <= s.Last }) {
		return fmt.Errorf("status %d", status)
	}
	if c.probe.body == nil {
		return nil
	}
	return c.matchBody(trip)
}

func (c *checker) matchBody(trip *Trip) error {
	var body []byte
	for buf := make([]byte, 4<<10); len(body) < checkedBody; {
		data, err := trip.Next(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		body = append(body, data...)
	}
	if !c.probe.body.Match(body[:min(len(body), checkedBody)]) {
		return errors.New("the body does not match")
	}
	return nil
}

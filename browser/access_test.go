package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// spoken is a node as a screen reader gets it from the browser.
type spoken struct {
	role, name, about string
	properties        map[accessibility.PropertyName]string
	parent            *spoken
}

// spokenText is a value of the tree as text.
func spokenText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value)
	}
	return strings.Join(strings.Fields(text), " ")
}

// tree returns what the browser tells screen readers, in the order of the page.
func (b *tab) tree() []*spoken {
	b.t.Helper()
	all, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatal(err)
	}
	byID := make(map[accessibility.NodeID]*accessibility.Node)
	for _, n := range all.Nodes {
		byID[n.NodeID] = n
	}
	var told []*spoken
	var walk func(n *accessibility.Node, parent *spoken)
	walk = func(n *accessibility.Node, parent *spoken) {
		if !n.Ignored {
			s := &spoken{spokenText(n.Role), spokenText(n.Name), spokenText(n.Description), map[accessibility.PropertyName]string{}, parent}
			for _, p := range n.Properties {
				s.properties[p.Name] = spokenText(p.Value)
			}
			told, parent = append(told, s), s
		}
		for _, id := range n.ChildIDs {
			if child := byID[id]; child != nil {
				walk(child, parent)
			}
		}
	}
	walk(all.Nodes[0], nil)
	return told
}

func (s *spoken) String() string { return fmt.Sprintf("%s %q (%q)", s.role, s.name, s.about) }

// within returns the nearest node around s that has a role.
func (s *spoken) within(role string) *spoken {
	for s = s.parent; s != nil && s.role != role; s = s.parent {
	}
	return s
}

// controls are the roles of what can be operated.
var controls = []string{"button", "link", "textbox", "combobox", "checkbox", "DisclosureTriangle", "searchbox", "spinbutton", "listbox"}

// heard checks what holds of every tree: whatever can be operated or has the focus
// has a role and a name, and so do parts and tables; headings come in order.
func heard(t *testing.T, told []*spoken) {
	t.Helper()
	buttons, level := map[string]int{}, 1
	for _, s := range told {
		named := slices.Contains(controls, s.role) || s.properties[accessibility.PropertyNameFocusable] == "true" && s.role != "main" ||
			slices.Contains([]string{"region", "navigation", "table", "image", "dialog", "figure", "columnheader", "rowheader"}, s.role)
		if named && s.name == "" {
			t.Errorf("no name: %s within %s", s, s.parent)
		}
		if s.properties[accessibility.PropertyNameFocusable] == "true" && slices.Contains([]string{"none", "generic", ""}, s.role) {
			t.Errorf("it can have the focus, and is nothing: %s", s)
		}
		switch s.role {
		case "button":
			buttons[s.name+" "+s.about]++
		case "heading":
			var now int
			_, _ = fmt.Sscan(s.properties[accessibility.PropertyNameLevel], &now)
			if now > level+1 {
				t.Errorf("a heading of level %d after one of %d: %s", now, level, s)
			}
			level = now
		case "cell", "gridcell":
			if s.within("row") == nil || s.within("table") == nil {
				t.Errorf("a cell outside of a table: %s", s)
			}
		}
	}
	for name, n := range buttons {
		if n > 1 {
			t.Errorf("%d buttons are called %q", n, name)
		}
	}
}

// has finds a node.
func has(t *testing.T, told []*spoken, role, name, about string) *spoken {
	t.Helper()
	for _, n := range told {
		if n.role == role && strings.Contains(n.name, name) && strings.Contains(n.about, about) {
			return n
		}
	}
	t.Errorf("there is no %s %q (%q)", role, name, about)
	return &spoken{}
}

// pageIsTold checks what a page has; target is one of upstream api's.
func pageIsTold(t *testing.T, told []*spoken, target string) {
	t.Helper()
	for _, part := range [][3]string{
		{"banner"}, {"main"}, {"contentinfo"}, {"navigation", "Sections"},
		{"region", "Traffic"}, {"region", "Upstreams"}, {"region", "Routes"}, {"region", "Reloads"}, {"region", "Explain a request"}, {"region", "Explanation"},
		// Charts have a name, and say in words what they show.
		{"image", "Requests a second", "requests a second, at most"}, {"image", "Latency", "99 of 100 up to"},
		{"table", "api"}, {"table", "users"}, {"table", "Routes"}, {"table", "Why this route"}, {"table", "Targets it could go to"},
		{"columnheader", "State"}, {"columnheader", "Share of the traffic"}, {"columnheader", "p99"}, {"rowheader", target},
		{"button", "Drain… " + target + " of api"}, {"button", "users", "the charts of route users"}, {"combobox", "Log level"},
		{"textbox", "Header fields, one a line"}, {"DisclosureTriangle", "refused"},
	} {
		has(t, told, part[0], part[1], part[2])
	}
	// What changes by itself is told, but not what does so each second.
	if alerts := has(t, told, "status", "What needs attention", ""); alerts.properties[accessibility.PropertyNameLive] != "polite" {
		t.Errorf("alerts are %v", alerts.properties)
	}
	for _, n := range told {
		if live := n.properties[accessibility.PropertyNameLive]; live != "" && live != "off" && n.role != "status" && n.role != "alert" {
			t.Errorf("%s is read out whenever it changes", n)
		}
	}
}

// dialogIsTold checks that a dialog is all there is while it is open.
func dialogIsTold(t *testing.T, told []*spoken) {
	t.Helper()
	if d := has(t, told, "dialog", "Reload the config?", ""); d.properties[accessibility.PropertyNameModal] != "true" {
		t.Errorf("the dialog is %v", d.properties)
	}
	for _, n := range told {
		if n.role == "button" && n.within("dialog") == nil {
			t.Errorf("behind the dialog there is %s", n)
		}
	}
}

// TestScreenReader reads the page, in trouble and with all of its parts open, as
// the browser tells it to screen readers.
func TestScreenReader(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "api.example.com /v1/a", "h /users/1", "h /broken", "h /ping")
	s.origins[2].ill.Store(true)
	for name, v := range map[string]view{"desk": desktop, "phone": {360, 740, false}} {
		t.Run(name, func(t *testing.T) {
			inner := *s
			inner.t = t
			b := inner.show(v)
			b.untilSays(row("api", s.origins[2].addr), "down")
			b.untilSays("#chart-time .summary", "99 of 100 up to")
			inner.write(strings.Replace(s.text, `"upstream": "users"`, `"upstream": "usres"`, 1))
			b.untilSays("#alerts", `unknown upstream "usres"`)
			b.fill("#explain-url", "http://api.example.com/v1/a")
			b.press("#explain-form button")
			b.untilSays("#explain-answer", "Forwarded to upstream api")
			told := b.tree()
			heard(t, told)
			pageIsTold(t, told, s.origins[0].addr)
			b.expect("status of 422")
			b.press("#reload")
			b.untilSays("#confirm", "a reload would be refused")
			told = b.tree()
			heard(t, told)
			dialogIsTold(t, told)
			b.press("#confirm-no")
			inner.write(s.text)
			b.until("the alert is gone", `!document.getElementById("alerts").innerText.includes("usres")`)
		})
	}
}

// stops has every control of the page, each with a number.
const stops = `(() => {
  const all = [...document.querySelectorAll("button:enabled, a[href], input:enabled, select:enabled, textarea:enabled, summary, [tabindex='0']")].filter((e) => e.checkVisibility());
  for (const e of document.querySelectorAll("pre")) if (e.scrollWidth > e.clientWidth && !all.includes(e)) all.push(e);
  all.sort((a, b) => a.compareDocumentPosition(b) & 4 ? -1 : 1).forEach((e, i) => { e.stop = i; });
  return all.map((e) => (e.getAttribute("aria-label") ?? e.id) || e.textContent.trim().slice(0, 40));
})()`

// focused tells of what has the focus: its number, and what is wrong with it.
const focused = `(() => {
  const e = document.activeElement, wrong = [], style = getComputedStyle(e), box = e.getBoundingClientRect();
  if (e === document.body || e === document.documentElement) return { stop: -1, wrong };
  if (!e.matches(":focus-visible") || style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) wrong.push("that it has the focus is not to be seen");
  if (box.bottom < 1 || box.top > innerHeight - 1 || box.right < 1 || box.left > innerWidth - 1) wrong.push("it is out of sight");
  return { stop: e.stop ?? -2, wrong };
})()`

// TestEveryControlByKeyboard goes through the page by the tab key: every control
// has its turn, in the order of the page, is seen to have it, and lets go of it.
func TestEveryControlByKeyboard(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(view{700, 700, false})
	s.write(strings.Replace(s.text, `"upstream": "users"`, `"upstream": "usres"`, 1))
	b.untilSays("#alerts", `unknown upstream "usres"`)
	b.untilSays("#reload-list li", "usres")
	b.fill("#explain-url", "http://api.example.com/v1/a")
	b.press("#explain-form button")
	b.untilSays("#explain-answer", "Forwarded to upstream api")
	value[bool](b, `(document.activeElement.blur(), scrollTo(0, 0), true)`)
	names := value[[]string](b, stops)
	if len(names) < 30 {
		t.Fatalf("controls %q", names)
	}
	type focus struct {
		Stop  int
		Wrong []string
	}
	var order []int
	for range 2 * len(names) {
		b.do(chromedp.KeyEvent(kb.Tab))
		f := value[focus](b, focused)
		if f.Stop < 0 || slices.Contains(order, f.Stop) {
			continue
		}
		order = append(order, f.Stop)
		for _, what := range f.Wrong {
			t.Errorf("%s: %s", names[f.Stop], what)
		}
	}
	first := slices.Index(order, 0) // where the browser begins is its own affair
	if first < 0 {
		t.Fatalf("the first control is not reached: %v", order)
	}
	order = append(slices.Clone(order[first:]), order[:first]...)
	for i, name := range names {
		if !slices.Contains(order, i) {
			t.Errorf("%s is not reached", name)
		}
	}
	if !slices.IsSorted(order) {
		t.Errorf("the order is %v", order)
	}
}

// TestReducedMotion: nothing moves for who wants that, and little for others.
func TestReducedMotion(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "api.example.com /v1/a")
	b := s.show(desktop)
	const moving = `[...document.querySelectorAll("*")].flatMap((e) => ["", "::before", "::after"].map((p) => getComputedStyle(e, p)))
		.filter((s) => (s.transitionDuration + "," + s.animationDuration).split(",").some((d) => parseFloat(d) > 0) || s.scrollBehavior === "smooth").length`
	b.until("bars are drawn", `document.querySelector("[aria-labelledby=upstream-api] .bar > i").style.getPropertyValue("--part") > "1%"`)
	if n := value[int](b, moving); n == 0 {
		t.Error("nothing moves at all, so that this test shows nothing")
	}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	}); err != nil {
		t.Fatal(err)
	}
	if n := value[int](b, moving); n != 0 {
		t.Errorf("%d elements move", n)
	}
}

// TestAllByKeyboard operates each kind of control without a pointer.
func TestAllByKeyboard(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "api.example.com /v1/a", "h /users/1")
	b := s.show(desktop)
	b.until("samples are there", `document.querySelector("#chart-rate .chart .line.a")?.getAttribute("d").split("L").length > 2`)
	at := func(selector string, keys ...string) {
		t.Helper()
		b.do(chromedp.Focus(chromedp.CSS(selector)))
		for _, k := range keys {
			b.do(chromedp.KeyEvent(k))
		}
	}
	// A moment that is read out stays the same while samples come in.
	at("#chart-rate .chart", kb.End, kb.ArrowLeft)
	b.untilSays("#chart-rate .readout", "errors")
	told, line := b.text("#chart-rate .readout"), `document.querySelector("#chart-rate .chart .line.a").getAttribute("d")`
	drawn := value[string](b, line)
	b.until("samples come in", line+" !== "+fmt.Sprintf("%q", drawn))
	if now := b.text("#chart-rate .readout"); now != told {
		t.Errorf("read out is %q, and then %q", told, now)
	}
	at("#scope", "r", "o", "u", "t", "e", " ", "u", kb.Enter)
	b.until("the scope is chosen", `document.getElementById("scope").selectedOptions[0].text === "route users"`)
	at("#route-rows tr button", kb.Enter)
	b.until("another is chosen, and has the focus", `document.getElementById("scope").selectedOptions[0].text === "route canary" && document.activeElement.id === "scope"`)
	at("#reload-list summary", kb.Enter)
	b.until("the reload is open", `document.querySelector("#reload-list details").open`)
	at("#reload-list summary", " ")
	b.until("the reload is closed", `!document.querySelector("#reload-list details").open`)
	at("#explain-url", "http://h/ping", kb.Enter)
	b.untilSays("#explain-answer", "Answered by Sluice with 200, by route ping")
	b.untilSays("#said", "Answered by Sluice with 200, by route ping")
	at("#level", "d")
	b.until("the button is there", `!document.getElementById("set-level").hidden`)
	b.do(chromedp.KeyEvent(kb.Tab))
	b.until("it has the focus", `document.activeElement.id === "set-level"`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("it is asked for", `document.getElementById("confirm").open`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("the level is as it was, and has the focus", `document.getElementById("level").value === "info" && document.activeElement.id === "level"`)
	at("#reload", kb.Enter)
	b.untilSays("#confirm", "Nothing would change")
	at("#confirm-yes", kb.Enter)
	b.untilSays("#said", "in force already")
	b.until("the focus is back", `document.activeElement.id === "reload"`)
}

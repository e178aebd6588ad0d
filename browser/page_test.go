package browser

import (
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestPageIsLive(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	const line = `document.querySelector("#chart-rate .chart .line.a")?.getAttribute("d")`
	s.load(5*time.Millisecond, "api.example.com /v1/a", "h /users/1", "h /broken", "h /ping")
	b.until("requests a second are told", `parseFloat(document.querySelector("[data-tile=Requests] dd").textContent) > 5`)
	b.until("errors are told", `parseFloat(document.querySelector("[data-tile=Errors] dd").textContent) > 0`)
	b.until("a line is drawn", line+`?.includes("L")`)
	before := value[string](b, line)
	b.until("it goes on", line+` !== `+fmt.Sprintf("%q", before))
	b.untilSays("#chart-rate .summary", "requests a second, at most")
	b.untilSays("#chart-time .summary", "99 of 100 up to")
	for _, route := range []string{"api", "canary", "users", "ping", "rest"} {
		b.untilSays("#route-rows", route)
	}
	if got := b.text("#route-rows tr"); !strings.Contains(got, "api.example.com/v1/*") {
		t.Errorf("the first route: %s", got)
	}
	b.until("shares of the traffic are told", `[...document.querySelectorAll("[aria-labelledby=upstream-api] .bar > span")].some(e => parseInt(e.textContent) > 40)`)
	b.press("#route-rows tr:nth-child(3) button") // its charts
	b.until("the scope is chosen", `document.getElementById("scope").selectedOptions[0].text === "route users"`)
	b.until("its line is drawn", line+`?.includes("L")`)
	b.do(chromedp.Focus(chromedp.CSS("#chart-rate .chart")), chromedp.KeyEvent(kb.ArrowLeft))
	b.untilSays("#chart-rate .readout", "errors")
}

// TestTunnelsAreShown: those that are open, and no more when they have ended.
func TestTunnelsAreShown(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	b.untilSays("[data-tile='In flight']", "0 tunnels")
	c, err := net.Dial("tcp", s.listen)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET /tunnel HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	b.untilSays("[data-tile='In flight']", "1 tunnel")
	b.untilSays("[data-tile=Connections] dd", "1")
	_ = c.Close()
	b.untilSays("[data-tile='In flight']", "0 tunnels")
}

// TestHistoryIsThereAtOnce: a page that is opened late shows what was before.
func TestHistoryIsThereAtOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "h /ping")
	s.until("samples are there", func() bool {
		var h struct{ Requests []*float64 }
		s.fetch("/history", &h)
		return len(h.Requests) > 3
	})
	b := s.show(desktop)
	b.until("the line has their points", `document.querySelector("#chart-rate .chart .line.a")?.getAttribute("d").split("L").length >= 3`)
}

func TestBadEditIsShown(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	before, after, _ := strings.Cut(s.text, `"HEAD"], "upstream": `)
	s.write(before + `"HEAD"], "upstream": "usres"` + strings.TrimPrefix(after, `"users"`))
	lines := strings.Split(before+`"HEAD"], "upstream": `, "\n")
	place := fmt.Sprintf("line %d, column %d", len(lines), len(lines[len(lines)-1])+1)
	b.untilSays("#alerts", place+`: unknown upstream "usres"`)
	b.untilSays("#reload-list li", place)
	if got := b.text("#reload-list li mark"); got != `"usres"` {
		t.Errorf("marked is %s", got)
	}
	if title := value[string](b, "document.title"); title != "(1) Sluice" {
		t.Errorf("title %q", title)
	}
	b.expect("status of 422")
	b.press("#reload")
	b.untilSays("#confirm", "a reload would be refused")
	b.untilSays("#confirm .place", place)
	b.press("#confirm-yes")
	b.untilSays("#confirm-error", `unknown upstream "usres"`)
	b.press("#confirm-no")
	s.write(strings.Replace(s.text, `"weight": 2`, `"weight": 3`, 1))
	b.until("the alert is gone", `document.getElementById("alerts").childElementCount === 0`)
	b.untilSays("#reload-list li", "upstreams: ~api")
	b.untilSays("[data-tile=Generation]", "2")
	b.press("#reload-list li summary")
	b.untilSays("#reload-list li .changes", "weight: 2 → 3")
}

// TestTakenBackIsShown: an edit with which requests fail, and the guard against it.
func TestTakenBackIsShown(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", func(text string) string {
		return strings.Replace(text, `"upstreams": {`, `"guard": { "window": "30s", "min_requests": 20, "max_rise": 0.3 }, "upstreams": {`, 1)
	})
	s.load(5*time.Millisecond, "h /a")
	s.until("requests are served", func() bool { return s.origins[0].requests.Load() > 20 })
	b := s.show(desktop)
	gone := newOrigin(t, "")
	gone.ill.Store(true)
	s.write(strings.NewReplacer(`"name": "rest", "path": "/*", "upstream": "api"`, `"name": "rest", "path": "/*", "upstream": "bad"`,
		`"upstreams": {`, `"upstreams": { "bad": { "targets": [ { "address": "`+gone.addr+`" } ] },`).Replace(s.text))
	b.untilSays("#alerts", "was taken back")
	b.untilSays("#reload-list li", "taken back")
	b.expect("status of 422")
	b.press("#reload")
	b.untilSays("#confirm-yes", "Reload all the same")
	b.press("#confirm-yes")
	b.untilSays("#said", "is in force.")
	b.until("nothing is taken back any more", `!document.getElementById("alerts").innerText.includes("taken back")`)
}

func TestIllTargetIsShown(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	s.origins[1].ill.Store(true)
	b.untilSays(row("api", s.origins[1].addr), "down")
	b.untilSays(row("api", s.origins[1].addr), "failed checks in a row")
	b.untilSays("#alerts", s.origins[1].addr+" is down")
	s.origins[1].ill.Store(false)
	b.untilSays(row("api", s.origins[1].addr), "good checks in a row")
}

func TestExplain(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	b.fill("#explain-url", "http://api.example.com/v1/a?b=<script>")
	b.fill("#explain-headers", "X-Canary: 1\nX-User-Id: ada")
	b.press("#explain-form button")
	for _, part := range []string{"Forwarded to upstream users, by route canary", "/a?b=<script>", "1, its owner", "hash "} {
		b.untilSays("#explain-answer", part)
	}
	b.untilSays("#explain-answer", "does not match /ping")
	b.expect("status of 400")
	b.fill("#explain-headers", "no colon")
	b.press("#explain-form button")
	b.untilSays("#explain-answer .error", "no colon")
	b.fill("#explain-headers", "Host: h")
	b.fill("#explain-url", "/ping")
	b.press("#explain-form button")
	b.untilSays("#explain-answer", "Answered by Sluice with 200, by route ping")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "api.example.com /v1/a")
	b := s.show(desktop)
	at := row("api", s.origins[0].addr)
	share := fmt.Sprintf(`parseInt(document.querySelector(%q).textContent)`, at+" .bar > span")
	b.until("it has most of the traffic", share+" > 50")
	b.press(at + " button")
	b.untilSays("#confirm", "gets no new requests from now on")
	b.press("#confirm-no")
	b.until("the dialog is closed", `!document.getElementById("confirm").open`)
	if got := b.text(at); strings.Contains(got, "drained") {
		t.Errorf("cancelled, and yet: %s", got)
	}
	b.press(at + " button")
	b.press("#confirm-yes")
	b.untilSays(at+" .state", "drained")
	b.untilSays("#said", "is drained")
	b.until("its share is 0", share+" === 0")
	before := s.origins[0].requests.Load()
	others := s.origins[1].requests.Load()
	s.until("others are asked", func() bool { return s.origins[1].requests.Load() > others+50 })
	if after := s.origins[0].requests.Load(); after != before {
		t.Errorf("%d requests to the drained target", after-before)
	}
	b.press(at + " button")
	b.untilSays("#confirm", "gets new requests again")
	b.press("#confirm-yes")
	b.untilSays(at+" .state", "up")
	b.until("it has traffic again", share+" > 20")
}

func TestLogLevelAndReload(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	b.fill("#level", "debug")
	b.press("#set-level")
	b.untilSays("#confirm", "debug holds at once")
	b.press("#confirm-yes")
	b.untilSays("#said", "The log level is debug.")
	var level struct{ Level string }
	if s.fetch("/log", &level); level.Level != "debug" {
		t.Errorf("the level is %s", level.Level)
	}
	b.press("#reload")
	b.untilSays("#confirm", "Nothing would change")
	b.press("#confirm-yes")
	b.untilSays("#said", "in force already")
	b.untilSays("#reload-list li", "unchanged")
}

// TestKeyboardOnly drains a target without a pointer.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	tabTo := func(what, script string) {
		t.Helper()
		for range 120 {
			b.do(chromedp.KeyEvent(kb.Tab))
			if value[bool](b, "!!("+script+")") {
				if !value[bool](b, `document.activeElement.matches(":focus-visible") && getComputedStyle(document.activeElement).outlineStyle !== "none"`) {
					t.Errorf("that %s has the focus is not to be seen", what)
				}
				return
			}
		}
		t.Fatalf("%s is not reached by the tab key", what)
	}
	tabTo("the skip link", `document.activeElement.className === "skip"`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("it skips", `document.activeElement.id === "main"`)
	tabTo("a chart", `document.activeElement.classList.contains("chart")`)
	drain := fmt.Sprintf(`document.activeElement.getAttribute("aria-label") === "Drain… %s of api"`, s.origins[2].addr)
	tabTo("the button", drain)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.until("the dialog is open", `document.getElementById("confirm").open`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.until("it is closed, and the focus back", `!document.getElementById("confirm").open && `+drain)
	b.do(chromedp.KeyEvent(" "))
	b.until("the dialog is open again", `document.getElementById("confirm").open`)
	tabTo("the confirmation", `document.activeElement.id === "confirm-yes"`)
	b.do(chromedp.KeyEvent(kb.Enter))
	b.untilSays(row("api", s.origins[2].addr)+" .state", "drained")
}

// ownAddress returns an address of this machine that is not loopback.
func ownAddress(t *testing.T) string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	t.Skip("this machine has only loopback addresses")
	return ""
}

// TestFromElsewhere: who does not come from loopback may look, and change things
// with the token only.
func TestFromElsewhere(t *testing.T) {
	t.Parallel()
	host := ownAddress(t)
	b := serve(t, host, nil).show(desktop)
	b.untilSays("#may", "read only")
	if !value[bool](b, `document.getElementById("reload").disabled && [...document.querySelectorAll("#upstream-list td button")].every(e => e.disabled)`) {
		t.Error("buttons that could do nothing are to be pressed")
	}
	const token = "0123456789abcdef-token"
	s := serve(t, host, func(text string) string {
		return strings.Replace(text, `"admin": {`, `"admin": { "token": "`+token+`",`, 1)
	})
	b = s.show(desktop)
	b.expect("status of 401")
	b.untilSays("#may", "changes need the token")
	b.press(row("api", s.origins[0].addr) + " button")
	b.fill("#token", "wrong")
	b.press("#confirm-yes")
	b.untilSays("#confirm-error", "need the token")
	b.fill("#token", token)
	b.press("#confirm-yes")
	b.untilSays(row("api", s.origins[0].addr)+" .state", "drained")
}

// TestSluiceGone: a page whose server is gone says so, and is live again after.
func TestPageSaysThatItIsStale(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	b := s.show(desktop)
	b.expect("ERR_CONNECTION_REFUSED")
	b.expect("ERR_CONNECTION_RESET")
	b.expect("ERR_EMPTY_RESPONSE")
	other := reserve(t, "127.0.0.1")
	s.write(strings.Replace(s.text, s.admin, other, 1))
	b.untilSays("#link", "no answer")
	b.untilSays("#alerts", "does not answer. What stands here is of ")
	for _, what := range value[[]string](b, audit) {
		t.Error(what)
	}
	s.write(s.text)
	b.untilSays("#link", "live")
	b.until("nothing is the matter any more", `document.getElementById("alerts").childElementCount === 0`)
}

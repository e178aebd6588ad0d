package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// tab is the page in a tab of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu      sync.Mutex
	trouble []string // errors of the console, and requests to elsewhere
	allowed []string // parts of errors that the test provokes
}

// view is how a tab is looked at.
type view struct {
	width, height int
	dark          bool
}

var desktop = view{width: 1280, height: 900}

// show opens the page of a site. At the end of the test it must have had no
// errors, and asked nobody but the site.
func (s *site) show(v view) *tab {
	s.t.Helper()
	ctx, end := chromedp.NewContext(chrome)
	b := &tab{t: s.t, ctx: ctx}
	own := "http://" + s.admin + "/"
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	_, media := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	_, size := chromedp.Call(ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: int64(v.width), Height: int64(v.height), DeviceScaleFactor: 1, Mobile: v.width < 500,
	})
	_, net := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, logs := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	listening := chromedp.Listen(ctx, func(event any) { b.notice(event, own) })
	if err := errors.Join(media, size, net, logs, listening); err != nil {
		s.t.Fatalf("cannot open a tab: %v", err)
	}
	b.do(chromedp.Navigate(own))
	s.t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, what := range b.trouble {
			s.t.Errorf("in the browser: %s", what)
		}
		end()
	})
	b.until("the page is live", `document.getElementById("link").textContent === "live"`)
	return b
}

func (b *tab) notice(event any, own string) {
	what := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		what = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			what += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type != runtime.ConsoleAPICalledTypeError && e.Type != runtime.ConsoleAPICalledTypeWarning {
			return
		}
		what = "console: "
		for _, a := range e.Args {
			what += string(a.Value) + a.Description + " "
		}
	case *log.EventEntryAdded:
		if e.Entry.Level != log.EntryLevelError && e.Entry.Level != log.EntryLevelWarning {
			return
		}
		what = "log: " + e.Entry.Text + " " + e.Entry.URL
	case *network.EventRequestWillBeSent:
		if strings.HasPrefix(e.Request.URL, own) {
			return
		}
		what = "a request to " + e.Request.URL
	default:
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, part := range b.allowed {
		if strings.Contains(what, part) {
			return
		}
	}
	b.trouble = append(b.trouble, what)
}

// expect lets errors pass that have a part.
func (b *tab) expect(part string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.allowed = append(b.allowed, part)
}

// do does one thing after the other.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%v; the page says: %s", err, b.text("body"))
	}
}

// get returns what an action comes to.
func get[T any](b *tab, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatal(err)
	}
	return v
}

// value returns what a script comes to.
func value[T any](b *tab, script string) T {
	b.t.Helper()
	return get(b, chromedp.Evaluate[T](script))
}

// text returns what can be read within the first element of a selector.
func (b *tab) text(selector string) string {
	name, _ := json.Marshal(selector)
	text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%s)?.innerText ?? "(none)"`, name)))
	return text
}

// until waits for a script to come to true.
func (b *tab) until(what, script string) {
	b.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+script+")")); err == nil && ok {
			return
		}
	}
	b.t.Fatalf("waited in vain: %s; the page says: %s", what, strings.Join(strings.Fields(b.text("body")), " "))
}

func (b *tab) untilSays(selector, part string) {
	b.t.Helper()
	name, _ := json.Marshal(selector)
	want, _ := json.Marshal(part)
	b.until(fmt.Sprintf("%s says %q", selector, part), fmt.Sprintf(`document.querySelector(%s)?.innerText.includes(%s)`, name, want))
}

// press presses a button, and whatever is in its way gets the press instead.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.do(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// fill gives a control a value, as a user would have.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	name, _ := json.Marshal(selector)
	content, _ := json.Marshal(text)
	value[bool](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%s);
		e.value = %s;
		e.dispatchEvent(new Event("input", { bubbles: true }));
		return e.dispatchEvent(new Event("change", { bubbles: true }));
	})()`, name, content))
}

// row is the selector of a target's row.
func row(upstream, target string) string {
	return fmt.Sprintf(`[aria-labelledby="upstream-%s"] tr[data-target="%s"]`, upstream, target)
}

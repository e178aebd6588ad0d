package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// audit finds text that is hard to read, controls without a name, and ids that
// are there twice.
const audit = `(() => {
  const found = [];
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }).reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  for (const e of document.querySelectorAll("body *")) {
    if (!e.checkVisibility() || e.closest(".unseen, .skip, :disabled, noscript, option")) continue;
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own) continue;
    const style = getComputedStyle(e), svg = e.namespaceURI.endsWith("svg");
    const a = light(rgba(svg ? style.fill : style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push("contrast " + ratio.toFixed(2) + " of " + e.textContent.trim().slice(0, 40));
  }
  const against = (e, colour, least, what) => {
    const a = light(rgba(colour)), b = light(ground(e.parentElement)), ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) found.push("contrast " + ratio.toFixed(2) + " of " + what);
  };
  for (const e of document.querySelectorAll("input, select, textarea, button:not(.plain)")) {
    if (!e.checkVisibility() || e.disabled) continue;
    against(e, getComputedStyle(e).borderTopColor, 3, "the border of " + (e.id || e.textContent));
    if (e.placeholder) against(e, getComputedStyle(e, "::placeholder").color, 4.5, "the placeholder of " + e.id);
  }
  for (const e of document.querySelectorAll(".chart .line, .spark .line, .state svg")) against(e, getComputedStyle(e).stroke, 3, "a line: " + e.getAttribute("class"));
  for (const e of document.querySelectorAll("button, select, input, summary, .jump a, footer a")) {
    const box = e.getBoundingClientRect();
    if (e.checkVisibility() && !e.matches(".plain, .skip") && (box.height < 24 || box.width < 24)) found.push("hard to hit: " + (e.id || e.textContent) + ", " + box.width + " by " + box.height);
  }
  for (const e of document.querySelectorAll("button, a[href], input, select, textarea, svg[tabindex], [role=region], table, dialog")) {
    const name = e.getAttribute("aria-label") || e.textContent.trim() || [...(e.labels ?? [])].map((l) => l.textContent).join("") ||
      document.getElementById(e.getAttribute("aria-labelledby"))?.textContent;
    if (!name) found.push("no name: " + e.outerHTML.slice(0, 80));
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push("twice the id " + id);
  for (const mark of ["header", "nav", "main", "footer", "h1"]) if (!document.querySelector(mark)) found.push("no " + mark);
  return found;
})()`

// outside has what reaches beyond the right edge, but for what can be scrolled.
const outside = `[...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".answer pre, .skip, .unseen, svg, thead, option") &&
  e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5).map((e) => e.outerHTML.slice(0, 80))`

// TestLook looks at the page in light and dark, on a desk and on a phone: nothing
// sticks out, and all can be read.
func TestLook(t *testing.T) {
	t.Parallel()
	s := serve(t, "127.0.0.1", nil)
	s.load(5*time.Millisecond, "api.example.com /v1/a", "h /users/1", "h /broken", "h /missing", "h /ping")
	s.origins[2].ill.Store(true)
	s.write(strings.Replace(s.text, `"upstream": "users"`, `"upstream": "usres"`, 1))
	for name, v := range map[string]view{
		"light": desktop, "dark": {1280, 900, true}, "phone": {360, 740, false}, "phone, dark": {360, 740, true}, "tablet": {820, 1100, false},
	} {
		t.Run(name, func(t *testing.T) {
			inner := *s
			inner.t = t
			b := inner.show(v)
			b.until("errors are told", `parseFloat(document.querySelector("[data-tile=Errors] dd").textContent) > 0`)
			b.untilSays(row("api", s.origins[2].addr), "down")
			b.untilSays("#reload-list li mark", "usres")
			b.fill("#explain-url", "http://api.example.com/v1/a")
			b.press("#explain-form button")
			b.untilSays("#explain-answer", "Forwarded to upstream api")
			if wide := value[int](b, "document.documentElement.scrollWidth"); wide > v.width {
				t.Errorf("%d wide in %d", wide, v.width)
			}
			for _, what := range value[[]string](b, audit) {
				t.Error(what)
			}
			for _, what := range value[[]string](b, outside) {
				t.Errorf("out of sight at the right: %s", what)
			}
			b.expect("status of 422")
			b.press("#reload")
			b.untilSays("#confirm", "a reload would be refused")
			for _, what := range value[[]string](b, audit) {
				t.Errorf("in the dialog: %s", what)
			}
			if dir := os.Getenv("LOOK"); dir != "" {
				b.do(chromedp.Click(chromedp.CSS("#confirm-no")))
				b.picture(filepath.Join(dir, name+".png"), true)
			}
		})
	}
}

// TestLookOfLongNames: names without a place to break, in a config that is wrong with
// a long message, stick out nowhere.
func TestLookOfLongNames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("very_long_name_", 7) + "end"
	s := serve(t, "127.0.0.1", func(text string) string {
		return strings.NewReplacer(`"users"`, `"`+long+`"`, `"name": "rest", "path": "/*"`, `"name": "rest-`+long+`", "path": "/`+long+`/*"`,
			`"X-Canary": "1"`, `"X-`+strings.ReplaceAll(long, "_", "-")+`": "`+long+`"`).Replace(text)
	})
	s.load(5*time.Millisecond, "h /users/1", "h /"+long+"/1", "h /nowhere")
	s.write(strings.Replace(s.text, `"upstream": "`+long, `"upstream": "x`+long, 1))
	for _, v := range []view{{360, 740, true}, {700, 800, false}, desktop} {
		b := s.show(v)
		b.untilSays("#alerts", "unknown upstream")
		b.fill("#explain-url", "http://"+strings.Repeat("label.", 20)+"example/"+long+"/"+long+"?"+long)
		b.press("#explain-form button")
		b.untilSays("#explain-answer", "Forwarded to upstream api")
		for _, what := range value[[]string](b, outside) {
			t.Errorf("at a width of %d, out of sight at the right: %s", v.width, what)
		}
		if wide := value[int](b, "document.documentElement.scrollWidth"); wide > v.width {
			t.Errorf("%d wide in %d", wide, v.width)
		}
		b.expect("status of 422")
		b.press("#reload")
		b.untilSays("#confirm", "a reload would be refused")
		if wide := value[int](b, `document.getElementById("confirm").scrollWidth - document.getElementById("confirm").clientWidth`); wide > 0 {
			t.Errorf("at a width of %d the dialog is %d too wide within", v.width, wide)
		}
		b.press("#confirm-no")
		if dir := os.Getenv("LOOK"); dir != "" {
			b.picture(filepath.Join(dir, fmt.Sprintf("long-%d.png", v.width)), true)
		}
	}
}

// picture writes what is to be seen, or the whole page, to a file.
func (b *tab) picture(file string, whole bool) {
	b.t.Helper()
	shot := chromedp.CaptureScreenshot()
	if whole {
		shot = chromedp.FullScreenshot(100)
	}
	png := get(b, shot)
	if err := os.WriteFile(file, png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// TestScreenshots makes the pictures of the docs, if asked to.
func TestScreenshots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots")
	}
	if chrome == nil {
		t.Skip(noneWhy)
	}
	s := &site{t: t, file: filepath.Join(t.TempDir(), "config.json"), listen: "127.0.0.10:8080", admin: reserve(t, "127.0.0.1")}
	for i := range 3 {
		s.origins = append(s.origins, newOrigin(t, fmt.Sprintf("127.0.0.1%d:9001", i+1)))
	}
	s.run(nil)
	s.load(4*time.Millisecond, "api.example.com /v1/orders", "api.example.com /v1/orders", "h /users/1", "h /ping", "api.example.com /v1/carts",
		"api.example.com /v1/orders", "h /missing", "h /", "h /users/1", "api.example.com /v1/orders", "h /broken")
	surge := time.AfterFunc(20*time.Second, func() { s.origins[2].ill.Store(true) })
	defer surge.Stop()
	light, dark := s.show(desktop), s.show(view{1280, 900, true})
	light.press(row("api", s.origins[1].addr) + " button")
	light.press("#confirm-yes")
	light.untilSays(row("api", s.origins[2].addr), "down")
	// For charts worth looking at.
	time.Sleep(75 * time.Second)
	for name, b := range map[string]*tab{"light": light, "dark": dark} {
		value[bool](b, `(scrollTo(0, 0), document.activeElement.blur(), true)`)
		b.picture(filepath.Join(*shots, "dashboard-"+name+".png"), false)
	}
	s.write(strings.Replace(s.text, `"weight": 2`, `"weight": 3`, 1))
	light.untilSays("#reload-list li", "upstreams: ~api")
	s.write(strings.Replace(s.text, `"upstream": "users"`, `"upstream": "usres"`, 1))
	phone, edit := s.show(view{390, 780, false}), s.show(view{900, 660, false})
	for _, b := range []*tab{phone, edit} {
		b.untilSays("#alerts", "usres")
	}
	phone.picture(filepath.Join(*shots, "phone.png"), false)
	edit.press("#reload-list li:nth-child(2) summary")
	edit.fill("#explain-url", "http://api.example.com/v1/orders?id=1")
	edit.fill("#explain-headers", "X-Canary: 1\nX-User-Id: ada")
	value[bool](edit, `(document.getElementById("reloads").scrollIntoView(), document.activeElement.blur(), true)`)
	edit.picture(filepath.Join(*shots, "edit.png"), false)
	edit.press("#explain-form button")
	edit.untilSays("#explain-answer", "Forwarded to upstream users")
	value[bool](edit, `(document.getElementById("explain-answer").scrollIntoView(), document.activeElement.blur(), true)`)
	edit.picture(filepath.Join(*shots, "explain.png"), false)
}

package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// patience is how long anything that has to happen may take. It only matters to
// a test that fails.
const patience = 90 * time.Second

var shots = flag.String("shots", "", "a `folder` to write the pictures of the docs to")

var (
	sluice  string          // the built product
	chrome  context.Context // the running browser; nil where there is none
	noneWhy = "no chromium: apt-get install chromium"
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	program := browserPath()
	if program == "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "sluice-browser-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	sluice = filepath.Join(dir, "sluice")
	cmd := exec.Command("go", "build", "-o", sluice, ".")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "cannot build the binary: %v\n%s", err, out)
		return 1
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program),
		chromedp.UserDataDir(filepath.Join(dir, "profile")), chromedp.WSURLReadTimeout(patience),
		chromedp.NoSandbox, // which chromium demands of root
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("force-color-profile", "srgb"))
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	defer free()
	browser, end := chromedp.NewContext(allocator)
	defer end()
	if _, err := chromedp.Run(browser, chromedp.Title()); err != nil {
		fmt.Fprintf(os.Stderr, "cannot start %s: %v\n", program, err)
		return 1
	}
	chrome = browser
	return m.Run()
}

func browserPath() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

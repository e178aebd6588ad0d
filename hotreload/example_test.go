package hotreload_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sluiceproxy/sluice/hotreload"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "config.json")
	save := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			panic(err)
		}
	}

	save("one")
	w, err := hotreload.New(hotreload.Options{
		Path: path,
		Apply: func(c hotreload.Change) error {
			if string(c.Data) == "broken" {
				return errors.New("it is broken")
			}
			return nil
		},
	})
	if err != nil {
		panic(err)
	}
	w.Seen([]byte("one"))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go w.Run(ctx)

	for _, content := range []string{"one", "broken", "two"} {
		save(content)
		w.Reload(ctx, "signal") // or leave it to the watcher, a moment later
		s := w.Last()
		fmt.Println(s.Last.Result, s.Last.Err, "in force:", s.InForce.Sum)
	}
	// Output:
	// unchanged <nil> in force: 7692c3ad3540
	// refused it is broken in force: 7692c3ad3540
	// applied <nil> in force: 3fc4ccfe7458
}

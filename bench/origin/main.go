// Command origin is the application behind the proxies of the bench: package
// demo's origins in a process of their own, so that their CPU time is nobody else's.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/sluiceproxy/sluice/demo"
)

func main() {
	addresses := flag.String("listen", "127.0.0.1:0", "host:port of each origin, separated by `commas`")
	flag.Parse()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	for i, address := range strings.Split(*addresses, ",") {
		o, err := demo.Start(demo.Options{Name: fmt.Sprintf("origin%d", i+1), Address: address})
		if err != nil {
			fmt.Fprintf(os.Stderr, "origin: %v\n", err)
			os.Exit(1)
		}
		fmt.Println(o.Addr())
	}
	<-signals
}

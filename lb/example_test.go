package lb_test

import (
	"fmt"

	"github.com/sluiceproxy/sluice/lb"
)

// Weights 5, 1, 1 mix the light nodes in among the turns of the heavy one.
func Example() {
	a, b, c := lb.NewNode("a"), lb.NewNode("b"), lb.NewNode("c")
	members := []lb.Member{{Node: a, Weight: 5}, {Node: b, Weight: 1}, {Node: c, Weight: 1}}
	picker, err := lb.New("weighted", members, lb.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	for now := range int64(7) {
		node := picker.Pick(lb.Request{Now: now})
		node.Start()
		fmt.Print(node.ID(), " ")
		node.Done(now+1, 1, true)
	}
	// Output: a a b a c a a
}

// A request whose node failed is picked another one for.
func ExampleTried() {
	a, b := lb.NewNode("a"), lb.NewNode("b")
	members := []lb.Member{{Node: a, Weight: 1}, {Node: b, Weight: 1, Backup: true}}
	picker, err := lb.New("consistent_hash", members, lb.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	var tried lb.Tried
	request := lb.Request{Key: lb.KeyString("user-7"), Tried: &tried}
	for node := picker.Pick(request); node != nil; node = picker.Pick(request) {
		fmt.Println(node.ID())
		tried.Add(node)
	}
	// Output:
	// a
	// b
}

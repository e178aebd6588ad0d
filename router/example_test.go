package router_test

import (
	"fmt"

	"github.com/sluiceproxy/sluice/router"
)

func Example() {
	table, err := router.Compile([]router.Rule{
		{Name: "rest", Path: "/*"},
		{Name: "api", Hosts: []string{"api.example.com", "*.api.example.com"}, Path: "/v1/*", Methods: []string{"GET", "POST"}},
		{Name: "user", Path: "/users/:id"},
		{Name: "me", Path: "/users/me"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range [][3]string{
		{"GET", "eu.api.example.com", "/v1/orders"},
		{"PUT", "api.example.com", "/v1/orders"},
		{"GET", "example.com", "/users/me"},
		{"GET", "example.com", "/users/42"},
	} {
		path := []byte(r[2])
		route, _ := table.Match([]byte(r[1]), []byte(r[0]), path, nil)
		id, _ := route.Param(path, "id")
		rest, _ := route.Param(path, "*")
		fmt.Printf("%s %s%s: %s, id %q, rest %q\n", r[0], r[1], r[2], route.Name, id, rest)
	}
	// Output:
	// GET eu.api.example.com/v1/orders: api, id "", rest "orders"
	// PUT api.example.com/v1/orders: rest, id "", rest "v1/orders"
	// GET example.com/users/me: me, id "", rest ""
	// GET example.com/users/42: user, id "42", rest ""
}

func ExampleCompile_conflict() {
	_, err := router.Compile([]router.Rule{
		{Name: "by-id", Path: "/users/:id"},
		{Name: "by-name", Path: "/users/:name", Methods: []string{"GET"}}, // one predicate more: no tie
		{Name: "posted", Path: "/users/:user", Methods: []string{"GET", "POST"}},
	})
	fmt.Println(err)
	// Output:
	// routes "by-name" and "posted" tie: both take /users/:name and /users/:user on any host, and neither is more specific; make their methods differ or let one ask for more
}

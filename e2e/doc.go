// Package e2e tests the built binary from outside: real configs, origins and
// clients, and nothing of the product imported. It is a module of its own so
// that what only these tests need stays out of the product's.
//
// go test ./... in the folder above runs it too.
package e2e

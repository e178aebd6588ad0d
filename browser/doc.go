// Package browser tests the admin interface's page in a real browser: Debian's
// chromium, against the built binary with origins and traffic. It is a module of
// its own so that what drives the browser stays out of the product's. Where there
// is no chromium, its tests are skipped and say so.
//
//	go test ./...
//	go test -run Screenshots -shots ../docs/img    # the pictures in docs/OPERATIONS.md
package browser

module github.com/sluiceproxy/sluice/faults

go 1.26.0

require (
	github.com/Shopify/toxiproxy/v2 v2.5.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
)

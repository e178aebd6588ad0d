#!/bin/sh
# Measures Sluice beside nginx, HAProxy and Caddy; see bench/README.md, or bench/run.sh -h.
set -eu
cd "$(dirname "$0")/.."
mkdir -p bench/out
go build -o bench/out/bench ./bench
exec bench/out/bench "$@"

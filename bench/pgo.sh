#!/bin/sh
# Makes default.pgo, by which `go build` optimises Sluice: runs loads as a sidecar
# sees them against Sluice, fetches a CPU profile of each through the admin
# interface, and merges them by weight.
#
#   bench/pgo.sh              about four minutes, then default.pgo is new
#   bench/pgo.sh -rounds 1    further arguments are those of bench/run.sh
set -eu
cd "$(dirname "$0")/.."

most=500000 # bytes; it lies in the repository
out=bench/out/pgo
rm -rf "$out"
mkdir -p "$out"

bench/run.sh -proxies sluice -cases small,post1k,16k,newconn,log -rounds 3 -duration 10s -profile "$out" "$@"

# A profile named twice counts twice.
weighed=
weigh() {
	for profile in "$out/$1"-*.pprof; do
		i=0
		while [ $i -lt "$2" ]; do
			weighed="$weighed $profile"
			i=$((i + 1))
		done
	done
}
weigh small 3
weigh log 2
weigh post1k 2
weigh 16k 1
weigh newconn 1

go tool pprof -proto $weighed >"$out/merged.pgo" 2>"$out/pprof.log" || { cat "$out/pprof.log"; exit 1; }
size=$(wc -c <"$out/merged.pgo")
if [ "$size" -gt $most ]; then
	echo "pgo: $size bytes are more than $most; fewer -rounds or a shorter -duration make it smaller" >&2
	exit 1
fi
mv "$out/merged.pgo" default.pgo
go build -o "$out/sluice" .
echo "pgo: default.pgo is written, $size bytes; go build takes it up by itself" >&2

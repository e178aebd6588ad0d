#!/usr/bin/env bash
# Runs slowhttptest (apt-get install slowhttptest) in its four modes against Sluice
# with its default limits, while a good client asks on a new connection ten times a
# second, and prints one table. All of it is on loopback. Environment:
#   CONNECTIONS  slow connections at once (800)
#   SECONDS_EACH length of each mode (40)
#   SLUICE       a binary in place of a build of this folder
# The exit code is 1 if a good request failed, or slowhttptest found the service gone.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in slowhttptest curl; do
	if ! command -v "$program" >/dev/null; then
		echo "skipped: $program is not installed"
		exit 0
	fi
done

connections=${CONNECTIONS:-800}
length=${SECONDS_EACH:-40}
ulimit -n 8192 2>/dev/null || true

work=$(mktemp -d)
started=()
finish() {
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	rm -rf "$work"
}
trap finish EXIT

sluice=${SLUICE:-$work/sluice}
[ -n "${SLUICE:-}" ] || go build -o "$sluice" .
go build -o "$work/origin" ./bench/origin

"$work/origin" >"$work/origin.log" 2>&1 &
started+=($!)

free_port() {
	local port
	while :; do
		port=$((20000 + RANDOM % 10000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
}

until_ready() {
	for _ in $(seq 100); do
		! "$@" || return 0
		sleep 0.1
	done
	cat "$work"/*.log
	return 1
}

until_ready test -s "$work/origin.log"
port=$(free_port)
cat >"$work/config.json" <<END
{
	"listeners": [ { "address": "127.0.0.1:$port" } ],
	"log": { "level": "warn" },
	"upstreams": { "origin": { "targets": [ { "address": "$(head -1 "$work/origin.log")" } ] } },
	"routes": [ { "name": "all", "path": "/*", "upstream": "origin" } ]
}
END
"$sluice" run -config "$work/config.json" >"$work/sluice.log" 2>&1 &
pid=$!
started+=("$pid")
base=http://127.0.0.1:$port
until_ready curl -sf -o "$work/body" "$base/bench"

# good asks until the file $work/stop is there; a line for each request: status and seconds.
good() {
	while [ ! -e "$work/stop" ]; do
		curl -s -m 10 -o "$work/body" -w '%{http_code} %{time_total}\n' "$base/bench" || true
		sleep 0.1
	done
}

resident() { awk '/^VmRSS:/ { printf "%.1f", $2 / 1024 }' "/proc/$pid/status"; }

failed=0
# attack NAME ARGS… runs one mode and prints its line of the table.
attack() {
	local name=$1 client
	shift
	rm -f "$work/stop"
	good >"$work/good" &
	client=$!
	local begun=$SECONDS peak=0 closed=0 gone=0 memory
	# It ends when no connection is left, which may be long before the time is over.
	while [ $((SECONDS - begun)) -lt "$length" ]; do
		slowhttptest -c "$connections" -r 200 -l $((length + begun - SECONDS)) -p 5 -g -o "$work/slow" "$@" >"$work/slow.log" 2>&1 || true
		# Seconds,Closed,Pending,Connected,Service Available (0 while it is not).
		read -r peak closed gone < <(awk -F, -v peak=$peak -v closed=$closed -v gone=$gone '
			NR > 1 { if ($4 > peak) peak = $4; last = $2; if ($5 == 0) gone++ }
			END { print peak, closed + last, gone }' "$work/slow.csv")
	done
	memory=$(resident)
	touch "$work/stop"
	wait "$client"
	local asked bad p99 worst
	asked=$(wc -l <"$work/good")
	bad=$(awk '$1 != 200' "$work/good" | wc -l)
	p99=$(awk '{ print $2 * 1000 }' "$work/good" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR * 99 + 99) / 100)] }')
	worst=$(awk '{ print $2 * 1000 }' "$work/good" | sort -n | tail -1)
	echo "| $name | $((SECONDS - begun)) | $peak | $closed | $gone | $asked | $bad | $p99 | $worst | $memory |"
	[ "$asked" -gt 0 ] && [ "$bad" -eq 0 ] && [ "$gone" -eq 0 ] || failed=1
}

echo "| mode | s | most open | closed | service gone | good requests | failed | p99 ms | max ms | RSS MiB |"
echo "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
attack "slow headers (-H)" -H -i 1 -x 24 -t GET -u "$base/bench"
attack "slow body (-B)" -B -i 1 -x 10 -s 8192 -t POST -u "$base/echo"
# Half as many ranges as by default, which fit in the default header_bytes; and an
# origin slow enough that many are open at once.
attack "range (-R)" -R -a 10 -b 1500 -t HEAD -u "$base/slow?ms=2000"
attack "slow read (-X)" -X -n 1 -w 512 -y 1024 -z 32 -k 3 -u "$base/bytes/1000000"

if [ "$failed" -ne 0 ]; then
	echo "verdict: good requests failed, or the service was found gone"
	exit 1
fi
echo "verdict: ok: good clients were served throughout"

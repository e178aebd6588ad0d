#!/bin/sh
# Runs the micro-benchmarks of the request path and compares them with the recorded
# baseline by benchstat, which Go fetches when it is not there yet.
#
#   bench/micro.sh             compare with bench/results/micro-baseline.txt
#   bench/micro.sh -record     make this the baseline
#
# COUNT (6) is how often each is run, TIME (100ms) how long, BENCH (.) which of
# them, PACKAGES where. Compare only what one machine has measured, when nothing else runs.
set -eu
cd "$(dirname "$0")/.."

benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
baseline=bench/results/micro-baseline.txt
now=bench/out/micro.txt

case ${1-} in
'' | -record) ;;
*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p;}' "$0"; exit 2 ;;
esac

mkdir -p bench/out
# Not at once into $now: what a failed run leaves is nothing to compare.
trap 'rm -f "$now.part"' EXIT
{
	echo "commit: $(git describe --always --dirty '--exclude=*' --abbrev=12)"
	go test -run '^$' -bench "${BENCH:-.}" -benchmem -count "${COUNT:-6}" -benchtime "${TIME:-100ms}" \
		${PACKAGES:-./wire ./router ./lb ./sock ./proxy ./telemetry}
} >"$now.part" || { cat "$now.part"; exit 1; }
mv "$now.part" "$now"

if [ "${1-}" = -record ]; then
	cp "$now" "$baseline"
	echo "micro: written to $baseline" >&2
	go run "$benchstat" "$baseline"
elif [ -f "$baseline" ]; then
	go run "$benchstat" "baseline=$baseline" "now=$now"
else
	go run "$benchstat" "$now"
	echo "micro: no $baseline to compare with; bench/micro.sh -record makes one" >&2
fi

#!/usr/bin/env bash
# Runs a bench in N processes on this machine at the same time, and prints one report.
#
#   scripts/fleet/local.sh N -- BENCH-ARGUMENT... [-- REPORT-ARGUMENT...]
#   scripts/fleet/local.sh 4 -- --pubs 10 --subs 10 -t 'bench/%i' --rate 5000 -- --fail-if 'p99>20ms'
#
# Each process does everything that the arguments say, so that there are N times as many
# clients and messages. Clients are numbered through all processes, and %i is their number.
#
#   FLEET_MQTT=PATH  the program; default: mqtt in the PATH
#   FLEET_LEAD=2     seconds to connect before the first message is due
#   FLEET_KEEP=DIR   keep each part's result there
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=parts.sh
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

[[ ${1:-} =~ ^[1-9][0-9]{0,3}$ && ${2:-} == -- ]] ||
	die 'usage: local.sh N -- BENCH-ARGUMENT... [-- REPORT-ARGUMENT...]' 2
count=$1
divide "${@:3}"
step=$(clients ${bench[@]+"${bench[@]}"})

tmp=$(mktemp -d)
pids=()
# shellcheck disable=SC2317 # a trap calls it
finish() {
	local pid
	for pid in ${pids[@]+"${pids[@]}"}; do kill "$pid" 2>/dev/null || true; done
	wait
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

shared "${FLEET_LEAD:-2}"
for ((i = 0; i < count; i++)); do
	"$mqtt" bench "${common[@]}" --client-offset $((i * step)) ${bench[@]+"${bench[@]}"} --quiet --format json \
		>"$tmp/part-$i.json" 2>"$tmp/part-$i.json.err" </dev/null &
	pids+=($!)
done
for ((i = 0; i < count; i++)); do
	status=0
	wait "${pids[i]}" || status=$?
	part "part $i" "$tmp/part-$i.json" "$status"
done
pids=()
merge

#!/usr/bin/env bash
# Sends 100,000 lines of JSON through `mqtt pub -l -q 1`, a broker and `mqtt sub`, and
# compares the output with the input byte by byte. It needs nothing but Go.
#
#   scripts/roundtrip.sh            with the broker in the binary
#   scripts/roundtrip.sh HOST PORT  with another broker
set -euo pipefail
cd "$(dirname "$0")/.."

count=100000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mqtt=$work/mqtt
bash scripts/build.sh "$mqtt"

awk -v n="$count" 'BEGIN { for (i = 1; i <= n; i++)
	printf "{\"seq\":%d,\"temp\":%.2f,\"text\":\"h\303\251llo\"}\n", i, i * 0.37 % 40 }' >"$work/in.ndjson"

cat >"$work/job" <<'JOB'
set -eu
# The session exists before the first line is sent, so that none can be missed.
"$1" sub -c -i roundtrip -x 60 -t roundtrip/lines -q 1 -E
"$1" sub -c -i roundtrip -x 60 -t roundtrip/lines -q 1 -C "$2" -W 120 >"$3/out.ndjson" &
"$1" pub -t roundtrip/lines -l -q 1 <"$3/in.ndjson"
wait $!
"$1" sub -i roundtrip -t roundtrip/lines -E
JOB

if (($# == 2)); then
	MQTT_HOST=$1 MQTT_PORT=$2 sh "$work/job" "$mqtt" "$count" "$work"
else
	"$mqtt" broker -- sh "$work/job" "$mqtt" "$count" "$work"
fi
cmp "$work/in.ndjson" "$work/out.ndjson"
echo "$count lines of JSON were sent and received unchanged."

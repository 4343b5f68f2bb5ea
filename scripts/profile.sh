#!/usr/bin/env bash
# Writes cmd/mqtt/default.pgo: a CPU profile of busy commands. The go command finds it there and gives it to the compiler,
# which inlines more in the functions that are called most.
#
#   scripts/profile.sh
#
# Run it after a change to the code that handles each message. An old profile does no harm.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
tmp=$(mktemp -d)
server=
finish() {
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	rm -rf "$tmp"
}
trap finish EXIT

# This build writes a profile of its first 800 ms to the file that PROFILE_TO names. The shortest run takes a second.
cat >"$tmp/profile.go" <<'GO'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
	"time"
)

func init() {
	name := os.Getenv("PROFILE_TO")
	if name == "" {
		return
	}
	file, err := os.Create(name)
	if err != nil {
		panic(err)
	}
	runtime.SetCPUProfileRate(500) // StartCPUProfile keeps this rate, and prints a warning to stderr
	if err := pprof.StartCPUProfile(file); err != nil {
		panic(err)
	}
	time.AfterFunc(800*time.Millisecond, pprof.StopCPUProfile)
}
GO
printf '{"Replace":{"%s":"%s"}}' "$root/cmd/mqtt/profile.go" "$tmp/profile.go" >"$tmp/overlay.json"
go build -pgo=off -overlay "$tmp/overlay.json" -o "$tmp/mqtt" ./cmd/mqtt
go build -o "$tmp/wire" ./scripts/wire

# serve COMMAND...: starts a server in the background, which writes its address to $tmp/ready. Sets $port.
serve() {
	rm -f "$tmp/ready"
	"$@" >/dev/null 2>&1 &
	server=$!
	until [[ -s $tmp/ready ]]; do
		kill -0 "$server" || { echo "profile.sh: $1 ended early" >&2; exit 1; }
		sleep 0.02
	done
	port=$(<"$tmp/ready")
	port=${port##*:}
}

ended() { kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; server=; }

# profiled NAME COMMAND ARGUMENT...: runs one of our commands and keeps its profile.
profiled() {
	local name=$1 command=$2
	shift 2
	PROFILE_TO=$tmp/$name.prof "$tmp/mqtt" "$command" -h 127.0.0.1 -p "$port" "$@" 2>"$tmp/stderr" ||
		[[ $? == 27 ]] || { cat "$tmp/stderr" >&2; return 1; } # 27: -W ended it, as intended
	[[ -s $tmp/$name.prof ]] || { echo "profile.sh: $name ended before its profile" >&2; return 1; }
	echo "profiled: $name" >&2
}

# published NAME FLAG...: publishes the lines of $tmp/lines to a server that discards them.
published() {
	serve "$tmp/wire" sink --listen 127.0.0.1:0 --ready "$tmp/ready" --once
	profiled "$1" pub -l "${@:2}" <"$tmp/lines"
	ended
}

# printed NAME QOS FLAG...: receives messages from a server that sends them as fast as it can.
printed() {
	serve "$tmp/wire" source --listen 127.0.0.1:0 --ready "$tmp/ready" --json --count 9000000 --qos "$2"
	profiled "$1" sub -t bench/t -q "$2" -W 3 "${@:3}" >"$tmp/output"
	ended
}

awk 'BEGIN { for (i = 0; i < 16000000; i++) printf "bench/t=%014d: The quick brown fox jumps over the lazy dog.\n", i }' >"$tmp/lines"
published pub -t bench/t
published pub-key -K =
published pub-qos1 -t bench/t -q 1
printed sub 0
printed sub-qos1 1
printed sub-json 0 -J
printed sub-format 0 -F '%t %p'
printed sub-mosquitto 0 -F %j
printed sub-jq 0 --jq .

serve "$tmp/wire" sink --listen 127.0.0.1:0 --ready "$tmp/ready"
profiled bench bench --pubs 4 --subs 0 --duration 3s >/dev/null
ended
for qos in 0 1; do
	port=$((20000 + RANDOM % 10000))
	PROFILE_TO=$tmp/broker$qos.prof "$tmp/mqtt" broker --listen "mqtt://127.0.0.1:$port" >/dev/null 2>&1 &
	server=$!
	"$tmp/mqtt" ping -h 127.0.0.1 -p "$port" --wait 10s >/dev/null
	profiled "bench$qos" bench --pubs 2 --subs 2 -q "$qos" --duration 3s >/dev/null
	ended
done

go tool pprof -proto "$tmp"/*.prof >cmd/mqtt/default.pgo 2>/dev/null
ls -l cmd/mqtt/default.pgo

#!/usr/bin/env bash
# Measures the commands of this module beside installed ones, and prints one table.
#
#   scripts/bench.sh [GROUP...]      foundation (the default), broker, ..., all
#
# A group is a file in scripts/bench/ that defines the function bench_GROUP.
# Our command and its peer run in turn, and each row has medians, since machines are
# noisy. A ratio is that of two medians of the same run. No row fails a test: the exit
# status is 1 only if something could not be measured or a count was wrong.
#
#   BENCH_SCALE=1       factor for the sizes (0.1 for a quick look)
#   BENCH_REPEATS=5     runs of each side of a row
#   BENCH_MQTT=PATH     measure this binary instead of building one
#   BENCH_WINDOW=1000   unacknowledged messages that a QoS 1 subscriber may have
#   BENCH_ROWS=REGEX    only the rows whose name matches
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

scale=${BENCH_SCALE:-1}
repeats=${BENCH_REPEATS:-5}
only=${BENCH_ROWS:-.}
export topic=bench/t # read by the groups

tmp=$(mktemp -d)
server= # process id of the running wire server
trap 'stop_server; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { printf '%s\n' "$*" >&2; }
die() { say "bench: $*"; exit 1; }

# need COMMAND PACKAGE: ends with an error that names the package if the command is missing.
need() {
	command -v "$1" >/dev/null 2>&1 ||
		die "$1 is not installed: on Debian and Ubuntu, apt-get install $2"
}

# scaled N: prints N times BENCH_SCALE, at least 1.
scaled() { awk -v n="$1" -v s="$scale" 'BEGIN { v = int(n * s + 0.5); print (v < 1 ? 1 : v) }'; }

# field NAME FILE: prints a number or word of a JSON line that wire wrote.
field() {
	sed -n 's/.*"'"$1"'":"\{0,1\}\([^",}]*\).*/\1/p' "$2" | head -n 1
}

# median NUMBER...: prints the median of an odd or even count.
median() {
	printf '%s\n' "$@" | sort -g | awk '
		{ v[NR] = $1 }
		END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

# wanted NAME: reports whether the row is selected, and prints its name if so.
wanted() {
	[[ $1 =~ $only ]] || return 1
	say "bench: $1"
}

# start_server FILE ARGUMENT...: starts wire's sink or source, whose result goes to FILE,
# waits until it listens, and sets $port.
start_server() {
	local result=$1 tries=0
	shift
	rm -f "$tmp/ready"
	"$wire" "$1" --listen 127.0.0.1:0 --ready "$tmp/ready" "${@:2}" >"$result" 2>"$result.err" &
	server=$!
	while [[ ! -e $tmp/ready ]]; do
		kill -0 "$server" 2>/dev/null || die "wire $1 ended early: $(cat "$result.err")"
		tries=$((tries + 1))
		((tries < 1000)) || die "wire $1 does not listen"
		sleep 0.01
	done
	port=$(<"$tmp/ready")
	port=${port##*:}
}

# await_server: returns the exit status of the server. It ends with the connection of its
# only client, so call this after the client has ended successfully.
await_server() {
	local status=0
	wait "$server" || status=$?
	server=
	return "$status"
}

stop_server() {
	[[ -n $server ]] || return 0
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=
}

# The rows of the table, as tab-separated fields, and whether all could be measured.
rows=()
complete=yes

row() {
	local IFS=$'\t'
	rows+=("$*")
}

broken() {
	say "bench: $1: $2"
	complete=no
	row "$1" "$2" - - "${3:--}" no
}

# compare NAME UNIT OURS PEER RELATION TARGET: adds a row whose target is for ours / peer.
compare() {
	local ratio ok
	ratio=$(awk -v a="$3" -v b="$4" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }')
	ok=$(judge "$ratio" "$5" "$6")
	row "$1" "$(show "$3") $2" "$(show "$4") $2" "$ratio" "$5 $6 x" "$ok"
}

judge() {
	awk -v a="$1" -v r="$2" -v b="$3" 'BEGIN {
		if (r == ">=") ok = a >= b; else if (r == "<=") ok = a <= b; else ok = a < b
		print (ok ? "yes" : "no")
	}'
}

# show NUMBER: prints it with three significant digits and k or M.
show() {
	awk -v v="$1" 'BEGIN {
		u = ""
		if (v >= 1e6) { v /= 1e6; u = "M" } else if (v >= 1e4) { v /= 1e3; u = "k" }
		printf (v >= 100 ? "%.0f%s" : v >= 10 ? "%.1f%s" : v >= 1 ? "%.2f%s" : "%.3f%s"), v, u
	}'
}

table() {
	printf '%s\n' "$(printf 'what\tours\tpeer\tratio\ttarget\tok?')" "${rows[@]}" | awk -F '\t' '
		{ for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (length($i) > w[i]) w[i] = length($i) } n = NF }
		END {
			for (r = 1; r <= NR; r++) {
				line = ""
				for (i = 1; i <= n; i++) {
					pad = w[i] - length(cell[r, i])
					s = sprintf("%" pad "s", "")
					if (pad == 0) s = ""
					line = line (i == 1 || i == n ? cell[r, i] s : s cell[r, i]) (i < n ? "  " : "")
				}
				sub(/ +$/, "", line)
				print line
				if (r == 1) { total = 2 * (n - 1); for (i = 1; i <= n; i++) total += w[i]
					for (i = 0; i < total; i++) printf "-"; print "" }
			}
		}'
}

build() {
	wire=$tmp/wire
	go build -o "$wire" ./scripts/wire
	if [[ -n ${BENCH_MQTT:-} ]]; then
		mqtt=$BENCH_MQTT
		[[ -x $mqtt ]] || die "BENCH_MQTT=$mqtt is not executable"
		return
	fi
	mqtt=$tmp/mqtt
	bash "$root/scripts/build.sh" "$mqtt"
}

known=()
for file in "$root"/scripts/bench/*.sh; do
	# shellcheck source=/dev/null
	source "$file"
	name=${file##*/}
	known+=("${name%.sh}")
done

groups=("${@:-foundation}")
[[ ${groups[0]} != all ]] || groups=("${known[@]}")
for group in "${groups[@]}"; do
	declare -F "bench_$group" >/dev/null ||
		{ say "bench: no group '$group'; there are: ${known[*]} all"; exit 2; }
done

build
for group in "${groups[@]}"; do
	"bench_$group"
done
((${#rows[@]} > 0)) || die "no row matches BENCH_ROWS=$only"
cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo '?')
printf '%s, %s cores, %s, medians of %s, scale %s\n' "$(uname -sm)" "$cores" "$(go env GOVERSION)" "$repeats" "$scale"
table
[[ $complete == yes ]]

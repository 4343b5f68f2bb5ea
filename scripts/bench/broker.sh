# shellcheck shell=bash disable=SC2154
# Rows of the broker: ours beside Debian's mosquitto and the mochi-mqtt library, each with
# its defaults, in a process of its own. Sourced by scripts/bench.sh.
#
# wire is the client on both sides of the broker. A publisher has a limited number of
# messages in flight, so that a broker which drops what it cannot queue loses none: a run
# with a lost message does not count. The peer of a row is the faster of the two. Our broker
# gets more messages in each run, which would otherwise be too short.

bench_broker() {
	need mosquitto mosquitto
	(cd "$root/scripts/bench/mochi" && go build -o "$tmp/mochi" .) || die 'scripts/bench/mochi does not build'

	load_row 'broker: one to one, QoS 0' '>=' 3 5 --count "$(scaled 200000)" --window 4000
	load_row 'broker: one to one, QoS 1' '>=' 3 5 --count "$(scaled 40000)" --qos 1
	load_row 'broker: one to 1,000, QoS 0' '>=' 3 5 --count "$(scaled 150)" --subs 1000
	load_row 'broker: 100 pairs, QoS 0' '>=' 3 5 --count "$(scaled 2000)" --pairs 100 --window 1000
	load_row 'broker: 100 pairs, QoS 1' '>=' 3 5 --count "$(scaled 400)" --pairs 100 --qos 1
	late_row 'broker: p99.9 at 10,000 msg/s'
	data_row 'broker: --data, 100 publishers, QoS 1 (peer: in memory)'
	idle_row 'broker: memory of an idle connection'
}

# open_port: reports whether $port is in use.
open_port() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

# start_broker SIDE FLAG...: starts a broker, and sets $port and $server.
start_broker() {
	local side=$1 tries=0 command
	shift
	port=$((20000 + RANDOM % 10000))
	while open_port; do port=$((20000 + RANDOM % 10000)); done
	case $side in
	ours) command=("$mqtt" broker --listen "mqtt://127.0.0.1:$port" "$@") ;;
	mosquitto)
		printf 'allow_anonymous true\nlistener %s 127.0.0.1\n' "$port" >"$tmp/mosquitto.conf"
		command=(mosquitto -c "$tmp/mosquitto.conf")
		;;
	mochi) command=("$tmp/mochi" "127.0.0.1:$port") ;;
	esac
	"${command[@]}" </dev/null >"$tmp/broker.log" 2>&1 &
	server=$!
	until open_port; do
		kill -0 "$server" 2>/dev/null || die "$side ended early: $(tail -n 1 "$tmp/broker.log")"
		tries=$((tries + 1))
		((tries < 500)) || die "$side does not listen"
		sleep 0.02
	done
}

# load SIDE FLAG...: one run against a new broker. Its result is in $tmp/pairs.json.
load() {
	local side=$1 status=0
	shift
	"$wire" pairs --connect "127.0.0.1:$port" "$@" >"$tmp/pairs.json" 2>"$tmp/pairs.err" || status=$?
	stop_server
	((status == 0)) || { say "$side: $(tail -n 1 "$tmp/pairs.err")"; return 1; }
	[[ $(field lost "$tmp/pairs.json") == 0 ]] ||
		{ say "$side: $(field lost "$tmp/pairs.json") messages were lost"; return 1; }
}

# times FACTOR --count N ...: sets $flags to these flags with the count multiplied.
times() {
	local factor=$1 previous='' word
	shift
	flags=()
	for word in "$@"; do
		[[ $previous != --count ]] || word=$((word * factor))
		flags+=("$word")
		previous=$word
	done
}

# noted SIDE: prints the median of the figures of its runs.
noted() {
	local all
	mapfile -t all <"$tmp/figures.$1"
	median "${all[@]}"
}

# load_row NAME RELATION TARGET FACTOR FLAG...: messages per second; ours with FACTOR times
# as many messages.
load_row() {
	local name=$1 relation=$2 target=$3 factor=$4 side flags
	shift 4
	wanted "$name" || return 0
	rm -f "$tmp"/figures.*
	for ((i = 0; i < repeats; i++)); do
		for side in ours mosquitto mochi; do
			flags=("$@")
			[[ $side != ours ]] || times "$factor" "$@"
			start_broker "$side"
			load "$side" "${flags[@]}" || { broken "$name" "$side failed" "$relation $target x"; return 0; }
			field rate "$tmp/pairs.json" >>"$tmp/figures.$side"
		done
	done
	versus "$name" msg/s "$(noted ours)" "$(noted mosquitto)" "$(noted mochi)" "$relation" "$target"
}

# versus NAME UNIT OURS MOSQUITTO MOCHI RELATION TARGET: a row beside the better of the two.
versus() {
	local best=$4 who=mosquitto
	if [[ $(judge "$5" "$6" "$4") == yes ]]; then
		best=$5 who=mochi
	fi
	compare "$1" "$2" "$3" "$best" "$6" "$7"
	say "bench: $1: ours $(show "$3"), mosquitto $(show "$4"), mochi $(show "$5") $2"
	local IFS=$'\t' cells
	read -r -a cells <<<"${rows[-1]}"
	cells[2]+=" ($who)"
	rows[-1]="${cells[*]}"
}

# late_row NAME: the latency of one message in a thousand, at a rate that all can keep.
late_row() {
	wanted "$1" || return 0
	local side
	rm -f "$tmp"/figures.*
	for ((i = 0; i < repeats; i++)); do
		for side in ours mosquitto mochi; do
			start_broker "$side"
			load "$side" --count "$(scaled 50000)" --rate 10000 || { broken "$1" "$side failed" '<= 1 x'; return 0; }
			field p999_us "$tmp/pairs.json" >>"$tmp/figures.$side"
		done
	done
	versus "$1" us "$(noted ours)" "$(noted mosquitto)" "$(noted mochi)" '<=' 1
}

# data_row NAME: our broker with --data beside the same in memory, with lasting sessions.
data_row() {
	wanted "$1" || return 0
	local side flags=(--pairs 100 --qos 1 --keep --count "$(scaled 1000)")
	rm -f "$tmp"/figures.*
	for ((i = 0; i < repeats; i++)); do
		for side in disk memory; do
			rm -rf "$tmp/data"
			if [[ $side == disk ]]; then
				start_broker ours --data "$tmp/data"
			else
				start_broker ours
			fi
			load "$side" "${flags[@]}" || { broken "$1" "$side failed" '>= 0.5 x'; return 0; }
			field rate "$tmp/pairs.json" >>"$tmp/figures.$side"
		done
	done
	compare "$1" msg/s "$(noted disk)" "$(noted memory)" '>=' 0.5
}

# resident: prints the KiB of memory of the running broker.
resident() { ps -o rss= -p "$server" | tr -d ' '; }

# idle SIDE: the KiB that each of many connections with one subscription needs.
idle() {
	local before count tries=0 holder status=0
	count=$(scaled 10000)
	start_broker "$1"
	before=$(resident)
	rm -f "$tmp/held" "$tmp/hold.in"
	mkfifo "$tmp/hold.in"
	"$wire" hold --connect "127.0.0.1:$port" --count "$count" --ready "$tmp/held" <"$tmp/hold.in" >"$tmp/hold.json" 2>"$tmp/hold.err" &
	holder=$!
	exec 9>"$tmp/hold.in"
	while [[ ! -e $tmp/held ]] && kill -0 "$holder" 2>/dev/null && ((tries < 1200)); do
		tries=$((tries + 1))
		sleep 0.05
	done
	sleep 2 # until they are idle
	awk -v a="$(resident)" -v b="$before" -v n="$count" 'BEGIN { printf "%.2f\n", (a - b) / n }' >"$tmp/figure"
	exec 9>&-
	wait "$holder" || status=$?
	stop_server
	((status == 0)) || { say "$1: $(tail -n 1 "$tmp/hold.err")"; return 1; }
	[[ $(field held "$tmp/hold.json") == "$count" ]] || { say "$1: $(field held "$tmp/hold.json") of $count connections held"; return 1; }
}

idle_row() {
	wanted "$1" || return 0
	local side
	rm -f "$tmp"/figures.*
	for ((i = 0; i < (repeats + 1) / 2; i++)); do
		for side in ours mosquitto mochi; do
			idle "$side" || { broken "$1" "$side failed" '<= 10 KiB'; return 0; }
			cat "$tmp/figure" >>"$tmp/figures.$side"
		done
	done
	local a b c
	a=$(noted ours) b=$(noted mosquitto) c=$(noted mochi)
	row "$1" "$a KiB" "$b KiB, $c KiB (mosquitto, mochi)" - '<= 10 KiB' "$(judge "$a" '<=' 10)"
}

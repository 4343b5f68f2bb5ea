# shellcheck shell=bash disable=SC2154
# Rows of the proxy: messages through it beside the direct connection, and beside Shopify's toxiproxy, which relays
# bytes of TCP without looking at them. Sourced by scripts/bench.sh.
#
# The server is mosquitto, or our broker, and wire is the client on both sides of it. All of them share the processors of the machine, so
# a ratio says what the relay costs beside the broker, not what it could do alone. "proxy" looks at nothing and relays bytes;
# "proxy --control" looks at each packet, so that faults can be set; "proxy --record" writes each packet as JSON.

toxiproxy_version=v2.5.0

bench_proxy() {
	relay=''
	trap 'stop_relay; stop_server; rm -rf "$tmp"' EXIT
	find_toxiproxy
	local to
	for to in mosquitto ours; do
		upstream=$to
		relay_row "proxy: QoS 0 beside direct to $to" 0.5 direct plain --count "$(counted 3000000)" --window 4000
		relay_row "proxy: QoS 1 beside direct to $to" 0.7 direct plain --count "$(counted 400000)" --qos 1
		relay_row "proxy --control: QoS 0 beside direct to $to" 0.5 direct control --count "$(counted 3000000)" --window 4000
		relay_row "proxy --control: QoS 1 beside direct to $to" 0.7 direct control --count "$(counted 400000)" --qos 1
		relay_row "proxy --record: QoS 0 beside direct to $to" - direct record --count "$(counted 1000000)" --window 4000
		relay_row "proxy --record: QoS 1 beside direct to $to" - direct record --count "$(counted 400000)" --qos 1
	done
	upstream=ours
	if [[ -n $toxiproxy ]]; then
		relay_row 'proxy: QoS 0 beside toxiproxy' 1 toxiproxy plain --count "$(counted 3000000)" --window 4000
		relay_row 'proxy: QoS 1 beside toxiproxy' 1 toxiproxy plain --count "$(counted 400000)" --qos 1
		relay_row 'proxy --control: QoS 0 beside toxiproxy' 1 toxiproxy control --count "$(counted 3000000)" --window 4000
	fi
	added_row 'proxy: round trip, p50, 1,000 a second' plain
	added_row 'proxy --control: round trip, p50, 1,000 a second' control
	held_row 'proxy: memory of an idle connection' plain
	held_row 'proxy --control: memory of an idle connection' control
}

# counted N: as many messages for our broker, and a tenth for a slower one.
counted() {
	local n=$1
	[[ $upstream == ours ]] || n=$((n / 10))
	scaled "$n"
}

# find_toxiproxy sets $toxiproxy to a program that go install built in a cache folder, empty if that fails.
find_toxiproxy() {
	local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-bench/toxiproxy-$toxiproxy_version
	toxiproxy=$cache/server
	[[ ! -x $toxiproxy ]] || return 0
	mkdir -p "$cache"
	(cd / && GOBIN=$cache GOFLAGS='' go install "github.com/Shopify/toxiproxy/v2/cmd/server@$toxiproxy_version") 2>"$tmp/install.err" || {
		say "bench: toxiproxy is not installed: no rows for it: $(tail -n 1 "$tmp/install.err")"
		toxiproxy=
	}
}

stop_relay() {
	[[ -n $relay ]] || return 0
	kill "$relay" 2>/dev/null || true
	wait "$relay" 2>/dev/null || true
	relay=
}

# start_relay SIDE: starts a relay to $port, sets $relay, and sets $port to its port. direct starts none.
start_relay() {
	local to=$port tries=0 command
	[[ $1 != direct ]] || return 0
	port=$((20000 + RANDOM % 10000))
	while open_port; do port=$((20000 + RANDOM % 10000)); done
	command=("$mqtt" proxy --to "mqtt://127.0.0.1:$to" --listen "mqtt://127.0.0.1:$port")
	case $1 in
	control) command+=(--control 127.0.0.1:0) ;;
	record) command+=(--record "$tmp/record.jsonl") ;;
	toxiproxy)
		printf '[{"name":"mqtt","listen":"127.0.0.1:%s","upstream":"127.0.0.1:%s","enabled":true}]' "$port" "$to" >"$tmp/toxiproxy.json"
		command=("$toxiproxy" -config "$tmp/toxiproxy.json" -host 127.0.0.1 -port 0)
		;;
	esac
	"${command[@]}" </dev/null >"$tmp/relay.log" 2>&1 &
	relay=$!
	until open_port; do
		kill -0 "$relay" 2>/dev/null || die "$1 ended early: $(tail -n 1 "$tmp/relay.log")"
		tries=$((tries + 1))
		((tries < 500)) || die "$1 does not listen"
		sleep 0.02
	done
}

# relayed SIDE FIELD FLAG...: one run through a relay. Appends a field of the result to the figures of the side.
relayed() {
	local side=$1 name=$2 status=0
	shift 2
	start_broker "$upstream"
	start_relay "$side"
	"$wire" pairs --connect "127.0.0.1:$port" "$@" >"$tmp/pairs.json" 2>"$tmp/pairs.err" || status=$?
	stop_relay
	stop_server
	((status == 0)) || { say "$side: $(tail -n 1 "$tmp/pairs.err")"; return 1; }
	[[ $(field lost "$tmp/pairs.json") == 0 ]] || { say "$side: $(field lost "$tmp/pairs.json") messages were lost"; return 1; }
	field "$name" "$tmp/pairs.json" >>"$tmp/figures.$side"
}

# relay_row NAME TARGET PEER SIDE FLAG...: messages per second through a relay beside those of a peer.
relay_row() {
	local name=$1 target=$2 peer=$3 side=$4 one
	shift 4
	wanted "$name" || return 0
	rm -f "$tmp"/figures.*
	for ((i = 0; i < repeats; i++)); do
		for one in "$side" "$peer"; do
			relayed "$one" rate "$@" || { broken "$name" "$one failed" ">= $target x"; return 0; }
		done
	done
	if [[ $target == - ]]; then
		compare "$name" msg/s "$(noted "$side")" "$(noted "$peer")" '>=' 0
		local IFS=$'\t' cells
		read -r -a cells <<<"${rows[-1]}"
		cells[4]=- cells[5]=-
		rows[-1]="${cells[*]}"
		return 0
	fi
	compare "$name" msg/s "$(noted "$side")" "$(noted "$peer")" '>=' "$target"
}

# added_row NAME SIDE: what a relay adds to a round trip, which passes it twice.
added_row() {
	wanted "$1" || return 0
	local one a b added
	rm -f "$tmp"/figures.*
	for ((i = 0; i < repeats; i++)); do
		for one in "$2" direct; do
			start_broker ours
			start_relay "$one"
			timeout 120 "$mqtt" ping -h 127.0.0.1 -p "$port" -C "$(scaled 3000)" --interval 1ms -J >"$tmp/ping.json" 2>"$tmp/client.err" || {
				broken "$1" "$one failed" '<= 100 us'
				stop_relay
				stop_server
				return 0
			}
			stop_relay
			stop_server
			grep -o '"p50_us": *[0-9.]*' "$tmp/ping.json" | tail -n 1 | grep -o '[0-9.]*$' >>"$tmp/figures.$one"
		done
	done
	a=$(noted "$2") b=$(noted direct)
	added=$(awk -v a="$a" -v b="$b" 'BEGIN { printf "%.0f", a - b }')
	row "$1" "$a us" "$b us" "$added us more" '<= 100 us' "$(judge "$added" '<=' 100)"
}

# held_row NAME SIDE: the memory that a relay needs for each of many idle connections.
held_row() {
	wanted "$1" || return 0
	local a
	rm -f "$tmp"/figures.*
	for ((i = 0; i < (repeats + 1) / 2; i++)); do
		held "$2" || { broken "$1" "$2 failed" '<= 20 KiB'; return 0; }
		cat "$tmp/figure" >>"$tmp/figures.$2"
	done
	a=$(noted "$2")
	row "$1" "$a KiB" - - '<= 20 KiB' "$(judge "$a" '<=' 20)"
}

# held SIDE: writes the KiB that a relay needs for each connection to $tmp/figure.
held() {
	local before count tries=0 holder status=0
	count=$(scaled 5000)
	start_broker ours
	start_relay "$1"
	before=$(ps -o rss= -p "$relay" | tr -d ' ')
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
	awk -v a="$(ps -o rss= -p "$relay" | tr -d ' ')" -v b="$before" -v n="$count" 'BEGIN { printf "%.2f\n", (a - b) / n }' >"$tmp/figure"
	exec 9>&-
	wait "$holder" || status=$?
	stop_relay
	stop_server
	((status == 0)) || { say "$1: $(tail -n 1 "$tmp/hold.err")"; return 1; }
	[[ $(field held "$tmp/hold.json") == "$count" ]] || { say "$1: $(field held "$tmp/hold.json") of $count connections held"; return 1; }
}

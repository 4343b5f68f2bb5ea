# shellcheck shell=bash disable=SC2154
# Rows of bench: what the load generator itself can do, and whether it counts right.
# Sourced by scripts/bench.sh.
#
# The server is wire's counting sink, which does next to nothing, so a rate is the
# generator's own; each row fails where the sink counted another number of messages.
# Where emqtt_bench is installed (or BENCH_EMQTT names it) it is the peer, with the
# same clients, payload and window; else rates stand alone.

bench_bench() {
	local seconds
	seconds=$(awk -v s="$scale" 'BEGIN { v = 5 * s; print (v < 1 ? 1 : v) }')
	emqtt=${BENCH_EMQTT:-$(command -v emqtt_bench || command -v emqtt-bench || true)}

	generator_row 'generator, QoS 0, 10 publishers' 20 "$seconds" 10 0 1
	generator_row 'generator, QoS 1, 100 publishers, window 20' 10 "$seconds" 100 1 20
	generator_row 'generator, QoS 2, 100 publishers, window 20' - "$seconds" 100 2 20
	pace_row 'generator, lag at 20,000 msg/s' "$seconds"
	exact_row 'generator, sent is what the sink counted'
	idle_row 'bench conn: memory of a connection'
	through_row 'bench through mosquitto, 1,000 msg/s' "$seconds"
}

# result NAME: a number at the top level of the JSON result.
result() { sed -n 's/^  "'"$1"'": \([0-9.e+-]*\),\{0,1\}$/\1/p' "$tmp/result.json" | head -n 1; }

# timed NAME KEY: a number of one of its histograms, in microseconds.
timed() {
	awk -v name="\"$1\":" -v key="\"$2\":" '
		$1 == name { on = 1 } on && $1 == key { sub(/,$/, "", $2); print $2; exit }' "$tmp/result.json"
}

# flood SIDE SECONDS PUBLISHERS QOS WINDOW: one run into a sink; leaves messages a second
# in $tmp/figure, by the sink's clock.
flood() {
	local side=$1 seconds=$2 pubs=$3 qos=$4 window=$5 status=0
	start_server "$tmp/sink.json" sink
	case $side in
	ours)
		"$mqtt" bench -h 127.0.0.1 -p "$port" -t "$topic" --quiet --pubs "$pubs" --subs 0 -q "$qos" --inflight "$window" --size 64 \
			--duration "$seconds" --format json >"$tmp/result.json" 2>"$tmp/client.err" || status=$?
		;;
	peer) # it ends with a signal alone
		timeout -s INT "$seconds" "$emqtt" pub -h 127.0.0.1 -p "$port" -t "$topic" -c "$pubs" -i 1 -I 0 -s 64 -q "$qos" -F "$window" \
			>"$tmp/client.err" 2>&1 || true
		;;
	esac
	kill "$server"
	await_server || true
	((status == 0)) || { say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	if [[ $side == ours && $(result sent) != "$(field messages "$tmp/sink.json")" ]]; then
		say "bench sent $(result sent), the sink took $(field messages "$tmp/sink.json")"
		return 1
	fi
	field rate "$tmp/sink.json" >"$tmp/figure"
}

# generator_row NAME TARGET SECONDS PUBLISHERS QOS WINDOW: a TARGET of - is none.
generator_row() {
	local name=$1 target=$2 goal="-" side ours=() peer=() sides=(ours)
	shift 2
	wanted "$name" || return 0
	[[ -z $emqtt || $target == - ]] || sides+=(peer) goal=">= $target x"
	for ((i = 0; i < repeats; i++)); do
		for side in "${sides[@]}"; do
			flood "$side" "$@" || { broken "$name" "$side failed" "$goal"; return 0; }
			[[ $side == ours ]] && ours+=("$(<"$tmp/figure")") || peer+=("$(<"$tmp/figure")")
		done
	done
	if ((${#peer[@]} > 0)); then
		compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${peer[@]}")" '>=' "$target"
		return
	fi
	row "$name" "$(show "$(median "${ours[@]}")") msg/s" - - - -
}

# pace_row NAME SECONDS: how late an open loop sends, at p99.
pace_row() {
	wanted "$1" || return 0
	local lags=() lag
	for ((i = 0; i < repeats; i++)); do
		start_server "$tmp/sink.json" sink
		"$mqtt" bench -h 127.0.0.1 -p "$port" -t "$topic" --quiet --pubs 10 --subs 0 --rate 20000 --duration "$2" --format json \
			>"$tmp/result.json" 2>"$tmp/client.err" || { stop_server; broken "$1" 'ours failed' '< 1,000 us'; return 0; }
		stop_server
		lags+=("$(timed lag p99)")
	done
	lag=$(median "${lags[@]}")
	row "$1" "$(show "$lag") us at p99" - - '< 1,000 us' "$(judge "$lag" '<' 1000)"
}

# exact_row NAME: every QoS, an odd number of publishers, a number of messages.
exact_row() {
	wanted "$1" || return 0
	local qos count
	count=$(scaled 100003)
	for qos in 0 1 2; do
		start_server "$tmp/sink.json" sink
		"$mqtt" bench -h 127.0.0.1 -p "$port" -t "$topic/%i" --quiet --pubs 37 --subs 0 -q "$qos" --messages "$count" --format json \
			>"$tmp/result.json" 2>"$tmp/client.err" || { stop_server; broken "$1" "exit at QoS $qos"; return 0; }
		kill "$server"
		await_server || true
		[[ $(result sent) == "$count" && $(field messages "$tmp/sink.json") == "$count" ]] || {
			broken "$1" "QoS $qos: bench $(result sent), sink $(field messages "$tmp/sink.json") of $count"
			return 0
		}
	done
	row "$1" "$count at QoS 0, 1, 2" - - equal yes
}

# idle_row NAME: resident bytes of a connection beyond those of the first.
idle_row() {
	wanted "$1" || return 0
	local count kib base held
	count=$(scaled 10000)
	start_server "$tmp/sink.json" sink
	"$mqtt" bench conn -h 127.0.0.1 -p "$port" --quiet --clients "$count" --duration 1s --format json \
		>"$tmp/result.json" 2>"$tmp/client.err" || { stop_server; broken "$1" "$(tail -n 1 "$tmp/client.err")" '<= 8 KiB'; return 0; }
	stop_server
	held=$(awk '$1 == "\"memory\":" { sub(/,$/, "", $2); print $2 }' "$tmp/result.json")
	base=$(awk '$1 == "\"memory_base\":" { sub(/,$/, "", $2); print $2 }' "$tmp/result.json")
	[[ -n $base && -n $held ]] || { broken "$1" 'this system does not tell' '<= 8 KiB'; return 0; }
	kib=$(awk -v h="$held" -v b="$base" -v n="$count" 'BEGIN { printf "%.2f", (h - b) / 1024 / (n > 1 ? n - 1 : 1) }')
	row "$1 ($count)" "$kib KiB" - - '<= 8 KiB' "$(judge "$kib" '<=' 8)"
}

# through_row NAME SECONDS: publishers to subscribers over a real server, and nothing lost.
through_row() {
	wanted "$1" || return 0
	need mosquitto mosquitto
	local at pid status=0
	at=$((20000 + RANDOM % 20000))
	mosquitto -p "$at" >"$tmp/mosquitto.log" 2>&1 &
	pid=$!
	"$mqtt" ping -h 127.0.0.1 -p "$at" --wait 10s >/dev/null 2>&1 || { kill "$pid"; broken "$1" 'mosquitto does not answer'; return 0; }
	"$mqtt" bench -h 127.0.0.1 -p "$at" -t "$topic/%i" --quiet --pubs 10 --subs 10 -q 1 --rate 1000 --duration "$2" --fail-if loss \
		--fail-if reorder --fail-if errors --format json >"$tmp/result.json" 2>"$tmp/client.err" || status=$?
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	((status == 0)) || { broken "$1" "exit $status: $(tail -n 1 "$tmp/client.err")" 'no loss'; return 0; }
	row "$1" "p50 $(show "$(timed latency p50)") us, p99 $(show "$(timed latency p99)") us" - - 'no loss' yes
}

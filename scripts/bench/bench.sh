# shellcheck shell=bash disable=SC2154
# Rows of bench: the speed of the load generator itself, and whether its counts are right.
# Sourced by scripts/bench.sh.
#
# The server is wire's sink, which does little, so the rate is that of the generator. A row
# fails if the sink counted another number of messages. Peers run in turn with ours, with
# the same number of clients, the same payload and, if they have one, the same window. Each
# has a row of its own:
#
#   emqtt_bench     if it is installed, or BENCH_EMQTT names it; the targets are for it
#   mosquitto_pub   one process for each client, which reads lines
#   mqtt-benchmark  by krylovsk: it waits for every message; installed with go install
#   mqtt-stresser   by inovex: it also subscribes, and so needs mosquitto; installed likewise
#
#   BENCH_PEERS='emqtt_bench mosquitto_pub'  only these peers; none if empty

bench_bench() {
	local seconds
	seconds=$(awk -v s="$scale" 'BEGIN { v = 5 * s; print (v < 1 ? 1 : v) }')
	find_peers

	generator_row 'generator, QoS 0, 10 publishers' 20 "$seconds" 10 0 1
	generator_row 'generator, QoS 1, 100 publishers, window 20' 10 "$seconds" 100 1 20
	generator_row 'generator, QoS 2, 100 publishers, window 20' - "$seconds" 100 2 20
	pace_row 'generator, lag at 20,000 msg/s' "$seconds"
	exact_row 'generator, sent is what the sink counted'
	resident_row 'bench conn: memory of a connection'
	through_row 'bench through mosquitto, 1,000 msg/s' "$seconds"
	pairs_row 'bench through mosquitto, 10 pairs, start to exit'
}

# find_peers sets $peers to the peers that publish to the sink, and $emqtt, $krylovsk and
# $stresser to programs, empty if there is none.
find_peers() {
	local all='emqtt_bench mosquitto_pub mqtt-benchmark mqtt-stresser'
	local asked=" ${BENCH_PEERS-$all} "
	peers=() emqtt='' krylovsk='' stresser=''
	if [[ $asked == *' emqtt_bench '* ]]; then
		emqtt=${BENCH_EMQTT:-$(command -v emqtt_bench || command -v emqtt-bench || true)}
		[[ -z $emqtt ]] && say 'bench: emqtt_bench is not installed: no rows for it' || peers+=(emqtt_bench)
	fi
	if [[ $asked == *' mosquitto_pub '* ]]; then
		need mosquitto_pub mosquitto-clients
		peers+=(mosquitto_pub)
	fi
	if [[ $asked == *' mqtt-benchmark '* ]] && go_peer mqtt-benchmark github.com/krylovsk/mqtt-benchmark; then
		krylovsk=$program
		peers+=(mqtt-benchmark)
	fi
	if [[ $asked == *' mqtt-stresser '* ]] && go_peer mqtt-stresser github.com/inovex/mqtt-stresser; then
		stresser=$program
	fi
}

# go_peer NAME MODULE: sets $program to a program in the PATH, or to one that go install
# built in a cache folder. It fails, with the reason, if there is neither.
go_peer() {
	local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-bench
	program=$(command -v "$1" || true)
	[[ -z $program ]] || return 0
	program=$cache/$1
	[[ ! -x $program ]] || return 0
	mkdir -p "$cache"
	(cd / && GOBIN=$cache GOFLAGS='' go install "$2@latest") 2>"$tmp/install.err" || {
		say "bench: $1 is not installed: no rows for it; go install $2@latest: $(tail -n 1 "$tmp/install.err")"
		return 1
	}
}

# result NAME: prints a number at the top level of the JSON result.
result() { sed -n 's/^  "'"$1"'": \([0-9.e+-]*\),\{0,1\}$/\1/p' "$tmp/result.json" | head -n 1; }

# timed NAME KEY: prints a number of one of its histograms, in microseconds.
timed() {
	awk -v name="\"$1\":" -v key="\"$2\":" '
		$1 == name { on = 1 } on && $1 == key { sub(/,$/, "", $2); print $2; exit }' "$tmp/result.json"
}

# flood SIDE SECONDS PUBLISHERS QOS WINDOW: one run into a sink. Writes the messages per
# second, by the sink's clock, to $tmp/figure.
flood() {
	local side=$1 seconds=$2 pubs=$3 qos=$4 window=$5 status=0
	start_server "$tmp/sink.json" sink
	case $side in
	ours)
		"$mqtt" bench -h 127.0.0.1 -p "$port" -t "$topic" --quiet --pubs "$pubs" --subs 0 -q "$qos" --inflight "$window" --size 64 \
			--duration "$seconds" --format json >"$tmp/result.json" 2>"$tmp/client.err" || status=$?
		;;
	emqtt_bench) # only a signal ends it; the others are ended in the same way
		timeout -s INT "$seconds" "$emqtt" pub -h 127.0.0.1 -p "$port" -t "$topic" -c "$pubs" -i 1 -I 0 -s 64 -q "$qos" -F "$window" \
			>"$tmp/client.err" 2>&1 || true
		;;
	mqtt-benchmark)
		timeout -s INT "$seconds" "$krylovsk" --broker "tcp://127.0.0.1:$port" --topic "$topic" --clients "$pubs" --count 1000000000 \
			--message-interval 0 --size 64 --qos "$qos" --quiet >"$tmp/client.err" 2>&1 || true
		;;
	mosquitto_pub)
		local pids=() lines
		lines=$(payloads)
		for ((p = 0; p < pubs; p++)); do
			timeout -s INT "$seconds" mosquitto_pub -h 127.0.0.1 -p "$port" -t "$topic" -q "$qos" -M "$window" -l <"$lines" >>"$tmp/client.err" 2>&1 &
			pids+=($!)
		done
		wait "${pids[@]}" || true
		;;
	esac
	kill "$server"
	await_server || true
	((status == 0)) || { say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	if [[ $side == ours && $(result sent) != "$(field messages "$tmp/sink.json")" ]]; then
		say "bench sent $(result sent), the sink counted $(field messages "$tmp/sink.json")"
		return 1
	fi
	field rate "$tmp/sink.json" >"$tmp/figure"
}

# payloads: a file with more lines of 64 bytes than a peer sends in a run.
payloads() {
	local file=$tmp/payloads
	[[ -e $file ]] || "$wire" lines --count "$(scaled 2000000)" --size 64 >"$file"
	printf '%s' "$file"
}

# generator_row NAME TARGET SECONDS PUBLISHERS QOS WINDOW: a row for each peer. TARGET is
# for emqtt_bench only; - means none.
generator_row() {
	local name=$1 target=$2 side ours
	local -A figures=()
	shift 2
	wanted "$name" || return 0
	for ((i = 0; i < repeats; i++)); do
		for side in ours ${peers[@]+"${peers[@]}"}; do
			flood "$side" "$@" || { broken "$name" "$side failed"; return 0; }
			figures[$side]+=" $(<"$tmp/figure")"
		done
	done
	# shellcheck disable=SC2086 # numbers
	ours=$(median ${figures[ours]})
	if ((${#peers[@]} == 0)); then
		row "$name" "$(show "$ours") msg/s" - - - -
	fi
	for side in ${peers[@]+"${peers[@]}"}; do
		# shellcheck disable=SC2086
		beside "$name: $side" "$ours" "$(median ${figures[$side]})" "$([[ $side == emqtt_bench ]] && echo "$target" || echo -)"
	done
}

# beside NAME OURS PEER TARGET: a row of two rates. A TARGET of - means none.
beside() {
	if [[ $4 != - ]]; then
		compare "$1" msg/s "$2" "$3" '>=' "$4"
		return
	fi
	row "$1" "$(show "$2") msg/s" "$(show "$3") msg/s" "$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }')" - -
}

# pace_row NAME SECONDS: by how much an open loop sends late, at p99, with a core of its own.
# taskset keeps the server off that core, and a real-time priority, if allowed, most others.
pace_row() {
	wanted "$1" || return 0
	local lags=() lag pin=()
	if (($(getconf _NPROCESSORS_ONLN) > 1)) && command -v taskset >/dev/null && taskset -c 0 true 2>/dev/null; then
		pin=(taskset -c 0)
	fi
	if chrt -r 10 true 2>/dev/null; then
		pin+=(chrt -r 10)
	fi
	for ((i = 0; i < repeats; i++)); do
		start_server "$tmp/sink.json" sink
		((${#pin[@]} == 0)) || taskset -apc 1 "$server" >/dev/null
		${pin[@]+"${pin[@]}"} "$mqtt" bench -h 127.0.0.1 -p "$port" -t "$topic" --quiet --pubs 10 --subs 0 --rate 20000 --duration "$2" --format json \
			>"$tmp/result.json" 2>"$tmp/client.err" || { stop_server; broken "$1" 'ours failed' '< 1,000 us'; return 0; }
		stop_server
		lags+=("$(timed lag p99)")
	done
	lag=$(median "${lags[@]}")
	row "$1" "$(show "$lag") us at p99" - - '< 1,000 us' "$(judge "$lag" '<' 1000)"
}

# exact_row NAME: compares the counts of bench and sink at every QoS, with an odd number of
# publishers.
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

# resident_row NAME: the resident bytes of each connection after the first.
resident_row() {
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

# through_row NAME SECONDS: from publishers to subscribers through a real server, without loss.
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

# pairs_row NAME: from each publisher to its own subscriber, beside mqtt-stresser. It takes the
# time of the whole run, since the rates that mqtt-stresser prints are for parts of it.
pairs_row() {
	[[ -n $stresser ]] && wanted "$1" || return 0
	need mosquitto mosquitto
	local at pid count ours=() theirs=() side
	count=$(scaled 5000)
	at=$((20000 + RANDOM % 20000))
	mosquitto -p "$at" >"$tmp/mosquitto.log" 2>&1 &
	pid=$!
	"$mqtt" ping -h 127.0.0.1 -p "$at" --wait 10s >/dev/null 2>&1 || { kill "$pid"; broken "$1" 'mosquitto does not answer'; return 0; }
	for ((i = 0; i < repeats; i++)); do
		for side in ours theirs; do
			local began=$EPOCHREALTIME status=0
			case $side in
			ours) "$mqtt" bench -h 127.0.0.1 -p "$at" -t "$topic/%i" --quiet --pubs 10 --subs 10 -q 1 --messages $((10 * count)) --fail-if loss ;;
			theirs) "$stresser" -broker "tcp://127.0.0.1:$at" -num-clients 10 -num-messages "$count" -publisher-qos 1 -subscriber-qos 1 \
				-timeout 60s -no-progress ;;
			esac >"$tmp/client.err" 2>&1 || status=$?
			((status == 0)) || { kill "$pid"; broken "$1" "$side failed: exit $status"; return 0; }
			awk -v a="$began" -v b="$EPOCHREALTIME" -v n="$((10 * count))" 'BEGIN { print n / (b - a) }' >"$tmp/figure"
			[[ $side == ours ]] && ours+=("$(<"$tmp/figure")") || theirs+=("$(<"$tmp/figure")")
		done
	done
	kill "$pid"
	wait "$pid" 2>/dev/null || true
	beside "$1: mqtt-stresser" "$(median "${ours[@]}")" "$(median "${theirs[@]}")" -
}

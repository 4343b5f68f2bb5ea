# shellcheck shell=bash disable=SC2154
# Rows of the foundation: the speed of pub and sub, of one start, of the codec, and
# the memory of long streams. Sourced by scripts/bench.sh.
#
# The server that counts (wire sink) times a publisher, from its first message to its last.
# The server that sends (wire source) times a subscriber, from the first message until the
# subscriber has disconnected with all of its output written.

bench_foundation() {
	need mosquitto_pub mosquitto-clients
	need mosquitto_sub mosquitto-clients
	local many few some
	many=$(scaled 1000000)
	few=$(scaled 60000)
	some=$(scaled 200000)

	start_row 'one pub -m, read from disk' '<=' 2.2 --cold
	start_row 'one pub -m, in memory, for reference'
	publish_row 'pub -l, QoS 0' "$many" '>=' 15 -l
	raw_row 'pub -l, QoS 0: bare packets, for reference' "$many" 0
	publish_row 'pub -l -q 1' "$few" '>=' 8 -l -q 1
	raw_row 'pub -l -q 1: bare packets, for reference' "$few" 1
	subscribe_row 'sub to a file' "$many" 0 '>=' 30 text text
	subscribe_row 'sub -J (peer: -F %j)' "$many" 0 '>=' 20 json json
	subscribe_row 'sub -q 1' "$some" 1 '>=' 30 text text
	codec_row 'encode a PUBLISH' BenchmarkEncodePublish
	codec_row 'decode a PUBLISH' BenchmarkDecodePublish
	publish_memory_row 'memory of pub -l, 1 GB of lines'
	subscribe_memory_row 'memory of sub, 1 GB of messages'
}

# numbered COUNT: prints the name of a file with so many lines of 64 bytes.
numbered() {
	local file=$tmp/lines.$1
	[[ -e $file ]] || "$wire" lines --count "$1" --size 64 >"$file"
	printf '%s' "$file"
}

# publish SIDE COUNT CHECK FLAG...: one run. Writes the messages per second to $tmp/figure.
# With CHECK=hash the payloads are compared too, which takes time: such a run is not counted.
publish() {
	local side=$1 count=$2 check=$3 input command sum status=0
	shift 3
	input=$(numbered "$count")
	case $side in
	ours) command=("$mqtt" pub) ;;
	peer) command=(mosquitto_pub) ;;
	esac
	local flags=(--once)
	[[ $check != hash ]] || flags+=(--hash)
	start_server "$tmp/sink.json" sink "${flags[@]}"
	"${command[@]}" -h 127.0.0.1 -p "$port" -t "$topic" "$@" <"$input" 2>"$tmp/client.err" || status=$?
	((status == 0)) || { stop_server; say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	await_server || { say "$(tail -n 1 "$tmp/sink.json.err")"; return 1; }
	[[ $(field messages "$tmp/sink.json") == "$count" ]] ||
		{ say "$(field messages "$tmp/sink.json") messages came of $count"; return 1; }
	if [[ $check == hash ]]; then
		sum=$(sha256sum <"$input")
		[[ $(field sha256 "$tmp/sink.json") == "${sum%% *}" ]] ||
			{ say 'the payloads differ from the lines'; return 1; }
	fi
	field rate "$tmp/sink.json" >"$tmp/figure"
}

publish_row() {
	local name=$1 count=$2 relation=$3 target=$4 side
	shift 4
	wanted "$name" || return 0
	local ours=() peer=()
	for side in ours peer; do
		publish "$side" "$count" hash "$@" || { broken "$name" "$side failed" "$relation $target x"; return 0; }
	done
	for ((i = 0; i < repeats; i++)); do
		publish ours "$count" count "$@" || { broken "$name" 'ours failed' "$relation $target x"; return 0; }
		ours+=("$(<"$tmp/figure")")
		publish peer "$count" count "$@" || { broken "$name" 'peer failed' "$relation $target x"; return 0; }
		peer+=("$(<"$tmp/figure")")
	done
	compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${peer[@]}")" "$relation" "$target"
}

# raw_row NAME COUNT QOS: the most that the machine can do, with a window of 20 at QoS 1.
raw_row() {
	wanted "$1" || return 0
	local rates=()
	for ((i = 0; i < repeats; i++)); do
		start_server "$tmp/sink.json" sink --once
		"$wire" raw --connect "127.0.0.1:$port" --count "$2" --qos "$3" --window 20 --topic "$topic" >"$tmp/raw.json"
		await_server || die "wire raw: $(cat "$tmp/sink.json.err")"
		rates+=("$(field rate "$tmp/sink.json")")
	done
	row "$1" "$(show "$(median "${rates[@]}")") msg/s" - - - -
}

# subscribe SIDE COUNT QOS OUTPUT: one run. Writes the messages per second to $tmp/figure.
subscribe() {
	local side=$1 count=$2 qos=$3 output=$4 command status=0
	case $side in
	ours) command=("$mqtt" sub) ;;
	peer) command=(mosquitto_sub) ;;
	esac
	local flags=(-C "$count")
	((qos == 0)) || flags+=(-q "$qos")
	case $side-$output in
	ours-json) flags+=(-J) ;;
	peer-json) flags+=(-F %j) ;;
	esac
	# The same window for both: the protocol versions of the clients differ in Receive Maximum.
	start_server "$tmp/source.json" source --count "$count" --size 64 --qos "$qos" --window "${BENCH_WINDOW:-1000}" --topic "$topic"
	"${command[@]}" -h 127.0.0.1 -p "$port" -t "$topic" "${flags[@]}" >"$tmp/output" 2>"$tmp/client.err" || status=$?
	((status == 0)) || { stop_server; say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	await_server || { say "$(tail -n 1 "$tmp/source.json.err")"; return 1; }
	case $output in
	text) cmp -s "$tmp/output" "$(numbered "$count")" ;;
	json) # the number of lines, and the first and last payload
		[[ $(wc -l <"$tmp/output") == "$count" ]] &&
			head -n 1 "$tmp/output" | grep -qF "$(head -n 1 "$(numbered "$count")")" &&
			tail -n 1 "$tmp/output" | grep -qF "$(tail -n 1 "$(numbered "$count")")"
		;;
	esac || { say 'the output is not what was sent'; return 1; }
	rm -f "$tmp/output"
	field rate "$tmp/source.json" >"$tmp/figure"
}

subscribe_row() {
	local name=$1 count=$2 qos=$3 relation=$4 target=$5 ours_output=$6 peer_output=$7
	wanted "$name" || return 0
	local ours=() peer=()
	for ((i = 0; i < repeats; i++)); do
		subscribe ours "$count" "$qos" "$ours_output" || { broken "$name" 'ours failed' "$relation $target x"; return 0; }
		ours+=("$(<"$tmp/figure")")
		subscribe peer "$count" "$qos" "$peer_output" || { broken "$name" 'peer failed' "$relation $target x"; return 0; }
		peer+=("$(<"$tmp/figure")")
	done
	compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${peer[@]}")" "$relation" "$target"
}

# start_row NAME [RELATION TARGET] [FLAG...]: publishes one message to a server that answers at once, many times, and
# measures from start to exit. With --cold both programs, with their shared libraries, are evicted from the page cache
# before each run. The peer then uses copies of its libraries: those of the system are in use by other programs, and
# stay in memory.
start_row() {
	wanted "$1" || return 0
	local name=$1 relation=${2:-} target=${3:-} runs failed=0 ours peer
	shift $(($# < 3 ? $# : 3))
	runs=$(scaled 300)
	start_server "$tmp/sink.json" sink
	local flags=(-h 127.0.0.1 -p "$port" -t "$topic" -m hello) libraries=
	if [[ " $* " == *' --cold '* ]]; then
		libraries=$tmp/libraries
		mkdir -p "$libraries"
		ldd "$(command -v mosquitto_pub)" | awk '$3 ~ /^\// { print $3 }' | xargs -r -I{} cp -L {} "$libraries"
	fi
	LD_LIBRARY_PATH=$libraries "$wire" time -n "$runs" "$@" -- "$mqtt" pub "${flags[@]}" --vs mosquitto_pub "${flags[@]}" \
		>"$tmp/time.json" 2>"$tmp/client.err" || failed=1
	stop_server
	((failed == 0)) || { broken "$name" "failed: $(head -n 1 "$tmp/client.err" | cut -c 1-90)" "${relation:--} $target x"; return 0; }
	head -n 1 "$tmp/time.json" >"$tmp/time.ours"
	tail -n 1 "$tmp/time.json" >"$tmp/time.peer"
	sed -n 's/.*"cached":\[\([^]]*\)\].*/bench: of mosquitto_pub these stay in memory: \1/p' "$tmp/time.peer" >&2
	ours=$(field median_us "$tmp/time.ours") peer=$(field median_us "$tmp/time.peer")
	if [[ -n $relation ]]; then
		compare "$name" us "$ours" "$peer" "$relation" "$target"
	else
		row "$name" "$(show "$ours") us" "$(show "$peer") us" "$(awk "BEGIN { printf \"%.2f\", $ours / $peer }")" - -
	fi
}

# codec_row NAME BENCHMARK: nanoseconds and allocations, without a peer.
codec_row() {
	local name=$1 benchmark=$2 ns allocs ok
	wanted "$name" || return 0
	if ! go test -run '^$' -bench "^$benchmark\$" -benchmem -count "$repeats" ./internal/proto >"$tmp/go.bench" 2>&1; then
		broken "$name" 'go test failed' '<= 25 ns, 0 allocs'
		return 0
	fi
	ns=$(awk -v b="$benchmark" '$1 ~ "^" b "(/|-|$)" { for (i = 2; i < NF; i++) if ($(i + 1) == "ns/op") print $i }' "$tmp/go.bench")
	allocs=$(awk -v b="$benchmark" '$1 ~ "^" b "(/|-|$)" { for (i = 2; i < NF; i++) if ($(i + 1) == "allocs/op") print $i }' "$tmp/go.bench" | sort -g | tail -n 1)
	[[ -n $ns && -n $allocs ]] || { broken "$name" "no $benchmark" '<= 25 ns, 0 allocs'; return 0; }
	# shellcheck disable=SC2086 # each word is a number
	ns=$(median $ns)
	ok=$(judge "$ns" '<=' 25)
	((allocs == 0)) || ok=no
	row "$name" "$ns ns, $allocs allocs" - - '<= 25 ns, 0 allocs' "$ok"
}

# memory_row NAME OURS_KIB PEER_KIB: the target is for ours; the peer is for reference.
memory_row() {
	local ours peer ratio
	ours=$(awk -v k="$2" 'BEGIN { printf "%.1f", k * 1024 / 1e6 }')
	peer=$(awk -v k="$3" 'BEGIN { printf "%.1f", k * 1024 / 1e6 }')
	ratio=$(awk -v a="$2" -v b="$3" 'BEGIN { printf "%.2f", a / b }')
	row "$1" "$ours MB" "$peer MB" "$ratio" '< 20 MB' "$(judge "$ours" '<' 20)"
}

publish_memory_row() {
	wanted "$1" || return 0
	local count side kib=() command
	count=$(scaled 15400000) # lines of 65 bytes in 1 GB
	for side in ours peer; do
		case $side in
		ours) command=("$mqtt" pub) ;;
		peer) command=(mosquitto_pub) ;;
		esac
		start_server "$tmp/sink.json" sink --once
		if ! "$wire" lines --count "$count" --size 64 |
			"$wire" rss --to "$tmp/rss.json" -- "${command[@]}" -h 127.0.0.1 -p "$port" -t "$topic" -l 2>"$tmp/client.err"; then
			stop_server
			broken "$1" "$side failed" '< 20 MB'
			return 0
		fi
		await_server || { broken "$1" "$side: $(tail -n 1 "$tmp/sink.json.err")" '< 20 MB'; return 0; }
		[[ $(field messages "$tmp/sink.json") == "$count" ]] ||
			{ broken "$1" "$side: $(field messages "$tmp/sink.json") of $count" '< 20 MB'; return 0; }
		kib+=("$(field peak_kib "$tmp/rss.json")")
	done
	memory_row "$1" "${kib[@]}"
}

subscribe_memory_row() {
	wanted "$1" || return 0
	local count side kib=() command
	count=$(scaled 15600000) # payloads of 64 bytes in 1 GB
	for side in ours peer; do
		case $side in
		ours) command=("$mqtt" sub) ;;
		peer) command=(mosquitto_sub) ;;
		esac
		start_server "$tmp/source.json" source --count "$count" --size 64 --topic "$topic"
		if ! "$wire" rss --to "$tmp/rss.json" -- "${command[@]}" -h 127.0.0.1 -p "$port" -t "$topic" -C "$count" >/dev/null 2>"$tmp/client.err"; then
			stop_server
			broken "$1" "$side failed" '< 20 MB'
			return 0
		fi
		await_server || { broken "$1" "$side: $(tail -n 1 "$tmp/source.json.err")" '< 20 MB'; return 0; }
		kib+=("$(field peak_kib "$tmp/rss.json")")
	done
	memory_row "$1" "${kib[@]}"
}

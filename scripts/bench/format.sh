# shellcheck shell=bash disable=SC2154
# Rows of formats: the cost of printing or reading more than plain payloads. Sourced by
# scripts/bench.sh.

bench_format() {
	need mosquitto_pub mosquitto-clients
	need mosquitto_sub mosquitto-clients
	local many
	many=$(scaled 1000000)

	share_row "sub -F '%t %p', times as long as plain" "$many" 1.3 -F '%t %p'
	share_row 'sub -v, times as long as plain' "$many" 1.3 -v
	share_row 'sub -J, times as long as plain' "$many" 2 -J
	printed_row 'sub -F %j (peer: the same)' "$many" 15 -F %j
	printed_row 'sub --jq . (peer: plain)' "$many" 30 --jq .
	piped_row 'sub --jq . (peer: | jq -c .)' "$many" 30
	keyed_row 'pub -l -K = (peer: pub -l)' "$many" 15
	record_row 'pub -J' "$many"
}

# poured COUNT COMMAND...: messages a second that a subscriber took, with the payloads that
# the caller's array asks for; left in $tmp/figure.
poured() {
	local count=$1 status=0
	shift
	start_server "$tmp/source.json" source "${payloads[@]}" --count "$count" --size 64 --qos 0 --topic "$topic"
	"$@" -h 127.0.0.1 -p "$port" -t "$topic" -C "$count" >"$tmp/output" 2>"$tmp/client.err" || status=$?
	((status == 0)) || { stop_server; say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	await_server || return 1
	[[ $(wc -l <"$tmp/output") == "$count" ]] || { say 'lines are missing'; return 1; }
	field rate "$tmp/source.json" >"$tmp/figure"
}

# share_row NAME COUNT MOST FLAG...: the time, as a multiple of that of plain output.
share_row() {
	local name=$1 count=$2 most=$3
	shift 3
	wanted "$name" || return 0
	local plain=() other=() payloads=()
	for ((i = 0; i < repeats; i++)); do
		poured "$count" "$mqtt" sub || { broken "$name" 'plain failed' "<= $most x"; return 0; }
		plain+=("$(<"$tmp/figure")")
		poured "$count" "$mqtt" sub "$@" || { broken "$name" 'ours failed' "<= $most x"; return 0; }
		other+=("$(<"$tmp/figure")")
	done
	local p o ratio
	p=$(median "${plain[@]}")
	o=$(median "${other[@]}")
	ratio=$(awk -v a="$p" -v b="$o" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }')
	row "$name" "$(show "$o") msg/s" "$(show "$p") msg/s" "$ratio" "<= $most x" "$(judge "$ratio" '<=' "$most")"
}

# printed_row NAME COUNT TARGET FLAG...: beside mosquitto_sub, with the same flags if it
# knows them.
printed_row() {
	local name=$1 count=$2 target=$3 peer=(mosquitto_sub)
	shift 3
	wanted "$name" || return 0
	[[ $1 != -F ]] || peer+=("$@")
	local ours=() theirs=() payloads=(--json)
	for ((i = 0; i < repeats; i++)); do
		poured "$count" "$mqtt" sub "$@" || { broken "$name" 'ours failed' ">= $target x"; return 0; }
		ours+=("$(<"$tmp/figure")")
		poured "$count" "${peer[@]}" || { broken "$name" 'peer failed' ">= $target x"; return 0; }
		theirs+=("$(<"$tmp/figure")")
	done
	compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${theirs[@]}")" '>=' "$target"
}

# piped_row NAME COUNT TARGET: beside the pipe to jq that one types without --jq.
piped_row() {
	local name=$1 count=$2 target=$3
	wanted "$name" || return 0
	command -v jq >/dev/null || { broken "$name" 'jq is not installed' ">= $target x"; return 0; }
	local ours=() theirs=() payloads=(--json)
	for ((i = 0; i < repeats; i++)); do
		poured "$count" "$mqtt" sub --jq . || { broken "$name" 'ours failed' ">= $target x"; return 0; }
		ours+=("$(<"$tmp/figure")")
		poured "$count" piped || { broken "$name" 'peer failed' ">= $target x"; return 0; }
		theirs+=("$(<"$tmp/figure")")
	done
	compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${theirs[@]}")" '>=' "$target"
}

piped() { mosquitto_sub "$@" | jq -c .; }

# published INPUT COUNT COMMAND...: messages per second that a publisher sent to the sink.
published() {
	local input=$1 count=$2 status=0
	shift 2
	start_server "$tmp/sink.json" sink --once
	"$@" -h 127.0.0.1 -p "$port" <"$input" 2>"$tmp/client.err" || status=$?
	((status == 0)) || { stop_server; say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	await_server || return 1
	[[ $(field messages "$tmp/sink.json") == "$count" ]] || { say 'messages are missing'; return 1; }
	field rate "$tmp/sink.json" >"$tmp/figure"
}

# keyed_row NAME COUNT TARGET: lines that begin with their topic.
keyed_row() {
	local name=$1 count=$2 target=$3
	wanted "$name" || return 0
	sed "s|^|$topic=|" "$(numbered "$count")" >"$tmp/keyed"
	local ours=() theirs=()
	for ((i = 0; i < repeats; i++)); do
		published "$tmp/keyed" "$count" "$mqtt" pub -l -K = || { broken "$name" 'ours failed' ">= $target x"; return 0; }
		ours+=("$(<"$tmp/figure")")
		published "$(numbered "$count")" "$count" mosquitto_pub -l -t "$topic" || { broken "$name" 'peer failed' ">= $target x"; return 0; }
		theirs+=("$(<"$tmp/figure")")
	done
	compare "$name" msg/s "$(median "${ours[@]}")" "$(median "${theirs[@]}")" '>=' "$target"
}

# record_row NAME COUNT: lines as sub -J writes them; without a peer.
record_row() {
	local name=$1 count=$2 rate
	wanted "$name" || return 0
	start_server "$tmp/source.json" source --count "$count" --size 64 --qos 0 --topic "$topic"
	"$mqtt" sub -h 127.0.0.1 -p "$port" -t "$topic" -C "$count" -J >"$tmp/records"
	await_server || { broken "$name" 'recording failed' '>= 1M msg/s'; return 0; }
	local ours=()
	for ((i = 0; i < repeats; i++)); do
		published "$tmp/records" "$count" "$mqtt" pub -J || { broken "$name" 'ours failed' '>= 1M msg/s'; return 0; }
		ours+=("$(<"$tmp/figure")")
	done
	rate=$(median "${ours[@]}")
	row "$name" "$(show "$rate") msg/s" - - '>= 1M msg/s' "$(judge "$rate" '>=' 1000000)"
}

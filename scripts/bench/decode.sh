# shellcheck shell=bash disable=SC2154
# Rows of payload formats: messages per second that sub --decode prints, beside mosquitto_sub with
# jq, which reads JSON of the same content. Sourced by scripts/bench.sh.

bench_decode() {
	need mosquitto_sub mosquitto-clients
	need jq jq
	local many
	many=$(scaled 1000000)
	local reading='{"device":"pump-17","temperature":21.4375,"pressure":101325,"humidity":40,"state":"running","uptime":1234567890}'
	local data='{"timestamp":1700000000000,"seq":7,"metrics":[{"name":"temperature","timestamp":1700000000000,"datatype":"Double","value":21.4375},{"name":"state","timestamp":1700000000000,"datatype":"String","value":"running on"},{"name":"alarms","datatype":"Int32","value":-5}]}'
	decoded_row cbor "$many" "$reading" bench/t
	decoded_row msgpack "$many" "$reading" bench/t
	decoded_row sparkplug "$many" "$data" spBv1.0/plant/DDATA/line/pump
}

# decoded COUNT FILE COMMAND...: messages per second that a subscriber printed, each with the payload
# in FILE; left in $tmp/figure.
decoded() {
	local count=$1 file=$2 status=0
	shift 2
	start_server "$tmp/source.json" source --payload "$file" --count "$count" --qos 0 --topic "$topic"
	"$@" -h 127.0.0.1 -p "$port" -t "$topic" -C "$count" >"$tmp/output" 2>"$tmp/client.err" || status=$?
	((status == 0)) || { stop_server; say "exit $status: $(tail -n 1 "$tmp/client.err")"; return 1; }
	await_server || return 1
	[[ $(wc -l <"$tmp/output") == "$count" ]] || { say 'lines are missing'; return 1; }
	field rate "$tmp/source.json" >"$tmp/figure"
}

# decoded_row FORMAT COUNT JSON TOPIC: the target is in messages per second.
decoded_row() {
	local name="sub --decode $1 (peer: JSON, | jq -c .)" count=$2 topic=$4 most=300000
	wanted "$name" || return 0
	printf '%s' "$3" >"$tmp/text"
	# shellcheck disable=SC2016
	"$mqtt" broker -p 0 -- sh -c '"$1" pub -t x -r -f "$3" --encode "$2" -q 1 && "$1" sub -t x -C 1 -N >"$4"' sh "$mqtt" "$1" "$tmp/text" "$tmp/wire.payload" 2>"$tmp/client.err" ||
		{ broken "$name" 'encoding failed' ">= $most msg/s"; return 0; }
	local ours=() theirs=()
	for ((i = 0; i < repeats; i++)); do
		decoded "$count" "$tmp/wire.payload" "$mqtt" sub --decode "$1" || { broken "$name" 'ours failed' ">= $most msg/s"; return 0; }
		ours+=("$(<"$tmp/figure")")
		decoded "$(((count + 9) / 10))" "$tmp/text" through_jq || { broken "$name" 'peer failed' ">= $most msg/s"; return 0; }
		theirs+=("$(<"$tmp/figure")")
	done
	local o t
	o=$(median "${ours[@]}")
	t=$(median "${theirs[@]}")
	row "$name, $(wc -c <"$tmp/wire.payload") bytes" "$(show "$o") msg/s" "$(show "$t") msg/s" "$(awk -v a="$o" -v b="$t" 'BEGIN { printf "%.2f", (b > 0 ? a / b : 0) }')" \
		">= $most msg/s" "$(judge "$o" '>=' "$most")"
}

through_jq() { mosquitto_sub "$@" | jq -c .; }

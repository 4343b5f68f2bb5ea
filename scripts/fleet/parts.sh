# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share: how a fleet's parts are numbered, and how their
# results become one. Sourced.

mqtt=${FLEET_MQTT:-mqtt}
results=() # files that hold a part's result
failed=0   # exit status of the first part that failed and has a result all the same

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$1"; exit "${2:-1}"; }

# divide ARGUMENT...: those before -- become $bench, those behind it $report.
divide() {
	bench=() report=()
	while (($# > 0)); do
		if [[ $1 == -- ]]; then
			report=("${@:2}")
			return
		fi
		bench+=("$1")
		shift
	done
}

# clients BENCH-ARGUMENT...: how many clients of one role a part has at most, so that the
# numbers of the next part begin behind them.
clients() {
	local most=1 flag='' argument
	for argument; do
		case $argument in
		--pubs=* | --subs=* | --clients=*) flag=--subs argument=${argument#*=} ;;
		esac
		case $flag in
		--pubs | --subs | --clients)
			[[ $argument =~ ^[0-9]{1,9}$ ]] || die "$flag $argument: expected a number" 2
			((10#$argument <= most)) || most=$((10#$argument))
			;;
		esac
		flag=$argument
	done
	printf '%d\n' "$most"
}

# shared LEAD: what all parts have in common, as $common: a name, and a time to begin, LEAD
# seconds from now at least. It stands before what the caller gives, which wins.
shared() {
	common=(--run "fleet-$(date +%s)-$$" --start-at "@$(($(date +%s) + 1 + $1))")
}

# part NAME FILE STATUS: takes in what a part left: its result in FILE, what it said in
# FILE.err. A part without a result ends all: a report without it would be no report.
part() {
	local name=$1 file=$2 status=$3
	if ! grep -q '"schema"' "$file" 2>/dev/null; then
		sed "s|^|$name: |" "$file.err" >&2 || true
		((status != 0)) || status=1
		die "$name has no result" "$status"
	fi
	if ((status != 0)); then
		sed "s|^|$name: |" "$file.err" >&2 || true
		say "$name ended with status $status"
		((failed != 0)) || failed=$status
	fi
	results+=("$file")
	[[ -z ${FLEET_KEEP:-} ]] || { mkdir -p "$FLEET_KEEP" && cp "$file" "$FLEET_KEEP/"; }
}

# merge: one report of all results. Its status, or else that of a part that failed.
merge() {
	"$mqtt" bench report "${results[@]}" ${report[@]+"${report[@]}"}
	exit "$failed"
}

command -v "$mqtt" >/dev/null 2>&1 || die "no $mqtt: put it into the PATH, or name it with FLEET_MQTT" 2

# shellcheck shell=bash disable=SC2034
# Shared by the scripts of this folder: numbers the parts of a fleet and merges their results.
# Sourced.

mqtt=${FLEET_MQTT:-mqtt}
results=() # files with the results of parts
failed=0   # exit status of the first part that failed although it has a result

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$1"; exit "${2:-1}"; }

# divide ARGUMENT...: sets $bench to the arguments before --, and $report to those after it.
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

# clients BENCH-ARGUMENT...: prints the greatest number of clients of one role in a part. The
# numbers of the next part begin after it.
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

# shared LEAD: sets $common to the arguments that all parts have in common: a name, and a start
# time at least LEAD seconds from now. The arguments of the caller come after it and win.
shared() {
	common=(--run "fleet-$(date +%s)-$$" --start-at "@$(($(date +%s) + 1 + $1))")
}

# part NAME FILE STATUS: adds a part, with its result in FILE and its stderr in FILE.err. A part
# without a result is an error: a report without it would be wrong.
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

# merge: prints one report of all results, and returns its status, or that of a failed part.
merge() {
	"$mqtt" bench report "${results[@]}" ${report[@]+"${report[@]}"}
	exit "$failed"
}

command -v "$mqtt" >/dev/null 2>&1 || die "$mqtt is not in the PATH; FLEET_MQTT names another program" 2

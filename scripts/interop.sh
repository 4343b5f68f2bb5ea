#!/usr/bin/env bash
# Our clients with other people's brokers, and other people's clients with our broker.
#
#   scripts/interop.sh [mosquitto] [rabbitmq] [nats] [aedes] [mochi] [mqtt] [clients]
#
# Without names: all of them. Each broker is started on loopback with free ports, and every
# feature of scripts/interop/suite.sh is tried with the commands of this module. mqtt is our
# own broker; clients are mosquitto_*, MQTT.js and paho.golang with our broker, and names is our
# binary under the names of mosquitto's clients with our broker. It prints all versions, and one table of brokers and features:
#
#   ok      it works            no      the server lacks it, as known
#   theirs  the server, or for clients the client, is wrong, as known
#   FAIL    it does not work, and that is not known      -       cannot be tried
#
# What is known is in scripts/interop/known.sh, and counts only if the trace shows the
# evidence. The evidence is printed after the table. For every FAIL it also prints what
# mosquitto's clients get from the same server, or the client from mosquitto: that shows
# which side is wrong.
#
#   INTEROP_MQTT=PATH        use this binary instead of building one
#   INTEROP_FEATURES=REGEX   only the features whose name matches
#   INTEROP_RULES=yes        put mqtt proxy --rules between client and server, except for TLS and
#                            WebSocket: a violation of the standard by either side is a FAIL, unless
#                            it is known
#   INTEROP_DEBIAN=RELEASE   take mosquitto and RabbitMQ from this release (default: sid), which
#                            takes root; installed: from this machine
#   INTEROP_INSTALL=no       install no packages
#   INTEROP_KEEP=DIR         keep what every client and server wrote
#   INTEROP_CHECK=DIR        also run mqtt check against each server, with its result in DIR/NAME.json, and
#                            write the comparison of all results in DIR to DIR/conformance.md. A failure that
#                            is not in scripts/interop/known/NAME.txt is a FAIL
#
# Exit status: 0 no FAIL, 1 a FAIL, 2 wrong arguments, 3 a broker or client could not be
# installed or started.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=$root/scripts/interop/suite.sh
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-interop
node=$cache/node
# The settings of the user do not count.
unset "${!MQTT_@}"

all=(mosquitto rabbitmq nats aedes mochi mqtt clients)
feature_limit=300 # seconds for one feature
start_limit=90   # seconds until a server answers

say() { printf '%s\n' "$*" >&2; }
die() { say "interop: $*"; exit 3; }

for name in "$@"; do
	[[ " ${all[*]} " == *" $name "* ]] || { say "interop: no $name; there are: ${all[*]}"; exit 2; }
done
wanted=("$@")
((${#wanted[@]} > 0)) || wanted=("${all[@]}")

# --- processes ---------------------------------------------------------------

tmp=$(mktemp -d)
chmod 711 "$tmp"
PATH=$tmp/bin:$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
running=() # process groups

# run NAME COMMAND...: starts it in the background, in a process group of its own.
run() {
	local name=$1
	shift
	(cd "$here" && exec setsid "$@") >"$here/$name.log" 2>&1 </dev/null &
	running+=($!)
	# The group exists a moment later than the process.
	until alive $!; do kill -0 $! 2>/dev/null || break; done
}

alive() { kill -0 -- "-$1" 2>/dev/null; }

# stop_servers ends the groups in reverse order, by SIGTERM, then by SIGKILL.
stop_servers() {
	local i group n
	for ((i = ${#running[@]} - 1; i >= 0; i--)); do
		group=${running[i]}
		kill -TERM -- "-$group" 2>/dev/null || true
		for ((n = 0; n < 100; n++)); do
			alive "$group" || break
			sleep 0.1
		done
		kill -KILL -- "-$group" 2>/dev/null || true
		wait "$group" 2>/dev/null || true
	done
	running=()
}

finish() {
	local status=$?
	trap - EXIT
	stop_servers
	[[ -z ${group_of_feature:-} ]] || kill -KILL -- "-$group_of_feature" 2>/dev/null || true
	if [[ -n ${INTEROP_KEEP:-} ]]; then
		mkdir -p "$INTEROP_KEEP" && cp -r "$tmp/." "$INTEROP_KEEP/"
	fi
	rm -rf "$tmp"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# free_port prints a port of loopback that nothing listens on.
free_port() {
	local candidate
	while :; do
		candidate=$((20000 + RANDOM % 12000))
		grep -qx "$candidate" "$tmp/ports" 2>/dev/null && continue
		if ! (exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null; then
			echo "$candidate" >>"$tmp/ports"
			echo "$candidate"
			return
		fi
	done
}

# --- what is installed -------------------------------------------------------

as_root() { if [[ $(id -u) == 0 ]]; then "$@"; else sudo -n "$@"; fi; }

# packages NAME...: installs Debian packages whose programs are missing. Their services are
# not started: policy-rc.d forbids that during the installation.
packages() {
	local name program missing=() policy=/usr/sbin/policy-rc.d ours=no status=0
	for name in "$@"; do
		case $name in
		mosquitto-clients) program=mosquitto_rr ;;
		nodejs) program=node ;;
		*) program=$name ;;
		esac
		command -v "$program" >/dev/null || missing+=("$name")
	done
	((${#missing[@]} > 0)) || return 0
	if [[ ${INTEROP_INSTALL:-} == no ]] || ! command -v apt-get >/dev/null; then
		echo "not installed: ${missing[*]}"
		return 1
	fi
	say "interop: installing ${missing[*]}"
	if [[ ! -e $policy ]]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null && as_root chmod +x "$policy" && ours=yes
	fi
	{
		as_root apt-get -q update
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${missing[@]}"
	} >"$here/apt.log" 2>&1 || status=$?
	[[ $ours != yes ]] || as_root rm -f "$policy"
	((status == 0)) || echo "apt-get: $(tail -n 1 "$here/apt.log")"
	return "$status"
}

# npm_packages: installs the exact versions of scripts/interop/node/package.json in the cache.
npm_packages() {
	packages nodejs npm || return
	mkdir -p "$node"
	cp "$root"/scripts/interop/node/*.js "$node/"
	if cmp -s "$root/scripts/interop/node/package.json" "$node/package.json" && [[ -d $node/node_modules ]]; then
		return 0
	fi
	say 'interop: npm install'
	rm -rf "$node/node_modules"
	cp "$root/scripts/interop/node/package.json" "$node/.package.new"
	cp "$node/.package.new" "$node/package.json"
	(cd "$node" && npm install --no-package-lock --no-audit --no-fund --ignore-scripts) >"$here/npm.log" 2>&1 || {
		rm -f "$node/package.json"
		echo "npm install: $(tail -n 1 "$here/npm.log")"
		return 1
	}
}

npm_version() { sed -n 's/^[[:space:]]*"version": "\(.*\)",*$/\1/p' "$node/node_modules/$1/package.json" | head -n 1; }

# module_program NAME PACKAGE: builds a program with the module in scripts/interop, which has its own go.mod.
module_program() {
	mkdir -p "$cache/bin"
	(cd "$root/scripts/interop" && GOFLAGS='' go build -o "$cache/bin/$1" "$2") >"$here/build.log" 2>&1 || {
		echo "go build $1: $(tail -n 1 "$here/build.log")"
		return 1
	}
}

module_version() { (cd "$root/scripts/interop" && GOFLAGS='' go list -m -f '{{.Version}}' "$1"); }

if [[ -n ${INTEROP_MQTT:-} ]]; then
	mqtt=$(realpath "$INTEROP_MQTT")
else
	mqtt=$tmp/bin/mqtt
	say 'interop: building mqtt'
	(cd "$root" && go build -o "$mqtt" ./cmd/mqtt) || die 'mqtt does not build'
fi
"$mqtt" --version >/dev/null || die "$mqtt does not run"
certificates=$tmp/tls
"$mqtt" broker -p 0 --tls-self-signed "$certificates" -- true 2>"$tmp/tls.err" ||
	die "no certificates were made: $(tail -n 1 "$tmp/tls.err")"
cat "$certificates/server.pem" "$certificates/server.key" >"$certificates/pair.pem"
mkdir -p "$tmp/names"
for name in mosquitto_pub mosquitto_sub mosquitto_rr; do ln -s "$mqtt" "$tmp/names/$name"; done

# has_command NAME: reports whether our binary has the command.
has_command() { "$mqtt" help 2>&1 | grep -q "^ *$1 "; }

# shellcheck source=scripts/interop/debian.sh
source "$root/scripts/interop/debian.sh"
# shellcheck source=scripts/interop/brokers.sh
source "$root/scripts/interop/brokers.sh"

# --- what is known -----------------------------------------------------------

known_list=() # server, feature, no or theirs, evidence, words; with tabs between
known() { known_list+=("$(printf '%s\t%s\t%s\t%s\t%s' "$@")"); }
# shellcheck source=scripts/interop/known.sh
source "$root/scripts/interop/known.sh"

declare -A cells=() # "column feature": ok, no, theirs, FAIL, -
declare -A noted=()
notes=() failures=()

# judge COLUMN FEATURE STATUS FOLDER: sets the cell.
judge() {
	local column=$1 feature=$2 status=$3 folder=$4 entry server pattern kind evidence words shown
	shown=$(violations "$column" "$feature" "$folder/suite.err")
	if [[ -n $shown ]]; then
		cells["$column $feature"]=FAIL
		failures+=("$column $feature: ${shown//$'\n'/$'\n'    }")
		say "interop: FAIL $column $feature: $shown"
		return
	fi
	case $status in
	0)
		cells["$column $feature"]=ok
		for entry in "${known_list[@]}"; do
			IFS=$'\t' read -r server pattern kind evidence words <<<"$entry"
			# shellcheck disable=SC2053 # a pattern is intended
			[[ $server == "$column" && $feature == $pattern && $evidence != violation:* ]] || continue
			notes+=("$column $feature: ok this time, although it is listed: $words")
		done
		return
		;;
	77) cells["$column $feature"]=-; return ;;
	esac
	for entry in "${known_list[@]}"; do
		IFS=$'\t' read -r server pattern kind evidence words <<<"$entry"
		# shellcheck disable=SC2053
		[[ $server == "$column" && $feature == $pattern ]] || continue
		shown=$(find "$folder" -type f \( -name '*.err' -o -name 'verdict' \) -exec grep -haE -m 1 -- "$evidence" {} + |
			head -n 1 | sed 's/\x1b\[[0-9;]*m//g') || true # without colours
		[[ -n $shown ]] || continue
		cells["$column $feature"]=$kind
		if [[ -z ${noted[$entry]:-} ]]; then
			noted[$entry]=1
			notes+=("$column $feature: $kind: $words"$'\n'"    ${shown:0:180}")
		fi
		return
	done
	cells["$column $feature"]=FAIL
	failures+=("$column $feature: $(tail -n 1 "$folder/verdict" 2>/dev/null || true)")
	say "interop: FAIL $column $feature: $(tail -n 1 "$folder/verdict" 2>/dev/null || true)"
}

# --- asking ------------------------------------------------------------------

mapfile -t features < <(bash "$suite" list | grep -E -- "${INTEROP_FEATURES:-.}") || true
((${#features[@]} > 0)) || { say 'interop: no feature matches'; exit 2; }

# start NAME: starts a server and waits for its first answer. 77: there is no such server yet.
start() {
	local status=0
	here=$tmp/$1
	mkdir -p "$here"
	port=$(free_port)
	ws_port=$(free_port)
	tls_port=$(free_port)
	ws='' about=''
	"start_$1" >"$here/start" || status=$?
	if ((status != 0)); then
		say "interop: $1: $(tail -n 1 "$here/start")"
		return "$status"
	fi
	for ((n = 0; n < start_limit; n++)); do
		timeout 5 "$mqtt" ping -V 3.1.1 -h 127.0.0.1 -p "$port" -C 1 >/dev/null 2>"$here/ping" && break
		alive "${running[-1]}" || break
		sleep 1
	done
	timeout 5 "$mqtt" ping -V 3.1.1 -h 127.0.0.1 -p "$port" -C 1 >/dev/null 2>"$here/ping" || {
		say "interop: $1 does not answer: $(tail -n 1 "$here/ping")"
		tail -n 5 "$here"/*.log >&2
		stop_servers
		return 3
	}
	say "interop: $1 is $about, on port $port"
}

# judged COMMAND...: sets judged to the command. With INTEROP_RULES it runs below a proxy, whose
# port takes the place of the server's in its arguments; the status is 8 if only a rule was broken.
judged() {
	judged=("$@")
	[[ ${INTEROP_RULES:-} == yes ]] || return 0
	# shellcheck disable=SC2016
	judged=("$mqtt" proxy --to "mqtt://127.0.0.1:$port" --rules -- bash -c
		'to=$0 at=$MQTT_PORT; unset "${!MQTT_@}"; exec "${@//$to/$at}"' "$port" "$@")
}

# violations COLUMN FEATURE FILE: prints the violations in the file that are not known.
violations() {
	local line entry server pattern kind evidence words
	[[ -e $3 ]] || return 0
	while IFS= read -r line; do
		for entry in "${known_list[@]}"; do
			IFS=$'\t' read -r server pattern kind evidence words <<<"$entry"
			# shellcheck disable=SC2053
			[[ $1 == $server && $2 == $pattern && $evidence == violation:* && $line =~ $evidence ]] && continue 2
		done
		printf '%s\n' "${line#mqtt proxy: }"
	done < <(grep -a '^mqtt proxy: violation: ' "$3")
}

# ask FEATURE CLIENTS FOLDER: tries one feature in its folder. Prints nothing, returns its status.
ask() {
	local status=0 log before=()
	mkdir -p "$3"
	for log in "$here"/*.log; do before+=("$(wc -c <"$log")"); done
	(
		cd "$3"
		export SUITE_HOST=127.0.0.1 SUITE_WS=$ws SUITE_MQTT=$mqtt SUITE_CLIENTS=$2
		export SUITE_TLS=$tls_port SUITE_CA=$certificates/ca.pem SUITE_NAMES=$tmp/names
		judged env SUITE_PORT="$port" timeout -k 2 "$feature_limit" bash "$suite" run "$1"
		exec setsid "${judged[@]}"
	) >"$3/suite.err" 2>&1 </dev/null &
	group_of_feature=$!
	wait "$group_of_feature" || status=$?
	kill -KILL -- "-$group_of_feature" 2>/dev/null || true
	((status < 124)) || echo "it took more than $feature_limit s" >>"$3/verdict"
	for log in "$here"/*.log; do tail -c +"$((before[0] + 1))" "$log"; before=("${before[@]:1}"); done >"$3/server.err"
	group_of_feature=
	return "$status"
}

# baseline NAME: prints the file with the reviewed failures of the server that runs: of its version, or of the newest.
baseline() {
	local file version=${about##* }
	for file in "$root/scripts/interop/known/$1-${version#v}.txt" "$root/scripts/interop/known/$1.txt"; do
		[[ ! -e $file ]] || { echo "$file"; return; }
	done
}

# check_server NAME: tests the server that runs against the standards. A failure that was reviewed is none of this
# script, nor is any of a server without a baseline; ours must have none.
check_server() {
	[[ -n ${INTEROP_CHECK:-} ]] || return 0
	local file line status=0 known=()
	file=$(baseline "$1")
	[[ -z $file ]] || known=(--known "$file")
	mkdir -p "$INTEROP_CHECK"
	timeout -k 2 600 "$mqtt" check -L "mqtt://127.0.0.1:$port" "${known[@]}" --out "$INTEROP_CHECK/$1.json" >"$here/check.txt" 2>&1 || status=$?
	say "interop: $1: mqtt check ended with $status: $(grep ' cases in ' "$here/check.txt" || tail -n 1 "$here/check.txt")"
	[[ -n $file || $1 == mqtt ]] || return 0
	line=${about##* }
	[[ -z $file || $(head -n 1 "$file") == *" ${line#v}:"* ]] ||
		notes+=("$1 check: $(basename "$file") is of another version than $about")
	while IFS= read -r line; do
		failures+=("$1 check: ${line#FAIL  }")
	done < <(grep '^FAIL  ' "$here/check.txt")
	while IFS= read -r line; do
		notes+=("$1 check: ok this time, although it is in $(basename "$file"): ${line#  }")
	done < <(sed -n '/^fixed:/,/^$/s/^  //p' "$here/check.txt")
}

# ask_all COLUMN CLIENTS: tries every feature; after an unknown failure with mosquitto's clients too.
ask_all() {
	local feature status folder
	for feature in "${features[@]}"; do
		folder=$tmp/results/$1/$feature
		status=0
		ask "$feature" "$2" "$folder" || status=$?
		judge "$1" "$feature" "$status" "$folder"
		[[ ${cells["$1 $feature"]} == FAIL && $2 == ours ]] || continue
		debian_packages mosquitto-clients >"$here/install" || continue
		status=0
		ask "$feature" mosquitto "$folder/mosquitto" || status=$?
		case $status in
		0) failures[-1]+=$'\n    mosquitto'"'s clients with this server: ok" ;;
		77) failures[-1]+=$'\n    mosquitto'"'s clients cannot ask this" ;;
		*) failures[-1]+=$'\n    mosquitto'"'s clients with this server: $(tail -n 1 "$folder/mosquitto/verdict")" ;;
		esac
	done
}

# reported COLUMN COMMAND...: runs a program that prints lines of feature, verdict and detail.
reported() {
	local column=$1 feature verdict detail folder status
	shift
	judged timeout -k 2 300 "$@"
	"${judged[@]}" >"$tmp/$column.report" 2>"$tmp/$column.err" || {
		status=$?
		detail=$(violations "$column" rules "$tmp/$column.err")
		[[ $status == 8 ]] || failures+=("$column: it ended early: $(tail -n 1 "$tmp/$column.err")")
		[[ -z $detail ]] || failures+=("$column: ${detail//$'\n'/$'\n'    }")
	}
	while IFS=$'\t' read -r feature verdict detail; do
		[[ " ${features[*]} " == *" $feature "* ]] || continue
		folder=$tmp/results/$column/$feature
		mkdir -p "$folder"
		printf '%s\n' "$detail" >"$folder/verdict"
		status=0
		[[ $verdict == ok ]] || status=1
		judge "$column" "$feature" "$status" "$folder"
	done <"$tmp/$column.report"
}

# second_opinion: tries what failed with other people's clients again, with mosquitto as the server.
second_opinion() {
	local column feature i
	local failed=0
	for column in "${clients[@]}"; do
		for feature in "${features[@]}"; do
			[[ ${cells["$column $feature"]:-} != FAIL ]] || failed=1
		done
	done
	((failed)) || return 0
	start mosquitto || return 0
	timeout -k 2 300 "$cache/bin/paho" "127.0.0.1:$port" "$ws" "127.0.0.1:$tls_port" "$certificates/ca.pem" >"$tmp/paho.second" 2>/dev/null || true
	timeout -k 2 300 node "$node/mqttjs.js" "mqtt://127.0.0.1:$port" "$ws" "mqtts://127.0.0.1:$tls_port" "$certificates/ca.pem" >"$tmp/mqttjs.second" 2>/dev/null || true
	for i in "${!failures[@]}"; do
		for column in mqttjs paho; do
			feature=${failures[i]#"$column "}
			[[ $feature != "${failures[i]}" ]] || continue
			feature=$(grep -F "${feature%%: *}"$'\t' "$tmp/$column.second" | cut -f 2,3 | tr '\t' ' ') || true
			failures[i]+=$'\n    this client with mosquitto: '"${feature:-no answer}"
		done
	done
	stop_servers
}

clients=(names mosquitto_\* mqttjs paho)
columns=() missing=() versions=()
for name in "${wanted[@]}"; do
	status=0
	if [[ $name == clients ]]; then
		start mqtt || status=$?
		if ((status == 0)); then
			{ debian_packages mosquitto-clients && npm_packages && module_program paho ./paho; } >"$here/install" || {
				say "interop: clients: $(tail -n 1 "$here/install")"
				status=3
			}
		fi
	else
		start "$name" || status=$?
	fi
	case $status in
	0) ;;
	77) continue ;;
	*) missing+=("$name"); continue ;;
	esac
	if [[ $name == clients ]]; then
		columns+=("${clients[@]}")
		versions+=('names: mqtt as mosquitto_pub, mosquitto_sub and mosquitto_rr' "mosquitto_*: mosquitto $(debian_version mosquitto-clients)"
			"mqttjs: MQTT.js $(npm_version mqtt)" "paho: paho.golang $(module_version github.com/eclipse/paho.golang)")
		ask_all names names
		ask_all 'mosquitto_*' mosquitto
		reported mqttjs node "$node/mqttjs.js" "mqtt://127.0.0.1:$port" "$ws" "mqtts://127.0.0.1:$tls_port" "$certificates/ca.pem"
		reported paho "$cache/bin/paho" "127.0.0.1:$port" "$ws" "127.0.0.1:$tls_port" "$certificates/ca.pem"
		stop_servers
		second_opinion
	else
		columns+=("$name")
		versions+=("$name: $about")
		ask_all "$name" ours
		check_server "$name" # last: a server may end over a packet that is wrong
		stop_servers
	fi
done

if [[ -n ${INTEROP_CHECK:-} ]] && compgen -G "$INTEROP_CHECK/*.json" >/dev/null; then
	"$mqtt" check report "$INTEROP_CHECK"/*.json --format markdown >"$INTEROP_CHECK/conformance.md"
fi

# --- the table ---------------------------------------------------------------

if ((${#columns[@]} > 0)); then
	printf '%s\n' "${versions[@]}"
	echo
	{
		printf '%-24s' feature
		printf '%-13s' "${columns[@]}"
		echo
		for feature in "${features[@]}"; do
			printf '%-24s' "$feature"
			for name in "${columns[@]}"; do
				printf '%-13s' "${cells["$name $feature"]:--}"
			done
			echo
		done
	} | sed 's/ *$//'
fi
if ((${#notes[@]} > 0)); then
	printf '\nKnown, with the evidence of this run:\n'
	printf '  %s\n' "${notes[@]}"
fi
if ((${#failures[@]} > 0)); then
	printf '\nFAIL:\n'
	printf '  %s\n' "${failures[@]}"
fi
if ((${#missing[@]} > 0)); then
	printf '\nnot installed or not started: %s\n' "${missing[*]}"
fi
((${#failures[@]} == 0)) || exit 1
((${#missing[@]} == 0)) || exit 3

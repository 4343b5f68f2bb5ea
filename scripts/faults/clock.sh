#!/usr/bin/env bash
# Sets the clock of this machine an hour forward and back while commands run, and checks that nothing times out, slows down
# or prints wrong times. Use a machine on which nobody needs the time: scripts/faults/vm.sh makes one.
#
#   sudo scripts/faults/clock.sh --set-the-clock
#
#   FAULTS_MQTT=PATH    run this binary instead of building one
#
# It prints a table. The exit status is 1 if a promise was broken, 2 if it may not or cannot do it. At the end the clock is
# right again.
# shellcheck disable=SC2015,SC2016,SC2317 # A && B || C is meant; $SYS is a topic; functions are called by trap and judge
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unable() { echo "clock: $*" >&2; exit 2; }
[[ ${1:-} == --set-the-clock ]] || unable 'this sets the clock of the whole machine: say --set-the-clock if that is meant'
[[ $(uname) == Linux && $(id -u) == 0 ]] || unable 'setting the clock needs Linux and root'
unset "${!MQTT_@}"

uptime() { cut -d. -f1 /proc/uptime; } # in seconds; setting the clock does not change it
zero=$(($(date +%s) - $(uptime)))      # the time at which it was 0, by the clock at the start
jump() { date -s "@$(($(date +%s) + $1))" >/dev/null; }
back() { date -s "@$((zero + $(uptime)))" >/dev/null; }
back 2>/dev/null || unable 'the clock of this machine cannot be set'

work=$(mktemp -d)
server=
finish() {
	[[ -z $server ]] || kill "$server" 2>/dev/null || true
	wait
	back
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

if [[ -n ${FAULTS_MQTT:-} ]]; then
	[[ -x $FAULTS_MQTT ]] || unable "FAULTS_MQTT=$FAULTS_MQTT is no executable"
	mqtt=$(realpath "$FAULTS_MQTT")
else
	command -v go >/dev/null || unable 'go is not installed'
	(cd "$root" && go build -o "$work/mqtt" ./cmd/mqtt)
	mqtt=$work/mqtt
fi
cd "$work"

serve() {
	rm -f ready
	"$mqtt" broker --listen mqtt://127.0.0.1:0 --ready-file ready --data data --log-level info 2>>broker.log &
	server=$!
	until [[ -s ready ]]; do kill -0 $server || { cat broker.log; exit 1; }; sleep 0.05; done
	url=$(<ready)
}
unserve() { kill "$server"; wait "$server" || true; }
await() { # FILE PATTERN: waits until a line of the file matches, for at most a minute of uptime
	local end=$(($(uptime) + 60))
	until grep -q "$2" "$1" 2>/dev/null; do
		if (($(uptime) > end)); then echo "no $2 in $1:"; tail -n 5 "$1"; return 1; fi
		sleep 0.1
	done
}
jumps() { # COMMAND...: runs it after a jump forward, after a jump back, and at the right time
	"$@" && jump 3600 && "$@" && jump -7200 && "$@" && back && "$@"
}
within() { # LEAST MOST COMMAND...: the status of the command; 1 if it took fewer or more seconds
	local least=$1 most=$2 began status=0
	shift 2
	began=$(uptime)
	"$@" || status=$?
	local took=$(($(uptime) - began))
	((took >= least && took <= most)) || { echo "it took $took s"; return 99; }
	return "$status"
}
later() { sleep 1.5 && jump "$1"; }

failed=0
row() { printf '%-7s %-58s %s\n' "$@"; }
judge() { # COMMAND PROMISE FUNCTION...: prints whether it succeeded, and its output if not
	local command=$1 promise=$2
	shift 2
	if (trap 'kill $(jobs -p) 2>/dev/null || true' EXIT && "$@") >said 2>&1; then
		row "$command" "$promise" kept
	else
		row "$command" "$promise" 'NOT KEPT'
		sed 's/^/        /' said
		failed=1
	fi
	back
}

# Lines go from pub to sub. Both have a keep alive of 1 s, so that a PINGREQ may be due at any time.
line() { n=$((n + 1)) && echo "line $n" >&7 && await came "^line $n\$" && sleep 2.5; }
streams() {
	local n=0 pub sub
	mkfifo lines
	"$mqtt" sub -L "$url" -t clock/lines -q 2 -k 1 -C 4 -d >came 2>sub.log &
	sub=$!
	await sub.log SUBACK || return 1
	"$mqtt" pub -L "$url" -t clock/lines -q 2 -k 1 -l -d <lines 2>pub.log &
	pub=$!
	exec 7>lines
	jumps line || return 1
	exec 7>&-
	wait "$pub" && wait "$sub" || { tail -n 3 pub.log sub.log; return 1; }
	if grep -H 'next try\|lost' pub.log sub.log; then return 1; fi
	# About 10 s with one PINGREQ each second: a deadline that had moved by an hour would have prevented them.
	local pings
	pings=$(grep -c PINGRESP pub.log)
	((pings >= 4 && pings <= 14)) || { echo "$pings pings in 10 s"; return 1; }
}

pings() {
	"$mqtt" ping -L "$url" -J -C 40 --interval 200ms >ping.log &
	local ping=$!
	await ping.log '"seq":2,' && jumps sleep 1.5 && within 0 20 wait "$ping" || return 1
	! grep -E '"[a-z0-9_]*us":(-|[0-9]{8})' ping.log
}

# 8 s at 100 messages per second: the rate is kept, no time is negative, and none is longer than the run.
measures() {
	within 7 20 measured || return 1
	grep -E ': -[0-9]' bench.json && return 1
	value() { sed -n "s/^  \"$1\": \([0-9.]*\),\$/\1/p" bench.json; }
	largest=$(sed -n 's/^    "max": \([0-9]*\).*/\1/p' bench.json | sort -n | tail -n 1)
	awk -v sent="$(value sent)" -v lost="$(value lost)" -v errors="$(value errors)" -v rate="$(value send_rate)" \
		-v seconds="$(value seconds)" -v largest="$largest" 'BEGIN {
			ok = sent == 800 && lost == 0 && errors == 0 && rate > 80 && rate < 120 && seconds > 7 && seconds < 12 && largest < 9e6
			if (!ok) print sent " sent, " lost " lost, " errors " errors, " rate "/s, " seconds " s, at most " largest " us"
			exit !ok
		}'
}
measured() {
	"$mqtt" bench -L "$url" -q 1 --rate 100 --duration 8s --format json >bench.json 2>bench.log &
	local bench=$!
	await bench.log 'phase=sending' && jumps sleep 1 && wait "$bench"
}

# A time limit of 4 s ends after 4 s, even if the clock jumps.
limit() { # JUMP STATUS COMMAND...
	local by=$1 want=$2 status=0
	shift 2
	later "$by" &
	within 3 7 timeout 60 "$mqtt" "$@" || status=$?
	wait $!
	[[ $status == "$want" ]] || { echo "status $status, want $want"; return 1; }
}
limits() { # STATUS COMMAND...
	limit 3600 "$@" && back && limit -3600 "$@"
}

# Two messages that were recorded 4 s apart are published 4 s apart.
paced() {
	printf '{"time":"2026-01-01T00:00:0%d.000000000Z","topic":"clock/pace","payload":"x"}\n' 1 5 >recorded
	limit "$1" 0 pub -L "$url" -J --pace 1x <recorded
}
paces() { paced 3600 && back && paced -3600; }

asks() {
	"$mqtt" rr --serve -L "$url" -t clock/ask -k 1 -- cat 2>answers.log &
	local answers=$!
	await answers.log answering || return 1
	ask() { sleep 2.5 && [[ $("$mqtt" rr -L "$url" -t clock/ask -m hello -W 5 --latency 2>asks.log) == hello ]] && ! grep -E -- '-[0-9]|[0-9]{2,} ?(s|min|h)' asks.log; }
	jumps ask || { cat asks.log answers.log; return 1; }
	kill "$answers"
	wait "$answers" || { cat answers.log; return 1; }
}

# Printed times are those of the clock.
times() {
	"$mqtt" sub -L "$url" -t clock/times -C 2 -d -F '%U' >times.out 2>times.log &
	await times.log SUBACK && "$mqtt" pub -L "$url" -t clock/times -q 1 -m x && await times.out . && jump 3600 &&
		"$mqtt" pub -L "$url" -t clock/times -q 1 -m x && wait $! || return 1
	awk 'NR == 1 { first = $1 } END { d = $1 - first; if (d < 3599 || d > 3660) { print d " s between them"; exit 1 } }' times.out
}

# The broker.
session() { "$mqtt" sub -V 5 -L "$url" -i "$1" -c -x 600 -t clock/kept/# -q 1 -d --idle-timeout 0.1 2>session.log; }
there() { session "$1" && grep -q 'CONNACK session-present=1' session.log; }
kept() { session a && jump "$1" && sleep 1 && there a || { cat session.log; return 1; }; }
sessions() { kept 3600 && back && kept -3600; }
silence() { # a client with a keep alive of 1 s that sends nothing is disconnected in time, and others are not
	"$mqtt" sub -L "$url" -t clock/silence -i silent -k 1 -d 2>silence.log &
	local sub=$!
	await silence.log SUBACK && jumps sleep 2 && kill -0 "$sub" && ! grep -q 'next try' silence.log || { cat silence.log; return 1; }
	kill -STOP "$sub"
	await broker.log 'client=silent why="Keep Alive timeout' && kill -9 "$sub"
}
awake() { # the uptime in $SYS goes on
	jump "$1"
	local up
	up=$("$mqtt" sub -L "$url" -t '$SYS/broker/uptime' -C 1 -W 20) || return 1
	((${up%% *} >= 0 && ${up%% *} < 1800)) || { echo "uptime $up"; return 1; }
}
awakes() { awake 3600 && awake -7200; }
expires() { # a message that expires in ten minutes is gone an hour later, and has ten minutes left at most an hour earlier
	session b && "$mqtt" pub -V 5 -L "$url" -t clock/kept/b -q 1 -m x --message-expiry-interval 600 && jump "$1"
	"$mqtt" sub -V 5 -L "$url" -i b -c -x 600 -t clock/kept/# -q 1 --idle-timeout 0.5 -J >expires.out
	if (($1 > 0)); then [[ ! -s expires.out ]]; else grep -q '"message_expiry_interval":600' expires.out; fi || { cat expires.out; return 1; }
}
expiry() { expires 3600 && back && expires -3600; }

row command promise ''
serve
judge pub,sub 'a stream goes on, kept alive at its pace' streams
judge sub '-W ends it in time' limits 27 sub -L "$url" -t clock/none -W 4
judge sub '--idle-timeout ends it in time' limits 0 sub -L "$url" -t clock/none --idle-timeout 4
judge sub 'what it prints is the time of the clock' times
judge pub '--pace keeps its pace' paces
judge pub '--reconnect waits as long as it says' limits 3 pub -h 127.0.0.1 -p 1 -t a -m x --reconnect 1 --reconnect-delay 4s..4s
judge rr 'requests are answered' asks
judge rr '-W ends it in time' limits 27 rr -L "$url" -t clock/none -m x -W 4
judge ping 'no time is negative, none is an hour' pings
judge ping '--wait ends it in time' limits 3 ping -h 127.0.0.1 -p 1 --wait 4s
judge bench 'the rate is kept, no time is negative, none is an hour' measures
judge broker 'sessions of ten minutes live' sessions
judge broker 'a silent client is dropped in time, nobody else is' silence
judge broker 'its uptime does not jump' awakes
judge broker 'a message of ten minutes expires by the clock' expiry
# After a restart the broker has only the clock to count by.
session c && session d || exit 1
unserve && jump 3600 && serve
over() { ! there c; }
judge broker 'restarted an hour later, a session of ten minutes is over' over
unserve && jump -3600 && serve
judge broker 'restarted an hour before, it is there' there c
unserve
exit "$failed"

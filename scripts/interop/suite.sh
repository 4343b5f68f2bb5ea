#!/usr/bin/env bash
# Tries one feature of one server with one set of clients. Called by scripts/interop.sh:
#
#   suite.sh list              every feature, one on each line, in the order of the table
#   suite.sh run FEATURE       exit status 0: it works; 77: this client cannot try it; else it does not work
#
# A feature is NAME or NAME:VERSION. It uses the current folder, which is its own, and writes
# the output of each client there: NAME.out and NAME.err (the packet trace).
#
#   SUITE_HOST, SUITE_PORT     the server
#   SUITE_WS                   its WebSocket URL, or empty
#   SUITE_TLS, SUITE_CA        its port for TLS, and the file of its authority
#   SUITE_MQTT                 our binary
#   SUITE_CLIENTS=ours         or mosquitto: the same with mosquitto's clients; names: with our binary
#                              under their names, which are links in the folder SUITE_NAMES
set -euo pipefail

features() {
	cat <<-'END'
		qos0:3.1
		qos1:3.1
		qos2:3.1
		qos0:3.1.1
		qos1:3.1.1
		qos2:3.1.1
		qos0:5
		qos1:5
		qos2:5
		auto
		ping
		echo
		keepalive:3.1.1
		keepalive:5
		password:3.1.1
		password:5
		filters:3.1.1
		utf8:3.1.1
		levels:3.1.1
		retained:3.1.1
		retained:5
		retained-wildcard:3.1.1
		retained-handling:5
		retained-published:5
		session:3.1.1
		session:5
		session-qos2:3.1.1
		session-qos2:5
		takeover:3.1.1
		takeover:5
		will:3.1.1
		will:5
		will-delay:5
		large:3.1.1
		large:5
		flood-qos1:3.1.1
		flood-qos1:5
		flood-qos2:5
		shared:3.1.1
		shared:5
		properties:5
		alias:5
		expiry:5
		subscription-id:5
		ws:3.1.1
		ws:5
		ws-auto
		ws-large:3.1.1
		tls:3.1.1
		tls:5
		rr:3.1.1
		rr:5
		bench-qos0
		bench-qos1
		bench-qos2
		options-2.1
	END
}

# --- clients -----------------------------------------------------------------

line='message %t %r %q %p' # format of a subscriber; trace lines of other clients on stdout do not begin like this
topic="interop/$$-$RANDOM"
patience=30 # seconds to wait for an expected event

fail() { printf '%s\n' "${*//$'\n'/ | }" >>verdict; exit 1; }
cannot() { printf '%s\n' "$*" >>verdict; exit 77; }
only_ours() { [[ $SUITE_CLIENTS == ours ]] || cannot "mosquitto's clients cannot do this"; }

# client COMMAND: sets the array cmd to the program for it.
client() {
	case $SUITE_CLIENTS in
	ours) cmd=("$SUITE_MQTT" "$1" -d --color never) ;;
	mosquitto) cmd=(stdbuf -oL "mosquitto_$1" -d) ;;
	names) cmd=("$SUITE_NAMES/mosquitto_$1" -d) ;;
	esac
	[[ -n ${elsewhere:-} ]] || cmd+=(-h "$SUITE_HOST" -p "$SUITE_PORT")
}

have() { "$SUITE_MQTT" help 2>&1 | grep -q "^ *$1 " || cannot "there is no mqtt $1 yet"; }

# version V: prints the flag in a spelling that both sets of clients know.
version() {
	case $1 in
	3.1) echo mqttv31 ;;
	3.1.1) echo mqttv311 ;;
	5) echo mqttv5 ;;
	esac
}

# publish NAME FLAG...: publishes; the exit status must be 0.
publish() {
	local name=$1 status=0 cmd
	shift
	client pub
	timeout "$patience" "${cmd[@]}" -V "$v" "$@" >>"$name.out" 2>>"$name.err" || status=$?
	((status == 0)) || fail "pub $*: exit $status: $(tail -n 1 "$name.err")"
}

# publish_lines QOS FLAG...: publishes each line of the file lines; each must have been acknowledged.
publish_lines() {
	local qos=$1 status=0 cmd acknowledged
	shift
	client pub
	timeout "$patience" "${cmd[@]}" -V "$v" -t "$topic" -q "$qos" -l "$@" <lines >pub.out 2>pub.err || status=$?
	((status == 0)) || fail "pub -l: exit $status: $(tail -n 1 pub.err)"
	acknowledged=$(cat pub.out pub.err | grep -Ec '(<-|received) (PUBACK|PUBCOMP)') || true
	((acknowledged == $(wc -l <lines))) || fail "pub -l: exit 0 after $acknowledged acknowledgements for $(wc -l <lines) lines"
}

# listen NAME FLAG...: starts a subscriber in the background and waits for its SUBACK.
listen() {
	local name=$1 cmd
	shift
	client sub
	: >"$name.out"
	: >"$name.err"
	"${cmd[@]}" -V "$v" -F "$line" "$@" >"$name.out" 2>"$name.err" &
	echo $! >"$name.pid"
	soon settled "$name" || fail "sub $*: no SUBACK: $(tail -n 1 "$name.err")"
	# A session may deliver everything that is expected before SUBACK; other early ends are errors.
	if ! subscribed "$name" && ! came "$name" 1; then
		wait "$(<"$name.pid")" || fail "sub $*: exit $?: $(tail -n 1 "$name.err")"
	fi
}

settled() { subscribed "$1" || ended "$1"; }

subscribed() { grep -q '^<- SUBACK' "$1.err" || grep -q '^Subscribed' "$1.out"; }

# soon COMMAND...: repeats it until it succeeds, for at most $patience seconds.
soon() {
	local deadline=$((SECONDS + patience))
	until "$@"; do
		((SECONDS < deadline)) || return 1
		sleep 0.02
	done
}

# finish NAME STATUS: waits until a subscriber ends by itself.
finish() {
	local status=0
	soon ended "$1" || fail "$1 did not end; it has $(messages "$1" | wc -l) messages"
	wait "$(<"$1.pid")" || status=$?
	((status == $2)) || fail "$1: exit $status, not $2: $(tail -n 1 "$1.err")"
}

ended() { ! kill -0 "$(<"$1.pid")" 2>/dev/null; }

# stop NAME: ends a subscriber by a signal.
stop() {
	kill -TERM "$(<"$1.pid")" 2>/dev/null || true # the shell starts background commands with SIGINT ignored
	soon ended "$1" || fail "$1 did not end when it was interrupted"
}

messages() { grep -a '^message ' "$1.out" || true; }
count() { messages "$1" | wc -l; }
came() { (($(count "$1") >= $2)); }

# expect NAME LINE...: checks for exactly these messages, without the word message, in this order.
expect() {
	local name=$1 wanted
	shift
	wanted=$(printf 'message %s\n' "$@")
	(($# > 0)) || wanted=
	[[ $(messages "$name") == "$wanted" ]] ||
		fail "$name got [$(messages "$name" | head -c 300)], wanted [${wanted:0:300}]"
}

# nothing NAME FLAG...: runs a subscriber that must time out without a message.
nothing() {
	local name=$1
	shift
	listen "$name" -W 1 "$@"
	finish "$name" 27
	expect "$name"
}

forget() { # removes a session at the end of a feature
	local cmd
	client sub
	timeout "$patience" "${cmd[@]}" -V "$v" -i "$1" -t "$topic/forget" -E >>forget.out 2>>forget.err || true
}

# --- features ----------------------------------------------------------------

qos() {
	listen sub -t "$topic" -q "$1" -C 3
	publish pub -t "$topic" -q "$1" -m one
	publish pub -t "$topic" -q "$1" -n
	publish pub -t "$topic" -q "$1" -m 'three 3'
	finish sub 0
	expect sub "$topic 0 $1 one" "$topic 0 $1 " "$topic 0 $1 three 3"
}
feature_qos0() { qos 0; }
feature_qos1() { qos 1; }
feature_qos2() { qos 2; }

# No version is given: 5, and 3.1.1 with a server that does not have 5.
feature_auto() {
	only_ours
	v=auto
	qos 1
}

feature_ping() {
	only_ours
	local cmd status=0
	client ping
	timeout "$patience" "${cmd[@]}" -C 3 --interval 50ms >ping.out 2>ping.err || status=$?
	((status == 0)) || fail "ping: exit $status: $(tail -n 1 ping.err)"
	grep -q '^3 sent, 0 lost' ping.out || fail "ping said: $(tail -n 1 ping.out)"
}

# ping -q 1: to the server and back through its routing.
feature_echo() {
	only_ours
	"$SUITE_MQTT" ping --help | grep -q -- ' -q, ' || cannot 'ping has no -q yet'
	local cmd status=0
	client ping
	timeout "$patience" "${cmd[@]}" -q 1 -C 3 --interval 50ms >ping.out 2>ping.err || status=$?
	((status == 0)) || fail "ping -q 1: exit $status: $(tail -n 1 ping.err)"
	grep -q '^3 sent, 0 lost' ping.out || fail "ping said: $(tail -n 1 ping.out)"
}

# Idle for three times the keep alive, and still subscribed.
feature_keepalive() {
	only_ours
	listen sub -t "$topic" -k 1 -C 1 --reconnect never
	sleep 3.2
	publish pub -t "$topic" -m late
	finish sub 0
	expect sub "$topic 0 0 late"
}

feature_password() {
	local cmd status=0
	publish pub -t "$topic" -m x -u interop -P secret -q 1
	client pub
	timeout "$patience" "${cmd[@]}" -V "$v" -t "$topic" -m x -q 1 -u interop -P wrong >>wrong.out 2>>wrong.err || status=$?
	case $SUITE_CLIENTS:$v:$status in
	ours:*:4 | mosquitto:mqttv311:[45] | mosquitto:mqttv5:13[45]) ;;
	names:mqttv311:[45] | names:mqttv5:13[45]) ;;
	*) fail "a wrong password: exit $status: $(tail -n 1 wrong.err)" ;;
	esac
}

feature_filters() {
	listen sub -t "$topic/+/z" -t "$topic/deep/#" -C 4 -q 1
	publish pub -t "$topic/1/z" -q 1 -m 1
	publish pub -t "$topic/2/y" -q 1 -m 2
	publish pub -t "$topic/1/2/z" -q 1 -m 3
	publish pub -t "$topic/deep" -q 1 -m 4
	publish pub -t "$topic/deep/er/still" -q 1 -m 5
	publish pub -t "$topic/end/z" -q 1 -m 6
	finish sub 0
	expect sub "$topic/1/z 0 1 1" "$topic/deep 0 1 4" "$topic/deep/er/still 0 1 5" "$topic/end/z 0 1 6"
}

feature_utf8() {
	listen sub -t "$topic/+/ö" -C 1 -q 1
	publish pub -t "$topic/wasser💧/ö" -q 1 -m 'grün'
	finish sub 0
	expect sub "$topic/wasser💧/ö 0 1 grün"
}

# Empty levels, a dot, a space, a star and a greater-than sign are ordinary in a topic.
feature_levels() {
	listen sub -t "/$topic//+/a.b c" -t "/$topic/x/*" -t "/$topic/x/>/" -C 3 -q 1
	publish pub -t "/$topic///a.b c" -q 1 -m 1
	publish pub -t "/$topic/x/y" -q 1 -m no
	publish pub -t "/$topic/x/*" -q 1 -m 2
	publish pub -t "/$topic/x/>/" -q 1 -m 3
	finish sub 0
	expect sub "/$topic///a.b c 0 1 1" "/$topic/x/* 0 1 2" "/$topic/x/>/ 0 1 3"
}

feature_retained() {
	publish pub -t "$topic" -r -q 1 -m first
	publish pub -t "$topic" -r -q 1 -m second
	listen sub -t "$topic" -q 1 -C 2
	soon came sub 1 || fail 'no retained message came'
	publish pub -t "$topic" -q 1 -m live
	finish sub 0
	expect sub "$topic 1 1 second" "$topic 0 1 live"
	publish pub -t "$topic" -r -q 1 -n
	nothing cleared -t "$topic" -q 1
}

feature_retained-wildcard() {
	publish pub -t "$topic/a" -r -q 1 -m a
	listen sub -t "$topic/+" -q 1 -C 1
	finish sub 0
	expect sub "$topic/a 1 1 a"
	publish pub -t "$topic/a" -r -q 1 -n
}

# Retain Handling 2: no retained messages. 1: only with a new subscription.
feature_retained-handling() {
	only_ours
	publish pub -t "$topic" -r -q 1 -m old
	nothing never -t "$topic" --retain-handling never
	listen new -t "$topic" -q 1 -i "$$-rh" -c -x 60 --retain-handling new -C 1
	finish new 0
	expect new "$topic 1 1 old"
	nothing again -t "$topic" -q 1 -i "$$-rh" -c -x 60 --retain-handling new
	publish pub -t "$topic" -r -q 1 -n
	forget "$$-rh"
}

feature_retained-published() {
	only_ours
	listen plain -t "$topic" -C 1
	listen kept -t "$topic" -C 1 --retain-as-published
	publish pub -t "$topic" -r -m kept
	finish plain 0
	finish kept 0
	expect plain "$topic 0 0 kept"
	expect kept "$topic 1 0 kept"
	publish pub -t "$topic" -r -n
}

# session QOS: subscribes, disconnects, misses three messages, and connects again for them.
session() {
	local keep=()
	[[ $v != mqttv5 ]] || keep=(-x 600)
	listen first -t "$topic" -q "$1" -i "$$-session" -c "${keep[@]}" -E
	finish first 0
	publish pub -t "$topic" -q "$1" -m one
	publish pub -t "$topic" -q "$1" -m two
	publish pub -t "$topic" -q "$1" -m three
	listen back -t "$topic" -q "$1" -i "$$-session" -c "${keep[@]}" -C 3
	finish back 0
	expect back "$topic 0 $1 one" "$topic 0 $1 two" "$topic 0 $1 three"
	if [[ $SUITE_CLIENTS != mosquitto ]]; then
		grep -q '^<- CONNACK session-present=1' back.err || fail 'the session was not present'
	fi
	# Nothing is left, and a clean start ends the session.
	listen empty -t "$topic" -q "$1" -i "$$-session" -c "${keep[@]}" -W 1
	finish empty 27
	expect empty
	forget "$$-session"
	publish pub -t "$topic" -q "$1" -m lost
	nothing gone -t "$topic" -q "$1" -i "$$-session" -c "${keep[@]}"
	forget "$$-session"
}
feature_session() { session 1; }
feature_session-qos2() { session 2; }

# A second client with the same client identifier ends the first.
feature_takeover() {
	only_ours
	listen first -t "$topic" -i "$$-twin" --reconnect never
	listen second -t "$topic" -i "$$-twin" --reconnect never -C 1
	finish first 7
	publish pub -t "$topic" -m x
	finish second 0
	expect second "$topic 0 0 x"
}

# A will is published after a lost connection, not after DISCONNECT.
feature_will() {
	listen watch -t "$topic/will" -q 1 -C 2
	listen polite -t "$topic/none" --will-topic "$topic/will" --will-payload polite --will-qos 1 -C 1
	publish pub -t "$topic/none" -q 1 -m go
	finish polite 0
	publish pub -t "$topic/will" -q 1 -m marker
	listen victim -t "$topic/none" --will-topic "$topic/will" --will-payload 'last words' --will-qos 1
	kill -KILL "$(<victim.pid)"
	finish watch 0
	expect watch "$topic/will 0 1 marker" "$topic/will 0 1 last words"
}

# A delayed will waits, and is cancelled when its client connects again.
feature_will-delay() {
	local will=(--will-topic "$topic/will" --will-payload late --will-qos 1 -D will will-delay-interval 6)
	listen watch -t "$topic/will" -q 1 -C 2
	listen victim -t "$topic/none" -i "$$-delay" -c -x 60 "${will[@]}"
	kill -KILL "$(<victim.pid)"
	listen back -t "$topic/none" -i "$$-delay" -c -x 60 "${will[@]}"
	sleep 6.5
	publish pub -t "$topic/will" -q 1 -m marker
	kill -KILL "$(<back.pid)"
	finish watch 0
	expect watch "$topic/will 0 1 marker" "$topic/will 0 1 late"
	forget "$$-delay"
}

# large BYTES QOS: a payload with all byte values arrives unchanged.
large() {
	local cmd status=0 again=0
	head -c "$1" /dev/urandom >payload
	client sub
	[[ $SUITE_CLIENTS != mosquitto ]] || cmd=(mosquitto_sub -h "$SUITE_HOST" -p "$SUITE_PORT") # no trace between the bytes
	"${cmd[@]}" -V "$v" ${elsewhere:+-L "$SUITE_WS"} -t "$topic" -q "$2" -C 1 -N >sub.out 2>sub.err &
	echo $! >sub.pid
	if [[ $SUITE_CLIENTS != mosquitto ]]; then
		soon subscribed sub || fail "sub: no SUBACK: $(tail -n 1 sub.err)"
	else
		# This subscriber has no trace: the message is retained, so that it arrives in any case.
		again=1
	fi
	if ((again)); then
		publish pub -t "$topic" -q "$2" -f payload -r
	else
		publish pub ${elsewhere:+-L "$SUITE_WS"} -t "$topic" -q "$2" -f payload
	fi
	finish sub "$status"
	((again == 0)) || publish pub -t "$topic" -q "$2" -r -n
	cmp -s payload sub.out || fail "$(wc -c <sub.out) bytes came of $1, or others"
	rm -f payload sub.out
}
feature_large() { large 1048576 1; }

# flood QOS N: many lines arrive in order, more than any window and queue.
flood() {
	seq "$2" >lines
	listen sub -t "$topic" -q "$1" -C "$2"
	publish_lines "$1"
	finish sub 0
	messages sub | sed 's/.* //' | cmp -s - lines || fail "of $2 messages $(count sub) came, or in another order"
}
feature_flood-qos1() { flood 1 3000; }
feature_flood-qos2() { flood 2 1500; }

# Two members of a group share the messages: each message arrives once.
feature_shared() {
	local all
	listen a -t "\$share/group/$topic" -q 1
	listen b -t "\$share/group/$topic" -q 1
	seq "$shared_messages" >lines
	publish_lines 1
	soon shared_all || fail "of $shared_messages messages $(count a) and $(count b) came"
	stop a
	stop b
	all=$({ messages a; messages b; } | sed 's/.* //' | sort -n)
	[[ $all == "$(<lines)" ]] || fail "the group got: ${all:0:300}"
	(($(count a) > 0 && $(count b) > 0)) || fail "one member got all: $(count a) and $(count b)"
}
shared_messages=100 # a server that chooses at random may choose the same one many times
shared_all() { (($(count a) + $(count b) >= shared_messages)); }

feature_properties() {
	local line='message %t %C|%P|%R|%D|%A|%p'
	listen sub -t "$topic" -q 1 -C 1
	publish pub -t "$topic" -q 1 -m x -D publish content-type text/plain -D publish user-property k1 v1 \
		-D publish user-property k1 'v 2' -D publish response-topic "$topic/answer" \
		-D publish correlation-data c0ffee -D publish payload-format-indicator 1
	finish sub 0
	expect sub "$topic text/plain|k1:v1 k1:v 2|$topic/answer|c0ffee||x"
}

feature_alias() {
	only_ours
	listen sub -t "$topic" -q 1 -C 3
	publish pub -t "$topic" -q 1 -m x --topic-alias 3 --repeat 3
	finish sub 0
	expect sub "$topic 0 1 x" "$topic 0 1 x" "$topic 0 1 x"
}

feature_expiry() {
	listen first -t "$topic" -q 1 -i "$$-expiry" -c -x 60 -E
	finish first 0
	publish pub -t "$topic" -q 1 -m short -D publish message-expiry-interval 1
	publish pub -t "$topic" -q 1 -m long -D publish message-expiry-interval 60
	sleep 2.2
	listen back -t "$topic" -q 1 -i "$$-expiry" -c -x 60 -C 1
	finish back 0
	expect back "$topic 0 1 long"
	forget "$$-expiry"
}

feature_subscription-id() {
	local line='message %t %S %p'
	listen sub -t "$topic" -q 1 -C 1 -D subscribe subscription-identifier 7
	publish pub -t "$topic" -q 1 -m x
	finish sub 0
	expect sub "$topic 7 x"
}

feature_ws() {
	only_ours
	[[ -n $SUITE_WS ]] || fail 'no WebSocket listener'
	local elsewhere=yes
	listen sub -L "$SUITE_WS" -t "$topic" -q 1 -C 2
	publish pub -L "$SUITE_WS" -t "$topic" -q 1 -m x
	elsewhere=
	publish pub -t "$topic" -q 1 -m y
	finish sub 0
	expect sub "$topic 0 1 x" "$topic 0 1 y"
}

# A WebSocket that is closed after a CONNECT of MQTT 5 also leads to 3.1.1.
feature_ws-auto() {
	v=auto
	feature_ws
}

feature_ws-large() {
	only_ours
	[[ -n $SUITE_WS ]] || fail 'no WebSocket listener'
	local elsewhere=yes
	large 524288 1
}

# A message comes and goes by TLS, and a certificate of an unknown authority is refused.
# shellcheck disable=SC2153
feature_tls() {
	local cmd status=0 elsewhere=yes
	listen sub -h "$SUITE_HOST" -p "$SUITE_TLS" --cafile "$SUITE_CA" -t "$topic" -q 1 -C 1
	publish pub -h "$SUITE_HOST" -p "$SUITE_TLS" --cafile "$SUITE_CA" -t "$topic" -q 1 -m x
	finish sub 0
	expect sub "$topic 0 1 x"
	client pub
	timeout "$patience" "${cmd[@]}" -V "$v" -h "$SUITE_HOST" -p "$SUITE_TLS" --tls-use-os-certs -t "$topic" -q 1 -m x \
		>>unknown.out 2>>unknown.err || status=$?
	((status != 0 && status != 124)) || fail "an unknown authority: exit $status"
}

# Our command answers in both cases; the client under test sends the request. Without properties
# a request cannot name the topic of its answer, so that both have a flag for it.
feature_rr() {
	local cmd status=0 told=() answer=()
	have rr
	[[ $v == mqttv5 ]] || told=(-e "$topic/answer")
	"$SUITE_MQTT" rr -d --color never -h "$SUITE_HOST" -p "$SUITE_PORT" -V "$v" -t "$topic" "${told[@]}" --serve \
		-- tr a-z A-Z >serve.out 2>serve.err &
	echo $! >serve.pid
	soon subscribed serve || fail "rr --serve: no SUBACK: $(tail -n 1 serve.err)"
	client rr
	answer=("${told[@]}")
	if [[ $SUITE_CLIENTS == mosquitto ]]; then
		cmd=(mosquitto_rr -h "$SUITE_HOST" -p "$SUITE_PORT")
	fi
	if [[ $SUITE_CLIENTS != ours ]]; then
		answer=(-e "$topic/answer")
	fi
	timeout "$patience" "${cmd[@]}" -V "$v" -t "$topic" "${answer[@]}" -q 1 -m hello -W 25 >rr.out 2>rr.err || status=$?
	((status == 0)) || fail "rr: exit $status: $(tail -n 1 rr.err)"
	[[ $(<rr.out) == HELLO ]] || fail "rr printed [$(head -c 200 rr.out)]"
}

bench() {
	local status=0
	only_ours
	have bench
	timeout "$patience" "$SUITE_MQTT" bench -h "$SUITE_HOST" -p "$SUITE_PORT" -t "$topic/%i" -q "$1" --pubs 2 --subs 2 \
		--messages 1000 --rate 2000 --format json --fail-if 'loss>0' >bench.out 2>bench.err || status=$?
	((status == 0)) || fail "bench: exit $status: $(tail -n 1 bench.err)"
	grep -Eq '"lost": ?0\b' bench.out || fail "bench lost: $(head -c 300 bench.out)"
	grep -Eq '"received": ?[1-9]' bench.out || fail "bench received none: $(head -c 300 bench.out)"
}
feature_bench-qos0() { bench 0; }
feature_bench-qos1() { bench 1; }
feature_bench-qos2() { bench 2; }

# The options that mosquitto 2.1 has and 2.0 has not, with their meaning there.
feature_options-2.1() {
	local cmd elsewhere=yes at=${SUITE_WS#ws://}
	[[ $SUITE_CLIENTS != ours ]] || cannot "these are options of mosquitto's clients"
	at=${at%%/*}
	listen sub -L "ws://$at/$topic" -q 1 -C 2
	publish pub --no-tls --cafile "$SUITE_CA" -h "$SUITE_HOST" -p "$SUITE_PORT" -t "$topic" -q 1 -m one
	publish pub --ws -h "${at%:*}" -p "${at#*:}" -t "$topic" -q 1 -m two
	finish sub 0
	expect sub "$topic 0 1 one" "$topic 0 1 two"
	# --message-rate prints counts in the place of messages.
	client sub
	"${cmd[@]}" -h "$SUITE_HOST" -p "$SUITE_PORT" -V "$v" -t "$topic" --message-rate -W 4 >rate.out 2>rate.err &
	echo $! >rate.pid
	soon subscribed rate || fail "sub --message-rate: no SUBACK: $(tail -n 1 rate.err)"
	seq 20 >lines
	publish_lines 1 -h "$SUITE_HOST" -p "$SUITE_PORT"
	finish rate 27
	grep -qw 20 rate.out || fail "sub --message-rate printed [$(tail -n 3 rate.out)]"
}

# --- main --------------------------------------------------------------------

case ${1:-} in
list) features ;;
run)
	name=${2%%:*}
	v=mqttv311
	[[ $2 != *:* ]] || v=$(version "${2#*:}")
	: >verdict
	# What still runs ends with this shell.
	trap 'kill -KILL $(jobs -p) 2>/dev/null || true' EXIT
	"feature_$name"
	;;
*)
	echo 'suite: list, or run FEATURE' >&2
	exit 2
	;;
esac

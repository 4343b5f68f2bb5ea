#!/usr/bin/env bash
# Runs the commands over a link that loses 5 % of the packets each way, delays them by 50 ms or more, and reorders them:
# two network namespaces joined by tc's netem if the kernel has it, otherwise by scripts/faults. Nothing may be lost at
# QoS 1, and nothing may be received twice at QoS 2, with our own broker, and with mosquitto if it is installed.
#
#   sudo scripts/faults.sh
#
#   FAULTS_LINES=2000   messages in each stream
#   FAULTS_LOSS=5       percent, each way
#   FAULTS_DELAY=50     milliseconds, each way
#   FAULTS_MQTT=PATH    run this binary instead of building one
#
# It prints a table. The exit status is 1 if a promise was broken, 2 if this machine cannot do it: it needs Linux, root,
# ip (iproute2), and Go if there is no netem or no binary. scripts/faults/vm.sh runs it in a virtual machine.
# shellcheck disable=SC2317 # functions are called by trap and by judge
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lines=${FAULTS_LINES:-2000}
loss=${FAULTS_LOSS:-5}
delay=${FAULTS_DELAY:-50}
here=fault-a-$$ there=fault-b-$$
near=fa$$ far=fb$$
address=10.213.77.2

unable() { echo "faults: $*" >&2; exit 2; }
[[ $(uname) == Linux ]] || unable 'network namespaces need Linux'
[[ $(id -u) == 0 ]] || unable 'network namespaces need root'
command -v ip >/dev/null || unable 'ip is not installed (iproute2)'

work=$(mktemp -d)
started=()
finish() {
	local pid
	exec 9>&- 2>/dev/null || true # ends scripts/faults
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait
	ip netns delete "$here" 2>/dev/null || true
	ip netns delete "$there" 2>/dev/null || true
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

build() { # NAME PACKAGE
	command -v go >/dev/null || unable "go is not installed, and $2 has to be built"
	(cd "$root" && go build -o "$work/$1" "$2")
}
if [[ -n ${FAULTS_MQTT:-} ]]; then
	[[ -x $FAULTS_MQTT ]] || unable "FAULTS_MQTT=$FAULTS_MQTT is not executable"
	mqtt=$(realpath "$FAULTS_MQTT")
else
	build mqtt ./cmd/mqtt
	mqtt=$work/mqtt
fi
client() { ip netns exec "$here" "$@"; }
server() { exec ip netns exec "$there" "$@"; }

ip netns add "$here" || unable 'cannot make a network namespace'
ip netns add "$there"
if ip -n "$here" link add "$near" type veth peer name "$far" netns "$there" 2>/dev/null &&
	ip netns exec "$here" tc qdisc add dev "$near" root netem delay "${delay}ms" 10ms loss "$loss%" reorder 25% 50% 2>/dev/null; then
	ip netns exec "$there" tc qdisc add dev "$far" root netem delay "${delay}ms" 10ms loss "$loss%" reorder 25% 50%
	echo 'link: netem'
else
	ip -n "$here" link delete "$near" 2>/dev/null || true
	build link ./scripts/faults
	mkfifo "$work/stop"
	"$work/link" -a "$near" -b "$far" -loss "$(awk "BEGIN { print $loss / 100 }")" -delay "${delay}ms" <"$work/stop" >"$work/ready" &
	exec 9>"$work/stop"
	until [[ -s $work/ready ]]; do
		kill -0 $! 2>/dev/null || unable 'there is neither netem nor TUN devices'
		sleep 0.05
	done
	ip link set "$near" netns "$here"
	ip link set "$far" netns "$there"
	echo 'link: TUN devices'
fi
ip -n "$here" address add 10.213.77.1/24 dev "$near"
ip -n "$there" address add $address/24 dev "$far"
for ns in "$here" "$there"; do ip -n "$ns" link set lo up; done
ip -n "$here" link set "$near" up
ip -n "$there" link set "$far" up

server "$mqtt" broker --listen mqtt://$address:1883 --listen ws://$address:1880/mqtt --allow-anonymous 2>"$work/broker" &
started+=($!)
brokers=("ours:mqtt://$address:1883" "ours:ws://$address:1880/mqtt")
if mosquitto=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto); then
	printf '%s\n' "listener 1884 $address" 'allow_anonymous true' 'max_queued_messages 0' 'user root' >"$work/mosquitto.conf"
	server "$mosquitto" -c "$work/mosquitto.conf" 2>"$work/mosquitto" &
	started+=($!)
	brokers+=("mosquitto:mqtt://$address:1884")
fi
seq -f 'line %.0f of a stream that nothing may be missing of' "$lines" >"$work/sent"

failed=0
row() { printf '%-10s %-5s %-26s %s\n' "$@"; }
judge() { # BROKER SCHEME WHAT COMMAND...: prints whether the command succeeded, and how long it took
	local broker=$1 scheme=$2 what=$3 began=$SECONDS
	shift 3
	if "$@"; then
		row "$broker" "$scheme" "$what" "kept, $((SECONDS - began)) s"
	else
		row "$broker" "$scheme" "$what" 'NOT KEPT'
		failed=1
	fi
}

# stream sends the lines at a QoS and compares what is received.
stream() { # QOS URL
	local qos=$1 url=$2 topic=faults/$1 sub
	client timeout 300 "$mqtt" sub -V 5 -L "$url" -t "$topic" -q "$qos" -C "$lines" -d >"$work/came" 2>"$work/log" &
	sub=$!
	until grep -q 'SUBACK' "$work/log"; do
		kill -0 "$sub" 2>/dev/null || { cat "$work/log"; return 1; }
		sleep 0.05
	done
	client timeout 300 "$mqtt" pub -V 5 -L "$url" -t "$topic" -q "$qos" -M 500 -l <"$work/sent" || return 1
	wait "$sub" || { tail -n 3 "$work/log"; return 1; }
	cmp "$work/sent" "$work/came"
}

asks() { # URL
	client timeout 60 "$mqtt" rr --serve -L "$1" -t faults/ask --count 5 -- cat 2>"$work/log" &
	local answers=$!
	until grep -q answering "$work/log"; do
		kill -0 "$answers" 2>/dev/null || { cat "$work/log"; return 1; }
		sleep 0.05
	done
	[[ $(head -n 5 "$work/sent" | client timeout 60 "$mqtt" rr -V 5 -L "$1" -t faults/ask -q 1 -l | sort) == "$(head -n 5 "$work/sent" | sort)" ]] &&
		wait "$answers"
}

pings() { client "$mqtt" ping -L "$1" -C 5 --interval 100ms --wait 60s >"$work/log" || { cat "$work/log"; return 1; }; }

measure() {
	client timeout 120 "$mqtt" bench -V 5 -L "$1" -q 1 --rate 100 --inflight 500 --messages 500 --drain 30s --fail-if loss --fail-if errors >"$work/log" 2>&1 ||
		{ cat "$work/log"; return 1; }
}

row broker way promise ''
for b in "${brokers[@]}"; do
	name=${b%%:*} url=${b#*:} scheme=${b#*:}
	scheme=${scheme%%:*}
	judge "$name" "$scheme" 'ping: an answer to each' pings "$url"
	judge "$name" "$scheme" 'QoS 1: nothing lost' stream 1 "$url"
	judge "$name" "$scheme" 'QoS 2: exactly once' stream 2 "$url"
	judge "$name" "$scheme" 'rr: an answer to each' asks "$url"
	judge "$name" "$scheme" 'bench: no loss, no error' measure "$url"
done
exit "$failed"

#!/usr/bin/env bash
# Runs a bench on several hosts at the same time over ssh, and prints one report.
#
#   scripts/fleet/ssh.sh HOST... -- BENCH-ARGUMENT... [-- REPORT-ARGUMENT...]
#   scripts/fleet/ssh.sh one two -- -h broker.example --pubs 100 --subs 100 -t 'bench/%i' --rate 50k -- --format html >report.html
#
# The program is copied to a folder of its own on each host, which is removed when it ends. It
# also ends when this script does. Each host does everything that the arguments say. Files that
# they name must be on the hosts. The clocks of the hosts should agree within a fraction of a
# second.
#
#   FLEET_MQTT=PATH    the program, built for the system of the hosts; default: mqtt in the PATH
#   FLEET_REMOTE=PATH  copy nothing: the hosts have it under this name
#   FLEET_SSH='ssh -o BatchMode=yes'  the command; it gets a host and a command line for its shell
#   FLEET_LEAD=5       seconds to connect before the first message is due
#   FLEET_KEEP=DIR     keep each part's result there
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=parts.sh
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

hosts=()
while (($# > 0)) && [[ $1 != -- ]]; do
	hosts+=("$1")
	shift
done
((${#hosts[@]} > 0 && $# > 0)) || die 'usage: ssh.sh HOST... -- BENCH-ARGUMENT... [-- REPORT-ARGUMENT...]' 2
for host in "${hosts[@]}"; do
	[[ $host != -* ]] || die "$host is not a host" 2
done
divide "${@:2}"
step=$(clients ${bench[@]+"${bench[@]}"})
read -ra ssh <<<"${FLEET_SSH:-ssh -o BatchMode=yes}"

tmp=$(mktemp -d)
# The hosts read from this pipe. They end at its end, which is at the latest when this script ends.
mkfifo "$tmp/hold"
exec 9<>"$tmp/hold"
folders=() # on the hosts, until they are removed there
# shellcheck disable=SC2317 # a trap calls it
finish() {
	local i
	exec 9>&-
	wait
	for i in "${!folders[@]}"; do
		"${ssh[@]}" "${hosts[i]}" "rm -rf ${folders[i]}" </dev/null 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# word TEXT: prints it quoted as one word of a shell.
word() { printf "'%s' " "${1//\'/\'\\\'\'}"; }

# await WHAT: waits for all of $pids, and sets $statuses.
await() {
	local i
	statuses=()
	for i in "${!pids[@]}"; do
		statuses[i]=0
		wait "${pids[i]}" || statuses[i]=$?
	done
}

programs=()
if [[ -n ${FLEET_REMOTE:-} ]]; then
	for i in "${!hosts[@]}"; do programs+=("$FLEET_REMOTE"); done
else
	binary=$(command -v "$mqtt")
	pids=()
	for i in "${!hosts[@]}"; do
		# shellcheck disable=SC2016 # the shell on the host expands it
		"${ssh[@]}" "${hosts[i]}" 'd=$(mktemp -d) && cat >"$d/mqtt" && chmod 755 "$d/mqtt" && echo "$d"' \
			<"$binary" >"$tmp/folder-$i" 2>"$tmp/folder-$i.err" 9>&- &
		pids+=($!)
	done
	await
	for i in "${!hosts[@]}"; do
		folder=$(<"$tmp/folder-$i")
		if ((statuses[i] != 0)) || [[ ! $folder =~ ^/[A-Za-z0-9._/-]+$ ]]; then
			die "copy to ${hosts[i]}: $(tail -n 1 "$tmp/folder-$i.err")"
		fi
		folders[i]=$folder
		programs+=("$folder/mqtt")
	done
fi

# The shell on the host waits for the program and reads its own input: a background process
# has no input of its own and ignores Ctrl-C.
shared "${FLEET_LEAD:-5}"
pids=()
for i in "${!hosts[@]}"; do
	command="exec 3<&0; $(word "${programs[i]}")bench "
	for argument in "${common[@]}" --client-offset $((i * step)) ${bench[@]+"${bench[@]}"} --quiet --format json; do
		command+=$(word "$argument")
	done
	# shellcheck disable=SC2016
	command+='</dev/null 3<&- & b=$!; { while read -r _; do :; done; kill $b; } <&3 >/dev/null 2>&1 & w=$!; wait $b; s=$?; kill $w; exit $s'
	"${ssh[@]}" "${hosts[i]}" "$command" <"$tmp/hold" >"$tmp/part-$i.json" 2>"$tmp/part-$i.json.err" 9>&- &
	pids+=($!)
done
await
for i in "${!hosts[@]}"; do
	part "${hosts[i]}" "$tmp/part-$i.json" "${statuses[i]}"
done
merge

#!/usr/bin/env bash
# Waits for the pods of kubernetes.yaml, and prints one report of all of them.
#
#   scripts/fleet/collect-kubernetes.sh [JOB] [-- REPORT-ARGUMENT...]
#
# The results are the pods' logs. Where a pod has none there is no report.
#
#   FLEET_MQTT=PATH          the program; the one in the PATH if not given
#   FLEET_KUBECTL='kubectl'  with --context, --namespace or whatever else it needs
#   FLEET_WAIT=600           seconds to wait for the job
#   FLEET_KEEP=DIR           keep each part's result there
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=parts.sh
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

job='mqtt-bench'
if (($# > 0)) && [[ $1 != -- ]]; then
	job=$1
	shift
fi
(($# == 0)) || [[ $1 == -- ]] || die 'usage: collect-kubernetes.sh [JOB] [-- REPORT-ARGUMENT...]' 2
divide "$@"
read -ra kubectl <<<"${FLEET_KUBECTL:-kubectl}"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# state: how many pods there are to be, how many ended well and badly, and "True" where the
# job has failed as a whole. What is none is left out, but the slashes stay.
state() {
	"${kubectl[@]}" get job "$job" \
		-o 'jsonpath={.spec.completions}/{.status.succeeded}/{.status.failed}/{.status.conditions[?(@.type=="Failed")].status}'
}

SECONDS=0
while :; do
	numbers=$(state) || die "kubectl knows no job $job"
	IFS=/ read -r count good bad over <<<"$numbers"
	if [[ $over == True ]] || ((${good:-0} + ${bad:-0} >= count)); then
		break
	fi
	((SECONDS < ${FLEET_WAIT:-600})) || die "job $job is not done: $((${good:-0} + ${bad:-0})) of $count pods have ended"
	sleep 2
done

for ((i = 0; i < count; i++)); do
	file=$tmp/part-$i.json
	found=$("${kubectl[@]}" get pods -l "batch.kubernetes.io/job-name=$job,batch.kubernetes.io/job-completion-index=$i" \
		-o 'jsonpath={.items[0].metadata.name} {.items[0].status.containerStatuses[0].state.terminated.exitCode}') ||
		die "pod $i of job $job is gone"
	read -r pod status <<<"$found"
	"${kubectl[@]}" logs "$pod" >"$file.log" || die "the log of $pod cannot be had"
	# A log has both streams: the result, and around it what the program had to say.
	sed -n '/^{$/,/^}$/p' "$file.log" >"$file"
	sed '/^{$/,/^}$/d' "$file.log" >"$file.err"
	part "$pod" "$file" "${status:-1}"
done
merge

#!/usr/bin/env bash
# Waits for the pods of kubernetes.yaml, and prints one report for all of them.
#
#   scripts/fleet/collect-kubernetes.sh [JOB] [-- REPORT-ARGUMENT...]
#
# The results are in the logs of the pods. There is no report if a pod has no result.
#
#   FLEET_MQTT=PATH          the program; default: mqtt in the PATH
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

# state: prints how many pods there should be, how many succeeded and failed, and "True" if the
# whole job has failed, with slashes between. An empty value is none.
state() {
	"${kubectl[@]}" get job "$job" \
		-o 'jsonpath={.spec.completions}/{.status.succeeded}/{.status.failed}/{.status.conditions[?(@.type=="Failed")].status}'
}

SECONDS=0
while :; do
	numbers=$(state) || die "there is no job $job"
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
	"${kubectl[@]}" logs "$pod" >"$file.log" || die "the log of $pod cannot be read"
	# A log has both streams: the result, and what the program wrote to stderr.
	sed -n '/^{$/,/^}$/p' "$file.log" >"$file"
	sed '/^{$/,/^}$/d' "$file.log" >"$file.err"
	part "$pod" "$file" "${status:-1}"
done
merge

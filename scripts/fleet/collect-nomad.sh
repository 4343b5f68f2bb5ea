#!/usr/bin/env bash
# Waits for the allocations of nomad.hcl, and prints one report for all of them.
#
#   scripts/fleet/collect-nomad.sh [JOB] [-- REPORT-ARGUMENT...]
#
# The results are what the tasks wrote to stdout. There is no report if a task has no result.
#
#   FLEET_MQTT=PATH      the program; default: mqtt in the PATH
#   FLEET_NOMAD='nomad'  the program; it reads NOMAD_ADDR and others
#   FLEET_TASK=bench     the task's name
#   FLEET_WAIT=600       seconds to wait for the job
#   FLEET_KEEP=DIR       keep each part's result there
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=parts.sh
source "$(dirname "${BASH_SOURCE[0]}")/parts.sh"

job='mqtt-bench'
if (($# > 0)) && [[ $1 != -- ]]; then
	job=$1
	shift
fi
(($# == 0)) || [[ $1 == -- ]] || die 'usage: collect-nomad.sh [JOB] [-- REPORT-ARGUMENT...]' 2
divide "$@"
read -ra nomad <<<"${FLEET_NOMAD:-nomad}"
task=${FLEET_TASK:-bench}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

SECONDS=0
while :; do
	"${nomad[@]}" job allocs -t '{{range .}}{{.ID}} {{.Name}} {{.ClientStatus}}{{"\n"}}{{end}}' "$job" >"$tmp/allocations" ||
		die "there is no job $job"
	if grep -q . "$tmp/allocations" && ! grep -Eq ' (pending|running|unknown)$' "$tmp/allocations"; then
		break
	fi
	((SECONDS < ${FLEET_WAIT:-600})) || die "job $job is not done: $(grep -Ec ' (complete|failed|lost)$' "$tmp/allocations") allocations have ended"
	sleep 2
done

i=0
while read -r id name state; do
	[[ -n $id ]] || continue
	file=$tmp/part-$i.json
	"${nomad[@]}" alloc logs -stdout "$id" "$task" >"$file" </dev/null || die "the log of $name cannot be read"
	"${nomad[@]}" alloc logs -stderr "$id" "$task" >"$file.err" </dev/null || true
	status=0
	[[ $state == complete ]] || status=1
	part "$name" "$file" "$status"
	i=$((i + 1))
done <"$tmp/allocations"
merge

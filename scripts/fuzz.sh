#!/usr/bin/env bash
# Fuzzes every target for a while, starting from the inputs that earlier runs kept: testdata/corpus of each package has
# one file for each target.
#
#   scripts/fuzz.sh 5s              each target for 5 s
#   scripts/fuzz.sh 1h FuzzReader   the targets whose names match
#   scripts/fuzz.sh --keep 1h       keep the new inputs
#
#   FUZZ_PARALLEL=2                 workers for each target
#
# The exit status is 1 if a target failed or ran no input; Go has then written a failing input to testdata/fuzz, where
# every later test runs it. It is 2 if there is no target.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

keep=no
if [[ ${1:-} == --keep ]]; then
	keep=yes
	shift
fi
duration=${1:?usage: scripts/fuzz.sh [--keep] DURATION [PATTERN]}
pattern=${2:-.}
parallel=${FUZZ_PARALLEL:-2}
largest=2048 # bytes of an input that is kept
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# declared prints "folder target" for every target in the source.
declared() {
	grep -r --include='*_test.go' '^func Fuzz' . | sed -E 's|^\./(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort
}

# cache FOLDER TARGET: prints the folder in which Go keeps interesting inputs.
cache() { printf '%s/fuzz/%s/%s' "$(go env GOCACHE)" "$(go list "./$1")" "$2"; }

unpack() {
	local file=$1/testdata/corpus/$2.txt into
	[[ -e $file ]] || return 0
	into=$(cache "$1" "$2")
	mkdir -p "$into"
	awk -v into="$into" '/^go test fuzz v1$/ { close(name); name = into "/kept" ++n } { print >name }' "$file"
}

# pack writes the inputs of the cache to the corpus, each once, in an order that does not depend on file names.
pack() {
	local from file=$1/testdata/corpus/$2.txt
	from=$(cache "$1" "$2")
	[[ -d $from ]] || return 0
	mkdir -p "${file%/*}"
	find "$from" -type f -size "-$((largest + 1))c" -exec awk '{ printf "%s\1", $0 } END { print "" }' {} \; |
		LC_ALL=C sort -u | tr '\1' '\n' | sed '/^$/d' >"$file"
}

# run FOLDER TARGET: fuzzes a target. Its output says what failed; it is a failure that no input ran.
run() {
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 1x -parallel "$parallel" "./$1" >"$output" 2>&1 </dev/null &&
		grep -qE '^fuzz: elapsed: .*(, execs: |baseline coverage: )[1-9]' "$output"
}

# fuzz FOLDER TARGET: prints the last lines of the run, or all of them if it failed.
fuzz() {
	if run "$@"; then
		tail -n 2 "$output"
	elif worth_another && echo 'the time was over within an input: once more' && run "$@"; then
		tail -n 2 "$output"
	else
		cat "$output"
		return 1
	fi
}

# worth_another reports whether the failure shows no fault of the target. Go now and then reports the end of its own time
# as a failure, and on a busy machine the time can be over before the first input.
worth_another() {
	! grep -q 'Failing input' "$output" &&
		{ grep -q 'context deadline exceeded' "$output" || grep -q '^ok ' "$output"; }
}

failed=0 count=0
while read -r folder target; do
	[[ $target =~ $pattern ]] || continue
	count=$((count + 1))
	printf -- '-- %s %s\n' "$folder" "$target"
	unpack "$folder" "$target"
	fuzz "$folder" "$target" || failed=1
	[[ $keep == no ]] || pack "$folder" "$target"
done < <(declared)
if ((count == 0)); then
	echo "fuzz.sh: no target matches $pattern" >&2
	exit 2
fi
exit "$failed"

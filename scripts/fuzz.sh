#!/usr/bin/env bash
# Fuzzes every target for a while, from the inputs that earlier runs found worth keeping:
# testdata/corpus of each package has a file a target.
#
#   scripts/fuzz.sh 5s              every target for 5 s
#   scripts/fuzz.sh 1h FuzzReader   the ones whose name matches
#   scripts/fuzz.sh --keep 1h       and keeps what is new
#
#   FUZZ_PARALLEL=2                 workers of a target
#
# It ends with 1 if a target failed; Go has then written the input to testdata/fuzz, where
# every later test runs it.
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

# declared prints "folder target" of every target in the source.
declared() {
	grep -r --include='*_test.go' '^func Fuzz' . | sed -E 's|^\./(.*)/[^/]*:func (Fuzz[A-Za-z0-9_]*).*|\1 \2|' | sort
}

# cache FOLDER TARGET: where Go keeps what it found interesting.
cache() { printf '%s/fuzz/%s/%s' "$(go env GOCACHE)" "$(go list "./$1")" "$2"; }

unpack() {
	local file=$1/testdata/corpus/$2.txt into
	[[ -e $file ]] || return 0
	into=$(cache "$1" "$2")
	mkdir -p "$into"
	awk -v into="$into" '/^go test fuzz v1$/ { close(name); name = into "/kept" ++n } { print >name }' "$file"
}

# pack writes the inputs of the cache, each once, in an order that does not depend on names.
pack() {
	local from file=$1/testdata/corpus/$2.txt
	from=$(cache "$1" "$2")
	[[ -d $from ]] || return 0
	mkdir -p "${file%/*}"
	find "$from" -type f -size "-$((largest + 1))c" -exec awk '{ printf "%s\1", $0 } END { print "" }' {} \; |
		LC_ALL=C sort -u | tr '\1' '\n' | sed '/^$/d' >"$file"
}

# fuzz FOLDER TARGET: its last lines, or all of them when it failed.
fuzz() {
	go test -run '^$' -fuzz "^$2\$" -fuzztime "$duration" -fuzzminimizetime 1x -parallel "$parallel" "./$1" >"$output" 2>&1 </dev/null &&
		! grep -q 'no fuzz tests' "$output" && {
		tail -n 2 "$output"
		return 0
	}
	cat "$output"
	return 1
}

# again tells whether the failure was only Go's own end of time, which it reports now and then.
again() { grep -q 'context deadline exceeded' "$output" && ! grep -q 'Failing input' "$output"; }

failed=0
while read -r folder target; do
	[[ $target =~ $pattern ]] || continue
	printf -- '-- %s %s\n' "$folder" "$target"
	unpack "$folder" "$target"
	fuzz "$folder" "$target" || { again && fuzz "$folder" "$target"; } || failed=1
	[[ $keep == no ]] || pack "$folder" "$target"
done < <(declared)
exit "$failed"

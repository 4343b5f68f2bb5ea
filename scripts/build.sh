#!/usr/bin/env bash
# Builds mqtt as it is released: static, stripped, reproducible, and quick to start.
#
#   scripts/build.sh OUTPUT [VERSION]      GOOS and GOARCH are the environment's
#
# A plain `go build ./cmd/mqtt` gives the same program, which takes longer to start: some
# libraries work at every start for what few commands ask for. The jq library makes its
# tables of functions, the WebSocket library its frames and texts of errors, cobra a regular
# expression, and the libraries of Argon2 and WebSocket ask the processor what it can, which
# a virtual machine answers slowly. Here they are copied and changed to do so when they are
# first asked. A library that is another one than this script knows is built as it is.
# And the compiler is told what is busy, by the profile that scripts/profile.sh makes.
set -euo pipefail
output=$(realpath -m "${1:?usage: scripts/build.sh OUTPUT [VERSION]}")
version=${2:-}
cd "$(dirname "$0")/.."

# copy MODULE: the library's own files under .build, to be changed.
copy() {
	local from
	go mod download "$1"
	from=$(go list -m -f '{{.Dir}}' "$1")
	mkdir -p ".build/$1"
	cp -r "$from"/. ".build/$1"
	chmod -R u+w ".build/$1"
	known=yes
}

# change FILE EDIT: one edit of sed's, which must change something.
change() {
	sed -E "$2" ".build/$1" >.build/changed
	! cmp -s .build/changed ".build/$1" || known=no
	cp .build/changed ".build/$1"
}

# use MODULE...: they are built as they were changed, if all changes were made.
use() {
	local m
	[[ $known == yes ]] || { echo "build.sh: $* is another one than this script knows: built as it is" >&2; return; }
	for m in "$@"; do
		replace+=(-replace "$m=./.build/$m")
	done
}

rm -rf .build
mkdir .build
replace=()

jq=github.com/itchyny/gojq
copy $jq
change $jq/builtin.go 's/^func init\(\) \{$/func makeBuiltins() {/'
change $jq/func.go 's/^func init\(\) \{$/func makeFunctions() {/; s/internalFuncs\[/lazyFunctions()[/'
change $jq/compiler.go 's/builtinFuncDefs/lazyBuiltins()/; s/internalFuncs/lazyFunctions()/'
cat >.build/$jq/lazy.go <<'GO'
package gojq

import "sync"

var builtinsOnce, functionsOnce sync.Once

func lazyBuiltins() map[string][]*FuncDef {
	builtinsOnce.Do(makeBuiltins)
	return builtinFuncDefs
}

func lazyFunctions() map[string]function {
	functionsOnce.Do(makeFunctions)
	return internalFuncs
}
GO
use $jq

ws=github.com/gobwas/ws
copy $ws
change $ws/frame.go '/^\/\/ Compiled control frames/,/^\)$/d; /^func makeCloseFrame/,$d'
change $ws/http.go '/^var \($/{N; s/^var \(\n(\ttextHeadBad)/\1/}; s/^\t(text\w+) += ((status|error)Text\(.*)/func \1() string { return \2 }/'
change $ws/http.go '/^func textTailErrUpgradeRequired/{n; d}; s/String\((text(HeadBad|HeadInternal|HeadUpgradeR|TailErr)\w+)\)/String(\1())/'
change $ws/http.go 's/bufio.NewWriter\(&buf\)/bufio.NewWriterSize(\&buf, 256)/'
change $ws/cipher_amd64.go 's/^package ws$/&\n\nimport "sync"/; s/if useAVX2 /if useAVX2() /; s/= cpuHasAVX2\(\)/= sync.OnceValue(cpuHasAVX2)/'
use $ws

cobra=github.com/spf13/cobra
copy $cobra
change $cobra/completions.go 's/^var (\w+) = (regexp\.MustCompile\(.*)$/func \1() *regexp.Regexp { return \2 }/; s/(PrefixSubstRegexp)\./\1()./'
use $cobra

sys=golang.org/x/sys crypto=golang.org/x/crypto
copy $sys
copy $crypto
change $sys/cpu/cpu.go 's/^\t"os"$/&\n\t"sync"/; s/^func init\(\) \{$/var looked sync.Once\n\nfunc Detect() { looked.Do(look) }\n\nfunc look() {/'
for file in $crypto/argon2/blamka_amd64.go $crypto/blake2b/blake2bAVX2_amd64.go; do
	change $file 's/^import (.*)$/import \1\nimport "sync"\n\nvar looked sync.Once/; s/^func init\(\) \{$/func look() {\n\tcpu.Detect()/'
	change $file 's/^func (processBlockSSE|hashBlocks)\(.*\{$/&\n\tlooked.Do(look)/'
done
use $sys $crypto

cp go.mod .build/go.mod
cp go.sum .build/go.sum
mod=()
if [ "${#replace[@]}" -gt 0 ]; then
	go mod edit "${replace[@]}" .build/go.mod
	mod=(-modfile .build/go.mod)
fi
CGO_ENABLED=0 go build -pgo=scripts/mqtt.pgo -trimpath -buildvcs=false "${mod[@]}" -ldflags "-s -w -buildid= -X main.release=$version" -o .build/mqtt ./cmd/mqtt
# Written by a single call, not here and there as the linker does: a kernel can then keep it in pages of 2 MB, and a
# start touches a few of these in the place of hundreds.
mkdir -p "$(dirname "$output")"
dd if=.build/mqtt of="$output.part" bs=67108864 status=none
chmod +x "$output.part"
mv "$output.part" "$output"

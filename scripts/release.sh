#!/usr/bin/env bash
# Builds everything that is published for one version, in dist/:
#
#   scripts/release.sh VERSION          for example 1.2.0 or 1.3.0-rc.1; default: the tag of this commit
#
#   mqtt-VERSION-SYSTEM-ARCH.tar.gz     the static binary, man pages, completions, README (.zip for windows)
#   mqtt_VERSION_ARCH.deb, .rpm         the same as a package
#   mqtt-mosquitto-names…               packages with links from mosquitto_pub, mosquitto_sub and mosquitto_rr
#   mqtt.rb                             the Homebrew formula
#   SHA256SUMS
#
# The bytes depend only on the source, on the Go version that this script names, and on the
# time of the commit. To show this, everything is built a second time from a copy in another
# folder with an empty cache, and compared.
#
#   RELEASE_DIST=DIR           write it there
#   RELEASE_TARGETS='os/arch…' only these systems
#   RELEASE_ONCE=1             do not build a second time
#   RELEASE_DIRTY=1            allow changes that are not committed
#   RELEASE_HOME=URL           the page of the project; default: the remote on GitHub. The formula expects
#                              files below it in releases/download/vVERSION/. Without it there is no formula.
#   RELEASE_MAINTAINER='N <E>' maintainer of the packages; default: the author of the commit
#   SOURCE_DATE_EPOCH=SECONDS  the time of all files; default: that of the commit
set -euo pipefail
umask 022
export LC_ALL=C TZ=UTC

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

go_version=1.26.8 # scripts/release/Dockerfile names the same
nfpm_version=v2.45.2
all_targets=(
	linux/amd64 linux/arm64 linux/armv6 linux/armv7
	darwin/amd64 darwin/arm64
	windows/amd64 windows/arm64
	freebsd/amd64 freebsd/arm64
)
final=$(realpath -m "${RELEASE_DIST:-$root/dist}")

say() { printf 'release: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

if [[ -d $final && -n $(ls -A "$final") && ! -f $final/SHA256SUMS ]]; then
	die "$final is neither empty nor an earlier release"
fi

tmp=$(mktemp -d)
dist=$tmp/dist
trap 'chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- what is released --------------------------------------------------------

in_git() { git rev-parse --git-dir >/dev/null 2>&1; }

(($# <= 1)) || { say "usage: scripts/release.sh [VERSION]"; exit 2; }
version=${1:-}
if [[ -z $version ]]; then
	version=$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null) ||
		{ say 'this commit has no tag: name a version, as in scripts/release.sh 1.2.0'; exit 2; }
fi
version=${version#v}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]] ||
	{ say "$version is not a version such as 1.2.0 or 1.2.0-rc.1"; exit 2; }

if in_git; then
	[[ -n ${RELEASE_DIRTY:-} || -z $(git status --porcelain --untracked-files=no) ]] ||
		die 'there are changes that are not committed; RELEASE_DIRTY=1 builds them'
	: "${SOURCE_DATE_EPOCH:=$(git log -1 --format=%ct)}"
	: "${RELEASE_MAINTAINER:=$(git log -1 --format='%an <%ae>')}"
	if [[ -z ${RELEASE_HOME:-} ]]; then
		RELEASE_HOME=$(git remote get-url origin 2>/dev/null |
			sed -nE 's#^(https://|ssh://git@|git@)github\.com[:/]([^/]+/[^/]+)$#https://github.com/\2#p' | sed 's/\.git$//') || true
	fi
fi
[[ -n ${SOURCE_DATE_EPOCH:-} ]] || die 'not a git checkout: set SOURCE_DATE_EPOCH to the time of the files'
[[ -n ${RELEASE_MAINTAINER:-} ]] || die 'not a git checkout: set RELEASE_MAINTAINER to the maintainer of the packages'
RELEASE_HOME=${RELEASE_HOME:-}
export SOURCE_DATE_EPOCH RELEASE_MAINTAINER RELEASE_HOME

read -ra targets <<<"${RELEASE_TARGETS:-${all_targets[*]}}"
for target in "${targets[@]}"; do
	[[ " ${all_targets[*]} " == *" $target "* ]] || { say "no target $target; there are: ${all_targets[*]}"; exit 2; }
done

# The compiler is always the same, and no setting of the caller changes the result. A copy of the source without git must
# give the same bytes, so the commit is not recorded in the binary.
export GOTOOLCHAIN=go$go_version GOFLAGS=-buildvcs=false GOWORK=off CGO_ENABLED=0
unset GOOS GOARCH GOARM GOAMD64 GOARM64 GOEXPERIMENT GODEBUG

# --- building ----------------------------------------------------------------

# build TARGET FILE: builds one static binary. It contains no path, host name or time of this machine.
build() {
	local os=${1%/*} arch=${1#*/} arm=
	case $arch in
	armv[67]) arm=${arch#armv} arch=arm ;;
	esac
	GOOS=$os GOARCH=$arch GOARM=$arm bash scripts/build.sh "$2" "$version"
}

# share: makes the files that go with every binary, in $tmp/share.
share() {
	local host=$tmp/host/mqtt shell
	[[ -f README.md ]] || die 'README.md is missing'
	[[ -f man/mqtt.1 ]] || die 'man/mqtt.1 is missing: the man pages belong to a release'
	bash scripts/build.sh "$host" "$version"
	[[ $("$host" --version) == "mqtt version $version" ]] ||
		die "the binary says '$("$host" --version)', not 'mqtt version $version'"
	for shell in $("$host" help | sed -n 's/^  \([a-z]\{1,\}\)  .*/\1/p'); do
		case $shell in
		help | completion) continue ;; # they need no page
		esac
		[[ -f man/mqtt-$shell.1 ]] || die "man/mqtt-$shell.1 is missing: every command has a page"
	done

	mkdir -p "$tmp/share/man" "$tmp/share/completions"
	cp README.md "$tmp/share/"
	cp man/*.1 "$tmp/share/man/"
	notices >"$tmp/share/THIRD-PARTY-NOTICES"
	if [[ -f LICENSE ]]; then
		cp LICENSE "$tmp/share/"
	else
		say 'warning: there is no LICENSE file, so nobody may distribute this'
	fi
	for shell in bash zsh fish powershell; do
		"$host" completion "$shell" >"$tmp/share/completions/$(completion_name "$shell")" ||
			die "mqtt completion $shell failed"
		[[ -s $tmp/share/completions/$(completion_name "$shell") ]] || die "mqtt completion $shell is empty"
	done
}

completion_name() {
	case $1 in
	bash) echo mqtt.bash ;;
	zsh) echo _mqtt ;;
	fish) echo mqtt.fish ;;
	powershell) echo mqtt.ps1 ;;
	esac
}

# notices prints the licences of all modules that are linked in on any system.
notices() {
	local os path dir file
	printf 'mqtt contains the following software.\n'
	printf '\n=== The Go standard library\n\n'
	cat "$(go env GOROOT)/LICENSE"
	for os in linux darwin windows freebsd; do
		GOOS=$os go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{"\t"}}{{.Dir}}{{end}}{{end}}' ./cmd/mqtt
	done | sort -u | while IFS=$'\t' read -r path dir; do
		printf '\n=== %s\n\n' "$path"
		for file in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE*; do
			[[ ! -f $file ]] || cat "$file"
		done
	done
}

archive() {
	local name=mqtt-$version-${1/\//-} suffix=tar.gz binary=mqtt
	if [[ $1 == windows/* ]]; then suffix=zip binary=mqtt.exe; fi
	mkdir -p "$tmp/archives/$name"
	cp -r "$tmp/share/." "$tmp/archives/$name/"
	cp "$tmp/binaries/$1" "$tmp/archives/$name/$binary"
	"$tmp/pack" "$dist/$name.$suffix" "$tmp/archives/$name" "$SOURCE_DATE_EPOCH"
	rm -rf "${tmp:?}/archives/$name"
}

# nfpm runs exactly this version, from a cache folder: it is not a dependency of the module.
nfpm() {
	local cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqtt-release/nfpm-$nfpm_version
	if [[ ! -x $cache/nfpm ]]; then
		say "installing nfpm $nfpm_version"
		mkdir -p "$cache"
		(cd / && GOTOOLCHAIN=auto GOBIN=$cache go install "github.com/goreleaser/nfpm/v2/cmd/nfpm@$nfpm_version") ||
			die 'nfpm could not be installed'
	fi
	"$cache/nfpm" "$@"
}

# entry SOURCE DESTINATION MODE: prints a line of the contents of a package.
entry() { printf -- '  - { src: "%s", dst: "%s", file_info: { mode: 0%s } }\n' "$@"; }

# The Debian copyright file and changelog are short: the history is in git.
package_docs() {
	local debian=$tmp/packages
	mkdir -p "$debian"
	{
		if [[ -f LICENSE ]]; then cat LICENSE; echo; fi
		echo 'The licences of the software that is linked in are in /usr/share/doc/mqtt/THIRD-PARTY-NOTICES.'
	} >"$debian/copyright"
	{
		printf '%s (%s) unstable; urgency=medium\n\n  * Release %s.\n\n' mqtt "$(debian_version)" "$version"
		printf ' -- %s  %s\n' "$RELEASE_MAINTAINER" "$(date -u -R -d "@$SOURCE_DATE_EPOCH" 2>/dev/null || date -u -R -r "$SOURCE_DATE_EPOCH")"
	} | gzip -9n >"$debian/changelog.gz"
	local page
	for page in man/*.1; do gzip -9nc "$page" >"$debian/${page##*/}.gz"; done
}

debian_version() { echo "${version/-/\~}"; }

# contents FORMAT BINARY
contents() {
	local page zsh=/usr/share/zsh/site-functions/_mqtt
	[[ $1 == rpm ]] || zsh=/usr/share/zsh/vendor-completions/_mqtt
	entry "$2" /usr/bin/mqtt 755
	entry "$tmp/share/completions/mqtt.bash" /usr/share/bash-completion/completions/mqtt 644
	entry "$tmp/share/completions/_mqtt" "$zsh" 644
	entry "$tmp/share/completions/mqtt.fish" /usr/share/fish/vendor_completions.d/mqtt.fish 644
	entry "$PWD/README.md" /usr/share/doc/mqtt/README.md 644
	entry "$tmp/packages/copyright" /usr/share/doc/mqtt/copyright 644
	entry "$tmp/share/THIRD-PARTY-NOTICES" /usr/share/doc/mqtt/THIRD-PARTY-NOTICES 644
	if [[ $1 == deb ]]; then
		entry "$tmp/packages/changelog.gz" /usr/share/doc/mqtt/changelog.gz 644
		entry "$PWD/scripts/release/lintian-overrides" /usr/share/lintian/overrides/mqtt 644
	fi
	for page in man/*.1; do
		entry "$tmp/packages/${page##*/}.gz" "/usr/share/man/man1/${page##*/}.gz" 644
	done
}

# names_contents FORMAT: prints mosquitto's three names, and their pages, as links.
names_contents() {
	local name
	for name in pub sub rr; do
		printf -- '  - { src: "mqtt", dst: "/usr/bin/mosquitto_%s", type: symlink }\n' "$name"
		printf -- '  - { src: "mqtt-%s.1.gz", dst: "/usr/share/man/man1/mosquitto_%s.1.gz", type: symlink }\n' "$name" "$name"
	done
	entry "$tmp/packages/copyright" /usr/share/doc/mqtt-mosquitto-names/copyright 644
	[[ $1 != deb ]] || entry "$tmp/packages/changelog.gz" /usr/share/doc/mqtt-mosquitto-names/changelog.gz 644
}

# package TEMPLATE FORMAT ARCH CONTENTS
package() {
	local config=$tmp/packages/config.yaml time
	time=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
	{
		sed -e "s|@VERSION@|$version|; s|@ARCH@|$3|; s|@TIME@|$time|; s|@HOME@|$RELEASE_HOME|" \
			-e "s|@MAINTAINER@|$RELEASE_MAINTAINER|" "scripts/release/$1"
		printf '%s\n' "$4"
	} >"$config"
	# In an empty folder: nfpm adds the size of the target of a link if the folder has a file of that name.
	(cd "$tmp" && nfpm package --config "$config" --packager "$2" --target "$dist/") >"$tmp/packages/nfpm.log" 2>&1 ||
		die "nfpm $1 $2 $3: $(tail -n 1 "$tmp/packages/nfpm.log")"
}

# packages: an armhf .deb must also run on ARMv6 (Raspberry Pi OS); Fedora's armv7hl need not.
packages() {
	local target format architectures=()
	package_docs
	for target in "${targets[@]}"; do
		case $target in
		linux/amd64) architectures=(deb:amd64 rpm:amd64) ;;
		linux/arm64) architectures=(deb:arm64 rpm:arm64) ;;
		linux/armv6) architectures=(deb:arm6) ;;
		linux/armv7) architectures=(rpm:arm7) ;;
		*) continue ;;
		esac
		for format in "${architectures[@]}"; do
			package mqtt.yaml "${format%:*}" "${format#*:}" "$(contents "${format%:*}" "$tmp/binaries/$target")"
		done
	done
	if ((${#architectures[@]} > 0)); then
		for format in deb rpm; do package names.yaml "$format" all "$(names_contents "$format")"; done
	fi
}

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }

# formula writes the checksums into the template, if all systems of Homebrew were built.
formula() {
	local target sum edit=(-e "s|@VERSION@|$version|g; s|@HOME@|$RELEASE_HOME|g")
	if [[ -z $RELEASE_HOME ]]; then
		say 'no formula: RELEASE_HOME is not known'
		return
	fi
	for target in darwin-arm64 darwin-amd64 linux-arm64 linux-amd64; do
		if [[ ! -f $dist/mqtt-$version-$target.tar.gz ]]; then
			say "no formula: $target was not built"
			return
		fi
		sum=$(sha256 "$dist/mqtt-$version-$target.tar.gz")
		edit+=(-e "s|@SHA256-$target@|${sum%% *}|")
	done
	sed "${edit[@]}" scripts/release/mqtt.rb.in >"$dist/mqtt.rb"
}

mkdir -p "$dist"
say "mqtt $version with $GOTOOLCHAIN: ${targets[*]}"
go build -o "$tmp/pack" ./scripts/release/pack
share
for target in "${targets[@]}"; do
	say "$target"
	build "$target" "$tmp/binaries/$target"
	archive "$target"
done
packages
formula
(cd "$dist" && sha256 ./* | sed 's|  \./|  |' >"$tmp/sums" && mv "$tmp/sums" SHA256SUMS && chmod 644 SHA256SUMS)

# --- and again ---------------------------------------------------------------

if [[ -z ${RELEASE_ONCE:-} ]]; then
	say 'building again, in another folder, with an empty cache'
	mkdir -p "$tmp/again/source"
	{ if in_git; then git ls-files -z --cached --others --exclude-standard; else find . -type f -print0; fi; } |
		while IFS= read -r -d '' file; do [[ ! -f $file ]] || printf '%s\0' "$file"; done |
		tar --null -T - -cf - | tar -xf - -C "$tmp/again/source"
	RELEASE_ONCE=1 RELEASE_DIRTY=1 RELEASE_DIST=$tmp/again/dist RELEASE_TARGETS=${targets[*]} GOCACHE=$tmp/again/cache \
		GIT_CEILING_DIRECTORIES=$tmp/again bash "$tmp/again/source/scripts/release.sh" "$version" >/dev/null 2>"$tmp/again/log" ||
		die "the second build failed: $(tail -n 1 "$tmp/again/log")"
	diff -u "$dist/SHA256SUMS" "$tmp/again/dist/SHA256SUMS" >&2 || die 'the second build differs: this is not reproducible'
	say 'both builds have the same bytes'
fi
mkdir -p "$final"
rm -f "$final"/*
mv "$dist"/* "$final/"
ls -l "$final"

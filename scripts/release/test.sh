#!/usr/bin/env bash
# Builds the linux/amd64 part of a release from the current tree, twice, and uses it: the .deb
# is installed with dpkg, its binary talks to mosquitto on loopback, and everything is removed
# again. Without root, or if a package mqtt is installed already, it is unpacked into a folder
# instead. Needs dpkg, mosquitto and Go. With ruby, the systems of Homebrew are built too, and
# formula.rb installs the formula; with docker or buildah, image.sh builds the image. The last
# line says what could not be tried.
#
#   scripts/release/test.sh
#
#   RELEASE_ONCE=1   without the second build
#   IMAGE_…          as in image.sh
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
version=0.0.1-test.1

tmp=$(mktemp -d)
chmod 755 "$tmp"
installed=no broker='' listener='' untried=''
finish() {
	local status=$?
	trap - EXIT
	[[ -z $broker ]] || kill "$broker" 2>/dev/null || true
	[[ -z $listener ]] || kill "$listener" 2>/dev/null || true
	[[ $installed == no ]] || dpkg --purge mqtt >/dev/null 2>&1 || true
	rm -rf "$tmp"
	((status == 0)) || echo 'test: FAILED' >&2
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '== %s\n' "$*"; }
fail() { printf 'test: %s\n' "$*" >&2; exit 1; }
same() { [[ $2 == "$3" ]] || fail "$1: [$2], wanted [$3]"; }
present() { [[ -s $1 ]] || fail "$1 is missing or empty"; }

# eventually COMMAND...: repeats it until it succeeds, for at most a minute.
eventually() {
	local deadline=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || fail "it does not succeed: $*"
		sleep 0.05
	done
}

free_port() {
	local candidate
	while :; do
		candidate=$((20000 + RANDOM % 12000))
		(exec 3<>"/dev/tcp/127.0.0.1/$candidate") 2>/dev/null || { echo "$candidate"; return; }
	done
}

for command in dpkg dpkg-deb mosquitto man; do
	command -v "$command" >/dev/null || fail "$command is not installed"
done

step 'build'
# The URLs of the formula lead to this folder.
home=$tmp/home
dist=$home/releases/download/v$version
mkdir -p "${dist%/*}"
targets=linux/amd64
if command -v ruby >/dev/null; then targets+=' linux/arm64 darwin/amd64 darwin/arm64'; fi
RELEASE_DIRTY=1 RELEASE_DIST=$dist RELEASE_TARGETS=$targets RELEASE_HOME=file://$home \
	"$root/scripts/release.sh" "$version" >/dev/null

step 'checksums and names'
(cd "$dist" && sha256sum --quiet -c SHA256SUMS)
archive=$dist/mqtt-$version-linux-amd64.tar.gz
deb=$dist/mqtt_0.0.1~test.1_amd64.deb
names=$dist/mqtt-mosquitto-names_0.0.1~test.1_all.deb
for file in "$archive" "$deb" "$names"; do present "$file"; done
same 'files beside SHA256SUMS' "$(find "$dist" -type f ! -name SHA256SUMS | wc -l)" "$(wc -l <"$dist/SHA256SUMS")"

step 'archive'
mkdir "$tmp/archive"
tar -xzf "$archive" -C "$tmp/archive"
unpacked=$tmp/archive/mqtt-$version-linux-amd64
for file in mqtt README.md THIRD-PARTY-NOTICES man/mqtt.1 man/mqtt-pub.1 completions/mqtt.bash completions/_mqtt \
	completions/mqtt.fish completions/mqtt.ps1; do
	present "$unpacked/$file"
done
same 'version in the archive' "$("$unpacked/mqtt" --version)" "mqtt version $version"
# Each module is listed with its checksum, and none is replaced, so that a scanner can identify them.
go version -m "$unpacked/mqtt" >"$tmp/modules"
grep -q $'^\tdep\t' "$tmp/modules" || fail 'go version -m lists no modules'
if grep $'^\tdep\t' "$tmp/modules" | grep -vE $'\tv[^\t]+\th1:[^\t]{43}=$'; then fail 'modules without a checksum'; fi
if grep $'^\t=>' "$tmp/modules"; then fail 'modules that were replaced'; fi
if grep -aqF "$root/" "$unpacked/mqtt"; then fail "the binary knows the folder $root"; fi
if command -v readelf >/dev/null; then
	readelf -l "$unpacked/mqtt" >"$tmp/segments"
	grep -q LOAD "$tmp/segments" || fail 'readelf shows no segments'
	if grep -q INTERP "$tmp/segments"; then fail 'the binary is not static'; fi
else
	untried+=', but whether the binary is static was NOT checked: there is no readelf'
fi

step 'install'
prefix='' man=(man)
if [[ $(id -u) == 0 ]] && ! dpkg -s mqtt >/dev/null 2>&1; then
	installed=yes
	dpkg -i "$deb" >"$tmp/dpkg.log" 2>&1 || { cat "$tmp/dpkg.log"; fail 'dpkg -i'; }
	same 'state of the package' "$(dpkg-query -W -f '${Status} ${Version}' mqtt)" 'install ok installed 0.0.1~test.1'
	[[ -z $(dpkg --verify mqtt) ]] || fail "dpkg --verify: $(dpkg --verify mqtt)"
else
	prefix=$tmp/root
	dpkg-deb -x "$deb" "$prefix"
	man=(man -M "$prefix/usr/share/man")
fi
mqtt=$prefix/usr/bin/mqtt
same 'version installed' "$("$mqtt" --version)" "mqtt version $version"
for page in mqtt mqtt-pub mqtt-sub; do
	same "man -w $page" "$("${man[@]}" -w "$page")" "$prefix/usr/share/man/man1/$page.1.gz"
done
for file in bash-completion/completions/mqtt zsh/vendor-completions/_mqtt fish/vendor_completions.d/mqtt.fish \
	doc/mqtt/copyright; do
	present "$prefix/usr/share/$file"
done
bash -n "$prefix/usr/share/bash-completion/completions/mqtt"
(PATH=$prefix/usr/bin:$PATH mqtt __complete pu 2>/dev/null | grep -q '^pub') || fail 'pu is not completed to pub'

step 'use it with mosquitto'
port=$(free_port)
mosquitto -p "$port" >"$tmp/mosquitto.log" 2>&1 &
broker=$!
"$mqtt" ping -h 127.0.0.1 -p "$port" --wait 10s >/dev/null
"$mqtt" sub -h 127.0.0.1 -p "$port" -t 'test/#' -q 1 -C 2 -v -d >"$tmp/sub.out" 2>"$tmp/sub.err" &
listener=$!
eventually grep -q SUBACK "$tmp/sub.err"
"$mqtt" pub -h 127.0.0.1 -p "$port" -t test/a -q 1 -r -m first
printf 'second\n' | "$mqtt" pub -h 127.0.0.1 -p "$port" -t test/b -q 1 -l
wait "$listener"
listener=
same 'what came' "$(<"$tmp/sub.out")" $'test/a first\ntest/b second'

step "mosquitto's names"
dpkg-deb -x "$names" "$tmp/names"
dpkg-deb -x "$deb" "$tmp/names"
bin=$tmp/names/usr/bin
same 'retained, by mosquitto_sub' "$("$bin/mosquitto_sub" -h 127.0.0.1 -p "$port" -t test/a -C 1 -W 5)" first
status=0
"$bin/mosquitto_sub" -h 127.0.0.1 -p "$port" -t test/none -W 1 || status=$?
same 'status of mosquitto_sub -W' "$status" 27
"$bin/mosquitto_pub" -h 127.0.0.1 -p "$port" -t test/a -r -n
for page in pub sub rr; do present "$tmp/names/usr/share/man/man1/mosquitto_$page.1.gz"; done
same 'what it conflicts with' "$(dpkg-deb -f "$names" Conflicts)" mosquitto-clients
if [[ $installed == yes ]] && dpkg -s mosquitto-clients >/dev/null 2>&1; then
	dpkg --no-act -i "$names" >"$tmp/dpkg.log" 2>&1 && fail 'it would be installed beside mosquitto-clients, or in its place'
	grep -q conflict "$tmp/dpkg.log" || fail "dpkg -i: $(tail -n 1 "$tmp/dpkg.log")"
fi

# What the image contains: the binary, the authorities, and nothing else.
if [[ $(id -u) == 0 ]] && command -v openssl >/dev/null; then
	step 'in an empty root, as in the image'
	image=$tmp/image
	mkdir -p "$image/etc/ssl/certs"
	cp "$mqtt" "$image/mqtt"
	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$tmp/key.pem" -out "$tmp/cert.pem" >/dev/null 2>&1
	tls=$(free_port)
	kill "$broker"
	wait "$broker" 2>/dev/null || true
	"$mqtt" broker --listen "mqtts://127.0.0.1:$tls" --cert "$tmp/cert.pem" --key "$tmp/key.pem" 2>"$tmp/broker.log" &
	broker=$!
	eventually "$mqtt" ping -L "mqtts://127.0.0.1:$tls" --insecure -C 1
	inside() { chroot --userspec=65534:65534 "$image" /mqtt "$@"; }
	same 'version inside' "$(inside --version)" "mqtt version $version"
	status=0
	inside ping -L "mqtts://127.0.0.1:$tls" -C 1 >/dev/null 2>&1 || status=$?
	same 'status without authorities' "$status" 3
	cp "$tmp/cert.pem" "$image/etc/ssl/certs/ca-certificates.crt"
	inside ping -L "mqtts://127.0.0.1:$tls" -C 1 >/dev/null
fi

if command -v rpm >/dev/null; then
	step 'rpm'
	rpm -K --nosignature "$dist"/*.rpm >/dev/null
	rpm -qpl "$dist/mqtt-0.0.1~test.1-1.x86_64.rpm" >"$tmp/rpm.list"
	for file in /usr/bin/mqtt /usr/share/man/man1/mqtt.1.gz /usr/share/zsh/site-functions/_mqtt; do
		grep -qx "$file" "$tmp/rpm.list" || fail "the .rpm lacks $file"
	done
	same 'what the names need' "$(rpm -qp --requires "$dist"/mqtt-mosquitto-names-*.rpm | grep -v '^rpmlib')" mqtt
fi

if command -v lintian >/dev/null; then
	step 'lintian'
	lintian --allow-root --fail-on error "$deb" "$names"
fi

if [[ $installed == yes ]]; then
	step 'remove'
	dpkg --purge mqtt >"$tmp/dpkg.log" 2>&1
	installed=no
	[[ ! -e /usr/bin/mqtt ]] || fail '/usr/bin/mqtt is still there'
	[[ ! -e /usr/share/doc/mqtt ]] || fail '/usr/share/doc/mqtt is still there'
fi
if command -v ruby >/dev/null; then
	step 'formula'
	ruby "$root/scripts/release/formula.rb" "$dist/mqtt.rb" "$tmp/cellar"
	same 'version of the formula' "$("$tmp/cellar/bin/mqtt" --version)" "mqtt version $version"
	present "$tmp/cellar/share/man/man1/mqtt.1"
	present "$tmp/cellar/etc/bash_completion.d/mqtt"
	present "$tmp/cellar/share/zsh/site-functions/_mqtt"
	present "$tmp/cellar/share/fish/vendor_completions.d/mqtt.fish"
else
	untried+=', but the formula was NOT tried: there is no ruby'
fi

step 'image'
status=0
"$root/scripts/release/image.sh" "$version" "$unpacked/mqtt" || status=$?
case $status in
0) ;;
77) untried+=', but the image was NOT tried: there is neither docker nor buildah' ;;
*) exit 1 ;;
esac
echo "all good$untried"

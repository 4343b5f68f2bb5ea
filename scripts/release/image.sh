#!/usr/bin/env bash
# Builds the image of scripts/release/Dockerfile from the current tree, and uses it: a broker
# in one container as the user of the image, clients in another and outside, its data after a
# restart. For platforms that cannot run here the image is built and inspected.
#
#   scripts/release/image.sh [VERSION BINARY]   the binary in the image must equal BINARY
#
# It uses a docker engine that answers, otherwise buildah (as root: without an engine, in a
# folder of its own that is removed at the end).
#
#   IMAGE_ENGINE=docker|buildah    this one
#   IMAGE_BASE=NAME                an image with Go, instead of that of the Dockerfile
#   IMAGE_BASE=debootstrap         made here from Debian packages and the Go and the authorities of
#                                  this machine, for machines without a registry
#   IMAGE_BUILD_FLAGS='…'          more flags of the build, for example --network host
#   IMAGE_PLATFORMS='os/arch…'     platforms to build without running; default: linux/arm/v7
#
# Exit status: 0 success, 1 failure, 77 there is neither docker nor buildah.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
version=${1:-0.0.1-test.1} released=${2:-}
image=localhost/mqtt-image-test:$$ base_made=localhost/mqtt-image-base:$$ name=mqtt-image-test-$$
read -ra build_flags <<<"${IMAGE_BUILD_FLAGS:-}"
read -ra platforms <<<"${IMAGE_PLATFORMS-linux/arm/v7}"

tmp=$(mktemp -d)
chmod 755 "$tmp"
engine='' container='' server=''
finish() {
	local status=$?
	trap - EXIT
	stop >/dev/null 2>&1 || true
	if [[ $engine == docker ]]; then
		{
			docker volume rm -f "$name"
			docker rmi -f "$image" "$image-other"
			[[ ${IMAGE_BASE:-} != debootstrap ]] || docker rmi -f "$base_made"
		} >/dev/null 2>&1 || true
	elif [[ $engine == buildah ]]; then
		b umount --all >/dev/null 2>&1 || true
	fi
	rm -rf "$tmp"
	((status == 0 || status == 77)) || echo 'image: FAILED' >&2
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step() { printf '== %s\n' "$*"; }
fail() { printf 'image: %s\n' "$*" >&2; exit 1; }
same() { [[ $2 == "$3" ]] || fail "$1: [$2], wanted [$3]"; }

# --- the two engines -----------------------------------------------------------

b() { buildah --root "$tmp/storage" --runroot "$tmp/run" --storage-driver vfs "$@"; }

choose() {
	local wanted=${IMAGE_ENGINE:-}
	if [[ ${wanted:-docker} == docker ]] && docker info >/dev/null 2>&1; then
		engine=docker
	elif [[ ${wanted:-buildah} == buildah ]] && command -v buildah >/dev/null && [[ $(id -u) == 0 ]]; then
		engine=buildah
	else
		echo "image: NOT tested: there is no ${wanted:-docker engine that answers, nor buildah with root}"
		exit 77
	fi
	step "by $engine"
}

# base prints the name of the image with Go.
base() {
	local folder=$tmp/base go
	go=$(sed -n 's/^ARG GO_IMAGE=//p' "$root/scripts/release/Dockerfile")
	[[ $go == golang:"$(sed -n 's/^go_version=\([0-9.]*\).*/\1/p' "$root/scripts/release.sh")"-* ]] || fail "the Dockerfile has $go, but scripts/release.sh names another version"
	case ${IMAGE_BASE:-} in
	'') echo "docker.io/library/$go"; return ;;
	debootstrap) ;;
	*) echo "$IMAGE_BASE"; return ;;
	esac
	{
		debootstrap --variant=minbase --include=ca-certificates "${go##*-}" "$folder"
		mkdir "$folder/usr/local/go"
		cp -r "$(cd "$root" && go env GOROOT)/." "$folder/usr/local/go"
		cp /etc/ssl/certs/ca-certificates.crt "$folder/etc/ssl/certs/"
		local path=/usr/local/go/bin:/usr/local/bin:/usr/bin:/bin
		if [[ $engine == docker ]]; then
			tar -C "$folder" -cf - . | docker import -c "ENV PATH=$path GOTOOLCHAIN=local" - "$base_made"
		else
			container=$(b from scratch)
			b copy "$container" "$folder" /
			b config --env "PATH=$path" --env GOTOOLCHAIN=local "$container"
			b commit --rm "$container" "$base_made"
		fi
		rm -rf "$folder"
	} >"$tmp/base.log" 2>&1 || fail "the base: $(tail -n 1 "$tmp/base.log")"
	echo "$base_made"
}

# build NAME [PLATFORM]
build() {
	local command=(docker buildx build --load) flags=(-t "$1" ${2:+--platform "$2"} "${build_flags[@]}"
		-f "$root/scripts/release/Dockerfile" --build-arg "VERSION=$version" --build-arg "GO_IMAGE=$go_image")
	if [[ $engine == buildah ]]; then
		command=(b build --isolation chroot)
		flags+=(--build-arg "BUILDPLATFORM=linux/$(go env GOHOSTARCH)") # buildah 1.28 does not give it to FROM
	elif ! docker buildx version >/dev/null 2>&1; then
		command=(env DOCKER_BUILDKIT=1 docker build) # an older client has it built in
	fi
	"${command[@]}" "${flags[@]}" "$root" >"$tmp/build.log" 2>&1 || {
		tail -n 20 "$tmp/build.log" >&2
		fail "no image${2:+ for $2}; where $go_image cannot be pulled, IMAGE_BASE=debootstrap makes one like it"
	}
}

# unpack NAME FOLDER [PLATFORM]
unpack() {
	local one
	mkdir "$2"
	if [[ $engine == docker ]]; then
		one=$(docker create ${3:+--platform "$3"} "$1")
		docker export "$one" | tar -C "$2" --same-owner -xf -
		docker rm "$one" >/dev/null
		(cd "$2" && rm -rf .dockerenv dev proc sys etc/hostname etc/hosts etc/mtab etc/resolv.conf) # docker's own
	else
		one=$(b from --pull-never "$1")
		cp -a "$(b mount "$one")/." "$2"
		b rm "$one" >/dev/null
	fi
}

# inside ARGUMENT...: runs the entry point of the image with these arguments.
inside() {
	if [[ $engine == docker ]]; then
		docker run --rm -i --network host "$image" "$@"
	else
		b run --isolation chroot "$container" -- "$entry" "$@"
	fi
}

# serve ARGUMENT...: runs it in the background. /data stays from one call to the next.
serve() {
	if [[ $engine == docker ]]; then
		docker run --rm --name "$name" --network host -v "$name:/data" "$image" "$@" >"$tmp/serve.log" 2>&1 &
	else
		inside "$@" >"$tmp/serve.log" 2>&1 &
	fi
	server=$!
}

# process prints uid and pid of the broker in the container.
process() { ps -eo uid=,pid=,args= | sed -nE "s#^ *([0-9]+) +([0-9]+) /mqtt broker .*:${port:-none}( .*|\$)#\1 \2#p"; }

# stop ends the broker as the engine does, and returns its status.
stop() {
	local of one=$server
	[[ -n $server ]] || return 0
	server=
	if [[ $engine == docker ]]; then
		docker stop "$name" >/dev/null
	else
		of=$(process)
		kill -TERM "${of#* }"
	fi
	wait "$one"
}

# --- building and inspecting --------------------------------------------------------

choose
step 'build'
go_image=$(base)
build "$image"
unpack "$image" "$tmp/root"
same 'files' "$(cd "$tmp/root" && find . -type f | sort | tr '\n' ' ')" './etc/ssl/certs/ca-certificates.crt ./mqtt '
grep -q 'BEGIN CERTIFICATE' "$tmp/root/etc/ssl/certs/ca-certificates.crt" || fail 'no authority in the image'
if [[ $(id -u) == 0 ]]; then same 'owner of /data' "$(stat -c %u:%g "$tmp/root/data")" 65534:65534; fi
if [[ -n $released ]]; then
	cmp -s "$released" "$tmp/root/mqtt" || fail "the image's binary is not that of the release: $released"
fi
if [[ $engine == docker ]]; then
	same 'user' "$(docker inspect -f '{{.Config.User}}' "$image")" 65534:65534
else
	container=$(b from --pull-never "$image")
	same 'user' "$(b inspect --format '{{.OCIv1.Config.User}}' "$container")" 65534:65534
	entry=$(b inspect --format '{{index .OCIv1.Config.Entrypoint 0}}' "$container")
fi
mqtt=$tmp/root/mqtt

for platform in "${platforms[@]}"; do
	step "build for $platform"
	build "$image-other" "$platform"
	rm -rf "$tmp/other"
	unpack "$image-other" "$tmp/other" "$platform"
	case $platform in
	linux/amd64*) machine=3e ;;
	linux/arm64*) machine=b7 ;;
	linux/arm/*) machine=28 ;;
	*) fail "what is the ELF number of $platform?" ;;
	esac
	same "machine of $platform" "$(od -An -tx1 -j18 -N1 "$tmp/other/mqtt" | tr -d ' ')" "$machine"
done

# --- using ------------------------------------------------------------------------

step 'use it'
same 'version' "$(inside --version)" "mqtt version $version"
while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
broker=(broker --listen "mqtt://127.0.0.1:$port" --data /data)
serve "${broker[@]}"
"$mqtt" ping -p "$port" --wait 20s -C 1 >/dev/null || { cat "$tmp/serve.log" >&2; fail 'the broker does not answer'; }
same 'uid of the broker' "$(process | cut -d ' ' -f 1)" 65534
"$mqtt" pub -p "$port" -t image/kept -r -q 1 -m outside
same 'from outside to a container' "$(inside sub -p "$port" -t image/kept -C 1 -W 10)" outside
printf 'from a container\n' | inside pub -p "$port" -t image/kept -r -q 1 -l
status=0
stop || status=$?
same 'status of a broker that is stopped' "$status" 0

step 'its data after a restart'
serve "${broker[@]}"
"$mqtt" ping -p "$port" --wait 20s -C 1 >/dev/null || { cat "$tmp/serve.log" >&2; fail 'the broker does not answer again'; }
same 'what was kept' "$("$mqtt" sub -p "$port" -t image/kept -C 1 -W 10)" 'from a container'
stop
echo 'image: all good'

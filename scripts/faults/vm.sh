#!/usr/bin/env bash
# Runs scripts/faults.sh and scripts/faults/clock.sh in a virtual machine, whose kernel has netem and whose clock nobody
# needs. It has no disk and no network: everything is copied from this machine into its memory.
#
#   scripts/faults/vm.sh KERNEL-PACKAGE.deb [link] [clock]
#
# apt-get download linux-image-VERSION-cloud-amd64 gets a kernel package from Debian. Without names both parts run.
# FAULTS_LINES, FAULTS_LOSS, FAULTS_DELAY and FAULTS_MQTT are as in scripts/faults.sh, but the default is 200 lines: without
# /dev/kvm a virtual machine is slow.
#
# The exit status is 1 if a promise was broken, 2 if this machine cannot do it: it needs qemu-system-x86_64, cpio, kmod,
# dpkg, iproute2, and Go if FAULTS_MQTT is not given. mosquitto is copied too if it is installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
unable() { echo "vm: $*" >&2; exit 2; }
[[ ${1:-} == *.deb && -r $1 ]] || unable 'expected a kernel package, as apt-get download gives it'
package=$1
shift
parts=${*:-link clock}
for part in $parts; do [[ $part == link || $part == clock ]] || unable "$part is no part: expected link or clock"; done

needed=(bash ip tc kmod mount awk grep sed seq cmp sort tail head timeout mktemp mkfifo cat rm mkdir id uname sleep realpath
	dirname date cut stty)
for name in qemu-system-x86_64 cpio dpkg-deb ldd "${needed[@]}"; do
	command -v "$name" >/dev/null || unable "$name is not installed"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
fs=$work/fs

# put copies programs with the libraries that they load.
put() {
	local file lib
	for file in "$@"; do
		mkdir -p "$fs$(dirname "$file")"
		cp -L "$file" "$fs$file"
		{ ldd "$file" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r lib; do
			mkdir -p "$fs$(dirname "$lib")"
			cp -Lu "$lib" "$fs$lib"
		done
	done
}

mkdir -p "$fs"/{proc,sys,dev,tmp,run,etc,root,project/scripts/faults}
echo 'root:x:0:0:root:/root:/bin/sh' >"$fs/etc/passwd"
for name in "${needed[@]}"; do put "$(command -v "$name")"; done
if mosquitto=$(PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mosquitto); then put "$mosquitto"; fi
if [[ -n ${FAULTS_MQTT:-} ]]; then
	cp "$FAULTS_MQTT" "$fs/project/mqtt"
else
	command -v go >/dev/null || unable 'go is not installed'
	(cd "$root" && CGO_ENABLED=0 go build -o "$fs/project/mqtt" ./cmd/mqtt)
fi
cp "$root/scripts/faults.sh" "$fs/project/scripts/"
cp "$root/scripts/faults/clock.sh" "$fs/project/scripts/faults/"

dpkg-deb -x "$package" "$work/kernel"
for module in veth sch_netem; do
	file=$(find "$work/kernel" -name "$module.ko*")
	[[ -n $file ]] || unable "the kernel package has no $module"
	cp "$file" "$fs/root/"
done

cat >"$fs/init" <<END
#!$(command -v bash)
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root FAULTS_MQTT=/project/mqtt
export FAULTS_LINES=${FAULTS_LINES:-200} FAULTS_LOSS=${FAULTS_LOSS:-5} FAULTS_DELAY=${FAULTS_DELAY:-50}
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
stty -onlcr
for module in /root/*.ko*; do (exec -a insmod kmod "\$module"); done
ip link set lo up
echo
echo "vm: began, Linux \$(uname -r)"
failed=0
for part in $parts; do
	case \$part in
	link) bash /project/scripts/faults.sh ;;
	clock) bash /project/scripts/faults/clock.sh --set-the-clock ;;
	esac 2>&1 | cat # so that the output is not a terminal
	((PIPESTATUS[0] == 0)) || failed=1
done
echo "vm: over with \$failed"
echo 0 >/proc/sys/kernel/printk
echo o >/proc/sysrq-trigger
sleep 60
END
chmod +x "$fs/init"
(cd "$fs" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/initrd"

accel=tcg
[[ -w /dev/kvm ]] && accel=kvm
qemu-system-x86_64 -accel $accel -smp 2 -m 1024 -nographic -no-reboot -nic none \
	-kernel "$(echo "$work"/kernel/boot/vmlinuz-*)" -initrd "$work/initrd" \
	-append 'console=ttyS0 quiet loglevel=1 panic=-1' </dev/null | sed -u 's/\r//g' | tee "$work/log" | sed -un '/^vm: began/,$p'
grep -q '^vm: began' "$work/log" || { tail -n 20 "$work/log" >&2; unable 'the kernel did not start'; }
grep -q '^vm: over with 0$' "$work/log"

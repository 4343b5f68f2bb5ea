# shellcheck shell=bash disable=SC2154
# A root of another Debian release, so that the servers and clients are those of today, not those
# of the release that this machine runs. Sourced by scripts/interop.sh, which defines root, cache,
# here, tmp and packages NAME...
#
# Programs run in the root by chroot, in a mount namespace of their own. That takes the superuser.

release=${INTEROP_DEBIAN:-sid}
debian=$cache/debian-$release

# debian_packages NAME...: makes these packages available, in the root or on this machine.
debian_packages() {
	local name
	if [[ $release == installed ]]; then
		packages "$@"
		return
	fi
	[[ $(id -u) == 0 ]] || { echo 'another Debian release takes root - set INTEROP_DEBIAN=installed'; return 1; }
	[[ -d $debian ]] || debian_root || return
	mkdir -p "$debian$tmp" "$tmp/bin"
	touch "$debian/etc/hosts"
	for name in mosquitto_pub mosquitto_sub mosquitto_rr; do
		printf '#!/bin/bash\nexec unshare --mount sh %q %q %q %s "$@"\n' \
			"$root/scripts/interop/inside.sh" "$debian" "$tmp" "$name" >"$tmp/bin/$name"
		chmod +x "$tmp/bin/$name"
	done
}

# debian_root makes the root, with the packages of every server. No service is started in it.
debian_root() {
	packages mmdebstrap || return
	say "interop: making a root of Debian $release"
	rm -rf "$debian.new"
	# The signature of a release file is checked; a mirror that keeps an old one may show it after its end.
	mmdebstrap --quiet --variant=apt --include=mosquitto,mosquitto-clients,rabbitmq-server \
		--aptopt='Acquire::Check-Valid-Until "false"' "$release" "$debian.new" >"$here/mmdebstrap.log" 2>&1 || {
		echo "mmdebstrap: $(tail -n 1 "$here/mmdebstrap.log")"
		return 1
	}
	mv "$debian.new" "$debian"
}

# inside COMMAND...: sets the array inside to the words that run a command where the packages are.
inside() {
	inside=("$@")
	[[ $release == installed ]] || inside=(unshare --mount sh "$root/scripts/interop/inside.sh" "$debian" "$tmp" "$@")
}

# debian_version PACKAGE prints the version of a package, without Debian's revision.
debian_version() {
	local inside
	# shellcheck disable=SC2016
	inside dpkg-query -W -f '${Version}' "$1"
	(cd "$tmp" && "${inside[@]}" 2>/dev/null) | sed 's/-[^-]*$//'
}

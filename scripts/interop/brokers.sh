# shellcheck shell=bash disable=SC2034,SC2154
# The servers. Each is started on loopback and has its files in $here. Sourced by
# scripts/interop.sh, which defines here, port, ws_port, tls_port, certificates, cache, run NAME COMMAND... (in the
# background, until the end) and the functions that install.
#
# A start function sets ws and about, and tls if it also listens on tls_port. It returns when the
# process is started, before it answers. Every server has a user interop with the password secret,
# and accepts clients without a user name.

start_mosquitto() {
	local inside
	debian_packages mosquitto || return
	cat >"$here/mosquitto.conf" <<-END
		per_listener_settings false
		allow_anonymous true
		password_file $here/passwords
		max_queued_messages 100000
		listener $port 127.0.0.1
		listener $ws_port 127.0.0.1
		protocol websockets
		listener $tls_port 127.0.0.1
		certfile $certificates/pair.pem
		keyfile $certificates/pair.pem
	END
	# As root it would switch to another user, who may not read these files.
	[[ $(id -u) != 0 ]] || echo 'user root' >>"$here/mosquitto.conf"
	ws=ws://127.0.0.1:$ws_port/mqtt
	about="mosquitto $(debian_version mosquitto)"
	rm -f "$here/passwords" # it may be the second start
	inside mosquitto_passwd -b -c "$here/passwords" interop secret
	(cd "$here" && "${inside[@]}")
	inside mosquitto -c "$here/mosquitto.conf"
	run mosquitto "${inside[@]}"
}

# Only the listeners of the plugins: AMQP is closed, and Erlang's port mapper and distribution
# are on loopback, on ports of their own.
start_rabbitmq() {
	local epmd dist inside
	debian_packages rabbitmq-server || return
	epmd=$(free_port)
	dist=$(free_port)
	cat >"$here/rabbitmq.conf" <<-END
		listeners.tcp = none
		default_user = interop
		default_pass = secret
		anonymous_login_user = interop
		anonymous_login_pass = secret
		mqtt.allow_anonymous = true
		mqtt.listeners.tcp.1 = 127.0.0.1:$port
		mqtt.listeners.ssl.1 = 127.0.0.1:$tls_port
		ssl_options.cacertfile = $certificates/ca.pem
		ssl_options.certfile = $certificates/pair.pem
		ssl_options.keyfile = $certificates/pair.pem
		web_mqtt.tcp.ip = 127.0.0.1
		web_mqtt.tcp.port = $ws_port
		log.console = true
		log.console.level = warning
	END
	echo '[rabbitmq_mqtt, rabbitmq_web_mqtt].' >"$here/plugins"
	: >"$here/environment"
	mkdir -p "$here/home"
	ws=ws://127.0.0.1:$ws_port/ws
	about="RabbitMQ $(debian_version rabbitmq-server)"
	inside env ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" epmd
	run epmd "${inside[@]}"
	# Debian's script in sbin would switch to the user of the system's server.
	inside env HOME="$here/home" \
		ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" RABBITMQ_DIST_PORT="$dist" \
		RABBITMQ_NODENAME="interop$port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
		RABBITMQ_CONFIG_FILE="$here/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$here/environment" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$here/plugins" RABBITMQ_MNESIA_BASE="$here/mnesia" \
		RABBITMQ_LOG_BASE="$here/log" RABBITMQ_PID_FILE="$here/pid" \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2' \
		/usr/lib/rabbitmq/bin/rabbitmq-server
	run rabbitmq "${inside[@]}"
}

# Its MQTT listener has TLS or not, so that there is a second server for TLS.
start_nats() {
	module_program nats-server github.com/nats-io/nats-server/v2 || return
	cat >"$here/users.conf" <<-END
		max_payload: 8MB
		authorization { users: [ { user: anybody, password: any }, { user: interop, password: secret } ] }
		no_auth_user: anybody
	END
	cat >"$here/tls.conf" <<-END
		server_name: interop-tls
		listen: "127.0.0.1:$(free_port)"
		jetstream { store_dir: "$here/store-tls" }
		mqtt {
			listen: "127.0.0.1:$tls_port"
			tls { cert_file: "$certificates/pair.pem", key_file: "$certificates/pair.pem" }
		}
		include users.conf
	END
	cat >"$here/nats.conf" <<-END
		server_name: interop
		listen: "127.0.0.1:$(free_port)"
		jetstream { store_dir: "$here/store" }
		mqtt { listen: "127.0.0.1:$port" }
		websocket { listen: "127.0.0.1:$ws_port", no_tls: true }
		include users.conf
	END
	ws=ws://127.0.0.1:$ws_port/mqtt
	about="nats-server $(module_version github.com/nats-io/nats-server/v2)"
	run nats-tls "$cache/bin/nats-server" -c "$here/tls.conf"
	run nats "$cache/bin/nats-server" -c "$here/nats.conf"
}

start_aedes() {
	npm_packages || return
	ws=ws://127.0.0.1:$ws_port/mqtt
	about="aedes $(npm_version aedes)"
	run aedes node "$node/aedes.js" "$port" "$ws_port" "$tls_port" "$certificates/pair.pem"
}

start_mochi() {
	module_program mochi ./mochi || return
	ws=ws://127.0.0.1:$ws_port/
	about="mochi $(module_version github.com/mochi-mqtt/server/v2)"
	# It ends with a panic at a packet that mqtt check sends.
	# shellcheck disable=SC2016
	run mochi bash -c 'for ((n = 0; n < 50; n++)); do "$@"; done' mochi "$cache/bin/mochi" "127.0.0.1:$port" "127.0.0.1:$ws_port" "127.0.0.1:$tls_port" "$certificates/pair.pem"
}

# Our broker, from the same build as the clients.
start_mqtt() {
	has_command broker || { echo 'there is no mqtt broker yet'; return 77; }
	printf 'secret\n' | "$mqtt" broker passwd "$here/passwords" interop 2>"$here/passwd.out" ||
		{ echo "mqtt broker passwd: $(tail -n 1 "$here/passwd.out")"; return 1; }
	ws=ws://127.0.0.1:$ws_port/mqtt
	about=$("$mqtt" --version)
	run mqtt "$mqtt" broker --listen "mqtt://127.0.0.1:$port" --listen "$ws" \
		--listen "mqtts://127.0.0.1:$tls_port" --cert "$certificates/pair.pem" --key "$certificates/pair.pem" \
		--passwords "$here/passwords" --allow-anonymous
}

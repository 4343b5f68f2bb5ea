# shellcheck shell=bash disable=SC2034,SC2154
# The servers. Each is started on loopback and has its files in $here. Sourced by
# scripts/interop.sh, which defines here, port, ws_port, cache, run NAME COMMAND... (in the
# background, until the end), packages NAME... and npm_packages.
#
# A start function sets host, ws and about. It returns when the process is started, before it
# answers. Every server has a user interop with the password secret, and accepts clients
# without a user name.

start_mosquitto() {
	packages mosquitto || return
	mosquitto_passwd -b -c "$here/passwords" interop secret
	cat >"$here/mosquitto.conf" <<-END
		per_listener_settings false
		allow_anonymous true
		password_file $here/passwords
		max_queued_messages 100000
		listener $port 127.0.0.1
		listener $ws_port 127.0.0.1
		protocol websockets
	END
	# As root it would switch to another user, who may not read these files.
	[[ $(id -u) != 0 ]] || echo 'user root' >>"$here/mosquitto.conf"
	ws=ws://127.0.0.1:$ws_port/mqtt
	about=$(mosquitto -h | head -n 1) || true
	run mosquitto mosquitto -c "$here/mosquitto.conf"
}

# Only the listeners of the plugin: AMQP is closed, and Erlang's port mapper and distribution
# are on loopback, on ports of their own.
start_rabbitmq() {
	packages rabbitmq-server || return
	local epmd dist
	epmd=$(free_port)
	dist=$(free_port)
	cat >"$here/rabbitmq.conf" <<-END
		listeners.tcp = none
		default_user = interop
		default_pass = secret
		mqtt.default_user = interop
		mqtt.default_pass = secret
		mqtt.allow_anonymous = true
		mqtt.listeners.tcp.1 = 127.0.0.1:$port
		web_mqtt.tcp.ip = 127.0.0.1
		web_mqtt.tcp.port = $ws_port
		log.console = true
		log.console.level = warning
	END
	echo '[rabbitmq_mqtt, rabbitmq_web_mqtt].' >"$here/plugins"
	: >"$here/environment"
	mkdir -p "$here/home"
	ws=ws://127.0.0.1:$ws_port/ws
	about="RabbitMQ $(dpkg-query -W -f '${Version}' rabbitmq-server 2>/dev/null || echo '(unknown)')"
	run epmd env ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" epmd
	# Debian's script in sbin would switch to the user of the system's server.
	run rabbitmq env HOME="$here/home" \
		ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT="$epmd" RABBITMQ_DIST_PORT="$dist" \
		RABBITMQ_NODENAME="interop$port@localhost" RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 \
		RABBITMQ_CONFIG_FILE="$here/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE="$here/environment" \
		RABBITMQ_ENABLED_PLUGINS_FILE="$here/plugins" RABBITMQ_MNESIA_BASE="$here/mnesia" \
		RABBITMQ_LOG_BASE="$here/log" RABBITMQ_PID_FILE="$here/pid" \
		RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +S 2:2' \
		/usr/lib/rabbitmq/bin/rabbitmq-server
}

start_nats() {
	packages nats-server || return
	cat >"$here/nats.conf" <<-END
		server_name: interop
		listen: "127.0.0.1:$(free_port)"
		max_payload: 8MB
		jetstream { store_dir: "$here/store" }
		mqtt { listen: "127.0.0.1:$port" }
		websocket { listen: "127.0.0.1:$ws_port", no_tls: true }
		authorization { users: [ { user: anybody, password: any }, { user: interop, password: secret } ] }
		no_auth_user: anybody
	END
	ws=ws://127.0.0.1:$ws_port/mqtt
	about=$(nats-server --version)
	run nats nats-server -c "$here/nats.conf"
}

start_aedes() {
	npm_packages || return
	ws=ws://127.0.0.1:$ws_port/mqtt
	about="aedes $(npm_version aedes)"
	run aedes node "$node/aedes.js" "$port" "$ws_port"
}

start_mochi() {
	module_program mochi || return
	ws=ws://127.0.0.1:$ws_port/
	about="mochi $(module_version github.com/mochi-mqtt/server/v2)"
	run mochi "$cache/bin/mochi" "127.0.0.1:$port" "127.0.0.1:$ws_port"
}

# Our broker, from the same build as the clients.
start_mqtt() {
	has_command broker || { echo 'there is no mqtt broker yet'; return 77; }
	printf 'secret\n' | "$mqtt" broker passwd "$here/passwords" interop 2>"$here/passwd.out" ||
		{ echo "mqtt broker passwd: $(tail -n 1 "$here/passwd.out")"; return 1; }
	ws=ws://127.0.0.1:$ws_port/mqtt
	about=$("$mqtt" --version)
	run mqtt "$mqtt" broker --listen "mqtt://127.0.0.1:$port" --listen "$ws" \
		--passwords "$here/passwords" --allow-anonymous
}

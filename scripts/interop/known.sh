# shellcheck shell=bash disable=SC2016
# Known faults of others, with the evidence that must be in the trace, the verdict or the
# server's log for an entry to count. Sourced by scripts/interop.sh; the first entry that
# matches counts. Each fault was also seen with other clients of that server, or breaks the
# rule that is named.
#
#   known SERVER-OR-CLIENT FEATURE no|theirs EVIDENCE WORDS

# mosquitto 2.0.11. MQTT.js gets nothing either.
known mosquitto 'ws-large:*' theirs 'sub did not end; it has 0 messages' \
	'a message of more than 200 KiB is never sent to a WebSocket subscriber'

# RabbitMQ 3.10: topics become routing keys with . for / and * for +, and back.
known rabbitmq '*:5' no 'before it answered|WebSocket with status 1011|MQTT protocol version unsupported' \
	'it speaks 3.1 and 3.1.1 only, and hangs up on others without a CONNACK'
known rabbitmq 'qos2:*' theirs 'PUBACK: acknowledges a packet of another kind' \
	'it answers a QoS 2 PUBLISH with PUBACK [MQTT-4.3.3-2]'
known rabbitmq 'session-qos2:*' theirs 'PUBACK: acknowledges a packet of another kind' \
	'it answers a QoS 2 PUBLISH with PUBACK [MQTT-4.3.3-2]'
known rabbitmq bench-qos2 theirs 'PUBACK: acknowledges a packet of another kind' \
	'it answers a QoS 2 PUBLISH with PUBACK [MQTT-4.3.3-2]'
known rabbitmq 'levels:*' theirs 'PUBLISH: wildcard in a topic name' \
	'it delivers a/* as a/+ [MQTT-3.3.2-2], and a.b as a/b'
known rabbitmq 'retained-wildcard:*' no 'sub did not end; it has 0 messages' \
	'it finds retained messages by exact topic only'
known rabbitmq 'takeover:*' theirs "no queue 'mqtt-subscription-" \
	'now and then it deletes the queue of the first client under the second, and hangs up on both'
known rabbitmq 'shared:*' no 'of 8 messages 0 and 0 came' '$share is an ordinary topic to it'

# nats-server 2.9: topics become subjects.
known nats '*:3.1' no 'before it answered' 'it speaks 3.1.1 only'
known nats '*:5' no 'Unsupported Protocol Version' 'it speaks 3.1.1 only'
known nats 'qos2:*' no 'publish QoS=2 not supported' 'it hangs up on a PUBLISH of QoS 2'
known nats 'session-qos2:*' no 'publish QoS=2 not supported' 'it hangs up on a PUBLISH of QoS 2'
known nats bench-qos2 no 'publish QoS=2 not supported' 'it hangs up on a PUBLISH of QoS 2'
known nats 'levels:*' theirs "characters ' ' and '.' not supported" \
	'its subjects have no room for blanks and dots'
known nats 'shared:*' no 'of 8 messages 0 and 0 came' '$share is an ordinary topic to it'

# Aedes 1.2.
known aedes '*:5' no 'Unsupported Protocol Version' 'it speaks 3.1 and 3.1.1 only'
known aedes 'shared:*' no 'of 8 messages 0 and 0 came' '$share is an ordinary topic to it'
known aedes 'session-qos2:*' theirs '^empty got' \
	'now and then it sends a PUBLISH again, with DUP 0, after its PUBREL [MQTT-4.3.3-1]'

# mochi-mqtt 2.7.
known mochi 'session:*' theirs '^back got' \
	'what waited in a session comes in random order [MQTT-4.6.0-5], and with DUP at the first time'
known mochi 'session-qos2:*' theirs '^back got' \
	'what waited in a session comes in random order [MQTT-4.6.0-5], and with DUP at the first time'
known mochi 'session-qos2:*' theirs 'SUBACK: reserved return code|Packet Identifier in use' \
	'it takes the packet identifiers of both directions for one (each side has its own), and has 0x91 in a SUBACK of 3.1.1 [MQTT-3.9.3-2]'
known mochi 'properties:*' theirs 'PUBACK malformed: PUBACK: reason not allowed' \
	'its PUBACK has the QoS in the place of the reason code as soon as the message has user properties [MQTT-3.4.2-1]'
known mochi 'alias:*' no 'topic-alias-maximum is 0' 'it names no Topic Alias Maximum, so none may be used'
known mochi 'expiry:*' theirs '^back got .* short' 'now and then an expired message is delivered: it looks for them once a second [MQTT-3.3.2-5]'

# mosquitto_sub 2.0.11 with any server: it closes before it has read a SUBACK, and the TCP reset may discard its last PUBACKs.
known 'mosquitto_*' 'session:*' theirs '^empty got' 'mosquitto_sub -C leaves before its acknowledgements are safe'

# paho.golang 0.23 with any server: it does not send the property in CONNECT.
known paho 'will:*' theirs 'the will lost its content type' 'the content type of a will is not sent'

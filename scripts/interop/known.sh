# shellcheck shell=bash disable=SC2016
# Known faults of others, with the evidence that must be in the trace, the verdict or the
# server's log for an entry to count. Sourced by scripts/interop.sh; the first entry that
# matches counts. Each fault was also seen with other clients of that server, or breaks the
# rule that is named.
#
# Evidence that begins with violation: is what mqtt proxy --rules reports, with INTEROP_RULES=yes.
#
#   known SERVER-OR-CLIENT FEATURE no|theirs EVIDENCE WORDS

# RabbitMQ 4.3: topics become routing keys with . for / and * for +, and back.
known rabbitmq '*qos2:5' no 'maximum-qos is 1' 'its CONNACK names a Maximum QoS of 1, so QoS 2 may not be used'
known rabbitmq bench-qos2 no 'maximum-qos is 1' 'its CONNACK names a Maximum QoS of 1, so QoS 2 may not be used'
known rabbitmq '*qos2:3.1*' theirs 'PUBACK: acknowledges a packet of another kind' \
	'it answers a QoS 2 PUBLISH with PUBACK [MQTT-4.3.3-2]'
known rabbitmq 'levels:*' theirs 'PUBLISH: wildcard in a topic name' \
	'it delivers a/* as a/+ [MQTT-3.3.2-2], and a.b as a/b'
known rabbitmq 'retained-wildcard:*' no 'sub did not end; it has 0 messages' \
	'it finds retained messages by exact topic only'
known rabbitmq 'shared:5' no 'shared-subscription-available is 0' 'its CONNACK says that it has no shared subscriptions'
known rabbitmq 'shared:*' no 'of 100 messages 0 and 0 came' '$share is an ordinary topic to it'
known rabbitmq '*qos2:3.1*' theirs 'violation: .* PUBACK for a PUBLISH at QoS 2' 'it answers a QoS 2 PUBLISH with PUBACK [MQTT-4.3.3-2]'
known rabbitmq 'levels:*' theirs 'violation: .*(which matches no subscription|wildcard in a topic name)' \
	'it delivers a/* as a/+ [MQTT-3.3.2-2], and a.b as a/b [MQTT-3.3.2-3]'

# nats-server 2.15: topics become subjects.
known nats '*:3.1' no 'before it answered' 'it speaks 3.1.1 only'
known nats '*:5' no 'Unsupported Protocol Version' 'it speaks 3.1.1 only'
known nats 'ws:5' no 'unacceptable protocol version of 5' \
	'it speaks 3.1.1 only, and hangs up on others without a CONNACK when they come by WebSocket'
known nats 'levels:*' theirs 'character not supported for MQTT topics' \
	'its subjects have no room for a blank, and it hangs up on a PUBLISH with one'
known nats 'shared:*' no 'of 100 messages 0 and 0 came' '$share is an ordinary topic to it'

# Aedes 1.2.
known aedes '*:5' no 'Unsupported Protocol Version' 'it speaks 3.1 and 3.1.1 only'
known aedes 'shared:*' no 'of 100 messages 0 and 0 came' '$share is an ordinary topic to it'
known aedes 'session-qos2:*' theirs 'did not complete within 10' \
	'now and then it sends one PUBREL twice, with the identifier of another message [MQTT-4.3.3-1]'
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
known mochi 'session*:3.1.1' theirs 'violation: .* broke MQTT-3.9.3-2.* packet 9003....91$' 'it has 0x91 in a SUBACK of 3.1.1 [MQTT-3.9.3-2]'
known mochi 'takeover:3.1.1' theirs 'violation: .* DISCONNECT from the server; packet e000$' 'it sends DISCONNECT to a client of 3.1.1'
known mochi 'properties:5' theirs 'violation: .* broke MQTT-3.4.2-1.* PUBACK: reason not allowed' \
	'its PUBACK has the QoS in the place of the reason code as soon as the message has user properties [MQTT-3.4.2-1]'
known mochi '*' theirs 'violation: .* broke MQTT-3.3.4-9' \
	'what waited in a session comes at once, whatever the Receive Maximum of the client [MQTT-3.3.4-9]'

# mosquitto_pub 2.1.2 with any server, mosquitto's too.
known 'mosquitto_*' '@(flood|shared|options)*' theirs '^pub -l: exit 0 after [0-9]+ acknowledgements' \
	'now and then mosquitto_pub -l ends with success before it has published every line'

# paho.golang 0.23 with any server: it does not send the property in CONNECT.
known paho 'will:*' theirs 'the will lost its content type' 'the content type of a will is not sent'

package faults

// Help explains the words of a plan, for a help text.
const Help = `Words of --fault (mqtt broker, mqtt proxy), separated by spaces or commas, as in --fault 'delay=50ms drop=1%'.

Faults of a packet, in both directions:
  delay=50ms         it arrives later, and so does everything after it; delay=10ms..50ms: random
  answer-late=1s     the server's answers arrive later: CONNACK, SUBACK, PUBACK and the like, PINGRESP
  drop=1%            it is lost, with this probability
  duplicate=1%       it arrives twice
  reorder=1%         it is swapped with the next packet of its direction, or is 1 s late if none follows
  corrupt=1%         one of its bits is flipped
  throttle=10KiB/s   it passes at this speed, for each direction of each connection

Faults of a connection:
  refuse=0x88        CONNECT is answered with this reason code
  cut-after=100      the connection breaks instead of passing packet 101 (both directions are counted)
  cut-bytes=4096     the connection breaks instead of passing the packet that would exceed this size
  stall=after:10     nothing passes after 10 packets, and nothing breaks; stall: nothing passes at all

Selectors:
  packets=PUBLISH,PUBACK   only these packet types (not for cut, stall and refuse)
  topic=sensors/#    only PUBLISH packets whose topic matches (not for cut, stall and refuse)
  way=in             only packets from the client; way=out: only packets to the client
  client=sensor-*    only clients whose identifier matches; * stands for any text, ? for one character
  first=3            only the first 3 connections
  connections=50%    each connection with this probability
  seed=7             other random decisions; the same seed makes the same decisions

drop, duplicate, reorder and corrupt spare CONNECT and CONNACK. At most one of them applies to a packet, in this
order. duplicate and reorder spare packets above 1 MiB.
`

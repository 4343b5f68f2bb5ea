package rules

import "time"

// slack is what is added to one and a half times the keep alive before silence is judged.
const slack = 5 * time.Second

// tooLong returns the silence after which the server must have closed, or 0 if there is none.
func (o *Observer) tooLong() time.Duration {
	if !o.hello.accepted || o.hello.keepAlive == 0 {
		return 0
	}
	return time.Duration(o.hello.keepAlive)*1500*time.Millisecond + slack
}

// checkSilence judges the keep alive when the peer that sends in direction way has closed first.
func (o *Observer) checkSilence(way Way) {
	server := &o.sides[Out]
	limit := o.tooLong()
	if limit == 0 || server.bye || o.sides[In].bye || server.lost {
		return
	}
	if way == Out {
		o.checkClientSilence(nil)
	}
	// An answer shows that the server has received a packet, perhaps long after it was delivered.
	last := server.lastGot
	if server.lastAnswer.After(last) {
		last = server.lastAnswer
	}
	if silence := o.now.Sub(last); silence > limit {
		o.add(Server, ruleKeepAliveServer, server.version, nil, "the client was silent for %s before the connection was closed, and the keep alive is %d s",
			silence.Round(time.Second), o.hello.keepAlive)
	}
}

// checkClientSilence judges the keep alive of a client that the server closed. Its last packet must
// have been answered: a relay that waits for the server to read does not read from the client.
func (o *Observer) checkClientSilence(packet []byte) {
	client, server := &o.sides[In], &o.sides[Out]
	limit := o.tooLong()
	if limit == 0 || !o.hello.told || client.bye || client.closed || client.lastSent.IsZero() || server.lastAnswer.Before(server.lastGot) {
		return
	}
	last := client.lastSent
	if server.lastAnswer.After(last) {
		last = server.lastAnswer
	}
	if silence := o.now.Sub(last); silence > limit {
		o.add(Client, ruleKeepAliveClient, client.version, packet, "silent for %s, and the keep alive is %d s", silence.Round(time.Second), o.hello.keepAlive)
	}
}

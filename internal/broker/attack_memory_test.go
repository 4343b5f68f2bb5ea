package broker

import (
	"fmt"
	"strings"
	"testing/synctest"

	"mqtt/internal/proto"
)

// pins are attacks with little that is counted and holds much that is not.
var pins = map[string]func(k *bench, served func()){
	"a small message beside a large one": func(k *bench, served func()) {
		s := k.open(proto.V5, "s", func(c *proto.Connect) { c.Props = c.Props.AppendNum(proto.MaximumPacketSize, 60) })
		s.post(sub(1, to("t", 1)))
		synctest.Wait()
		p := k.connect(proto.V311, "p")
		for i := range uint16(1000) {
			p.post(pub("t", big(100_000), 1, 2*i+1), pub("t", "x", 1, 2*i+2))
		}
		synctest.Wait()
		served()
	},
	"a short message among many": func(k *bench, served func()) {
		s := k.open(proto.V5, "s", func(c *proto.Connect) { c.Props = c.Props.AppendNum(proto.MaximumPacketSize, 60) })
		s.post(sub(1, to("t", 1)))
		synctest.Wait()
		p := k.connect(proto.V311, "p")
		id := uint16(0)
		for range 2000 {
			all := make([]proto.Packet, 400)
			for i := range all {
				id = id%65535 + 1
				all[i] = pub("t", big(100*min(len(all)-1-i, 1)), 1, id)
			}
			p.post(all...)
		}
		synctest.Wait()
		served()
	},
	"client identifiers as long as they may be": func(k *bench, served func()) {
		for i := range 1500 {
			k.open(proto.V5, fmt.Sprint(i, strings.Repeat("i", 65_000)), resume, expiry(3600)).cut()
		}
		served()
	},
	"user names as long as they may be": func(k *bench, served func()) {
		for i := range 1500 {
			k.open(proto.V5, fmt.Sprint("u", i), login(strings.Repeat("u", 65_000), "x"), resume, expiry(3600)).cut()
		}
		served()
	},
	"retained messages from long client identifiers": func(k *bench, served func()) {
		for i := range 1500 {
			p := k.open(proto.V311, fmt.Sprint(i, strings.Repeat("i", 65_000)))
			p.post(pub(fmt.Sprint("r/", i), "x", 0, 0, retain), &proto.Disconnect{})
			synctest.Wait()
			p.conn.Close()
		}
		served()
	},
}

package broker

import (
	"fmt"
	"strings"
	"testing/synctest"

	"mqtt/internal/proto"
)

// pins are attacks that use little counted and much uncounted memory.
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
	"slots of messages in flight": func(k *bench, served func()) {
		p := k.connect(proto.V311, "p")
		for i := range 200 {
			s := k.open(proto.V5, fmt.Sprint("s", i), resume, expiry(3600))
			s.post(sub(1, to("t", 1)))
			synctest.Wait()
			all := make([]proto.Packet, 2048)
			for i := range all {
				all[i] = pub("t", "", 1, uint16(i+1))
			}
			p.post(all...)
			synctest.Wait()
			for i := range all {
				all[i] = ack(proto.PUBACK, uint16(i+1))
			}
			s.post(append(all, &proto.Unsubscribe{PacketID: 2, Filters: []string{"t"}})...)
			synctest.Wait()
			s.got = nil
			if i%2 == 0 {
				s.cut()
			}
		}
		served()
	},
	"QoS 2 messages that are not released, in all pages": func(k *bench, served func()) {
		for i := range 1500 {
			s := k.open(proto.V5, fmt.Sprint("s", i), resume, expiry(3600))
			all := make([]proto.Packet, 64)
			for i := range all {
				all[i] = pub("nobody", "", 2, uint16(i<<10+1))
			}
			s.post(all...)
			synctest.Wait()
			s.cut()
		}
		served()
	},
	"aliases for many clients": func(k *bench, served func()) {
		p := k.connect(proto.V311, "p")
		for i := range 500 {
			s := k.open(proto.V5, fmt.Sprint("s", i), func(c *proto.Connect) { c.Props = c.Props.AppendNum(proto.TopicAliasMaximum, 64) })
			s.post(sub(1, to(fmt.Sprint(i, "/#"), 0)))
			synctest.Wait()
			for n := range 64 {
				p.post(pub(fmt.Sprint(i, "/", n, big(900)), "", 0, 0))
			}
			synctest.Wait()
			s.got = nil
		}
		served()
	},
	"identifiers of many subscriptions": func(k *bench, served func()) {
		s := k.open(proto.V5, "s", resume, expiry(3600), func(c *proto.Connect) { c.Props = c.Props.AppendNum(proto.ReceiveMaximum, 1) })
		var filters []string
		for n := range 1 << 11 {
			filter := ""
			for bit := range 11 {
				filter += []string{"x/", "+/"}[n>>bit&1]
			}
			filters = append(filters, filter+"#")
		}
		for n, filter := range filters[:2000] {
			s.post(numbered(sub(uint16(n+1), to(filter, 1)), uint32(1<<21+n)))
		}
		synctest.Wait()
		p := k.connect(proto.V311, "p")
		for i := range 5000 {
			p.post(pub(fmt.Sprint(strings.Repeat("x/", 11), i), "", 1, uint16(i+1)))
		}
		synctest.Wait()
		served()
	},
	"routes of publishers": func(k *bench, served func()) {
		s := k.connect(proto.V5, "s")
		for n := range 1 << 10 {
			filter := ""
			for bit := range 10 {
				filter += []string{"x/", "+/"}[n>>bit&1]
			}
			s.post(numbered(sub(uint16(n+1), to(filter+"#", 0)), uint32(1<<21+n)))
		}
		for i := range 300 {
			p := k.connect(proto.V311, fmt.Sprint("x", i))
			p.post(pub(fmt.Sprint(strings.Repeat("x/", 10), i), "", 0, 0))
		}
		synctest.Wait()
		s.got = nil
		served()
	},
	"buffers without a packet": func(k *bench, served func()) {
		ping := &proto.Ping{Kind: proto.PINGREQ}
		for i := range 500 {
			p := k.connect(proto.V311, fmt.Sprint("x", i))
			for range 40 {
				all := make([]proto.Packet, 256) // exactly what a reader has room for
				for i := range all {
					all[i] = ping
				}
				p.post(all...)
			}
			synctest.Wait()
			p.got = nil
		}
		served()
	},
}

package disk

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"mqtt/internal/broker"
)

// BenchmarkMessages measures a QoS 1 message that is queued, sent and acknowledged, with 100
// publishers that each wait for a Commit after 20 messages.
func BenchmarkMessages(b *testing.B) {
	for _, size := range []int{16, 1024} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Load(context.Background()); err != nil {
				b.Fatal(err)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ReportAllocs()
			b.SetBytes(int64(size))
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					client := fmt.Sprint("subscriber-", i)
					s.Begin()
					s.PutSession(broker.SessionRecord{Client: client, Expiry: 1})
					s.End()
					payload := make([]byte, size)
					for seq := uint64(0); left.Add(-20) > -20; {
						batch := make([]broker.Message, 20)
						s.Begin()
						for j := range batch {
							seq++
							m := &batch[j]
							*m = broker.Message{Topic: []byte("some/topic"), Payload: payload, From: "publisher", QoS: 1}
							s.Enqueue(client, broker.Entry{Seq: seq, Message: m, QoS: 1})
							s.InFlight(client, seq, uint16(1+seq%100))
							if seq > 20 {
								s.Settle(client, seq-20)
							}
						}
						s.End()
						if err := s.Commit(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

package bench

import (
	"errors"
	"testing"
	"testing/synctest"

	"mqtt/internal/proto"
)

// TestChecksAreCounted checks that messages that Plan.NewCheck rejects are errors, and are received all
// the same; and that each subscriber has a check of its own.
func TestChecksAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRelay(t)
		p := r.plan(t)
		p.Publishers, p.Subscribers, p.QoS, p.Messages, p.Rate = 2, 3, 1, 100, 5000
		p.Filter, _ = Compile("b/+", "i")
		checks := make(chan *int, 10)
		p.NewCheck = func() func(m *proto.Publish) error {
			n := new(int)
			checks <- n
			return func(*proto.Publish) error {
				if *n++; *n%10 == 0 {
					return errors.New("the tenth")
				}
				return nil
			}
		}
		res := r.run(t, p)
		if res.Received != 300 || res.Lost != 0 || res.Errors != 30 || len(res.ErrorKinds) != 1 || res.ErrorKinds[0] != (ErrorKind{KindInvalid, "the tenth", 30}) {
			t.Errorf("received %d, lost %d, errors %d: %v", res.Received, res.Lost, res.Errors, res.ErrorKinds)
		}
		if len(checks) != 3 || *<-checks != 100 {
			t.Errorf("%d checks", len(checks))
		}
	})
}

package check

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// promptly is the time within which a server accepts a new connection that is not too slow to be judged.
const promptly = time.Second

// doubt makes a failure unsure if the server is too slow to be judged. What did not come within the limit of the run
// may still come, since the standard names no time. So the failure stands only if a new connection, which is opened
// after that, is accepted at once.
func (c *C) doubt(ctx context.Context, j *job) {
	if c.verdict != Fail || !c.silent {
		return
	}
	limit := min(promptly, c.r.opt.Limit)
	began := time.Now()
	control := c.r.newC(ctx, j)
	control.script(0, func(control *C) {
		p := control.Open()
		p.Send(control.Hello())
		if _, err := p.read(limit); err != errNothing {
			return // also if it is refused: the server has answered
		}
		control.Unsure("a new connection was not accepted within %v", limit)
	})
	if control.verdict != Unsure && time.Since(began) <= 2*limit {
		return
	}
	c.verdict = Unsure
	c.broken = slices.DeleteFunc(c.broken, func(b breach) bool { return b.text == "" }) // of what did not come
	c.got += fmt.Sprintf("; but the server is too slow to judge it: after that, a new connection was not accepted within %v", limit)
}

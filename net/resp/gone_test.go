package resp

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a client has sent before it is gone is not answered for nobody: a receive buffer of COMMAND has 116 MB of answers.
func TestWhoIsGoneIsNotAnswered(t *testing.T) {
	const most = 1 << 20
	s := serve(t, newFakeNode(4), func(o *Options) { o.OutputBufferMax = most })
	nc := dial(t, s)
	go func() { _, _ = io.WriteString(nc, strings.Repeat("COMMAND\r\n", 500)) }()
	var c *conn
	require.Eventually(t, func() bool {
		for _, c = range s.clients() {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.held() > most && c.readerParked
		}
		return false
	}, 10*time.Second, time.Millisecond)
	c.kill()
	require.Eventually(t, func() bool { return len(s.clients()) == 0 }, 10*time.Second, time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Less(t, c.held(), 2*most)
	require.LessOrEqual(t, c.window.len(), s.opts.MaxPipeline)
}

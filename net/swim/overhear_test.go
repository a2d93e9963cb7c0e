package swim

import (
	"testing"

	"github.com/hashicorp/go-msgpack/v2/codec"
	"github.com/hashicorp/memberlist"
	"github.com/stretchr/testify/require"

	"torc/core/gossip"
	"torc/core/wire"
)

// message is one of memberlist's, as it would write it.
func message(t *testing.T, kind byte, fields map[string]any) []byte {
	b := []byte{kind}
	var body []byte
	require.NoError(t, codec.NewEncoderBytes(&body, &codec.MsgpackHandle{}).Encode(fields))
	return append(b, body...)
}

func compound(parts ...[]byte) []byte {
	b := []byte{mlCompound, byte(len(parts))}
	for _, p := range parts {
		b = append(b, byte(len(p)>>8), byte(len(p)))
	}
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

func TestOverhear(t *testing.T) {
	suspect := message(t, mlSuspect, map[string]any{"Incarnation": 3, "Node": "x", "From": "me"})
	alive := message(t, mlAlive, map[string]any{"Incarnation": 4, "Node": "y", "Meta": []byte("m"), "Port": 7})
	ping := message(t, 0, map[string]any{"SeqNo": 1, "Node": "z"})
	sayings := []saying{{true, "x", 3}, {false, "y", 4}}
	for _, c := range []struct {
		name   string
		packet []byte
		heard  []saying
	}{
		{"one message", suspect, sayings[:1]},
		{"with a checksum", append([]byte{mlHasCRC, 1, 2, 3, 4}, alive...), sayings[1:]},
		{"several in one packet", compound(ping, suspect, alive), sayings},
		{"the last one cut off", compound(suspect, alive)[:30+len(suspect)], sayings[:1]},
		{"nothing of interest", ping, nil},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard []saying
			overhear(c.packet, func(s saying) { heard = append(heard, s) })
			require.Equal(t, c.heard, heard)
		})
	}
}

func FuzzOverhear(f *testing.F) {
	f.Add([]byte{mlCompound, 2, 0, 1, 0, 200, mlSuspect})
	f.Add([]byte{mlHasCRC, 0, 0, 0, 0, mlSuspect, 0x81, 0xa4, 'N', 'o', 'd', 'e', 0xa1, 'x'})
	f.Fuzz(func(t *testing.T, packet []byte) { overhear(packet, func(saying) {}) })
}

// A suspicion is told once, and taken back by a refutation and by nothing older.
func TestSuspicionsAreToldInOrder(t *testing.T) {
	ev := &events{self: 1, beliefs: map[wire.NodeID]belief{}}
	var told []gossip.Status
	ev.subscribe(func(e gossip.Event) { told = append(told, e.Status) })
	name := life{2, 7, "b:1"}.String()
	ev.NotifyJoin(&memberlist.Node{Name: name})
	ev.said(saying{false, name, 1})
	ev.told(saying{true, name, 1}) // others suspect it; this node does not
	ev.said(saying{true, name, 1})
	ev.said(saying{true, name, 1})
	ev.told(saying{false, name, 1})                      // that is what the suspicion is about
	ev.said(saying{true, life{2, 6, "b:1"}.String(), 9}) // a former life
	ev.told(saying{false, name, 2})
	ev.said(saying{true, name, 1}) // was on its way
	ev.said(saying{true, "nobody", 1})
	ev.said(saying{true, name, 2})
	ev.NotifyLeave(&memberlist.Node{Name: name})
	ev.told(saying{false, name, 3}) // memberlist's NotifyJoin will say so, if it is true
	require.Equal(t, []gossip.Status{gossip.Alive, gossip.Suspect, gossip.Alive, gossip.Suspect, gossip.Dead}, told)
}

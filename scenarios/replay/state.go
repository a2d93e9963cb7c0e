package replay

import (
	"fmt"
	"strings"
	"time"

	"torc/cluster"
	"torc/scenarios/script"
	"torc/sim"
)

// State says how every node stands, and what the clients wait for.
func State(v sim.View) string {
	var b strings.Builder
	for _, n := range v.Nodes() {
		fmt.Fprintf(&b, "n%d  %s, life %d", n.ID, n.State, n.Incarnation)
		if n.Held > 0 {
			fmt.Fprintf(&b, ", %d packets wait in its sockets", n.Held)
		}
		b.WriteString("\n")
		for i := range n.Groups {
			fmt.Fprintf(&b, "    %s\n", groupWords(&n.Groups[i]))
		}
	}
	open := v.Open()
	if len(open) == 0 {
		b.WriteString("no client waits for an answer\n")
	}
	for i := range open {
		fmt.Fprintf(&b, "c%-2d waits %v for %s (r%d)\n", open[i].Client+1, (v.Now() - open[i].Since).Round(time.Millisecond), opsWords(open[i].Ops), open[i].Number)
	}
	return b.String()
}

func groupWords(g *cluster.GroupStatus) string {
	text := fmt.Sprintf("%-8s replica %-3d %-13s term %-3d commit %-5d applied %-5d last %-5d", group(g.Shard), g.Replica, g.Role, g.Term, g.Commit, g.Applied, g.Last)
	switch {
	case g.Role == "leader" && g.LeaseLeft > 0:
		text += fmt.Sprintf(" lease %v", time.Duration(g.LeaseLeft).Round(time.Microsecond))
	case g.Role == "leader":
		text += " no lease"
	case g.Leader != 0:
		text += fmt.Sprintf(" led by replica %d", g.Leader)
	default:
		text += " knows no leader"
	}
	return text + fmt.Sprintf(", voters %v", g.Voters)
}

// opsWords are operations as scenario files spell them.
func opsWords(ops []sim.Op) string {
	var parts []string
	for i := range ops {
		parts = append(parts, script.FormatOp(&ops[i]))
	}
	return strings.Join(parts, " ; ")
}

package page

import (
	"regexp"
	"strconv"
	"strings"

	"torc/core/wire"
)

var replicaNumber = regexp.MustCompile(`\d+`)

// configuration says a group's members by node: core names replicas, "[10 12]&&[10 11] learners [13]".
// A replica that has not spoken yet stays a number.
func (r *Recorder) configuration(note string) string {
	named := replicaNumber.ReplaceAllStringFunc(note, func(id string) string {
		n, _ := strconv.ParseUint(id, 10, 64)
		if node, known := r.hosts[wire.ReplicaID(n)]; known {
			return node.String()
		}
		return "#" + id
	})
	named = strings.TrimSuffix(named, " learners []")
	return strings.NewReplacer("&&", " from ", " learners ", " learning ", "[", "", "]", "").Replace(named)
}

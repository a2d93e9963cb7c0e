package netns

import (
	"cmp"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Rules say what does not pass between addresses. What they do not speak of passes.
type Rules struct {
	Cuts []Link
	Loss []Loss
}

// Link is one direction between two addresses.
type Link struct{ From, To netip.Addr }

// Loss says how many packets of a link are lost, drawn one by one.
type Loss struct {
	Link
	TenThousandths int
}

func (a Link) compare(b Link) int {
	return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To))
}

// Cut adds one direction.
func (r *Rules) Cut(from, to netip.Addr) { r.Cuts = append(r.Cuts, Link{from, to}) }

// Part adds both directions.
func (r *Rules) Part(a, b netip.Addr) {
	r.Cut(a, b)
	r.Cut(b, a)
}

// Lose adds a link that loses packets.
func (r *Rules) Lose(from, to netip.Addr, tenThousandths int) {
	r.Loss = append(r.Loss, Loss{Link{from, to}, tenThousandths})
}

// Text is the ruleset as nft reads it: it replaces whatever was there in one transaction. Equal rules
// in any order have equal texts.
func (r Rules) Text() string {
	var b strings.Builder
	b.WriteString("add table bridge torc\ndelete table bridge torc\ntable bridge torc {\n\tchain links {\n")
	b.WriteString("\t\ttype filter hook forward priority 0; policy accept;\n")
	for _, group := range byFrom(r.cuts()) {
		fmt.Fprintf(&b, "\t\tip saddr %v ip daddr %s counter drop\n", group[0].From, receivers(group))
	}
	for _, rate := range r.rates() {
		var links []Link
		for _, loss := range r.Loss {
			if loss.TenThousandths == rate {
				links = append(links, loss.Link)
			}
		}
		for _, group := range byFrom(links) {
			fmt.Fprintf(&b, "\t\tip saddr %v ip daddr %s numgen random mod %d < %d counter drop\n", group[0].From, receivers(group), all, rate)
		}
	}
	b.WriteString("\t}\n}\n")
	return b.String()
}

// all is the rate at which a link loses everything: it is cut. nft has no number for it.
const all = 10_000

// cuts are the links on which nothing passes.
func (r Rules) cuts() []Link {
	cuts := slices.Clone(r.Cuts)
	for _, loss := range r.Loss {
		if loss.TenThousandths >= all {
			cuts = append(cuts, loss.Link)
		}
	}
	return cuts
}

// rates are the different rates of loss between nothing and all, in ascending order.
func (r Rules) rates() (rates []int) {
	for _, loss := range r.Loss {
		if loss.TenThousandths > 0 && loss.TenThousandths < all {
			rates = append(rates, loss.TenThousandths)
		}
	}
	slices.Sort(rates)
	return slices.Compact(rates)
}

// byFrom gathers the links of each sender, each once and in order.
func byFrom(links []Link) (groups [][]Link) {
	links = slices.Clone(links)
	slices.SortFunc(links, Link.compare)
	for _, l := range slices.Compact(links) {
		if n := len(groups); n > 0 && groups[n-1][0].From == l.From {
			groups[n-1] = append(groups[n-1], l)
			continue
		}
		groups = append(groups, []Link{l})
	}
	return groups
}

func receivers(group []Link) string {
	var to []string
	for _, l := range group {
		to = append(to, l.To.String())
	}
	if len(to) == 1 {
		return to[0]
	}
	return "{ " + strings.Join(to, ", ") + " }"
}

// droppedIn sums up the packets of all drop rules in a listing of nft's.
func droppedIn(listing string) (packets uint64) {
	for _, found := range dropRule.FindAllStringSubmatch(listing, -1) {
		n, _ := strconv.ParseUint(found[1], 10, 64)
		packets += n
	}
	return packets
}

var dropRule = regexp.MustCompile(`counter packets (\d+) bytes \d+ drop`)

package report

import (
	"embed"
	"fmt"
	"io"
	"math"
	"slices"
	"text/template"
	"time"
)

// Pictures are drawn by two templates, bars and lines. They carry their own background and both schemes, so that they read in light
// and dark pages alike. Torc is the coloured one; what it is compared with is told apart by name (bars) or by colour and dashes.

//go:embed *.svg.tmpl
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{"add": func(a, b float64) float64 { return a + b }}).ParseFS(templateFiles, "*.svg.tmpl"))

// Pictures are the names of the pictures and who draws each.
var Pictures = map[string]func(*Run, io.Writer) error{
	"throughput.svg": (*Run).throughputPicture,
	"pipelined.svg":  (*Run).pipelinedPicture,
	"values.svg":     (*Run).valuesPicture,
	"latency.svg":    (*Run).latencyPicture,
}

func (r *Run) throughputPicture(w io.Writer) error {
	shapes := []Shape{plain("GET"), plain("SET"), plain("80/20")}
	return r.bars(w, "Requests a second, 50 clients, one request at a time, 100 B", shapes, perSecondBar)
}

func (r *Run) pipelinedPicture(w io.Writer) error {
	shapes := []Shape{pipelined("GET", 16), pipelined("SET", 16), pipelined("80/20", 16)}
	return r.bars(w, "Requests a second, 50 clients, pipelines of 16, 100 B", shapes, perSecondBar)
}

func (r *Run) valuesPicture(w io.Writer) error {
	var shapes []Shape
	for _, size := range []int{4 << 10, 64 << 10, 1 << 20} {
		shapes = append(shapes, large("SET", size), large("GET", size))
	}
	return r.bars(w, "MiB a second, large values, 10 clients", shapes, func(s Shape, f Figure) (float64, string) {
		v := f.PerSecond * float64(s.Size) / (1 << 20)
		return v, three(v)
	})
}

func perSecondBar(_ Shape, f Figure) (float64, string) { return f.PerSecond, thousands(f.PerSecond) }

// Measures of a bar chart, in pixels.
const (
	width      = 760.0
	barLeft    = 150.0
	barRight   = width - 90
	barHeight  = 14.0
	barStep    = 19.0
	titleSpace = 44.0
	groupSpace = 30.0
)

type bar struct {
	Peer, Class, Text    string
	Y, TextY, Width, End float64
}

type group struct {
	Label string
	Y     float64
	Bars  []bar
}

// bars draws a group for each shape that was measured, each on its own scale: the longest bar of a group fills it.
func (r *Run) bars(w io.Writer, title string, shapes []Shape, value func(Shape, Figure) (float64, string)) error {
	figures := r.figures()
	var groups []group
	y := titleSpace
	for _, s := range shapes {
		g := group{Label: s.String(), Y: y + 16}
		most := 0.0
		for _, p := range r.Peers {
			if f, ok := figures[at{s, p.Name}]; ok {
				v, _ := value(s, f)
				most = max(most, v)
			}
		}
		y += groupSpace
		for _, p := range r.Peers {
			f, ok := figures[at{s, p.Name}]
			if !ok || most == 0 {
				continue
			}
			v, text := value(s, f)
			long := (barRight - barLeft) * v / most
			g.Bars = append(g.Bars, bar{Peer: p.Name, Class: class(p.Name), Text: text, Y: y, TextY: y + 11, Width: long, End: barLeft + long + 6})
			y += barStep
		}
		if len(g.Bars) == 0 {
			y -= groupSpace
			continue
		}
		groups = append(groups, g)
		y += 6
	}
	return templates.ExecuteTemplate(w, "bars.svg.tmpl", map[string]any{
		"Title": title, "Foot": r.foot(), "Width": width, "Height": y + 34, "FootY": y + 20, "Left": barLeft, "Bar": barHeight, "Groups": groups})
}

func (r *Run) foot() string {
	rounds := fmt.Sprintf("medians of %d rounds", r.Rounds)
	if r.Rounds == 1 {
		rounds = "one round"
	}
	return fmt.Sprintf("%s, %s, %d cores for servers and load, %s", rounds, r.Machine.CPU, r.Machine.Cores, r.Began.UTC().Format("2006-01-02"))
}

// class is a peer's style in the pictures.
func class(peer string) string {
	if i := slices.Index([]string{"torc", "torc-any", "torc-grpc", "redis", "redis-wait", "redis-wait-batch", "memcached", "etcd", "torc-own"}, peer); i >= 0 {
		return "p" + fmt.Sprint(i)
	}
	return "p3"
}

// Measures of a line chart.
const (
	panelWidth  = 205.0
	panelLeft   = 50.0
	panelStep   = 240.0
	panelTop    = 84.0
	panelHeight = 230.0
)

type tick struct {
	Text string
	At   float64
}

type line struct {
	Class, Points string
	Dots          [][2]float64
}

type panel struct {
	Label string
	Left  float64
	Lines []line
	X, Y  []tick
}

type legend struct {
	Peer, Class string
	X           float64
}

// latencyPicture draws three panels: the median, the 99th percentile and that of 99.9, by requests a second. Both scales are
// logarithmic; a line ends where the peer falls behind.
func (r *Run) latencyPicture(w io.Writer) error {
	rates := r.shapes(func(s Shape) bool { return s.Rate > 0 })
	slices.SortFunc(rates, func(a, b Shape) int { return a.Rate - b.Rate })
	figures := r.figures()
	peers := r.columns(rates)
	quantiles := []struct {
		label string
		of    func(Figure) time.Duration
	}{{"p50", func(f Figure) time.Duration { return f.P50 }}, {"p99", func(f Figure) time.Duration { return f.P99 }}, {"p99.9", func(f Figure) time.Duration { return f.P999 }}}
	x, y := r.scales(figures, rates, peers)
	var panels []panel
	for i, q := range quantiles {
		p := panel{Label: q.label, Left: panelLeft + panelStep*float64(i), Y: y.ticks(func(v float64) string { return bare(time.Duration(v)) })}
		for _, s := range rates {
			p.X = append(p.X, tick{Text: thousands(float64(s.Rate)), At: x.at(float64(s.Rate))})
		}
		for _, peer := range peers {
			p.Lines = append(p.Lines, drawLine(figures, rates, peer, q.of, x, y))
		}
		panels = append(panels, p)
	}
	var legends []legend
	for i, peer := range peers {
		legends = append(legends, legend{Peer: peer, Class: class(peer), X: panelLeft + 112*float64(i)})
	}
	return templates.ExecuteTemplate(w, "lines.svg.tmpl", map[string]any{
		"Title": "Latency in milliseconds by requests a second, from when each was due (80% GET, 100 B)", "Foot": r.foot(),
		"Width": width, "Height": panelTop + panelHeight + 64, "FootY": panelTop + panelHeight + 50,
		"PanelWidth": panelWidth, "PanelTop": panelTop, "PanelHeight": panelHeight, "Panels": panels, "Legends": legends})
}

// scale maps a range to pixels, logarithmically.
type scale struct{ least, most, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.most <= s.least {
		return (s.from + s.to) / 2
	}
	return s.from + (s.to-s.from)*math.Log(v/s.least)/math.Log(s.most/s.least)
}

// ticks are the powers of ten within the range, and 2 and 5 times those.
func (s scale) ticks(text func(float64) string) (out []tick) {
	for power := math.Pow(10, math.Floor(math.Log10(s.least))); power <= s.most; power *= 10 {
		for _, times := range []float64{1, 2, 5} {
			if v := power * times; v >= s.least && v <= s.most {
				out = append(out, tick{Text: text(v), At: s.at(v)})
			}
		}
	}
	return out
}

// scales fit all that will be drawn.
func (r *Run) scales(figures map[at]Figure, rates []Shape, peers []string) (x, y scale) {
	x = scale{least: math.Inf(1), from: 8, to: panelWidth - 12}
	y = scale{least: math.Inf(1), from: panelHeight - 8, to: 8}
	for _, s := range rates {
		x.least, x.most = min(x.least, float64(s.Rate)), max(x.most, float64(s.Rate))
		for _, peer := range peers {
			if f, ok := figures[at{s, peer}]; ok && !f.behind() && f.P50 > 0 {
				y.least, y.most = min(y.least, float64(f.P50)), max(y.most, float64(f.P999))
			}
		}
	}
	if math.IsInf(y.least, 1) { // nobody held any rate
		y.least, y.most = float64(time.Millisecond), float64(time.Millisecond)
	}
	return x, y
}

func drawLine(figures map[at]Figure, rates []Shape, peer string, of func(Figure) time.Duration, x, y scale) line {
	l := line{Class: class(peer)}
	for _, s := range rates {
		f, ok := figures[at{s, peer}]
		if !ok || f.behind() || of(f) == 0 {
			continue
		}
		px, py := x.at(float64(s.Rate)), y.at(float64(of(f)))
		l.Dots = append(l.Dots, [2]float64{px, py})
		l.Points += fmt.Sprintf("%.1f,%.1f ", px, py)
	}
	return l
}

package admin

import "github.com/prometheus/client_golang/prometheus"

// Sample is one value of one metric, as the node tells it when it is asked.
type Sample struct {
	Name    string // such as torc_requests_total
	Help    string // the same for every sample of a name
	Counter bool   // only ever grows (name it ..._total); otherwise it is a gauge
	Labels  []Label
	Value   float64
}

// Label is one dimension of a sample. All samples of one name have the same label names.
type Label struct{ Name, Value string }

// collector asks the node for its samples whenever somebody scrapes.
type collector struct{ samples func() []Sample }

// Describe says nothing: which samples there are is known when they are asked for.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect turns the samples into Prometheus' form. A bad sample becomes an error of the
// scrape, not a panic.
func (c collector) Collect(out chan<- prometheus.Metric) {
	for _, s := range c.samples() {
		names, values := make([]string, len(s.Labels)), make([]string, len(s.Labels))
		for i, l := range s.Labels {
			names[i], values[i] = l.Name, l.Value
		}
		kind := prometheus.GaugeValue
		if s.Counter {
			kind = prometheus.CounterValue
		}
		desc := prometheus.NewDesc(s.Name, s.Help, names, nil)
		m, err := prometheus.NewConstMetric(desc, kind, s.Value, values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(desc, err)
		}
		out <- m
	}
}

package ssh

import "github.com/prometheus/client_golang/prometheus"

// metrics are counted whether or not anybody reads them.
type metrics struct {
	connections *prometheus.CounterVec // by outcome
	sessions    prometheus.Gauge       // established and not ended
	refusals    *prometheus.CounterVec // sessions that did not come about, by reason
	enforced    *prometheus.CounterVec // by control
	bytes       *prometheus.CounterVec // by direction
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	const space = "vaultpam"
	counter := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: space, Subsystem: "ssh", Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		connections: counter("connections_total", "SSH connections by how their sign-in went.", "outcome"),
		sessions: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: space, Subsystem: "ssh", Name: "sessions",
			Help: "SSH sessions that are running."}),
		refusals: counter("refusals_total", "Signed-in clients whose session did not come about, by fault code or failure of the target.", "reason"),
		enforced: counter("enforced_total", "Interventions of a safe's policy inside sessions.", "control"),
		bytes:    counter("bytes_total", "Bytes carried, by direction.", "direction"),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.connections, m.sessions, m.refusals, m.enforced, m.bytes} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

package identity

import "github.com/prometheus/client_golang/prometheus"

// metrics tell what passwords cost the server: an operator sees here that the
// machine is slower than the cost that was set, and that somebody floods sign-in.
type metrics struct {
	hashing prometheus.Histogram // seconds for one hash, without the wait for a core
}

func newMetrics(r prometheus.Registerer, h *hasher) metrics {
	m := metrics{hashing: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "vaultpam_password_hash_seconds",
		Help: "Time to hash or compare one password, without the wait for a core.", Buckets: prometheus.ExponentialBuckets(0.02, 2, 9)})}
	if r != nil {
		r.MustRegister(m.hashing, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "vaultpam_password_hash_waiting",
			Help: "Sign-ins that wait for a core to compare their password."}, func() float64 { return float64(h.waiting.Load()) }))
	}
	return m
}

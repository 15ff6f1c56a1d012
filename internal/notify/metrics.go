package notify

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	tries           *prometheus.CounterVec
	waiting, oldest prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) metrics {
	m := metrics{
		tries: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "vaultpam_mail_tries_total",
			Help: "Tries to deliver a message, by outcome: sent, retry, refused, lost, expired."}, []string{"outcome"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Name: "vaultpam_mail_waiting", Help: "Messages that are not delivered yet."}),
		oldest:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "vaultpam_mail_oldest_seconds", Help: "Age of the oldest message that is not delivered yet."}),
	}
	if r != nil {
		r.MustRegister(m.tries, m.waiting, m.oldest)
	}
	return m
}

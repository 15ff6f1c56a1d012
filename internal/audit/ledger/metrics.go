package ledger

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics tells Prometheus how the ledgers are, all of them together: one that
// stands still or falls behind is seen whichever it is, and the number of series
// does not grow with the organizations. GET /platform/ledgers names them.
type Metrics struct {
	ledger *Ledger

	ledgers, stopped, events, waiting, oldest, unsigned, checkpoint, healthy *prometheus.Desc
}

// NewMetrics makes a collector; each scrape reads the state of the ledgers.
func NewMetrics(l *Ledger) *Metrics {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("vaultpam_audit_"+name, help, nil, nil)
	}
	return &Metrics{
		ledger:     l,
		ledgers:    desc("ledgers", "Audit ledgers: one an organization, and the platform's."),
		stopped:    desc("ledgers_stopped", "Ledgers that stand still because their tree is not the one that was signed."),
		events:     desc("events", "Events with a number, in all ledgers."),
		waiting:    desc("events_waiting", "Committed events without a number, in all ledgers."),
		oldest:     desc("oldest_waiting_seconds", "Age of the oldest committed event without a number."),
		unsigned:   desc("events_unsigned", "Numbered events under no checkpoint that this server knows, in ledgers that it has signed or seen signed."),
		checkpoint: desc("checkpoint_age_seconds", "Age of the oldest last checkpoint that this server knows, of ledgers that have grown since."),
		healthy:    desc("healthy", "1 when events can be recorded, 0 when sessions are refused because they cannot."),
	}
}

// Describe tells which metrics there are.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// scrapeTime is how long a scrape may read.
const scrapeTime = 3 * time.Second

// Collect reads the state of the ledgers. When they cannot be read only
// vaultpam_audit_healthy is told, as 0.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	all, err := m.ledger.Stats(ctx)
	if err != nil || m.ledger.Healthy() != nil {
		gauge(m.healthy, 0)
	} else {
		gauge(m.healthy, 1)
	}
	if err != nil {
		return
	}
	now := m.ledger.now()
	var stopped, events, waiting, unsigned, oldest, checkpoint float64
	for _, s := range all {
		events += float64(s.Size)
		waiting += float64(s.Waiting)
		if s.Stopped {
			stopped++
		}
		if s.Waiting > 0 {
			oldest = max(oldest, now.Sub(s.Oldest).Seconds())
		}
		if !s.SignedAt.IsZero() && s.Size > s.Signed {
			unsigned += float64(s.Size - s.Signed)
			checkpoint = max(checkpoint, now.Sub(s.SignedAt).Seconds())
		}
	}
	gauge(m.ledgers, float64(len(all)))
	gauge(m.stopped, stopped)
	gauge(m.events, events)
	gauge(m.waiting, waiting)
	gauge(m.oldest, oldest)
	gauge(m.unsigned, unsigned)
	gauge(m.checkpoint, checkpoint)
}

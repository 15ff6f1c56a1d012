package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/audit/event"
	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/fault"
)

type auditCmd struct {
	Tail        auditTailCmd        `cmd:"" help:"Show the last events, and those that come."`
	Show        auditShowCmd        `cmd:"" help:"Show one event."`
	Proof       auditProofCmd       `cmd:"" help:"Prove that an event stands in the ledger; the proof is checked here."`
	Checkpoint  auditCheckpointCmd  `cmd:"" help:"Get the signed checkpoint of the ledger; keep it, to be able to show a rewrite later."`
	Keys        auditKeysCmd        `cmd:"" help:"List the keys that sign the ledger."`
	PhoneLookup auditPhoneLookupCmd `cmd:"" help:"Find the events of a telephone number."`
	PhoneKeys   auditPhoneKeysCmd   `cmd:"" help:"The keys of the digests that stand for telephone numbers."`
	Export      auditExportCmd      `cmd:"" help:"Save the ledger as a bundle for audit verify."`
	Verify      auditVerifyCmd      `cmd:"" help:"Verify a bundle, without a server."`
	Catalog     auditCatalogCmd     `cmd:"" help:"List every event that there can be, without a server."`
}

// auditEvent is an event as the API tells it.
type auditEvent struct {
	ID         string    `json:"id"`
	LogID      string    `json:"log_id"`
	Seq        int64     `json:"seq"`
	Time       time.Time `json:"time"`
	RecordedAt time.Time `json:"recorded_at"`
	Constant   string    `json:"constant"`
	Event      string    `json:"event"`
	Category   string    `json:"category"`
	Severity   string    `json:"severity"`
	Actor      struct {
		Type string `json:"type"`
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"actor"`
	Target struct {
		Type string `json:"type"`
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"target"`
	Source struct {
		IP string `json:"ip"`
	} `json:"source"`
	SessionID string         `json:"session_id"`
	RequestID string         `json:"request_id"`
	Outcome   string         `json:"outcome"`
	Reason    string         `json:"reason"`
	Metadata  map[string]any `json:"metadata"`
	LeafHash  string         `json:"leaf_hash"`
	Sentence  string         `json:"sentence"`
	PrunedAt  time.Time      `json:"pruned_at"`
	Payload   string         `json:"payload"`
	Salt      []byte         `json:"salt"`
}

type auditTailCmd struct {
	connection
	Lines    int      `short:"n" default:"20" help:"How many of the last events."`
	Follow   bool     `short:"f" help:"Go on with those that come."`
	Constant []string `placeholder:"NAME" complete:"constant" help:"Only these events, such as SESSION_ESTABLISHED; several are possible."`
	Category []string `placeholder:"NAME" complete:"category" help:"Only this category."`
	Severity []string `placeholder:"LEVEL" complete:"severity" help:"Only this severity."`
	Outcome  string   `default:"" enum:",success,failure,denied" placeholder:"OUTCOME" help:"Only success, failure or denied."`
	Actor    string   `placeholder:"NAME" help:"Only by this actor: id or name."`
	Target   string   `placeholder:"NAME" help:"Only on this target: id or name."`
	Session  string   `placeholder:"ID" complete:"session" help:"Only of this privileged session."`
	From     moment   `placeholder:"TIME" help:"Only since then: a time, or how long ago, such as 12h or 7d."`
	To       moment   `placeholder:"TIME" help:"Only before then."`
	Text     string   `name:"grep" placeholder:"TEXT" help:"Only those with this text anywhere."`
}

// query checks the words of closed lists here, where a typing error can be told
// apart from an empty result.
func (c *auditTailCmd) query(now time.Time) (url.Values, error) {
	q := url.Values{}
	set := func(key string, v ...string) {
		if text := strings.Join(v, ","); text != "" {
			q.Set(key, text)
		}
	}
	for i, name := range c.Constant {
		c.Constant[i] = strings.ToUpper(name)
		if _, known := event.Lookup(event.Constant(c.Constant[i])); !known {
			return nil, fault.New(fault.Invalid, "there is no event %q%s; vaultpam audit catalog lists them", name, hint(c.Constant[i], constants()))
		}
	}
	if err := known("severity", c.Severity, severities()); err != nil {
		return nil, err
	}
	if err := known("category", c.Category, categories()); err != nil {
		return nil, err
	}
	set("constant", c.Constant...)
	set("category", c.Category...)
	set("severity", c.Severity...)
	set("outcome", c.Outcome)
	set("actor", c.Actor)
	set("target", c.Target)
	set("session", c.Session)
	set("q", c.Text)
	if err := c.From.set(q, "from", now); err != nil {
		return nil, err
	}
	return q, c.To.set(q, "to", now)
}

// known checks words against a closed list, and writes them as it does.
func known(what string, words, list []string) error {
	for i, w := range words {
		n := slices.IndexFunc(list, func(k string) bool { return strings.EqualFold(k, w) })
		if n < 0 {
			return fault.New(fault.Invalid, "%q is no %s: use %s", w, what, strings.Join(list, ", "))
		}
		words[i] = list[n]
	}
	return nil
}

func constants() []string {
	var out []string
	for _, d := range event.Catalog() {
		out = append(out, string(d.Constant))
	}
	return out
}

func severities() []string {
	var out []string
	for _, s := range event.Severities() {
		out = append(out, string(s))
	}
	return out
}

func categories() []string {
	var out []string
	for _, d := range event.Catalog() {
		if !slices.Contains(out, string(d.Category)) {
			out = append(out, string(d.Category))
		}
	}
	return out
}

// Run shows events, oldest first.
func (c *auditTailCmd) Run(ctx context.Context, p *program) error {
	if c.Lines < 0 || c.Lines > 10_000 {
		return fault.New(fault.Invalid, "--lines must be from 0 to 10000")
	}
	q, err := c.query(p.now())
	if err != nil {
		return err
	}
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	from := ""
	if c.Follow { // before the events are read, so that none falls between
		if from, err = r.ledgerEnd(ctx); err != nil {
			return err
		}
	}
	l := page{Items: []json.RawMessage{}}
	if c.Lines > 0 {
		if l, err = r.list(ctx, "/audit/events", q, c.Lines); err != nil {
			return err
		}
	}
	slices.Reverse(l.Items)
	if p.json && !c.Follow {
		l.Next = ""
		return p.value(l)
	}
	if err := p.eventLines(l.Items); err != nil || !c.Follow {
		return err
	}
	last, err := lastSeq(l.Items)
	if err != nil {
		return err
	}
	return r.follow(ctx, q, from, last)
}

// ledgerEnd is the cursor of the last event of the ledger. Cursors follow the
// order of the ledger, whatever a list is filtered by.
func (r *remote) ledgerEnd(ctx context.Context) (string, error) {
	a, err := r.get(ctx, "/audit/events", url.Values{"limit": {"1"}})
	if err != nil {
		return "", err
	}
	var l page
	if err := a.Into(&l); err != nil {
		return "", err
	}
	if l.Next == "" {
		return "", fault.New(fault.NotFound, "the ledger holds too little to be followed yet")
	}
	return l.Next, nil
}

// follow prints the events after the cursor from, but for those up to seq last,
// until ctx ends. Its pages carry a cursor, so that they belong to the search that
// is recorded in the ledger already.
func (r *remote) follow(ctx context.Context, q url.Values, from string, last int64) error {
	q.Set("order", "oldest")
	q.Del("from") // what comes is later, and a cursor of times would be another one
	q.Del("to")
	for {
		l, err := r.after(ctx, q, from, pageSize)
		if ctx.Err() != nil {
			return nil // the way to end it
		}
		if err != nil {
			return err
		}
		n := len(l.Items)
		fresh, err := newer(l.Items, last)
		if err != nil {
			return err
		}
		if err := r.p.eventLines(fresh); err != nil {
			return err
		}
		if seq, err := lastSeq(fresh); err != nil {
			return err
		} else {
			last = max(last, seq)
		}
		if l.Next == "" && n > 2 { // go on from the last but one; a page has a cursor only when there is more
			if l, err = r.after(ctx, q, from, n-1); err != nil && ctx.Err() == nil {
				return err
			}
		}
		if from = first(l.Next, from); n == pageSize {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(r.p.poll):
		}
	}
}

// after reads the page after a cursor.
func (r *remote) after(ctx context.Context, q url.Values, cursor string, limit int) (page, error) {
	q.Set("cursor", cursor)
	q.Set("limit", strconv.Itoa(limit))
	var l page
	a, err := r.get(ctx, "/audit/events", q)
	if err != nil {
		return l, err
	}
	return l, a.Into(&l)
}

// newer leaves out the events up to seq last.
func newer(items []json.RawMessage, last int64) ([]json.RawMessage, error) {
	events, err := decode[auditEvent](items)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(events, func(e auditEvent) bool { return e.Seq > last })
	if i < 0 {
		return nil, nil
	}
	return items[i:], nil
}

// lastSeq is the highest place of the events in the ledger; -1 without any.
func lastSeq(items []json.RawMessage) (int64, error) {
	events, err := decode[auditEvent](items)
	last := int64(-1)
	for _, e := range events {
		last = max(last, e.Seq)
	}
	return last, err
}

// eventLines prints events: one JSON object, or one sentence, a line.
func (p *program) eventLines(items []json.RawMessage) error {
	if p.json {
		for _, raw := range items {
			if err := p.line(raw); err != nil {
				return err
			}
		}
		return nil
	}
	events, err := decode[auditEvent](items)
	if err != nil {
		return err
	}
	for _, e := range events {
		line := cleanf("%s  %-8s %-7s  %s  %s", when(e.Time), e.Severity, e.Outcome, e.Constant, e.Sentence)
		if style := first(moods[e.Outcome], moods[e.Severity]); style != "" && e.Outcome != "success" && p.colours() {
			line = "\x1b[" + style + "m" + line + "\x1b[0m"
		}
		if _, err := fmt.Fprintln(p.out, line); err != nil {
			return err
		}
	}
	return nil
}

type auditShowCmd struct {
	connection
	ID string `arg:"" help:"Id of the event."`
}

// Run shows an event.
func (c *auditShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/audit/events/%s", c.ID), nil)
	if err != nil {
		return err
	}
	var e auditEvent
	if err := a.Into(&e); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%s", e.Sentence)
		p.facts(e.facts())
		p.sayf("Prove it with: vaultpam audit proof %s", e.ID)
	})
}

func (e auditEvent) facts() [][2]string {
	who := func(kind, name, id string) string { return strings.TrimSpace(kind + " " + name + " " + id) }
	rows := [][2]string{
		{"event", e.Event + " (" + e.Constant + ")"}, {"category", e.Category}, {"severity", e.Severity}, {"outcome", e.Outcome + reason(e.Reason)},
		{"time", when(e.Time)}, {"recorded", when(e.RecordedAt)},
		{"actor", who(e.Actor.Type, e.Actor.Name, e.Actor.ID)}, {"target", who(e.Target.Type, e.Target.Name, e.Target.ID)}, {"source", e.Source.IP},
		{"session", e.SessionID}, {"request", e.RequestID},
	}
	keys := make([]string, 0, len(e.Metadata))
	for k := range e.Metadata {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, ok := e.Metadata[k].(string)
		if !ok {
			b, _ := json.Marshal(e.Metadata[k]) // it came from JSON
			v = string(b)
		}
		rows = append(rows, [2]string{clean("  " + k), v})
	}
	place := "no number yet"
	if e.Seq >= 0 {
		place = fmt.Sprintf("seq %d of %s", e.Seq, e.LogID)
	}
	return append(rows, [2]string{"place", place}, [2]string{"leaf hash", e.LeafHash}, [2]string{"id", e.ID})
}

type auditExportCmd struct {
	connection
	Output string `short:"o" required:"" placeholder:"FILE" complete:"file" help:"File to write; - for standard output."`
	From   int64  `name:"from-seq" placeholder:"SEQ" help:"Begin at this place, not at 0."`
}

// Help is shown below the usage.
func (auditExportCmd) Help() string {
	return "An export that reaches back more than 30 days, or that holds more than half of all entries, waits for a second person: it leaves exit status 9 and the id of an action, and no file. Once another owner or administrator has approved it, run the same command again: for 72 hours, at most three times. A log that is exported often enough, each time with --from-seq, waits for nobody."
}

// Run saves a bundle.
func (c *auditExportCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q := url.Values{}
	if c.From != 0 {
		q.Set("from_seq", strconv.FormatInt(c.From, 10))
	}
	err = r.save(ctx, "/audit/export", q, c.Output, "The bundle")
	var w *client.Waiting
	if errors.As(err, &w) && !p.json {
		p.sayf("Nothing is exported yet: %s (vaultpam governance approve %s).", w.Detail, w.ID)
		p.sayf("Once it is approved, run this command again: you can fetch the bundle three times within 72 hours.")
		return exit(waits)
	}
	if err != nil {
		return err
	}
	if c.Output != "-" && !p.json {
		p.notef("Verify it, anywhere and without this server: vaultpam audit verify %s --key <key, see vaultpam audit keys>", quoted(c.Output))
	}
	return nil
}

type auditCatalogCmd struct {
	All bool `help:"Also the internal tier: sign-ins and enrolments, which the public catalog leaves out."`
}

// Run lists the catalog of this program.
func (c *auditCatalogCmd) Run(p *program) error {
	l := struct {
		Items []event.Definition `json:"items"`
	}{Items: []event.Definition{}}
	for _, d := range event.Catalog() {
		if c.All || d.Tier == event.Public {
			l.Items = append(l.Items, d)
		}
	}
	if p.json {
		return p.value(l)
	}
	t := table{head: []string{"CONSTANT", "EVENT", "CATEGORY", "SEVERITY"}}
	for _, d := range l.Items {
		t.row(string(d.Constant), d.Wire, string(d.Category), string(d.Severity))
	}
	p.table(t)
	return nil
}

package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type sessionsCmd struct {
	connection
	List      sessionsListCmd      `cmd:"" default:"1" help:"List the sessions that you may see, newest first."`
	Show      sessionsShowCmd      `cmd:"" help:"Show one session."`
	Play      sessionsPlayCmd      `cmd:"" help:"Play the recording of a session in this terminal, or save it."`
	Watch     sessionsWatchCmd     `cmd:"" help:"Watch a session that runs; without an id, what starts and ends."`
	Terminate sessionsTerminateCmd `cmd:"" help:"End a session that runs."`
}

// session is a session as the API tells it.
type session struct {
	ID   string `json:"id"`
	User struct {
		ID    string `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	} `json:"user"`
	Safe     ref `json:"safe"`
	Resource ref `json:"resource"`
	Account  struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"account"`
	Protocol        string    `json:"protocol"`
	Client          string    `json:"client"`
	ClientVersion   string    `json:"client_version"`
	SourceIP        string    `json:"source_ip"`
	State           string    `json:"state"`
	RequestedAt     time.Time `json:"requested_at"`
	StartedAt       time.Time `json:"started_at"`
	EndedAt         time.Time `json:"ended_at"`
	ExpiresAt       time.Time `json:"expires_at"`
	EndedBy         string    `json:"ended_by"`
	EndReason       string    `json:"end_reason"`
	EndedByName     string    `json:"ended_by_name"`
	EndComment      string    `json:"end_comment"`
	DurationSeconds int64     `json:"duration_seconds"`
	Recording       *struct {
		ID              string  `json:"id"`
		State           string  `json:"state"`
		Failure         string  `json:"failure"`
		Truncated       string  `json:"truncated"`
		SizeBytes       int64   `json:"size_bytes"`
		DurationSeconds float64 `json:"duration_seconds"`
		RootHash        string  `json:"root_hash"`
	} `json:"recording"`
	ExitStatus      *int   `json:"exit_status"`
	Channels        int    `json:"channels"`
	BytesToTarget   int64  `json:"bytes_to_target"`
	BytesFromTarget int64  `json:"bytes_from_target"`
	AccessRequestID string `json:"access_request_id"`
}

func (s session) recording() string {
	if s.Recording == nil {
		return "not recorded"
	}
	return s.Recording.State
}

func (s session) end() string {
	if s.EndedBy == "" {
		return ""
	}
	return "by " + s.EndedBy + reason(s.EndReason)
}

// reason is a word of a closed set, behind what it explains.
func reason(word string) string {
	if word == "" {
		return ""
	}
	return ": " + strings.ReplaceAll(word, "_", " ")
}

type sessionsListCmd struct {
	State    string `default:"" enum:",starting,live,ended" placeholder:"STATE" help:"Only those that are starting, live or ended."`
	User     string `placeholder:"PERSON" complete:"person" help:"Only those of this person: handle, e-mail address, id, or me."`
	Safe     string `placeholder:"NAME" complete:"safe" help:"Only those in this safe."`
	Resource string `placeholder:"NAME" complete:"resource" help:"Only those on this resource."`
	From     moment `placeholder:"TIME" help:"Only those since then: a time, or how long ago, such as 12h or 7d."`
	To       moment `placeholder:"TIME" help:"Only those before then."`
	Limit    int    `default:"50" help:"How many at most; 0 for all."`
}

// query turns names into the ids that the API wants.
func (c *sessionsListCmd) query(ctx context.Context, p *program, r *remote) (url.Values, error) {
	q := url.Values{}
	set := func(key, v string) {
		if v != "" {
			q.Set(key, v)
		}
	}
	set("state", c.State)
	user, err := r.userID(ctx, c.User)
	if err != nil {
		return nil, err
	}
	set("user", user)
	if c.Safe != "" {
		s, err := r.findSafe(ctx, c.Safe)
		if err != nil {
			return nil, err
		}
		set("safe", s.ID)
	}
	if c.Resource != "" {
		m, err := r.findResource(ctx, c.Resource)
		if err != nil {
			return nil, err
		}
		set("resource", m.ID)
	}
	return q, errors.Join(c.From.set(q, "from", p.now()), c.To.set(q, "to", p.now()))
}

// userID is the id of a person that was named; "" for nobody, and me for oneself.
func (r *remote) userID(ctx context.Context, named string) (string, error) {
	switch {
	case named == "" || strings.HasPrefix(named, "usr_"):
		return named, nil
	case named == "me":
		m, _, err := r.me(ctx)
		return m.User.ID, err
	}
	m, err := r.findPerson(ctx, named)
	return m.UserID, err
}

// Run lists sessions.
func (c *sessionsListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	q, err := c.query(ctx, p, r)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/sessions", q, c.Limit)
	if err != nil {
		return err
	}
	t := table{head: []string{"STARTED", "PERSON", "SAFE", "STATE", "LASTED", "RECORDING", "ID"}, empty: "No session is like that."}
	return showList(p, l, t, func(s session) []string {
		return []string{first(when(s.StartedAt), when(s.RequestedAt)), s.User.Name, s.Safe.Name, s.State, span(s.DurationSeconds), s.recording(), s.ID}
	})
}

type sessionsShowCmd struct {
	ID string `arg:"" complete:"session" help:"Id of the session."`
}

// Run shows a session.
func (c *sessionsShowCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/sessions/%s", c.ID), nil)
	if err != nil {
		return err
	}
	var s session
	if err := a.Into(&s); err != nil {
		return err
	}
	return p.show(a, func() { p.facts(s.facts()) })
}

func (s session) facts() [][2]string {
	rows := [][2]string{
		{"session", s.ID}, {"person", s.User.Name + " <" + s.User.Email + ">, from " + s.SourceIP}, {"safe", s.Safe.Name},
		{"target", s.Resource.Name + " as " + s.Account.Username}, {"by", strings.TrimSpace(s.Protocol + ", " + s.Client + " " + s.ClientVersion)},
		{"state", s.State}, {"started", first(when(s.StartedAt), "not yet")}, {"lasted", span(s.DurationSeconds)},
	}
	add := func(name, v string) {
		if v != "" {
			rows = append(rows, [2]string{name, v})
		}
	}
	if s.State == "live" {
		add("ends at the latest", when(s.ExpiresAt))
	}
	add("ended", when(s.EndedAt))
	add("ended", s.end())
	add("ended by", s.EndedByName)
	add("comment", s.EndComment)
	if s.ExitStatus != nil {
		add("exit status", strconv.Itoa(*s.ExitStatus))
	}
	add("channels", strconv.Itoa(s.Channels))
	add("access request", s.AccessRequestID)
	add("bytes", size(s.BytesToTarget)+" to the target, "+size(s.BytesFromTarget)+" from it")
	rec := s.recording()
	if v := s.Recording; v != nil {
		rec += ", " + size(v.SizeBytes) + reason(first(v.Failure, v.Truncated))
		add("root hash", v.RootHash)
	}
	add("recording", rec)
	return rows
}

type sessionsTerminateCmd struct {
	ID      string `arg:"" complete:"session" help:"Id of the session."`
	Comment string `short:"m" placeholder:"TEXT" help:"Why; the person is told, and the ledger keeps it."`
}

// Run ends a session.
func (c *sessionsTerminateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if _, err := r.post(ctx, path("/sessions/%s/terminate", c.ID), map[string]string{"comment": c.Comment}); err != nil {
		return err
	}
	p.done("Session %s is ended.", c.ID)
	return nil
}

type sessionsWatchCmd struct {
	ID string `arg:"" optional:"" complete:"session" help:"Id of the session; without it, changes of all sessions that you may see."`
}

// Run watches one session, or the changes of all.
func (c *sessionsWatchCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	if c.ID != "" {
		return r.replay(ctx, c.ID, url.Values{"live": {"true"}}, playing{live: true})
	}
	p.notef("Watching; Ctrl-C ends.")
	for {
		// The server ends a stream after some minutes, so that a right that was lost is noticed.
		err := r.changes(ctx, p.change)
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (p *program) change(data []byte) error {
	if p.json {
		return p.line(data)
	}
	var s session
	if json.Unmarshal(data, &s) != nil {
		return nil
	}
	at, what := s.StartedAt, s.State
	if s.State == "ended" {
		at, what = s.EndedAt, "ended "+s.end()
	}
	if at.IsZero() {
		at = p.now()
	}
	_, err := fmt.Fprintln(p.out, cleanf("%s  %-16s %-16s %s  %s", when(at), s.User.Name, s.Safe.Name, s.ID, what))
	return err
}

// maxEvent bounds one server-sent event.
const maxEvent = 1 << 20

// changes reads server-sent events until the stream ends. Only their data counts.
func (r *remote) changes(ctx context.Context, each func(data []byte) error) error {
	body, err := r.stream(ctx, "/sessions/live/events", nil)
	if err != nil {
		return err
	}
	defer body.Close()
	return events(body, each)
}

func events(body io.Reader, each func(data []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var data []byte
	for lines.Scan() {
		line := lines.Text()
		switch v, isData := strings.CutPrefix(line, "data:"); {
		case line == "" && len(data) > 0:
			if err := each(data); err != nil {
				return err
			}
			data = nil
		case isData:
			if len(data) > 0 {
				data = append(data, '\n')
			}
			if data = append(data, strings.TrimPrefix(v, " ")...); len(data) > maxEvent {
				return fault.New(fault.Internal, "the server sent an event that is too long")
			}
		}
	}
	return lines.Err()
}

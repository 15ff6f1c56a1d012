package asciicast

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

var update = flag.Bool("update", false, "write the golden files")

// list is a recording in memory.
type list struct {
	frames []format.Frame
	end    format.End
	err    error // at the end; io.EOF when nil
	last   time.Duration
}

func (l *list) Header() format.Header {
	return format.Header{StartedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
}

func (l *list) Next() (format.Frame, error) {
	if len(l.frames) == 0 {
		if l.err != nil {
			return format.Frame{}, l.err
		}
		return format.Frame{}, io.EOF
	}
	f := l.frames[0]
	l.frames, l.last = l.frames[1:], f.At
	return f, nil
}

func (l *list) Report() format.Report { return format.Report{Duration: l.last, End: &l.end} }

// at puts frames 250 ms apart.
func at(frames ...format.Frame) []format.Frame {
	for i := range frames {
		frames[i].At = time.Duration(i+1) * 250 * time.Millisecond
	}
	return frames
}

func out(ch uint32, s string) format.Frame {
	return format.Frame{Channel: ch, Kind: format.Output, Data: []byte(s)}
}

func session() []format.Frame {
	return at(
		format.Opened{Type: "session", By: "client"}.Frame(1),
		format.Variable{Name: "LANG", Value: "C.UTF-8"}.Frame(1),
		format.Terminal{Term: "xterm-256color", Size: format.Size{Cols: 100, Rows: 30}}.Frame(1),
		format.Command{What: format.Shell}.Frame(1),
		out(1, "\x1b[?2004hroot@web:~# "),
		format.Frame{Channel: 1, Kind: format.Input, Data: []byte("l")},
		out(1, "größer: \xe6\x97"),
		out(1, "\xa5\xe6\x9c\xac \"quoted\\\" \xff\xfe\x7f\r\n"),
		format.Size{Cols: 0, Rows: 0}.Frame(1),
		format.Size{Cols: 65535, Rows: 50}.Frame(1),
		format.Command{What: format.RunCommand, Line: "uname -a; printf '\x1b[2J'"}.Frame(2),
		out(2, "Linux web\n6.1\r\n"),
		format.Frame{Channel: 2, Kind: format.Stderr, Data: []byte("warning\n")},
		format.ExitStatus{Status: 3}.Frame(2),
		format.Command{What: format.Subsystem, Line: "sftp"}.Frame(3),
		out(3, "\x00\x00\x00\x05\x02\x00\x00\x00\x03"),
		format.FileOp{Op: "read", Via: "sftp", Path: "/etc/pa\x1bsswd\xff", Size: 1234, Result: "ok"}.Frame(3),
		format.FileOp{Op: "rename", Via: "sftp", Path: "a", To: "b", Result: "refused"}.Frame(3),
		format.Forwarded{Event: "opened", Direction: "local", Host: "::1", Port: 80}.Frame(4),
		format.Forwarded{Event: "closed", Direction: "local", Host: "db", Port: 5432, BytesToTarget: 1, BytesFromTarget: 2}.Frame(4),
		format.Enforced{Control: "port_forward", Reason: "blocked", Detail: "10.0.0.1:22"}.Frame(0),
		format.Missing{Reason: "flood", Bytes: 9}.Frame(1),
		format.Frame{Kind: 99, Data: []byte("from a later version")},
		format.SignalName("INT").Frame(1),
		out(1, "end\xf0\x9f"),
		format.ExitStatus{Status: 0}.Frame(1),
	)
}

func TestGolden(t *testing.T) {
	for name, o := range map[string]Options{
		"v3.cast":       {Version: V3, Title: "jane on web-prod"},
		"v2.cast":       {Version: V2, Title: "jane on web-prod", Input: true},
		"v3-shell.cast": {Version: V3, Channels: []uint32{1}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Export(&b, &list{frames: session(), end: format.End{Truncated: "disk_full"}}, o); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(b.Bytes(), want) {
				t.Errorf("not as in %s (%v):\n%s", path, err, b.String())
			}
			parse(t, b.String())
		})
	}
}

type line struct {
	at   float64
	code string
	data string
}

// parse reads a cast as a player does.
func parse(t testing.TB, cast string) (events []line) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(cast, "\n"), "\n")
	var head struct {
		Version, Width, Height int
		Timestamp              int64
		Term                   struct {
			Cols, Rows int
			Type       string
		}
	}
	if err := json.Unmarshal([]byte(lines[0]), &head); err != nil || head.Timestamp == 0 {
		t.Fatalf("%v: %s", err, lines[0])
	}
	if head.Version == 2 && (head.Width == 0 || head.Height == 0) || head.Version == 3 && (head.Term.Cols == 0 || head.Term.Rows == 0) {
		t.Fatalf("no size: %s", lines[0])
	}
	for _, l := range lines[1:] {
		var e []any
		if err := json.Unmarshal([]byte(l), &e); err != nil || len(e) != 3 || !utf8.ValidString(l) {
			t.Fatalf("%v: %q", err, l)
		}
		events = append(events, line{e[0].(float64), e[1].(string), e[2].(string)})
	}
	return events
}

func TestErrorsAreInTheCastAndReturned(t *testing.T) {
	broken := errors.New("the recording is damaged at chunk 3")
	var b bytes.Buffer
	err := Export(&b, &list{frames: at(out(1, "x")), err: broken}, Options{})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	events := parse(t, b.String())
	if last := events[len(events)-1]; last.code != "m" || !strings.Contains(last.data, "damaged at chunk 3") {
		t.Errorf("%+v", last)
	}
	if err := Export(&b, &list{}, Options{Version: 1}); err == nil {
		t.Error("version 1 was written")
	}
}

func TestFloodsWithoutATerminalAreCutOff(t *testing.T) {
	var b bytes.Buffer
	big := out(1, strings.Repeat("x", 1000))
	if err := Export(&b, &list{frames: at(big, big, big)}, Options{NoTTYMax: 1500}); err != nil {
		t.Fatal(err)
	}
	shown := 0
	events := parse(t, b.String())
	for _, e := range events {
		if e.code == "o" {
			shown += len(e.data)
		}
	}
	if last := events[len(events)-1]; shown != 1500 || !strings.Contains(last.data, "1500 more bytes") {
		t.Errorf("%d bytes shown, and %+v", shown, last)
	}
}

func TestTimesAddUp(t *testing.T) {
	var frames []format.Frame
	for i := range 1000 {
		f := out(1, "x")
		f.At = time.Duration(i) * 333_333 * time.Microsecond
		frames = append(frames, f)
	}
	sum := map[Version]float64{}
	for _, v := range []Version{V2, V3} {
		var b bytes.Buffer
		if err := Export(&b, &list{frames: append([]format.Frame(nil), frames...)}, Options{Version: v}); err != nil {
			t.Fatal(err)
		}
		for _, e := range parse(t, b.String()) {
			if v == V2 {
				sum[v] = e.at
			} else {
				sum[v] += e.at
			}
		}
	}
	if d := sum[V2] - sum[V3]; d > 1e-6 || d < -1e-6 {
		t.Errorf("version 2 ends at %f, version 3 at %f", sum[V2], sum[V3])
	}
}

// However a stream is cut into pieces, the text is that of the whole.
func FuzzPieces(f *testing.F) {
	f.Add([]byte("größer 日本語 🎉 \xff\xf0\x9f\x8e"), uint8(1))
	f.Add([]byte("\xe2\x28\xa1\xf0\x90\x80"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		var whole, pieces text
		want := whole.add(data) + whole.rest()
		got := ""
		for step := int(n)%7 + 1; len(data) > 0; {
			k := min(step, len(data))
			got += pieces.add(data[:k])
			data = data[k:]
		}
		got += pieces.rest()
		if got != want || !utf8.ValidString(got) {
			t.Fatalf("%q, want %q", got, want)
		}
		var back string
		if err := json.Unmarshal(appendQuoted(nil, got), &back); err != nil || back != got {
			t.Fatalf("%q was quoted as %s: %v", got, appendQuoted(nil, got), err)
		}
	})
}

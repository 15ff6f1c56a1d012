// Package asciicast turns a recording into the text format of asciinema, version
// 2 or 3, which players in browsers and terminals show.
//
// It is a view, not the record: the recording keeps bytes, a cast keeps text. Bytes
// that are not UTF-8 become U+FFFD, and a character that came in two pieces is
// shown when its second piece is there. What the format has no event for (commands, files,
// forwards, what policy stopped) becomes a marker. Output of a channel without a
// terminal has its line ends completed, so that it does not run down the screen
// as stairs, and is cut off after a while, because it may be a file of any size.
//
// Sources: https://docs.asciinema.org/manual/asciicast/v2/ and v3/.
package asciicast

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/recording/format"
)

// Version is a version of the format.
type Version int

// The versions.
const (
	V2 Version = 2
	V3 Version = 3
)

// Source is a recording that is being read: a recording.Reader, or a format.Decoder.
type Source interface {
	Header() format.Header
	Next() (format.Frame, error)
	Report() format.Report
}

// Options say what to export. The zero value is version 3, all channels, no input.
type Options struct {
	Version  Version
	Title    string
	Channels []uint32     // empty: all
	Input    bool         // also what was typed, if it was recorded
	NoTTYMax int64        // bytes shown of a channel without a terminal; 0 is 1 MiB, less than 0 is no limit
	Flush    func() error // called whenever everything read so far was written; nil for never
}

// Bounds of a terminal that a player can show; others are brought into them.
const (
	defaultCols, defaultRows = 80, 24
	maxCols, maxRows         = 1000, 500
)

// Export writes the whole recording. When it ends too early or is damaged, the
// cast ends with a marker that says so and the error of the source is returned.
func Export(w io.Writer, src Source, o Options) error {
	if o.Version == 0 {
		o.Version = V3
	}
	if o.Version != V2 && o.Version != V3 {
		return fmt.Errorf("asciicast has no version %d that can be written: use 2 or 3", o.Version)
	}
	if o.NoTTYMax == 0 {
		o.NoTTYMax = 1 << 20
	}
	e := &export{w: bufio.NewWriterSize(w, 32<<10), o: o, channels: map[uint32]*channel{}}
	ahead, srcErr := e.lookAhead(src)
	if err := e.header(src.Header()); err != nil {
		return err
	}
	for _, f := range ahead {
		if err := e.frame(f); err != nil {
			return err
		}
	}
	for srcErr == nil {
		if err := e.flush(); err != nil {
			return err
		}
		var f format.Frame
		if f, srcErr = src.Next(); srcErr == nil {
			if err := e.frame(f); err != nil {
				return err
			}
		}
	}
	return e.end(src.Report(), srcErr)
}

// lookAhead reads until the size of the terminal is known: the header says it, and
// comes first. It gives up at the first byte of a stream.
func (e *export) lookAhead(src Source) (frames []format.Frame, err error) {
	e.size = format.Size{Cols: defaultCols, Rows: defaultRows}
	for range 1000 {
		f, err := src.Next()
		if err != nil {
			return frames, err
		}
		f.Data = slices.Clone(f.Data)
		frames = append(frames, f)
		if f.Kind.Stream() {
			break
		}
		if f.Kind != format.Pty || !e.wants(f.Channel) {
			continue
		}
		if p, err := f.Payload(); err == nil {
			t := p.(format.Terminal)
			e.size, e.term = e.bounded(t.Size), t.Term
			break
		}
	}
	return frames, nil
}

// bounded is a size that can be shown; what is unknown stays as it is.
func (e *export) bounded(s format.Size) format.Size {
	if s.Cols == 0 {
		s.Cols = e.size.Cols
	}
	if s.Rows == 0 {
		s.Rows = e.size.Rows
	}
	return format.Size{Cols: min(s.Cols, maxCols), Rows: min(s.Rows, maxRows)}
}

// export is one export under way.
type export struct {
	w        *bufio.Writer
	o        Options
	size     format.Size
	term     string
	last     time.Duration // time of the event before
	channels map[uint32]*channel
	exit     *format.ExitStatus
}

// channel is what is known about one channel.
type channel struct {
	tty     bool
	binary  bool // a subsystem: its output is no text
	shown   int64
	hidden  int64
	streams map[format.Kind]*text
}

func (e *export) channel(n uint32) *channel {
	c := e.channels[n]
	if c == nil {
		c = &channel{streams: map[format.Kind]*text{}}
		e.channels[n] = c
	}
	return c
}

func (e *export) wants(channel uint32) bool {
	return len(e.o.Channels) == 0 || channel == 0 || slices.Contains(e.o.Channels, channel)
}

func (e *export) flush() error {
	if e.o.Flush == nil {
		return nil
	}
	if err := e.w.Flush(); err != nil {
		return err
	}
	return e.o.Flush()
}

func (e *export) header(h format.Header) error {
	line := newObject()
	line.number("version", int64(e.o.Version))
	if e.o.Version == V2 {
		line.number("width", int64(e.size.Cols))
		line.number("height", int64(e.size.Rows))
	} else {
		term := newObject()
		term.number("cols", int64(e.size.Cols))
		term.number("rows", int64(e.size.Rows))
		if e.term != "" {
			term.text("type", clean(e.term))
		}
		line.raw("term", term.done())
	}
	line.number("timestamp", h.StartedAt.Unix())
	if e.o.Title != "" {
		line.text("title", clean(e.o.Title))
	}
	if e.o.Version == V2 && e.term != "" {
		env := newObject()
		env.text("TERM", clean(e.term))
		line.raw("env", env.done())
	}
	_, err := e.w.WriteString(line.done() + "\n")
	return err
}

// event writes one line.
func (e *export) event(at time.Duration, code, data string) error {
	at = max(at, e.last)
	t := at
	if e.o.Version == V3 {
		t -= e.last
	}
	e.last = at
	b := fmt.Appendf(nil, "[%d.%06d, %q, ", t/time.Second, t%time.Second/time.Microsecond, code)
	b = append(appendQuoted(b, data), "]\n"...)
	_, err := e.w.Write(b)
	return err
}

func (e *export) marker(at time.Duration, format string, args ...any) error {
	return e.event(at, "m", clean(fmt.Sprintf(format, args...)))
}

// end writes what is left, and why the recording ends if it should not.
func (e *export) end(rep format.Report, srcErr error) error {
	at := max(e.last, rep.Duration)
	for _, n := range e.known() {
		c := e.channels[n]
		for _, k := range []format.Kind{format.Output, format.Stderr, format.Input} {
			if s := c.streams[k]; s != nil {
				if err := e.show(at, c, k, s.rest()); err != nil {
					return err
				}
			}
		}
		if c.hidden > 0 {
			if err := e.marker(at, "channel %d: %d more bytes are in the recording and not shown here", n, c.hidden); err != nil {
				return err
			}
		}
	}
	var err error
	switch {
	case errors.Is(srcErr, io.EOF):
		srcErr = nil
		if rep.End != nil && rep.End.Truncated != "" {
			err = e.marker(at, "the recording ends early: %s", strings.ReplaceAll(rep.End.Truncated, "_", " "))
		}
	default:
		err = e.marker(at, "the recording cannot be read further: %v", srcErr)
	}
	if err == nil && e.o.Version == V3 && e.exit != nil && e.exit.Signal == "" && srcErr == nil {
		err = e.event(at, "x", fmt.Sprint(e.exit.Status))
	}
	if err == nil {
		err = e.w.Flush()
	}
	if err == nil && e.o.Flush != nil {
		err = e.o.Flush()
	}
	return errors.Join(srcErr, err)
}

func (e *export) known() []uint32 {
	out := make([]uint32, 0, len(e.channels))
	for n := range e.channels {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

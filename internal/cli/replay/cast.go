package replay

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// maxLine bounds one line of a cast.
const maxLine = 16 << 20

// Header is the first line of a cast.
type Header struct {
	Version    int
	Cols, Rows int
	Title      string
	Started    time.Time
}

// Event is one of the other lines. At counts from the beginning.
type Event struct {
	At   time.Duration
	Code string // "o" output, "i" input, "m" marker, "r" size, "x" exit status
	Data string
}

// Cast is an asciicast that is being read.
type Cast struct {
	Header
	r    *bufio.Reader
	line int
	last time.Duration
}

// ErrCut says that a cast ends in the middle of a line.
var ErrCut = errors.New("the recording was cut off while it was read")

// Open reads the header.
func Open(r io.Reader) (*Cast, error) {
	c := &Cast{r: bufio.NewReaderSize(r, 64<<10)}
	b, err := c.next()
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = ErrCut
		}
		return nil, err
	}
	var h struct {
		Version   int    `json:"version"`
		Width     int    `json:"width"`
		Height    int    `json:"height"`
		Title     string `json:"title"`
		Timestamp int64  `json:"timestamp"`
		Term      struct {
			Cols int `json:"cols"`
			Rows int `json:"rows"`
		} `json:"term"`
	}
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, errors.New("this is not an asciicast: its first line is no header")
	}
	switch h.Version {
	case 2:
		c.Cols, c.Rows = h.Width, h.Height
	case 3:
		c.Cols, c.Rows = h.Term.Cols, h.Term.Rows
	default:
		return nil, fmt.Errorf("asciicast version %d is not known here; versions 2 and 3 are", h.Version)
	}
	c.Version, c.Title, c.Started = h.Version, h.Title, time.Unix(h.Timestamp, 0)
	return c, nil
}

// Next gives the next event; io.EOF after the last one.
func (c *Cast) Next() (Event, error) {
	for {
		b, err := c.next()
		if err != nil {
			return Event{}, err
		}
		if b = bytes.TrimSpace(b); len(b) == 0 || b[0] == '#' { // version 3 has comments
			continue
		}
		return c.event(b)
	}
}

func (c *Cast) event(b []byte) (Event, error) {
	var seconds float64
	var e Event
	parts := []any{&seconds, &e.Code, &e.Data}
	if err := json.Unmarshal(b, &parts); err != nil || len(parts) != 3 {
		return Event{}, fmt.Errorf("line %d of the recording is not an event", c.line)
	}
	const most = 10 * 365 * 24 * 60 * 60 // seconds; also keeps the number inside a Duration
	if math.IsNaN(seconds) || seconds < 0 || seconds > most {
		return Event{}, fmt.Errorf("line %d of the recording has no possible time", c.line)
	}
	at := time.Duration(math.Round(seconds*1e6)) * time.Microsecond
	if c.Version == 3 {
		at += c.last
	}
	c.last = min(max(c.last, at), most*time.Second)
	e.At = c.last
	return e, nil
}

// next reads a line. The slice is valid until the next call.
func (c *Cast) next() ([]byte, error) {
	c.line++
	var long []byte
	for {
		b, err := c.r.ReadSlice('\n')
		if len(long)+len(b) > maxLine {
			return nil, fmt.Errorf("line %d of the recording is longer than %d MiB", c.line, maxLine>>20)
		}
		switch {
		case err == nil && long == nil:
			return b, nil
		case err == nil:
			return append(long, b...), nil
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, b...)
		case errors.Is(err, io.EOF) && len(long)+len(b) == 0:
			return nil, io.EOF
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, ErrCut
		default:
			return nil, err
		}
	}
}

package safe

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // zones are known on machines that have none installed

	"github.com/vaultpam/vaultpam/internal/fault"
)

// Clock is a time of day in minutes from midnight, 0 to 1440 (24:00).
type Clock int

const endOfDay Clock = 24 * 60

func (c Clock) String() string { return fmt.Sprintf("%02d:%02d", c/60, c%60) }

// ParseClock reads "HH:MM", from 00:00 to 24:00.
func ParseClock(s string) (Clock, error) {
	wrong := fault.New(fault.Invalid, "%.16q is not a time of day; write it as 08:00, from 00:00 to 24:00", s)
	if len(s) != 5 || s[2] != ':' {
		return 0, wrong
	}
	n := 0
	for _, i := range []int{0, 1, 3, 4} {
		if s[i] < '0' || s[i] > '9' {
			return 0, wrong
		}
		n = n*10 + int(s[i]-'0')
	}
	h, m := n/100, n%100
	if m > 59 || h*60+m > int(endOfDay) {
		return 0, wrong
	}
	return Clock(h*60 + m), nil
}

// ValidHours is a window of the week, by the clocks on the wall of a time zone.
// A window whose To is not after its From runs past midnight and belongs to the
// day on which it begins. Where clocks are put back, an hour that comes twice
// counts both times; where they are put forward, a limit inside the lost hour
// means the moment of the change.
type ValidHours struct {
	Days     []time.Weekday // in which a window begins; Monday first, each once
	From, To Clock
	TimeZone string // IANA name, such as Europe/Vienna
}

var dayNames = [...]string{time.Sunday: "sun", time.Monday: "mon", time.Tuesday: "tue", time.Wednesday: "wed",
	time.Thursday: "thu", time.Friday: "fri", time.Saturday: "sat"}

// DayName is the short name of a day: mon, tue, ...
func DayName(d time.Weekday) string { return dayNames[d] }

// ParseValidHours reads a window from its parts as people write them: days mon
// to sun, clocks as 08:00, an IANA zone. All that is wrong is reported at once,
// under the field paths of the API.
func ParseValidHours(days []string, from, to, zone string) (ValidHours, error) {
	f := fault.New(fault.Invalid, "the valid hours are not valid: see the fields that are named")
	v := ValidHours{TimeZone: zone}
	if len(days) > 7 {
		f.WithField("days", "must name each day at most once")
		days = nil
	}
	for i, name := range days {
		d := slices.Index(dayNames[:], name)
		if d < 0 {
			f.WithField(fmt.Sprintf("days[%d]", i), "must be one of mon, tue, wed, thu, fri, sat, sun")
			continue
		}
		v.Days = append(v.Days, time.Weekday(d))
	}
	slices.SortFunc(v.Days, func(a, b time.Weekday) int { return mondayFirst(a) - mondayFirst(b) })
	for _, c := range []struct {
		path, text string
		into       *Clock
	}{{"from", from, &v.From}, {"to", to, &v.To}} {
		n, err := ParseClock(c.text)
		if err != nil {
			f.WithField(c.path, "must be a time of day such as 08:00, from 00:00 to 24:00")
		}
		*c.into = n
	}
	if len(f.Fields) == 0 {
		v.validate(func(path, format string, args ...any) { f.WithField(path, format, args...) })
	}
	if len(f.Fields) > 0 {
		return ValidHours{}, f
	}
	return v, nil
}

func mondayFirst(d time.Weekday) int { return (int(d) + 6) % 7 }

func (v ValidHours) validate(wrong func(path, format string, args ...any)) {
	seen := map[time.Weekday]bool{}
	for _, d := range v.Days {
		if d < time.Sunday || d > time.Saturday || seen[d] {
			wrong("days", "must name each day at most once")
			break
		}
		seen[d] = true
	}
	if len(v.Days) == 0 {
		wrong("days", "must name at least one day")
	}
	if v.From < 0 || v.From >= endOfDay {
		wrong("from", "must be from 00:00 to 23:59")
	}
	if v.To <= 0 || v.To > endOfDay {
		wrong("to", "must be from 00:01 to 24:00")
	}
	if v.From == v.To {
		wrong("to", "must differ from the beginning; for whole days write 00:00 to 24:00")
	}
	if _, err := zone(v.TimeZone); err != nil {
		wrong("time_zone", "must be the name of a time zone, such as Europe/Vienna or UTC")
	}
}

func (v ValidHours) String() string {
	days := make([]string, len(v.Days))
	for i, d := range v.Days {
		days[i] = dayNames[d]
	}
	return fmt.Sprintf("%s %s-%s %s", strings.Join(days, ","), v.From, v.To, v.TimeZone)
}

// Contain tells whether t lies in a window. Hours that do not validate contain nothing.
func (v ValidHours) Contain(t time.Time) bool {
	_, ok := v.window(t)
	return ok
}

// End is when the window that contains t ends, windows that touch counted as
// one; ok is false when t lies in none. Hours that never end (every day, 00:00 to
// 24:00) give a moment more than a week ahead.
func (v ValidHours) End(t time.Time) (end time.Time, ok bool) {
	end, ok = v.window(t)
	for range 8 {
		next, more := v.window(end)
		if !ok || !more {
			break
		}
		end = next
	}
	return end, ok
}

// window is the end of one window that contains t.
func (v ValidHours) window(t time.Time) (time.Time, bool) {
	loc, err := zone(v.TimeZone)
	if err != nil {
		return time.Time{}, false
	}
	y, m, d := t.In(loc).Date()
	for _, day := range []int{d, d - 1} {
		noon := time.Date(y, m, day, 12, 0, 0, 0, time.UTC)
		if !slices.Contains(v.Days, noon.Weekday()) {
			continue
		}
		to := v.To
		if v.To <= v.From {
			to += endOfDay
		}
		first, _ := wall(loc, y, m, day, v.From)
		_, last := wall(loc, y, m, day, to)
		if !t.Before(first) && t.Before(last) {
			return last, true
		}
	}
	return time.Time{}, false
}

// wall gives the first and the last moment at which the clocks of loc show c on
// a day. They differ where clocks are put back; where they are put forward over
// c, both are the moment of the change.
func wall(loc *time.Location, y int, m time.Month, d int, c Clock) (first, last time.Time) {
	asUTC := time.Date(y, m, d, 0, int(c), 0, 0, time.UTC)
	_, before := asUTC.Add(-24 * time.Hour).In(loc).Zone()
	_, after := asUTC.Add(24 * time.Hour).In(loc).Zone()
	first = asUTC.Add(-time.Duration(before) * time.Second)
	last = asUTC.Add(-time.Duration(after) * time.Second)
	shows := func(t time.Time) bool {
		_, offset := t.In(loc).Zone()
		return t.Add(time.Duration(offset) * time.Second).Equal(asUTC)
	}
	switch {
	case shows(first) && shows(last):
		return first, last
	case shows(first):
		return first, first
	case shows(last):
		return last, last
	}
	_, change := last.In(loc).ZoneBounds() // last lies just before the change
	return change, change
}

// hoursWidened tells whether some moment is allowed under to and not under from.
// Windows in different zones count as wider: the answer errs towards telling.
func hoursWidened(from, to *ValidHours) bool {
	switch {
	case from == nil:
		return false
	case to == nil:
		return true
	case from.TimeZone != to.TimeZone:
		return true
	}
	a, b := from.week(), to.week()
	for i := range b {
		if b[i] && !a[i] {
			return true
		}
	}
	return false
}

// week marks the minutes of a week, from Sunday 00:00, that the windows cover.
func (v ValidHours) week() (minutes [7 * endOfDay]bool) {
	n := v.To - v.From
	if n <= 0 {
		n += endOfDay
	}
	for _, d := range v.Days {
		at := Clock(d)*endOfDay + v.From
		for i := range n {
			minutes[(at+i)%(7*endOfDay)] = true
		}
	}
	return minutes
}

var zones sync.Map // name to *time.Location; only of zones that exist, so it is bounded

// zone finds a time zone. The machine's own ("Local", "") is not one: it would
// mean something else on another server.
func zone(name string) (*time.Location, error) {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location), nil
	}
	if name == "" || name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("%.64q is not a time zone", name)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("find the time zone %q: %w", name, err)
	}
	zones.Store(name, z)
	return z, nil
}

package safe

import (
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func hours(t *testing.T, from, to, zone string, days ...string) ValidHours {
	t.Helper()
	v, err := ParseValidHours(days, from, to, zone)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var week = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// In Vienna clocks go forward on 2026-03-29 at 01:00 UTC (02:00 becomes 03:00) and
// back on 2026-10-25 at 01:00 UTC (03:00 becomes 02:00). In New York forward on
// 2026-03-08 at 07:00 UTC, back on 2026-11-01 at 06:00 UTC. On Lord Howe Island
// they move by half an hour. In Apia 2011-12-30 never was.
func TestValidHours(t *testing.T) {
	for _, c := range []struct {
		name         string
		v            ValidHours
		inside       []string
		outside      []string
		from, endsAt string // at from, the window ends at endsAt
	}{
		{"office hours in winter", hours(t, "08:00", "18:00", "Europe/Vienna", "mon", "tue", "wed", "thu", "fri"),
			[]string{"2026-01-05T07:00:00Z", "2026-01-09T16:59:59.999999Z"},
			[]string{"2026-01-05T06:59:59.999999Z", "2026-01-05T17:00:00Z", "2026-01-10T10:00:00Z", "2026-01-11T10:00:00Z"},
			"2026-01-05T12:00:00Z", "2026-01-05T17:00:00Z"},
		{"office hours in summer are an hour earlier in UTC", hours(t, "08:00", "18:00", "Europe/Vienna", "mon"),
			[]string{"2026-06-01T06:00:00Z", "2026-06-01T15:59:59Z"},
			[]string{"2026-06-01T05:59:59Z", "2026-06-01T16:00:00Z"},
			"2026-06-01T06:00:00Z", "2026-06-01T16:00:00Z"},
		{"the day is the zone's, not UTC's", hours(t, "00:00", "24:00", "Asia/Tokyo", "mon"),
			[]string{"2026-01-04T15:00:00Z", "2026-01-05T14:59:59Z"},
			[]string{"2026-01-04T14:59:59Z", "2026-01-05T15:00:00Z"},
			"2026-01-05T00:00:00Z", "2026-01-05T15:00:00Z"},
		{"past midnight belongs to the day it begins", hours(t, "22:00", "06:00", "UTC", "fri"),
			[]string{"2026-01-09T22:00:00Z", "2026-01-10T05:59:59Z"},
			[]string{"2026-01-09T05:00:00Z", "2026-01-09T21:59:59Z", "2026-01-10T06:00:00Z", "2026-01-10T22:00:00Z"},
			"2026-01-09T23:00:00Z", "2026-01-10T06:00:00Z"},
		{"until midnight", hours(t, "20:00", "24:00", "UTC", "sun"),
			[]string{"2026-01-11T23:59:59Z"}, []string{"2026-01-12T00:00:00Z"},
			"2026-01-11T21:00:00Z", "2026-01-12T00:00:00Z"},
		{"the lost hour: a beginning inside it is the change", hours(t, "02:30", "04:00", "Europe/Vienna", "sun"),
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T01:59:59Z"},
			[]string{"2026-03-29T00:59:59Z", "2026-03-29T02:00:00Z"},
			"2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"},
		{"the lost hour: an end inside it is the change", hours(t, "01:00", "02:30", "Europe/Vienna", "sun"),
			[]string{"2026-03-29T00:00:00Z", "2026-03-29T00:59:59Z"},
			[]string{"2026-03-29T01:00:00Z", "2026-03-29T01:15:00Z"},
			"2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"},
		{"the lost hour: a window inside it is empty", hours(t, "02:10", "02:50", "Europe/Vienna", "sun"),
			nil, []string{"2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}, "", ""},
		{"the double hour counts both times", hours(t, "02:00", "03:00", "Europe/Vienna", "sun"),
			[]string{"2026-10-25T00:00:00Z", "2026-10-25T00:59:59Z", "2026-10-25T01:00:00Z", "2026-10-25T01:59:59Z"},
			[]string{"2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z"},
			"2026-10-25T00:30:00Z", "2026-10-25T02:00:00Z"},
		{"a beginning in the double hour is its first", hours(t, "02:30", "05:00", "Europe/Vienna", "sun"),
			[]string{"2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"}, []string{"2026-10-25T00:29:59Z"},
			"2026-10-25T01:00:00Z", "2026-10-25T04:00:00Z"},
		{"an end in the double hour is its second", hours(t, "00:00", "02:30", "Europe/Vienna", "sun"),
			[]string{"2026-10-25T00:45:00Z", "2026-10-25T01:29:59Z"}, []string{"2026-10-25T01:30:00Z"},
			"2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"},
		{"a night over the lost hour is an hour short", hours(t, "22:00", "06:00", "America/New_York", "sat"),
			[]string{"2026-03-08T03:00:00Z", "2026-03-08T09:59:59Z"}, []string{"2026-03-08T02:59:59Z", "2026-03-08T10:00:00Z"},
			"2026-03-08T03:00:00Z", "2026-03-08T10:00:00Z"},
		{"a night over the double hour is an hour long", hours(t, "22:00", "06:00", "America/New_York", "sat"),
			[]string{"2026-11-01T02:00:00Z", "2026-11-01T10:59:59Z"}, []string{"2026-11-01T01:59:59Z", "2026-11-01T11:00:00Z"},
			"2026-11-01T02:00:00Z", "2026-11-01T11:00:00Z"},
		{"half an hour lost", hours(t, "02:10", "03:00", "Australia/Lord_Howe", "sun"),
			[]string{"2026-10-03T15:30:00Z", "2026-10-03T15:59:59Z"}, []string{"2026-10-03T15:29:59Z", "2026-10-03T16:00:00Z"},
			"2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"},
		{"touching windows are one", hours(t, "00:00", "24:00", "UTC", "mon", "tue"),
			[]string{"2026-01-05T00:00:00Z", "2026-01-06T23:59:59Z"}, []string{"2026-01-04T23:59:59Z", "2026-01-07T00:00:00Z"},
			"2026-01-05T12:00:00Z", "2026-01-07T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, s := range c.inside {
				if !c.v.Contain(at(t, s)) {
					t.Errorf("%s is outside", s)
				}
			}
			for _, s := range c.outside {
				if c.v.Contain(at(t, s)) {
					t.Errorf("%s is inside", s)
				}
				if _, ok := c.v.End(at(t, s)); ok {
					t.Errorf("a window ends after %s", s)
				}
			}
			if c.from == "" {
				return
			}
			if end, ok := c.v.End(at(t, c.from)); !ok || !end.Equal(at(t, c.endsAt)) {
				t.Errorf("the window ends at %s, want %s", end.UTC().Format(time.RFC3339), c.endsAt)
			}
		})
	}
}

// Whatever the hours and the zone, a window that a moment is in contains the
// moments up to its end and not the end, unless the next window touches it.
func TestWindowEndsWhereItSays(t *testing.T) {
	for _, zone := range []string{"UTC", "Europe/Vienna", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns", "Africa/Casablanca"} {
		for _, h := range [][2]string{{"00:00", "24:00"}, {"02:30", "02:45"}, {"02:30", "01:30"}, {"23:30", "00:30"}, {"08:00", "18:00"}} {
			v := hours(t, h[0], h[1], zone, "sat", "sun", "wed")
			for _, start := range []string{"2011-12-28T00:00:00Z", "2026-03-07T00:00:00Z", "2026-03-28T00:00:00Z", "2026-10-03T00:00:00Z", "2026-10-24T00:00:00Z", "2026-10-31T00:00:00Z"} {
				for m, last := at(t, start), at(t, start).Add(72*time.Hour); m.Before(last); m = m.Add(7 * time.Minute) {
					end, ok := v.End(m)
					if ok != v.Contain(m) {
						t.Fatalf("%s at %s: End and Contain differ", v, m)
					}
					if !ok {
						continue
					}
					if !end.After(m) {
						t.Fatalf("%s: the window of %s ends at %s", v, m, end)
					}
					if !v.Contain(end.Add(-time.Microsecond)) {
						t.Fatalf("%s: just before the end %s of the window of %s is outside", v, end, m)
					}
					if v.Contain(end) {
						t.Fatalf("%s: the end %s of the window of %s is inside", v, end, m)
					}
				}
			}
		}
	}
}

func TestAlways(t *testing.T) {
	v := hours(t, "00:00", "24:00", "Europe/Vienna", week...)
	now := at(t, "2026-10-25T00:30:00Z")
	if end, ok := v.End(now); !ok || end.Sub(now) < 7*24*time.Hour {
		t.Errorf("the end of always is %s", end)
	}
}

func TestWrongHoursNameTheirFields(t *testing.T) {
	for _, c := range []struct {
		days           []string
		from, to, zone string
		want           string
	}{
		{nil, "08:00", "18:00", "UTC", "days"},
		{[]string{"monday"}, "08:00", "18:00", "UTC", "days[0]"},
		{[]string{"mon", "mon"}, "08:00", "18:00", "UTC", "days"},
		{append(week, "mon"), "08:00", "18:00", "UTC", "days"},
		{week, "8:00", "18:00", "UTC", "from"},
		{week, "24:00", "18:00", "UTC", "from"},
		{week, "08:00", "24:01", "UTC", "to"},
		{week, "08:00", "00:00", "UTC", "to"},
		{week, "08:00", "08:00", "UTC", "to"},
		{week, "08:00", "1８:00", "UTC", "to"},
		{week, "08:00", "18:00", "", "time_zone"},
		{week, "08:00", "18:00", "Local", "time_zone"},
		{week, "08:00", "18:00", "Europe/Vulcan", "time_zone"},
		{week, "08:00", "18:00", "../../etc/passwd", "time_zone"},
	} {
		_, err := ParseValidHours(c.days, c.from, c.to, c.zone)
		f := fault.As(err)
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != c.want {
			t.Errorf("%v: %+v, want one field %s", c, f, c.want)
		}
	}
	// Midnight as an end is written 24:00; a window that runs past it ends on the next day.
	if v := hours(t, "22:00", "00:30", "UTC", "sun", "mon"); v.Days[0] != time.Monday {
		t.Errorf("days %v, want Monday first", v.Days)
	}
}

// What parses is spelled the same again.
func FuzzParseValidHours(f *testing.F) {
	f.Add(byte(1), "08:00", "18:00", "Europe/Vienna", int64(1))
	f.Add(byte(127), "00:00", "24:00", "UTC", int64(1772929800000000))
	f.Add(byte(0), "25:00", "-1:00", "Local", int64(0))
	f.Fuzz(func(t *testing.T, days byte, from, to, zone string, us int64) {
		var names []string
		for i, n := range week {
			if days&(1<<i) != 0 {
				names = append(names, n)
			}
		}
		v, err := ParseValidHours(names, from, to, zone)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if v.From.String() != from || v.To.String() != to {
			t.Fatalf("%s-%s became %s-%s", from, to, v.From, v.To)
		}
		m := time.UnixMicro(us % (1 << 52))
		if end, ok := v.End(m); ok != v.Contain(m) || ok && !end.After(m) {
			t.Fatalf("%s at %s: end %s, %v", v, m, end, ok)
		}
	})
}

func TestClock(t *testing.T) {
	for c := Clock(0); c <= endOfDay; c++ {
		if got, err := ParseClock(c.String()); err != nil || got != c {
			t.Fatalf("%s became %s, %v", c, got, err)
		}
	}
}

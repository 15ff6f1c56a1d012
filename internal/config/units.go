package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time span written with its unit: "30s", "15m", "4h".
type Duration time.Duration

// UnmarshalText reads the form of time.ParseDuration. A bare number is refused.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 30s, 15m or 4h", b)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }
func (d Duration) String() string               { return time.Duration(d).String() }

// Size is a number of bytes written with its unit: "64MiB".
type Size int64

var units = []struct {
	name string
	size int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a whole number followed by B, KiB, MiB, GiB or TiB.
func (s *Size) UnmarshalText(b []byte) error {
	for _, u := range units {
		digits, ok := strings.CutSuffix(string(b), u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.size {
			break
		}
		*s = Size(n * u.size)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 512KiB, 64MiB or 2GiB", b)
}

func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s Size) String() string {
	for _, u := range units {
		if int64(s) >= u.size && int64(s)%u.size == 0 {
			return strconv.FormatInt(int64(s)/u.size, 10) + u.name
		}
	}
	return "0B"
}

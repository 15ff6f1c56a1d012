package verify

import (
	"bufio"
	"bytes"
	"testing"
)

// What parses must be written back to the same bytes: a checkpoint has one form.
func FuzzCheckpointText(f *testing.F) {
	l := newLedger(f, 3)
	c, err := Open([]byte(l.checkpoint(3)), l.vkey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.Text())
	f.Add("a\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	f.Add("a\n-1\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := ParseText(text); err == nil && c.Text() != text {
			t.Errorf("%q is read as %q", text, c.Text())
		}
	})
}

// Only what the key signed opens, whatever is done to the note around it.
func FuzzSignedCheckpoint(f *testing.F) {
	l := newLedger(f, 3)
	signed := l.checkpoint(3)
	c, err := Open([]byte(signed), l.vkey)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(signed))
	f.Add([]byte(signed + signed))
	f.Fuzz(func(t *testing.T, in []byte) {
		if got, err := Open(in, l.vkey); err == nil && got != c {
			t.Errorf("%q opens as %+v", in, got)
		}
	})
}

func FuzzProofs(f *testing.F) {
	l := newLedger(f, 3)
	cp := []byte(l.checkpoint(3))
	f.Add(Inclusion{Index: 1, Hashes: l.leaves[:2], Checkpoint: cp}.Text())
	f.Add(Consistency{Old: 2, Hashes: l.leaves[:1], Checkpoint: cp}.Text())
	f.Add([]byte("old 0\n\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		if p, err := ParseInclusion(in); err == nil {
			if !bytes.Equal(p.Text(), in) {
				t.Errorf("%q is read as %q", in, p.Text())
			}
			p.Check(l.leaves[1], l.vkey)
		}
		if p, err := ParseConsistency(in); err == nil {
			if !bytes.Equal(p.Text(), in) {
				t.Errorf("%q is read as %q", in, p.Text())
			}
			p.Check(Checkpoint{Origin: Origin("pam.example", testLog)}, l.vkey)
		}
	})
}

// A bundle that is found intact says nothing but what was signed.
func FuzzBundle(f *testing.F) {
	l := newLedger(f, 6)
	f.Add(l.bundle(l.checkpoint(6)))
	f.Add(l.bundle(l.checkpoint(0)))
	l.first = 3
	f.Add(l.bundle(l.checkpoint(6)))
	f.Add([]byte(`{"vaultpam_audit_bundle":1}` + "\n"))
	o := Options{Keys: []string{l.vkey}, Since: []byte(l.checkpoint(4))}
	f.Fuzz(func(t *testing.T, in []byte) {
		if r := Bundle(bytes.NewReader(in), Options{Keys: o.Keys}); r.Code != Intact {
			if len(r.Findings) == 0 {
				t.Error("not intact, and no reason given")
			}
			Bundle(bytes.NewReader(in), o)
			return
		}
		read := lines{r: bufio.NewReader(bytes.NewReader(in))}
		if _, err := read.next(); err != nil {
			t.Fatal(err)
		}
		for {
			b, err := read.next()
			if err != nil {
				return
			}
			line, err := parseLine(b)
			if err != nil {
				t.Fatal(err)
			}
			if line.Row == nil {
				continue
			}
			got, want := *line.Row, l.rows[line.Row.Seq]
			if got.Leaf(testLog) != want.Leaf(testLog) || got.Payload != nil && *got.Payload != *want.Payload {
				t.Errorf("intact, but it says %+v where %+v was signed", got, want)
			}
		}
	})
}

package verify

import (
	"fmt"
	"maps"
	"slices"
)

// judge draws the conclusion once everything is read. The roots alone decide
// whether the rows are what was signed; the rest says what is wrong with them.
func (v *verifier) judge() {
	if v.ended {
		v.fill(v.h.TreeSize)
	}
	if v.res.Code == Unreadable {
		return
	}
	last := v.marks[slices.IndexFunc(v.marks, func(m mark) bool { return m.last })]
	for _, m := range v.marks {
		if m.since && v.next >= m.c.Size && !m.match[byRows] && (last.match[byRows] || !m.match[byLeaves]) {
			v.res.add(Altered, Finding{What: Rewritten, Seq: -1, Sentence: fmt.Sprintf("Rewritten: the first %d events are not those of the older checkpoint.", m.c.Size)})
		}
	}
	if len(v.holes) == 0 && last.match[byRows] {
		v.strays(last)
		return
	}
	v.explain()
	if v.ended {
		v.roots(last)
	}
}

// strays speaks when the rows are what was signed: then rows beyond the signed
// ones, and stored leaf hashes that differ, are all that can be wrong.
func (v *verifier) strays(last mark) {
	for _, r := range v.bad {
		if r.Seq >= v.h.TreeSize {
			v.beyond(r)
			continue
		}
		v.res.add(Altered, Finding{What: Changed, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Changed: the tree's stored leaf hash of seq %d; the event itself (%s) is the one that was signed.", r.Seq, r.ID)})
	}
	if n := len(v.stored); n > 0 && v.res.Code == Intact && !last.match[byLeaves] {
		v.res.add(Incomplete, Finding{What: Cut, Seq: -1, Sentence: fmt.Sprintf("The bundle holds the stored leaf hashes of %d events only; the events themselves are complete.", n)})
	}
}

func (v *verifier) beyond(r Row) {
	v.res.add(Altered, Finding{What: Invented, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Invented: %s at seq %d is beyond the %d events that were signed.", r.ID, r.Seq, v.h.TreeSize)})
}

// explain finds for each row that is not the leaf of its place where it
// belongs, and for each place without its row what became of that row.
func (v *verifier) explain() {
	free, long := v.open()
	var lost []Row
	shift := int64(0)
	for _, r := range v.bad {
		from, ok := v.belongs(r, free, shift)
		if !ok {
			lost = append(lost, r)
			continue
		}
		delete(free, from)
		shift = from - r.Seq
		v.res.add(Altered, Finding{What: Reordered, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Reordered: %s stands at seq %d; it was sequenced as %d.", r.ID, r.Seq, from)})
	}
	for _, r := range lost {
		switch {
		case r.Seq >= v.h.TreeSize:
			v.beyond(r)
		case free[r.Seq]:
			delete(free, r.Seq)
			v.res.add(Altered, Finding{What: Changed, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Changed: seq %d (%s) is not the event that was sequenced there; its payload, id, time or constant was changed, or the whole row replaced.", r.Seq, r.ID)})
		default:
			v.res.add(Altered, Finding{What: Invented, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Invented: %s at seq %d was never sequenced; the event of that place stands elsewhere.", r.ID, r.Seq)})
		}
	}
	v.gone(free, long)
	if n := v.badN - int64(len(v.bad)); n > 0 {
		v.res.add(Altered, Finding{What: Changed, Seq: -1, Sentence: fmt.Sprintf("%d events more are not those that were sequenced at their places.", n)})
	}
}

// open is the places whose leaf no row has claimed: those of rows that do not
// fit and those without a row. Runs too long to look at place by place are apart.
func (v *verifier) open() (free map[int64]bool, long []run) {
	free = map[int64]bool{}
	for _, r := range v.bad {
		if r.Seq < v.h.TreeSize {
			free[r.Seq] = true
		}
	}
	for _, h := range v.holes {
		if h.last-h.first >= int64(maxBad-len(free)) {
			long = append(long, h)
			continue
		}
		for seq := h.first; seq <= h.last; seq++ {
			free[seq] = true
		}
	}
	return free, long
}

// belongs looks for the free place whose leaf is r's. Rows that were moved
// together have the same distance, so that of the last one is tried first.
func (v *verifier) belongs(r Row, free map[int64]bool, shift int64) (int64, bool) {
	at := func(seq int64) bool {
		want, known := v.leafAt(seq)
		if !known || !free[seq] {
			return false
		}
		l := r.Leaf(v.h.LogID)
		l.Seq = seq
		return l.Hash() == want
	}
	for _, d := range []int64{shift, -1, 1} {
		if at(r.Seq + d) {
			return r.Seq + d, true
		}
	}
	if len(free) <= 1000 {
		for seq := range free {
			if at(seq) {
				return seq, true
			}
		}
	}
	return 0, false
}

// gone reports the places that are still open: their events are missing.
func (v *verifier) gone(free map[int64]bool, missing []run) {
	seqs := slices.Sorted(maps.Keys(free))
	for i := 0; i < len(seqs); {
		j := i
		for j+1 < len(seqs) && seqs[j+1] == seqs[j]+1 {
			j++
		}
		missing = append(missing, run{seqs[i], seqs[j]})
		i = j + 1
	}
	for _, m := range missing {
		tail := ""
		if m.last == v.h.TreeSize-1 {
			tail = ": the end of the ledger is missing"
		}
		v.res.add(Altered, Finding{What: Removed, Seq: m.first, Sentence: fmt.Sprintf("Removed: seq %s sequenced and signed and is not in the bundle%s.", span(m.first, m.last), tail)})
	}
}

// roots compares the trees with every signed root.
func (v *verifier) roots(last mark) {
	good, fresh := int64(-1), int64(-1) // last size that matches; first that does not
	for _, m := range v.marks {
		switch {
		case m.match[byRows]:
			good = m.c.Size
		case fresh < 0:
			fresh = m.c.Size
		}
	}
	switch {
	case !last.match[byLeaves]:
		v.res.add(Altered, Finding{What: Rewritten, Seq: -1, Sentence: "Rewritten: the events do not make the root that was signed" + between(good, fresh, v.h) + "."})
	case v.res.Code != Altered:
		v.res.add(Altered, Finding{What: Changed, Seq: -1, Sentence: "Changed: the events do not make the root that was signed, though the stored leaf hashes do."})
	}
}

func between(good, fresh int64, h Header) string {
	switch {
	case good >= h.FirstSeq && good < fresh:
		return fmt.Sprintf("; those before seq %d are intact, so the change lies in seq %d to %d", good, good, fresh-1)
	case fresh >= 0 && fresh < h.TreeSize:
		return fmt.Sprintf("; the first change lies before seq %d", fresh)
	}
	return ""
}

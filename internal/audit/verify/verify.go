package verify

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// Code is the outcome of a verification and the exit status that tells it.
type Code int

// The outcomes.
const (
	Intact     Code = 0 // everything is as it was signed
	Altered    Code = 1 // something was changed, removed, reordered, invented or truncated
	Unreadable Code = 2 // not a bundle, key or checkpoint of the known form
	Incomplete Code = 3 // what is there is in order, but the bundle does not hold all it should
)

func (c Code) String() string {
	switch c {
	case Intact:
		return "intact"
	case Altered:
		return "altered"
	case Unreadable:
		return "unreadable"
	case Incomplete:
		return "incomplete"
	}
	return "code " + strconv.Itoa(int(c))
}

// What is the nature of a finding.
type What string

// The natures of findings.
const (
	Changed   What = "changed"
	Removed   What = "removed"
	Reordered What = "reordered"
	Invented  What = "invented"
	Truncated What = "truncated"
	Rewritten What = "rewritten" // the signed root is not that of the events
	Signature What = "signature"
	Format    What = "format"
	Cut       What = "cut"
)

// A Finding is one thing that is wrong. Seq is -1 when it has no one place.
type Finding struct {
	What     What   `json:"what"`
	Seq      int64  `json:"seq"`
	ID       string `json:"id,omitempty"`
	Sentence string `json:"sentence"`
}

// Options are what the caller trusts.
type Options struct {
	Keys  []string // verifier keys; one of them must have signed
	Since []byte   // an older signed checkpoint of the same ledger, or nil
}

// Result is what a verification found.
type Result struct {
	Code       Code       `json:"code"`
	LogID      string     `json:"log_id"`
	OrgID      string     `json:"org_id"`
	Checkpoint Checkpoint `json:"checkpoint"`
	Since      Checkpoint `json:"since,omitzero"`
	Events     int64      `json:"events"`                        // rows read
	Pruned     int64      `json:"pruned"`                        // of them without payload
	PrunedOdd  int64      `json:"pruned_outside_runs,omitempty"` // of those, in no run of pruning that the bundle tells of
	FirstSeq   int64      `json:"first_seq"`
	Findings   []Finding  `json:"findings"`
	More       int64      `json:"more_findings,omitempty"` // findings beyond those listed
}

// maxFindings bounds the list of a Result, and maxBad the rows kept for diagnosis.
const (
	maxFindings = 100
	maxBad      = 10_000
)

func (r *Result) add(code Code, f Finding) {
	// Altered outweighs unreadable, which outweighs incomplete.
	rank := map[Code]int{Intact: 0, Incomplete: 1, Unreadable: 2, Altered: 3}
	if rank[code] > rank[r.Code] {
		r.Code = code
	}
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

func (r *Result) unreadable(format string, args ...any) {
	r.add(Unreadable, Finding{What: Format, Seq: -1, Sentence: fmt.Sprintf(format, args...)})
}

// WriteText writes the result as sentences for a person.
func (r Result) WriteText(w io.Writer) {
	for _, f := range r.Findings {
		fmt.Fprintln(w, f.Sentence)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "... and %d findings more.\n", r.More)
	}
	switch r.Code {
	case Intact:
		fmt.Fprintf(w, "Intact: %d events of ledger %s (seq %d to %d), %d of them pruned, match the signed checkpoint", r.Events, r.LogID, r.FirstSeq, r.FirstSeq+r.Events-1, r.Pruned)
		if r.Since.Origin != "" {
			fmt.Fprintf(w, " and continue the older one of %d events", r.Since.Size)
		}
		fmt.Fprintln(w, ".")
		if r.PrunedOdd > 0 {
			fmt.Fprintf(w, "Of the pruned events %d are in no run of pruning that the bundle tells of: their payloads were taken away one by one.\n", r.PrunedOdd)
		}
	case Altered:
		fmt.Fprintf(w, "ALTERED: ledger %s is not what was signed.\n", r.LogID)
	case Unreadable:
		fmt.Fprintln(w, "Unreadable: nothing can be said about the ledger.")
	case Incomplete:
		fmt.Fprintf(w, "Incomplete: %d events were read and not all that were announced; export again.\n", r.Events)
	}
}

// Bundle verifies a bundle. It reads to the end and keeps about 32 bytes an
// event in memory. It never returns an error: whatever is wrong is in the Result.
func Bundle(r io.Reader, o Options) Result {
	v := &verifier{in: lines{r: bufio.NewReaderSize(r, 256<<10)}, o: o, next: -1}
	v.res.Findings = []Finding{}
	if v.header() {
		v.read()
		v.judge()
	}
	if v.res.Code == Intact {
		v.res.Findings = nil
	}
	slices.SortStableFunc(v.res.Findings, func(a, b Finding) int { return cmp.Compare(a.Seq, b.Seq) })
	return v.res
}

type verifier struct {
	in  lines
	o   Options
	h   Header
	res Result

	marks  []mark      // checkpoints to compare with, smallest first
	stored []tlog.Hash // leaf hashes as the ledger stored them, from FirstSeq
	trees  [2]Range    // over the rows, and over the stored leaves
	next   int64       // the seq that is expected
	blind  bool        // a leaf is unknown, so the tree over the rows has ended
	bad    []Row       // rows that are not the stored leaf of their place
	badN   int64
	holes  []run // places without a row
	at     int   // number of the present line
	ended  bool  // the end line was read
	cut    bool  // the bundle ends within a line
}

// run is the places from first to last.
type run struct{ first, last int64 }

// The trees of a verifier.
const (
	byRows = iota
	byLeaves
)

// mark is a signed root at some size, and whether each tree matches it.
type mark struct {
	c     Checkpoint
	since bool
	last  bool
	match [2]bool
}

func (v *verifier) header() bool {
	b, err := v.in.next()
	if err != nil {
		v.res.unreadable("The bundle has no header line.")
		return false
	}
	if v.h, err = parseHeader(b); err != nil {
		v.res.unreadable("%s.", sentence(err))
		return false
	}
	v.res.LogID, v.res.OrgID, v.res.FirstSeq = v.h.LogID, v.h.OrgID, v.h.FirstSeq
	c, err := Open([]byte(v.h.Checkpoint), v.o.Keys...)
	v.res.Checkpoint = c
	switch {
	case errors.Is(err, ErrSignature):
		v.res.add(Altered, Finding{What: Signature, Seq: -1, Sentence: sentence(err) + "."})
	case err != nil:
		v.res.unreadable("%s.", sentence(err))
		return false
	}
	if c.LogID() != v.h.LogID || c.Size != v.h.TreeSize {
		v.res.add(Altered, Finding{What: Rewritten, Seq: -1, Sentence: fmt.Sprintf("The header speaks of %d events of ledger %s, the checkpoint of %d events of %s.", v.h.TreeSize, v.h.LogID, c.Size, c.LogID())})
		return false
	}
	for i := range v.trees {
		v.trees[i] = Range{Size: v.h.FirstSeq, Nodes: slices.Clone(v.h.Prefix)}
	}
	v.next = v.h.FirstSeq
	v.marks = append(v.marks, mark{c: c, last: true})
	for _, text := range v.h.Checkpoints {
		// Older ones only narrow a finding, so those of other keys are passed over.
		if old, err := Open([]byte(text), v.o.Keys...); err == nil && old.Origin == c.Origin && old.Size <= c.Size && old.Size >= v.h.FirstSeq {
			v.marks = append(v.marks, mark{c: old})
		}
	}
	return v.since(c)
}

// since checks the older checkpoint that the caller kept against the bundle's.
func (v *verifier) since(c Checkpoint) bool {
	if v.o.Since != nil {
		old, err := Open(v.o.Since, v.o.Keys...)
		v.res.Since = old
		switch {
		case errors.Is(err, ErrSignature):
			v.res.unreadable("The older checkpoint cannot be used: %s.", err)
			return false
		case err != nil:
			v.res.unreadable("The older checkpoint cannot be read: %s.", err)
			return false
		case old.Origin != c.Origin:
			v.res.unreadable("The older checkpoint is of %s, the bundle of %s.", old.Origin, c.Origin)
			return false
		case old.Size > c.Size:
			v.res.add(Altered, Finding{What: Truncated, Seq: c.Size, Sentence: fmt.Sprintf("Truncated: the older checkpoint covers %d events, the bundle's checkpoint only %d; seq %s removed from the end.", old.Size, c.Size, span(c.Size, old.Size-1))})
		case old.Size < v.h.FirstSeq:
			v.res.add(Incomplete, Finding{What: Cut, Seq: -1, Sentence: fmt.Sprintf("The bundle begins at seq %d, after the %d events of the older checkpoint; export from seq %d or earlier.", v.h.FirstSeq, old.Size, old.Size)})
		default:
			v.marks = append(v.marks, mark{c: old, since: true})
		}
	}
	slices.SortStableFunc(v.marks, func(a, b mark) int { return cmp.Compare(a.c.Size, b.c.Size) })
	v.compare(byRows)
	v.compare(byLeaves)
	return true
}

// compare notes the root of tree t for the marks of its present size.
func (v *verifier) compare(t int) {
	i, _ := slices.BinarySearchFunc(v.marks, v.trees[t].Size, func(m mark, size int64) int { return cmp.Compare(m.c.Size, size) })
	for ; i < len(v.marks) && v.marks[i].c.Size == v.trees[t].Size; i++ {
		v.marks[i].match[t] = v.trees[t].Root() == v.marks[i].c.Root
	}
}

func (v *verifier) read() {
	v.in.parsed(v.h.LogID, v.line)
	if !v.ended && v.res.Code != Unreadable && !v.cut {
		v.res.add(Incomplete, Finding{What: Cut, Seq: v.next, Sentence: fmt.Sprintf("The bundle breaks off before seq %d: it has no end line.", v.next)})
	}
}

// line takes one line; false ends the reading.
func (v *verifier) line(p parsed) bool {
	v.at = p.n
	switch {
	case errors.Is(p.err, errCut):
		v.cut = true
		v.res.add(Incomplete, Finding{What: Cut, Seq: v.next, Sentence: fmt.Sprintf("The bundle breaks off in line %d, before seq %d.", p.n, v.next)})
	case p.err != nil:
		v.res.unreadable("%s.", sentence(p.err))
	case v.ended:
		v.res.add(Altered, Finding{What: Invented, Seq: -1, Sentence: fmt.Sprintf("Line %d stands after the end of the bundle.", p.n)})
		return false
	case p.Leaves != nil:
		v.leaves(*p.Leaves)
	case p.Row != nil:
		v.row(p)
	default:
		v.end(*p.End)
	}
	return p.err == nil
}

func (v *verifier) leaves(l Leaves) {
	at := v.h.FirstSeq + int64(len(v.stored))
	if l.First != at || at < v.next || at+int64(len(l.Hashes)/tlog.HashSize) > v.h.TreeSize {
		v.res.unreadable("Line %d holds the leaf hashes from seq %d on; those from seq %d to %d were expected.", v.at, l.First, at, v.h.TreeSize-1)
		return
	}
	for h := range slices.Chunk(l.Hashes, tlog.HashSize) {
		v.stored = append(v.stored, tlog.Hash(h))
		v.trees[byLeaves].Append(tlog.Hash(h))
		v.compare(byLeaves)
	}
}

// leafAt is the stored leaf hash of seq, if the bundle has told it.
func (v *verifier) leafAt(seq int64) (tlog.Hash, bool) {
	if i := seq - v.h.FirstSeq; i >= 0 && i < int64(len(v.stored)) {
		return v.stored[i], true
	}
	return tlog.Hash{}, false
}

func (v *verifier) row(p parsed) {
	r := *p.Row
	v.res.Events++
	if r.Seq < v.next || r.Seq >= v.h.TreeSize {
		v.misplaced(r)
		return
	}
	v.fill(r.Seq)
	if want, known := v.leafAt(r.Seq); known && p.leaf != want {
		v.keepBad(r)
	}
	v.next++
	if !v.blind {
		v.trees[byRows].Append(p.leaf)
		v.compare(byRows)
	}
	v.payload(r, p.payload)
}

func (v *verifier) misplaced(r Row) {
	if r.Seq >= v.h.TreeSize {
		v.keepBad(r)
		return
	}
	v.res.add(Altered, Finding{What: Reordered, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf("Reordered: seq %d (%s) stands in line %d, where seq %d or later was expected, or stands there twice.", r.Seq, r.ID, v.at, v.next)})
}

func (v *verifier) keepBad(r Row) {
	if v.badN++; len(v.bad) < maxBad {
		r.Payload, r.Salt = nil, nil
		v.bad = append(v.bad, r)
	}
}

// fill passes over the places before seq that have no row. The stored leaf, if
// there is one, stands in, so that what follows can still be compared.
func (v *verifier) fill(seq int64) {
	if v.next >= seq {
		return
	}
	v.holes = append(v.holes, run{v.next, seq - 1})
	for ; v.next < seq && !v.blind; v.next++ {
		leaf, known := v.leafAt(v.next)
		if !known {
			v.blind = true
			break
		}
		v.trees[byRows].Append(leaf)
		v.compare(byRows)
	}
	v.next = seq
}

// payload counts pruned rows and reports payloads that are not what was hashed.
func (v *verifier) payload(r Row, state payloadState) {
	if state == payloadGone {
		v.res.Pruned++
		if !v.h.prunes(r.Seq) {
			v.res.PrunedOdd++
		}
		if r.PrunedAt != 0 {
			return
		}
	}
	if why := payloadSentences[state]; why != "" {
		v.res.add(Altered, Finding{What: Changed, Seq: r.Seq, ID: r.ID, Sentence: fmt.Sprintf(why, r.Seq, r.ID)})
	}
}

var payloadSentences = map[payloadState]string{
	payloadGone:    "Changed: seq %d (%s) has lost its payload without being pruned.",
	payloadChanged: "Changed: the payload or salt of seq %d (%s) is not the one that was recorded.",
	payloadForeign: "Changed: the payload of seq %d (%s) speaks of another event, ledger or constant than its row.",
}

func (v *verifier) end(e End) {
	v.ended = true
	if e.Rows != v.res.Events {
		v.res.add(Altered, Finding{What: Removed, Seq: -1, Sentence: fmt.Sprintf("The end line counts %d events, the bundle holds %d.", e.Rows, v.res.Events)})
	}
}

func sentence(err error) string {
	s := []byte(err.Error())
	if len(s) > 0 && s[0] >= 'a' && s[0] <= 'z' {
		s[0] -= 'a' - 'A'
	}
	return string(s)
}

func span(a, b int64) string {
	if a == b {
		return fmt.Sprintf("%d was", a)
	}
	return fmt.Sprintf("%d to %d were", a, b)
}

package test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/vaultpam/vaultpam/internal/db"
	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording"
	"github.com/vaultpam/vaultpam/internal/recording/format"
	"github.com/vaultpam/vaultpam/internal/seal"
)

// stream begins to read an answer, which goes on until its body is closed.
func (c *Client) stream(t testing.TB, path string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.bearer)
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestPlaybackIsTold(t *testing.T) {
	eachStore(t, func(t *testing.T, s *Server) {
		w := newWorld(t, s)
		oscar, mara, audrey := w.person("operator"), w.add("operator"), w.person("auditor")
		v := w.safe(host(t), nil, oscar, mara)
		c := oscar.open(t, v)
		x := w.session(v)
		path := "/sessions/" + x.ID + "/recording"
		audrey.refused(t, 409, "RECORDING_NOT_FINISHED", "GET", path, nil)
		live := audrey.stream(t, path+"?live=true")
		lines := bufio.NewReader(live.Body)
		if first, err := lines.ReadString('\n'); err != nil || live.StatusCode != 200 {
			t.Fatalf("the live view: %d %q %v", live.StatusCode, first, err)
		}
		seen := Want{Constant: "SESSION_PLAYBACK_ACCESSED", Session: x.ID, Target: "Session", TargetID: x.ID}
		seen.ActorID, seen.Actor, seen.Meta = audrey.ID, "User", obj{"recording_id": x.Recording.ID, "session_user_id": oscar.ID, "own_session": false}
		w.saw(seen.where("playback_mode", "live_view"))
		fmt.Fprintln(c.Stdin, "seen while it runs")
		for line := ""; !strings.Contains(line, "seen while it runs"); {
			var err error
			if line, err = lines.ReadString('\n'); err != nil {
				t.Fatalf("the live view ended: %v", err)
			}
		}
		c.Stdin.Close()
		c.wait()
		w.ended(v)

		play := audrey.stream(t, path) // told before the first byte
		one := make([]byte, 1)
		if _, err := io.ReadFull(play.Body, one); err != nil {
			t.Fatal(err)
		}
		w.saw(seen.where("playback_mode", "replay"))
		cast, _ := io.ReadAll(play.Body)
		if !bytes.Contains(cast, []byte("seen while it runs")) {
			t.Errorf("the replay shows %.500q", cast)
		}
		w.Owner.must(t, "GET", path+"?download=true", nil)
		seen.ActorID, seen.Actor = w.Owner.ID, "TenantAdmin"
		w.saw(seen.where("playback_mode", "download"))

		// Not the person whose session it was, and nobody who may not know of it.
		oscar.refused(t, 403, "NOT_PERMITTED", "GET", path, nil)
		denied := Want{Constant: "SESSION_PLAYBACK_ACCESSED", Outcome: "denied", Reason: "not_permitted", Session: x.ID}
		denied.ActorID, denied.Meta = oscar.ID, obj{"own_session": true}
		w.saw(denied)
		mara.refused(t, 404, "NOT_FOUND", "GET", path, nil)
		denied.ActorID, denied.Meta = mara.ID, nil
		w.saw(denied)
		newWorld(t, s).Owner.refused(t, 404, "NOT_FOUND", "GET", path, nil)
		w.Owner.must(t, "GET", path+"/info", nil) // metadata is no access
		if n := len(w.ledger().events(t, "SESSION_PLAYBACK_ACCESSED")); n != 5 {
			t.Errorf("%d accesses are told, not 5", n)
		}
	})
}

// stored opens the recordings of a stopped server, as somebody does who has its
// data folder and root key.
func (s *Server) stored(t testing.TB) *recording.Store {
	t.Helper()
	ctx := context.Background()
	url := "sqlite:" + filepath.Join(s.Dir, "vaultpam.db")
	for _, kv := range s.env {
		if v, ok := strings.CutPrefix(kv, "VAULTPAM_DATABASE_URL="); ok {
			url = v
		}
	}
	d, err := db.Open(ctx, db.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	root, err := seal.LoadRoot(filepath.Join(s.Dir, "keys", "root.key"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.New(seal.Deps{DB: d, Root: root})
	if err != nil {
		t.Fatal(err)
	}
	store, err := recording.OpenStore(recording.StoreConfig{Dir: filepath.Join(s.Dir, "recordings"), Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// recorded reads a stored recording: what each kind of frame holds, in order.
func recorded(t testing.TB, store *recording.Store, rec string) map[format.Kind][]byte {
	t.Helper()
	ctx := context.Background()
	if _, err := store.Verify(ctx, id.Recording(rec)); err != nil {
		t.Errorf("recording %s does not verify: %v", rec, err)
	}
	r, err := store.Open(ctx, id.Recording(rec))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out := map[format.Kind][]byte{}
	for f, err := range r.Frames() {
		if err != nil {
			t.Fatal(err)
		}
		out[f.Kind] = append(out[f.Kind], f.Data...)
	}
	return out
}

const flood = 8 << 20

func TestBytesOnTheWireAreBytesRecorded(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{SQLite, Postgres} {
		t.Run(string(store), func(t *testing.T) {
			t.Parallel()
			compareBytes(t, own(t, store))
		})
	}
}

func compareBytes(t *testing.T, s *Server) {
	w := newWorld(t, s)
	oscar := w.person("operator")
	type sent struct{ out, err, in []byte }
	wire := map[string]sent{} // by recording

	letters := []byte("grüße, κόσμε, 世界 🙂 \xff\xfe\x00\x80 end\r\n")
	split := newPasswordHost(t, func(_ string, ch ssh.Channel) uint32 {
		for i := range letters { // each byte in a message of its own
			ch.Write(letters[i : i+1])
			ch.Stderr().Write(letters[i : i+1])
		}
		return 0
	})
	v := w.safe(split, nil, oscar)
	r := oscar.run(t, v, "split")
	wire[w.ended(v).Recording.ID] = sent{out: []byte(r.Stdout), err: []byte(r.Stderr)}
	if r.Stdout != string(letters) {
		t.Errorf("the client got %q", r.Stdout)
	}

	dir := t.TempDir()
	noise := make([]byte, flood)
	rand.Read(noise)
	file := write(t, dir, "noise", noise)
	v = w.safe(host(t), nil, oscar)
	r = oscar.run(t, v, "cat "+file)
	wire[w.ended(v).Recording.ID] = sent{out: []byte(r.Stdout)}
	if r.Stdout != string(noise) {
		t.Errorf("the client got %d bytes that are not those of the file", len(r.Stdout))
	}

	c := oscar.ssh(t, v, nil, "sha256sum")
	if _, err := c.Stdin.Write(noise); err != nil {
		t.Fatal(err)
	}
	c.Stdin.Close()
	r = c.wait()
	sum := sha256.Sum256(noise)
	if !strings.HasPrefix(r.Stdout, hex.EncodeToString(sum[:])) {
		t.Errorf("the target got other bytes: %s", r)
	}
	wire[w.ended(v).Recording.ID] = sent{in: noise, out: []byte(r.Stdout)}

	v = w.safe(host(t), obj{"record_input": false}, oscar)
	c = oscar.ssh(t, v, nil, "cat >/dev/null; echo got it")
	fmt.Fprintln(c.Stdin, "not to be recorded")
	c.Stdin.Close()
	r = c.wait()
	wire[w.ended(v).Recording.ID] = sent{out: []byte(r.Stdout)}

	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	files := s.stored(t)
	for rec, was := range wire {
		got := recorded(t, files, rec)
		if gap := got[format.Gap]; gap != nil {
			t.Errorf("recording %s has a gap: %s", rec, gap)
		}
		for kind, want := range map[format.Kind][]byte{format.Output: was.out, format.Stderr: was.err, format.Input: was.in} {
			if !bytes.Equal(got[kind], want) {
				t.Errorf("recording %s: %d bytes of %v are recorded, %d were on the wire, and they differ", rec, len(got[kind]), kind, len(want))
			}
		}
	}
}

// The asciicast that people download is a faithful view too.
func TestAsciicastShowsTheTerminal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, shared(t, Postgres))
	oscar := w.person("operator")
	v := w.safe(host(t), nil, oscar)
	term := oscar.terminal(t, oscar.sshOptions(t), "", v)
	term.say("PS1='> '; stty size")
	term.expect("24 80")
	term.resize(132, 43)
	eventually(t, "the new size", func() bool {
		term.say("stty size")
		return strings.Contains(term.Stdout.String(), "43 132")
	})
	term.say("printf 'gr\\303\\274\\303\\237e\\n'; exit")
	term.expect("grüße")
	term.wait()
	x := w.ended(v)
	cast := w.Owner.must(t, "GET", "/sessions/"+x.ID+"/recording?download=true", nil).Body
	var shown strings.Builder
	sizes := 0
	for i, line := range bytes.Split(bytes.TrimSpace(cast), []byte("\n")) {
		if i == 0 {
			var h struct{ Version, Width, Height int }
			if err := json.Unmarshal(line, &h); err != nil || h.Version != 2 || h.Width != 80 || h.Height != 24 {
				t.Errorf("the header is %s (%v)", line, err)
			}
			continue
		}
		var frame [3]any
		if err := json.Unmarshal(line, &frame); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch frame[1] {
		case "o":
			shown.WriteString(frame[2].(string))
		case "r":
			sizes++
		}
	}
	if !strings.Contains(shown.String(), "grüße") || sizes == 0 {
		t.Errorf("the asciicast has %d sizes and shows %.1000q", sizes, shown.String())
	}
	if got := term.Stdout.String(); !strings.Contains(got, shown.String()) {
		t.Errorf("the terminal showed %.1000q,\nand the asciicast %.1000q", got, shown.String())
	}
	if fi, err := os.Stat(filepath.Join(w.s.Dir, "recordings")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder of recordings: %v %v", fi, err)
	}
}

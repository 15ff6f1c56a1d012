package recording

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vaultpam/vaultpam/internal/id"
	"github.com/vaultpam/vaultpam/internal/recording/format"
)

const childDir = "VAULTPAM_TEST_RECORDING_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		recordUntilKilled(dir)
	}
	os.Exit(m.Run())
}

// recordUntilKilled is the server that the test kills. It says on its output what
// it has recorded, with the time.
func recordUntilKilled(dir string) {
	must := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	s, err := OpenStore(StoreConfig{Dir: dir, Keys: plainKeys{}, MinFree: -1})
	must(err)
	w, err := s.Create(context.Background(), Header{Org: testOrg, Session: id.New[id.Session](), Protocol: "ssh"})
	must(err)
	fmt.Println("id", w.ID())
	for n := 0; ; n++ {
		at := w.Elapsed()
		data := fmt.Appendf(nil, "%d|", n)
		if n%50 == 49 { // a burst, so that big chunks are torn too
			data = append(data, make([]byte, 100<<10)...)
		}
		must(w.Write(Frame{At: at, Channel: 1, Kind: Output, Data: data}))
		fmt.Println(n, at.Microseconds())
		<-time.After(2 * time.Millisecond)
	}
}

func TestKilledServerLosesAtMostASecond(t *testing.T) {
	for _, after := range []time.Duration{20 * time.Millisecond, 1500 * time.Millisecond, 2200 * time.Millisecond} {
		t.Run(after.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "r")
			rec, last, lastAt, stalled := runAndKill(t, dir, after)
			s, err := OpenStore(StoreConfig{Dir: dir, Keys: plainKeys{}, MinFree: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Verify(t.Context(), rec); !errors.Is(err, format.ErrTruncated) {
				t.Errorf("before it was recovered: %v", err)
			}
			sum, err := s.Recover(t.Context(), rec)
			if err != nil || sum.Truncated != died || !sum.Ended {
				t.Fatalf("%+v, %v", sum, err)
			}
			v, err := s.Verify(t.Context(), rec)
			if err != nil || v.Root != sum.Root || v.Size != sum.Size || v.Role != format.Recovered {
				t.Fatalf("%v: %+v, recovered %+v", err, v, sum)
			}
			got, err := frames(t, s, rec)
			if err != nil {
				t.Fatal(err)
			}
			var stream strings.Builder // a burst may be cut into several frames
			for _, f := range got {
				stream.WriteString(strings.TrimRight(string(f.Data), "\x00"))
			}
			numbers := strings.Split(strings.TrimSuffix(stream.String(), "|"), "|")
			for i, n := range numbers {
				if len(got) > 0 && n != fmt.Sprint(i) {
					t.Fatalf("frame %d is %.40q", i, n)
				}
			}
			if lost := lastAt - sum.Duration; lost > time.Second+stalled {
				t.Errorf("%v are lost", lost)
			}
			t.Logf("%d frames are there, of %d; %v are lost", len(numbers), last+1, (lastAt - sum.Duration).Round(time.Millisecond))
		})
	}
}

// runAndKill runs the child for some time and kills it, and returns the last frame
// that it said it had recorded. stalled is the longest time in which it said
// nothing: then the machine had no time for it, and neither had its recorder.
func runAndKill(t *testing.T, dir string, after time.Duration) (rec id.Recording, last int, at, stalled time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "id ") {
		t.Fatalf("the child said %q", lines.Text())
	}
	rec = id.Recording(strings.TrimPrefix(lines.Text(), "id "))
	for lines.Scan() {
		var us int64
		if _, err := fmt.Sscan(lines.Text(), &last, &us); err != nil {
			break // the line that it was writing
		}
		now := time.Duration(us) * time.Microsecond
		at, stalled = now, max(stalled, now-at)
		if at > after {
			cmd.Process.Kill()
		}
	}
	cmd.Wait()
	return rec, last, at, stalled
}

func TestNobodyRecoversALiveRecording(t *testing.T) {
	s := openStore(t)
	w := create(t, s)
	if _, err := s.Recover(t.Context(), w.ID()); !errors.Is(err, ErrBusy) {
		t.Errorf("%v", err)
	}
	closeWriter(t, w)
	if sum, err := s.Recover(t.Context(), w.ID()); err != nil || sum.Truncated != "" || !sum.Ended {
		t.Errorf("%+v, %v", sum, err)
	}
}

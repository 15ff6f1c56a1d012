package main

import (
	"context"
	"errors"
	"math"
	"time"
)

// terminalSize is what a person who types ls every five seconds costs in
// recording, by the real clock. The listing is a long one, and the header and the
// end of the recording are counted in.
func terminalSize(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	s, err := w.shell(gateway, "")
	if err != nil {
		return err
	}
	defer s.close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		discard(s)
	}()
	const minutes = 1
	if err := s.typeLine(ctx, "cd /etc"); err != nil {
		return err
	}
	every := time.NewTicker(5 * time.Second)
	defer every.Stop()
	for range 12 * minutes {
		select {
		case <-every.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := s.typeLine(ctx, "ls"); err != nil {
			return err
		}
	}
	<-every.C
	if err := s.typeLine(ctx, "exit"); err != nil {
		return err
	}
	select {
	case <-read:
	case <-time.After(30 * time.Second):
		return errors.New("the shell did not end")
	}
	s.close()
	all, err := w.product.recorded(ctx, began, 1)
	if err != nil {
		return err
	}
	size := float64(all[0].Recording.SizeBytes)
	b.report.value(false, 5000, "recording of a terminal with ls every 5 s", "bytes/min", size/float64(minutes), math.NaN())
	b.report.note("that recording: %.0f bytes and %d frames in %d min, all counted", size, all[0].Recording.Frames, minutes)
	return nil
}

func discard(s *shell) {
	buf := make([]byte, 4096)
	for {
		if _, err := s.out.Read(buf); err != nil {
			return
		}
	}
}

// typeLine types as people do, letter by letter.
func (s *shell) typeLine(ctx context.Context, line string) error {
	for _, key := range []byte(line + "\r") {
		select {
		case <-time.After(120 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := s.in.Write([]byte{key}); err != nil {
			return err
		}
	}
	return nil
}

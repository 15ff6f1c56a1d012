package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// keptAt is when the programs of these tests run.
var keptAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (w *world) deviceLogin(answers ...func() (int, any)) {
	w.gives("POST /auth/device", 200, map[string]any{"device_code": "vpdc_of_this_device", "user_code": "BCDF-GHJK", "verification_uri": w.server.URL + "/device",
		"verification_uri_complete": w.server.URL + "/device#BCDF-GHJK", "expires_in": 600, "interval": 0})
	w.on("POST /auth/device/token", func(_ *http.Request, in map[string]any) (int, any) {
		if in["device_code"] != "vpdc_of_this_device" {
			return problemJSON(401, "EXPIRED_TOKEN", "not this one")
		}
		next := answers[0]
		if len(answers) > 1 {
			answers = answers[1:]
		}
		return next()
	})
}

func pair(access, refresh string) func() (int, any) {
	return func() (int, any) {
		return 200, map[string]any{"access_token": access, "expires_in": 1800, "refresh_token": refresh, "refresh_expires_in": 43200}
	}
}

func problemOf(status int, code, detail string) func() (int, any) {
	return func() (int, any) { return problemJSON(status, code, detail) }
}

func TestLoginWithABrowser(t *testing.T) {
	w := newWorld(t)
	opened := filepath.Join(t.TempDir(), "opened")
	script := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf '%s' \"$1\" > "+opened+".part && mv "+opened+".part "+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.env = append(w.env, "BROWSER="+script)
	w.deviceLogin(problemOf(409, "AUTHORIZATION_PENDING", "nobody has answered yet"), problemOf(429, "SLOW_DOWN", "too often"), pair(sessionToken, "vprt_one"))
	r := w.run("login", "--url", w.server.URL)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	contains(t, r.err, w.server.URL+"/device", "BCDF-GHJK")
	contains(t, r.out, "jane (Jane Doe)")
	if l := w.kept(); l.Token != sessionToken || l.Refresh != "vprt_one" || l.AccessUntil.IsZero() || !l.ExpiresAt.After(l.AccessUntil) {
		t.Errorf("%+v", l)
	}
	for range 100 {
		if b, err := os.ReadFile(opened); err == nil {
			if string(b) != w.server.URL+"/device" { // without the code
				t.Errorf("the browser opens %s", b)
			}
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Error("no browser was opened")
}

func TestLoginThatTheBrowserRefuses(t *testing.T) {
	w := newWorld(t)
	w.deviceLogin(problemOf(403, "ACCESS_DENIED", "the person at the browser has sent this device away"))
	refused := func(status int, says string) {
		t.Helper()
		r := w.run("login", "--no-browser", "--url", w.server.URL)
		if r.status != status {
			t.Errorf("status %d, want %d", r.status, status)
		}
		contains(t, r.err, says)
	}
	refused(4, "sent this device away")
	w.deviceLogin(problemOf(401, "EXPIRED_TOKEN", "this code has expired"))
	refused(3, "has expired")
}

func TestSignInIsRefreshed(t *testing.T) {
	w := newWorld(t)
	w.deviceLogin(pair(sessionToken, "vprt_one"))
	w.good("login", "--no-browser", "--url", w.server.URL)
	l := w.kept()
	l.AccessUntil = keptAt.Add(10 * time.Second) // nearly over
	if err := (home{w.home}).save(l); err != nil {
		t.Fatal(err)
	}
	w.on("POST /auth/refresh", func(_ *http.Request, in map[string]any) (int, any) {
		if in["refresh_token"] != "vprt_one" {
			return problemJSON(401, "AUTH_FAILED", "not this one")
		}
		return pair(sessionToken, "vprt_two")()
	})
	w.good("whoami")
	if l := w.kept(); l.Token != sessionToken || l.Refresh != "vprt_two" {
		t.Errorf("%+v", l)
	}
	w.good("whoami") // with what was kept
	l = w.kept()
	l.AccessUntil = keptAt.Add(-time.Hour)
	if err := (home{w.home}).save(l); err != nil {
		t.Fatal(err)
	}
	w.bad(3, []string{"sign in again"}, "whoami")
}

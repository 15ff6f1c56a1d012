package cli

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/vaultpam/vaultpam/internal/cli/client"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// Signing in with a browser: the command line shows a code, the person types it
// where they are signed in, and no password is typed into a terminal.

// typed tells whether the person wants to type a password here, or a script gives one.
func (c *loginCmd) typed(p *program) bool {
	return c.Password || c.Email != "" || p.env["VAULTPAM_EMAIL"] != "" || p.env["VAULTPAM_PASSWORD"] != "" || p.conn.NoInput && !c.NoBrowser
}

// refreshed is a pair of tokens.
type refreshed struct {
	AccessToken      string `json:"access_token"`
	ExpiresIn        int64  `json:"expires_in"`
	RefreshToken     string `json:"refresh_token"`
	RefreshExpiresIn int64  `json:"refresh_expires_in"`
}

func (l *login) keep(in refreshed, now time.Time) {
	in64 := func(seconds int64) time.Time {
		return now.Add(time.Duration(seconds) * time.Second).UTC().Truncate(time.Second)
	}
	l.Token, l.Refresh = in.AccessToken, in.RefreshToken
	l.AccessUntil, l.ExpiresAt = in64(in.ExpiresIn), in64(in.RefreshExpiresIn)
}

// browser signs in with the person's browser.
func (c *loginCmd) browser(ctx context.Context, p *program, conf client.Config, l *login) error {
	api, err := client.New(conf)
	if err != nil {
		return err
	}
	var in refreshed
	err = p.inBrowser(ctx, api, browserFlow{begin: "/auth/device", ask: "/auth/device/token", where: "in a browser where you are signed in", noBrowser: c.NoBrowser}, &in)
	if err != nil {
		return err
	}
	l.keep(in, p.now())
	return nil
}

// browserFlow is a question that a person answers in their browser.
type browserFlow struct {
	begin, ask string // of the API
	where      string // completes "Open ... "
	noBrowser  bool   // none is opened here
}

// inBrowser shows the code, and waits for the answer; out (nil: nothing) takes what it brings.
func (p *program) inBrowser(ctx context.Context, api *client.Client, f browserFlow, out any) error {
	name, _ := os.Hostname() // only shown
	a, err := api.Call(ctx, http.MethodPost, f.begin, nil, map[string]string{"client": first(clean("vaultpam on "+name), "vaultpam")})
	if err != nil {
		return err
	}
	var d struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URI        string `json:"verification_uri"`
		Interval   int64  `json:"interval"`
	}
	if err := a.Into(&d); err != nil {
		return err
	}
	// The address that is opened has no code in it: what a person types, they have read.
	if f.noBrowser || p.openBrowser(d.URI) != nil {
		p.notef("Open %s %s, and enter the code:", d.URI, f.where)
	} else {
		p.notef("Your browser opens %s. Enter the code there:", d.URI)
	}
	p.notef("\n    %s\n", d.UserCode)
	if a, err = p.awaitBrowser(ctx, api, f.ask, d.DeviceCode, time.Duration(d.Interval)*time.Second); err != nil || out == nil {
		return err
	}
	return a.Into(out)
}

// awaitBrowser asks until the person has answered in their browser.
func (p *program) awaitBrowser(ctx context.Context, api *client.Client, ask, code string, every time.Duration) (a client.Answer, err error) {
	every = max(every, p.poll)
	for {
		select {
		case <-ctx.Done():
			return a, terminal.ErrInterrupted
		case <-time.After(every):
		}
		a, err = api.Call(ctx, http.MethodPost, ask, nil, map[string]string{"device_code": code})
		switch fault.CodeOf(err) {
		case "AUTHORIZATION_PENDING":
			continue
		case "SLOW_DOWN":
			every += p.poll
			continue
		}
		return a, err
	}
}

// openBrowser opens an address with the person's browser: BROWSER, or what the
// system has. It does not wait for it.
func (p *program) openBrowser(address string) error {
	name, args := p.env["BROWSER"], []string{address}
	if name == "" {
		switch runtime.GOOS {
		case "darwin":
			name = "open"
		case "windows":
			name, args = "rundll32", []string{"url.dll,FileProtocolHandler", address}
		default:
			if p.env["DISPLAY"] == "" && p.env["WAYLAND_DISPLAY"] == "" {
				return fault.New(fault.Unavailable, "there is no screen")
			}
			name = "xdg-open"
		}
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go cmd.Wait()
	return nil
}

// freshen changes a short-lived token that is about to end for the next one.
func (p *program) freshen(ctx context.Context, h home, l *login, conf client.Config) error {
	const ahead = 30 * time.Second
	if l.Refresh == "" || p.now().Before(l.AccessUntil.Add(-ahead)) {
		return nil
	}
	in, err := refreshOnce(ctx, conf, l.Refresh)
	if fault.CodeOf(err) == "REFRESHED_MEANWHILE" {
		return p.refreshedBy(ctx, h, l)
	}
	if err != nil {
		return again(err, false)
	}
	l.keep(in, p.now())
	return h.save(*l)
}

// refreshOnce changes a refresh token for the next pair.
func refreshOnce(ctx context.Context, conf client.Config, token string) (refreshed, error) {
	var in refreshed
	conf.Token, conf.Org = secret.Secret{}, ""
	api, err := client.New(conf)
	if err != nil {
		return in, err
	}
	a, err := api.Call(ctx, http.MethodPost, "/auth/refresh", nil, map[string]string{"refresh_token": token})
	if err != nil {
		return in, err
	}
	return in, a.Into(&in)
}

// refreshedBy waits for what another command of the same person keeps at this moment.
func (p *program) refreshedBy(ctx context.Context, h home, l *login) error {
	for range 50 {
		next, err := h.load()
		if err != nil {
			return err
		}
		if next != nil && next.Refresh != l.Refresh {
			*l = *next
			return nil
		}
		select {
		case <-ctx.Done():
			return terminal.ErrInterrupted
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fault.New(fault.Unauthenticated, "your sign-in was refreshed by a command that has not kept it: sign in again with vaultpam login").WithCode("LOGIN_EXPIRED")
}

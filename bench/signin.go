package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/vaultpam/vaultpam/internal/config"
)

// signIns is a sign-in with password and TOTP over the API, both calls, beside the
// one hash of a password in it, as the server measured it: nearly all of the former
// should be the latter, which is there to be slow.
func signIns(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	turn := newCodes(w.product.dev.Users)
	var p pairs
	for range b.pick(12, 6) {
		u, code, err := turn.next(ctx)
		if err != nil {
			return err
		}
		hashes, before, err := w.product.hashing(ctx)
		if err != nil {
			return err
		}
		began := time.Now()
		if err := w.product.signIn(ctx, u, code); err != nil {
			return err
		}
		took := time.Since(began).Seconds()
		more, after, err := w.product.hashing(ctx)
		if err != nil {
			return err
		}
		if more != hashes+1 {
			return fmt.Errorf("a sign-in hashed %.0f passwords, not one", more-hashes)
		}
		p.ours, p.peer = append(p.ours, took), append(p.peer, after-before)
	}
	b.report.atMost(1/0.95, "sign-in with password and TOTP to the argon2id hash in it", "ms", p.times(1000))
	set := config.Default().Passwords
	b.report.note("the hash: argon2id, %d MiB, %d passes, one lane", set.Memory>>20, set.Passes)
	return nil
}

// hashing is how many passwords the server has hashed, and the seconds that took.
func (p *product) hashing(ctx context.Context) (n, seconds float64, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.metrics+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	all, err := parser.TextToMetricFamilies(res.Body)
	if err != nil {
		return 0, 0, fmt.Errorf("read the metrics: %w", err)
	}
	m := all["vaultpam_password_hash_seconds"].GetMetric()
	if len(m) != 1 {
		return 0, 0, errors.New("the server does not tell vaultpam_password_hash_seconds")
	}
	h := m[0].GetHistogram()
	return float64(h.GetSampleCount()), h.GetSampleSum(), nil
}

// codes hands out TOTP codes, each once: the product takes one of the next step
// too, then there is one each 30 seconds for everyone.
type codes struct {
	users []devUser
	used  []int64 // the last step that was taken, for each of users
	at    int
}

func newCodes(users []devUser) *codes {
	c := &codes{}
	enrolled := time.Now().Unix() / totpStep // a code of this step may have been used by then
	for _, u := range users {
		if u.TOTPSecret != "" {
			c.users, c.used = append(c.users, u), append(c.used, enrolled)
		}
	}
	return c
}

const totpStep = 30

func (c *codes) next(ctx context.Context) (devUser, string, error) {
	if len(c.users) == 0 {
		return devUser{}, "", errors.New("dev.json names nobody with a TOTP secret")
	}
	for {
		now := time.Now().Unix() / totpStep
		for range c.users {
			c.at = (c.at + 1) % len(c.users)
			step := max(now, c.used[c.at]+1)
			if step > now+1 {
				continue
			}
			c.used[c.at] = step
			code, err := hotp.GenerateCodeCustom(c.users[c.at].TOTPSecret, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
			return c.users[c.at], code, err
		}
		wait := time.Until(time.Unix((now+1)*totpStep, 0))
		select {
		case <-ctx.Done():
			return devUser{}, "", ctx.Err()
		case <-time.After(wait):
		}
	}
}

// signIn proves a password and a second factor, and signs out.
func (p *product) signIn(ctx context.Context, u devUser, code string) error {
	var first struct {
		MFA struct {
			ChallengeID string `json:"challenge_id"`
		} `json:"mfa"`
	}
	if err := p.post(ctx, "/auth/login", map[string]string{"email": u.Email, "password": u.Password}, &first); err != nil {
		return err
	}
	var done struct {
		AccessToken string `json:"access_token"`
	}
	err := p.post(ctx, "/auth/mfa", map[string]string{"challenge_id": first.MFA.ChallengeID, "method": "totp", "code": code}, &done)
	if err == nil && done.AccessToken == "" {
		err = errors.New("the sign-in gave no access token")
	}
	return err
}

// post asks as nobody.
func (p *product) post(ctx context.Context, path string, in, out any) error {
	res, err := send(ctx, p.http, p.dev.API+"/api/v1"+path, in)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: %s: %s", path, res.Status, said)
	}
	return json.Unmarshal(said, out)
}

func send(ctx context.Context, c *http.Client, url string, in any) (*http.Response, error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.Do(req)
}

const (
	floodClients = 32
	perSource    = 8 // attempts from one address, below the limit for one
)

// flooded is keystrokes while strangers from thousands of addresses guess
// passwords as fast as the server lets them.
func flooded(ctx context.Context, b *bench) error {
	w, err := b.needWorld(ctx)
	if err != nil {
		return err
	}
	flood, stop := context.WithCancel(ctx)
	defer stop()
	f := &strangers{p: w.product}
	var all sync.WaitGroup
	for range floodClients {
		all.Go(func() { f.guess(flood) })
	}
	began := time.Now()
	p, err := w.type2(ctx, b.pick(4000, 1000))
	took := time.Since(began)
	stop()
	all.Wait()
	if err != nil {
		return err
	}
	if f.refused.Load() == 0 {
		return fmt.Errorf("no guess was answered as a wrong password: the flood did not reach the hashing: %v", f.last.Load())
	}
	p = p.times(1000)
	added := func(q float64) float64 { return quantile(p.ours, q) - quantile(p.peer, q) }
	b.report.value(false, 1, "keystroke round trip under a flood of sign-ins, added by the gateway, median (peer: direct, under the same flood)", "ms", added(0.5), median(p.peer))
	b.report.value(false, 10, "keystroke round trip under a flood of sign-ins, added by the gateway, p99 (peer: direct, under the same flood)", "ms", added(0.99), quantile(p.peer, 0.99))
	b.report.note("the flood: %d clients, %.0f guesses a second hashed and refused, %.0f turned away", floodClients,
		float64(f.refused.Load())/took.Seconds(), float64(f.away.Load())/took.Seconds())
	return nil
}

// strangers guess together.
type strangers struct {
	p             *product
	source        atomic.Uint32
	refused, away atomic.Int64
	last          atomic.Value // what was answered otherwise
}

// guess signs in with wrong passwords, from a new address of the loopback network
// every few tries.
func (f *strangers) guess(ctx context.Context) {
	for ctx.Err() == nil {
		n := f.source.Add(1)
		from := &net.TCPAddr{IP: net.IPv4(127, byte(1+n>>16), byte(n>>8), byte(n))}
		t := f.p.http.Transport.(*http.Transport).Clone()
		t.DialContext = (&net.Dialer{LocalAddr: from, Timeout: 10 * time.Second}).DialContext
		c := &http.Client{Transport: t, Timeout: 30 * time.Second}
		for i := range perSource {
			res, err := send(ctx, c, f.p.dev.API+"/api/v1/auth/login", map[string]string{
				"email": fmt.Sprintf("somebody-%d-%d@example.com", n, i), "password": "not the password of anybody"})
			if err != nil {
				if ctx.Err() == nil {
					f.last.Store(err.Error())
				}
				break
			}
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			switch res.StatusCode {
			case http.StatusUnauthorized:
				f.refused.Add(1)
			case http.StatusServiceUnavailable, http.StatusTooManyRequests:
				f.away.Add(1)
			default:
				f.last.Store(res.Status)
			}
		}
		t.CloseIdleConnections()
	}
}

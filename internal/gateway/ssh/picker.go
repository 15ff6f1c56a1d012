package ssh

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/secret"
)

const (
	pickPage  = 40              // safes that are listed at once
	pickLine  = 256             // longest answer, in bytes
	pickIdle  = 2 * time.Minute // for one answer
	pickTries = 3               // codes that may be wrong
)

var errGone = errors.New("the client has gone")

// pick asks the person which of their safes they want, on a login that names
// none. Without a terminal it only lists them, each with the command for it.
func (ch *channel) pick() (Choice, error) {
	c := ch.c
	mine, err := c.g.d.Safes.Mine(c.ctx, c.who(), c.from.Source)
	if err != nil {
		return Choice{}, err
	}
	if len(mine) == 0 {
		return Choice{}, refuse(nil, "there is no safe that you may use yet. Ask an administrator to make you a member of one")
	}
	if ch.held.pty == nil {
		return Choice{}, ch.list(mine)
	}
	stop := ch.answerMeanwhile()
	defer stop()
	p := &prompter{ch: ch}
	defer func() { ch.typed = p.ahead }()
	choice, err := p.choose(mine)
	if err != nil {
		return Choice{}, err
	}
	if stale(choice, c.who(), c.g.d.Now()) {
		if err := p.stepUp(choice); err != nil {
			return Choice{}, err
		}
	}
	return choice, nil
}

// list tells a program, or a person who reads its error output, what to write instead.
func (ch *channel) list(mine []Choice) error {
	var b strings.Builder
	orgs := manyOrgs(mine)
	for _, m := range mine[:min(len(mine), pickPage)] {
		l := Login{Person: ch.c.proof.login.Person, Safe: m.Name}
		if orgs {
			l.Org = m.OrgSlug
		}
		fmt.Fprintf(&b, "\n  %s%s", ch.c.command(l), m.lent())
	}
	if len(mine) > pickPage {
		fmt.Fprintf(&b, "\n  and %d more", len(mine)-pickPage)
	}
	return &refusal{sentence: "the user name names no safe. Yours are:" + b.String(), exit: exitNoSafe}
}

func manyOrgs(mine []Choice) bool {
	for _, m := range mine {
		if m.Org != mine[0].Org {
			return true
		}
	}
	return false
}

// answerMeanwhile answers the channel's requests while a question waits, so that
// a window that is resized does not stop the client. Its result ends that.
func (ch *channel) answerMeanwhile() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case req, ok := <-ch.reqs:
				if !ok {
					return
				}
				if req.Type == "window-change" {
					ch.windowChanged(req.Payload)
				}
				req.Reply(false, nil)
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// prompter asks questions on a raw terminal. It edits lines itself: the client
// sends each key as it is struck.
type prompter struct {
	ch    *channel
	ahead []byte // read and not used yet
}

func (p *prompter) print(format string, args ...any) error {
	s := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")
	_, err := p.ch.down.Write([]byte(s))
	return err
}

// next is the next key.
func (p *prompter) next() (byte, error) {
	if len(p.ahead) == 0 {
		t := time.AfterFunc(pickIdle, func() { p.ch.c.conn.Close() })
		defer t.Stop()
		buf := make([]byte, pickLine)
		n, err := p.ch.down.Read(buf)
		if n == 0 {
			return 0, errors.Join(errGone, err)
		}
		p.ahead = buf[:n]
	}
	b := p.ahead[0]
	p.ahead = p.ahead[1:]
	return b, nil
}

// line reads an answer. It is false when the person gives up: Ctrl-C, Ctrl-D on an
// empty line. Escape sequences, as arrow keys send them, are passed over.
func (p *prompter) line(echo bool) (answer []byte, ok bool, err error) {
	defer func() { p.print("\n") }()
	for {
		b, err := p.next()
		if err != nil {
			return nil, false, err
		}
		switch {
		case b == '\r' || b == '\n':
			return answer, true, nil
		case b == 3 || b == 4 && len(answer) == 0:
			return nil, false, nil
		case b == 0x1b:
			if err := p.escape(); err != nil {
				return nil, false, err
			}
		case (b == 8 || b == 0x7f) && len(answer) > 0:
			answer = dropLast(answer)
			if echo {
				p.print("\b \b")
			}
		case b == 0x15: // Ctrl-U
			for echo && len(answer) > 0 {
				answer = dropLast(answer)
				p.print("\b \b")
			}
			answer = answer[:0]
		case b >= ' ' && b != 0x7f && len(answer) < pickLine:
			answer = append(answer, b)
			if echo {
				p.print("%s", []byte{b})
			}
		}
	}
}

// escape passes over the rest of an escape sequence: ESC [ parameters final, or ESC O final.
func (p *prompter) escape() error {
	b, err := p.next()
	if err != nil || b != '[' && b != 'O' {
		return err
	}
	for range 16 {
		if b, err = p.next(); err != nil || b >= 0x40 && b <= 0x7e {
			return err
		}
	}
	return nil
}

// dropLast takes the last character off, which may be several bytes.
func dropLast(b []byte) []byte {
	i := len(b) - 1
	for i > 0 && b[i]&0xc0 == 0x80 {
		i--
	}
	return b[:i]
}

// choose shows the safes and asks until one is named.
func (p *prompter) choose(mine []Choice) (Choice, error) {
	shown := mine
	for {
		if err := p.show(shown, len(mine)); err != nil {
			return Choice{}, errors.Join(errGone, err)
		}
		p.print("Safe (number or name, q to quit): ")
		answer, ok, err := p.line(true)
		if err != nil {
			return Choice{}, err
		}
		text := strings.TrimSpace(string(answer))
		if !ok || text == "q" && len(named(mine, "q")) == 0 {
			return Choice{}, &refusal{sentence: "no safe was chosen", exit: exitNoSafe}
		}
		if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(shown) {
			return shown[n-1], nil
		}
		exact, some := named(mine, text), matching(mine, text)
		switch {
		case len(exact) == 1:
			return exact[0], nil
		case len(some) == 1 && text != "":
			return some[0], nil
		case len(some) == 0:
			p.print("No safe of yours is called %s.\n", printable(text))
			shown = mine
		default:
			shown = some
		}
	}
}

// show prints a numbered list.
func (p *prompter) show(shown []Choice, all int) error {
	orgs := manyOrgs(shown)
	width := 0
	names := make([]string, min(len(shown), pickPage))
	for i := range names {
		if names[i] = printable(shown[i].Name); orgs {
			names[i] = printable(shown[i].OrgSlug) + "/" + names[i]
		}
		width = max(width, len([]rune(names[i])))
	}
	var b strings.Builder
	b.WriteString("\nSafes that you may use:\n")
	for i, name := range names {
		fmt.Fprintf(&b, "%4d  %-*s  %s\n", i+1, width, name, printable(shown[i].Target)+shown[i].lent())
	}
	if len(shown) > len(names) {
		fmt.Fprintf(&b, "      and %d more; a part of the name narrows the list\n", len(shown)-len(names))
	} else if len(shown) < all {
		fmt.Fprintf(&b, "      of %d; an empty answer shows all\n", all)
	}
	return p.print("%s", b.String())
}

func (c Choice) lent() string {
	if c.Lent == "" {
		return ""
	}
	return " (" + printable(c.Lent) + ")"
}

// named gives the safes of exactly this name, or org/name.
func named(mine []Choice, text string) (out []Choice) {
	for _, m := range mine {
		if m.Name == text || m.OrgSlug+"/"+m.Name == text {
			out = append(out, m)
		}
	}
	return out
}

// matching gives the safes whose name has the text in it.
func matching(mine []Choice, text string) (out []Choice) {
	text = strings.ToLower(text)
	for _, m := range mine {
		if strings.Contains(strings.ToLower(m.OrgSlug+"/"+m.Name), text) {
			out = append(out, m)
		}
	}
	return out
}

// stepUp asks for the second factor that the chosen safe wants.
func (p *prompter) stepUp(choice Choice) error {
	c := p.ch.c
	for range pickTries {
		p.print("Safe %s wants a fresh second factor.\n%s", printable(choice.Name), codePrompt)
		answer, ok, err := p.line(false)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		code := secret.New(answer)
		person, err := c.g.d.Auth.StepUp(c.ctx, c.who(), choice, code, c.from.Source)
		code.Wipe()
		if err == nil {
			c.mu.Lock()
			c.person = person
			c.mu.Unlock()
			return nil
		}
		if fault.KindOf(err) != fault.Unauthenticated {
			return err
		}
		p.print("That code does not hold.\n")
	}
	return refuse(nil, "safe %s opens only with a second factor", printable(choice.Name))
}

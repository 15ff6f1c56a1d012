package cli

import (
	"bytes"
	"io"
	"os"
	"strings"

	"github.com/vaultpam/vaultpam/internal/audit/verify"
	"github.com/vaultpam/vaultpam/internal/cli/terminal"
	"github.com/vaultpam/vaultpam/internal/fault"
)

type auditVerifyCmd struct {
	Bundle string   `arg:"" complete:"file" help:"File that audit export wrote; - for standard input."`
	Keys   []string `name:"key" sep:"none" required:"" placeholder:"VKEY" help:"Verifier key that you trust, or @FILE with one a line; several are possible. vaultpam audit keys prints them."`
	Since  string   `placeholder:"FILE" complete:"file" help:"An older checkpoint that you kept: the ledger must continue it."`
}

// Help is shown below the usage.
func (auditVerifyCmd) Help() string {
	return "Reads the bundle alone, without a server or a network, and checks each event from its bytes to the signed root: nothing changed, removed, reordered, invented, and nothing cut off that the older checkpoint knew. Exit status: 0 intact, 1 altered, 2 unreadable, 3 incomplete."
}

// Run verifies a bundle.
func (c *auditVerifyCmd) Run(p *program) error {
	keys, err := readKeys(c.Keys)
	if err != nil {
		return err
	}
	o := verify.Options{Keys: keys}
	if c.Since != "" {
		if o.Since, err = readSmall(c.Since); err != nil {
			return err
		}
	}
	in := p.in
	if c.Bundle != "-" {
		f, err := os.Open(c.Bundle)
		if err != nil {
			return fault.New(fault.Invalid, "%s cannot be read: %v", c.Bundle, cause(err))
		}
		defer f.Close()
		in = f
	}
	return p.verdict(verify.Bundle(in, o))
}

// verdict prints what was found. The exit status is its code.
func (p *program) verdict(res verify.Result) error {
	if p.json {
		if err := p.value(struct {
			Verdict string `json:"verdict"`
			verify.Result
		}{res.Code.String(), res}); err != nil {
			return err
		}
	} else {
		var b bytes.Buffer
		res.WriteText(&b)
		io.WriteString(p.out, terminal.Paragraph(b.String())) // the words of a bundle are not ours
	}
	if res.Code == verify.Intact {
		return nil
	}
	return exit(res.Code)
}

// readKeys replaces @FILE by the keys in it.
func readKeys(given []string) ([]string, error) {
	var out []string
	for _, k := range given {
		file, isFile := strings.CutPrefix(k, "@")
		if !isFile {
			out = append(out, k)
			continue
		}
		b, err := readSmall(file)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				out = append(out, line)
			}
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "no verifier key was given")
	}
	return out, nil
}

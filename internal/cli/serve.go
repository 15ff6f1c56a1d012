package cli

import (
	"context"
	"io"
	"path/filepath"

	"github.com/vaultpam/vaultpam/internal/app"
	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/fault"
)

// serverFlags override keys of the configuration.
type serverFlags struct {
	Config      string `placeholder:"FILE" complete:"file" help:"Configuration file (YAML). Else VAULTPAM_CONFIG."`
	Data        string `placeholder:"DIR" complete:"file" help:"Folder of everything that is kept."`
	HTTPSAddr   string `name:"https-addr" placeholder:"HOST:PORT" help:"Where console and API listen."`
	SSHAddr     string `name:"ssh-addr" placeholder:"HOST:PORT" help:"Where the SSH gateway listens."`
	DatabaseURL string `name:"database-url" placeholder:"URL" help:"sqlite:/path or postgres://..."`
	LogLevel    string `placeholder:"LEVEL" complete:"log-level" help:"debug, info, warn or error."`
	LogFormat   string `placeholder:"FORMAT" complete:"log-format" help:"text or json."`
}

// load reads file, environment and flags.
func (f serverFlags) load(p *program) (config.Config, error) {
	if p.json {
		return config.Config{}, fault.New(fault.Invalid, "--json means nothing to a server: use --log-format json")
	}
	flags := map[string]string{}
	for key, v := range map[string]string{
		"data": f.Data, "https.addr": f.HTTPSAddr, "ssh.addr": f.SSHAddr, "database.url": f.DatabaseURL, "log.level": f.LogLevel, "log.format": f.LogFormat,
	} {
		if v != "" {
			flags[key] = v
		}
	}
	return config.Load(first(f.Config, p.env["VAULTPAM_CONFIG"]), p.environ, flags)
}

type serverCmd struct{ serverFlags }

// Help is shown below the usage.
func (serverCmd) Help() string {
	return "Reads defaults, then the configuration file, the environment and the flags, each overriding the one before. vaultpam config keys lists all keys and their variables."
}

// Run runs a server until ctx ends.
func (c *serverCmd) Run(ctx context.Context, p *program) error { return c.serve(ctx, p, app.Serve) }

type devCmd struct{ serverFlags }

// Help is shown below the usage.
func (devCmd) Help() string {
	return "Starts a server on this machine with demo targets and a demo organization, prints what to open and what to paste, and writes dev.json into the data folder. For development and for looking around, never for real targets."
}

// Run runs development mode until ctx ends.
func (c *devCmd) Run(ctx context.Context, p *program) error { return c.serve(ctx, p, app.Dev) }

func (f serverFlags) serve(ctx context.Context, p *program, run func(context.Context, config.Config, io.Writer) error) error {
	conf, err := f.load(p)
	if err != nil {
		return err
	}
	return run(ctx, conf, p.out)
}

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Read the configuration as a server would, and say what is wrong with it."`
	Keys  configKeysCmd  `cmd:"" help:"List all keys and their environment variables."`
}

type configCheckCmd struct {
	File   string `arg:"" optional:"" complete:"file" help:"Configuration file; the same as --config."`
	Config string `placeholder:"FILE" complete:"file" help:"Configuration file (YAML). Else VAULTPAM_CONFIG."`
}

// Run checks the configuration.
func (c *configCheckCmd) Run(p *program) error {
	file := first(c.File, c.Config, p.env["VAULTPAM_CONFIG"])
	conf, err := config.Load(file, p.environ, nil)
	if err != nil {
		return err
	}
	if p.json {
		return p.value(map[string]any{"ok": true, "file": file, "data": conf.Data, "https_addr": conf.HTTPS.Addr, "ssh_addr": conf.SSH.Addr})
	}
	from := "the defaults and the environment"
	if file != "" {
		if abs, err := filepath.Abs(file); err == nil {
			file = abs
		}
		from = file
	}
	p.sayf("The configuration from %s is right.", from)
	p.facts([][2]string{{"data", conf.Data}, {"https", conf.HTTPS.Addr + ", reached at " + conf.HTTPS.PublicURL}, {"ssh", conf.SSH.Addr + ", reached at " + conf.SSH.PublicAddr}})
	return nil
}

type configKeysCmd struct{}

// Run lists the keys.
func (configKeysCmd) Run(p *program) error {
	type key struct {
		Key      string `json:"key"`
		Variable string `json:"variable"`
	}
	l := struct {
		Items []key `json:"items"`
	}{}
	t := table{head: []string{"KEY", "VARIABLE"}}
	for _, k := range config.AllKeys() {
		l.Items = append(l.Items, key{k, config.Variable(k)})
		t.row(k, config.Variable(k))
	}
	if p.json {
		return p.value(l)
	}
	p.table(t)
	return nil
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(p *program) error {
	if p.json {
		return p.value(map[string]string{"version": app.Version})
	}
	p.sayf("vaultpam %s", app.Version)
	return nil
}

package cli

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/vaultpam/vaultpam/internal/fault"
)

type resourcesCmd struct {
	connection
	List    resourcesListCmd    `cmd:"" default:"1" help:"List resources."`
	Show    resourcesShowCmd    `cmd:"" help:"Show one resource and its confirmed host keys."`
	Create  resourcesCreateCmd  `cmd:"" help:"Create a resource."`
	Update  resourcesUpdateCmd  `cmd:"" help:"Change what the flags say of a resource."`
	Scan    resourcesScanCmd    `cmd:"" help:"Connect to a resource and show the host key that it presents."`
	Confirm resourcesConfirmCmd `cmd:"" help:"Confirm a host key, after comparing its fingerprint with the machine's own."`
	Delete  resourcesDeleteCmd  `cmd:"" help:"Delete a resource that no account or safe needs."`
}

// machine is a resource as the API tells it.
type machine struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Protocol    string    `json:"protocol"`
	Host        string    `json:"host"`
	Port        int       `json:"port"`
	Description string    `json:"description"`
	Labels      []string  `json:"labels"`
	HostKeys    []hostKey `json:"host_keys"`
	Version     int64     `json:"version"`
}

type hostKey struct {
	Fingerprint string `json:"fingerprint"`
	Type        string `json:"type"`
	Pinned      bool   `json:"pinned"`
}

func (m machine) names() []string { return []string{m.ID, m.Name} }

func (r *remote) findResource(ctx context.Context, want string) (machine, error) {
	return find[machine](ctx, r, "/resources", "resource", want)
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

// named reads a resource by its name.
func (p *program) resource(ctx context.Context, name string) (*remote, machine, error) {
	r, err := p.remote(ctx)
	if err != nil {
		return nil, machine{}, err
	}
	m, err := r.findResource(ctx, name)
	return r, m, err
}

type resourcesListCmd struct{}

// Run lists resources.
func (resourcesListCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	l, err := r.list(ctx, "/resources", nil, 0)
	if err != nil {
		return err
	}
	t := table{head: []string{"NAME", "PROTOCOL", "ADDRESS", "HOST KEY", "DESCRIPTION"}, empty: "There are no resources yet: vaultpam resources create <name> --host <host>"}
	return showList(p, l, t, func(m machine) []string {
		key := "not confirmed"
		if len(m.HostKeys) > 0 {
			key = "confirmed"
		}
		return []string{m.Name, m.Protocol, hostPort(m.Host, m.Port), key, m.Description}
	})
}

type resourcesShowCmd struct {
	Resource string `arg:"" complete:"resource" help:"Name or id."`
}

// Run shows a resource.
func (c *resourcesShowCmd) Run(ctx context.Context, p *program) error {
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	a, err := r.get(ctx, path("/resources/%s", m.ID), nil)
	if err != nil {
		return err
	}
	if err := a.Into(&m); err != nil {
		return err
	}
	return p.show(a, func() {
		var keys []string
		for _, k := range m.HostKeys {
			keys = append(keys, k.Type+" "+k.Fingerprint)
		}
		p.facts([][2]string{{"resource", m.Name}, {"id", m.ID}, {"description", m.Description}, {"address", m.Protocol + " " + hostPort(m.Host, m.Port)}, {"labels", strings.Join(m.Labels, ", ")},
			{"host keys", first(strings.Join(keys, ", "), "none confirmed: vaultpam resources scan "+m.Name)}})
	})
}

type resourcesCreateCmd struct {
	Name        string   `arg:"" help:"What people call it."`
	Host        string   `required:"" placeholder:"HOST" help:"Host name or IP address."`
	Port        int      `placeholder:"PORT" help:"Port; without it, the protocol's own."`
	Protocol    string   `enum:"ssh" default:"ssh" help:"How it is spoken to."`
	Description string   `placeholder:"TEXT" help:"What it is."`
	Labels      []string `name:"label" placeholder:"KEY=VALUE" help:"A label that policies look at, such as env=prod; several are possible."`
}

// Run creates a resource.
func (c *resourcesCreateCmd) Run(ctx context.Context, p *program) error {
	r, err := p.remote(ctx)
	if err != nil {
		return err
	}
	in := map[string]any{"name": c.Name, "protocol": c.Protocol, "host": c.Host, "port": c.Port, "description": c.Description}
	if len(c.Labels) > 0 {
		in["labels"] = c.Labels
	}
	a, err := r.post(ctx, "/resources", in)
	if err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Resource %s is created. Nothing connects to it before its host key is confirmed: vaultpam resources scan %s", c.Name, quoted(c.Name))
	})
}

type resourcesUpdateCmd struct {
	Resource    string   `arg:"" complete:"resource" help:"Name or id."`
	Name        *string  `placeholder:"NAME" help:"A new name."`
	Host        *string  `placeholder:"HOST" help:"Another host name or IP address; its host key must then be confirmed again."`
	Port        *int     `placeholder:"PORT" help:"Another port; its host key must then be confirmed again."`
	Description *string  `placeholder:"TEXT" help:"What it is; an empty text clears it."`
	Labels      []string `name:"label" placeholder:"KEY=VALUE" help:"All the labels that it has from now on, such as env=prod; none for none."`
}

// Run changes a resource. What no flag names stays.
func (c *resourcesUpdateCmd) Run(ctx context.Context, p *program) error {
	in := given(map[string]any{}, "name", c.Name, "host", c.Host, "description", c.Description)
	if c.Port != nil {
		in["port"] = *c.Port
	}
	if len(c.Labels) == 1 && c.Labels[0] == "none" {
		in["labels"] = []string{}
	} else if len(c.Labels) > 0 {
		in["labels"] = c.Labels
	}
	if len(in) == 0 {
		return fault.New(fault.Invalid, "say what should change: --name, --host, --port, --description or --label")
	}
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	in["version"] = m.Version
	a, err := r.call(ctx, http.MethodPatch, path("/resources/%s", m.ID), nil, in)
	if err != nil {
		return err
	}
	var now machine
	if err := a.Into(&now); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("Resource %s is changed.", now.Name)
		if len(now.HostKeys) == 0 {
			p.sayf("Nothing connects to it before its host key is confirmed: vaultpam resources scan %s", quoted(now.Name))
		}
	})
}

// given puts those of the named texts that a flag gave into the body of a change.
func given(in map[string]any, texts ...any) map[string]any {
	for i := 0; i < len(texts); i += 2 {
		if v := texts[i+1].(*string); v != nil {
			in[texts[i].(string)] = *v
		}
	}
	return in
}

// quoted is a name as it can be pasted into a shell.
func quoted(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:@+", r)
	}) {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}

type resourcesScanCmd struct {
	Resource string `arg:"" complete:"resource" help:"Name or id."`
}

// Run shows the host key that a resource presents.
func (c *resourcesScanCmd) Run(ctx context.Context, p *program) error {
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/resources/%s/host-key/scan", m.ID), nil)
	if err != nil {
		return err
	}
	var k hostKey
	if err := a.Into(&k); err != nil {
		return err
	}
	return p.show(a, func() {
		p.sayf("%s presents this host key:", m.Name)
		p.facts([][2]string{{"type", k.Type}, {"fingerprint", k.Fingerprint}})
		if k.Pinned {
			p.sayf("It is confirmed already.")
			return
		}
		p.sayf("Compare it with the machine's own, as ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub prints it there. Only if it is the same:\n  vaultpam resources confirm %s %s", quoted(m.Name), quoted(k.Fingerprint))
	})
}

type resourcesConfirmCmd struct {
	Resource    string `arg:"" complete:"resource" help:"Name or id."`
	Fingerprint string `arg:"" help:"SHA256:..., as the scan showed it."`
}

// Run confirms a host key.
func (c *resourcesConfirmCmd) Run(ctx context.Context, p *program) error {
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	a, err := r.post(ctx, path("/resources/%s/host-key", m.ID), map[string]string{"fingerprint": c.Fingerprint})
	if err != nil {
		return err
	}
	return p.show(a, func() { p.sayf("The host key of %s is confirmed.", m.Name) })
}

type resourcesDeleteCmd struct {
	Resource string `arg:"" complete:"resource" help:"Name or id."`
	Yes      bool   `short:"y" help:"Do not ask."`
}

// Run deletes a resource.
func (c *resourcesDeleteCmd) Run(ctx context.Context, p *program) error {
	r, m, err := p.resource(ctx, c.Resource)
	if err != nil {
		return err
	}
	if err := p.confirm(ctx, c.Yes, "Delete the resource %s? [y/N] ", m.Name); err != nil {
		return err
	}
	if _, err := r.call(ctx, http.MethodDelete, path("/resources/%s", m.ID), seen(m.Version), nil); err != nil {
		return err
	}
	p.done("Resource %s is deleted.", m.Name)
	return nil
}

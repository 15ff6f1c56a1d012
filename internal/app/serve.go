package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/logctx"
)

// Serve runs a server until ctx ends. At the first start of an installation it
// prints the link with which its first administrator is made.
func Serve(ctx context.Context, cfg config.Config, out io.Writer) error {
	level, err := cfg.Log.SlogLevel()
	if err != nil {
		return err
	}
	a, err := New(ctx, cfg, logctx.New(os.Stderr, cfg.Log.Format, level))
	if err != nil {
		return err
	}
	link, needed, err := a.platform.SetupLink(ctx)
	if err != nil {
		a.Close()
		return err
	}
	if needed {
		// The token stands behind the #: a browser sends that part to nobody, and no log keeps it.
		fmt.Fprintf(out, "This installation has no administrator yet. Open this link before %s, once:\n  %s/setup#%s\n",
			link.ExpiresAt.Format(time.RFC1123), cfg.HTTPS.PublicURL, link.Token.RevealString())
	}
	if !a.mail.Sends() {
		fmt.Fprintf(out, "No mail is sent, because mail.host is not set: messages become files in %s. Set it before anybody but you uses this server.\n", filepath.Join(cfg.Data, "mail"))
	}
	fmt.Fprintf(out, "VaultPAM %s: console and API on %s, SSH on %s\n", Version, cfg.HTTPS.PublicURL, cfg.SSH.PublicAddr)
	return a.Run(ctx)
}

package app

import (
	"bytes"
	"os"

	"github.com/vaultpam/vaultpam/internal/config"
	"github.com/vaultpam/vaultpam/internal/fault"
	"github.com/vaultpam/vaultpam/internal/notify"
	"github.com/vaultpam/vaultpam/internal/secret"
)

// mailServer is the server of the configuration, with what its files hold.
func mailServer(c config.Mail) (notify.Server, error) {
	s := notify.Server{Host: c.Host, Port: c.Port, Security: notify.Security(c.Security), Username: c.Username, From: c.From}
	if c.PasswordFile != "" {
		info, err := os.Stat(c.PasswordFile)
		if err != nil {
			return s, fault.New(fault.Invalid, "mail.password_file: %s cannot be read: %v", c.PasswordFile, pathCause(err))
		}
		if info.Mode().Perm()&0o077 != 0 {
			return s, fault.New(fault.Invalid, "mail.password_file: others may read %s (mode %04o): chmod 600 it", c.PasswordFile, info.Mode().Perm())
		}
		b, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return s, fault.New(fault.Invalid, "mail.password_file: %s cannot be read: %v", c.PasswordFile, pathCause(err))
		}
		if b = bytes.TrimSpace(b); len(b) == 0 {
			return s, fault.New(fault.Invalid, "mail.password_file: %s is empty", c.PasswordFile)
		}
		s.Password = secret.New(b)
	}
	if c.CAFile != "" {
		b, err := os.ReadFile(c.CAFile)
		if err != nil {
			return s, fault.New(fault.Invalid, "mail.ca_file: %s cannot be read: %v", c.CAFile, pathCause(err))
		}
		s.CA = b
	}
	return s, nil
}

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

// tokenFlags are the flags of token.
type tokenFlags struct {
	user      string
	kubo      string
	expiresIn time.Duration
}

// tokenCommand returns the command that issues a token. It needs the folder and
// no daemon: a token is signed with the stored entry of its user.
func (a *app) tokenCommand() *cobra.Command {
	var f tokenFlags
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print a token for the pinning service",
		Long: `Print a bearer token of a user in the folder's configuration.

Whoever has it may do what the user may, until the user's password in
api.pinsvcapi.basic_auth_credentials is changed. The daemon need not run.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// Zero is for ever only when nobody has asked for it.
			if c.Flags().Changed("expires-in") && f.expiresIn < time.Second {
				return errors.New("--expires-in must be at least 1s; leave it out for a token that never ends")
			}
			return a.token(f)
		},
	}
	cmd.Flags().StringVar(&f.user, "user", "", "whose token (default: the only user)")
	cmd.Flags().StringVar(&f.kubo, "kubo", "", "print the whole command that tells Kubo of the service under this `name`")
	cmd.Flags().DurationVar(&f.expiresIn, "expires-in", 0, "how long it is valid: \"720h\" (default: for ever)")
	return cmd
}

// token prints a token, or the whole command for Kubo, and nothing else, so
// that the output can be assigned to a variable or piped into a shell.
func (a *app) token(f tokenFlags) error {
	cfg, err := loadService(a.folder)
	if err != nil {
		return err
	}
	user, err := chooseUser(cfg.BasicAuthCredentials, f.user)
	if err != nil {
		return err
	}
	line, err := issue(cfg, user, f.expiresIn)
	if err == nil && f.kubo != "" {
		line, err = kuboLine(cfg, f.kubo, line)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, line)
	return nil
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ipfs-cluster/pinsvc/common/auth"
	"github.com/ipfs-cluster/pinsvc/peer/settings"
)

// shortPassword is the number of characters below which passwd warns. It is
// lower than the limit for passwords that are stored as they are: a hash can
// only be attacked by somebody who has the file, or through the peer, which
// limits failed attempts.
const shortPassword = 12

// passwdCommand returns the command that sets the password of a user.
func (a *app) passwdCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "passwd [USER]",
		Short: "Set the password of a user, stored as a hash",
		Long: `Set the password of a user in both API sections of the configuration, which
then have only its bcrypt hash. A user that is not there is added; without USER
it is the only one that is there.

The password is asked for on a terminal, else read from standard input, one
line. The tokens that the user has end. A running daemon goes on with the old
password until "pinsvc reload".`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return a.passwd(strings.Join(args, "")) },
	}
}

// passwd sets the password in every API section of service.json. It does not
// reload a daemon by itself: an operator changes several users first, or
// another peer.
func (a *app) passwd(name string) error {
	name, err := a.passwdUser(name)
	if err != nil {
		return err
	}
	password, err := a.newPassword(name)
	if err != nil {
		return err
	}
	hash, err := auth.HashPassword(password)
	if err != nil {
		return err
	}
	sections, err := settings.SetPassword(a.folder, name, hash)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "User %s has a new password in %s.\n", name, strings.Join(sections, " and "))
	fmt.Fprintf(a.out, "Older tokens of this user end. Copy the user's entry to every peer of the cluster,\n"+
		"and run \"%s\" where the daemon runs, to make it use the new password.\n", a.commandLine("reload"))
	if utf8.RuneCountInString(password) < shortPassword {
		fmt.Fprintf(a.err, "Warning: the password is shorter than %d characters: a long random one cannot be guessed.\n", shortPassword)
	}
	for _, section := range []string{"PINSVCAPI", "RESTAPI"} {
		if v := "CLUSTER_" + section + "_BASICAUTHCREDENTIALS"; os.Getenv(v) != "" {
			fmt.Fprintf(a.err, "Warning: %s is set. A daemon with this variable does not use the entry in the file.\n", v)
		}
	}
	return nil
}

// passwdUser validates the name of the user, or returns the only one. A colon
// would end the name in Basic authentication (RFC 7617).
func (a *app) passwdUser(name string) (string, error) {
	s, err := settings.Load(a.folder, true)
	if err != nil {
		return "", err
	}
	defer s.Close()
	names := s.UserNames()
	switch {
	case name == "" && len(names) == 1:
		return names[0], nil
	case name == "" && len(names) == 0:
		return "", errors.New("there is no user yet: name one")
	case name == "":
		return "", fmt.Errorf("several users, name one: %s", strings.Join(names, ", "))
	case strings.ContainsRune(name, ':') || strings.ContainsFunc(name, unicode.IsControl):
		return "", fmt.Errorf("%q cannot be the name of a user: Basic authentication has no colons or control characters in it", name)
	}
	return name, nil
}

// newPassword reads the new password: twice on a terminal, where a mistake
// cannot be seen, else one line of standard input.
func (a *app) newPassword(user string) (string, error) {
	if f, ok := a.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		first, err := a.readHidden(f, "New password of "+user+": ")
		if err != nil {
			return "", err
		}
		second, err := a.readHidden(f, "Again: ")
		if err == nil && first != second {
			err = errors.New("these are two passwords: nothing was changed")
		}
		return first, err
	}
	line, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// readHidden reads a line from a terminal without echo. The terminal is in raw
// mode meanwhile, in which control-C is a character and not a signal, so that
// its state is always restored.
func (a *app) readHidden(terminal *os.File, prompt string) (string, error) {
	fd := int(terminal.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	defer func() { _ = term.Restore(fd, before) }()
	line, err := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{terminal, a.err}, "").ReadPassword(prompt)
	if err != nil {
		fmt.Fprint(a.err, "\r\n") // the terminal is still as it was for asking
		return "", errors.New("no password was given: nothing was changed")
	}
	return line, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// The environment variables of ipfs-cluster-service that stand for flags.
const (
	pathVariable     = "IPFS_CLUSTER_PATH"
	logLevelVariable = "IPFS_CLUSTER_LOG_LEVEL"
)

// description is the help text of the program.
const description = `pinsvc runs an IPFS Cluster peer with a complete IPFS Pinning Service API.

A peer lives in a folder, which "pinsvc init" makes. It reads what
ipfs-cluster-service has written there, the CLUSTER_* environment variables
included. Without a command, the daemon runs.`

// streams are the standard streams of a command. Tests replace them.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// app is the state that all commands share: the streams and the global flags.
type app struct {
	streams
	folder   string
	logLevel string
	debug    bool
	levels   logLevels // from logLevel and debug
	fresh    bool      // the daemon has just made its folder
}

// run executes a command line, without the name of the program, and returns the
// exit code: 0, or 1 after an error. A question that was answered with no is
// not a failure, as in ipfs-cluster-service. An error is printed on the error
// stream, one line for each mistake. The end of ctx stops a daemon as a signal
// does.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	root := a.rootCommand()
	root.SetArgs(doubleDashes(root, args))
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	printFolded(s.err, "pinsvc: %s\n", printableLines(a.withFolder(err.Error())))
	if errors.Is(err, errDeclined) { // as ipfs-cluster-service sees it
		return 0
	}
	return 1
}

// rootCommand returns the tree of all commands. Cobra prints neither errors nor
// usage: run does, because errors quote text of other people, and a usage
// message of forty lines would hide a one-line error.
func (a *app) rootCommand() *cobra.Command {
	daemon := a.daemonCommand()
	root := &cobra.Command{
		Use:               "pinsvc",
		Short:             "An IPFS Cluster peer with a Pinning Service API",
		Long:              description,
		Args:              noArgs,
		RunE:              daemon.RunE,
		Version:           versionText(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: a.prepare,
	}
	root.SetUsageTemplate(narrow(root.UsageTemplate()))
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetGlobalNormalizationFunc(alias)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see '%s --help')", err, c.CommandPath())
	})
	flags := root.PersistentFlags()
	flags.StringVarP(&a.folder, "config", "c", "", "`folder` of configuration and data (default $"+pathVariable+" or ~/.ipfs-cluster)")
	flags.StringVarP(&a.logLevel, "loglevel", "l", "", "overall and component log `levels`: \"info,cluster:debug\" (default $"+logLevelVariable+")")
	flags.BoolVarP(&a.debug, "debug", "d", false, "log everything (very much)")
	root.Flags().AddFlagSet(daemon.Flags())
	root.AddCommand(a.initCommand(), daemon, a.reloadCommand(), a.statusCommand(), a.verifyCommand(), a.tokenCommand(), a.passwdCommand(), a.stateCommand(), a.versionCommand())
	return root
}

// noArgs refuses arguments. An unknown command arrives here as an argument of
// its parent, so the error says where the commands are listed.
func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return fmt.Errorf("%w (see '%s --help')", err, c.CommandPath())
	}
	return nil
}

// prepare completes the global flags from the environment before any command
// runs. Without a log level, logging is off: commands report errors themselves,
// and the daemon turns logging on after it has validated the configuration.
func (a *app) prepare(*cobra.Command, []string) (err error) {
	if a.logLevel == "" {
		a.logLevel = os.Getenv(logLevelVariable)
	}
	if a.levels, err = parseLogLevels(a.logLevel, a.debug); err != nil {
		return err
	}
	if a.folder == "" {
		a.folder = os.Getenv(pathVariable)
	}
	if a.folder == "" {
		home, err := homeFolder()
		if err != nil {
			return fmt.Errorf("no home folder, use --config: %w", err)
		}
		a.folder = filepath.Join(home, ".ipfs-cluster")
	}
	a.folder, err = filepath.Abs(a.folder)
	if a.logLevel == "" && !a.debug {
		a.levels.silence() // commands report errors themselves; the daemon speaks up later
	} else {
		a.levels.apply()
	}
	return err
}

// commandLine returns how to type another command for the same folder.
func (a *app) commandLine(command string) string {
	if home, err := homeFolder(); a.folder == "" || err == nil && a.folder == filepath.Join(home, ".ipfs-cluster") {
		return "pinsvc " + command
	}
	return "pinsvc --config " + shellWord(a.folder) + " " + command
}

// toType matches the commands in errors, in single quotes, that the user is
// told to type.
var toType = regexp.MustCompile(`'pinsvc ([^']*)'`)

// withFolder completes the commands in an error with the folder that was given.
// Package peer does not know about flags, and writes commands for the default
// folder.
func (a *app) withFolder(text string) string {
	return toType.ReplaceAllStringFunc(text, func(quoted string) string {
		command := toType.FindStringSubmatch(quoted)[1]
		if strings.HasSuffix(command, "--help") || strings.HasPrefix(command, "--config ") {
			return quoted
		}
		return "'" + a.commandLine(command) + "'"
	})
}

// needsEscape matches the characters that a shell treats specially within a
// word.
var needsEscape = regexp.MustCompile("[^A-Za-z0-9_./~:@%+=,\u0080-\U0010ffff-]")

// shellWord returns a path as one word for a shell. It escapes with backslashes
// and not with quotes, because messages put commands in quotes.
func shellWord(path string) string { return needsEscape.ReplaceAllString(path, `\$0`) }

// narrow limits the width of the flags in a template of cobra, which would
// otherwise print each on one line of any length.
func narrow(template string) string {
	return strings.ReplaceAll(template, ".FlagUsages ", ".FlagUsagesWrapped "+strconv.Itoa(helpWidth)+" ")
}

// homeFolder returns the home folder of the user. Services often run without
// HOME, so it falls back to the user database.
func homeFolder() (string, error) {
	if home, err := os.UserHomeDir(); err == nil {
		return home, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", err
	}
	if u.HomeDir == "" {
		return "", errors.New("the user has none")
	}
	return u.HomeDir, nil
}

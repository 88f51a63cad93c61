// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Command schleuse is the gateway through which a public administration uses
// language models: server, demonstration and tools in one binary. Every verb has
// a file of its own; wire.go builds the parts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // the pages show German time on machines without a zone database

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
)

// version is set by the build.
var version = "dev"

// Exit codes.
const (
	exitFine    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitFinding = 3 // an application is incomplete, a record is broken
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// finding ends a command with exit code 3: it worked, and found something.
var errFinding = errors.New("finding")

// usageError ends a command with exit code 2.
type usageError struct{ error }

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	root := rootCommand() //nolint:contextcheck // commands take the context they are executed with
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return exitCode(root.ExecuteContext(ctx), errOut)
}

func exitCode(err error, errOut io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return exitFine
	case errors.Is(err, errFinding):
		return exitFinding
	case errors.As(err, &usage):
		fmt.Fprintln(errOut, "schleuse: "+inGerman(ofUsage(usage)))
		return exitUsage
	}
	if ofCobra(err) {
		fmt.Fprintln(errOut, "schleuse: "+inGerman(err.Error()))
		return exitUsage
	}
	fmt.Fprintln(errOut, "schleuse: "+explain(err))
	return exitFailed
}

// ofUsage is what was wrong with the command line or its files.
func ofUsage(err usageError) string {
	if errors.As(err.error, new(*gateway.Error)) {
		return explain(err.error)
	}
	return err.Error()
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "schleuse",
		Short: "KI-Schleuse: Sprachmodelle in der Verwaltung, geprüft und nachweisbar",
		Long: "KI-Schleuse steht zwischen den Systemen einer Verwaltung und den Sprachmodellen.\n" +
			"Ein erster Blick ohne alles Weitere: schleuse demo",
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.SetVersionTemplate("schleuse {{.Version}}\n")
	root.AddCommand(
		demoCommand(), serveCommand(), checkCommand(), draftCommand(),
		configCommand(), policyCommand(), auditCommand(), personCommand(), holdCommand(), normsCommand(), sourcesCommand(), tenantCommand(), keyCommand(),
		benchCommand(), versionCommand(),
	)
	speakGerman(root)
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Version ausgeben", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "schleuse "+version)
			return err
		},
	}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("diese Angabe wird nicht erwartet: %q", args[0])}
	}
	return nil
}

// atMostOneArg is for what can be left out.
func atMostOneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageError{fmt.Errorf("erwartet wird höchstens eine Angabe: %s", what)}
		}
		return nil
	}
}

func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("erwartet wird: %s", what)}
		}
		return nil
	}
}

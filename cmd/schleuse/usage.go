// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// usageTemplate is what --help shows below the first lines of a command.
const usageTemplate = `Aufruf:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [Befehl]{{end}}{{if .HasExample}}

Beispiele:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Befehle:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Optionen:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

Mehr zu einem Befehl: {{.CommandPath}} [Befehl] --help{{end}}
`

// speakGerman has cobra's own words in the language of the product.
func speakGerman(root *cobra.Command) {
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpCommand(&cobra.Command{
		Use: "help [Befehl]", Short: "Hilfe zu einem Befehl",
		RunE: func(_ *cobra.Command, args []string) error {
			found, _, err := root.Find(args)
			if err != nil {
				return usageError{err}
			}
			return found.Help()
		},
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().BoolP("help", "h", false, "diese Hilfe zeigen")
	root.Flags().BoolP("version", "v", false, "Version ausgeben")
}

// cobraWords are the beginnings of the messages of cobra and pflag.
var cobraWords = strings.NewReplacer(
	"unknown command ", "Diesen Befehl gibt es nicht: ",
	"unknown flag: ", "Diese Option gibt es nicht: ",
	"unknown shorthand flag: ", "Diese Option gibt es nicht: ",
	"flag needs an argument: ", "Der Option fehlt ein Wert: ",
	"Did you mean this?", "Ist einer von diesen gemeint?",
	" for \"schleuse", " unter \"schleuse",
)

// cobraForms are messages with a value in their middle.
var cobraForms = []struct {
	found  *regexp.Regexp
	german string
}{
	{regexp.MustCompile(`^invalid argument "(.*)" for "(.*)" flag: .*$`), `Der Wert „$1“ passt nicht zur Option $2.`},
	{regexp.MustCompile(`^required flag\(s\) "(.*)" not set$`), `Diese Option fehlt: --$1`},
	{regexp.MustCompile(`^bad flag syntax: (.*)$`), `So wird keine Option geschrieben: $1`},
}

// ofCobra: what cobra itself finds wrong with a command line, as plain errors.
func ofCobra(err error) bool {
	return strings.HasPrefix(err.Error(), "unknown command") || strings.HasPrefix(err.Error(), "required flag(s)")
}

// inGerman translates what a wrong command line is answered with.
func inGerman(text string) string {
	for _, form := range cobraForms {
		if form.found.MatchString(text) {
			return strings.ReplaceAll(form.found.ReplaceAllString(text, form.german), `", "`, ", --")
		}
	}
	line, rest, more := strings.Cut(text, "\n")
	if more {
		return cobraWords.Replace(line) + "\n" + cobraWords.Replace(rest)
	}
	return cobraWords.Replace(line)
}

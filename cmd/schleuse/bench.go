// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/eval/bench/compare"
	"github.com/ki-schleuse/schleuse/eval/bench/edge"
	"github.com/ki-schleuse/schleuse/eval/bench/floor"
	"github.com/ki-schleuse/schleuse/eval/bench/load"
	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

func benchCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "bench", Short: "Eine Schleuse messen: Kosten, Zeit, Verhalten in Grenzfällen",
		Long: "Misst diese Schleuse oder eine andere vor einem Modellserver, der nichts rechnet.\n" +
			"Schnell und ohne alles Weitere: schleuse bench compare und schleuse bench edge.\n" +
			"Eine andere Schleuse: schleuse bench mock starten, sie darauf richten, dann\n" +
			"schleuse bench edge --target name=http://127.0.0.1:8000/v1 --mock http://127.0.0.1:9100",
	}
	c.AddCommand(benchCompareCommand(), benchEdgeCommand(), benchLoadCommand(), benchMockCommand(), benchFloorCommand(), benchServeCommand())
	return c
}

// benchTargets are the flags that name gateways.
type benchTargets struct {
	named                  []string
	file, key, model, mock string
	json                   bool
}

func (b *benchTargets) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&b.named, "target", nil, "Name=Adresse einer Schleuse, endet auf /v1; mehrfach möglich")
	c.Flags().StringVar(&b.file, "targets", "", "JSON-Datei mit einer Liste von Zielen {name, url, model, embeddings, rerank, http2, headers}")
	c.Flags().StringVar(&b.key, "key", "", "Schlüssel für die Ziele aus --target; ${NAME} kommt aus der Umgebung")
	c.Flags().StringVar(&b.model, "model", compare.Model, "Modell für die Ziele aus --target")
	c.Flags().StringVar(&b.mock, "mock", "", "Adresse von schleuse bench mock, das hinter den Zielen steht")
	c.Flags().BoolVar(&b.json, "json", false, "Ergebnis als JSON")
}

// targets reads the flags; none: our own gateway is meant.
func (b *benchTargets) targets() ([]edge.Target, error) {
	var out []edge.Target
	if b.file != "" {
		raw, err := os.ReadFile(b.file)
		if err != nil {
			return nil, usageError{sayAt("--targets", err)}
		}
		if err := strict(raw, b.file, &out); err != nil {
			return nil, usageError{err}
		}
	}
	key, err := fromEnvironment(b.key)
	if err != nil {
		return nil, usageError{sayAt("--key", err)}
	}
	for _, named := range b.named {
		name, address, ok := strings.Cut(named, "=")
		if u, err := url.Parse(address); !ok || name == "" || err != nil || u.Host == "" {
			return nil, usageError{say("--target: %q hat nicht die Form NAME=http://RECHNER:PORT/v1.", named)}
		}
		t := edge.Target{Name: name, URL: strings.TrimSuffix(address, "/"), Model: b.model}
		if key != "" {
			t.Headers = map[string]string{"Authorization": "Bearer " + key}
		}
		out = append(out, t)
	}
	return out, nil
}

// stage is what is measured: the targets named, or our own gateway started for it.
func (b *benchTargets) stage(ctx context.Context, cmd *cobra.Command) (targets []edge.Target, control mock.Control, done func(), err error) {
	targets, err = b.targets()
	if err != nil {
		return nil, control, nil, err
	}
	if len(targets) > 0 && b.mock == "" {
		return nil, control, nil, usageError{say("--mock fehlt: die Adresse von schleuse bench mock hinter den Zielen.")}
	}
	if len(targets) > 0 {
		return targets, mock.Control{URL: strings.TrimSuffix(b.mock, "/")}, func() {}, nil
	}
	c, err := compareConfig(cmd.ErrOrStderr(), gatewayOptions{}) //nolint:contextcheck // looks for free ports and closes them at once
	if err != nil {
		return nil, control, nil, err
	}
	s, err := compare.Start(ctx, c)
	if err != nil {
		return nil, control, nil, err
	}
	return []edge.Target{s.Gateway.Target}, s.Control, s.Close, nil
}

func benchEdgeCommand() *cobra.Command {
	var b benchTargets
	var o edge.Options
	c := &cobra.Command{
		Use: "edge", Short: "Verhalten in Grenzfällen prüfen; ohne Ziel die eigene Schleuse", Args: noArgs,
		Long: "Prüft abgerissene Ströme, Fehler im Strom, Aufrufer, die gehen, Ablehnungen, unbekannte Felder, Kopfzeilen und mehr.\n" +
			"Der Exit-Code ist 3, wenn eine Prüfung schlecht ausgeht.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			targets, control, done, err := b.stage(cmd.Context(), cmd)
			if err != nil {
				return err
			}
			defer done()
			o.Progress = func(r edge.Result) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s %s: %s (%s)\n", r.Target, r.Check, r.Verdict, r.Seen)
			}
			var all []edge.Result
			for _, t := range targets {
				results, err := edge.Run(cmd.Context(), t, control, o)
				if err != nil {
					return err
				}
				all = append(all, results...)
			}
			if err := printBench(cmd.OutOrStdout(), b.json, all, edge.Markdown(all)); err != nil {
				return err
			}
			if edge.Worst(all) == edge.Bad {
				return errFinding
			}
			return nil
		},
	}
	b.flags(c)
	c.Flags().BoolVar(&o.Long, "long", false, "auch die Prüfungen, die auf echte Uhren warten (zwei Minuten mehr)")
	c.Flags().StringSliceVar(&o.Only, "only", nil, "nur diese Prüfungen")
	return c
}

// printBench writes a result for programs or for people.
func printBench(out io.Writer, asJSON bool, v any, table string) error {
	if !asJSON {
		_, err := io.WriteString(out, table)
		return err
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}

// benchTimes are the flags that say how long is measured.
type benchTimes struct {
	turn  time.Duration
	turns int
	only  []string
}

func (b *benchTimes) flags(c *cobra.Command, turn time.Duration, turns int) {
	c.Flags().DurationVar(&b.turn, "turn", turn, "Länge einer Runde je Ziel")
	c.Flags().IntVar(&b.turns, "turns", turns, "Runden je Ziel und Szenario")
	c.Flags().StringSliceVar(&b.only, "only", nil, "nur diese Szenarien")
}

func (b *benchTimes) validate() error {
	if b.turn < 10*time.Millisecond || b.turn > time.Hour || b.turns < 1 || b.turns > 1000 {
		return usageError{say("Für --turn sind 10ms bis 1h möglich, für --turns 1 bis 1000.")}
	}
	return nil
}

func benchLoadCommand() *cobra.Command {
	var b benchTargets
	var times benchTimes
	c := &cobra.Command{
		Use: "load", Short: "Last auf Schleusen geben und messen; ohne Ziel die eigene", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := times.validate(); err != nil {
				return err
			}
			scenarios, err := load.Pick(load.Scenarios(times.turn, times.turns), times.only)
			if err != nil {
				return usageError{err}
			}
			found, control, done, err := b.stage(cmd.Context(), cmd)
			if err != nil {
				return err
			}
			defer done()
			targets := append([]load.Target{{Name: compare.Direct, URL: control.URL + "/v1", Model: compare.Model, Embeddings: compare.EmbeddingModel}}, loadTargets(found)...)
			var all []compare.Measured
			var tables strings.Builder
			sound := true
			for _, s := range scenarios {
				results, err := load.Run(cmd.Context(), targets, s, control)
				if err != nil {
					return err
				}
				all = append(all, compare.Measured{Scenario: s, Results: results})
				tables.WriteString(load.Markdown(s, results) + "\n")
				for _, r := range results {
					sound = sound && r.Errors == 0 && r.Truncated == 0
				}
			}
			if err := printBench(cmd.OutOrStdout(), b.json, all, tables.String()); err != nil {
				return err
			}
			if !sound {
				return errFinding
			}
			return nil
		},
	}
	b.flags(c)
	times.flags(c, 1500*time.Millisecond, 3)
	return c
}

func loadTargets(from []edge.Target) []load.Target {
	var out []load.Target
	for _, t := range from {
		out = append(out, load.Target{Name: t.Name, URL: t.URL, Model: t.Model, Embeddings: t.Embeddings, Headers: t.Headers})
	}
	return out
}

func benchCompareCommand() *cobra.Command {
	var b benchTargets
	var times benchTimes
	var o gatewayOptions
	var long, english bool
	var soak time.Duration
	var listen string
	c := &cobra.Command{
		Use: "compare", Short: "Diese Schleuse neben Untergrenzen messen und mit den Zielen vergleichen", Args: noArgs,
		Long: "Startet den Modellserver, Untergrenzen und diese Schleuse als eigene Prozesse auf 127.0.0.1 und misst reihum.\n" +
			"Der Exit-Code ist 3, wenn eine Anfrage scheiterte oder ein Strom gekürzt war; verfehlte Ziele stehen in der Tabelle.\n" +
			"Weitere Schleusen: --mock-listen 127.0.0.1:9100, sie darauf richten und mit --target nennen.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := times.validate(); err != nil {
				return err
			}
			others, err := b.targets()
			if err != nil {
				return err
			}
			c, err := compareConfig(cmd.ErrOrStderr(), o)
			if err != nil {
				return err
			}
			c.Turn, c.Turns, c.Only, c.Others, c.MockListen = times.turn, times.turns, times.only, loadTargets(others), listen
			c.Streams, c.Held, c.Soak, c.Floors = 2_000, 400, soak, []floor.Mode{floor.RawFullDuplex, floor.OPA, floor.Durable}
			if long {
				c.Turn, c.Turns, c.Streams, c.Floors = 2*times.turn, 2*times.turns, 20_000, floor.Modes()
			}
			if long && soak == 0 {
				c.Soak = 10 * time.Minute
			}
			report, err := compare.Run(cmd.Context(), c)
			if err != nil {
				return err
			}
			whole := struct {
				compare.Report
				Goals []compare.Goal `json:"goals"`
			}{report, report.Goals()}
			table := report.Markdown()
			if english {
				table = report.English()
			}
			if err := printBench(cmd.OutOrStdout(), b.json, whole, table); err != nil {
				return err
			}
			if !report.Sound() {
				return errFinding
			}
			return nil
		},
	}
	b.flags(c)
	times.flags(c, 500*time.Millisecond, 2)
	c.Flags().BoolVar(&english, "english", false, "nur die Tabelle der Ziele, englisch, wie in docs/benchmarks.md")
	c.Flags().BoolVar(&long, "long", false, "viermal so lange, alle Untergrenzen, 20.000 schnelle Ströme, 10 Minuten Dauerlauf")
	c.Flags().DurationVar(&soak, "soak", 0, "Dauerlauf am Ende, zum Beispiel 10m")
	c.Flags().StringVar(&o.database, "database", "", "PostgreSQL statt SQLite; ${NAME} kommt aus der Umgebung")
	c.Flags().StringVar(&o.before, "record-before", beforeAnswer, "record.before des gemessenen Gateways: "+beforeAnswer+" oder "+beforeModel)
	c.Flags().StringVar(&o.profiles, "profile", "", "Ordner für CPU-Profile der Schleuse, eines je Szenario (go tool pprof)")
	c.Flags().StringVar(&listen, "mock-listen", "", "Adresse des Modellservers, wenn ihn weitere Schleusen kennen müssen")
	return c
}

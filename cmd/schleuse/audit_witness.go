// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
)

func auditWitnessCommand() *cobra.Command {
	c := &cobra.Command{Use: "witness", Short: "Prüfpunkte, die andernorts aufbewahrt werden"}
	c.AddCommand(auditWitnessListCommand(), auditWitnessCheckCommand())
	return c
}

func auditWitnessListCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "list", Short: "Zeugen und ihren letzten Prüfpunkt zeigen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return listWitnesses(cmd.Context(), cmd.OutOrStdout(), config)
		},
	}
	configFlag(c, &config)
	return c
}

func auditWitnessCheckCommand() *cobra.Command {
	var o recordOptions
	var folders []string
	c := &cobra.Command{
		Use: "check", Short: "Das Protokoll mit dem vergleichen, was Zeugen aufbewahren", Args: noArgs,
		Long: "Weist nach, dass jeder aufbewahrte Prüfpunkt ein Anfang des Protokolls ist, ohne die Einträge nachzurechnen\n" +
			"(das tut audit verify). Rückgabewert 3: das Protokoll wurde gekürzt, zurückgesetzt oder umgeschrieben.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return checkWitnesses(cmd.Context(), cmd.OutOrStdout(), o, folders)
		},
	}
	o.flags(c.Flags())
	c.Flags().StringSliceVar(&folders, "witness", nil, "Ordner mit Prüfpunkten; Vorgabe: die der Konfiguration")
	return c
}

func listWitnesses(ctx context.Context, out io.Writer, path string) error {
	c, err := loadConfig(path)
	if err != nil {
		return usageError{err}
	}
	all, err := c.Record.witnesses()
	if err != nil {
		return usageError{err}
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "Es sind keine Zeugen eingerichtet (record.witnesses).")
		return nil
	}
	table := newTable(out, "ZEUGE", "PRÜFPUNKTE", "GRÖSSTER")
	for _, w := range all {
		texts, err := w.Kept(ctx)
		if err != nil {
			table.row(w.Name(), "nicht lesbar: "+err.Error(), "")
			continue
		}
		var largest int64
		for _, text := range texts {
			largest = max(largest, checkpointSize(text))
		}
		table.row(w.Name(), fmt.Sprint(len(texts)), fmt.Sprint(largest))
	}
	return table.Flush()
}

// kept reads what folders keep, or the witnesses of the configuration; an error says
// which of them could not be asked.
func kept(ctx context.Context, o recordOptions, folders []string) ([][]byte, error) {
	o.orStandard()
	var all []witness.Witness
	for _, folder := range folders {
		w, err := witness.NewFolder(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	if len(folders) == 0 && o.config != "" {
		c, err := loadConfig(o.config)
		if err != nil {
			return nil, usageError{err}
		}
		if all, err = c.Record.witnesses(); err != nil {
			return nil, usageError{err}
		}
	}
	var texts [][]byte
	var silent []error
	for _, w := range all {
		some, err := w.Kept(ctx)
		if err != nil {
			silent = append(silent, sayAt("Zeuge "+w.Name(), err))
		}
		texts = append(texts, some...)
	}
	return texts, errors.Join(silent...)
}

func checkWitnesses(ctx context.Context, out io.Writer, o recordOptions, folders []string) error {
	texts, silent := kept(ctx, o, folders)
	if len(texts) == 0 {
		if silent != nil {
			return silent
		}
		return usageError{errors.New("kein Zeuge bewahrt einen lesbaren Prüfpunkt auf; nennen Sie mit --witness einen Ordner")}
	}
	viewer, done, err := openViewer(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	report, err := viewer.Compare(ctx, texts...)
	if err != nil {
		return err
	}
	if report.OK() {
		fmt.Fprintf(out, "%s des Protokolls mit %s (%s).\n", counted(report.Witnessed, "aufbewahrter Prüfpunkt ist ein Anfang", "aufbewahrte Prüfpunkte sind Anfänge"), counted(report.Size, "Blatt", "Blättern"), report.Origin)
	}
	if silent != nil {
		report.WitnessError = silent.Error()
	}
	if report.OK() {
		return silentWitness(out, report.WitnessError)
	}
	return printVerification(out, report)
}

func auditConsistencyCommand() *cobra.Command {
	var o recordOptions
	var from, to string
	c := &cobra.Command{
		Use: "consistency", Short: "Nachweisen, dass zwischen zwei Tagen nur hinzugefügt wurde", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return proveConsistency(cmd.Context(), cmd.OutOrStdout(), o, from, to)
		},
	}
	o.flags(c.Flags())
	c.Flags().StringVar(&from, "from", "", "Stand am Ende dieses Tages, JJJJ-MM-TT")
	c.Flags().StringVar(&to, "to", "", "Stand am Ende dieses Tages (Vorgabe: jetzt)")
	return c
}

// endOfDay is the point at the end of a day; an empty text is none.
func endOfDay(text string) (audit.Point, error) {
	if text == "" {
		return audit.Point{}, nil
	}
	at, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return audit.Point{}, usageError{fmt.Errorf("%q ist kein Tag der Form JJJJ-MM-TT", text)}
	}
	return audit.Point{Time: at.AddDate(0, 0, 1).Add(-time.Nanosecond)}, nil
}

func proveConsistency(ctx context.Context, out io.Writer, o recordOptions, from, to string) error {
	if from == "" {
		return usageError{errors.New("--from fehlt")}
	}
	begin, err := endOfDay(from)
	if err != nil {
		return err
	}
	end, err := endOfDay(to)
	if err != nil {
		return err
	}
	viewer, done, err := openViewer(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	proof, err := viewer.Between(ctx, begin, end)
	if err != nil {
		return err
	}
	for _, s := range []audit.Stand{proof.From, proof.To} {
		fmt.Fprintf(out, "%s am %s\n  %s\n", counted(s.Size, "Blatt", "Blätter"), s.Time.Local().Format("02.01.2006 15:04:05"), s.Root)
	}
	if !proof.Valid {
		fmt.Fprintln(out, "Der frühere Stand ist kein Anfang des späteren: Blätter wurden nachträglich geändert.")
		return errFinding
	}
	fmt.Fprintf(out, "Der frühere Stand ist der Anfang des späteren, %s hinzu. Nachweis (RFC 6962):\n  %s\n", counted(proof.To.Size-proof.From.Size, "Blatt kam", "Blätter kamen"), strings.Join(proof.Proof, "\n  "))
	return nil
}

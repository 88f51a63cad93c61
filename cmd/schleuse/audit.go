// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	auditpostgres "github.com/ki-schleuse/schleuse/gateway/audit/postgres"
	auditsqlite "github.com/ki-schleuse/schleuse/gateway/audit/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
)

// publicKeyFile in the data folder holds the public key of the record's seal.
// It is a convenience: who distrusts the folder names the key with --public-key.
const publicKeyFile = "record.pub"

func auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "Das Protokoll prüfen und ausgeben"}
	c.AddCommand(auditVerifyCommand(), auditExportCommand(), auditConsistencyCommand(), auditWitnessCommand(), auditRetainCommand())
	return c
}

// recordOptions say which record is meant.
type recordOptions struct{ config, data, publicKey string }

func (o *recordOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "Konfigurationsdatei des Dienstes; Vorgabe: schleuse.yaml, wenn auch --data fehlt")
	f.StringVar(&o.data, "data", "", "Datenordner (statt --config), zum Beispiel der einer Vorführung")
	f.StringVar(&o.publicKey, "public-key", "", "öffentlicher Schlüssel des Siegels; Vorgabe: aus --config oder der Datei record.pub im Datenordner")
}

// orStandard takes the configuration that other commands take, if nothing is named.
func (o *recordOptions) orStandard() { o.config = orStandardConfig(o.config, o.data) }

// orStandardConfig is schleuse.yaml in the working folder, if neither a configuration
// nor a data folder is named and it is there.
func orStandardConfig(config, data string) string {
	const standard = "schleuse.yaml"
	if _, err := os.Stat(standard); config == "" && data == "" && err == nil {
		return standard
	}
	return config
}

func auditVerifyCommand() *cobra.Command {
	var o recordOptions
	var export string
	var folders []string
	c := &cobra.Command{
		Use: "verify", Short: "Alle Einträge und Siegel nachrechnen", Args: noArgs,
		Long: "Rechnet jeden Eintrag, den Hashbaum und die Siegel nach, im laufenden Bestand oder in einer Ausgabe (--export).\n" +
			"Rückgabewert 3: das Protokoll weicht ab; die Einträge werden genannt.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if export != "" {
				return verifyExport(cmd.OutOrStdout(), export, o)
			}
			return verifyRecord(cmd.Context(), cmd.OutOrStdout(), o, folders)
		},
	}
	o.flags(c.Flags())
	c.Flags().StringVar(&export, "export", "", "eine Ausgabe (ZIP) ohne Datenbank prüfen")
	c.Flags().StringSliceVar(&folders, "witness", nil, "Ordner mit andernorts aufbewahrten Prüfpunkten; Vorgabe: die der Konfiguration")
	return c
}

func auditExportCommand() *cobra.Command {
	var o recordOptions
	var l look
	var out, tenant, from, to string
	c := &cobra.Command{
		Use: "export", Short: "Einträge mit Nachweisen als ZIP ausgeben", Args: noArgs,
		Long: "Gibt Einträge mit ihren Nachweisen aus. Begründung und Aktenzeichen der Prüfung stehen danach im Journal jedes Mandanten,\n" +
			"dessen Einträge ausgegeben werden. Ohne diesen Vermerk gibt es keine Ausgabe.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := exportFilter(tenant, from, to)
			if err == nil {
				err = l.check()
			}
			if err != nil {
				return err
			}
			return exportRecord(cmd.Context(), cmd.OutOrStdout(), o, out, f, l)
		},
	}
	o.flags(c.Flags())
	l.flags(c.Flags())
	c.Flags().StringVar(&out, "out", "protokoll.zip", "Ausgabedatei")
	c.Flags().StringVar(&tenant, "tenant", "", "nur dieser Mandant (Vorgabe: alle)")
	c.Flags().StringVar(&from, "from", "", "ab diesem Tag, JJJJ-MM-TT")
	c.Flags().StringVar(&to, "to", "", "bis vor diesen Tag, JJJJ-MM-TT")
	return c
}

func exportFilter(tenant, from, to string) (audit.Filter, error) {
	f := audit.Filter{Scope: audit.Scope{Tenant: gateway.TenantID(tenant), All: tenant == ""}}
	for text, at := range map[string]*time.Time{from: &f.From, to: &f.To} {
		if text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return f, usageError{fmt.Errorf("%q ist kein Tag der Form JJJJ-MM-TT", text)}
		}
		*at = day
	}
	return f, nil
}

// openViewer opens a record for reading. A server may be running beside it.
func openViewer(ctx context.Context, o recordOptions) (*audit.Viewer, func(), error) {
	o.orStandard()
	c := Config{Data: o.data}
	if o.config != "" {
		var err error
		if c, err = loadConfig(o.config); err != nil {
			return nil, nil, err
		}
		if err := c.validateSecret(); err != nil {
			return nil, nil, err
		}
	}
	if c.Data == "" {
		return nil, nil, usageError{say("--config oder --data fehlt; eine Datei schleuse.yaml gibt es in diesem Ordner nicht.")}
	}
	key, err := o.trusted(c)
	if err != nil {
		return nil, nil, err
	}
	reader, done, err := openReader(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	viewer, err := audit.NewViewer(reader, key)
	if err != nil {
		done()
		return nil, nil, err
	}
	return viewer, done, nil
}

// trusted is the public key to check seals with.
func (o *recordOptions) trusted(c Config) (string, error) {
	switch {
	case o.publicKey != "":
		return o.publicKey, nil
	case c.secret != nil:
		private, err := recordKey(c.Origin, c.secret)
		if err != nil {
			return "", err
		}
		return audit.PublicKey(private)
	}
	raw, err := os.ReadFile(filepath.Join(c.Data, publicKeyFile))
	if err != nil {
		return "", fmt.Errorf("read public key: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}

func openReader(ctx context.Context, c Config) (audit.Reader, func(), error) {
	dsn, err := fromEnvironment(c.Database)
	if err != nil {
		return nil, nil, err
	}
	if dsn != "" {
		pool, err := postgres.Open(ctx, dsn)
		if err != nil {
			return nil, nil, err
		}
		store, err := auditpostgres.Open(ctx, pool)
		if err != nil {
			pool.Close()
			return nil, nil, err
		}
		return store, pool.Close, nil
	}
	path := filepath.Join(c.Data, recordFile)
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fmt.Errorf("open record: %w", err)
	}
	store, err := auditsqlite.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	return store, func() { _ = store.Close() }, nil
}

func verifyRecord(ctx context.Context, out io.Writer, o recordOptions, folders []string) error {
	viewer, done, err := openViewer(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	witnesses := func(ctx context.Context) ([][]byte, error) { return kept(ctx, o, folders) }
	report, err := viewer.WithKept(witnesses).Verify(ctx)
	if err != nil {
		return err
	}
	return printVerification(out, report)
}

func verifyExport(out io.Writer, path string, o recordOptions) error {
	key, err := o.trusted(Config{Data: o.data})
	if err != nil {
		return sayOf(err, "Der öffentliche Schlüssel ist nicht lesbar; nennen Sie ihn mit --public-key.")
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	report, err := audit.VerifyExport(f, info.Size(), key)
	if err != nil {
		return err
	}
	return printVerification(out, report)
}

func printVerification(out io.Writer, r audit.VerifyReport) error {
	if r.OK() {
		fmt.Fprintf(out, "%s nachgerechnet, Kette lückenlos, %d Siegel gültig (%s).\n", counted(r.Leaves, "Eintrag", "Einträge"), r.Checkpoints, r.Origin)
		if r.Witnessed > 0 {
			fmt.Fprintf(out, "%s überein.\n", counted(r.Witnessed, "andernorts aufbewahrter Prüfpunkt stimmt", "andernorts aufbewahrte Prüfpunkte stimmen"))
		}
		if r.Removed > 0 {
			fmt.Fprintf(out, "Von %s wurde der Inhalt nach Ablauf der Frist entfernt; Vermerke nennen %s.\n", counted(r.Removed, "Blatt", "Blättern"), either(r.Removed, "es", "sie"))
		}
		if r.Unfinished > 0 {
			fmt.Fprintf(out, "%s noch nicht abgeschlossen.\n", counted(r.Unfinished, "Anfrage ist", "Anfragen sind"))
		}
		return silentWitness(out, r.WitnessError)
	}
	fmt.Fprintf(out, "Das Protokoll weicht ab (%s):\n", r.Origin)
	for _, p := range r.Problems {
		fmt.Fprintln(out, "  "+p.String())
	}
	if r.More > 0 {
		fmt.Fprintf(out, "  und %s\n", counted(r.More, "weiterer", "weitere"))
	}
	_ = silentWitness(out, r.WitnessError) // said; the finding decides
	return errFinding
}

// silentWitness says that a witness could not be asked: what is sound without it may
// contradict it.
func silentWitness(out io.Writer, why string) error {
	if why == "" {
		return nil
	}
	fmt.Fprintln(out, "Nicht alle Zeugen konnten gefragt werden; mit ihnen wurde nicht verglichen.")
	return errors.New(why)
}

func exportRecord(ctx context.Context, out io.Writer, o recordOptions, path string, filter audit.Filter, l look) error {
	o.orStandard()
	viewer, done, err := openViewer(ctx, o)
	if err != nil {
		return err
	}
	defer done()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if filter.To.IsZero() {
		filter.To = time.Now() // whose entries come later has no note
	}
	if err = l.note(ctx, viewer, o, filter); err == nil {
		err = viewer.Export(ctx, f, filter)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	if err := f.Close(); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s geschrieben.\nPrüfen, auch auf einem anderen Rechner: schleuse audit verify --export %s --public-key '%s'\n", path, path, viewer.PublicKeys()[0])
	return nil
}

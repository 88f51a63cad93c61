// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	"github.com/ki-schleuse/schleuse/gateway/vault"
)

func personCommand() *cobra.Command {
	c := &cobra.Command{Use: "person", Short: "Rechte betroffener Personen: Auskunft und Löschung (Art. 15, 17 DSGVO)"}
	c.AddCommand(personAccessCommand(), personEraseCommand(), personReopenCommand())
	return c
}

// personOptions say who is meant.
type personOptions struct{ config, tenant, file, user, reason string }

func (o *personOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "schleuse.yaml", "Konfigurationsdatei des Dienstes")
	f.StringVar(&o.tenant, "tenant", "", "Kennung des Mandanten")
	f.StringVar(&o.file, "case", "", "Aktenzeichen, wie es das Fachverfahren schreibt")
	f.StringVar(&o.user, "user", "", "Benutzerkennung, wie sie das Fachverfahren schreibt (statt --case)")
}

func (o *personOptions) reasonFlag(f *pflag.FlagSet) {
	f.StringVar(&o.reason, "reason", "", "Begründung, die im Protokoll steht (ohne Namen)")
}

func (o *personOptions) subject() vault.Subject {
	return vault.Subject{Tenant: gateway.TenantID(o.tenant), Case: o.file, User: identity.ParseUser(o.user)}
}

func personAccessCommand() *cobra.Command {
	var o personOptions
	var out string
	c := &cobra.Command{
		Use: "access", Short: "Zusammenstellen, was zu einem Aktenzeichen oder einer Benutzerkennung gespeichert ist", Args: noArgs,
		Long: "Stellt die Auskunft nach Art. 15 DSGVO zusammen: Einträge des Protokolls, aufbewahrte Inhalte, Abrufe aus Dokumenten.\n" +
			"Die Endung von --out bestimmt die Form: .json, .txt, .html, .odt oder .pdf. Dass die Auskunft erteilt wurde, steht im Protokoll.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, err := disclosureForm(out)
			if err != nil {
				return err
			}
			why := look{reason: o.reason}
			if err := why.checkReason(); err != nil {
				return err
			}
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, c Config) error {
				by := commandLine()
				by.Reason = why.reason
				d, err := v.Access(ctx, by, o.subject())
				if err != nil {
					return err
				}
				if out == "" {
					return d.WriteText(cmd.OutOrStdout())
				}
				if err := writeNew(out, func(w io.Writer) error { return write(w, &d, c) }); err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s geschrieben: %s, %s, %s.\nBitte prüfen Sie die Auskunft, bevor Sie sie herausgeben: Rechte anderer Personen dürfen nicht beeinträchtigt werden (Art. 15 Abs. 4 DSGVO).\n",
					out, counted(d.Total, "Eintrag", "Einträge"), counted(len(d.Contents), "Inhalt", "Inhalte"), counted(len(d.Retrievals), "Abruf", "Abrufe"))
				return err
			})
		},
	}
	o.flags(c.Flags())
	o.reasonFlag(c.Flags())
	c.Flags().StringVar(&out, "out", "", "Ausgabedatei (Vorgabe: Text auf die Standardausgabe)")
	return c
}

// disclosureForm chooses the form of a disclosure by the end of the file's name.
func disclosureForm(path string) (func(io.Writer, *vault.Disclosure, Config) error, error) {
	letter := func(write func(io.Writer, document.Letter) error) func(io.Writer, *vault.Disclosure, Config) error {
		return func(w io.Writer, d *vault.Disclosure, c Config) error {
			return write(w, addressed(d.Letter(), c.Authorities[d.Tenant].Profile))
		}
	}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		return func(w io.Writer, d *vault.Disclosure, _ Config) error { return d.WriteJSON(w) }, nil
	case ".txt", "":
		return func(w io.Writer, d *vault.Disclosure, _ Config) error { return d.WriteText(w) }, nil
	case ".html":
		return letter(document.WriteHTML), nil
	case ".odt":
		return letter(document.WriteODT), nil
	case ".pdf":
		return letter(document.WritePDF), nil
	}
	return nil, usageError{fmt.Errorf("--out %s: der Name endet auf .json, .txt, .html, .odt oder .pdf", path)}
}

// addressed fills in who sends a letter. Who gets it, the gateway does not know.
func addressed(l document.Letter, p drafting.Profile) document.Letter {
	l.Letterhead = document.Letterhead{Authority: p.Authority, Department: p.Department, Lines: p.Footer}
	if p.Authority == "" {
		l.Letterhead.Authority = "[Name der Behörde]"
	}
	l.ReturnLine = strings.Trim(strings.Join([]string{l.Letterhead.Authority, p.Street, strings.TrimSpace(p.Postcode + " " + p.City)}, ", "), ", ")
	l.Recipient = []string{"[Name der betroffenen Person]", "[Straße]", "[Ort]"}
	return l
}

// writeNew writes a file that must not exist, readable for its owner only.
func writeNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	return f.Close()
}

func personEraseCommand() *cobra.Command {
	var o personOptions
	c := &cobra.Command{
		Use: "erase", Short: "Löschen, was zu einem Aktenzeichen oder einer Benutzerkennung gelöscht werden darf", Args: noArgs,
		Long: "Vernichtet die Schlüssel der aufbewahrten Inhalte (auch Sicherungen der Inhalte sind danach unlesbar), löscht die Inhalte\n" +
			"und zu einem Aktenzeichen das Abrufprotokoll. Nennt, was bleiben muss, warum und bis wann.\n" +
			"Rückgabewert 3: eine Sperre steht entgegen.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, _ Config) error {
				done, err := v.Erase(ctx, commandLine(), o.subject(), o.reason)
				if gateway.CodeOf(err) == gateway.CodeConflict {
					fmt.Fprintln(cmd.OutOrStdout(), explain(err))
					return errFinding
				}
				if err != nil {
					return err
				}
				return printErasure(cmd.OutOrStdout(), done)
			})
		},
	}
	o.flags(c.Flags())
	o.reasonFlag(c.Flags())
	return c
}

func printErasure(out io.Writer, e vault.Erasure) error {
	fmt.Fprintf(out, "Gelöscht: %d Schlüssel vernichtet, %s und %s des Abrufprotokolls entfernt.\n", e.Keys, counted(e.Contents, "Inhalt", "Inhalte"), counted(e.Retrievals, "Eintrag", "Einträge"))
	for _, s := range e.Stays {
		fmt.Fprintf(out, "Bleibt: %s (%d).\n  %s\n", s.What, s.Count, s.Why)
		if !s.Until.IsZero() {
			fmt.Fprintf(out, "  Frühestes Ende: %s.\n", day(s.Until))
		}
	}
	_, err := fmt.Fprintln(out, "Sicherungen der Schlüsseldatenbank aus der Zeit davor müssen ihre eigene, kurze Frist haben: Erst mit ihnen ist die Löschung vollständig.")
	return err
}

func personReopenCommand() *cobra.Command {
	var o personOptions
	c := &cobra.Command{
		Use: "reopen", Short: "Zu einem gelöschten Aktenzeichen wieder Inhalte aufbewahren, unter neuem Schlüssel", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, _ Config) error {
				if err := v.Reopen(ctx, commandLine(), o.subject(), o.reason); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), "Zu diesem Aktenzeichen dürfen wieder Inhalte aufbewahrt werden. Was gelöscht wurde, bleibt unlesbar.")
				return err
			})
		},
	}
	o.flags(c.Flags())
	o.reasonFlag(c.Flags())
	return c
}

func holdCommand() *cobra.Command {
	c := &cobra.Command{Use: "hold", Short: "Sperren gegen Löschung, zum Beispiel während einer Klage"}
	c.AddCommand(holdPlaceCommand(), holdLiftCommand(), holdListCommand())
	return c
}

func holdPlaceCommand() *cobra.Command {
	var o personOptions
	var entry string
	c := &cobra.Command{
		Use: "place", Short: "Eine Sperre setzen: auf ein Aktenzeichen, eine Benutzerkennung, einen Eintrag oder den ganzen Mandanten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, _ Config) error {
				h, err := v.PlaceHold(ctx, commandLine(), o.subject(), entry, o.reason)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Die Sperre %s gilt ab sofort. Das Abrufprotokoll endet trotzdem nach seiner Frist.\n", h.ID)
				return err
			})
		},
	}
	o.flags(c.Flags())
	o.reasonFlag(c.Flags())
	c.Flags().StringVar(&entry, "entry", "", "Kennung eines Eintrags (statt --case)")
	return c
}

func holdLiftCommand() *cobra.Command {
	var o personOptions
	c := &cobra.Command{
		Use: "lift KENNUNG", Short: "Eine Sperre aufheben", Args: oneArg("die Kennung einer Sperre"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, _ Config) error {
				if err := v.LiftHold(ctx, commandLine(), gateway.TenantID(o.tenant), args[0], o.reason); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "Die Sperre %s ist aufgehoben. Was abgelaufen ist, wird innerhalb einer Stunde gelöscht.\n", args[0])
				return err
			})
		},
	}
	c.Flags().StringVar(&o.config, "config", "schleuse.yaml", "Konfigurationsdatei des Dienstes")
	c.Flags().StringVar(&o.tenant, "tenant", "", "Kennung des Mandanten")
	o.reasonFlag(c.Flags())
	return c
}

func holdListCommand() *cobra.Command {
	var o personOptions
	c := &cobra.Command{
		Use: "list", Short: "Sperren auflisten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withVault(cmd, o, func(ctx context.Context, v *vault.Vault, _ Config) error {
				holds, err := v.ListHolds(ctx, commandLine(), gateway.TenantID(o.tenant))
				if err != nil {
					return err
				}
				t := newTable(cmd.OutOrStdout(), "KENNUNG", "SEIT", "WORAUF", "GRUND")
				for _, h := range holds {
					t.row(h.ID, day(h.From), heldThing(h), h.Reason)
				}
				return t.Flush()
			})
		},
	}
	c.Flags().StringVar(&o.config, "config", "schleuse.yaml", "Konfigurationsdatei des Dienstes")
	c.Flags().StringVar(&o.tenant, "tenant", "", "Kennung des Mandanten")
	return c
}

// heldThing names what is held; file numbers and users only as pseudonyms.
func heldThing(h vault.Hold) string {
	switch {
	case h.Entry != "":
		return "Eintrag " + h.Entry
	case h.Case != "":
		return "Aktenzeichen " + string(h.Case)
	case h.User != "":
		return "Benutzerkennung " + string(h.User)
	}
	return "ganzer Mandant"
}

// commandLine is whoever runs the command, for the operator.
func commandLine() vault.Actor {
	return vault.Actor{Name: operator().Name, Roles: []string{identity.RoleTenant}, Operator: true}
}

// beside is the record of a command that runs beside a service: it is read, and
// notes are added.
type beside struct {
	*audit.Viewer

	notes *notebook
}

// Note implements vault.Record.
func (b beside) Note(ctx context.Context, n audit.Note) error { return b.notes.Note(ctx, n) }

// withVault runs f on the vault of a configuration. A server may be running beside it.
func withVault(cmd *cobra.Command, o personOptions, f func(context.Context, *vault.Vault, Config) error) (err error) {
	ctx := cmd.Context()
	if o.tenant == "" {
		return usageError{errors.New("--tenant fehlt")}
	}
	c, err := loadConfig(o.config)
	if err == nil {
		err = errors.Join(c.validateSecret(), c.validateVault())
	}
	if err != nil {
		return usageError{err}
	}
	known := false
	err = withTenants(ctx, o.config, func(r *identity.Registry) error {
		_, known = r.Tenant(gateway.TenantID(o.tenant))
		return nil
	})
	if err != nil {
		return err
	}
	if !known {
		fmt.Fprintf(cmd.ErrOrStderr(), "Hinweis: Den Mandanten %q gibt es nicht, oder nicht mehr.\n", o.tenant)
	}
	g := &ground{logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelError})), started: time.Now()}
	defer func() { err = errors.Join(err, g.closers.close()) }()
	if err := g.openVaultBeside(ctx, c); err != nil {
		return err
	}
	return f(ctx, g.vault, c)
}

// openVaultBeside opens what the vault needs, and nothing that a service needs alone.
func (g *ground) openVaultBeside(ctx context.Context, c Config) (err error) {
	if err := g.openDatabase(ctx, c); err != nil {
		return err
	}
	if err := g.openState(ctx, c); err != nil {
		return err
	}
	if g.keys, err = audit.NewKeys(derive(c.secret, "pseudonyms")); err != nil {
		return err
	}
	notes := &notebook{config: c, pool: g.pool}
	g.closers.add(notes.close)
	reader, done, err := openReader(ctx, c)
	if err != nil {
		return err
	}
	g.closers.add(func() error { done(); return nil })
	key, err := recordKey(c.Origin, c.secret)
	if err != nil {
		return err
	}
	public, err := audit.PublicKey(key)
	if err != nil {
		return err
	}
	viewer, err := audit.NewViewer(reader, public)
	if err != nil {
		return err
	}
	return g.vaultWith(ctx, c, beside{viewer, notes})
}

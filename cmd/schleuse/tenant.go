// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/drafting"
	"github.com/ki-schleuse/schleuse/gateway/identity"
	identitypostgres "github.com/ki-schleuse/schleuse/gateway/identity/postgres"
	identitysqlite "github.com/ki-schleuse/schleuse/gateway/identity/sqlite"
	"github.com/ki-schleuse/schleuse/gateway/postgres"
	"github.com/ki-schleuse/schleuse/policies"
)

const tenantsFile = "tenants.db"

// tenantStore opens the store of tenants: in the pool, or in a file of the data
// folder when there is none.
func tenantStore(ctx context.Context, c Config, pool *pgxpool.Pool) (identity.Store, func() error, error) {
	if pool != nil {
		store, err := identitypostgres.Open(ctx, pool)
		return store, func() error { return nil }, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, nil, sayOf(err, "Der Datenordner (data) lässt sich nicht anlegen.")
	}
	store, err := identitysqlite.Open(ctx, filepath.Join(c.Data, tenantsFile))
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

// tenantConfig is the same for the server and for the command line, so that both
// take and refuse the same.
func tenantConfig(c Config, store identity.Store, logger *slog.Logger) identity.Config {
	return identity.Config{
		Tenants: c.Tenants, Pepper: derive(c.secret, "api keys"), Store: store, Logger: logger,
		Settings: pageSettings(c, tenantSettings()), OwnSettings: []string{"authority", "own_limits", "origins", "register"}, Reserved: append(policies.ReservedTenants(), lawTenant, localTenant),
	}
}

// tenantSettings are what a tenant can have beside its systems, each with its check.
func tenantSettings() map[string]func(json.RawMessage) error {
	return map[string]func(json.RawMessage) error{
		// authority: what every letter shows.
		"authority": func(raw json.RawMessage) error { return strict(raw, "", &drafting.Profile{}) },
		// limits of requests, tokens and euros.
		"limits":   func(raw json.RawMessage) error { _, err := parseTenantLimits(raw); return err },
		"releases": onlyInConfiguration,
		// duties: training, staff informed, roles, registers, content to be kept.
		"duties": func(raw json.RawMessage) error { return strict(raw, "", &policies.TenantDuties{}) },
		// rules of the tenant: Rego modules that can only narrow.
		"rules": func(raw json.RawMessage) error {
			var rules []string
			if err := strict(raw, "", &rules); err != nil {
				return err
			}
			return policies.CheckTenantRules(context.Background(), "", rules)
		},
	}
}

// onlyInConfiguration: one key, or one person at a page, must not open high-risk
// purposes. Their releases come from the file of whoever runs this, and from nowhere
// else.
func onlyInConfiguration(json.RawMessage) error {
	return &gateway.Error{Op: "set releases", Code: gateway.CodeInvalid, Message: "Freigaben für Hochrisiko-Zwecke stehen nur in der Konfigurationsdatei des Betriebs (releases). Über Schnittstelle, Seiten und Befehle lassen sie sich nicht ändern."}
}

// withTenants runs f on the tenants of a configuration. A server may be running
// beside it and takes over what f changes.
func withTenants(ctx context.Context, path string, f func(*identity.Registry) error) (err error) {
	c, err := loadConfig(path)
	if err != nil {
		return usageError{err}
	}
	if err := c.validateSecret(); err != nil {
		return usageError{err}
	}
	dsn, err := fromEnvironment(c.Database)
	if err != nil {
		return err
	}
	var pool *pgxpool.Pool
	if dsn != "" {
		if pool, err = postgres.Open(ctx, dsn); err != nil {
			return err
		}
		defer pool.Close()
	}
	store, done, err := tenantStore(ctx, c, pool)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	keys, err := audit.NewKeys(derive(c.secret, "pseudonyms"))
	if err != nil {
		return err
	}
	notes := &notebook{config: c, pool: pool}
	defer func() { err = errors.Join(err, notes.close()) }()
	config := tenantConfig(c, store, slog.New(slog.DiscardHandler))
	config.Record = func(ctx context.Context, change identity.Change) error { return noteChange(ctx, notes, keys, change) }
	r, err := identity.Open(ctx, config)
	if err != nil {
		return err
	}
	return f(r)
}

// operator is whoever runs the command.
func operator() identity.Actor {
	return identity.Actor{Name: "kommandozeile " + account(), Operator: true}
}

// account is the login of whoever runs a command.
func account() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unbekannt"
}

func tenantCommand() *cobra.Command {
	c := &cobra.Command{Use: "tenant", Short: "Mandanten: anlegen, ändern, abschalten"}
	c.AddCommand(
		tenantApplyCommand(), tenantListCommand(), tenantShowCommand(),
		tenantSwitchCommand("deactivate", "Einen Mandanten abschalten: Schlüssel und Sitzungen enden sofort", false),
		tenantSwitchCommand("activate", "Einen Mandanten freischalten", true),
	)
	return c
}

func configFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "config", "schleuse.yaml", "Konfigurationsdatei des Dienstes")
}

func tenantApplyCommand() *cobra.Command {
	var config, file, keys string
	var dryRun bool
	c := &cobra.Command{
		Use: "apply", Short: "Mandanten so einrichten, wie eine Datei sie beschreibt", Args: noArgs,
		Long: "Die Datei nennt Mandanten mit Fachverfahren und den Schlüsseln, die es geben soll. Alles wird übernommen oder nichts.\n" +
			"Fachverfahren, die bei einem genannten Mandanten fehlen, entfallen; nicht genannte Mandanten und Schlüssel bleiben.\n" +
			"Mit --dry-run wird nur gezeigt, was sich ändern würde; Rückgabewert 3: es gibt Unterschiede.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return usageError{say("--file fehlt: die YAML-Datei mit den Mandanten.")}
			}
			wishes, err := readWishes(file)
			if err != nil {
				return usageError{inFile(file, err)}
			}
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				return applyTenants(cmd.Context(), cmd.OutOrStdout(), r, wishes, dryRun, keys)
			})
		},
	}
	configFlag(c, &config)
	c.Flags().StringVarP(&file, "file", "f", "", "YAML-Datei mit einer Liste unter tenants")
	c.Flags().StringVar(&keys, "keys-out", "", "neue Schlüssel in diese Datei schreiben (JSON, eine Zeile je Schlüssel) statt sie anzuzeigen")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "nur zeigen, was sich ändern würde")
	return c
}

const maxWishesBytes = 64 << 20

// readWishes reads the file strictly. A mistake is shown with its line.
func readWishes(path string) ([]identity.Wish, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxWishesBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxWishesBytes {
		return nil, say("Die Datei ist größer als 64 MiB.")
	}
	return parseWishes(raw)
}

func parseWishes(raw []byte) ([]identity.Wish, error) {
	var in struct {
		Tenants []identity.Wish `yaml:"tenants"`
	}
	if err := strictYAML(raw, &in); err != nil {
		return nil, err
	}
	if len(in.Tenants) == 0 {
		return nil, say("Unter tenants steht kein Mandant.")
	}
	return in.Tenants, nil
}

func applyTenants(ctx context.Context, out io.Writer, r *identity.Registry, wishes []identity.Wish, dryRun bool, keysOut string) (err error) {
	keys := io.WriteCloser(nil)
	if keysOut != "" && !dryRun { // before anything is made, so that no text of a key is lost
		if keys, err = os.OpenFile(keysOut, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err != nil {
			return sayAt("--keys-out", err)
		}
		defer func() { err = errors.Join(err, keys.Close()) }()
	}
	result, err := r.Apply(ctx, operator(), wishes, dryRun)
	if err != nil {
		return err
	}
	for _, c := range result.Changes {
		fmt.Fprintln(out, describe(c))
	}
	switch {
	case len(result.Changes) == 0:
		fmt.Fprintf(out, "%s geprüft, alles ist schon so.\n", counted(len(wishes), "Mandant", "Mandanten"))
		return nil
	case dryRun:
		fmt.Fprintf(out, "%s geprüft, %s aus. Nichts wurde geändert.\n", counted(len(wishes), "Mandant", "Mandanten"), counted(len(result.Changes), "Änderung steht", "Änderungen stehen"))
		return errFinding
	}
	fmt.Fprintf(out, "%s geprüft, %s übernommen.\n", counted(len(wishes), "Mandant", "Mandanten"), counted(len(result.Changes), "Änderung", "Änderungen"))
	return writeKeys(out, keys, keysOut, result.Keys)
}

// writeKeys shows new keys, or writes them to their file.
func writeKeys(out, file io.Writer, path string, keys []identity.IssuedKey) error {
	if file == nil || path == "" {
		showKeys(out, keys)
		return nil
	}
	encoder := json.NewEncoder(file)
	for _, k := range keys {
		line := struct {
			Tenant  gateway.TenantID `json:"tenant"`
			System  gateway.SystemID `json:"system"`
			Label   string           `json:"label"`
			Key     string           `json:"key"`
			Expires time.Time        `json:"expires"`
			Secret  string           `json:"secret"`
		}{k.Tenant, k.System, k.Key.Label, k.Key.ID, k.Key.Expires, k.Secret}
		if err := encoder.Encode(line); err != nil { //nolint:gosec // to hand over the text of a key is what the file is for
			return sayOf(err, "Die neuen Schlüssel lassen sich nicht in %s schreiben.", path)
		}
	}
	fmt.Fprintf(out, "%s in %s. Geben Sie %s sicher weiter und löschen Sie die Datei.\n", counted(len(keys), "neuer Schlüssel steht", "neue Schlüssel stehen"), path, either(len(keys), "ihn", "sie"))
	return nil
}

func showKeys(out io.Writer, keys []identity.IssuedKey) {
	if len(keys) == 0 {
		return
	}
	fmt.Fprintln(out, "\nNeue Schlüssel (werden nicht noch einmal gezeigt):")
	for _, k := range keys {
		fmt.Fprintf(out, "  %s/%s%s, gültig bis %s\n    %s\n", k.Tenant, k.System, labelled(k.Key.Label), day(k.Key.Expires), k.Secret)
	}
}

func labelled(label string) string {
	if label == "" {
		return ""
	}
	return " „" + label + "“"
}

func day(t time.Time) string { return t.Local().Format("02.01.2006") }

// describe says a change in one line.
func describe(c identity.Change) string {
	place := string(c.Tenant)
	if c.System != "" {
		place += "/" + string(c.System)
	}
	old, next := fieldsOf(c.Old), fieldsOf(c.New)
	switch c.Action {
	case identity.TenantCreated:
		return "+ Mandant " + place + " " + next["name"]
	case identity.TenantDeleted:
		return "- Mandant " + place
	case identity.TenantActivated, identity.TenantDeactivated, identity.TenantUpdated:
		return "~ Mandant " + place + ": " + differences(old, next)
	case identity.SystemCreated:
		return "+ Fachverfahren " + place + " " + next["name"]
	case identity.SystemRemoved:
		return "- Fachverfahren " + place + " mit allen Schlüsseln"
	case identity.SystemUpdated:
		return "~ Fachverfahren " + place + ": " + differences(old, next)
	case identity.KeyCreated:
		return "+ Schlüssel " + place + " " + next["label"]
	case identity.KeyLocked:
		return "- Schlüssel " + place + " " + c.Key + " gesperrt"
	case identity.KeyUpdated, identity.KeyRotated:
		return "~ Schlüssel " + place + " " + c.Key + ": " + differences(old, next)
	}
	return string(c.Action) + " " + place
}

func fieldsOf(raw json.RawMessage) map[string]string {
	var fields map[string]json.RawMessage
	out := map[string]string{}
	if json.Unmarshal(raw, &fields) != nil {
		return out
	}
	for name, value := range fields {
		out[name] = string(value)
	}
	return out
}

func differences(old, next map[string]string) string {
	names := slices.Sorted(maps.Keys(next))
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, ok := next[name]; !ok {
			names = append(names, name)
		}
	}
	var parts []string
	for _, name := range names {
		parts = append(parts, fmt.Sprintf("%s %s → %s", name, orNone(old[name]), orNone(next[name])))
	}
	return strings.Join(parts, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "(nichts)"
	}
	return s
}

func tenantListCommand() *cobra.Command {
	var config, text string
	c := &cobra.Command{
		Use: "list", Short: "Mandanten auflisten", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				table := newTable(cmd.OutOrStdout(), "KENNUNG", "NAME", "LAND", "REGIONALSCHLÜSSEL", "ZUSTAND", "FACHVERFAHREN", "SCHLÜSSEL", "VERWALTET")
				for _, t := range r.List(operator(), "", text, identity.MaxTenants).Items {
					table.row(string(t.ID), t.Name, t.Land, t.ARS, activity(t.Active), fmt.Sprint(len(t.Systems)), fmt.Sprint(validKeys(t)), managed(t.Managed))
				}
				return table.Flush()
			})
		},
	}
	configFlag(c, &config)
	c.Flags().StringVar(&text, "search", "", "nur Mandanten, deren Kennung oder Name dies enthält")
	return c
}

func validKeys(t identity.Tenant) (n int) {
	for _, s := range t.Systems {
		for _, k := range s.Keys {
			if k.At(time.Now()) == identity.KeyValid {
				n++
			}
		}
	}
	return n
}

func activity(active bool) string {
	if active {
		return "aktiv"
	}
	return "abgeschaltet"
}

func managed(m identity.Managed) string {
	if m == identity.ManagedConfig {
		return "Konfiguration"
	}
	return "Datenbank"
}

// table is written in columns.
type table struct{ *tabwriter.Writer }

func newTable(out io.Writer, head ...string) table {
	t := table{tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)}
	t.row(head...)
	return t
}

func (t table) row(cells ...string) { fmt.Fprintln(t, strings.Join(cells, "\t")) }

func tenantShowCommand() *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: "show KENNUNG", Short: "Einen Mandanten mit Fachverfahren und Schlüsseln zeigen (JSON)", Args: oneArg("die Kennung eines Mandanten"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				t, err := r.Show(cmd.Context(), operator(), gateway.TenantID(args[0]))
				if err != nil {
					return err
				}
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				encoder.SetEscapeHTML(false)
				return encoder.Encode(t)
			})
		},
	}
	configFlag(c, &config)
	return c
}

func tenantSwitchCommand(use, short string, active bool) *cobra.Command {
	var config string
	c := &cobra.Command{
		Use: use + " KENNUNG", Short: short, Args: oneArg("die Kennung eines Mandanten"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withTenants(cmd.Context(), config, func(r *identity.Registry) error {
				if _, err := r.SetActive(cmd.Context(), operator(), gateway.TenantID(args[0]), active); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "Der Mandant %s ist %s. Laufende Dienste wissen es nach spätestens zwei Sekunden.\n", args[0], activity(active))
				return err
			})
		},
	}
	configFlag(c, &config)
	return c
}

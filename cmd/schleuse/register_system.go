// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"
	_ "modernc.org/sqlite" // the stores' own driver, for looking at their files

	"github.com/ki-schleuse/schleuse/gateway/ui"
)

// systemBook is what runs here.
type systemBook struct{ p *parts }

func (b systemBook) System(ctx context.Context) (ui.SystemFacts, error) {
	configuration, err := b.configuration()
	if err != nil {
		return ui.SystemFacts{}, err
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	out := ui.SystemFacts{
		Version: version, Go: runtime.Version(), Build: buildOf(), Started: b.p.started,
		Revision: b.p.engine.Revision(), Digest: b.p.engine.Digest(), Rules: len(b.p.engine.Rules()), Services: len(b.p.catalog.Cards()),
		Configuration: configuration, Dependencies: dependencies(), Vendored: vendored(),
		Memory: int64(memory.Sys), Goroutines: runtime.NumGoroutine(),
	}
	if checkpoint, err := b.p.record.Checkpoint(ctx); err == nil {
		out.Entries = checkpointSize(checkpoint)
	}
	for _, w := range b.p.witnesses.States() {
		out.Witnesses = append(out.Witnesses, ui.WitnessFacts{Name: w.Name, Last: w.Time, OK: w.Error == "" && w.Waiting.IsZero(), Text: w.Error})
	}
	if b.p.pool != nil {
		b.postgres(ctx, &out)
	}
	b.files(ctx, &out)
	slices.SortFunc(out.Migrations, func(a, b ui.Migration) int { return strings.Compare(a.Component+a.Name, b.Component+b.Name) })
	return out, nil
}

// configuration is the one in force as YAML. Secrets are known by the fields that
// hold them, so that no value has to be recognised. Tenants have their own pages.
func (b systemBook) configuration() (string, error) {
	c := b.p.config
	c.Tenants = nil
	c.hideSecrets()
	raw, err := yaml.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode configuration: %w", err)
	}
	return string(raw), nil
}

func buildOf() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, at string
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.time":
			at = s.Value
		}
	}
	return strings.TrimSpace(revision[:min(len(revision), 12)] + " " + at)
}

// postgres asks the database for its size and the scripts it has seen.
func (b systemBook) postgres(ctx context.Context, out *ui.SystemFacts) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	store := ui.StoreFacts{Name: "alle gemeinsamen Speicher", Kind: "PostgreSQL", Healthy: true}
	err := b.p.pool.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&store.Bytes)
	if err == nil {
		var rows pgx.Rows
		if rows, err = b.p.pool.Query(ctx, "SELECT component, name FROM schema_migration"); err == nil {
			var found []ui.Migration
			found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ui.Migration])
			out.Migrations = append(out.Migrations, found...)
		}
	}
	if err == nil {
		err = b.p.pool.QueryRow(ctx, "SELECT count(*) FROM quota_replica WHERE expires > $1", time.Now().UnixNano()).Scan(&out.Replicas)
	}
	if err != nil {
		store.Healthy, store.Problem = false, "antwortet nicht wie erwartet"
		b.p.logger.LogAttrs(ctx, slog.LevelWarn, "system page: database", slog.Any("error", err))
	}
	out.Stores = append(out.Stores, store)
}

// storeNames explains the files of the data folder.
var storeNames = map[string]string{
	recordFile: "Protokoll", tenantsFile: "Mandanten und Schlüssel", quotaFile: "Grenzen und Verbrauch", searchFile: "Suche", "state.db": "Gemeinsame Dokumente",
	keysFile: "Fallschlüssel", vaultFile: "Inhalte, verschlüsselt", accessFile: "Abrufe aus Dokumenten",
}

// files looks at the SQLite files of the data folder, reading only.
func (b systemBook) files(ctx context.Context, out *ui.SystemFacts) {
	names, err := filepath.Glob(filepath.Join(b.p.config.Data, "*.db"))
	if err != nil {
		return
	}
	for _, name := range names {
		base := filepath.Base(name)
		title, ok := storeNames[base]
		if !ok {
			title = strings.TrimSuffix(base, ".db")
		}
		store := ui.StoreFacts{Name: title, Kind: "SQLite", Bytes: sizeOf(name) + sizeOf(name+"-wal"), Healthy: true}
		found, err := fileMigrations(ctx, name)
		if err != nil {
			store.Healthy, store.Problem = false, "ist nicht lesbar"
			b.p.logger.LogAttrs(ctx, slog.LevelWarn, "system page: store", slog.String("file", base), slog.Any("error", err))
		}
		out.Migrations = append(out.Migrations, found...)
		out.Stores = append(out.Stores, store)
	}
}

func sizeOf(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

// migrationTable is the name of a table that remembers scripts.
var migrationTable = regexp.MustCompile(`^([a-z_]*?)_?migration$`)

func fileMigrations(ctx context.Context, file string) (out []ui.Migration, err error) {
	absolute, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: absolute, RawQuery: "mode=ro&_pragma=busy_timeout(1000)"}).String())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tables, err := column(ctx, db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%migration'")
	if err != nil {
		return nil, err
	}
	for _, table := range tables {
		m := migrationTable.FindStringSubmatch(table)
		if m == nil {
			continue
		}
		names, err := column(ctx, db, `SELECT name FROM "`+table+`"`) // a name that the expression above has checked
		if err != nil {
			return nil, err
		}
		component := m[1]
		if component == "" {
			component = strings.TrimSuffix(filepath.Base(file), ".db")
		}
		for _, n := range names {
			out = append(out, ui.Migration{Component: component, Name: n})
		}
	}
	return out, nil
}

func column(ctx context.Context, db *sql.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// dependencies are the modules that this program was built from.
func dependencies() []ui.Dependency {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	var out []ui.Dependency
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		out = append(out, ui.Dependency{Name: m.Path, Version: m.Version})
	}
	return out
}

// vendored are the assets of the pages, see gateway/ui/static/vendor/VENDOR.md.
func vendored() []ui.Dependency {
	return []ui.Dependency{
		{Name: "@kern-ux/native", Version: "2.7.2", Licence: "EUPL-1.2"},
		{Name: "Material Icons (in @kern-ux/native)", Version: "2.7.2", Licence: "Apache-2.0"},
		{Name: "@fontsource/fira-sans", Version: "5.3.0", Licence: "OFL-1.1"},
		{Name: "@fontsource/fira-mono", Version: "5.3.0", Licence: "OFL-1.1"},
	}
}

// CycloneDX 1.6, as far as a parts list needs it.
type (
	bom struct {
		Format     string         `json:"bomFormat"`
		Spec       string         `json:"specVersion"`
		Version    int            `json:"version"`
		Metadata   bomMetadata    `json:"metadata"`
		Components []bomComponent `json:"components"`
	}
	bomMetadata struct {
		Component bomComponent `json:"component"`
	}
	bomComponent struct {
		Type     string       `json:"type"`
		Ref      string       `json:"bom-ref"`
		Name     string       `json:"name"`
		Version  string       `json:"version,omitempty"`
		PURL     string       `json:"purl,omitempty"`
		Hashes   []bomHash    `json:"hashes,omitempty"`
		Licences []bomLicence `json:"licenses,omitempty"`
	}
	bomHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	bomLicence struct {
		Licence struct {
			ID string `json:"id"`
		} `json:"license"`
	}
)

func licence(id string) []bomLicence {
	if id == "" {
		return nil
	}
	var l bomLicence
	l.Licence.ID = id
	return []bomLicence{l}
}

// SBOM writes the parts list as CycloneDX JSON.
func (b systemBook) SBOM(w io.Writer) error {
	main := bomComponent{Type: "application", Ref: "schleuse", Name: "ki-schleuse", Version: version, PURL: "pkg:golang/" + strings.TrimSuffix(mainModule, "/") + "@" + version, Licences: licence("EUPL-1.2")}
	out := bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: bomMetadata{main}, Components: []bomComponent{
		{Type: "platform", Ref: "go", Name: "go", Version: strings.TrimPrefix(runtime.Version(), "go"), PURL: "pkg:generic/go@" + strings.TrimPrefix(runtime.Version(), "go"), Licences: licence("BSD-3-Clause")},
	}}
	for _, d := range dependencies() {
		purl := "pkg:golang/" + d.Name + "@" + d.Version
		out.Components = append(out.Components, bomComponent{Type: "library", Ref: purl, Name: d.Name, Version: d.Version, PURL: purl})
	}
	for _, d := range vendored() {
		c := bomComponent{Type: "library", Ref: "asset/" + d.Name, Name: d.Name, Version: d.Version, Licences: licence(d.Licence)}
		if name, ok := strings.CutPrefix(d.Name, "@"); ok {
			c.PURL = "pkg:npm/%40" + name + "@" + d.Version
		}
		out.Components = append(out.Components, c)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(out)
}

const mainModule = "github.com/ki-schleuse/schleuse"

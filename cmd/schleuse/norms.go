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
	"sort"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/norms"
	"github.com/ki-schleuse/schleuse/retrieval"
)

// lawSource is the source under which imported statutes are searched.
const lawSource = "gesetze"

func normsCommand() *cobra.Command {
	c := &cobra.Command{Use: "norms", Short: "Gesetze einlesen und Fundstellen prüfen"}
	c.AddCommand(normsImportCommand(), normsCheckCommand())
	return c
}

func normsImportCommand() *cobra.Command {
	var config, data string
	c := &cobra.Command{
		Use: "import PFAD", Short: "Gesetze einlesen: XML von gesetze-im-internet.de (auch ZIP) oder JSON Lines, Datei oder Ordner",
		Args: oneArg("eine Datei oder ein Ordner mit Gesetzen"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := localConfig(data)
			if config = orStandardConfig(config, data); config != "" {
				var err error
				if c, err = loadConfig(config); err != nil {
					return err
				}
				if err := c.Validate(); err != nil {
					return err
				}
			} else if data == "" {
				return usageError{say("--config oder --data fehlt; eine Datei schleuse.yaml gibt es in diesem Ordner nicht.")}
			}
			return importNorms(cmd.Context(), cmd.OutOrStdout(), c, args[0])
		},
	}
	c.Flags().StringVar(&config, "config", "", "Konfigurationsdatei des Dienstes")
	c.Flags().StringVar(&data, "data", "", "Datenordner (statt --config)")
	return c
}

func importNorms(ctx context.Context, out io.Writer, c Config, path string) error {
	p, err := forImport(ctx, c)
	if err != nil {
		return err
	}
	defer func() { _ = p.close() }()
	statutes, sections, err := p.importLaw(ctx, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s mit %s eingelesen.\n", counted(statutes, "Gesetz", "Gesetze"), counted(sections, "Paragraf", "Paragrafen"))
	return nil
}

// forImport makes what an import needs: the search alone, unless statutes get
// vectors as well, which are made by a model and therefore through the gateway.
func forImport(ctx context.Context, c Config) (*parts, error) {
	logger := slog.New(slog.DiscardHandler)
	if c.Embeddings.Model != "" {
		return build(ctx, c, logger)
	}
	p := &parts{ground: &ground{logger: logger}, config: c}
	for _, step := range []func(context.Context, Config) error{p.openDatabase, p.openSearch} {
		if err := step(ctx, c); err != nil {
			return nil, errors.Join(err, p.close())
		}
	}
	if err := p.buildSearch(ctx); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// importLaw reads statutes into the search and keeps their facts for the check
// of citations. Texts stay in the data folder.
func (p *parts) importLaw(ctx context.Context, path string) (statutes, sections int, err error) {
	register, texts, err := norms.Import(ctx, os.DirFS(filepath.Dir(path)), filepath.Base(path))
	if err != nil {
		return 0, 0, err
	}
	if err := p.keepRegister(register); err != nil {
		return 0, 0, err
	}
	for law, list := range byLaw(texts) {
		if err := p.index.Put(ctx, statuteDocument(register, law, list)); err != nil {
			return 0, 0, fmt.Errorf("index %s: %w", law, err)
		}
	}
	return len(register.Statutes()), len(texts), nil
}

// keepRegister merges with what was imported before and replaces the file whole.
func (p *parts) keepRegister(imported *norms.Register) error {
	path := filepath.Join(p.config.Data, normsFile)
	if f, err := os.Open(path); err == nil {
		earlier, err := norms.Decode(f)
		_ = f.Close()
		if err != nil {
			return fmt.Errorf("read imported norms: %w", err)
		}
		imported = earlier.Merge(imported)
	}
	f, err := os.CreateTemp(p.config.Data, normsFile)
	if err != nil {
		return err
	}
	if err := imported.Encode(f); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func byLaw(texts []norms.Section) map[string][]norms.Section {
	out := map[string][]norms.Section{}
	for _, s := range texts {
		out[s.Law] = append(out[s.Law], s)
	}
	return out
}

// statuteDocument is a statute as the search takes it: everyone may read it.
func statuteDocument(register *norms.Register, law string, list []norms.Section) retrieval.Document {
	d := retrieval.Document{
		Tenant: lawTenant, Source: lawSource, ID: law, Title: law, MediaType: "text/plain", Statute: law,
		Principals: []gateway.Principal{"public"}, Class: []gateway.DataClass{gateway.DataPublic},
	}
	if s, ok := register.Statute(law); ok {
		d.Title, d.Stand = s.Title, s.Stand
	}
	d.Version = d.Stand
	for _, s := range list {
		d.Sections = append(d.Sections, retrieval.Section{Number: s.Number, Heading: s.Heading, Text: s.Text, URL: s.URL})
	}
	return d
}

func normsCheckCommand() *cobra.Command {
	var data string
	c := &cobra.Command{
		Use: "check TEXT", Short: "Fundstellen in einem Text gegen das Normenregister prüfen", Args: oneArg("ein Text, zum Beispiel '§ 66 Abs. 3 SGB I'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			register, err := loadRegister(data)
			if err != nil {
				return err
			}
			return checkNorms(cmd.OutOrStdout(), register, args[0])
		},
	}
	c.Flags().StringVar(&data, "data", "", "Datenordner mit eingelesenen Gesetzen")
	return c
}

func checkNorms(out io.Writer, register *norms.Register, text string) error {
	citations := register.Parse(text)
	if len(citations) == 0 {
		return usageError{errors.New("der Text nennt keine Norm")}
	}
	sort.SliceStable(citations, func(i, j int) bool { return citations[i].Start < citations[j].Start })
	missing := false
	for _, c := range citations {
		if err := register.Lookup(c); err != nil {
			missing = true
			fmt.Fprintln(out, err.Error())
			continue
		}
		e, s, _ := register.Entry(c)
		fmt.Fprintf(out, "%s: %s (%s, Stand %s)\n", c, e.Heading, s.Title, s.Stand)
	}
	if missing {
		return errFinding
	}
	return nil
}

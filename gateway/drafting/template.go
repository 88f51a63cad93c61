// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed templates/*.yaml
var embeddedTemplates embed.FS

// letterTemplate is one version of the texts of one kind of letter.
type letterTemplate struct {
	Kind      Kind   `yaml:"kind"`
	Version   string `yaml:"version"`
	ValidFrom string `yaml:"valid_from"`
	ValidTo   string `yaml:"valid_to"`
	Subject   string `yaml:"subject"`
	// Reasons give the reason for an item by the code of its finding.
	Reasons map[string]string `yaml:"reasons"`
	Blocks  []blockTemplate   `yaml:"blocks"`
}

// blockTemplate is one block: a heading, a text, or the list of items.
type blockTemplate struct {
	ID      string   `yaml:"id"`
	Regimes []Regime `yaml:"regimes"`
	// When is a condition from conditions below; empty: always.
	When    string `yaml:"when"`
	Heading string `yaml:"heading"`
	Text    string `yaml:"text"`
	// Items is ask or own.
	Items string `yaml:"items"`
	// Mandatory blocks must be in the letter when it is released.
	Mandatory bool `yaml:"mandatory"`
	// Legal texts may not be changed in a draft.
	Legal bool `yaml:"legal"`
	// Must names facts that have to appear: received, deadline, deadline-date,
	// case, caseworker, greeting, duration.
	Must []string `yaml:"must"`
	// Keep a paragraph on one page with the next.
	Keep bool `yaml:"keep"`
	// Release marks the note on the release; Released replaces Text then.
	Release  bool   `yaml:"release"`
	Released string `yaml:"released"`
}

// letterData are the fields a template may use.
type letterData struct {
	Service                     string
	Nominative, Accusative      string
	Greeting                    string
	Received                    string
	Preserves, Via, Law         string
	Deadline, DeadlineDate      string
	Case, Caseworker            string
	Phone, Email, Duration      string
	Releaser, ReleasedOn        string
	Profile                     Profile
	application, own, sensitive bool
	checked, complete           bool
}

// conditions a block can depend on.
func (d letterData) when(condition string) (bool, error) {
	switch condition {
	case "":
		return true, nil
	case "application":
		return d.application, nil
	case "notice":
		return !d.application, nil
	case "own":
		return d.own, nil
	case "sensitive":
		return d.sensitive, nil
	case "complete":
		return d.checked && d.complete, nil
	case "incomplete":
		return d.checked && !d.complete, nil
	case "unchecked":
		return !d.checked, nil
	}
	return false, fmt.Errorf("unknown condition %q", condition)
}

// fact returns the value of a name in Must.
func (d letterData) fact(name string) (Fact, error) {
	switch name {
	case "received":
		return Fact{Kind: FactDate, Value: d.Received}, nil
	case "deadline":
		return Fact{Kind: FactDate, Value: d.Deadline}, nil
	case "deadline-date":
		return Fact{Kind: FactDate, Value: d.DeadlineDate}, nil
	case "case":
		return Fact{Kind: FactReference, Value: d.Case}, nil
	case "caseworker":
		return Fact{Kind: FactName, Value: d.Caseworker}, nil
	case "greeting":
		return Fact{Kind: FactName, Value: d.Greeting}, nil
	case "duration":
		return Fact{Kind: FactNumber, Value: d.Duration}, nil
	}
	return Fact{}, fmt.Errorf("unknown fact %q", name)
}

func (b blockTemplate) applies(r Regime, d letterData) (bool, error) {
	if len(b.Regimes) > 0 && !slices.Contains(b.Regimes, r) {
		return false, nil
	}
	return d.when(b.When)
}

// loadTemplates reads all templates of a file system and checks them.
func loadTemplates(files fs.FS) ([]letterTemplate, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list letter templates: %w", err)
	}
	var list []letterTemplate
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("read letter template %s: %w", name, err)
		}
		var t letterTemplate
		if err := yaml.UnmarshalWithOptions(data, &t, yaml.Strict()); err != nil {
			return nil, fmt.Errorf("read letter template %s: %w", name, err)
		}
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("letter template %s: %w", name, err)
		}
		list = append(list, t)
	}
	return list, nil
}

// check renders every block once with an empty letter, so that a mistake in a
// template is found at the start and not with the first letter.
func (t letterTemplate) check() error {
	if t.Kind == "" || t.Version == "" || t.Subject == "" || len(t.Blocks) == 0 {
		return fmt.Errorf("kind, version, subject and blocks are required")
	}
	for _, day := range []string{t.ValidFrom, t.ValidTo} {
		if _, err := time.Parse(time.DateOnly, day); err != nil && day != "" {
			return fmt.Errorf("date %q: %w", day, err)
		}
	}
	for _, b := range t.Blocks {
		if b.ID == "" {
			return fmt.Errorf("block without id")
		}
		if _, err := (letterData{}).when(b.When); err != nil {
			return fmt.Errorf("block %s: %w", b.ID, err)
		}
		for _, name := range b.Must {
			if _, err := (letterData{}).fact(name); err != nil {
				return fmt.Errorf("block %s: %w", b.ID, err)
			}
		}
		for _, text := range []string{b.Text, b.Heading, b.Released} {
			if _, err := render(text, letterData{}); err != nil {
				return fmt.Errorf("block %s: %w", b.ID, err)
			}
		}
	}
	return nil
}

// choose returns the template of a kind that is valid on a day; of several the
// one that came into force last.
func choose(list []letterTemplate, kind Kind, day time.Time) (letterTemplate, bool) {
	date := day.Format(time.DateOnly)
	var best letterTemplate
	found := false
	for _, t := range list {
		if t.Kind != kind || t.ValidFrom > date || t.ValidTo != "" && t.ValidTo < date {
			continue
		}
		if !found || t.ValidFrom > best.ValidFrom {
			best, found = t, true
		}
	}
	return best, found
}

// render fills in a text.
func render(text string, d letterData) (string, error) {
	if !strings.Contains(text, "{{") {
		return strings.TrimSpace(text), nil
	}
	t, err := texttemplate.New("block").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, d); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

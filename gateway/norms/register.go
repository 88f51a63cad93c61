// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package norms

import (
	"bufio"
	_ "embed" // the two tables below
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

//go:generate go run ./generate

// The generated table (federal statutes) and the one written by hand (EU acts
// and norms the letters need).
var (
	//go:embed register.txt
	generatedTable string
	//go:embed supplement.txt
	handTable string
)

// Register is an immutable set of statutes.
type Register struct {
	statutes []*Statute
	byAlias  map[string]*Statute
}

// Default is the embedded register.
func Default() *Register { return embedded() }

var embedded = sync.OnceValue(func() *Register {
	generated, err := Decode(strings.NewReader(generatedTable))
	if err != nil {
		return NewRegister() // caught by the package's tests
	}
	hand, err := Decode(strings.NewReader(handTable))
	if err != nil {
		return generated
	}
	return hand.Merge(generated)
})

// NewRegister builds a register; of two statutes with the same abbreviation the
// one with the newer Stand wins, the later one when they are equal; a whole
// statute wins over a partial one.
func NewRegister(statutes ...*Statute) *Register {
	r := &Register{byAlias: map[string]*Statute{}}
	for _, s := range statutes {
		r.put(s)
	}
	for _, s := range r.statutes {
		for _, alias := range s.Aliases {
			if _, taken := r.byAlias[aliasKey(alias)]; !taken {
				r.byAlias[aliasKey(alias)] = s
			}
		}
	}
	return r
}

func (r *Register) put(s *Statute) {
	key := aliasKey(s.Abbr)
	old, known := r.byAlias[key]
	switch {
	case !known:
		r.statutes = append(r.statutes, s)
	case old.Partial == s.Partial && old.Stand > s.Stand, s.Partial && !old.Partial:
		return
	default:
		s = s.withAliases(old.Aliases)
		for i := range r.statutes {
			if r.statutes[i] == old {
				r.statutes[i] = s
			}
		}
	}
	r.byAlias[key] = s
}

func (s *Statute) withAliases(more []string) *Statute {
	merged := *s
	merged.Aliases = append([]string(nil), s.Aliases...)
	for _, a := range more {
		if !slices.Contains(merged.Aliases, a) {
			merged.Aliases = append(merged.Aliases, a)
		}
	}
	return &merged
}

// Merge returns a register with the statutes of both. Where both know a
// statute, the one with the newer Stand wins, other's on a tie.
func (r *Register) Merge(other *Register) *Register {
	all := append(append([]*Statute(nil), r.statutes...), other.statutes...)
	return NewRegister(all...)
}

// Statutes in the order of the register.
func (r *Register) Statutes() []*Statute { return append([]*Statute(nil), r.statutes...) }

// Statute finds a law by abbreviation or alias.
func (r *Register) Statute(law string) (*Statute, bool) {
	s, ok := r.byAlias[aliasKey(law)]
	return s, ok
}

// Entry returns what the register knows about the § or Article of a citation.
func (r *Register) Entry(c Citation) (Entry, *Statute, bool) {
	s, ok := r.Statute(c.Law)
	if !ok {
		return Entry{}, nil, false
	}
	e, ok := s.Entries[entryKey(c)]
	return e, s, ok
}

// aliasKey makes "SGB 1", "SGB I" and "sgb  i" of one kind of writing equal.
func aliasKey(law string) string { return strings.ToLower(strings.Join(strings.Fields(law), " ")) }

// partialMark follows "verified" or "unverified" of a statute that is only partly
// in the table.
const partialMark = ",partial"

// Limits of the table format.
const (
	maxTableLine = 64 << 10
	maxEntries   = 200_000
)

// Decode reads the table format: a line "@abbr<TAB>aliases<TAB>unit<TAB>stand
// <TAB>verified|unverified[,partial]<TAB>source<TAB>title" per statute, then one line
// "number<TAB>heading<TAB>absätze<TAB>flags" per §. "#" starts a comment line.
func Decode(in io.Reader) (*Register, error) {
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 4096), maxTableLine)
	var statutes []*Statute
	line, entries := 0, 0
	for scanner.Scan() {
		line++
		text := scanner.Text()
		if text == "" || text[0] == '#' {
			continue
		}
		if entries++; entries > maxEntries {
			return nil, errors.New("norms: table has too many entries")
		}
		fields := strings.Split(text, "\t")
		if fields[0][:min(1, len(fields[0]))] == "@" {
			s, err := decodeStatute(fields)
			if err != nil {
				return nil, fmt.Errorf("norms: table line %d: %w", line, err)
			}
			statutes = append(statutes, s)
			continue
		}
		if len(statutes) == 0 || fields[0] == "" {
			return nil, fmt.Errorf("norms: table line %d: section without statute or number", line)
		}
		e, err := decodeEntry(fields)
		if err != nil {
			return nil, fmt.Errorf("norms: table line %d: %w", line, err)
		}
		statutes[len(statutes)-1].Add(e)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("norms: read table: %w", err)
	}
	return NewRegister(statutes...), nil
}

func decodeStatute(f []string) (*Statute, error) {
	if len(f) != 7 || len(f[0]) < 2 {
		return nil, errors.New("statute line needs seven fields")
	}
	s := &Statute{
		Abbr: f[0][1:], Unit: f[2], Stand: f[3], Verified: strings.HasPrefix(f[4], "verified"), Partial: strings.HasSuffix(f[4], partialMark),
		Source: f[5], Title: f[6], Entries: map[string]Entry{},
	}
	if s.Unit != UnitSection && s.Unit != UnitArticle {
		return nil, fmt.Errorf("unit %q", s.Unit)
	}
	for alias := range strings.SplitSeq(f[1], "|") {
		if alias = strings.TrimSpace(alias); alias != "" {
			s.Aliases = append(s.Aliases, alias)
		}
	}
	return s, nil
}

func decodeEntry(f []string) (Entry, error) {
	for len(f) < 4 {
		f = append(f, "")
	}
	e := Entry{Number: f[0], Heading: f[1], Repealed: strings.Contains(f[3], "weg"), Open: strings.Contains(f[3], "offen")}
	var err error
	e.Paragraphs, e.RepealedParagraphs, err = expandLabels(f[2])
	return e, err
}

// Encode writes the table format.
func (r *Register) Encode(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, s := range r.statutes {
		verified := "unverified"
		if s.Verified {
			verified = "verified"
		}
		if s.Partial {
			verified += partialMark
		}
		fmt.Fprintf(w, "@%s\t%s\t%s\t%s\t%s\t%s\t%s\n", cell(s.Abbr), cell(strings.Join(s.Aliases, "|")), s.Unit, s.Stand, verified, cell(s.Source), cell(s.Title))
		for _, e := range s.Sections() {
			flags := ""
			if e.Repealed {
				flags = "weg"
			}
			if e.Open {
				flags = "offen"
			}
			line := cell(e.Number) + "\t" + cell(e.Heading) + "\t" + compactLabels(e.Paragraphs, e.RepealedParagraphs) + "\t" + flags
			fmt.Fprintln(w, strings.TrimRight(line, "\t"))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("norms: write table: %w", err)
	}
	return nil
}

func cell(s string) string { return strings.Join(strings.Fields(s), " ") }

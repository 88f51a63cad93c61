// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/ki-schleuse/schleuse/gateway/document"
	"github.com/ki-schleuse/schleuse/gateway/norms"
)

// The checks, with the numbers of the release gate:
//
//	G1 the citation exists down to its Absatz
//	G2 the citation was supplied by the check or the template
//	G4 numbers and amounts are facts
//	G5 dates are facts or were computed, weekdays are right
//	G6 names, addresses and file numbers are exact
//	G8 mandatory blocks are there and unchanged, no Rechtsbehelfsbelehrung
//	G9 no placeholder, no text of another procedural law
const (
	checkExists    = "G1"
	checkSupplied  = "G2"
	checkNumber    = "G4"
	checkDate      = "G5"
	checkName      = "G6"
	checkMandatory = "G8"
	checkLeftover  = "G9"
)

// checks runs all of them over a letter as it stands now.
func (d *Drafter) checks(draft Draft) []Check {
	e := examiner{draft: draft, register: d.register}
	places := flatten(draft.Letter)
	matched := e.match(places)
	for i, pl := range places {
		e.place(pl, matched[i])
	}
	e.absent(matched)
	e.computed()
	return e.result()
}

// examiner collects the findings on one letter.
type examiner struct {
	draft    Draft
	register *norms.Register
	// ignoreFixed leaves the comparison with fixed texts out (for measuring).
	ignoreFixed bool
	found       []Check
	// unverified are norms a person was already asked to look up.
	unverified []string
}

func (e *examiner) add(id string, level Level, pl place, start, end int, reason string) {
	e.found = append(e.found, Check{ID: id, Level: level, Reason: reason, Path: pl.path, Start: start, End: end, Text: pl.text[start:end]})
}

// match finds the part each text came from: the same text first, then the most
// similar one. A text without a part is new.
func (e *examiner) match(places []place) []*Part {
	matched := make([]*Part, len(places))
	used := make([]bool, len(e.draft.Parts))
	pair := func(same func(pl place, part Part) bool) {
		for i, pl := range places {
			for k, part := range e.draft.Parts {
				if matched[i] == nil && !used[k] && same(pl, part) {
					matched[i], used[k] = &e.draft.Parts[k], true
				}
			}
		}
	}
	pair(func(pl place, part Part) bool { return pl.path == part.Path && pl.text == part.Text })
	pair(func(pl place, part Part) bool { return pl.text == part.Text && sameArea(pl.path, part.Path) })
	pair(func(pl place, part Part) bool { return pl.path == part.Path && similar(pl.text, part.Text) })
	pair(func(pl place, part Part) bool { return sameArea(pl.path, part.Path) && similar(pl.text, part.Text) })
	pair(func(pl place, part Part) bool {
		return pl.path == part.Path && (part.Block == blockHead || part.Block == blockSubject)
	})
	return matched
}

// sameArea keeps a line of the address from being taken for one of the body.
func sameArea(a, b string) bool {
	x, _, _ := strings.Cut(a, "[")
	y, _, _ := strings.Cut(b, "[")
	return x == y
}

// similar: at least half of the words are the same, or both are short.
func similar(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) <= 3 && len(y) <= 3 {
		return true
	}
	same := 0
	for _, w := range x {
		if slices.Contains(y, w) {
			same++
		}
	}
	return 2*same >= max(len(x), len(y))
}

// place runs the checks on one text.
func (e *examiner) place(pl place, part *Part) {
	cites := e.register.Parse(pl.text)
	e.norms(pl, part, cites)
	e.values(pl, part, cites)
	e.names(pl, part)
	e.leftovers(pl, cites)
	e.remedy(pl)
	if part == nil {
		return
	}
	if part.Fixed && part.Text != pl.text && !e.ignoreFixed {
		id, reason := checkMandatory, "Dieser Text ist vorgeschrieben und darf nicht geändert werden."
		if part.Block == blockHead {
			id, reason = checkName, "Diese Angabe weicht von den hinterlegten Daten ab."
		}
		e.add(id, LevelRed, pl, 0, len(pl.text), reason)
	}
	e.must(pl, part)
}

// must: the facts of a part appear in it unchanged.
func (e *examiner) must(pl place, part *Part) {
	ids := map[FactKind]string{FactDate: checkDate, FactNumber: checkNumber, FactName: checkName, FactReference: checkName, FactNorm: checkSupplied}
	for _, f := range part.Must {
		if !containsWhole(pl.text, f.Value) {
			e.add(ids[f.Kind], LevelRed, pl, 0, len(pl.text), "Hier muss „"+f.Value+"“ stehen.")
		}
	}
}

// containsWhole finds a value that is not part of a longer word.
func containsWhole(text, value string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], value)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(value)
		if !letterBefore(text, i) && !letterAfter(text, end) {
			return true
		}
		from = i + 1
	}
}

// norms: G1 and G2.
func (e *examiner) norms(pl place, part *Part, cites []norms.Citation) {
	for _, c := range cites {
		if err := e.register.Lookup(c); err != nil {
			reason := "Die Fundstelle lässt sich nicht bestätigen."
			if lookup, ok := errors.AsType[*norms.LookupError](err); ok {
				reason = "Fundstelle: " + lookup.Message + "."
			}
			e.add(checkExists, LevelRed, pl, c.Start, c.End, reason)
			continue
		}
		if s, ok := e.register.Statute(c.Law); ok && !s.Verified && !slices.Contains(e.unverified, c.String()) {
			e.unverified = append(e.unverified, c.String())
			e.add(checkExists, LevelYellow, pl, c.Start, c.End, "Diese Fundstelle stammt aus zweiter Hand ("+s.Source+"). Bitte prüfen Sie sie im Gesetz.")
		}
		if !e.supplied(c, part) {
			e.add(checkSupplied, LevelRed, pl, c.Start, c.End, "Diese Fundstelle kommt weder aus der Prüfung noch aus der Vorlage: "+c.String()+".")
		}
	}
}

func (e *examiner) supplied(c norms.Citation, part *Part) bool {
	if part != nil {
		return slices.Contains(part.Citations, c.String())
	}
	return slices.ContainsFunc(e.draft.Parts, func(p Part) bool { return slices.Contains(p.Citations, c.String()) })
}

// values: G4, G5 and the file numbers of G6. Every value in a text must stand in
// the part it was assembled from; in a new text, in any part.
func (e *examiner) values(pl place, part *Part, cites []norms.Citation) {
	list := tokensOf(pl.text, cites)
	if t, reason, wrong := wrongWeekday(pl.text, list); wrong {
		e.add(checkDate, LevelRed, pl, t.start, t.end, reason)
	}
	if len(list) == 0 || part != nil && part.Text == pl.text {
		return
	}
	known := e.known(part)
	for _, t := range list {
		if known[t.norm] {
			continue
		}
		switch t.kind {
		case FactDate:
			e.add(checkDate, LevelRed, pl, t.start, t.end, "Dieses Datum ist weder eine Angabe aus dem Fall noch berechnet.")
		case FactNumber:
			e.add(checkNumber, LevelRed, pl, t.start, t.end, "Diese Zahl ist keine Angabe aus dem Fall.")
		default:
			e.add(checkName, LevelRed, pl, t.start, t.end, "Dieses Zeichen oder diese Nummer ist keine Angabe aus dem Fall.")
		}
	}
}

func (e *examiner) known(part *Part) map[string]bool {
	known := map[string]bool{}
	parts := e.draft.Parts
	if part != nil {
		parts = []Part{*part}
	}
	for _, p := range parts {
		for _, t := range tokensOf(p.Text, e.register.Parse(p.Text)) {
			known[t.norm] = true
		}
	}
	return known
}

// names: in a changed text, a new word in the place of a name, or one that is
// almost a name of the case, is a wrong name.
func (e *examiner) names(pl place, part *Part) {
	if part != nil && part.Text == pl.text {
		return
	}
	names := e.caseNames()
	lost := lostName(names, pl, part)
	replaced := false
	from := 0
	for _, w := range words(pl.text) {
		at := from + strings.Index(pl.text[from:], w)
		from = at + len(w)
		if slices.Contains(names, w) || e.anywhere(w) {
			continue
		}
		if name, near := nearName(w, names); near {
			e.add(checkName, LevelRed, pl, at, at+len(w), "Dieser Name ist anders geschrieben als im Fall („"+name+"“).")
			continue
		}
		if first := []rune(w)[0]; lost != "" && !replaced && unicode.IsUpper(first) {
			e.add(checkName, LevelRed, pl, at, at+len(w), "Hier stand der Name „"+lost+"“.")
			replaced = true
		}
	}
	if lost != "" && !replaced {
		e.add(checkName, LevelYellow, pl, 0, len(pl.text), "Hier stand der Name „"+lost+"“. Bitte prüfen Sie, ob er fehlen darf.")
	}
}

// lostName is a name of the case that stood in the assembled text and is gone.
func lostName(names []string, pl place, part *Part) string {
	if part == nil {
		return ""
	}
	now := words(pl.text)
	for _, w := range words(part.Text) {
		if slices.Contains(names, w) && !slices.Contains(now, w) {
			return w
		}
	}
	return ""
}

// nearName finds a name that differs from a word in a letter or two.
func nearName(w string, names []string) (string, bool) {
	if len([]rune(w)) < 4 {
		return "", false
	}
	for _, name := range names {
		if limit := nameTolerance(name); len([]rune(name)) >= 4 && distance(w, name, limit) <= limit {
			return name, true
		}
	}
	return "", false
}

func nameTolerance(name string) int {
	if len([]rune(name)) < 6 {
		return 1
	}
	return 2
}

// anywhere says whether a word is part of the assembled letter.
func (e *examiner) anywhere(w string) bool {
	return slices.ContainsFunc(e.draft.Parts, func(p Part) bool { return slices.Contains(words(p.Text), w) })
}

// caseNames are the words of the names in address, reference block and facts.
func (e *examiner) caseNames() []string {
	var list []string
	for _, p := range e.draft.Parts {
		text := ""
		if strings.HasPrefix(p.Path, "recipient") || strings.HasPrefix(p.Path, "letterhead.authority") {
			text = p.Text
		}
		for _, f := range p.Must {
			if f.Kind == FactName {
				text += " " + f.Value
			}
		}
		for _, w := range words(text) {
			if len([]rune(w)) >= 2 && !slices.Contains(list, w) {
				list = append(list, w)
			}
		}
	}
	return list
}

// absent: mandatory parts that are not in the letter any more.
func (e *examiner) absent(matched []*Part) {
	for i := range e.draft.Parts {
		part := &e.draft.Parts[i]
		if part.Mandatory && !slices.Contains(matched, part) {
			e.found = append(e.found, Check{ID: checkMandatory, Level: LevelRed, Path: part.Path, Reason: "Hier fehlt ein Pflichtteil des Schreibens („" + part.Block + "“)."})
		}
	}
	if !slices.ContainsFunc(e.draft.Letter.Info, func(p document.Pair) bool { return p.Label == "Datum" && p.Value != "" }) {
		e.found = append(e.found, Check{ID: checkMandatory, Level: LevelRed, Path: "info", Reason: "Im Schreiben fehlt das Datum."})
	}
}

// computed: the rule behind the computed day.
func (e *examiner) computed() {
	if d := e.draft.Deadline; d != nil && !d.Verified {
		e.found = append(e.found, Check{ID: checkDate, Level: LevelYellow, Reason: "Die Bekanntgaberegel hinter der Frist ist nicht am Gesetzestext geprüft (" + d.Source + ")."})
	}
}

// result puts a green line for every check that found nothing.
func (e *examiner) result() []Check {
	texts := []struct{ id, reason string }{
		{checkExists, "Alle Fundstellen stehen im Normenregister."},
		{checkSupplied, "Alle Fundstellen kommen aus der Prüfung oder der Vorlage."},
		{checkNumber, "Alle Zahlen sind Angaben aus dem Fall."},
		{checkDate, "Alle Daten sind Angaben aus dem Fall oder berechnet."},
		{checkName, "Namen, Anschrift und Aktenzeichen stimmen überein."},
		{checkMandatory, "Alle Pflichtteile sind enthalten, eine Rechtsbehelfsbelehrung ist nicht enthalten."},
		{checkLeftover, "Keine Platzhalter und keine Texte aus anderem Verfahrensrecht."},
	}
	for _, t := range texts {
		if !slices.ContainsFunc(e.found, func(c Check) bool { return c.ID == t.id }) {
			e.found = append(e.found, Check{ID: t.id, Level: LevelGreen, Reason: t.reason})
		}
	}
	return e.found
}

// cited lists the norms of the letter once, with heading and Stand.
func (d *Drafter) cited(l document.Letter) []CitedNorm {
	list := []CitedNorm{}
	for _, pl := range flatten(l) {
		for _, c := range d.register.Parse(pl.text) {
			norm := CitedNorm{Citation: c.String()}
			if entry, s, ok := d.register.Entry(c); ok {
				norm.Heading, norm.Stand, norm.Verified = entry.Heading, s.Stand, s.Verified
			}
			if !slices.Contains(list, norm) {
				list = append(list, norm)
			}
		}
	}
	return list
}

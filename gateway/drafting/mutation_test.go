// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package drafting

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/completeness"
	"github.com/ki-schleuse/schleuse/gateway/document"
)

// mutation falsifies one value in a text; "" means it does not occur there.
type mutation struct {
	name string
	// places it is looked for in: letter texts whose path has the prefix.
	apply func(r *rand.Rand, text string, in Input) string
}

var (
	sectionPattern   = regexp.MustCompile(`(§ |Art\. )(\d+)`)
	paragraphPattern = regexp.MustCompile(`(Abs\. )(\d+)`)
	amountPattern    = regexp.MustCompile(`\d+,\d\d Euro`)
	datePattern      = regexp.MustCompile(`\b(\d{1,2})(\. (Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember)|\.\d\d\.20)`)
)

func mutations() []mutation {
	return []mutation{
		{"wrong section", func(r *rand.Rand, text string, _ Input) string { return bumpGroup(r, text, sectionPattern, 120) }},
		{"wrong Absatz", func(r *rand.Rand, text string, _ Input) string { return bumpGroup(r, text, paragraphPattern, 9) }},
		{"wrong amount", func(r *rand.Rand, text string, _ Input) string {
			return replaceOne(r, text, amountPattern, func(s string) string { return otherDigit(r, s) })
		}},
		{"wrong date", func(r *rand.Rand, text string, _ Input) string {
			return replaceOne(r, text, datePattern, func(s string) string {
				day, rest, _ := strings.Cut(s, ".")
				n, _ := strconv.Atoi(day)
				return fmt.Sprintf("%0*d.%s", len(day), (n+r.IntN(8))%28+1, rest)
			})
		}},
		{"wrong month", func(r *rand.Rand, text string, _ Input) string {
			months := []string{"Januar", "Februar", "April", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}
			return replaceOne(r, text, regexp.MustCompile(strings.Join(months, "|")), func(string) string { return months[r.IntN(len(months))] })
		}},
		{"other name", func(r *rand.Rand, text string, in Input) string {
			return replaceOne(r, text, namesOf(in), func(string) string {
				return []string{"Kowalski", "Öztürk", "Lehmann", "Nguyen", "Sommer"}[r.IntN(5)]
			})
		}},
		{"misspelt name", func(r *rand.Rand, text string, in Input) string {
			return replaceOne(r, text, namesOf(in), func(s string) string {
				letters := []rune(s)
				i := 1 + r.IntN(len(letters)-1)
				letters[i] = rune('a' + r.IntN(26))
				return string(letters)
			})
		}},
		{"wrong file number", func(r *rand.Rand, text string, in Input) string {
			return replaceOne(r, text, regexp.MustCompile(regexp.QuoteMeta(in.Case)), func(s string) string { return otherDigit(r, s) })
		}},
	}
}

// namesOf matches the surnames and first names of the case as whole words.
func namesOf(in Input) *regexp.Regexp {
	names := []string{in.Recipient.Last, in.Recipient.First}
	names = append(names, strings.Fields(in.Caseworker.Name)...)
	for _, f := range in.Report.Findings {
		names = append(names, strings.Fields(f.Person)...)
	}
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b`)
}

func replaceOne(r *rand.Rand, text string, p *regexp.Regexp, change func(string) string) string {
	found := p.FindAllStringIndex(text, -1)
	if len(found) == 0 {
		return ""
	}
	at := found[r.IntN(len(found))]
	return text[:at[0]] + change(text[at[0]:at[1]]) + text[at[1]:]
}

func bumpGroup(r *rand.Rand, text string, p *regexp.Regexp, most int) string {
	found := p.FindAllStringSubmatchIndex(text, -1)
	if len(found) == 0 {
		return ""
	}
	at := found[r.IntN(len(found))]
	return text[:at[4]] + strconv.Itoa(1+r.IntN(most)) + text[at[5]:]
}

func otherDigit(r *rand.Rand, s string) string {
	b := []byte(s)
	for {
		i := r.IntN(len(b))
		if b[i] < '0' || b[i] > '9' {
			continue
		}
		b[i] = '0' + (b[i]-'0'+1+byte(r.IntN(8)))%10
		return string(b)
	}
}

// withText returns the letter with another text at one place.
func withText(l document.Letter, path, text string) document.Letter {
	var i, item, k int
	switch {
	case path == "subject":
		l.Subject = text
	case scan(path, "recipient[%d]", &i):
		l.Recipient = append([]string(nil), l.Recipient...)
		l.Recipient[i] = text
	case scan(path, "info[%d]", &i):
		l.Info = append([]document.Pair(nil), l.Info...)
		_, l.Info[i].Value, _ = strings.Cut(text, ": ")
	case scan(path, "body[%d].items[%d][%d]", &i, &item, &k):
		l.Body = append([]document.Block(nil), l.Body...)
		list := l.Body[i].(document.List)
		items := append([][]document.Paragraph(nil), list.Items...)
		items[item] = append([]document.Paragraph(nil), items[item]...)
		items[item][k] = document.Text(text)
		list.Items = items
		l.Body[i] = list
	case scan(path, "body[%d]", &i):
		l.Body = append([]document.Block(nil), l.Body...)
		if h, ok := l.Body[i].(document.Heading); ok {
			h.Text = text
			l.Body[i] = h
			break
		}
		l.Body[i] = document.Text(text)
	}
	return l
}

func scan(path, format string, into ...any) bool {
	n, err := fmt.Sscanf(path, format, into...)
	return err == nil && n == len(into)
}

// randomCase varies people, dates, amounts, file number and regime.
func randomCase(r *rand.Rand) Input {
	in := housing()
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	last := pick("Beispiel", "Schäfer", "Nowak", "Yıldırım", "Großmann", "Petrović", "Weiß-Mann", "Abendroth")
	in.Recipient = Recipient{Salutation: pick("Frau", "Herr", ""), First: pick("Erika", "Mehmet", "Anneliese", "Milan"), Last: last, Street: pick("Lindenweg ", "Am Markt ") + strconv.Itoa(1+r.IntN(90)), Postcode: strconv.Itoa(70000 + r.IntN(900)), City: "Musterstadt"}
	in.Caseworker.Name = pick("Jana Hofmann", "Torsten Albrecht", "Selin Aydın")
	in.Case = fmt.Sprintf("%s-2026/%06d", pick("WG", "50.2", "V 33"), r.IntN(1_000_000))
	in.Date = time.Date(2026, time.Month(1+r.IntN(12)), 1+r.IntN(28), 0, 0, 0, 0, time.UTC)
	in.Received = in.Date.AddDate(0, 0, -1-r.IntN(20))
	in.PeriodDays = 14 + r.IntN(20)
	findings := append([]completeness.Finding(nil), in.Report.Findings...)
	for i := range findings {
		if findings[i].Person != "" {
			old := findings[i].Person
			findings[i].Person = pick("Jonas", "Mia", "Leyla", "Kasimir") + " " + last
			findings[i].Question = strings.ReplaceAll(findings[i].Question, old, findings[i].Person)
			findings[i].Message = strings.ReplaceAll(findings[i].Message, old, findings[i].Person)
		}
	}
	findings[2].Message = fmt.Sprintf("Im Antrag steht eine Miete von %d,%02d Euro, im Mietvertrag vom %02d.03.2024 eine von %d,50 Euro.", 300+r.IntN(900), r.IntN(100), 1+r.IntN(28), 300+r.IntN(900))
	in.Report = &completeness.Report{ID: "c", Service: in.Service.ID, Findings: findings}
	if r.IntN(3) == 0 {
		in.Service = Service{ID: in.Service.ID, Title: "Bewohnerparkausweis", Regime: RegimeLVwVfG}
		for i := range findings {
			findings[i].Basis = []string{pick("§ 26 Abs. 2 VwVfG", "§ 45 Abs. 1b Nr. 2a StVO", "§ 21 Abs. 1 BMG")}
		}
	}
	return in
}

// TestMutatedLetters falsifies one value per letter and counts how often a check
// turns red.
func TestMutatedLetters(t *testing.T) {
	t.Parallel()
	const perKind = 80
	b := setup(t, nil)
	total, caught, caughtByFacts, falseAlarms, letters := 0, 0, 0, 0, 0
	for _, m := range mutations() {
		r := rand.New(rand.NewPCG(2026, uint64(len(m.name))))
		n, hit := 0, 0
		for n < perKind {
			in := randomCase(r)
			d := draft(t, b, in)
			if letters++; !d.Releasable {
				falseAlarms++
				t.Errorf("false alarm: %q", reds(d))
				break
			}
			path, text := falsify(r, d, m, in)
			if path == "" {
				continue
			}
			n++
			d.Letter = withText(d.Letter, path, text)
			if checked := b.drafter.Check(d); !checked.Releasable {
				hit++
			} else {
				t.Logf("missed (%s) at %s: %s", m.name, path, text)
			}
			if byFacts(b.drafter, d) {
				caughtByFacts++
			}
		}
		t.Logf("%-18s %d of %d", m.name, hit, n)
		total, caught = total+n, caught+hit
	}
	recall := float64(caught) / float64(total)
	t.Logf("recall %.4f (%d of %d); %.4f without comparing fixed texts; false alarms %d of %d letters", recall, caught, total, float64(caughtByFacts)/float64(total), falseAlarms, letters)
	if recall < 0.99 || falseAlarms > 0 {
		t.Errorf("recall %.4f, false alarms %d; want at least 0.99 and none", recall, falseAlarms)
	}
}

// falsify looks for a place where the mutation applies.
func falsify(r *rand.Rand, d Draft, m mutation, in Input) (path, text string) {
	places := flatten(d.Letter)
	r.Shuffle(len(places), func(i, k int) { places[i], places[k] = places[k], places[i] })
	for _, pl := range places {
		if !strings.HasPrefix(pl.path, "body") && !strings.HasPrefix(pl.path, "recipient") && !strings.HasPrefix(pl.path, "info") {
			continue
		}
		if changed := m.apply(r, pl.text, in); changed != "" && changed != pl.text {
			return pl.path, changed
		}
	}
	return "", ""
}

// byFacts checks a letter without comparing fixed texts with the template.
func byFacts(d *Drafter, draft Draft) bool {
	e := examiner{draft: draft, register: d.register, ignoreFixed: true}
	places := flatten(draft.Letter)
	matched := e.match(places)
	for i, pl := range places {
		e.place(pl, matched[i])
	}
	e.absent(matched)
	for _, c := range e.found {
		if c.Level == LevelRed {
			return true
		}
	}
	return false
}

// TestHarmlessEditsPass: a person may reword and add friendly sentences.
func TestHarmlessEditsPass(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	d := draft(t, b, housing())
	at := func(block string) string {
		for _, p := range d.Parts {
			if p.Block == block {
				return p.Path
			}
		}
		t.Fatalf("no block %s", block)
		return ""
	}
	inserted := d
	inserted.Letter.Body = append([]document.Block{d.Letter.Body[0], document.Text("Wir freuen uns über Ihre Nachricht. Ihr Aktenzeichen WG-2026/004711 hilft uns.")}, d.Letter.Body[1:]...)
	for name, edited := range map[string]document.Letter{
		"reworded":  withText(d.Letter, at("pruefung"), "Wir haben Ihre Unterlagen geprüft. Leider fehlen noch einige davon. Bitte helfen Sie uns, damit wir schnell weiterarbeiten können."),
		"longer":    withText(d.Letter, at("gruss"), "Herzlichen Dank und mit freundlichen Grüßen"),
		"inserted":  inserted.Letter,
		"subject":   withText(d.Letter, "subject", "Ihr Antrag auf Wohngeld: Es fehlen noch Unterlagen"),
		"new order": swapped(d.Letter, 2, 3),
	} {
		changed := d
		changed.Letter = edited
		if checked := b.drafter.Check(changed); !checked.Releasable {
			t.Errorf("%s: %q", name, reds(checked))
		}
	}
}

func swapped(l document.Letter, i, k int) document.Letter {
	l.Body = append([]document.Block(nil), l.Body...)
	l.Body[i], l.Body[k] = l.Body[k], l.Body[i]
	return l
}

// TestForbiddenEdits: what a person may not do to a letter.
func TestForbiddenEdits(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	d := draft(t, b, housing())
	last := document.Text("Gegen dieses Schreiben kann innerhalb eines Monats Widerspruch erhoben werden.")
	cases := map[string]struct {
		id   string
		edit func(l document.Letter) document.Letter
	}{
		"notice of remedies": {"G8", func(l document.Letter) document.Letter {
			l.Body = append(append([]document.Block(nil), l.Body...), last)
			return l
		}},
		"placeholder":    {"G9", func(l document.Letter) document.Letter { return withText(l, "subject", "Ihr Antrag [[Leistung]]") }},
		"unnamed person": {"G9", func(l document.Letter) document.Letter { return withText(l, "subject", "Ihr Antrag, XXX") }},
		"foreign law": {"G9", func(l document.Letter) document.Letter {
			return withText(l, "subject", "Ihr Antrag nach § 26 Abs. 2 VwVfG")
		}},
		"without consequence": {"G8", func(l document.Letter) document.Letter { return without(d, l, "folgen-versagung") }},
		"without items":       {"G8", func(l document.Letter) document.Letter { return without(d, l, "punkte") }},
		"without address":     {"G8", func(l document.Letter) document.Letter { l.Recipient = nil; return l }},
		"other period": {"G4", func(l document.Letter) document.Letter {
			return withText(l, "subject", "Ihr Antrag: Antwort binnen zwei Wochen")
		}},
		"impossible date": {"G5", func(l document.Letter) document.Letter {
			return withText(l, "subject", "Ihr Antrag: Montag, 31. Februar 2027")
		}},
		"wrong weekday": {"G5", func(l document.Letter) document.Letter {
			return withText(l, "subject", "Ihr Antrag bis Montag, 18. Dezember 2026")
		}},
		"norm without law": {"G1", func(l document.Letter) document.Letter { return withText(l, "subject", "Ihr Antrag nach § 66 Abs. 3") }},
		"unsupplied norm":  {"G2", func(l document.Letter) document.Letter { return withText(l, "subject", "Ihr Antrag nach § 19 WoGG") }},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := d
			changed.Letter = tc.edit(d.Letter)
			checked := b.drafter.Check(changed)
			if !strings.Contains("\n"+strings.Join(reds(checked), "\n"), "\n"+tc.id+" ") {
				t.Errorf("red checks %q, want one of %s", reds(checked), tc.id)
			}
			if _, err := b.drafter.Release(context.Background(), gateway.Caller{}, changed, "Jana Hofmann"); err == nil {
				t.Error("the letter was released")
			}
		})
	}
}

// without takes out every block of the body that came from one template block.
func without(d Draft, l document.Letter, block string) document.Letter {
	var body []document.Block
	for i, b := range l.Body {
		gone := false
		for _, p := range d.Parts {
			if p.Block == block && (p.Path == fmt.Sprintf("body[%d]", i) || strings.HasPrefix(p.Path, fmt.Sprintf("body[%d].", i))) {
				gone = true
			}
		}
		if !gone {
			body = append(body, b)
		}
	}
	l.Body = body
	return l
}

func FuzzCheckNeverPanics(f *testing.F) {
	f.Add("Bitte bis Montag, 4. Januar 2027, § 66 Abs. 3 SGB I, 1.234,50 Euro, WG-2026/1", "Frau Müller")
	f.Add("\xff§ \x00 [[ 99999999999999999999,1 31.02.2027", "")
	d, err := New(Config{
		Permit:  func(context.Context, gateway.Request) (Permit, error) { return fakePermit{log: new([]string)}, nil },
		Profile: func(context.Context, gateway.TenantID) (Profile, error) { return city(), nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		in := housing()
		in.Items = []Item{{Title: "x" + other, Ask: text}}
		made, err := d.Draft(context.Background(), gateway.Caller{}, in)
		if err != nil {
			return
		}
		made.Letter = withText(made.Letter, "subject", text)
		made.Letter = withText(made.Letter, "body[1]", other)
		for _, c := range d.Check(made).Checks {
			if c.Start < 0 || c.End < c.Start {
				t.Fatalf("span %d–%d", c.Start, c.End)
			}
		}
	})
}

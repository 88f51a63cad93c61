// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// refusals count what was refused, for metrics.
type refusals struct {
	byKind [len(kinds)]atomic.Int64
	store  atomic.Int64
}

func (k *Keeper) count(s *scope, err error) error {
	e, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	for i, kind := range kinds {
		if kind == e.kind {
			k.refused.byKind[i].Add(1)
		}
	}
	if e.store {
		k.refused.store.Add(1)
	}
	if e.kind.Budget() && e.spent {
		s.mu.Lock()
		if b := s.budgetOf(e.kind); b != nil {
			b.used100 = true
		}
		s.mu.Unlock()
	}
	return e.public()
}

func (s *scope) budgetOf(k Kind) *budget {
	if k == KindDay {
		return s.day
	}
	return s.month
}

// refusal is a limit that is reached.
type refusal struct {
	scope Scope
	kind  Kind
	text  string
	after time.Duration
	// spent: the money is used up, not only held by requests under way.
	spent bool
	// store: the store did not answer.
	store bool
	cause error
}

func (r *refusal) Error() string { return string(r.kind) + " of " + r.scope.String() }

func (r *refusal) public() *gateway.Error {
	code := gateway.CodeRateLimited
	if r.kind.Budget() {
		code = gateway.CodeBudget
	}
	err := r.cause
	if err == nil {
		err = r
	}
	return &gateway.Error{Op: "quota", Code: code, Message: r.text, RetryAfter: r.after, Err: err}
}

// whose names a scope for people.
func whose(s Scope) string {
	switch s.Class {
	case "key":
		return "dieses Schlüssels"
	case "system":
		return "des Fachverfahrens „" + clean(s.Name) + "“"
	case "purpose":
		return "des Zwecks „" + clean(s.Name) + "“"
	case "tenant":
		return "des Mandanten"
	}
	return "des Betreibers für alle Mandanten"
}

// printable removes control characters, which no database and no line needs.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// clean keeps foreign names short and on one line.
func clean(s string) string {
	s = printable(s)
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// units per kind, for sentences.
func unit(k Kind) string {
	switch k {
	case KindInput:
		return "Eingabe-Token je Minute"
	case KindOutput:
		return "Ausgabe-Token je Minute"
	case KindConcurrent:
		return "gleichzeitige Anfragen"
	case KindDay:
		return "je Tag"
	case KindMonth:
		return "je Monat"
	case KindRequests:
	}
	return "Anfragen je Minute"
}

func tooFast(s Scope, b *bucket, n int64) error {
	after := b.wait(n)
	return &refusal{
		scope: s, kind: b.account.Kind, after: after,
		text: fmt.Sprintf("Die Grenze %s%s ist erreicht. Bitte versuchen Sie es in %s erneut.", whose(s), amount(s, b.limit, b.account.Kind), seconds(after)),
	}
}

func full(s Scope, p *places, _ time.Time) error {
	return &refusal{
		scope: s, kind: KindConcurrent, after: time.Second,
		text: fmt.Sprintf("Die Grenze %s%s ist erreicht. Sobald eine laufende Anfrage beendet ist, kann eine neue beginnen.", whose(s), amount(s, p.limit, KindConcurrent)),
	}
}

// amount says how high a limit is, unless several tenants share it.
func amount(s Scope, limit int64, k Kind) string {
	if s.shared() {
		return " für " + strings.TrimSuffix(unit(k), " je Minute")
	}
	return fmt.Sprintf(" von %s %s", number(limit), unit(k))
}

func tooDear(s Scope, b *budget, n int64, cal calendar, now time.Time) error {
	r := &refusal{scope: s, kind: b.account.Kind, after: b.account.Ends.Sub(now)}
	name := "Tagesbudget"
	if b.account.Kind == KindMonth {
		name = "Monatsbudget"
	}
	size := ""
	if !s.shared() {
		size = " von " + euros(b.limit)
	}
	free := "Es steht ab dem " + b.account.Ends.In(cal.zone).Format("02.01.2006, 15:04") + " Uhr wieder zur Verfügung."
	switch left := max(b.limit-b.book.Used-b.book.Lost-b.spent, 0); {
	case n > b.limit:
		r.after = 0 // waiting does not help
		r.text = fmt.Sprintf("Die Anfrage kann mehr kosten, als das %s %s%s insgesamt erlaubt. Bitte begrenzen Sie die Länge der Antwort.", name, whose(s), size)
	case n > left:
		r.spent = left <= b.limit/100
		r.text = fmt.Sprintf("Das %s %s%s reicht für diese Anfrage nicht mehr aus. %s", name, whose(s), size, free)
		if !s.shared() && left > 0 {
			r.text = fmt.Sprintf("Das %s %s%s reicht für diese Anfrage nicht mehr aus: Übrig sind noch %s, die Anfrage kann bis zu %s kosten. %s", name, whose(s), size, euros(left), euros(n), free)
		}
	default:
		r.after = 2 * time.Second
		r.text = fmt.Sprintf("Der Rest des %ss %s%s ist durch laufende Anfragen belegt. Bitte versuchen Sie es in wenigen Sekunden erneut.", name, whose(s), size)
	}
	return r
}

func noStore(s Scope, k Kind, cause error) error {
	what := "Die Grenzen"
	if k.Budget() {
		what = "Das Budget"
	}
	verb := " können"
	if k.Budget() {
		verb = " kann"
	}
	return &refusal{
		scope: s, kind: k, store: true, cause: cause, after: 10 * time.Second,
		text: what + " " + whose(s) + verb + " zurzeit nicht geprüft werden. Die Anfrage wurde deshalb nicht angenommen. Bitte versuchen Sie es in Kürze erneut.",
	}
}

func seconds(d time.Duration) string {
	n := int64(math.Ceil(d.Seconds()))
	if n <= 1 {
		return "einer Sekunde"
	}
	return fmt.Sprintf("%s Sekunden", number(n))
}

// number writes thousands with points.
func number(n int64) string {
	s := fmt.Sprintf("%d", n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "." + s[i:]
	}
	return s
}

// euros writes an amount for people: rounded up to cents, or to what is smaller.
func euros(n int64) string {
	const cent = million / 100
	if n > 0 && n < cent {
		return strings.Replace(Euro(n).String(), ".", ",", 1) + " €"
	}
	cents := n / cent
	return fmt.Sprintf("%s,%02d €", number(cents/100), cents%100)
}

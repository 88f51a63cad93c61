// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"fmt"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// showView explains one decision: why, what was done, how it ran, the proof.
type showView struct {
	view
	Entry    audit.Entry
	Row      row
	Sentence string
	Rules    []firedRule
	Silent   []Rule
	Steps    []step
	Kinds    []gateway.FindingKind
	Duties   []string
	Risk     gateway.Risk
	Revision string
	Verified *verifiedView
}

// firedRule is a rule that applied, with what it led to.
type firedRule struct {
	gateway.Reason
	Effect string
}

// step is one line of the course of events.
type step struct {
	At   time.Duration
	Text string
	Note string
	Main bool
}

// verifiedView is the result of pressing „Erneut prüfen“.
type verifiedView struct {
	OK       bool
	At       time.Time
	Entries  int64
	Problems []audit.Problem
}

func (u *UI) decisionShow(w http.ResponseWriter, r *http.Request) error {
	v, err := u.showView(r)
	if err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "decision_show.html", v)
}

// decisionVerify recomputes the whole record and shows the result on the page.
func (u *UI) decisionVerify(w http.ResponseWriter, r *http.Request) error {
	report, err := u.Records.Verify(r.Context())
	if err != nil {
		return err
	}
	u.verified.set(report.OK(), u.Now())
	v, err := u.showView(r)
	if err != nil {
		return err
	}
	v.Verified = &verifiedView{OK: report.OK(), At: u.Now(), Entries: report.Leaves, Problems: report.Problems}
	v.Sealed = u.verified.state()
	return u.render(w, r, http.StatusOK, "decision_show.html", v)
}

func (u *UI) showView(r *http.Request) (showView, error) {
	entry, err := u.Records.Show(r.Context(), audit.Scope{Tenant: personOf(r).Tenant}, r.PathValue("id"))
	if err != nil {
		return showView{}, err
	}
	v := showView{Entry: entry, Row: u.row(entry.Item), Kinds: kinds(entry.Record.Screened)}
	v.view = u.view(r, purposeName(entry.Record.Purpose))
	v.Path = "/admin/decisions"
	v.Sentence = sentence(entry.Item)
	v.Rules = firedRules(entry.Item)
	v.Silent = silent(u.Rules(), v.Rules)
	v.Duties = entry.Record.Applied
	v.Steps = steps(entry.Item)
	if n := len(entry.Record.Decisions); n > 0 {
		v.Risk = entry.Record.Decisions[n-1].Risk
		v.Revision = entry.Record.Decisions[n-1].Revision
	}
	return v, nil
}

// sentence is the outcome in words that can be quoted.
func sentence(i audit.Item) string {
	rec := i.Record
	if rec.Effect() != gateway.EffectAllow {
		return "Die Anfrage wurde an kein Modell gesendet. " + decisive(rec, i.Closing).Text
	}
	var parts []string
	switch {
	case rec.Masked == 1:
		parts = append(parts, "Eine Stelle mit Personenbezug wurde vor dem Versand ersetzt.")
	case rec.Masked > 1:
		parts = append(parts, fmt.Sprintf("%d Stellen mit Personenbezug wurden vor dem Versand ersetzt.", rec.Masked))
	}
	if rec.Route == nil {
		parts = append(parts, "Es war kein Modell beteiligt; das Ergebnis beruht auf festen Regeln.")
	} else {
		parts = append(parts, fmt.Sprintf("Das Modell %s lief hier: %s.", rec.Route.Model, residencyName(rec.Route.Residency)))
	}
	if i.Closing == nil {
		return strings.Join(append(parts, "Die Bearbeitung läuft noch."), " ")
	}
	return strings.Join(append(parts, endings[i.Closing.Outcome]), " ")
}

var endings = map[gateway.Outcome]string{
	gateway.OutcomeAnswered:    "Das Ergebnis ist ein Vorschlag und keine Entscheidung.",
	gateway.OutcomeStopped:     "Die Antwort wurde nicht herausgegeben.",
	gateway.OutcomeTruncated:   "Die Antwort des Modells brach ab und wurde als unvollständig gemeldet.",
	gateway.OutcomeFailed:      "Es kam keine Antwort zustande.",
	gateway.OutcomeCancelled:   "Die Anfrage wurde von der aufrufenden Stelle abgebrochen.",
	gateway.OutcomeInterrupted: "Der Dienst wurde währenddessen beendet; das wurde beim nächsten Start vermerkt.",
}

// firedRules are the reasons of all decisions, the blocking first, each rule once.
func firedRules(i audit.Item) []firedRule {
	decisions := i.Record.Decisions
	if i.Closing != nil && i.Closing.Response != nil {
		decisions = append(decisions[:len(decisions):len(decisions)], *i.Closing.Response)
	}
	var out []firedRule
	seen := map[string]bool{}
	for _, d := range decisions {
		duties := map[string][]string{}
		for _, o := range d.Obligations {
			duties[o.Rule] = append(duties[o.Rule], dutyName(o.ID))
		}
		for _, reason := range d.Reasons {
			if seen[reason.Rule] {
				continue
			}
			seen[reason.Rule] = true
			f := firedRule{Reason: reason, Effect: effectText(reason.Severity)}
			if names := duties[reason.Rule]; len(names) > 0 {
				f.Effect = "Auflage: " + strings.Join(names, ", ")
			}
			out = append(out, f)
		}
	}
	sort.SliceStable(out, func(a, b int) bool { return weight(out[a].Severity) < weight(out[b].Severity) })
	return out
}

func weight(severity string) int {
	switch severity {
	case "block":
		return 0
	case "narrow":
		return 1
	}
	return 2
}

func effectText(severity string) string {
	switch severity {
	case "block":
		return "abgelehnt"
	case "narrow":
		return "Modelle eingeschränkt"
	}
	return "Hinweis"
}

// silent are the rules in force that did not apply.
func silent(all []Rule, fired []firedRule) []Rule {
	applied := map[string]bool{}
	for _, f := range fired {
		applied[f.Rule] = true
	}
	var out []Rule
	for _, r := range all {
		if !applied[r.ID] {
			out = append(out, r)
		}
	}
	return out
}

// steps is the course of events as far as the record knows it.
func steps(i audit.Item) []step {
	rec := i.Record
	out := []step{{Text: "Anfrage angenommen", Note: fmt.Sprintf("%s, %d Byte", operationName(rec.Operation), rec.BodyBytes)}}
	found := "kein Personenbezug erkannt"
	if n := rec.Screened.Total(); n > 0 {
		found = fmt.Sprintf("%d Stellen in %d Arten", n, len(kinds(rec.Screened)))
	}
	out = append(out, step{Text: "Personenbezug gesucht", Note: found})
	var policies time.Duration
	for _, d := range rec.Decisions {
		policies += d.Duration
	}
	out = append(out, step{At: policies, Text: "Regeln ausgewertet", Note: fmt.Sprintf("%d Entscheidungen, Regelstand %s", len(rec.Decisions), revisionOf(rec)), Main: true})
	if n := len(rec.Passages); n > 0 {
		out = append(out, step{At: policies, Text: "Fundstellen geladen", Note: fmt.Sprintf("%d Fundstellen, mit den Leserechten der anfragenden Stelle", n)})
	}
	if rec.Masked > 0 {
		out = append(out, step{At: policies, Text: "Personenbezug ersetzt", Note: fmt.Sprintf("%d Stellen", rec.Masked), Main: true})
	}
	if i.Closing == nil {
		return out
	}
	end := i.Closing
	if rec.Route != nil {
		if end.FirstByte > 0 {
			out = append(out, step{At: end.Total - end.Model + end.FirstByte, Text: "Antwort beginnt"})
		}
		out = append(out, step{At: end.Total, Text: "Modell hat geantwortet", Note: fmt.Sprintf("%s, %d + %d Token", rec.Route.Model, end.Usage.Input, end.Usage.Output)})
	}
	note := end.Result
	if end.Restored > 0 {
		note = fmt.Sprintf("%d Stellen wieder eingesetzt", end.Restored)
	}
	return append(out, step{At: end.Total, Text: "Abgeschlossen", Note: note})
}

func revisionOf(rec gateway.Record) string {
	if n := len(rec.Decisions); n > 0 {
		return rec.Decisions[n-1].Revision
	}
	return "unbekannt"
}

// verification remembers the last check of the whole record, for the header.
type verification struct {
	mu   sync.Mutex
	last sealState
}

type sealState struct {
	Known, OK bool
	At        time.Time
}

func (v *verification) set(ok bool, at time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.last = sealState{Known: true, OK: ok, At: at}
}

func (v *verification) state() sealState {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.last
}

// Verified tells the pages the result of a check made elsewhere, for example at start.
func (u *UI) Verified(ok bool, at time.Time) { u.verified.set(ok, at) }

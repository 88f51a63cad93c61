// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"sort"
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
	Heading  phrase
	Sentence []phrase
	// Blocked is the rule that refused; nil: none did.
	Blocked  *gateway.Reason
	Rules    []firedRule
	Silent   []Rule
	Steps    []step
	Kinds    []gateway.FindingKind
	Duties   []fulfilled
	Risk     gateway.Risk
	Revision string
	Verified *verifiedView
	Replay   *replayView
	// Revisions can be replayed against; none: replays are not offered.
	Revisions []PolicyRevision
	Seal      sealed
	// Before is what stands before the entry in the tree.
	Before leftHash
	Notes  []noteLine
	// Released is the word of a person about the result, Waiting that there is none yet.
	Released *noteLine
	Waiting  bool
	// Readable: content is kept, and the person may read it with a justification.
	Readable bool
	// RuleLinks: the person may open the pages of rules.
	RuleLinks bool
	Until     time.Time
}

// firedRule is a rule that applied, with what it led to.
type firedRule struct {
	gateway.Reason
	Effect phrase
	Duties []string
}

// step is one line of the course of events.
type step struct {
	At   time.Duration
	Text phrase
	Note phrase
	Main bool
}

// verifiedView is the result of pressing „Erneut prüfen“.
type verifiedView struct {
	OK       bool
	At       time.Time
	Entries  int64
	Problems []audit.Problem
}

// decisionShow shows one decision to whom has said why, and the question why to
// everybody else.
func (u *UI) decisionShow(w http.ResponseWriter, r *http.Request) error {
	v, err := u.showView(r)
	if errors.Is(err, errNotOpened) {
		return u.render(w, r, http.StatusOK, "decision_open.html", u.openView(r, v.Row))
	}
	if err != nil {
		return err
	}
	return u.render(w, r, http.StatusOK, "decision_show.html", v)
}

// decisionVerify recomputes the whole record and shows the result on the page.
func (u *UI) decisionVerify(w http.ResponseWriter, r *http.Request) error {
	if _, err := u.opened(r); err != nil {
		return err
	}
	v, err := u.showView(r)
	if err != nil {
		return err
	}
	if !u.verified.running.TryLock() {
		return &gateway.Error{Op: "verify record", Code: gateway.CodeConflict, Message: "Das Protokoll wird gerade geprüft. Bitte versuchen Sie es gleich noch einmal."}
	}
	defer u.verified.running.Unlock()
	report, err := u.Records.Verify(r.Context())
	if err != nil {
		return err
	}
	err = u.jot(r.Context(), personOf(r), audit.Note{
		Topic: audit.TopicVerified, Object: "record", Text: verdictOf(report), Tenant: audit.Operator,
	})
	if err != nil {
		return err
	}
	u.verified.set(report.OK(), u.Now())
	v.Verified = &verifiedView{OK: report.OK(), At: u.Now(), Entries: report.Leaves, Problems: report.Problems}
	v.Sealed = u.verified.state()
	return u.render(w, r, http.StatusOK, "decision_show.html", v)
}

func (u *UI) showView(r *http.Request) (showView, error) {
	person := personOf(r)
	entry, err := u.Records.Show(r.Context(), scope(person), r.PathValue("id"))
	if err != nil {
		return showView{}, err
	}
	v := showView{Entry: entry, Row: u.row(entry.Item), Kinds: kinds(entry.Record.Screened)}
	if opened, err := u.Sessions.Marked(r, openMark(entry.Record.ID)); err != nil || !opened {
		return v, errors.Join(err, notOpened(opened))
	}
	v.view = u.view(r, purposeName(entry.Record.Purpose))
	v.Path, v.Here = decisionsPath, decisionsPath+"/"+entry.Record.ID
	v.RuleLinks = u.opens(person, "GET /admin/policies/rules/{id}")
	v.Readable = u.Contents != nil && entry.Record.Kept != nil && person.Tenant == entry.Record.Tenant
	v.Heading, v.Sentence = heading(entry.Item), sentence(entry.Item)
	if entry.Record.Effect() != gateway.EffectAllow {
		if reason := decisive(entry.Record, entry.Closing); reason.Text != "" {
			v.Blocked = &reason
		}
	}
	v.Rules = firedRules(entry.Item)
	v.Silent = silent(u.Rules(), v.Rules)
	v.Duties = fulfilledOf(entry.Record)
	v.Steps = steps(entry.Item)
	v.Seal, v.Before = readSeal(entry.Checkpoint), before(entry)
	if n := len(entry.Record.Decisions); n > 0 {
		v.Risk = entry.Record.Decisions[n-1].Risk
		if v.Risk.Basis, err = u.riskBasis(r.Context(), v.Lang, v.Risk.Basis); err != nil {
			return v, err
		}
		v.Revision = entry.Record.Decisions[n-1].Revision
	}
	if u.Replays != nil {
		if v.Revisions, err = u.Replays.Revisions(r.Context()); err != nil {
			return v, err
		}
	}
	return v, u.addNotes(r, &v)
}

// sentence is the outcome in words that can be quoted.
func sentence(i audit.Item) []phrase {
	rec := i.Record
	if rec.Effect() != gateway.EffectAllow {
		return []phrase{say("Die Anfrage wurde an kein Modell gesendet.")}
	}
	var parts []phrase
	if rec.Masked > 0 {
		parts = append(parts, sayCount(rec.Masked, say("Eine Stelle mit Personenbezug wurde vor dem Versand ersetzt."), say("%d Stellen mit Personenbezug wurden vor dem Versand ersetzt.")))
	}
	if route := routeOf(i); route == nil {
		parts = append(parts, say("Es war kein Modell beteiligt; das Ergebnis beruht auf festen Regeln."))
	} else {
		parts = append(parts, say("Das Modell %s lief %s.", string(route.Model), phrase{text: placeName(route.Residency)}))
	}
	if i.Closing == nil {
		return append(parts, say("Die Bearbeitung läuft noch."))
	}
	return append(parts, ending(i.Closing.Outcome))
}

func ending(o gateway.Outcome) phrase {
	switch o {
	case gateway.OutcomeAnswered:
		return say("Das Ergebnis ist ein Vorschlag und keine Entscheidung.")
	case gateway.OutcomeStopped:
		return say("Die Antwort wurde nicht herausgegeben.")
	case gateway.OutcomeTruncated:
		return say("Die Antwort des Modells brach ab und wurde als unvollständig gemeldet.")
	case gateway.OutcomeCancelled:
		return say("Die Anfrage wurde von der aufrufenden Stelle abgebrochen.")
	case gateway.OutcomeInterrupted:
		return say("Der Dienst wurde währenddessen beendet; das wurde beim nächsten Start vermerkt.")
	default:
		return say("Es kam keine Antwort zustande.")
	}
}

// heading is the outcome with the number of obligations.
func heading(i audit.Item) phrase {
	if r := i.Result(); r != audit.ResultDuties && r != audit.ResultRelease {
		return phrase{text: resultText(r)}
	}
	n := len(i.Record.Decisions[len(i.Record.Decisions)-1].Obligations)
	return sayCount(n, say("Zugelassen mit einer Auflage"), say("Zugelassen mit %d Auflagen"))
}

// firedRules are the reasons of all decisions, the blocking first, each rule once.
func firedRules(i audit.Item) []firedRule {
	decisions := i.Record.Decisions
	if i.Closing != nil && i.Closing.Response != nil {
		decisions = append(slices.Clip(decisions), *i.Closing.Response)
	}
	if i.Record.Answer != nil {
		decisions = append(slices.Clip(decisions), *i.Record.Answer)
	}
	var out []firedRule
	seen := map[string]bool{}
	for _, d := range decisions {
		duties := map[string][]string{}
		for _, o := range d.Obligations {
			duties[o.Rule] = append(duties[o.Rule], o.ID)
		}
		for _, reason := range d.Reasons {
			if seen[reason.Rule] {
				continue
			}
			seen[reason.Rule] = true
			f := firedRule{Reason: reason, Effect: effectText(reason.Severity)}
			f.Duties = duties[reason.Rule]
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

func effectText(severity string) phrase {
	switch severity {
	case "block":
		return say("abgelehnt")
	case "narrow":
		return say("Modelle eingeschränkt")
	}
	return say("Hinweis")
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
	out := []step{{Text: say("Anfrage angenommen"), Note: say("%s, %d Byte", phrase{text: operationName(rec.Operation)}, rec.BodyBytes)}}
	found := say("kein Personenbezug erkannt")
	if n := rec.Screened.Total(); n > 0 {
		found = sayCount(n, say("eine Stelle"), say("%d Stellen"))
	}
	out = append(out, step{Text: say("Personenbezug gesucht"), Note: found})
	var policies time.Duration
	for _, d := range rec.Decisions {
		policies += d.Duration
	}
	out = append(out, step{At: policies, Text: say("Regeln ausgewertet"), Note: say("Regelstand %s", revisionOf(rec)), Main: true})
	if n := len(rec.Passages); n > 0 {
		out = append(out, step{At: policies, Text: say("Fundstellen geladen"), Note: sayCount(n, say("eine Fundstelle, mit den Leserechten der anfragenden Stelle"), say("%d Fundstellen, mit den Leserechten der anfragenden Stelle"))})
	}
	if rec.Masked > 0 {
		out = append(out, step{At: policies, Text: say("Personenbezug ersetzt"), Note: sayCount(rec.Masked, say("eine Stelle"), say("%d Stellen")), Main: true})
	}
	if i.Closing == nil {
		return out
	}
	end := i.Closing
	if route := routeOf(i); route != nil {
		tries := attemptSteps(i)
		if end.FirstByte > 0 {
			tries = append(tries, step{At: end.Total - end.Model + end.FirstByte, Text: say("Antwort beginnt")})
		}
		slices.SortStableFunc(tries, func(a, b step) int { return cmp.Compare(a.At, b.At) })
		out = append(out, tries...)
		out = append(out, step{At: end.Total, Text: say("Modell hat geantwortet"), Note: say("%s, %d + %d Token", string(route.Model), end.Usage.Input, end.Usage.Output)})
	}
	note := phrase{text: end.Result}
	if end.Restored > 0 {
		note = sayCount(end.Restored, say("eine Stelle wieder eingesetzt"), say("%d Stellen wieder eingesetzt"))
	}
	return append(out, step{At: end.Total, Text: say("Abgeschlossen"), Note: note})
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
	// running is held while somebody verifies: it reads everything.
	running sync.Mutex
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

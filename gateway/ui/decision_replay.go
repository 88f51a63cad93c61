// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Replays decide recorded questions again, with the policies of today or others.
// No model is asked.
type Replays interface {
	// Revisions are those that can be asked, the one in force first.
	Revisions(ctx context.Context) ([]PolicyRevision, error)
	// Replay decides the recorded input (gateway.Decision.Input) again.
	Replay(ctx context.Context, revision string, input json.RawMessage) (gateway.Decision, error)
}

// PolicyRevision is a state of the policies.
type PolicyRevision struct {
	// ID is for Replay, Title for people.
	ID, Title string
	// InForce marks the one that decides now, Draft one that does not yet.
	InForce, Draft bool
}

// replayView compares what was decided with what another revision says.
type replayView struct {
	Revision string
	Old, New string
	Lines    []replayLine
	Same     bool
}

// replayLine is one property in both.
type replayLine struct {
	Label    string
	Old, New []string
	Differs  bool
}

// decisionReplay decides all questions of the entry again.
func (u *UI) decisionReplay(w http.ResponseWriter, r *http.Request) error {
	if u.Replays == nil {
		return u.notFound(w, r)
	}
	if _, err := u.opened(r); err != nil {
		return err
	}
	v, err := u.showView(r)
	if err != nil {
		return err
	}
	wanted := r.PostForm.Get("stand")
	at := slices.IndexFunc(v.Revisions, func(p PolicyRevision) bool { return p.ID == wanted })
	if at < 0 {
		return invalid("stand", "Diesen Regelstand gibt es nicht.")
	}
	recorded := v.Entry.Record.Decisions
	if len(recorded) == 0 {
		return &gateway.Error{Op: "replay decision", Code: gateway.CodeConflict, Message: "Zu diesem Eintrag gibt es keine Entscheidung, die nachgerechnet werden könnte."}
	}
	var again []gateway.Decision
	for _, d := range recorded {
		if len(d.Input) == 0 {
			return &gateway.Error{Op: "replay decision", Code: gateway.CodeConflict, Message: "Die Eingabe der Regeln steht nicht im Eintrag, sie lässt sich nicht nachrechnen."}
		}
		one, err := u.Replays.Replay(r.Context(), wanted, d.Input)
		if err != nil {
			return fmt.Errorf("replay decision: %w", err)
		}
		again = append(again, one)
		if !one.Allowed() {
			break // it would have ended here
		}
	}
	v.Replay = u.compare(recorded, again, v.Lang)
	v.Replay.Revision, v.Replay.Old, v.Replay.New = wanted, v.Revision, v.Revisions[at].Title
	return u.render(w, r, http.StatusOK, "decision_show.html", v)
}

func (u *UI) compare(old, now []gateway.Decision, lang string) *replayView {
	say := u.translate(lang)
	before, after := old[len(old)-1], now[len(now)-1]
	effect := func(d gateway.Decision) []string {
		if !d.Allowed() {
			return []string{say("Abgelehnt")}
		}
		if _, ok := d.Obligation(gateway.ObligationHumanRelease); ok {
			return []string{say("Freigabe nötig")}
		}
		if len(d.Obligations) > 0 {
			return []string{say("Mit Auflagen")}
		}
		return []string{say("Zugelassen")}
	}
	duties := func(d gateway.Decision) []string {
		set := map[string]bool{}
		for _, o := range d.Obligations {
			set[say(dutyName(o.ID))] = true
		}
		return slices.Sorted(maps.Keys(set))
	}
	models := func(d gateway.Decision) []string {
		var out []string
		for _, m := range d.Models {
			out = append(out, string(m))
		}
		slices.Sort(out)
		return out
	}
	risk := func(d gateway.Decision) []string {
		if d.Risk.Class == "" {
			return nil
		}
		return []string{strings.TrimSpace(say(riskName(d.Risk.Class)) + " " + d.Risk.Basis)}
	}
	v := &replayView{Same: true}
	for _, line := range []replayLine{
		{Label: "Ergebnis", Old: effect(before), New: effect(after)},
		{Label: "Regeln", Old: ruleIDs(old), New: ruleIDs(now)},
		{Label: "Auflagen", Old: duties(before), New: duties(after)},
		{Label: "Einstufung", Old: risk(before), New: risk(after)},
		{Label: "Zulässige Modelle", Old: models(before), New: models(after)},
	} {
		line.Differs = !slices.Equal(line.Old, line.New)
		v.Same = v.Same && !line.Differs
		v.Lines = append(v.Lines, line)
	}
	return v
}

func ruleIDs(decisions []gateway.Decision) []string {
	set := map[string]bool{}
	for _, d := range decisions {
		for _, reason := range d.Reasons {
			set[reason.Rule] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// fulfilled is one obligation with what was done for it.
type fulfilled struct {
	ID   string
	Done []phrase
}

// fulfilledOf are the obligations of a record in the order in which they were carried
// out. Of one that changes requests it says that there was nothing to change, where
// the record knows.
func fulfilledOf(r gateway.Record) []fulfilled {
	var out []fulfilled
	for _, id := range r.Applied {
		if slices.ContainsFunc(out, func(f fulfilled) bool { return f.ID == id }) {
			continue
		}
		f := fulfilled{ID: id}
		for _, c := range r.Changes {
			if c.ID == id {
				f.Done = append(f.Done, changePhrases(c)...)
			}
		}
		if len(f.Done) == 0 && r.Changes != nil && changesRequests(id) {
			f.Done = []phrase{say("nichts zu ändern")}
		}
		out = append(out, f)
	}
	return out
}

// changesRequests is an obligation that is carried out by changing the request.
func changesRequests(id string) bool {
	switch id {
	case gateway.ObligationStripFields, gateway.ObligationBlockTools, gateway.ObligationCapTokens,
		gateway.ObligationRestrictModels, gateway.ObligationPseudonymise:
		return true
	}
	return false
}

// changesOf is everything that was changed in a request.
func changesOf(r gateway.Record) []phrase {
	var out []phrase
	for _, c := range r.Changes {
		out = append(out, changePhrases(c)...)
	}
	return out
}

// changePhrases say what one obligation changed.
func changePhrases(c gateway.Change) []phrase {
	fields := strings.Join(c.Fields, ", ")
	switch c.ID {
	case gateway.ObligationPseudonymise:
		return []phrase{sayCount(c.Count, say("Eine Stelle mit Personenbezug ersetzt"), say("%d Stellen mit Personenbezug ersetzt"))}
	case gateway.ObligationStripFields:
		return []phrase{say("Felder entfernt: %s", fields)}
	case gateway.ObligationBlockTools:
		if c.Count > 0 {
			return []phrase{say("Werkzeuge nicht angeboten: %d", c.Count)}
		}
		return []phrase{say("Angaben zu Werkzeugen entfernt: %s", fields)}
	case gateway.ObligationRestrictModels:
		return []phrase{say("Modelle ausgeschlossen: %s", joined(c.Models))}
	case gateway.ObligationCapTokens:
		return capPhrases(c, fields)
	}
	return nil
}

func capPhrases(c gateway.Change, fields string) []phrase {
	var out []phrase
	switch {
	case c.To > 0 && c.From > 0:
		out = append(out, say("Antwort auf %s statt %s Tokens begrenzt", count(c.To), count(c.From)))
	case c.To > 0:
		out = append(out, say("Antwort auf %s Tokens begrenzt, vorher ohne Grenze", count(c.To)))
	}
	if fields != "" {
		out = append(out, say("Angaben zur Länge und Zahl der Antworten entfernt: %s", fields))
	}
	return out
}

func joined[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, one := range list {
		out[i] = string(one)
	}
	return strings.Join(out, ", ")
}

// routeOf is where the answer came from, or else where the request was to go; nil:
// no model took part.
func routeOf(i audit.Item) *gateway.Route {
	if i.Closing != nil && i.Closing.Answered != nil {
		return i.Closing.Answered
	}
	return i.Record.Route
}

// attemptText says how an attempt at a model ended.
func attemptText(c gateway.Code) phrase {
	switch c { //nolint:exhaustive // the others are not those of an attempt
	case "":
		return say("hat geantwortet")
	case gateway.CodeSuperseded:
		return say("ein zweiter Weg war schneller, dieser wurde abgebrochen")
	case gateway.CodeTimeout:
		return say("keine Antwort in der vorgesehenen Zeit")
	case gateway.CodeUnavailable:
		return say("nicht erreichbar oder gestört")
	case gateway.CodeUpstream:
		return say("hat die Anfrage zurückgewiesen")
	case gateway.CodeRateLimited:
		return say("nimmt zurzeit keine weiteren Anfragen an")
	case gateway.CodeOverloaded:
		return say("kein freier Platz in der vorgesehenen Zeit")
	case gateway.CodeTruncated:
		return say("die Antwort brach ab")
	case gateway.CodeDenied:
		return say("die Antwort wurde nicht herausgegeben")
	case gateway.CodeCancelled:
		return say("von der aufrufenden Stelle abgebrochen")
	}
	return say("gescheitert (%s)", string(c))
}

// attemptSteps are the tries at models, when there was more than one or none succeeded.
func attemptSteps(i audit.Item) []step {
	var out []step
	for _, a := range i.Closing.Attempts {
		at := a.Started.Add(a.Duration).Sub(i.Record.Time)
		out = append(out, step{At: min(max(at, 0), i.Closing.Total), Text: say("Versuch: %s über %s", string(a.Model), a.Endpoint), Note: attemptText(a.Code)})
	}
	return out
}

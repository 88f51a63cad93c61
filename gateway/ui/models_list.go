// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// modelDays is how far back use and cost are summed.
const modelDays = 30

// modelListView is the catalogue with its comparison.
type modelListView struct {
	view
	Models []modelRow
	Own    int
	Ready  int
	// Requests and Cost of all of them.
	Requests int64
	Cost     money
	Costs    []modelCost
	Prices   string
	// Whole: the figures are those of all tenants.
	Whole bool
}

// modelRow is one line of the catalogue.
type modelRow struct {
	ModelSheet
	State    health
	Classes  []gateway.DataClass
	Requests int64
	Cost     money
	Waiting  int
	InFlight int
}

// health is how a model is, as a word with its icon.
type health struct{ Kind, Icon, Text string }

// modelCost compares models: what the same work costs on each.
type modelCost struct {
	Sheet ModelSheet
	Works []workCost
}

// workCost is what a thousand requests of one kind cost.
type workCost struct {
	Cost   money
	Energy string
	// Measured here, else computed from the tokens that others needed.
	Measured, Known bool
}

// works are kinds of requests of which models are compared.
var works = [...]struct {
	title    string
	purposes []gateway.Purpose
}{
	{"1.000 Prüfungen", []gateway.Purpose{gateway.PurposeCompletenessCheck, gateway.PurposeDocumentClassification, gateway.PurposeExtraction}},
	{"1.000 Schreiben", []gateway.Purpose{gateway.PurposeLetterRequestDocuments, gateway.PurposeLetterReceipt, "letter_hearing", "letter_from_human_decision"}},
	{"1.000 Texte und Fragen", []gateway.Purpose{
		gateway.PurposeChat, gateway.PurposeResearch, gateway.PurposeFactualQA, gateway.PurposeSummarise, gateway.PurposeTranslate,
		gateway.PurposeSimplifyLanguage, gateway.PurposeLegalReferences, "transcribe", "citizen_information",
	}},
}

// modelList is GET /admin/models.
func (u *UI) modelList(w http.ResponseWriter, r *http.Request) error {
	sheets, err := u.sheets(r)
	if err != nil {
		return err
	}
	v := modelListView{view: u.view(r, "Modelle"), Whole: seesAll(personOf(r))}
	if u.Register.Usage != nil {
		v.Prices = u.Register.Usage.PriceList()
	}
	for _, s := range sheets {
		row := rowOf(s)
		v.Models = append(v.Models, row)
		if s.Card.Residency == gateway.ResidencyOwn {
			v.Own++
		}
		if row.State.Kind == "success" {
			v.Ready++
		}
		v.Requests += row.Requests
		v.Cost += row.Cost
	}
	v.Costs = compare(sheets)
	return u.render(w, r, http.StatusOK, "models_list.html", v)
}

func (u *UI) sheets(r *http.Request) ([]ModelSheet, error) {
	return u.Register.Models.Models(r.Context(), scopeOf(personOf(r)), u.Now().In(u.zone).AddDate(0, 0, -modelDays))
}

func rowOf(s ModelSheet) modelRow {
	row := modelRow{ModelSheet: s, State: healthOf(s.Servers), Classes: s.Card.DataClasses}
	for _, use := range s.Uses {
		row.Requests += use.Requests
		row.Cost += money(use.Cost)
	}
	for _, server := range s.Servers {
		row.Waiting += server.Waiting
		row.InFlight += server.InFlight
	}
	return row
}

// healthOf is the best of the servers: a model is there as long as one of them is.
func healthOf(servers []ModelServer) health {
	if len(servers) == 0 {
		return health{"info", "info", "unbekannt"}
	}
	ready, slow := 0, false
	for _, s := range servers {
		if s.State == "closed" {
			ready++
		}
		slow = slow || s.State == "half_open"
	}
	switch {
	case ready == len(servers):
		return health{"success", "success", "bereit"}
	case ready > 0:
		return health{"warning", "warning", "teilweise bereit"}
	case slow:
		return health{"warning", "warning", "wird erprobt"}
	}
	return health{"danger", "danger", "ausgesetzt"}
}

// compare computes what the same work costs on every model: with the tokens it
// needed there, or else with those it needed on the others.
func compare(sheets []ModelSheet) []modelCost {
	var all [len(works)]ModelUse
	for _, s := range sheets {
		for i := range works {
			add(&all[i], used(s, i))
		}
	}
	var out []modelCost
	for _, s := range sheets {
		if !slices.Contains(s.Card.Operations, gateway.OperationChat) {
			continue
		}
		line := modelCost{Sheet: s}
		for i := range works {
			own := used(s, i)
			c := workCost{Measured: own.Requests > 0}
			if !c.Measured {
				own = all[i]
			}
			if own.Requests > 0 {
				c.Known = true
				c.Cost, c.Energy = thousand(s.Card, own)
			}
			line.Works = append(line.Works, c)
		}
		out = append(out, line)
	}
	return out
}

func used(s ModelSheet, work int) (sum ModelUse) {
	for _, use := range s.Uses {
		if slices.Contains(works[work].purposes, use.Purpose) && use.Input+use.Output > 0 {
			add(&sum, use)
		}
	}
	return sum
}

func add(sum *ModelUse, use ModelUse) {
	sum.Requests += use.Requests
	sum.Input += use.Input
	sum.Output += use.Output
	sum.Cost += use.Cost
}

// thousand is what a thousand such requests cost at the price of the card.
func thousand(card gateway.ModelCard, use ModelUse) (money, string) {
	n := float64(use.Requests)
	in, out := float64(use.Input)/n, float64(use.Output)/n
	micro := (in*float64(card.Price.Input) + out*float64(card.Price.Output)) / 1e6 * 1000
	return money(micro + 0.5), energy(out * card.Energy) // Wh per 1,000 output tokens, times 1,000 requests
}

// Works are the titles of the comparison.
func (modelListView) Works() []string {
	var out []string
	for _, w := range works {
		out = append(out, w.title)
	}
	return out
}

// modelPath is the address of a model's card.
func modelPath(id gateway.ModelID) string { return "/admin/models/" + string(id) }

// Path of the card.
func (s ModelSheet) Path() string { return modelPath(s.Card.ID) }

// Contracted says how the contract stands, in words.
func (s ModelSheet) Contracted() bool { return s.Card.Contract != "" }

// Abilities are the capabilities in German, or nothing when nobody said.
func (s ModelSheet) Abilities() string {
	var out []string
	for _, c := range s.Card.Capabilities {
		out = append(out, name(map[string]string{
			"tools": "Werkzeuge", "json_schema": "JSON-Schema", "vision": "Bilder", "audio": "Ton", "logprobs": "Wahrscheinlichkeiten", "reasoning": "Zwischenschritte",
		}, string(c)))
	}
	return strings.Join(out, ", ")
}

// Everything reports that the model is released for all classes of data.
func (r modelRow) Everything() bool { return len(r.Classes) == len(classData) }

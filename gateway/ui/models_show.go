// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"net/http"

	"github.com/ki-schleuse/schleuse/gateway"
)

// modelShowView is the card of one model.
type modelShowView struct {
	view
	Row      modelRow
	Verdicts []ClassVerdict
	Uses     []usedLine
	Prices   string
	Released int
}

// usedLine is a purpose for which the model was used.
type usedLine struct {
	ModelUse
	Cost money
}

// modelShow is GET /admin/models/{id}.
func (u *UI) modelShow(w http.ResponseWriter, r *http.Request) error {
	sheets, err := u.sheets(r)
	if err != nil {
		return err
	}
	id := gateway.ModelID(r.PathValue("id"))
	for _, s := range sheets {
		if s.Card.ID == id {
			return u.modelCard(w, r, s)
		}
	}
	return &gateway.Error{Op: "open model", Code: gateway.CodeNotFound, Message: "Dieses Modell steht nicht im Katalog."}
}

func (u *UI) modelCard(w http.ResponseWriter, r *http.Request, s ModelSheet) error {
	v := modelShowView{view: u.view(r, string(s.Card.ID)), Row: rowOf(s)}
	v.Path, v.Here = "/admin/models", s.Path()
	var err error
	if v.Verdicts, err = u.Register.Models.Rejections(r.Context(), personOf(r).Tenant, s.Card); err != nil {
		return err
	}
	for _, verdict := range v.Verdicts {
		if len(verdict.Reasons) == 0 {
			v.Released++
		}
	}
	for _, use := range s.Uses {
		v.Uses = append(v.Uses, usedLine{use, money(use.Cost)})
	}
	if u.Register.Usage != nil {
		v.Prices = u.Register.Usage.PriceList()
	}
	return u.render(w, r, http.StatusOK, "models_show.html", v)
}

// Input and Output prices per million tokens.
func (r modelRow) Input() money  { return money(r.Card.Price.Input) }
func (r modelRow) Output() money { return money(r.Card.Price.Output) }

// Energy per 1,000 output tokens.
func (s ModelSheet) Energy() string { return energy(s.Card.Energy) }

// Errors is the share of failures lately.
func (s ModelServer) Errors() string { return decimal(s.ErrorRate*100, 0) + "\u202f%" }

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// classifyView walks from a purpose to its class under the AI Act.
type classifyView struct {
	view
	Form   classifyForm
	Guide  ClassGuide
	Result *classified
}

// classifyForm is the plan as it stands in the address.
type classifyForm struct {
	Purposes, Services []option
	Channels, Data     []option
	Automatic          bool
	Date               string
}

// classified is the answer for one plan.
type classified struct {
	ClassResult
	Class   GuideClass
	Purpose GuidePurpose
	Service gateway.ServiceCard
	Channel string
	Row     GuideRow
	Kind    health
	Date    time.Time
	// Automatic is what the policies say to an act without a person.
	Automatic *ClassResult
	// Same are examples of this class, Across those of the nearest other class.
	Same, Across []GuideExample
}

var (
	classChannels = []option{
		{Value: string(gateway.ChannelCaseworker), Text: "Sachbearbeitung"}, {Value: string(gateway.ChannelCitizen), Text: "Bürgerinnen und Bürger"},
		{Value: string(gateway.ChannelSystem), Text: "ohne Person"},
	}
	classData = []gateway.DataClass{
		gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten, gateway.DataSteuer, gateway.DataTrade, gateway.DataConfidential,
	}
)

// classify is GET /admin/classify. It decides nothing, admits nobody and is
// noted nowhere.
func (u *UI) classify(w http.ResponseWriter, r *http.Request) error {
	guide, err := u.Register.Classes.Guide(r.Context(), u.language(r))
	if err != nil {
		return err
	}
	plan, automatic, err := u.readPlan(r)
	if err != nil {
		return err
	}
	v := classifyView{view: u.view(r, "Einordnung"), Guide: guide, Form: classifyFormOf(guide, plan, automatic)}
	if plan.Purpose != "" {
		if v.Result, err = u.classified(r, guide, plan, automatic); err != nil {
			return err
		}
	}
	return u.render(w, r, http.StatusOK, "classify_show.html", v)
}

func (u *UI) readPlan(r *http.Request) (plan ClassPlan, automatic bool, err error) {
	q := r.URL.Query()
	now := u.Now().In(u.zone)
	plan = ClassPlan{
		Tenant: personOf(r).Tenant, Purpose: gateway.Purpose(q.Get("zweck")), Service: gateway.ServiceID(q.Get("leistung")),
		Channel: gateway.Channel(cmp.Or(q.Get("kanal"), string(gateway.ChannelCaseworker))),
		Date:    time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, u.zone),
	}
	if plan.Tenant == "" { // somebody of the operator asks as any tenant would
		for _, t := range u.allTenants() {
			if t.Active {
				plan.Tenant = t.ID
				break
			}
		}
	}
	for _, c := range q["daten"] {
		if slices.Contains(classData, gateway.DataClass(c)) {
			plan.DataClass = append(plan.DataClass, gateway.DataClass(c))
		}
	}
	if day := q.Get("stichtag"); day != "" {
		at, err := time.ParseInLocation(time.DateOnly, day, u.zone)
		if err != nil {
			return plan, false, invalid("stichtag", "Der Stichtag ist kein Datum.")
		}
		plan.Date = at.Add(12 * time.Hour)
	}
	return plan, q.Get("automatik") == "voll", nil
}

func classifyFormOf(g ClassGuide, p ClassPlan, automatic bool) classifyForm {
	f := classifyForm{Automatic: automatic, Date: p.Date.Format(time.DateOnly)}
	for _, purpose := range g.Purposes {
		f.Purposes = append(f.Purposes, option{string(purpose.ID), purpose.Title, purpose.ID == p.Purpose})
	}
	for _, s := range g.Services {
		f.Services = append(f.Services, option{string(s.ID), s.Title, s.ID == p.Service})
	}
	for _, c := range classChannels {
		c.Selected = c.Value == string(p.Channel)
		f.Channels = append(f.Channels, c)
	}
	for _, c := range classData {
		f.Data = append(f.Data, option{string(c), className(c), slices.Contains(p.DataClass, c)})
	}
	return f
}

func (u *UI) classified(r *http.Request, g ClassGuide, plan ClassPlan, automatic bool) (*classified, error) {
	i := slices.IndexFunc(g.Purposes, func(p GuidePurpose) bool { return p.ID == plan.Purpose })
	if i < 0 {
		return nil, invalid("zweck", "Diesen Zweck kennen die Regeln nicht.")
	}
	c := &classified{Purpose: g.Purposes[i], Channel: string(plan.Channel), Date: plan.Date}
	if plan.Service != "" {
		i := slices.IndexFunc(g.Services, func(s gateway.ServiceCard) bool { return s.ID == plan.Service })
		if i < 0 {
			return nil, invalid("leistung", "Diese Leistung steht nicht im Katalog.")
		}
		c.Service = g.Services[i]
		for _, class := range c.Service.DataClasses {
			if !slices.Contains(plan.DataClass, class) {
				plan.DataClass = append(plan.DataClass, class)
			}
		}
	}
	var err error
	if c.ClassResult, err = u.Register.Classes.Classify(r.Context(), plan); err != nil {
		return nil, err
	}
	if automatic {
		plan.Purpose, plan.Channel = "automated_decision", gateway.ChannelSystem
		answer, err := u.Register.Classes.Classify(r.Context(), plan)
		if err != nil {
			return nil, err
		}
		c.Automatic = &answer
	}
	c.Row = rowFor(c.Purpose.Rows, c.Service.AnnexIII)
	if c.Risk.Basis, err = u.riskBasis(r.Context(), u.language(r), c.Risk.Basis); err != nil {
		return nil, err
	}
	if strings.Contains(c.Risk.Basis, c.Row.Source) {
		c.Row.Source = "" // said already
	}
	c.Class = classOf(g, cmp.Or(c.Risk.Class, c.Row.Class))
	c.Class.Duties = dutiesOn(c.Class.Duties, plan.Date.Format(time.DateOnly))
	c.Kind = classKind(c.Class, c.Allowed)
	c.Same, c.Across = neighbours(g.Examples, c.Class.ID, c.Service.AnnexIII, c.Purpose.ID)
	return c, nil
}

// rowFor is the row of the point of Annex III, or of any other point, or of none.
func rowFor(rows []GuideRow, annex string) GuideRow {
	want := []string{annex, "*"}
	if annex == "" {
		want = []string{"none"}
	}
	for _, a := range want {
		for _, row := range rows {
			if row.Annex == a {
				return row
			}
		}
	}
	return GuideRow{}
}

func classOf(g ClassGuide, id string) GuideClass {
	for _, c := range g.Classes {
		if c.ID == id {
			c.Duties = slices.Clone(c.Duties)
			return c
		}
	}
	return GuideClass{ID: id, Title: riskName(id)}
}

// dutiesOn tells what holds on the day that is asked about.
func dutiesOn(duties []GuideDuty, day string) []GuideDuty {
	for i := range duties {
		duties[i].InForce = duties[i].Since <= day
	}
	return duties
}

func classKind(c GuideClass, allowed bool) health {
	switch {
	case c.ID == "prohibited":
		return health{"danger", "danger", "verboten"}
	case c.ID == "high_risk":
		return health{"warning", "warning", "hochriskant"}
	case c.ID == "unclassified" || c.ID == "":
		return health{"danger", "danger", "nicht einzuordnen"}
	case !allowed:
		return health{"info", "info", "nicht hochriskant"}
	}
	return health{"success", "success", "nicht hochriskant"}
}

// mostExamples are shown of either side.
const mostExamples = 4

// neighbours are examples of the class, and the nearest on the other side of the
// line to high risk: first those of the same point of Annex III and purpose.
func neighbours(all []GuideExample, class, annex string, purpose gateway.Purpose) (same, across []GuideExample) {
	near := func(e GuideExample) int {
		d := 0
		if e.Annex != annex {
			d += 2
		}
		if e.Purpose != purpose {
			d++
		}
		return d
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b GuideExample) int { return cmp.Compare(near(a), near(b)) })
	for _, e := range sorted {
		switch {
		case e.Class == class && len(same) < mostExamples:
			same = append(same, e)
		case e.Class != class && grave(e.Class) != grave(class) && len(across) < mostExamples:
			across = append(across, e)
		}
	}
	return same, across
}

// grave: prohibited or high risk, on one side of the line.
func grave(class string) bool { return class == "high_risk" || class == "prohibited" }

// Later reports whether a duty does not hold yet.
func (d GuideDuty) Later() bool { return !d.InForce }

// Title of a class for an example.
func (v classifyView) ClassTitle(id string) string { return classOf(v.Guide, id).Title }

// Sides groups the classes' examples for the page without a plan.
func (v classifyView) Sides() []side {
	var out []side
	for _, c := range v.Guide.Classes {
		s := side{Class: c}
		for _, e := range v.Guide.Examples {
			if e.Class == c.ID && len(s.Examples) < mostExamples {
				s.Examples = append(s.Examples, e)
			}
		}
		out = append(out, s)
	}
	return out
}

// side is a class with some of its examples.
type side struct {
	Class    GuideClass
	Examples []GuideExample
}

// Link fills the form with an example, where the catalogue has a service for it.
func (v classifyView) Link(e GuideExample) string {
	q := url.Values{"zweck": {string(e.Purpose)}, "kanal": {cmp.Or(string(e.Channel), string(gateway.ChannelCaseworker))}}
	if e.Annex == "" {
		return "/admin/classify?" + q.Encode()
	}
	for _, s := range v.Guide.Services {
		if s.AnnexIII == e.Annex {
			q.Set("leistung", string(s.ID))
			return "/admin/classify?" + q.Encode()
		}
	}
	return ""
}

// Short is the paragraph as it is cited, or nothing.
func (e GuideExample) Short() string { return strings.TrimSpace(e.Paragraph) }

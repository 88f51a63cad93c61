// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// story is one kind of request of the invented day before.
type story struct {
	weight  int
	system  gateway.SystemID
	purpose gateway.Purpose
	service gateway.ServiceID
	classes []gateway.DataClass
	model   gateway.ModelID
	text    string
	name    string // a person the case knows
	check   string // not empty: a check by rules with this result
	refused bool
}

// demoDay is what a small town asks on a working day.
var demoDay = []story{
	{weight: 26, system: demoWohngeld, purpose: gateway.PurposeCompletenessCheck, service: "wohngeld-mietzuschuss", classes: []gateway.DataClass{gateway.DataSozialdaten}, check: "unvollstaendig, 3 Befunde", name: "Vogelsang"},
	{weight: 9, system: demoWohngeld, purpose: gateway.PurposeCompletenessCheck, service: "wohngeld-mietzuschuss", classes: []gateway.DataClass{gateway.DataSozialdaten}, check: "vollstaendig, 0 Befunde", name: "Reinholdt"},
	{weight: 12, system: demoGewerbe, purpose: gateway.PurposeCompletenessCheck, service: "gewerbeanmeldung-gewa1", classes: []gateway.DataClass{gateway.DataTrade}, check: "unvollstaendig, 1 Befund", name: "Kesselring"},
	{weight: 14, system: demoWohngeld, purpose: gateway.PurposeSummarise, service: "wohngeld-mietzuschuss", classes: []gateway.DataClass{gateway.DataSozialdaten}, model: dummyInside, text: "Fasse das Schreiben von Frau Marie Vogelsang vom 3. November 2026 zusammen. Sie teilt mit, dass ihr Vermieter die Miete erhöht hat.", name: "Vogelsang"},
	{weight: 10, system: demoGewerbe, purpose: gateway.PurposeSimplifyLanguage, model: dummyOutside, classes: []gateway.DataClass{gateway.DataPersonal}, text: "Schreibe in einfacher Sprache: Herr Anton Kesselring, Telefon 07999 4711-21, muss die Anzeige bis 30. November 2026 ergänzen.", name: "Kesselring"},
	{weight: 9, system: demoWohngeld, purpose: gateway.PurposeTranslate, model: dummyOutside, classes: []gateway.DataClass{gateway.DataInternal}, text: "Übersetze ins Englische: Die Sprechstunde fällt am Freitag aus."},
	{weight: 8, system: demoWohngeld, purpose: gateway.PurposeLegalReferences, service: "wohngeld-mietzuschuss", model: dummyInside, classes: []gateway.DataClass{gateway.DataInternal}, text: "Welche Vorschriften regeln die Mitwirkung bei einem Antrag auf Wohngeld?"},
	{weight: 5, system: demoGewerbe, purpose: gateway.PurposeLetterRequestDocuments, service: "gewerbeanmeldung-gewa1", model: dummyInside, classes: []gateway.DataClass{gateway.DataTrade}, text: "Entwirf ein Schreiben an Herrn Kesselring: Es fehlt die Kopie der Handwerkskarte.", name: "Kesselring"},
	{weight: 7, system: demoWohngeld, purpose: gateway.PurposeChat, model: dummyInside, classes: []gateway.DataClass{gateway.DataInternal}, text: "Formuliere eine kurze Einladung zur Dienstbesprechung."},
	{weight: 3, system: demoWohngeld, purpose: gateway.PurposeSummarise, service: "wohngeld-mietzuschuss", classes: []gateway.DataClass{gateway.DataSozialdaten}, model: dummyOutside, text: "Fasse den Antrag von Herrn Reinholdt zusammen.", name: "Reinholdt", refused: true},
	{weight: 2, system: demoWohngeld, purpose: "social_scoring", model: dummyInside, text: "Bewerte die Zuverlässigkeit der Antragstellerin.", refused: true},
}

// demoRequests is the number of requests of the invented day.
const demoRequests = 90

// liveADay lets the gateway decide and record, with a clock that stands in the
// past, what a town has asked since yesterday. Nothing of it is made up but the
// requests: they go the way of every other one.
func (p *parts) liveADay(ctx context.Context) error {
	var at, began time.Time
	config := p.gatewayConfig()
	config.Now = func() time.Time { return at.Add(time.Since(began)) }
	g, err := gateway.New(config)
	if err != nil {
		return fmt.Errorf("begin the invented day: %w", err)
	}
	random := rand.New(rand.NewPCG(2026, 1122)) //nolint:gosec // the same day each time
	for _, moment := range workingHours(time.Now(), random) {
		at, began = moment, time.Now()
		s := pick(random)
		if err := s.ask(ctx, g, p.config.Tenants[0].ID, 4000+random.IntN(700)); err != nil {
			return err
		}
	}
	return p.record.Flush(ctx)
}

// workingHours are times of the last 24 hours, most of them between 7 and 17.
func workingHours(now time.Time, random *rand.Rand) []time.Time {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		zone = time.UTC
	}
	var out []time.Time
	for len(out) < demoRequests {
		at := now.Add(-time.Duration(random.Int64N(int64(24*time.Hour-time.Minute))) - time.Minute)
		if hour := at.In(zone).Hour(); hour >= 7 && hour < 17 || random.IntN(9) == 0 {
			out = append(out, at.UTC().Truncate(time.Millisecond))
		}
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

func pick(random *rand.Rand) story {
	all := 0
	for _, s := range demoDay {
		all += s.weight
	}
	n := random.IntN(all)
	for _, s := range demoDay {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	return demoDay[0]
}

func (s story) ask(ctx context.Context, g *gateway.Gateway, tenant gateway.TenantID, number int) error {
	r := gateway.Request{
		Caller: gateway.Caller{
			Tenant: tenant, System: s.system, KeyID: "vorfuehrung", User: fmt.Sprintf("platz-%d", number%4), Channel: gateway.ChannelCaseworker,
			Roles: []string{"sachbearbeitung"}, Purposes: append(demoPurposes(), s.purpose), Auth: "key",
		},
		Operation: gateway.OperationChat, Purpose: s.purpose, Service: s.service, DataClass: s.classes, Model: s.model,
	}
	if s.name != "" {
		r.Case = fmt.Sprintf("50.21/2026-%06d", number)
		r.Entities = []gateway.Entity{{Type: "person", Last: s.name}}
	}
	if s.check != "" {
		r.Operation = gateway.OperationCheck
		permit, err := g.Permit(ctx, r)
		if err != nil {
			return fmt.Errorf("a check of the invented day: %w", err)
		}
		return permit.Close(ctx, gateway.OutcomeAnswered, s.check)
	}
	body, err := gateway.ParseBody([]byte(fmt.Sprintf(`{"model":%s,"max_tokens":300,"messages":[{"role":"user","content":%s}]}`, quoted(string(s.model)), quoted(s.text))))
	if err != nil {
		return err
	}
	r.Body = body
	_, err = g.Complete(ctx, r)
	if code := gateway.CodeOf(err); s.refused && (code == gateway.CodeDenied || code == gateway.CodeNoModel) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s of the invented day: %w", s.purpose, err)
	}
	if s.refused {
		return fmt.Errorf("%s of the invented day was not refused", s.purpose)
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// classifyFlags are the words of a plan on the command line.
type classifyFlags struct {
	purpose, service, channel, tenant, date, config string
	chain                                           []string
	asJSON                                          bool
}

func policyClassifyCommand() *cobra.Command {
	var f classifyFlags
	c := &cobra.Command{
		Use: "classify", Short: "Einen geplanten Einsatz nach der KI-Verordnung einstufen, mit Pflichten und Beispielen", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return policyClassify(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	flags := c.Flags()
	flags.StringVar(&f.purpose, "purpose", "", "Zweck, zum Beispiel completeness_check; ohne Angabe werden die Zwecke aufgelistet")
	flags.StringVar(&f.service, "service", "", "Leistung, zum Beispiel wohngeld-mietzuschuss")
	flags.StringVar(&f.channel, "channel", "", "caseworker (Vorgabe), citizen oder system")
	flags.StringSliceVar(&f.chain, "chain", nil, "Zwecke der früheren Schritte am selben Fall, durch Komma getrennt")
	flags.StringVar(&f.date, "date", "", "Tag, dessen Recht gilt (JJJJ-MM-TT, Vorgabe: heute)")
	flags.StringVar(&f.config, "config", "", "Konfiguration mit Mandanten und Modellen (Vorgabe: keine)")
	flags.StringVar(&f.tenant, "tenant", "", "Mandant aus der Konfiguration")
	flags.BoolVar(&f.asJSON, "json", false, "Einstufung und Prüfliste als JSON")
	return c
}

// classified is a classification with what the guide says of it.
type classified struct {
	Purpose  gateway.Purpose         `json:"purpose"`
	Service  gateway.ServiceID       `json:"service,omitempty"`
	Result   policies.Classification `json:"classification"`
	Class    policies.GuideClass     `json:"class"`
	Findings []policies.Finding      `json:"findings,omitempty"`
}

// policyClassify answers what a use would be. Without a configuration the tenant is
// nobody in particular and nothing is released.
func policyClassify(ctx context.Context, out io.Writer, f classifyFlags) error {
	now, err := dayFor(f.date)
	if err != nil {
		return usageError{err}
	}
	switch gateway.Channel(f.channel) {
	case "", gateway.ChannelCaseworker, gateway.ChannelCitizen, gateway.ChannelSystem:
	default:
		return usageError{fmt.Errorf("--channel: erwartet wird caseworker, citizen oder system")}
	}
	engine, plan, setup, err := f.engine(ctx, now)
	if err != nil {
		return err
	}
	guide, err := engine.Guide(ctx)
	if err != nil {
		return err
	}
	if f.purpose == "" {
		return printPurposes(out, guide, f.asJSON)
	}
	if !engine.KnowsPurpose(plan.Purpose) {
		return usageError{fmt.Errorf("--purpose: der Zweck %q ist nicht bekannt; ohne --purpose werden alle aufgelistet", f.purpose)}
	}
	result, err := engine.Classify(ctx, plan)
	if err != nil {
		return err
	}
	answer := classified{Purpose: plan.Purpose, Service: plan.Service, Result: result, Class: classOf(guide, result.Risk.Class), Findings: policies.Check(setup)}
	if f.asJSON {
		return printJSON(out, answer)
	}
	return printClassified(out, answer)
}

// engine is one for the plan: with the tenants and models of a configuration, or with
// a tenant for whom nothing is released and a model in the house.
func (f classifyFlags) engine(ctx context.Context, now time.Time) (*policies.Engine, policies.Plan, policies.Setup, error) {
	plan := policies.Plan{
		Tenant: "einordnung", Purpose: gateway.Purpose(f.purpose), Service: gateway.ServiceID(f.service), Channel: gateway.Channel(f.channel), Date: now,
	}
	for _, step := range f.chain {
		plan.Chain = append(plan.Chain, gateway.Purpose(strings.TrimSpace(step)))
	}
	catalog, err := loadServices(ctx)
	if err != nil {
		return nil, plan, policies.Setup{}, err
	}
	if _, ok := catalog.Service(plan.Service); f.service != "" && !ok {
		return nil, plan, policies.Setup{}, usageError{fmt.Errorf("--service: die Leistung %q ist nicht eingerichtet", f.service)}
	}
	tenants := map[gateway.TenantID]policies.Tenant{plan.Tenant: {Active: true}}
	var setup policies.Setup
	plan.Models = []gateway.ModelCard{houseModel()}
	if f.config != "" {
		c, err := loadConfig(f.config)
		if err != nil {
			return nil, plan, setup, usageError{err}
		}
		tenants, plan.Models = c.plannedTenants(), c.plannedModels()
		if plan.Tenant = gateway.TenantID(f.tenant); !tenants[plan.Tenant].Active {
			return nil, plan, setup, usageError{fmt.Errorf("--tenant: der Mandant %q ist in der Konfiguration nicht eingerichtet oder gesperrt", f.tenant)}
		}
		setup = policies.Setup{
			Tenants: map[gateway.TenantID]policies.Tenant{plan.Tenant: tenants[plan.Tenant]}, Services: catalog.Cards(), Models: plan.Models, Now: now,
		}
	}
	engine, err := policies.New(ctx, policies.Config{
		Tenants: tenants, Services: catalog.Cards(), Timeout: policyTimeout, Now: func() time.Time { return now },
	})
	return engine, plan, setup, err
}

// plannedTenants are the tenants of a configuration as policies know them.
func (c *Config) plannedTenants() map[gateway.TenantID]policies.Tenant {
	out := map[gateway.TenantID]policies.Tenant{}
	for _, t := range c.Tenants {
		out[t.ID] = policies.Tenant{Active: t.Active, Releases: c.Releases[t.ID], TenantDuties: c.Duties[t.ID]}
	}
	return out
}

func (c *Config) plannedModels() []gateway.ModelCard {
	var out []gateway.ModelCard
	for _, e := range c.entries() {
		out = append(out, e.Card)
	}
	return out
}

// houseModel is a model in the own data centre that may do everything: without a
// configuration the question is about the law, not about models.
func houseModel() gateway.ModelCard {
	return gateway.ModelCard{
		ID: "haus", Residency: gateway.ResidencyOwn, Operator: "eigenes Rechenzentrum", Country: "DE", ProcessorKind: "own", Para30AO: true, Art9: true,
		DataClasses: []gateway.DataClass{
			gateway.DataPublic, gateway.DataInternal, gateway.DataPersonal, gateway.DataArt9, gateway.DataSozialdaten, gateway.DataSteuer,
			gateway.DataTrade, gateway.DataConfidential,
		},
		Operations: []gateway.Operation{gateway.OperationChat},
	}
}

func dayFor(s string) (time.Time, error) {
	if s == "" {
		return time.Now(), nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return day, fmt.Errorf("--date: erwartet wird ein Tag wie 2026-11-22")
	}
	return day, nil
}

func classOf(g policies.Guide, id string) policies.GuideClass {
	i := slices.IndexFunc(g.Classes, func(c policies.GuideClass) bool { return c.ID == id })
	if i < 0 {
		return policies.GuideClass{ID: id}
	}
	return g.Classes[i]
}

func printPurposes(out io.Writer, g policies.Guide, asJSON bool) error {
	if asJSON {
		return printJSON(out, g)
	}
	for _, p := range g.Purposes {
		if _, err := fmt.Fprintf(out, "%-30s %s. %s\n", p.ID, p.Title, p.Text); err != nil {
			return err
		}
	}
	return nil
}

// printClassified writes a page that can be put into a file: class, reasons, list.
func printClassified(out io.Writer, a classified) error {
	var b strings.Builder
	answer := "zulässig"
	if !a.Result.Allowed {
		answer = "nicht zulässig"
	}
	fmt.Fprintf(&b, "Einstufung: %s (%s)\n%s\n\n%s\nSo, wie beschrieben: %s.\n", a.Class.Title, a.Class.ID, a.Result.Risk.Basis, a.Class.Text, answer)
	if a.Result.Risk.Note != "" {
		fmt.Fprintln(&b, a.Result.Risk.Note)
	}
	b.WriteString("\nWas die Regeln sagen:\n")
	for _, r := range a.Result.Reasons {
		fmt.Fprintf(&b, "  %s  %s\n           %s\n", r.Rule, r.Text, r.Basis)
	}
	b.WriteString("\nPrüfliste:\n")
	for _, d := range a.Class.Checklist {
		since := "gilt seit " + d.Day
		if !d.InForce {
			since = "gilt ab " + d.Day
		}
		fmt.Fprintf(&b, "  [ ] %s\n      %s; %s; %s\n", d.Duty, d.Norm, d.Who, since)
		if d.How != "" {
			fmt.Fprintf(&b, "      %s\n", d.How)
		}
	}
	if len(a.Class.Examples) > 0 {
		b.WriteString("\nBeispiele derselben Klasse:\n")
	}
	for _, x := range a.Class.Examples {
		fmt.Fprintf(&b, "  %s: %s\n      %s\n", x.Area, x.Title, x.Why)
	}
	if len(a.Findings) > 0 {
		b.WriteString("\nIn der Konfiguration fehlt:\n")
	}
	for _, f := range a.Findings {
		fmt.Fprintf(&b, "  %s: %s (%s)\n", f.Object, f.Text, f.Basis)
	}
	_, err := io.WriteString(out, b.String())
	return err
}

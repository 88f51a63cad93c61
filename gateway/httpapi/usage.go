// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// Usage tells what was used and what is left.
type Usage interface {
	Usage(ctx context.Context, f quota.Filter) ([]quota.Row, error)
	Left(ctx context.Context, caller gateway.Caller, purpose gateway.Purpose) ([]quota.Left, error)
	Notices(ctx context.Context, tenant gateway.TenantID, limit int) ([]quota.Notice, error)
}

// Roles that see more than the usage of their own system.
const (
	roleOperation = "betrieb" // all tenants
	roleTenant    = "mandant" // the own tenant
)

// usageQuery is what was asked for, within the caller's rights.
type usageQuery struct {
	quota.Filter
	csv bool
}

// getUsage is GET /api/v1/usage.
func (s *Server) getUsage(c *gin.Context) {
	if s.Usage == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	q, err := s.usageQueryOf(callOf(ctx).caller, c.Request.URL.Query())
	if err != nil {
		s.fail(c, err)
		return
	}
	rows, err := s.Usage.Usage(ctx, q.Filter)
	if err != nil {
		s.fail(c, err)
		return
	}
	if q.csv {
		c.Header("Content-Disposition", fmt.Sprintf("attachment; filename=\"verbrauch_%s_%s.csv\"", q.From, q.To))
		c.Data(http.StatusOK, "text/csv; charset=utf-8", usageCSV(q.By, rows))
		return
	}
	list := make([]gin.H, len(rows))
	var total quota.Count
	for i, r := range rows {
		list[i] = usageJSON(r.Count)
		for _, d := range q.By {
			list[i][string(d)] = usageGroup(d, r.Key)
		}
		total = sum(total, r.Count)
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"from": q.From, "to": q.To, "group_by": q.By, "rows": list, "total": usageJSON(total)})
}

// usageQueryOf reads the query; what a caller may not see is no error but
// narrows it, except where another tenant or system is named.
func (s *Server) usageQueryOf(caller gateway.Caller, values url.Values) (usageQuery, error) {
	today := inGermany(s.Now())
	q := usageQuery{Filter: quota.Filter{
		From: today.Format("2006-01") + "-01", To: today.Format(time.DateOnly),
		By: []quota.Dimension{quota.ByTenant, quota.BySystem, quota.ByCostCentre, quota.ByPurpose, quota.ByModel},
	}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value := values.Get(name)
		if len(values[name]) > 1 || len(value) > 300 {
			return q, invalid(name, "Der Parameter steht mehrfach in der Anfrage oder ist zu lang.")
		}
		var err error
		switch name {
		case "from":
			q.From, err = germanDay(value, name)
		case "to":
			q.To, err = germanDay(value, name)
		case "group_by":
			q.By, err = dimensions(value)
		case "tenant":
			q.Tenant = gateway.TenantID(value)
		case "system":
			q.System = gateway.SystemID(value)
		case "format":
			if q.csv = value == "csv"; !q.csv && value != "json" {
				err = invalid(name, "Möglich sind json und csv.")
			}
		default:
			err = invalid(name, "Dieser Parameter ist nicht bekannt.")
		}
		if err != nil {
			return q, err
		}
	}
	if q.From > q.To {
		return q, invalid("from", "Der Zeitraum endet vor seinem Beginn.")
	}
	return q, confineUsage(&q.Filter, caller)
}

// confineUsage keeps a caller inside its rights.
func confineUsage(f *quota.Filter, caller gateway.Caller) error {
	denied := func(message string) error {
		return &gateway.Error{Op: "read usage", Code: gateway.CodeDenied, Message: message}
	}
	administers := slices.Contains(caller.Roles, roleTenant)
	if slices.Contains(f.By, quota.ByPerson) {
		// Works councils agree with a tenant, never with the operator.
		if !administers || f.Tenant != "" && f.Tenant != caller.Tenant {
			return denied("Nach Personen kann nur die Verwaltung des eigenen Mandanten auswerten.")
		}
		f.Tenant = caller.Tenant
		return nil
	}
	if slices.Contains(caller.Roles, roleOperation) {
		return nil
	}
	if f.Tenant != "" && f.Tenant != caller.Tenant {
		return denied("Der Verbrauch anderer Mandanten ist für Sie nicht sichtbar.")
	}
	f.Tenant = caller.Tenant
	if administers {
		return nil
	}
	if f.System != "" && f.System != caller.System {
		return denied("Der Verbrauch anderer Fachverfahren ist für Sie nicht sichtbar.")
	}
	f.System = caller.System
	if f.System == "" {
		return denied("Der Verbrauch ist für Sie nicht sichtbar.")
	}
	return nil
}

func germanDay(value, name string) (string, error) {
	t, err := parseDate(value, name)
	return t.Format(time.DateOnly), err
}

func inGermany(t time.Time) time.Time {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return t.UTC()
	}
	return t.In(zone)
}

func dimensions(value string) ([]quota.Dimension, error) {
	var out []quota.Dimension
	known := quota.Dimensions()
	for part := range strings.SplitSeq(value, ",") {
		d := quota.Dimension(strings.TrimSpace(part))
		if d == "" && value == "" {
			return nil, nil
		}
		if !slices.Contains(known, d) || slices.Contains(out, d) || len(out) > len(known) {
			return nil, invalid("group_by", "Bekannt sind, je einmal: month, day, hour, tenant, system, cost_centre, purpose, service, model, outcome, person.")
		}
		if d == quota.ByDay && slices.Contains(out, quota.ByMonth) || d == quota.ByMonth && slices.Contains(out, quota.ByDay) {
			return nil, invalid("group_by", "Entweder month oder day.")
		}
		out = append(out, d)
	}
	return out, nil
}

func sum(a, b quota.Count) quota.Count {
	a.Add(b)
	return a
}

func usageJSON(n quota.Count) gin.H {
	return gin.H{
		"requests": n.Requests, "input_tokens": n.InputReported + n.InputEstimated, "output_tokens": n.OutputReported + n.OutputEstimated,
		"input_tokens_estimated": n.InputEstimated, "output_tokens_estimated": n.OutputEstimated,
		"cost_micro_euro": n.Cost, "masked": n.Masked, "energy_wh": float64(n.Energy) / 1e6,
	}
}

func usageGroup(d quota.Dimension, k quota.Key) any {
	switch d {
	case quota.ByMonth, quota.ByDay:
		return k.Day
	case quota.ByHour:
		return k.Hour
	case quota.ByTenant:
		return k.Tenant
	case quota.BySystem:
		return k.System
	case quota.ByCostCentre:
		return k.CostCentre
	case quota.ByPurpose:
		return k.Purpose
	case quota.ByService:
		return k.Service
	case quota.ByModel:
		return k.Model
	case quota.ByOutcome:
		return k.Outcome
	case quota.ByPerson:
		return k.Person
	}
	return ""
}

// usageCSV is for spreadsheets in German offices: a mark for UTF-8, semicolons,
// decimal commas, lines that end with CR LF.
func usageCSV(by []quota.Dimension, rows []quota.Row) []byte {
	var b strings.Builder
	b.WriteString("\ufeff")
	line := make([]string, 0, len(by)+8)
	for _, d := range by {
		line = append(line, dimensionTitle(d))
	}
	line = append(line, "Anfragen", "Eingabe-Token (gemeldet)", "Eingabe-Token (geschätzt)", "Ausgabe-Token (gemeldet)",
		"Ausgabe-Token (geschätzt)", "Kosten (EUR)", "Ersetzte Angaben", "Energie (Wh, geschätzt)")
	writeLine(&b, line)
	for _, r := range rows {
		line = line[:0]
		for _, d := range by {
			line = append(line, cell(fmt.Sprint(usageGroup(d, r.Key))))
		}
		for _, n := range [...]int64{r.Requests, r.InputReported, r.InputEstimated, r.OutputReported, r.OutputEstimated} {
			line = append(line, strconv.FormatInt(n, 10))
		}
		line = append(line, millionths(int64(r.Cost)), strconv.FormatInt(r.Masked, 10), millionths(r.Energy))
		writeLine(&b, line)
	}
	return []byte(b.String())
}

func dimensionTitle(d quota.Dimension) string {
	switch d {
	case quota.ByMonth:
		return "Monat"
	case quota.ByDay:
		return "Tag"
	case quota.ByHour:
		return "Stunde"
	case quota.ByTenant:
		return "Mandant"
	case quota.BySystem:
		return "Fachverfahren"
	case quota.ByCostCentre:
		return "Kostenstelle"
	case quota.ByPurpose:
		return "Zweck"
	case quota.ByService:
		return "Leistung"
	case quota.ByModel:
		return "Modell"
	case quota.ByOutcome:
		return "Ausgang"
	case quota.ByPerson:
		return "Person (Pseudonym)"
	}
	return string(d)
}

// millionths writes a number with a decimal comma and all six places.
func millionths(n int64) string {
	const million = 1_000_000
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d,%06d", sign, n/million, n%million)
}

// cell makes a text harmless: a spreadsheet takes what begins with one of these
// for a formula. It is quoted where the format needs it.
func cell(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if trimmed := strings.TrimLeft(s, " \u00a0\u200b\ufeff"); trimmed != "" && strings.ContainsRune("=+-@|%＝＋－＠％", []rune(trimmed)[0]) {
		s = "'" + s
	}
	if strings.ContainsAny(s, ";\"") {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func writeLine(b *strings.Builder, cells []string) {
	b.WriteString(strings.Join(cells, ";"))
	b.WriteString("\r\n")
}

// getLimits is GET /api/v1/limits: the caller's limits and what is left of them.
func (s *Server) getLimits(c *gin.Context) {
	if s.Usage == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	purpose := caller.DefaultPurpose
	for name, values := range c.Request.URL.Query() {
		if name != "purpose" || len(values) > 1 || len(values[0]) > 100 {
			s.fail(c, invalid("purpose", "Der einzige Parameter ist purpose, einmal."))
			return
		}
		purpose = gateway.Purpose(values[0])
	}
	limits, err := s.Usage.Left(ctx, caller, purpose)
	if err != nil {
		s.fail(c, err)
		return
	}
	if limits == nil {
		limits = []quota.Left{}
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"limits": limits})
}

// maxNotices bounds one list of notices.
const maxNotices = 500

// getNotices is GET /api/v1/notices: budgets that were used to 80, 90 or 100 per cent.
func (s *Server) getNotices(c *gin.Context) {
	if s.Usage == nil {
		s.absent(c)
		return
	}
	ctx := c.Request.Context()
	caller := callOf(ctx).caller
	tenant := caller.Tenant
	switch {
	case slices.Contains(caller.Roles, roleOperation):
		tenant = ""
	case !slices.Contains(caller.Roles, roleTenant) || tenant == "":
		s.fail(c, &gateway.Error{Op: "list notices", Code: gateway.CodeDenied, Message: "Die Hinweise zu Budgets sieht nur, wer den Mandanten verwaltet oder die Schleuse betreibt."})
		return
	}
	notices, err := s.Usage.Notices(ctx, tenant, maxNotices)
	if err != nil {
		s.fail(c, err)
		return
	}
	if notices == nil {
		notices = []quota.Notice{}
	}
	writeJSON(c, http.StatusOK, "application/json", gin.H{"notices": notices})
}

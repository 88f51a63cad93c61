// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway/quota"
)

// usageRow is a row with its columns' names.
type usageRow struct {
	Day             string `json:"day"`
	Hour            int    `json:"hour"`
	Tenant          string `json:"tenant"`
	System          string `json:"system"`
	CostCentre      string `json:"cost_centre"`
	Purpose         string `json:"purpose"`
	Service         string `json:"service"`
	Model           string `json:"model"`
	Outcome         string `json:"outcome"`
	Person          string `json:"person"`
	Requests        int64  `json:"requests"`
	InputReported   int64  `json:"input_reported"`
	InputEstimated  int64  `json:"input_estimated"`
	OutputReported  int64  `json:"output_reported"`
	OutputEstimated int64  `json:"output_estimated"`
	Cost            int64  `json:"cost"`
	Masked          int64  `json:"masked"`
	Energy          int64  `json:"energy"`
}

var (
	usageKeys = []Column{
		{Name: "day", Text: true},
		{Name: "hour"},
		{Name: "tenant", Text: true},
		{Name: "system", Text: true},
		{Name: "cost_centre", Text: true},
		{Name: "purpose", Text: true},
		{Name: "service", Text: true},
		{Name: "model", Text: true},
		{Name: "outcome", Text: true},
		{Name: "person", Text: true},
	}
	usageCounts = []Column{
		{Name: "requests"},
		{Name: "input_reported"},
		{Name: "input_estimated"},
		{Name: "output_reported"},
		{Name: "output_estimated"},
		{Name: "cost"},
		{Name: "masked"},
		{Name: "energy"},
	}
)

func names(columns []Column, form string) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = strings.ReplaceAll(form, "%", c.Name)
	}
	return strings.Join(out, ", ")
}

// AddUsage implements quota.Store.
func (s *Store) AddUsage(ctx context.Context, b quota.Batch) error {
	all := append(append([]Column{}, usageKeys...), usageCounts...)
	list := make([]usageRow, len(b.Rows))
	for i, r := range b.Rows {
		list[i] = usageRow{
			r.Day, r.Hour, string(r.Tenant), string(r.System), r.CostCentre, string(r.Purpose), string(r.Service), string(r.Model), string(r.Outcome), string(r.Person),
			r.Requests, r.InputReported, r.InputEstimated, r.OutputReported, r.OutputEstimated, int64(r.Cost), r.Masked, r.Energy,
		}
	}
	return s.transact(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `INSERT INTO quota_batch (id, at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, b.ID, b.Time.UnixNano())
		if err != nil {
			return fmt.Errorf("note batch: %w", err)
		}
		if n, err := done.RowsAffected(); err != nil || n == 0 {
			return err
		}
		// In the order of the key, so that two replicas never wait for each other.
		//nolint:gosec // the names of the columns are constants
		_, err = tx.ExecContext(ctx, `INSERT INTO quota_usage (`+names(all, "%")+`) SELECT `+names(all, "x.%")+` FROM `+s.Dialect.Rows(all...)+` WHERE true
			ORDER BY `+names(usageKeys, "x.%")+` ON CONFLICT (`+names(usageKeys, "%")+`) DO UPDATE SET `+names(usageCounts, "% = quota_usage.% + excluded.%"), asJSON(list))
		if err != nil {
			return fmt.Errorf("add usage: %w", err)
		}
		return nil
	})
}

// groupColumn is what a dimension is in SQL.
func groupColumn(d quota.Dimension) (expression, column string, ok bool) {
	switch d {
	case quota.ByMonth:
		return "substr(day, 1, 7)", "day", true
	case quota.ByDay, quota.ByHour, quota.ByTenant, quota.BySystem, quota.ByCostCentre, quota.ByPurpose,
		quota.ByService, quota.ByModel, quota.ByOutcome, quota.ByPerson:
		return string(d), string(d), true
	}
	return "", "", false
}

// SumUsage implements quota.Store.
func (s *Store) SumUsage(ctx context.Context, f quota.Filter) ([]quota.Row, error) {
	var groups, targets []string
	for _, d := range f.By {
		expression, column, ok := groupColumn(d)
		if !ok {
			return nil, fmt.Errorf("usage cannot be grouped by %.20q", d)
		}
		groups, targets = append(groups, expression), append(targets, column)
	}
	where, args := []string{"true"}, []any{}
	for _, w := range []struct{ condition, value string }{
		{"day >= ", f.From}, {"day <= ", f.To}, {"tenant = ", string(f.Tenant)}, {"system = ", string(f.System)},
	} {
		if w.value != "" {
			args = append(args, w.value)
			where = append(where, fmt.Sprintf("%s$%d", w.condition, len(args)))
		}
	}
	args = append(args, f.Limit)
	sums := names(usageCounts, "CAST(coalesce(sum(%), 0) AS BIGINT)")
	text := "SELECT " + strings.Join(append(append([]string{}, groups...), sums), ", ") + " FROM quota_usage WHERE " + strings.Join(where, " AND ")
	if len(groups) > 0 {
		list := strings.Join(groups, ", ")
		text += " GROUP BY " + list + " ORDER BY " + list
	} else {
		text += " HAVING count(*) > 0"
	}
	found, err := rows(ctx, s.Read, func(r *sql.Rows) (quota.Row, error) { return scanUsage(r, targets) }, fmt.Sprintf("%s LIMIT $%d", text, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("sum usage: %w", err)
	}
	return found, nil
}

func scanUsage(r *sql.Rows, targets []string) (row quota.Row, err error) {
	var to []any
	for _, t := range targets {
		to = append(to, map[string]any{
			"day": &row.Day, "hour": &row.Hour, "tenant": &row.Tenant, "system": &row.System, "cost_centre": &row.CostCentre,
			"purpose": &row.Purpose, "service": &row.Service, "model": &row.Model, "outcome": &row.Outcome, "person": &row.Person,
		}[t])
	}
	to = append(to, &row.Requests, &row.InputReported, &row.InputEstimated, &row.OutputReported, &row.OutputEstimated, &row.Cost, &row.Masked, &row.Energy)
	return row, r.Scan(to...)
}

// AddNotices implements quota.Store.
func (s *Store) AddNotices(ctx context.Context, notices []quota.Notice) ([]quota.Notice, error) {
	var fresh []quota.Notice
	err := s.transact(ctx, func(tx *sql.Tx) error {
		for _, n := range notices {
			body, err := json.Marshal(n)
			if err != nil {
				return fmt.Errorf("encode notice: %w", err)
			}
			account := quota.Account{Scope: n.Scope, Kind: n.Kind, Period: n.Period}
			done, err := tx.ExecContext(ctx, `INSERT INTO quota_notice (account, percent, tenant, at, ends, body) VALUES ($1, $2, $3, $4, $5, $6)
				ON CONFLICT (account, percent) DO NOTHING`, account.ID(), n.Percent, string(n.Scope.Tenant), n.Time.UnixNano(), n.Ends.UnixNano(), string(body))
			if err != nil {
				return fmt.Errorf("keep notice: %w", err)
			}
			if added, err := done.RowsAffected(); err != nil {
				return err
			} else if added == 1 {
				fresh = append(fresh, n)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return fresh, nil
}

// Notices implements quota.Store.
func (s *Store) Notices(ctx context.Context, tenant string, limit int) ([]quota.Notice, error) {
	found, err := rows(ctx, s.Read, func(r *sql.Rows) (n quota.Notice, err error) {
		var body string
		if err := r.Scan(&body); err != nil {
			return n, err
		}
		return n, json.Unmarshal([]byte(body), &n)
	}, `SELECT body FROM quota_notice WHERE $1 = '' OR tenant = $1 ORDER BY at DESC, account, percent DESC LIMIT $2`, tenant, limit)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return found, nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Key is what usage is told apart by.
type Key struct {
	// Day and Hour in Germany: "2026-11-22" and 0 to 23.
	Day        string            `json:"day,omitempty"`
	Hour       int               `json:"hour,omitempty"`
	Tenant     gateway.TenantID  `json:"tenant,omitempty"`
	System     gateway.SystemID  `json:"system,omitempty"`
	CostCentre string            `json:"cost_centre,omitempty"`
	Purpose    gateway.Purpose   `json:"purpose,omitempty"`
	Service    gateway.ServiceID `json:"service,omitempty"`
	Model      gateway.ModelID   `json:"model,omitempty"`
	Outcome    gateway.Outcome   `json:"outcome,omitempty"`
	// Person is a pseudonym, only where the tenant's agreement allows it.
	Person gateway.Pseudonym `json:"person,omitempty"`
}

// OutcomeLimited is the outcome of requests that a limit refused.
const OutcomeLimited gateway.Outcome = "limited"

// Count is how much was used.
type Count struct {
	Requests int64 `json:"requests"`
	// Tokens as the model's server reported them, and estimated where it did not.
	InputReported   int64 `json:"input_reported"`
	InputEstimated  int64 `json:"input_estimated"`
	OutputReported  int64 `json:"output_reported"`
	OutputEstimated int64 `json:"output_estimated"`
	// Cost at the price of the route.
	Cost gateway.MicroEuro `json:"cost_micro_euro"`
	// Masked values that were replaced before the text left the house.
	Masked int64 `json:"masked"`
	// Energy is an estimate in micro-watt-hours.
	Energy int64 `json:"energy_micro_wh"`
}

// Add adds another count.
func (c *Count) Add(o Count) {
	c.Requests += o.Requests
	c.InputReported += o.InputReported
	c.InputEstimated += o.InputEstimated
	c.OutputReported += o.OutputReported
	c.OutputEstimated += o.OutputEstimated
	c.Cost += o.Cost
	c.Masked += o.Masked
	c.Energy += o.Energy
}

// Row is usage of one group.
type Row struct {
	Key
	Count
}

// Batch is usage that is written at once.
type Batch struct {
	// ID makes writing it twice harmless.
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Rows []Row     `json:"rows"`
}

// maxRows bounds the different rows of one batch in memory. What comes beyond is
// counted without system, cost centre, purpose, service and model.
const maxRows = 50_000

// counter counts usage until it is written.
type counter struct {
	config   *Config
	calendar calendar

	mu   sync.Mutex
	rows map[Key]*Count
	// stamp is the hour of the last request, so that the calendar is asked once
	// an hour.
	from, until time.Time
	day         string
	hour        int

	writing sync.Mutex
	pending []Batch
	// recalled is how many of pending come from the journal.
	recalled int
}

func newCounter(c *Config, cal calendar) *counter {
	return &counter{config: c, calendar: cal, rows: map[Key]*Count{}}
}

// add counts a request that has ended.
func (c *counter) add(t *ticket, u gateway.Used, cost gateway.MicroEuro) {
	r, end := &u.Record, &u.Closing
	key := Key{
		Tenant: t.caller.Tenant, System: gateway.SystemID(printable(string(t.caller.System))), CostCentre: clean(t.caller.CostCentre),
		Purpose: r.Purpose, Service: r.Service, Outcome: outcome(end),
	}
	if r.Route != nil {
		key.Model = r.Route.Model
	}
	if end.Answered != nil {
		key.Model = end.Answered.Model
	}
	if r.Route == nil && end.Outcome != gateway.OutcomeAnswered {
		key.Purpose, key.Service = known(r.Purpose), "" // foreign input that nothing has checked
	}
	if c.config.PerPerson != nil && r.User != "" && c.config.PerPerson(t.caller.Tenant) {
		key.Person = r.User
	}
	n := Count{Requests: 1, Cost: cost, Masked: int64(r.Masked), Energy: c.energy(key.Model, end.Usage.Output)}
	if end.Usage.Reported {
		n.InputReported, n.OutputReported = int64(end.Usage.Input), int64(end.Usage.Output)
	} else {
		n.InputEstimated, n.OutputEstimated = int64(end.Usage.Input), int64(end.Usage.Output)
	}
	c.put(key, n)
}

// refused counts a request that was not admitted.
func (c *counter) refused(t *ticket, r gateway.Request) {
	c.put(Key{
		Tenant: t.caller.Tenant, System: gateway.SystemID(printable(string(t.caller.System))), CostCentre: clean(t.caller.CostCentre),
		Purpose: known(r.Purpose), Outcome: OutcomeLimited,
	}, Count{Requests: 1})
}

func outcome(c *gateway.Closing) gateway.Outcome {
	switch {
	case c.Code == gateway.CodeBudget || c.Code == gateway.CodeRateLimited && len(c.Attempts) == 0:
		return OutcomeLimited
	case c.Outcome == "":
		return gateway.OutcomeFailed // the record could not be opened
	}
	return c.Outcome
}

// known keeps the purposes of the gateway and calls others by one word, so that
// callers cannot make rows without end.
func known(p gateway.Purpose) gateway.Purpose {
	switch p {
	case gateway.PurposeChat, gateway.PurposeResearch, gateway.PurposeFactualQA, gateway.PurposeLegalReferences,
		gateway.PurposeSummarise, gateway.PurposeTranscribe, gateway.PurposeTranslate, gateway.PurposeSimplifyLanguage,
		gateway.PurposeExtraction, gateway.PurposeDocumentClassification, gateway.PurposeCompletenessCheck,
		gateway.PurposeLetterRequestDocuments, gateway.PurposeLetterReceipt, gateway.PurposeLetterHearing,
		gateway.PurposeLetterFromDecision, gateway.PurposeCitizenInformation, gateway.PurposeServiceFinder, gateway.PurposeRouting:
		return p
	}
	return "other"
}

func (c *counter) energy(m gateway.ModelID, output int) int64 {
	if c.config.Energy == nil || m == "" {
		return 0
	}
	return int64(math.Round(c.config.Energy(m) * float64(output) * 1000))
}

func (c *counter) put(key Key, n Count) {
	now := c.config.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.from) || !now.Before(c.until) {
		local := now.In(c.calendar.zone)
		c.from = now.Truncate(time.Hour)
		c.until, c.day, c.hour = c.from.Add(time.Hour), local.Format(dayFormat), local.Hour()
	}
	key.Day, key.Hour = c.day, c.hour
	have := c.rows[key]
	if have == nil && len(c.rows) >= maxRows {
		key = Key{Day: key.Day, Hour: key.Hour, Tenant: key.Tenant, Outcome: key.Outcome}
		have = c.rows[key]
	}
	if have == nil {
		have = &Count{}
		c.rows[key] = have
	}
	have.Add(n)
}

// maxBatch bounds the rows of one batch, maxPending what waits in memory for a
// store that is down.
const (
	maxBatch   = 2000
	maxPending = 25
)

// cut moves what was counted into batches. While many wait, counting goes on in
// the same rows, which are bounded.
func (c *counter) cut() {
	if len(c.pending) >= maxPending {
		return
	}
	c.mu.Lock()
	rows := c.rows
	c.rows = make(map[Key]*Count, len(rows))
	c.mu.Unlock()
	batch := Batch{}
	for key, n := range rows {
		batch.Rows = append(batch.Rows, Row{key, *n})
		if len(batch.Rows) == maxBatch {
			c.pending = append(c.pending, c.sealed(batch))
			batch = Batch{}
		}
	}
	if len(batch.Rows) > 0 {
		c.pending = append(c.pending, c.sealed(batch))
	}
}

func (c *counter) sealed(b Batch) Batch {
	b.ID, b.Time = c.config.Replica+"-"+rand.Text(), c.config.Now().UTC()
	return b
}

// write sends everything that waits.
func (c *counter) write(ctx context.Context) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	c.cut()
	for len(c.pending) > 0 {
		inner, cancel := context.WithTimeout(ctx, c.config.Timeout)
		err := c.config.Store.AddUsage(inner, c.pending[0])
		cancel()
		if err != nil {
			return fmt.Errorf("write usage: %w", err)
		}
		c.wrote(ctx)
		c.cut()
	}
	return nil
}

// tidyEvery is the pause between two removals of what is too old.
const tidyEvery = 6 * time.Hour

// writeUsage writes every few seconds until the keeper stops.
func (k *Keeper) writeUsage() {
	tick := time.NewTicker(k.config.UsageEvery)
	defer tick.Stop()
	var failing bool
	var tidied time.Time
	for {
		select {
		case <-k.stop:
			return
		case <-tick.C:
		}
		err := k.usage.write(context.Background())
		if err != nil && !failing {
			k.config.Logger.LogAttrs(context.Background(), slog.LevelError, "usage not written, it is kept in memory", slog.Any("error", err))
		}
		failing = err != nil
		if now := k.config.Now(); !failing && now.Sub(tidied) > tidyEvery {
			tidied = now
			k.tidy(now)
		}
	}
}

func (k *Keeper) tidy(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*k.config.Timeout)
	defer cancel()
	if err := k.config.Store.Tidy(ctx, now.Add(-k.config.Retention)); err != nil {
		k.config.Logger.LogAttrs(ctx, slog.LevelWarn, "old usage not removed", slog.Any("error", err))
	}
}

// finish writes the rest, or puts it into the journal.
func (c *counter) finish(ctx context.Context) error {
	err := c.write(ctx)
	for err != nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
			err = c.write(ctx)
		}
	}
	if err == nil {
		return nil
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	for n := -1; n != len(c.pending); c.cut() {
		n = len(c.pending)
	}
	return errors.Join(err, c.keep(ctx))
}

// Dimension is something usage can be grouped by.
type Dimension string

// Dimensions.
const (
	ByMonth      Dimension = "month"
	ByDay        Dimension = "day"
	ByHour       Dimension = "hour"
	ByTenant     Dimension = "tenant"
	BySystem     Dimension = "system"
	ByCostCentre Dimension = "cost_centre"
	ByPurpose    Dimension = "purpose"
	ByService    Dimension = "service"
	ByModel      Dimension = "model"
	ByOutcome    Dimension = "outcome"
	ByPerson     Dimension = "person"
)

// Dimensions lists what usage can be grouped by. ByPerson is possible only
// where a tenant has agreed.
func Dimensions() []Dimension {
	return []Dimension{ByMonth, ByDay, ByHour, ByTenant, BySystem, ByCostCentre, ByPurpose, ByService, ByModel, ByOutcome, ByPerson}
}

// Filter chooses usage; empty fields do not restrict.
type Filter struct {
	// From and To are German days, both included.
	From, To string
	Tenant   gateway.TenantID
	System   gateway.SystemID
	// By is the order of the groups; nothing: one row.
	By []Dimension
	// Limit of rows, default and most 100,000.
	Limit int
}

const mostRows = 100_000

// Usage sums what was used: what is written, and up to a few seconds late. More
// rows than the limit are CodeTooLarge.
func (k *Keeper) Usage(ctx context.Context, f Filter) ([]Row, error) {
	if f.Limit <= 0 || f.Limit > mostRows {
		f.Limit = mostRows
	}
	for _, d := range f.By {
		if d == ByPerson && (f.Tenant == "" || k.config.PerPerson == nil || !k.config.PerPerson(f.Tenant)) {
			return nil, &gateway.Error{
				Op: "sum usage", Code: gateway.CodeDenied, Path: "group_by",
				Message: "Nach Personen wird nicht ausgewertet: Dafür ist für diesen Mandanten keine Vereinbarung hinterlegt.",
			}
		}
	}
	limit := f.Limit
	f.Limit++
	rows, err := k.config.Store.SumUsage(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("sum usage: %w", err)
	}
	if len(rows) > limit {
		return nil, &gateway.Error{
			Op: "sum usage", Code: gateway.CodeTooLarge, Path: "group_by",
			Message: "Die Auswertung hat mehr als " + number(int64(limit)) + " Zeilen. Bitte wählen Sie einen kürzeren Zeitraum oder weniger Gruppen.",
		}
	}
	return rows, nil
}

// Notices lists notices, newest first: of one tenant or, when it is empty, all.
func (k *Keeper) Notices(ctx context.Context, tenant gateway.TenantID, limit int) ([]Notice, error) {
	list, err := k.config.Store.Notices(ctx, strings.TrimSpace(string(tenant)), limit)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}

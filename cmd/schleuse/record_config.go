// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway/audit"
	"github.com/ki-schleuse/schleuse/gateway/audit/witness"
	"github.com/ki-schleuse/schleuse/gateway/state"
)

// RecordConfig says how long the record keeps contents, and who keeps its
// checkpoints elsewhere.
type RecordConfig struct {
	// Before says when an entry is durable at the latest: before anything leaves the
	// house ("answer", the default: models of the own data centre are asked meanwhile),
	// or before any model is asked ("model").
	Before string `yaml:"before"`
	// Floor is how long everything is kept at least (default 183d); an entry of a
	// high-risk system never less than 183 days (Art. 26 Abs. 6 KI-VO).
	Floor Days `yaml:"floor"`
	// Ceiling is after how long the contents of requests are removed, unless a rule
	// says something else; left out: only those of which a rule says so.
	Ceiling Days `yaml:"ceiling"`
	// Notes is after how long notes are removed; left out: never. Those that
	// explain what is gone always stay.
	Notes Days `yaml:"notes"`
	// RetentionDatabase is the PostgreSQL address of the role that may remove
	// contents; empty: that of Database may. ${NAME} is taken from the environment.
	RetentionDatabase string `yaml:"retention_database"`
	// Witnesses keep the newest checkpoint of every hour, or of WitnessEvery.
	Witnesses    []WitnessConfig `yaml:"witnesses"`
	WitnessEvery time.Duration   `yaml:"witness_every"`
}

// What an entry of the record has to be durable before.
const (
	beforeAnswer = "answer"
	beforeModel  = "model"
)

// WitnessConfig is a folder or a server.
type WitnessConfig struct {
	Folder string `yaml:"folder"`
	// URL takes each checkpoint by Method, PUT (default) or POST. Headers go with
	// it; ${NAME} is taken from the environment.
	URL     string            `yaml:"url"`
	Method  string            `yaml:"method"`
	Headers map[string]string `yaml:"headers"`
	// WriteOnly says that the server does not show what it keeps: a verification
	// cannot compare with it.
	WriteOnly bool `yaml:"write_only"`
}

// retention are the bounds without the holds.
func (c RecordConfig) retention() audit.Retention {
	return audit.Retention{Floor: cmp.Or(wholeDays(c.Floor), audit.HighRiskFloor), Ceiling: wholeDays(c.Ceiling), Notes: wholeDays(c.Notes)}
}

// wholeDays rounds up: rather a day too long than too short.
func wholeDays(d Days) int {
	const day = Days(24 * time.Hour)
	return int((d + day - 1) / day)
}

func (c RecordConfig) validate() error {
	var problems []error
	if c.Before != "" && c.Before != beforeAnswer && c.Before != beforeModel {
		problems = append(problems, fmt.Errorf("record.before: Die Angabe %q ist unbekannt. Möglich sind %s und %s.", c.Before, beforeAnswer, beforeModel))
	}
	if err := c.retention().Validate(); err != nil {
		problems = append(problems, prefixed("record.", err))
	}
	if _, err := fromEnvironment(c.RetentionDatabase); err != nil {
		problems = append(problems, sayAt("record.retention_database", err))
	}
	if _, err := c.witnesses(); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (c RecordConfig) witnesses() ([]witness.Witness, error) {
	var out []witness.Witness
	var problems []error
	for i, w := range c.Witnesses {
		one, err := w.open()
		if err != nil {
			problems = append(problems, prefixed(fmt.Sprintf("record.witnesses[%d].", i), err))
			continue
		}
		out = append(out, one)
	}
	return out, errors.Join(problems...)
}

func (w WitnessConfig) open() (witness.Witness, error) {
	if (w.Folder == "") == (w.URL == "") {
		return nil, errors.New("folder: Erwartet wird entweder folder oder url.")
	}
	if w.Folder != "" {
		folder, err := witness.NewFolder(w.Folder)
		if err != nil {
			return nil, sayAt("folder", err)
		}
		return folder, nil
	}
	headers := map[string]string{}
	for name, value := range w.Headers {
		var err error
		if headers[name], err = fromEnvironment(value); err != nil {
			return nil, sayAt("headers."+name, err)
		}
	}
	return witness.NewHTTP(witness.HTTPConfig{URL: w.URL, Method: w.Method, Headers: headers, WriteOnly: w.WriteOnly})
}

// holdKind is the kind of document of a legal hold.
const holdKind = "hold"

// recordHolds reads the legal holds. One on a user keeps everything of the tenant:
// the record is not searched by users, and rather too much stays than too little.
func recordHolds(store state.Store) func(context.Context) ([]audit.Hold, error) {
	return func(ctx context.Context) ([]audit.Hold, error) {
		var out []audit.Hold
		for f := (state.Filter{Kind: holdKind}); ; {
			page, err := store.List(ctx, f)
			if err != nil {
				return nil, fmt.Errorf("list legal holds: %w", err)
			}
			for _, d := range page {
				h := audit.Hold{Tenant: d.Tenant}
				if err := json.Unmarshal(d.Body, &h); err != nil {
					return nil, fmt.Errorf("read legal hold %s: %w", d.ID, err) // rather nothing ends than what is held
				}
				h.Tenant = d.Tenant
				out = append(out, h)
			}
			if len(page) < state.MaxLimit {
				return out, nil
			}
			f.After = page[len(page)-1].ID
		}
	}
}

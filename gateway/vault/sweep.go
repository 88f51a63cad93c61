// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Swept is what a run has removed.
type Swept struct {
	// Contents whose time had ended, Keys that nothing used any more, Held what a
	// legal hold kept beyond its time.
	Contents, Keys, Held int
}

// SweepEvery is how often Run sweeps.
const SweepEvery = time.Hour

const (
	sweepBatch = 500
	// interrupted is an erasure that began so long ago: no process is still at it.
	interrupted = 10 * time.Minute
)

// Sweep deletes contents whose time has ended and then the keys that no content
// needs any more: backups of the contents end with them. Erasures that could not be
// finished are tried again.
func (v *Vault) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	err := v.finish(ctx, interrupted)
	if err == nil {
		err = v.sweepContents(ctx, &s)
	}
	if err == nil {
		err = v.sweepKeys(ctx, &s)
	}
	return s, err
}

// Run sweeps at once and then regularly, until the context ends.
func (v *Vault) Run(ctx context.Context) {
	for {
		if s, err := v.Sweep(ctx); err != nil && ctx.Err() == nil {
			v.config.Logger.LogAttrs(ctx, slog.LevelError, "contents not swept", slog.Any("error", err))
		} else if s.Contents+s.Keys > 0 {
			v.config.Logger.LogAttrs(ctx, slog.LevelInfo, "contents swept", slog.Int("contents", s.Contents), slog.Int("keys", s.Keys), slog.Int("held", s.Held))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(SweepEvery):
		}
	}
}

func (v *Vault) sweepContents(ctx context.Context, s *Swept) error {
	now := v.config.Now().UTC()
	holds := map[gateway.TenantID][]Hold{}
	for after := (Item{}); ; {
		items, err := v.config.Contents.Expired(ctx, now, after, sweepBatch)
		if err != nil {
			return fmt.Errorf("find ended contents: %w", err)
		}
		if len(items) == 0 {
			return nil
		}
		after = items[len(items)-1]
		ended := map[gateway.TenantID][]Item{}
		for _, i := range items {
			known, ok := holds[i.Tenant]
			if !ok {
				if known, err = v.holdsOf(ctx, i.Tenant); err != nil {
					return err
				}
				holds[i.Tenant] = known
			}
			if held(known, i) {
				s.Held++
				continue
			}
			ended[i.Tenant] = append(ended[i.Tenant], i)
		}
		for tenant, list := range ended {
			if err := v.end(ctx, tenant, list, s); err != nil {
				return err
			}
		}
	}
}

// end deletes contents of one tenant whose time has ended.
func (v *Vault) end(ctx context.Context, tenant gateway.TenantID, items []Item, s *Swept) error {
	now := v.config.Now().UTC()
	err := v.config.Record.Note(ctx, audit.Note{
		ID: v.config.NewID(now), Time: now, Tenant: tenant, Topic: audit.TopicRetained, Object: "vault",
		Text: fmt.Sprintf("Die Frist von %d aufbewahrten Inhalten ist abgelaufen; sie werden gelöscht.", len(items)),
	})
	if err != nil {
		return fmt.Errorf("write note: %w", err)
	}
	n, err := v.config.Contents.Remove(ctx, items)
	if err != nil {
		return fmt.Errorf("delete ended contents: %w", err)
	}
	s.Contents += n
	return nil
}

func (v *Vault) sweepKeys(ctx context.Context, s *Swept) error {
	now := v.config.Now().UTC()
	for after := ""; ; {
		keys, err := v.config.Keys.Stale(ctx, now, after, sweepBatch)
		if err != nil {
			return fmt.Errorf("find ended keys: %w", err)
		}
		if len(keys) == 0 {
			return nil
		}
		after = keys[len(keys)-1].ID
		for _, k := range keys {
			used, err := v.config.Contents.Uses(ctx, k.Tenant, k.ID)
			if err != nil {
				return fmt.Errorf("find contents of a key: %w", err)
			}
			if used { // by what is held
				continue
			}
			switch err := v.config.Keys.Forget(ctx, k); {
			case errors.Is(err, ErrMoved):
			case err != nil:
				return fmt.Errorf("forget key: %w", err)
			default:
				s.Keys++
			}
		}
	}
}

// ErrMoved says that the end of a key was moved since it was read.
var ErrMoved = errors.New("the end of the key was moved")

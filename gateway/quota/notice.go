// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Notice says that a budget is used to some per cent. There is one for each
// percentage, period and limit.
type Notice struct {
	Time   time.Time `json:"time"`
	Scope  Scope     `json:"scope"`
	Kind   Kind      `json:"limit"`
	Period string    `json:"period"`
	// Ends is when the period ends.
	Ends    time.Time `json:"ends"`
	Percent int       `json:"percent"`
	Budget  Euro      `json:"budget"`
	Used    Euro      `json:"used"`
	// Text is one German sentence.
	Text string `json:"text"`
}

var percentages = [...]int{80, 90, 100}

// notices are the percentages that were reached since the last look.
func (b *budget) notices(now time.Time) []Notice {
	if b.limit == 0 {
		return nil
	}
	used := b.book.Used + b.book.Lost
	reached := int(used / max(b.limit/100, 1))
	if b.used100 {
		reached = 100
	}
	var out []Notice
	for _, percent := range percentages {
		if percent <= b.noted || percent > reached {
			continue
		}
		b.noted = percent
		out = append(out, Notice{
			Time: now, Scope: b.account.Scope, Kind: b.account.Kind, Period: b.account.Period, Ends: b.account.Ends,
			Percent: percent, Budget: Euro(b.limit), Used: Euro(used),
			Text: noticeText(b.account, percent, b.limit),
		})
	}
	return out
}

func noticeText(a Account, percent int, limit int64) string {
	name := "Tagesbudget"
	if a.Kind == KindMonth {
		name = "Monatsbudget"
	}
	if percent == 100 {
		return fmt.Sprintf("Das %s %s von %s ist aufgebraucht.", name, whose(a.Scope), euros(limit))
	}
	return fmt.Sprintf("Vom %s %s von %s sind %d Prozent verbraucht.", name, whose(a.Scope), euros(limit), percent)
}

// tell keeps notices and passes those on that no replica has made before.
func (k *Keeper) tell(ctx context.Context, notices []Notice) {
	if len(notices) == 0 {
		return
	}
	slices.SortFunc(notices, inOrder) // so that two replicas never wait for each other
	fresh, err := k.config.Store.AddNotices(ctx, notices)
	if err != nil {
		k.forgetNotices(notices)
		k.config.Logger.LogAttrs(ctx, slog.LevelError, "budget notices not kept, they are made again", slog.Any("error", err))
		return
	}
	slices.SortFunc(fresh, inOrder)
	for _, n := range fresh {
		k.config.Logger.LogAttrs(ctx, slog.LevelWarn, "budget notice", slog.String("class", n.Scope.Class),
			slog.String("tenant", string(n.Scope.Tenant)), slog.String("limit", string(n.Kind)), slog.String("period", n.Period), slog.Int("percent", n.Percent))
	}
	k.passOn(fresh)
}

// inOrder: the lower percentage of a budget comes first.
func inOrder(a, b Notice) int {
	return cmp.Or(cmp.Compare(a.Scope.String(), b.Scope.String()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Percent, b.Percent))
}

// passOn tells of notices one after the other, each after those of earlier exchanges,
// without keeping the exchange waiting. Only the exchange calls it.
func (k *Keeper) passOn(fresh []Notice) {
	if k.config.Notice == nil || len(fresh) == 0 {
		return
	}
	before, done := k.told, make(chan struct{})
	k.told = done
	k.background.Go(func() {
		defer close(done)
		if before != nil {
			<-before
		}
		for _, n := range fresh {
			k.config.Notice(n)
		}
	})
}

// forgetNotices lets the next exchange try again.
func (k *Keeper) forgetNotices(notices []Notice) {
	for _, n := range notices {
		k.mu.Lock()
		s := k.scopes[n.Scope]
		k.mu.Unlock()
		if s == nil {
			continue
		}
		s.mu.Lock()
		if b := s.budgetOf(n.Kind); b != nil && b.account.Period == n.Period {
			b.noted = min(b.noted, n.Percent-1)
		}
		s.mu.Unlock()
	}
}

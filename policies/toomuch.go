// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/ki-schleuse/schleuse/policies/plan"
)

// sentence says what is wrong with a draft. Where a rule asked a function for too
// much, it names the rule.
func (b *bundle) sentence(err error) string {
	e, ok := errors.AsType[*plan.TooMuchError](err)
	if !ok {
		return err.Error()
	}
	where := e.Rule
	for _, r := range b.rules {
		if strings.HasPrefix(e.Rule, r.File+":") || strings.Contains(e.Rule, ".rules."+strings.ReplaceAll(r.path, "/", ".")+".") {
			where = fmt.Sprintf("Regel %s (%s)", r.ID, r.File)
		}
	}
	if e.Function == "" {
		return fmt.Sprintf("%s kommt zu keinem Ende: %s.", where, e.Text)
	}
	return fmt.Sprintf("%s ruft %s mit zu großen Werten auf: %s.", where, e.Function, e.Text)
}

// overreach is a handler of logs that keeps why evaluations were refused: a
// decision says only that it could not be made.
type overreach struct {
	mu   sync.Mutex
	last error
}

func (o *overreach) Enabled(context.Context, slog.Level) bool { return true }
func (o *overreach) WithAttrs([]slog.Attr) slog.Handler       { return o }
func (o *overreach) WithGroup(string) slog.Handler            { return o }

func (o *overreach) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.last = err
		}
		return true
	})
	return nil
}

// take is the last reason since it was asked.
func (o *overreach) take() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	err := o.last
	o.last = nil
	return err
}

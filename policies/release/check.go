// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package release

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/policies"
)

// examineTime bounds the checks of one draft.
const examineTime = 2 * time.Minute

// checkWords are title, and sentence when nothing was found.
var checkWords = map[string]struct{ title, fine string }{
	policies.StepFormat:   {"Aufbau", "%d Dateien sind lesbar."},
	policies.StepCompile:  {"Übersetzung", "%d Regeln sind streng übersetzt und rufen nur erlaubte Funktionen auf."},
	policies.StepLint:     {"Form", "%d Dateien haben die vorgeschriebene Form; jede Regel hat Angaben, Rechtsgrundlage und einen Test."},
	policies.StepCanary:   {"Kontrollfragen", "%d Fragen mit bekannter Antwort sind richtig beantwortet."},
	policies.StepGolden:   {"Musterfälle", "%d Musterfälle sind wie beschrieben entschieden."},
	policies.StepRego:     {"Regeltests", "%d Regeltests sind bestanden."},
	policies.StepMutation: {"Beschädigte Eingaben", "%d beschädigte Musterfälle öffnen nichts."},
}

// examine makes the automatic checks, one draft after the other. A draft that does
// not come to an end is given up; the next one waits until it has stopped.
func (d *Desk) examine(ctx context.Context, files Files) (Report, error) {
	select {
	case d.checking <- struct{}{}:
	case <-ctx.Done():
		return Report{}, ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, examineTime)
	type outcome struct {
		examination policies.Examination
		err         error
	}
	start := d.config.Now()
	done := make(chan outcome, 1)
	go func() {
		defer func() { <-d.checking }()
		defer cancel()
		x, err := policies.Examine(ctx, files.FS(), policies.ExamineOptions{})
		done <- outcome{x, err}
	}()
	select {
	case <-ctx.Done():
		select {
		case o := <-done: // it noticed itself
			return reportOf(o.examination, d.config.Now().Sub(start)), nil
		case <-time.After(time.Second):
		}
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return Report{Checks: []Check{{ID: policies.StepFormat, Title: checkWords[policies.StepFormat].title, Text: "Die Prüfung kam in zwei Minuten zu keinem Ende.", Findings: []string{"timeout"}}}}, nil
		}
		return Report{}, ctx.Err()
	case o := <-done:
		if o.err != nil {
			return Report{}, fmt.Errorf("examine draft: %w", o.err)
		}
		return reportOf(o.examination, d.config.Now().Sub(start)), nil
	}
}

func reportOf(x policies.Examination, took time.Duration) Report {
	r := Report{Duration: took}
	for _, s := range x.Results {
		words := checkWords[s.Step]
		c := Check{ID: s.Step, Title: words.title, OK: len(s.Findings) == 0, Findings: s.Findings}
		c.Text = fmt.Sprintf(words.fine, s.Count)
		if !c.OK {
			c.Text = fmt.Sprintf("%d Beanstandungen.", len(s.Findings))
		}
		if len(s.Findings) == 1 {
			c.Text = "Eine Beanstandung."
		}
		r.Checks = append(r.Checks, c)
	}
	return r
}

// Examine makes the automatic checks of files that nobody proposed yet.
func Examine(ctx context.Context, files Files) (Report, error) {
	start := time.Now()
	x, err := policies.Examine(ctx, files.FS(), policies.ExamineOptions{})
	if err != nil {
		return Report{}, &gateway.Error{Op: "examine policies", Code: gateway.CodeInternal, Message: "Die Prüfung konnte nicht ausgeführt werden.", Err: err}
	}
	return reportOf(x, time.Since(start)), nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"
)

// Keeper keeps the content of requests, encrypted, where an obligation demands it.
type Keeper interface {
	// Keep is durable when it returns. An error means: the obligation cannot be met.
	Keep(ctx context.Context, c Content) error
	// Drop takes back what was kept of a request that was not recorded after all.
	Drop(ctx context.Context, tenant TenantID, id string) error
	// Spool holds an answer while it comes, out of everybody's sight.
	Spool() Spool
}

// Spool holds the texts of one answer until they are kept. It is used by one goroutine.
type Spool interface {
	// Write adds to the text with the number; texts begin in the order of their numbers.
	Write(text int, piece string)
	// Texts are the texts; truncated: there was more than fits.
	Texts() (texts []string, truncated bool, err error)
	// Close lets everything go. It may be called twice.
	Close() error
}

// Content is the request or the answer that is kept.
type Content struct {
	// ID is that of the record; Case and User are its pseudonyms, Time its time.
	ID     string
	Tenant TenantID
	Case   Pseudonym
	User   Pseudonym
	Time   time.Time
	// Answer: the content is the answer, not the request.
	Answer bool
	Kept
	// Body is JSON; personal data is replaced unless Original.
	Body []byte
}

// Kept says in a record what is kept beside it.
type Kept struct {
	// Content is a keyed commitment to what is kept: it proves that this is it.
	Content Pseudonym `json:"content"`
	Bytes   int       `json:"bytes"`
	// Days it is kept.
	Days int `json:"days"`
	// Original: personal data was not replaced, because the obligation says so.
	Original bool `json:"original,omitempty"`
	// Truncated: there was more than is kept.
	Truncated bool `json:"truncated,omitempty"`
}

// MaxKeepDays bounds how long an obligation may have content kept.
const MaxKeepDays = 3660

// keeping is the obligation log_content under way.
type keeping struct {
	days     int
	original bool
	texts    []string // of the request, as it came; to replace the same values alike in the answer
	answer   []byte   // a whole answer, as the model gave it
	spool    Spool    // one in pieces; nil: it is whole
	done     bool
}

// keep carries out log_content for the request: durable before anything leaves
// the house. What cannot be carried out is a denial.
func (p *passage) keep(ctx context.Context) error {
	k, err := p.demanded()
	if k == nil || err != nil {
		return p.unmet(ctx, err)
	}
	c := p.content(p.inside.Bytes(), k)
	k.texts = p.inside.Texts()
	if !k.original {
		masked, err := p.replaced(ctx, k.texts)
		if err != nil {
			return p.unmet(ctx, err)
		}
		if c.Body, c.Truncated, err = legible(p.inside.withTexts(k.texts, masked), false); err != nil {
			return p.unmet(ctx, p.fault("keep content", err))
		}
	}
	if c = p.measured(c); p.need == noModel {
		k.done = true // what comes of it is not the gateway's
	}
	inner, ended := p.g.observeStage(ctx, "keep")
	err = p.g.Vault.Keep(inner, c)
	ended(err)
	if err != nil {
		if CodeOf(err) != CodeConflict { // who gave up or was cut off does not know whether it was kept
			p.drop(ctx)
		}
		return p.unmet(ctx, p.fault("keep content", err))
	}
	p.keeping, p.record.Kept = k, &c.Kept
	return nil
}

// demanded is what the obligations say: the longest time that one of them demands.
func (p *passage) demanded() (*keeping, error) {
	var k *keeping
	for _, o := range p.decision.Obligations {
		if o.ID != ObligationLogContent {
			continue
		}
		days, ok := number(o.Params["days"])
		if !ok || days < 1 || days > MaxKeepDays {
			return nil, errors.New("the obligation log_content names no days")
		}
		if k == nil {
			k = &keeping{}
		}
		k.days = max(k.days, days)
		k.original = k.original || o.Params["original"] == true
	}
	if k == nil {
		return nil, nil //nolint:nilnil // nothing is demanded
	}
	if _, never := p.decision.Obligation(ObligationNoContentLog); never {
		return nil, errors.New("both log_content and no_content_log are demanded")
	}
	if p.g.Vault == nil {
		return nil, errors.New("there is no vault")
	}
	return k, nil
}

// unmet refuses a request whose content must be kept and cannot be.
func (p *passage) unmet(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	p.record.Applied = slices.DeleteFunc(p.record.Applied, func(id string) bool { return id == ObligationLogContent })
	p.g.Logger.LogAttrs(ctx, slog.LevelError, "content not kept", slog.String("request_id", p.request.ID), slog.Any("error", err))
	message := "Der Inhalt der Anfrage müsste verschlüsselt aufbewahrt werden (Auflage log_content). Das ist nicht möglich, deshalb wurde sie nicht bearbeitet."
	if known, ok := errors.AsType[*Error](err); ok && known.Code != CodeInternal && known.Message != "" {
		message += " " + known.Message
	}
	return p.refuse(ctx, &Error{Op: "keep content", Code: CodeDenied, Message: message, Err: err})
}

func (p *passage) content(body []byte, k *keeping) Content {
	return Content{
		ID: p.request.ID, Tenant: p.request.Caller.Tenant, Case: p.record.Case, User: p.record.User, Time: p.record.Time,
		Kept: Kept{Days: k.days, Original: k.original}, Body: body,
	}
}

// measured adds size and commitment.
func (p *passage) measured(c Content) Content {
	sum := sha256.Sum256(c.Body)
	c.Bytes, c.Content = len(c.Body), p.g.commit(p.request, sum[:])
	return c
}

// replaced are texts with all personal data replaced, wherever they go.
func (p *passage) replaced(ctx context.Context, texts []string) ([]string, error) {
	screening, err := p.g.screener(p.request.Caller.Tenant).Screen(ctx, texts, p.request.Entities)
	if err != nil {
		return nil, p.fault("screen content", err)
	}
	masked, _ := screening.Pseudonymise()
	return masked, nil
}

// unkeep takes the content of a request back that was not recorded.
func (p *passage) unkeep(ctx context.Context) {
	if p.keeping == nil {
		return
	}
	p.keeping.done = true
	p.drop(ctx)
}

func (p *passage) drop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.g.RecordTimeout)
	defer cancel()
	if err := p.g.Vault.Drop(ctx, p.request.Caller.Tenant, p.request.ID); err != nil {
		p.g.Logger.LogAttrs(ctx, slog.LevelWarn, "content of a request without a record stays until it ends", slog.String("request_id", p.request.ID), slog.Any("error", err))
	}
}

// keepAnswer keeps what came of an answer, whole or not.
func (p *passage) keepAnswer(ctx context.Context) (err error) {
	k := p.keeping
	if k == nil || k.done {
		return nil
	}
	k.done = true
	defer func() {
		if k.spool != nil {
			_ = k.spool.Close()
		}
		if err != nil {
			p.g.Logger.LogAttrs(ctx, slog.LevelError, "answer not kept", slog.String("request_id", p.request.ID), slog.Any("error", err))
			err = &Error{Op: "keep content", Code: CodeNoRecord, Message: "Die Antwort muss verschlüsselt aufbewahrt werden, und das ist gerade nicht möglich. Sie wird deshalb nicht herausgegeben.", RequestID: p.request.ID, Err: err}
		}
	}()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.g.RecordTimeout)
	defer cancel()
	c := p.content(nil, k)
	c.Answer = true
	if k.spool != nil {
		c.Body, c.Truncated, err = p.spooled(ctx, k)
	} else {
		c.Body, c.Truncated, err = p.whole(ctx, k)
	}
	if err != nil || c.Body == nil {
		return err
	}
	c = p.measured(c)
	if err := p.g.Vault.Keep(ctx, c); err != nil {
		return err
	}
	p.closing.Kept = &c.Kept
	return nil
}

// whole is a whole answer as it is kept; nil: there is none, or only numbers.
func (p *passage) whole(ctx context.Context, k *keeping) (body []byte, less bool, err error) {
	if len(k.answer) == 0 || p.request.Operation == OperationEmbeddings {
		return nil, false, nil
	}
	answer, err := parseBody(k.answer, true)
	if err != nil { // what a broken server said is kept as a text
		texts, err := p.answered(ctx, k, []string{string(k.answer)})
		body, err := encoded(err, map[string]any{"unreadable": true, "texts": texts})
		return body, false, err
	}
	was := answer.Texts()
	is, err := p.answered(ctx, k, was)
	if err != nil {
		return nil, false, err
	}
	if answer = answer.withTexts(was, is); k.original {
		return answer.Bytes(), false, nil
	}
	return legible(answer, true)
}

// spooled are the texts of an answer that came in pieces, as they are kept.
func (p *passage) spooled(ctx context.Context, k *keeping) ([]byte, bool, error) {
	texts, truncated, err := k.spool.Texts()
	if err != nil {
		return nil, false, err
	}
	if len(texts) == 0 {
		return nil, false, nil
	}
	texts, err = p.answered(ctx, k, texts)
	l := &leaver{answer: true, less: truncated}
	for i := range texts {
		if !k.original {
			texts[i] = l.text(texts[i], 0)
		}
	}
	body, err := encoded(err, map[string]any{"stream": true, "texts": texts})
	return body, l.less, err
}

// answered are the texts of an answer as they are kept. Values of the request are
// replaced as they are there: the two are read together.
func (p *passage) answered(ctx context.Context, k *keeping, texts []string) ([]string, error) {
	texts = slices.Clone(texts)
	if p.restorer != nil {
		for i, t := range texts {
			texts[i], _ = p.restorer.Restore(t, false)
		}
	}
	if k.original {
		return texts, nil
	}
	masked, err := p.replaced(ctx, slices.Concat(k.texts, texts))
	if err != nil {
		return nil, err
	}
	return masked[len(k.texts):], nil
}

func encoded(err error, v any) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

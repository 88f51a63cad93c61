// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package vault

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/accesslog"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// Disclosure is everything the gateway holds about a subject, as the answer to an
// access request (Art. 15 Abs. 1 und 3 DSGVO).
type Disclosure struct {
	Made   time.Time        `json:"made"`
	Tenant gateway.TenantID `json:"tenant"`
	// Case or User is the one that was asked for.
	Case string `json:"case,omitempty"`
	User string `json:"user,omitempty"`

	// Entries of the record: the newest, and how many there are of all.
	Entries []DisclosedEntry `json:"entries"`
	Total   int              `json:"total"`
	First   time.Time        `json:"first,omitzero"`
	Last    time.Time        `json:"last,omitzero"`
	// Purposes, Services, Systems, Classes and Findings say how often (lit. a, b, g).
	Purposes map[gateway.Purpose]int     `json:"purposes"`
	Services map[gateway.ServiceID]int   `json:"services,omitempty"`
	Systems  map[gateway.SystemID]int    `json:"systems"`
	Classes  map[gateway.DataClass]int   `json:"data_classes"`
	Findings map[gateway.FindingKind]int `json:"findings"`
	// Recipients are the models that were sent something (lit. c).
	Recipients []Recipient `json:"recipients"`
	// Sources are where passages were taken from (lit. g).
	Sources map[string]int `json:"sources,omitempty"`
	// Contents are what is kept; of a user without their text, which is about others
	// (Art. 15 Abs. 4 DSGVO).
	Contents []DisclosedContent `json:"contents"`
	// Retrievals are looks into documents.
	Retrievals []accesslog.Retrieval `json:"retrievals"`
	// Erased: contents were kept once, and their key was destroyed.
	Erased time.Time `json:"erased,omitzero"`
	// Statements are the sentences for the person, in the order of the law.
	Statements []Statement `json:"statements"`

	retrievalCeiling time.Duration
	recordFloor      time.Duration
}

// DisclosedEntry is one entry of the record in a disclosure.
type DisclosedEntry struct {
	ID        string            `json:"id"`
	Time      time.Time         `json:"time"`
	System    gateway.SystemID  `json:"system"`
	Operation gateway.Operation `json:"operation"`
	Purpose   gateway.Purpose   `json:"purpose"`
	Service   gateway.ServiceID `json:"service,omitempty"`
	Effect    gateway.Effect    `json:"effect"`
	Outcome   gateway.Outcome   `json:"outcome,omitempty"`
	// Model is the one that answered, if any; Masked how many values were replaced.
	Model  gateway.ModelID `json:"model,omitempty"`
	Masked int             `json:"masked"`
}

// Recipient is who ran a model that was sent something.
type Recipient struct {
	Operator  string            `json:"operator"`
	Country   string            `json:"country"`
	Residency gateway.Residency `json:"residency"`
	Models    []gateway.ModelID `json:"models"`
	Count     int               `json:"count"`
}

// DisclosedContent is one content in a disclosure.
type DisclosedContent struct {
	Entry   string    `json:"entry"`
	Kind    Kind      `json:"kind"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	Bytes   int       `json:"bytes"`
	// Original: personal data was not replaced.
	Original bool   `json:"original,omitempty"`
	Text     string `json:"text,omitempty"`
}

// Statement is one paragraph of the answer to a person.
type Statement struct {
	// Norm is for example "Art. 15 Abs. 1 lit. a DSGVO".
	Norm  string   `json:"norm"`
	Title string   `json:"title"`
	Lines []string `json:"lines"`
}

// maxEntries bounds the entries that a disclosure lists one by one, the newest
// first; all are counted. maxText bounds the texts of all contents.
const (
	maxEntries = 1000
	maxText    = 16 << 20
)

// Access collects everything the gateway holds about a subject. That it was given
// stands in the record before anything is read.
func (v *Vault) Access(ctx context.Context, by Actor, s Subject) (Disclosure, error) {
	if err := by.may("give access", s.Tenant); err != nil {
		return Disclosure{}, err
	}
	sub, err := v.find(s)
	if err != nil {
		return Disclosure{}, err
	}
	about := "einem Aktenzeichen"
	if sub.person != "" {
		about = "einer Benutzerkennung"
	}
	err = v.note(ctx, s.Tenant, by, roleTenant, audit.Note{
		Topic: audit.TopicAccessGiven, Object: string(cmp.Or(sub.file, sub.person)), Case: sub.file,
		Text: "Zu " + about + " wurde Auskunft nach Art. 15 DSGVO zusammengestellt, mit den aufbewahrten Inhalten.",
	})
	if err != nil {
		return Disclosure{}, err
	}
	d := newDisclosure(sub, v.config.Now().UTC())
	d.recordFloor = v.config.RecordFloor
	if err := v.entries(ctx, sub, d.add); err != nil {
		return Disclosure{}, fmt.Errorf("read record: %w", err)
	}
	if err := v.discloseContents(ctx, sub, d); err != nil {
		return Disclosure{}, err
	}
	if err := v.discloseRetrievals(ctx, sub, d); err != nil {
		return Disclosure{}, err
	}
	d.conclude()
	return *d, nil
}

func newDisclosure(s subject, now time.Time) *Disclosure {
	return &Disclosure{
		Made: now, Tenant: s.Tenant, Case: s.Case, User: s.User,
		Entries: []DisclosedEntry{}, Purposes: map[gateway.Purpose]int{}, Services: map[gateway.ServiceID]int{}, Systems: map[gateway.SystemID]int{},
		Classes: map[gateway.DataClass]int{}, Findings: map[gateway.FindingKind]int{}, Recipients: []Recipient{}, Sources: map[string]int{},
		Contents: []DisclosedContent{}, Retrievals: []accesslog.Retrieval{},
	}
}

// entries goes through the entries of a subject in the record.
func (v *Vault) entries(ctx context.Context, s subject, do func(audit.Item)) error {
	f := audit.Filter{Scope: audit.Scope{Tenant: s.Tenant}, Case: s.file}
	return v.config.Record.Each(ctx, f, func(i audit.Item) error {
		if i.Record.Case == s.file && s.file != "" || i.Record.User == s.person && s.person != "" {
			do(i)
		}
		return nil
	})
}

// add counts one entry.
func (d *Disclosure) add(i audit.Item) {
	r := i.Record
	if d.Total++; d.Last.IsZero() {
		d.Last = r.Time
	}
	d.First = r.Time
	d.Purposes[r.Purpose]++
	d.Systems[r.System]++
	if r.Service != "" {
		d.Services[r.Service]++
	}
	for _, c := range classes(r) {
		d.Classes[c]++
	}
	for kind, n := range r.Screened.Counts {
		d.Findings[kind] += n
	}
	for _, p := range r.Passages {
		d.Sources[p.Source]++
	}
	e := DisclosedEntry{
		ID: r.ID, Time: r.Time, System: r.System, Operation: r.Operation, Purpose: r.Purpose, Service: r.Service, Effect: r.Effect(), Masked: r.Masked,
	}
	if i.Closing != nil {
		e.Outcome = i.Closing.Outcome
	}
	for _, route := range taken(i) {
		e.Model = route.Model
		d.sent(route)
	}
	if len(d.Entries) < maxEntries {
		d.Entries = append(d.Entries, e)
	}
}

// classes are the classes of data of the last decision, or what was declared.
func classes(r gateway.Record) []gateway.DataClass {
	if n := len(r.Decisions); n > 0 && len(r.Decisions[n-1].DataClasses) > 0 {
		return r.Decisions[n-1].DataClasses
	}
	return r.Declared
}

// taken are the routes to which something was sent, the one that answered last. Of
// a request that has not ended it is assumed that it was sent.
func taken(i audit.Item) []gateway.Route {
	r, c := i.Record, i.Closing
	if r.Route == nil || r.Effect() != gateway.EffectAllow || c != nil && c.Outcome == gateway.OutcomeDenied {
		return nil
	}
	if c == nil {
		return []gateway.Route{*r.Route}
	}
	all := append([]gateway.Route{*r.Route}, r.Fallback...)
	last := *r.Route
	if c.Answered != nil {
		last = *c.Answered
	}
	var out []gateway.Route
	for _, a := range c.Attempts {
		at := slices.IndexFunc(all, func(r gateway.Route) bool { return r.Model == a.Model && r.Endpoint == a.Endpoint })
		if at >= 0 && all[at] != last && !slices.Contains(out, all[at]) {
			out = append(out, all[at])
		}
	}
	return append(out, last)
}

func (d *Disclosure) sent(r gateway.Route) {
	at := slices.IndexFunc(d.Recipients, func(have Recipient) bool {
		return have.Operator == r.Operator && have.Country == r.Country && have.Residency == r.Residency
	})
	if at < 0 {
		d.Recipients = append(d.Recipients, Recipient{Operator: r.Operator, Country: r.Country, Residency: r.Residency})
		at = len(d.Recipients) - 1
	}
	to := &d.Recipients[at]
	if to.Count++; !slices.Contains(to.Models, r.Model) {
		to.Models = append(to.Models, r.Model)
	}
}

func (v *Vault) discloseContents(ctx context.Context, s subject, d *Disclosure) error {
	items, err := v.readable(ctx, s.query())
	if err != nil {
		return err
	}
	size := 0
	for _, i := range items {
		c := DisclosedContent{Entry: i.Entry, Kind: i.Kind, Made: i.Made, Expires: i.Expires, Bytes: i.Bytes, Original: i.Original}
		if size += i.Bytes; s.file != "" && size <= maxText {
			body, err := v.readOne(ctx, i)
			if gateway.CodeOf(err) == gateway.CodeConflict {
				continue // erased
			}
			if err != nil {
				return err
			}
			c.Text = strings.ToValidUTF8(string(body), "\uFFFD")
		}
		d.Contents = append(d.Contents, c)
	}
	if s.file == "" {
		return nil
	}
	d.Erased, err = v.config.Keys.Erased(ctx, s.Tenant, caseKey(s.file))
	return err
}

// readOne fetches and decrypts one item of which the content is not at hand: those of
// a case may be more than fits into memory.
func (v *Vault) readOne(ctx context.Context, i Item) ([]byte, error) {
	items, err := v.config.Contents.Items(ctx, Query{Tenant: i.Tenant, Entry: i.Entry, Sealed: true})
	if err != nil {
		return nil, fmt.Errorf("read contents: %w", err)
	}
	at := slices.IndexFunc(items, func(have Item) bool { return have.Kind == i.Kind })
	if at < 0 {
		return nil, erased("Der Inhalt wurde inzwischen gelöscht.")
	}
	return v.read(ctx, items[at])
}

func (v *Vault) discloseRetrievals(ctx context.Context, s subject, d *Disclosure) error {
	if v.config.Retrievals == nil {
		return nil
	}
	d.retrievalCeiling = v.config.Retrievals.Ceiling()
	return v.retrievals(ctx, s, func(r accesslog.Retrieval) {
		if len(d.Retrievals) < maxEntries {
			d.Retrievals = append(d.Retrievals, r)
		}
	})
}

// retrievals goes through the retrieval log of a subject, the newest first.
func (v *Vault) retrievals(ctx context.Context, s subject, do func(accesslog.Retrieval)) error {
	const page = 500
	for f := (accesslog.Filter{Tenant: s.Tenant, Case: s.file, User: s.person, Limit: page}); ; {
		found, err := v.config.Retrievals.List(ctx, f)
		if err != nil {
			return err
		}
		for _, r := range found {
			do(r)
		}
		if len(found) < page {
			return nil
		}
		f.After = &found[len(found)-1]
	}
}

func (v *Vault) countRetrievals(ctx context.Context, s subject) (n int, err error) {
	err = v.retrievals(ctx, s, func(accesslog.Retrieval) { n++ })
	return n, err
}

// often lists keys with their names and counts, the most frequent first.
func often[K cmp.Ordered](counts map[K]int, name func(K) string) []string {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b K) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%s (%d)", name(k), counts[k]))
	}
	return out
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

const (
	journalPage = 50
	// scanned is how many notes are read for one page, when the filter by person
	// leaves few of them.
	scanned = 10_000
	// maxJournal is the number of lines of a file.
	maxJournal = 100_000
)

// journalView is what people did: looks, exports, changes.
type journalView struct {
	view
	Tabs   []tab
	Filter journalFilter
	Topics []string
	Lines  []journalLine
	// Next is the address of the next page, Newest of the first.
	Next, Newest, CSV string
	Later             bool
}

// journalFilter is the query of the page, as it stands in the address.
type journalFilter struct{ Period, Topic, Actor, Object, cursor string }

type journalLine struct {
	audit.NotedAt
	Tenant string
	// Changes are the fields of old and new value that differ.
	Changes []fieldChange
	// Filter is what somebody looked at or took out, in words: nothing was changed.
	Filter []filterPair
	// Opens is the page of the object, for those who may look at it.
	Opens string
	// Named: the object has a word of its own.
	Named bool
	Roles []string
}

// fieldChange is one field with its old and new value.
type fieldChange struct{ Field, Old, New string }

func (u *UI) journalList(w http.ResponseWriter, r *http.Request) error {
	f := readJournalFilter(r.URL.Query())
	query, err := u.journalQuery(r, f)
	if err != nil {
		return err
	}
	page, err := u.journalNotes(r.Context(), query, f.Actor)
	if err != nil {
		return err
	}
	v := journalView{
		view: u.view(r, "Journal"), Tabs: u.integrityTabs(personOf(r), journalPath), Filter: f, Topics: noteTopics(),
		Later: f.cursor != "", Newest: journalPath + "?" + f.values("").Encode(), CSV: journalPath + ".csv?" + f.values("").Encode(),
	}
	v.Path = integrityPath
	for _, n := range page.Notes {
		v.Lines = append(v.Lines, u.journalLine(n, v.Lang))
	}
	if page.Next != "" {
		v.Next = journalPath + "?" + f.values(page.Next).Encode()
	}
	return u.render(w, r, http.StatusOK, "journal_list.html", v)
}

func (u *UI) journalLine(n audit.NotedAt, lang string) journalLine {
	line := journalLine{NotedAt: n, Named: word("object", n.Note.Object) != n.Note.Object}
	if looked(n.Note) {
		line.Filter = u.filterWords(n.Note.New, lang)
	} else {
		line.Changes = fieldChanges(n.Note.Old, n.Note.New)
	}
	if n.Note.Role != "" {
		line.Roles = strings.Split(n.Note.Role, ",")
	}
	if n.Note.Tenant != audit.Operator {
		line.Tenant = u.tenantName(n.Note.Tenant)
	}
	if strings.HasPrefix(n.Note.Object, "e-") {
		line.Opens = "/admin/decisions/" + url.PathEscape(n.Note.Object)
	}
	return line
}

// looked is a note of a look or of something taken out: it changed nothing, and what
// stands in it as new is the filter.
func looked(n audit.Note) bool {
	return len(n.Old) == 0 && (n.Topic == audit.TopicListViewed || n.Topic == audit.TopicExported)
}

// filterWords is the filter of a note in words, in the order of the page.
func (u *UI) filterWords(raw json.RawMessage, lang string) []filterPair {
	var noted map[string]string
	if len(raw) == 0 || json.Unmarshal(raw, &noted) != nil {
		return nil
	}
	var f listFilter
	var out []filterPair
	say := u.translate(lang)
	for _, field := range f.fields() {
		if value, ok := noted[field.name]; ok {
			out = append(out, filterPair{say(field.title), u.filterWord(field.name, value, say)})
			delete(noted, field.name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(noted)) { // of a version that knew more
		out = append(out, filterPair{name, noted[name]})
	}
	return out
}

// fieldChanges sets two JSON values side by side, field by field where both are
// objects.
func fieldChanges(before, after json.RawMessage) []fieldChange {
	if len(before) == 0 && len(after) == 0 {
		return nil
	}
	var was, is map[string]json.RawMessage
	if !isObject(before, &was) || !isObject(after, &is) {
		return []fieldChange{{"", pretty(before), pretty(after)}}
	}
	fields := map[string]bool{}
	for k := range was {
		fields[k] = true
	}
	for k := range is {
		fields[k] = true
	}
	var out []fieldChange
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if a, b := pretty(was[k]), pretty(is[k]); a != b {
			out = append(out, fieldChange{k, a, b})
		}
	}
	return out
}

// isObject reads an object; nothing is one without fields.
func isObject(raw json.RawMessage, into *map[string]json.RawMessage) bool {
	return len(raw) == 0 || json.Unmarshal(raw, into) == nil
}

// pretty writes a value for people: words without quotes, the rest as JSON.
func pretty(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func readJournalFilter(q url.Values) journalFilter {
	f := journalFilter{
		Period: q.Get("zeitraum"), Topic: q.Get("thema"), Actor: strings.TrimSpace(q.Get("wer")), Object: strings.TrimSpace(q.Get("gegenstand")), cursor: q.Get("ab"),
	}
	if f.Period == "" {
		f.Period = "30d"
	}
	return f
}

// values is the query again, for links.
func (f journalFilter) values(cursor string) url.Values {
	v := url.Values{}
	for key, value := range map[string]string{"zeitraum": f.Period, "thema": f.Topic, "wer": f.Actor, "gegenstand": f.Object, "ab": cursor} {
		if value != "" {
			v.Set(key, value)
		}
	}
	return v
}

// wholePseudonym is one that is not shortened.
var wholePseudonym = regexp.MustCompile(`^p1_[A-Za-z0-9_-]{43}$`)

func (u *UI) journalQuery(r *http.Request, f journalFilter) (audit.NoteFilter, error) {
	out := audit.NoteFilter{Scope: scope(personOf(r)), Object: f.Object, Cursor: f.cursor, Limit: journalPage}
	if wholePseudonym.MatchString(f.Actor) {
		out.Actor = gateway.Pseudonym(f.Actor)
	}
	if f.Topic != "" {
		if !slices.Contains(noteTopics(), f.Topic) {
			return out, invalid("thema", "Dieses Thema gibt es im Journal nicht.")
		}
		out.Topics = []string{f.Topic}
	}
	days, known := map[string]int{"24h": 1, "7d": 7, "30d": 30, "365d": 365, "alle": 0}[f.Period]
	if !known {
		return out, invalid("zeitraum", "Der Zeitraum ist unbekannt. Möglich sind 24h, 7d, 30d, 365d und alle.")
	}
	if days > 0 {
		out.From = u.Now().AddDate(0, 0, -days)
	}
	return out, nil
}

// journalNotes reads one page. The record searches for a whole pseudonym; the
// beginning of one, as it stands on paper, is picked out here, of a bounded number.
func (u *UI) journalNotes(ctx context.Context, f audit.NoteFilter, actor string) (audit.NotePage, error) {
	if actor == "" || f.Actor != "" {
		return u.Policies.Chain.Notes(ctx, f)
	}
	var out audit.NotePage
	f.Limit = 500
	for read := 0; read < scanned; read += f.Limit {
		page, err := u.Policies.Chain.Notes(ctx, f)
		if err != nil {
			return out, err
		}
		for _, n := range page.Notes {
			if !strings.HasPrefix(string(n.Note.Actor), actor) {
				continue
			}
			out.Notes = append(out.Notes, n)
			if len(out.Notes) == journalPage {
				out.Next = strconv.FormatInt(n.Seq, 10)
				return out, nil
			}
		}
		if f.Cursor, out.Next = page.Next, page.Next; page.Next == "" {
			break
		}
	}
	return out, nil
}

// journalCSV hands over exactly what is filtered. That it happened is itself noted.
func (u *UI) journalCSV(w http.ResponseWriter, r *http.Request) error {
	f := readJournalFilter(r.URL.Query())
	query, err := u.journalQuery(r, f)
	if err != nil {
		return err
	}
	if err := u.jot(r.Context(), personOf(r), audit.Note{Topic: audit.TopicExported, Object: "journal", Text: "Das Journal wurde ausgegeben."}); err != nil {
		return err
	}
	attach(w, "text/csv; charset=utf-8", "journal-"+u.Now().In(u.zone).Format(time.DateOnly)+".csv")
	if err := u.writeJournal(r.Context(), w, query, f.Actor); err != nil {
		u.Logger.LogAttrs(r.Context(), slog.LevelError, "journal broken off", slog.Any("error", err))
		panic(http.ErrAbortHandler) // a broken file must not look like a whole one
	}
	return nil
}

func (u *UI) writeJournal(ctx context.Context, w io.Writer, f audit.NoteFilter, actor string) error {
	out := csv.NewWriter(w)
	out.Comma = ';'
	if err := out.Write([]string{"Nr.", "Zeit", "Mandant", "Thema", "Person (Pseudonym)", "Rolle", "Gegenstand", "Aktenzeichen (Pseudonym)", "Text", "Begründung", "Alt", "Neu", "Filter"}); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	f.Limit, f.Cursor = 500, ""
	for lines := 0; lines < maxJournal; {
		page, err := u.Policies.Chain.Notes(ctx, f)
		if err != nil {
			return err
		}
		for _, x := range page.Notes {
			if !strings.HasPrefix(string(x.Note.Actor), actor) {
				continue
			}
			lines++
			if err := out.Write(u.journalCells(x)); err != nil {
				return fmt.Errorf("write journal: %w", err)
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	out.Flush()
	return out.Error()
}

func (u *UI) journalCells(x audit.NotedAt) []string {
	n := x.Note
	before, after, filter := string(n.Old), string(n.New), ""
	if looked(n) {
		var words []string
		for _, w := range u.filterWords(n.New, "de") {
			words = append(words, w.Name+": "+w.Value)
		}
		after, filter = "", strings.Join(words, "; ")
	}
	return cells(strconv.FormatInt(x.Seq, 10), n.Time.UTC().Format(time.RFC3339), string(n.Tenant), n.Topic, string(n.Actor), n.Role, n.Object,
		string(n.Case), n.Text, n.Reason, before, after, filter)
}

// cells keeps table programs from taking a text for a formula.
func cells(values ...string) []string {
	for i, v := range values {
		if v != "" && strings.ContainsRune("=+-@\t\r", rune(v[0])) {
			values[i] = "'" + v
		}
	}
	return values
}

// noteTopics are the topics of the journal, in the order of the filter.
func noteTopics() []string {
	return []string{
		audit.TopicRecordOpened, audit.TopicListViewed, audit.TopicExported, audit.TopicVerified, audit.TopicReleased, audit.TopicRejected,
		audit.TopicPolicyProposed, audit.TopicPolicySigned, audit.TopicPolicyActivated, audit.TopicPolicyInForce, audit.TopicPolicyRestored, audit.TopicPolicyWithdrawn, audit.TopicShadowStarted, audit.TopicShadowEnded,
		audit.TopicTenantChanged, audit.TopicConfigurationChanged, audit.TopicRulesChanged, audit.TopicHoldPlaced, audit.TopicHoldLifted, audit.TopicRetained, audit.TopicRetentionPostponed,
		audit.TopicKeyDestroyed, audit.TopicAccessGiven, audit.TopicErased, audit.TopicSignedIn, audit.TopicBudgetNotice,
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Verify computes everything anew from the stored bytes: every leaf, the tree,
// the roots and signatures of all checkpoints, the columns used for searching,
// and that every end has its beginning. The log may be written meanwhile.
//
// earlier are checkpoints that were kept elsewhere, beside those of the witnesses
// of Config.Kept: with them a log that was cut or set back as a whole is found, too. A difference is a Problem of the
// report; an error means that the verification could not be finished.
func (v *Viewer) Verify(ctx context.Context, earlier ...[]byte) (VerifyReport, error) {
	c := &check{viewer: v, report: VerifyReport{Origin: v.origin, Problems: []Problem{}}, open: map[string]Pending{}}
	if err := c.start(ctx, earlier); err != nil {
		return c.report, err
	}
	if err := c.walk(ctx); err != nil {
		return c.report, err
	}
	if err := c.finish(ctx); err != nil {
		return c.report, err
	}
	c.report.Unfinished = len(c.open)
	c.report.Complete = c.report.OK()
	return c.report, nil
}

// check is one verification under way. It follows two right edges: one of the
// bytes, one of the stored leaf hashes. Where they part, a leaf is named; a
// checkpoint or a node is wrong by itself only when it contradicts both, so
// that one changed byte does not look like a hundred.
type check struct {
	viewer *Viewer
	report VerifyReport
	bytes  frontier
	stored frontier

	checkpoints checkpointQueue
	elsewhere   []statement // checkpoints kept elsewhere, by size
	latest      Checkpoint  // the newest one when the verification began
	until       int64       // its size: up to there leaves are checked
	compared    int64       // size of the last checkpoint that was looked at

	removals    removals
	learned     int64 // size of the log when removals were learned
	unexplained []Row // rows without content that no note named then
	crowded     bool  // there are more of them

	counts  tally               // for the summaries
	digests map[int64]tlog.Hash // of those of complete blocks

	open         map[string]Pending // entries seen without an end so far
	pending      map[string]Pending // what the store says
	pendingSince int64              // size of the log when pending was read
}

func (c *check) start(ctx context.Context, earlier [][]byte) error {
	reader := c.viewer.reader
	for _, text := range earlier {
		s, err := openCheckpoint(text, c.viewer.origin, c.viewer.trusted)
		if err != nil {
			return fmt.Errorf("checkpoint kept elsewhere: %w", err)
		}
		c.elsewhere = append(c.elsewhere, s)
	}
	c.askWitnesses(ctx)
	slices.SortFunc(c.elsewhere, func(a, b statement) int { return cmp.Compare(a.Size, b.Size) })

	before, err := reader.Latest(ctx)
	if err != nil {
		return err
	}
	c.pendingSince = before.Size
	pending, err := reader.Pending(ctx)
	if err != nil {
		return err
	}
	c.pending = make(map[string]Pending, len(pending))
	for _, p := range pending {
		c.pending[p.ID] = p
	}
	c.learned = before.Size
	if err := c.learnRemovals(ctx); err != nil {
		return err
	}
	latest, err := reader.Latest(ctx)
	if err != nil {
		return err
	}
	c.latest, c.until = latest, latest.Size
	c.report.Size = latest.Size
	c.checkpoints = checkpointQueue{reader: reader}
	return nil
}

// askWitnesses reads what they keep, before the newest checkpoint is looked at.
func (c *check) askWitnesses(ctx context.Context) {
	if c.viewer.kept == nil {
		return
	}
	texts, err := c.viewer.kept(ctx)
	if err != nil {
		c.report.WitnessError = err.Error()
	}
	c.elsewhere = append(c.elsewhere, c.viewer.keptElsewhere(&c.report, texts)...)
}

// pageSize is the number of leaves that are looked at together.
const pageSize = 512

func (c *check) walk(ctx context.Context) error {
	for c.bytes.size < c.until {
		from := c.bytes.size
		to := min(from+pageSize, c.until)
		rows, err := c.viewer.reader.Rows(ctx, from, int(to-from))
		if err != nil {
			return err
		}
		first := tlog.StoredHashCount(from)
		hashes, err := c.storedHashes(ctx, first, tlog.StoredHashCount(to))
		if err != nil {
			return err
		}
		for n := from; n < to; n++ {
			var row *Row
			if len(rows) > 0 && rows[0].Seq == n {
				row, rows = &rows[0], rows[1:]
			}
			c.leaf(n, row, hashes[tlog.StoredHashIndex(0, n)-first:])
			if err := c.compareCheckpoints(ctx); err != nil {
				return err
			}
		}
		c.summarise()
	}
	c.report.Root = c.bytes.root().String()
	if c.compared < c.until { // it was superseded while we looked
		c.checkpoint(c.latest)
	}
	return nil
}

// storedHashes reads a range; a hash that is missing stays zero.
func (c *check) storedHashes(ctx context.Context, from, to int64) ([]tlog.Hash, error) {
	indexes := make([]int64, 0, to-from)
	for i := from; i < to; i++ {
		indexes = append(indexes, i)
	}
	hashes, err := c.viewer.reader.Hashes(ctx, indexes)
	if err == nil {
		return hashes, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	hashes = make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if one, err := c.viewer.reader.Hashes(ctx, []int64{index}); err == nil {
			hashes[i] = one[0]
		}
	}
	return hashes, ctx.Err()
}

// leaf checks one leaf and the nodes that it completes. stored begins with its hash.
func (c *check) leaf(n int64, row *Row, stored []tlog.Hash) {
	if row == nil {
		c.report.add(ProblemMissing, n, "", "Das Blatt fehlt.")
		c.bytes.push(stored[0])
		c.stored.push(stored[0])
		return
	}
	c.report.Leaves++
	hash := stored[0] // of a stub there is nothing else
	if !row.isStub() {
		hash = tlog.RecordHash(row.Body)
	}
	computed := c.bytes.push(hash)
	claimed := c.stored.push(stored[0])
	c.removals.confirm(n, hash)
	if computed[0] != stored[0] {
		c.report.add(ProblemLeaf, n, row.ID, "Der gespeicherte Inhalt und sein Hash passen nicht zusammen: Einer von beiden wurde nachträglich geändert.")
	}
	for level := 1; level < len(computed); level++ {
		if stored[level] != computed[level] && stored[level] != claimed[level] {
			c.report.add(ProblemNode, n, row.ID, "Der gespeicherte Hash der Ebene %d über den Blättern %d bis %d wurde geändert.", level, n+1-1<<level, n)
		}
	}
	if row.isStub() {
		c.stub(*row)
	} else {
		c.columns(*row)
	}
	c.pair(*row)
	c.counts.add(*row)
}

func (c *check) columns(row Row) {
	if c.removals.find(row.Seq) != nil {
		c.report.add(ProblemRemoved, row.Seq, row.ID, "Der Inhalt wurde laut Vermerk nach Ablauf der Frist entfernt und ist wieder da.")
	}
	leaf, err := parseLeaf(row.Body)
	if err != nil {
		c.report.add(ProblemLeaf, row.Seq, row.ID, "Der gespeicherte Inhalt ist nicht lesbar.")
		return
	}
	if changed := differences(row, leaf); len(changed) > 0 {
		c.report.add(ProblemColumn, row.Seq, leaf.ID, "Diese Spalten weichen vom unterschriebenen Inhalt ab: %s.", strings.Join(changed, ", "))
	}
}

// differences names the columns of a row that its bytes contradict.
func differences(row Row, leaf Leaf) []string {
	want := leaf.columns()
	var names []string
	for _, column := range []struct{ name, is, should string }{
		{"kind", string(row.Kind), string(leaf.Kind)},
		{"id", row.ID, leaf.ID},
		{"tenant", string(row.Tenant), string(leaf.Tenant)},
		{"writer", row.Writer, leaf.Writer},
		{"removed", strconv.FormatBool(row.Removed), "false"},
		{"result", string(row.Result), string(want.Result)},
		{"revision", row.Revision, want.Revision},
		{"topic", row.Topic, want.Topic},
		{"object", row.Object, want.Object},
		{"floor", strconv.Itoa(row.Floor), strconv.Itoa(want.Floor)},
		{"ceiling", strconv.Itoa(row.Ceiling), strconv.Itoa(want.Ceiling)},
		{"at", fmt.Sprint(row.Time), fmt.Sprint(leaf.Time.UnixNano())},
		{"system", row.System, want.System},
		{"purpose", row.Purpose, want.Purpose},
		{"service", row.Service, want.Service},
		{"operation", row.Operation, want.Operation},
		{"effect", row.Effect, want.Effect},
		{"outcome", row.Outcome, want.Outcome},
		{"model", row.Model, want.Model},
		{"residency", row.Residency, want.Residency},
		{"file", row.File, want.File},
		{"rules", row.Rules, want.Rules},
	} {
		if column.is != column.should {
			names = append(names, column.name)
		}
	}
	return names
}

func (c *check) pair(row Row) {
	switch row.Kind {
	case KindOpen:
		c.open[row.ID] = Pending{Seq: row.Seq, ID: row.ID, Tenant: row.Tenant, Writer: row.Writer}
	case KindClose:
		begin, ok := c.open[row.ID]
		if !ok || begin.Tenant != row.Tenant {
			c.report.add(ProblemPair, row.Seq, row.ID, "Zu diesem Abschluss gibt es keinen offenen Eintrag.")
		}
		delete(c.open, row.ID)
		if _, listed := c.pending[row.ID]; listed && row.Seq < c.pendingSince {
			c.report.add(ProblemPending, row.Seq, row.ID, "Der Eintrag ist abgeschlossen, wird aber als offen geführt.")
		}
	case KindNote: // belongs to no story
	}
}

// compareCheckpoints compares all checkpoints of the size that has been reached.
func (c *check) compareCheckpoints(ctx context.Context) error {
	size := c.bytes.size
	for len(c.elsewhere) > 0 && c.elsewhere[0].Size <= size {
		if s := c.elsewhere[0]; s.Size == size {
			c.report.Witnessed++
			c.compare(s, "Der andernorts aufbewahrte Prüfpunkt")
		}
		c.elsewhere = c.elsewhere[1:]
	}
	for {
		next, ok, err := c.checkpoints.peek(ctx)
		if err != nil || !ok || next.Size > size {
			return err
		}
		c.checkpoints.drop()
		c.checkpoint(next)
	}
}

// checkpoint checks the signature of a stored checkpoint and compares it.
func (c *check) checkpoint(stored Checkpoint) {
	c.compared = stored.Size
	s, err := openCheckpoint(stored.Note, c.viewer.origin, c.viewer.trusted)
	if err != nil || s.Size != stored.Size {
		c.report.add(ProblemCheckpoint, -1, "", "Der Prüfpunkt über %d Blätter ist verändert oder trägt keine gültige Unterschrift.", stored.Size)
		return
	}
	c.compare(s, "Der Prüfpunkt")
}

func (c *check) compare(s statement, what string) {
	c.report.Checkpoints++
	if s.Root != c.bytes.root() && s.Root != c.stored.root() {
		c.report.add(ProblemCheckpoint, -1, "", "%s über %d Blätter widerspricht den Blättern: Mindestens eines davon wurde geändert.", what, s.Size)
	}
}

// finish looks at the end of the log: what no checkpoint covers, what a
// checkpoint covers and is gone, and the list of entries without an end.
func (c *check) finish(ctx context.Context) error {
	for _, s := range c.elsewhere {
		if s.Size > c.until {
			c.report.add(ProblemTruncated, -1, "", "Das Protokoll hat %d Blätter; ein andernorts aufbewahrter Prüfpunkt bestätigt %d. Das Ende wurde entfernt.", c.until, s.Size)
		}
	}
	if err := c.explain(ctx); err != nil {
		return err
	}
	if err := c.uncovered(ctx); err != nil {
		return err
	}
	if err := c.summaries(ctx); err != nil {
		return err
	}
	for id, p := range c.open {
		if _, listed := c.pending[id]; !listed && p.Seq < c.pendingSince {
			c.report.add(ProblemPending, p.Seq, id, "Der Eintrag hat kein Ende und fehlt in der Liste der offenen Einträge.")
		}
	}
	for id, p := range c.pending {
		if c.open[id] == p {
			continue
		}
		if err := c.listed(ctx, id, p); err != nil {
			return err
		}
	}
	return nil
}

// uncovered finds leaves behind the newest checkpoint. Leaves and checkpoint
// are written together, so a leaf read before the checkpoint must be in it.
func (c *check) uncovered(ctx context.Context) error {
	before, err := c.viewer.reader.Rows(ctx, math.MinInt64, 1)
	if err != nil {
		return err
	}
	if len(before) > 0 && before[0].Seq < 0 {
		c.report.add(ProblemUncovered, before[0].Seq, before[0].ID, "Das Blatt hat eine Nummer, die es nicht geben kann.")
	}
	rows, err := c.viewer.reader.Rows(ctx, c.until, pageSize)
	if err != nil {
		return err
	}
	latest, err := c.viewer.reader.Latest(ctx)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if r.Seq >= latest.Size {
			c.report.add(ProblemUncovered, r.Seq, r.ID, "Kein unterschriebener Prüfpunkt deckt dieses Blatt.")
		}
	}
	if latest.Size < c.until {
		c.report.add(ProblemTruncated, -1, "", "Während der Prüfung verschwanden Prüfpunkte.")
	}
	return nil
}

// listed checks one line of the list of entries without an end.
func (c *check) listed(ctx context.Context, id string, p Pending) error {
	rows, err := c.viewer.reader.Find(ctx, id)
	if err != nil {
		return err
	}
	same := len(rows) > 0 && rows[0].Kind == KindOpen && rows[0].Seq == p.Seq && rows[0].Tenant == p.Tenant
	if !same || rows[0].Writer != p.Writer && !rows[0].isStub() { // it may have ended, and been removed, meanwhile
		c.report.add(ProblemPending, p.Seq, id, "Die Liste der offenen Einträge nennt einen Eintrag, den es so nicht gibt.")
	}
	return nil
}

// checkpointQueue reads checkpoints in order, a page at a time.
type checkpointQueue struct {
	reader Reader
	page   []Checkpoint
	next   int64
	done   bool
}

// peek is the next checkpoint, if there is one.
func (q *checkpointQueue) peek(ctx context.Context) (Checkpoint, bool, error) {
	if len(q.page) == 0 && !q.done {
		page, err := q.reader.Checkpoints(ctx, q.next, pageSize)
		if err != nil {
			return Checkpoint{}, false, err
		}
		q.page, q.done = page, len(page) == 0
		if !q.done {
			q.next = page[len(page)-1].Size + 1
		}
	}
	if len(q.page) == 0 {
		return Checkpoint{}, false, nil
	}
	return q.page[0], true, nil
}

func (q *checkpointQueue) drop() { q.page = q.page[1:] }

// Consistency proves that the log of size from is a beginning of the one of
// size to.
func (v *Viewer) Consistency(ctx context.Context, from, to int64) (tlog.TreeProof, error) {
	if from < 1 || to < from {
		return nil, &gateway.Error{Op: "prove consistency", Code: gateway.CodeInvalid, Message: "Die Größen der beiden Prüfpunkte sind ungültig."}
	}
	proof, err := tlog.ProveTree(to, from, v.hashes(ctx))
	if err != nil {
		return nil, fmt.Errorf("prove tree of %d in tree of %d: %w", from, to, err)
	}
	return proof, nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audittest

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// tampering changes one thing at a time behind the log's back and expects the
// verification to name it.
func tampering(t *testing.T, b Backend) {
	const seq = 6 // the opening of record 3: two leaves per record
	id := Record(3, "musterhausen").ID
	for _, c := range []struct {
		name string
		do   func(t *testing.T, s *setup)
		kind audit.ProblemKind
		seq  int64
		id   string
	}{
		{"one byte of a body", flipBody(seq, 40), audit.ProblemLeaf, seq, id},
		{"the last byte of a body", flipBody(seq, -1), audit.ProblemLeaf, seq, id},
		{"a digit inside a body", func(t *testing.T, s *setup) {
			body := bytes.Replace(s.row(t, seq).Body, []byte(`"body_bytes":1803`), []byte(`"body_bytes":1804`), 1)
			s.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", body, seq)
		}, audit.ProblemLeaf, seq, id},
		{"one byte of a leaf hash", flipNode(tlog.StoredHashIndex(0, 5)), audit.ProblemLeaf, 5, Record(2, "musterhausen").ID},
		{"one byte of an inner hash", flipNode(tlog.StoredHashIndex(2, 0)), audit.ProblemNode, 3, Record(1, "musterhausen").ID},
		{"a column", run("UPDATE entry SET effect = 'deny' WHERE seq = 6"), audit.ProblemColumn, seq, id},
		{"the tenant", run("UPDATE entry SET tenant = 'anderswo' WHERE seq = 6"), audit.ProblemColumn, seq, id},
		{"the time", run("UPDATE entry SET at = at + 1 WHERE seq = 6"), audit.ProblemColumn, seq, id},
		{"the id", run("UPDATE entry SET id = 'x' WHERE seq = 6"), audit.ProblemColumn, seq, id},
		{"a removed leaf", run("DELETE FROM entry WHERE seq = 6"), audit.ProblemMissing, seq, ""},
		{"two leaves exchanged", run("UPDATE entry SET seq = -7 WHERE seq = 6", "UPDATE entry SET seq = 6 WHERE seq = 8", "UPDATE entry SET seq = 8 WHERE seq = -7"), audit.ProblemLeaf, seq, Record(4, "musterhausen").ID},
		{"an added leaf", run("INSERT INTO entry (" + entryColumns + ") SELECT 1000, 'note', 'x', " + otherColumns + " FROM entry WHERE seq = 6"), audit.ProblemUncovered, 1000, "x"},
		{"a leaf before the first", run("INSERT INTO entry (" + entryColumns + ") SELECT -1, 'note', 'x', " + otherColumns + " FROM entry WHERE seq = 6"), audit.ProblemUncovered, -1, ""},
		{"a changed checkpoint", func(t *testing.T, s *setup) {
			c, err := s.store.Latest(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			note := slices.Clone(c.Note)
			note[bytes.IndexByte(note, '\n')+1] ^= 1
			s.db.Exec(t, "UPDATE checkpoint SET note = $1 WHERE size = $2", note, c.Size)
		}, audit.ProblemCheckpoint, -1, ""},
		{"a rewritten leaf with its hash", rewritten(seq), audit.ProblemCheckpoint, -1, ""},
		{"a forgotten open entry", run("DELETE FROM pending"), audit.ProblemPending, 20, Record(10, "musterhausen").ID},
		{"an ended entry listed as open", run("INSERT INTO pending (id, seq, tenant, writer) SELECT id, seq, tenant, writer FROM entry WHERE seq = 6"), audit.ProblemPending, 7, id},
		{"an invented open entry", run("INSERT INTO pending (id, seq, tenant, writer) VALUES ('x', 6, 'y', 'z')"), audit.ProblemPending, seq, "x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSetup(t, b)
			s.write(t, "musterhausen", 0, 10)
			if err := s.log.Open(context.Background(), Record(10, "musterhausen")); err != nil {
				t.Fatalf("open: %v", err)
			}
			mustBeSound(t, verify(t, s.log))
			s.db.Unlock(t)
			c.do(t, s)
			report := verify(t, s.log)
			if report.OK() {
				t.Fatal("the change is not found")
			}
			named := slices.ContainsFunc(report.Problems, func(p audit.Problem) bool {
				return p.Kind == c.kind && p.Seq == c.seq && (c.id == "" || p.ID == c.id)
			})
			if !named {
				t.Errorf("no problem of kind %s names leaf %d (%s); there are: %v", c.kind, c.seq, c.id, report.Problems)
			}
			if len(report.Problems) > 4 {
				t.Errorf("one change looks like %d problems: %v", len(report.Problems), report.Problems)
			}
		})
	}
}

// Columns of the table of leaves.
const (
	otherColumns = "tenant, writer, at, system, purpose, service, operation, effect, outcome, model, residency, file, rules, result, revision, topic, object, floor, ceiling, body"
	entryColumns = "seq, kind, id, " + otherColumns
)

func run(statements ...string) func(*testing.T, *setup) {
	return func(t *testing.T, s *setup) {
		for _, statement := range statements {
			s.db.Exec(t, statement)
		}
	}
}

// row reads one leaf as stored.
func (s *setup) row(t *testing.T, seq int64) audit.Row {
	t.Helper()
	rows, err := s.store.Rows(context.Background(), seq, 1)
	if err != nil || len(rows) != 1 {
		t.Fatalf("read leaf %d: %d rows, %v", seq, len(rows), err)
	}
	return rows[0]
}

func flipBody(seq int64, at int) func(*testing.T, *setup) {
	return func(t *testing.T, s *setup) {
		body := s.row(t, seq).Body
		if at < 0 {
			at = len(body) + at
		}
		body[at] ^= 1
		s.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", body, seq)
	}
}

func flipNode(index int64) func(*testing.T, *setup) {
	return func(t *testing.T, s *setup) {
		hashes, err := s.store.Hashes(context.Background(), []int64{index})
		if err != nil {
			t.Fatalf("read hash: %v", err)
		}
		hashes[0][31] ^= 1
		s.db.Exec(t, "UPDATE node SET hash = $1 WHERE idx = $2", hashes[0][:], index)
	}
}

// rewritten changes a leaf, its columns and all hashes above, as somebody would
// who controls the database and knows the software, but not the key.
func rewritten(seq int64) func(*testing.T, *setup) {
	return func(t *testing.T, s *setup) {
		body := bytes.Replace(s.row(t, seq).Body, []byte(`"body_bytes":1803`), []byte(`"body_bytes":1804`), 1)
		s.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", body, seq)
		rows, err := s.store.Rows(context.Background(), 0, 1000)
		if err != nil {
			t.Fatalf("read all: %v", err)
		}
		bodies := make([][]byte, len(rows))
		for i, r := range rows {
			bodies[i] = r.Body
		}
		for index, h := range storedHashes(t, bodies) {
			s.db.Exec(t, "UPDATE node SET hash = $1 WHERE idx = $2", h[:], int64(index))
		}
	}
}

// everyPart flips one bit in every seventh byte of one leaf, one after the
// other, so that each of its members and each position of a bit is met.
func everyPart(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 2)
	s.db.Unlock(t)
	const seq = 2
	row := s.row(t, seq)
	for at := 0; at < len(row.Body); at += 7 {
		body := slices.Clone(row.Body)
		body[at] ^= 1 << (at % 8)
		s.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", body, seq)
		report := verify(t, s.log)
		if len(report.Problems) == 0 || report.Problems[0].Seq != seq || report.Problems[0].ID != row.ID {
			t.Fatalf("a flipped bit in byte %d gives %v, want leaf %d named", at, report.Problems, seq)
		}
	}
	s.db.Exec(t, "UPDATE entry SET body = $1 WHERE seq = $2", row.Body, seq)
	mustBeSound(t, verify(t, s.log))
}

func truncated(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 10)
	early, err := s.log.Checkpoint(context.Background())
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	earlySize := verify(t, s.log).Size
	s.write(t, "musterhausen", 10, 20)
	late, err := s.log.Checkpoint(context.Background())
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	mustBeSound(t, verify(t, s.log, early, late))

	// Set the database back to the early checkpoint, consistently.
	s.db.Unlock(t)
	s.db.Exec(t, "DELETE FROM entry WHERE seq >= $1", earlySize)
	s.db.Exec(t, "DELETE FROM checkpoint")
	s.db.Exec(t, "INSERT INTO checkpoint (size, at, note) VALUES ($1, 0, $2)", earlySize, early)
	mustBeSound(t, verify(t, s.log, early))
	report := verify(t, s.log, late)
	if len(report.Problems) != 1 || report.Problems[0].Kind != audit.ProblemTruncated {
		t.Errorf("a cut log against a later checkpoint gives %v, want one problem: truncated", report.Problems)
	}
	// The process that wrote the rest does not go on.
	if err := s.log.Open(context.Background(), Record(30, "musterhausen")); gateway.CodeOf(err) != gateway.CodeNoRecord {
		t.Errorf("writing to a log that was set back = %v, want no record", err)
	}

	other, otherPublic := Key(t)
	if _, err := audit.NewViewer(s.store, otherPublic); err != nil {
		t.Fatalf("viewer with another key: %v", err)
	}
	if _, err := audit.New(context.Background(), audit.Config{Store: s.open(t), Key: other}); err == nil {
		t.Error("a log with a foreign key starts behind checkpoints it cannot trust")
	}
}

func damagedEnd(t *testing.T, b Backend) {
	s := newSetup(t, b)
	s.write(t, "musterhausen", 0, 4)
	s.stop(t)
	s.db.Unlock(t)
	s.db.Exec(t, "UPDATE node SET hash = $1", bytes.Repeat([]byte{7}, 32))
	store := s.open(t)
	defer func() { _ = store.Close() }()
	_, err := audit.New(context.Background(), audit.Config{Store: store, Key: s.private})
	if err == nil || !strings.Contains(err.Error(), "does not match") {
		t.Errorf("start behind a damaged end = %v, want a refusal", err)
	}
}

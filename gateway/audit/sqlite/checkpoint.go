// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway/audit"
)

// mover looks after the write-ahead log beside those who commit. It takes what was
// committed out of it into the file: SQLite itself would do that within a commit, and
// whoever waits for that one would wait ten times as long. And it gives the log its
// length ahead: to force a file to disk that has grown, the file system writes its
// journal, and with it what others have written.
type mover struct {
	limits  limits
	written int64 // bytes since the last time, about
	commits int
	busy    bool
	stopped bool
	done    sync.WaitGroup
}

// limits are lengths of the write-ahead log in bytes.
type limits struct {
	// move is how much is written before it is moved. What is written again and again
	// until then, the right edges of the indexes, is moved once.
	move int64
	// reserve is its length ahead, with room for what is committed while it is moved.
	reserve int64
	// stretch is how much is added to it at once.
	stretch int64
}

func usual() limits { return limits{move: 16 << 20, reserve: 18 << 20, stretch: 1 << 20} }

const (
	// reserveAfter is how many commits a process has made that gets a reserve.
	reserveAfter = 8
	// A commit rewrites about so many pages beside its rows.
	pagesOfCommit, pageSize = 12, 4096
)

// size is about what a batch takes in the write-ahead log.
func size(b audit.Batch) int64 {
	n := int64(pagesOfCommit * pageSize)
	for i := range b.Rows {
		n += int64(len(b.Rows[i].Body)) + pageSize/4
	}
	return n
}

// lookAfter is called after a commit, with the lock of the store.
func (s *Store) lookAfter() {
	m := &s.mover
	m.commits++
	if m.busy || m.stopped {
		return
	}
	switch {
	case m.commits == reserveAfter:
		s.beside(s.reserve)
	case m.written >= m.limits.move:
		m.written = 0
		s.beside(s.move)
	}
}

// beside is called with the lock of the store.
func (s *Store) beside(do func()) {
	m := &s.mover
	m.busy = true
	m.done.Go(func() {
		do()
		s.mu.Lock()
		defer s.mu.Unlock()
		m.busy = false
	})
}

// stopMoving is called before the file is closed, which moves the rest.
func (s *Store) stopMoving() {
	s.mu.Lock()
	s.mover.stopped = true
	s.mu.Unlock()
	s.mover.done.Wait()
}

// move empties the write-ahead log, so that the next commit begins it anew. What was
// committed meanwhile keeps it from that: then commits wait for the little that is
// left. What fails here is tried again later; nothing is lost.
func (s *Store) move() {
	s.mu.Lock()
	before := s.mover.commits
	s.mu.Unlock()
	if err := s.moveSome(); err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mover.commits != before {
		_ = s.moveSome()
	}
}

// moveSome moves what no reader needs where it is.
func (s *Store) moveSome() error {
	_, err := s.reads.ExecContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)")
	return err
}

// reserve makes the write-ahead log as long as it will be. SQLite takes what stands
// behind its last commit for nothing, and begins again at the front when all was
// moved. Without a reserve it is only slower.
func (s *Store) reserve() {
	file, err := os.OpenFile(s.path+"-wal", os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	for {
		if enough, err := s.lengthen(file); enough || err != nil {
			return
		}
		if err := file.Sync(); err != nil {
			return
		}
	}
}

// lengthen writes one stretch behind the end, where nobody writes: a transaction
// keeps other processes away, too.
func (s *Store) lengthen(file *os.File) (enough bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mover.stopped {
		return true, nil
	}
	ctx := context.Background()
	if err := s.run(ctx, &s.statements.begin); err != nil {
		return false, fmt.Errorf("begin: %w", err)
	}
	info, err := file.Stat()
	if enough = err == nil && info.Size() >= s.mover.limits.reserve; err == nil && !enough {
		_, err = file.WriteAt(make([]byte, s.mover.limits.stretch), info.Size())
	}
	return enough, errors.Join(err, s.run(ctx, &s.statements.rollback))
}

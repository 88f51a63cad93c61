// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package floor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// journal is a file of a fixed length in which every entry is on disk before anybody
// learns so. Those who wait together are written together. At its end it begins
// again: it keeps nothing, it only costs what keeping costs.
type journal struct {
	file   *os.File
	offset int64
	queue  chan entry
}

type entry struct {
	line line
	done chan error
}

const (
	// entrySize is about the size of an entry of our record.
	entrySize = 6 << 10
	// journalSize is that of the file.
	journalSize = 16 << 20
	together    = 256
)

func newJournal(record io.Writer) (*journal, error) {
	file, ok := record.(*os.File)
	if !ok {
		return nil, errors.New("a durable floor needs a file")
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("a durable floor needs a regular file, not %s: %w", file.Name(), err)
	}
	stretch := make([]byte, 1<<20)
	for at := int64(0); at < journalSize; at += int64(len(stretch)) {
		if _, err := file.WriteAt(stretch, at); err != nil {
			return nil, fmt.Errorf("lengthen the journal: %w", err)
		}
	}
	if err := file.Sync(); err != nil {
		return nil, fmt.Errorf("lengthen the journal: %w", err)
	}
	j := &journal{file: file, queue: make(chan entry, 4096)}
	go j.run()
	return j, nil
}

// begin hands a line over. What comes out of the channel says that it is on disk.
func (j *journal) begin(l line) <-chan error {
	e := entry{l, make(chan error, 1)}
	j.queue <- e
	return e.done
}

func (j *journal) run() {
	padding := bytes.Repeat([]byte(" "), entrySize)
	var text []byte
	var waiting []chan error
	for first := range j.queue {
		text, waiting = text[:0], waiting[:0]
		for e, more := first, true; more; {
			raw, err := json.Marshal(e.line)
			if err != nil || len(raw) >= entrySize {
				e.done <- errors.Join(errors.New("the line does not fit"), err)
			} else {
				text = append(append(append(text, raw...), padding[len(raw)+1:]...), '\n')
				waiting = append(waiting, e.done)
			}
			if more = len(waiting) < together; more {
				select {
				case e = <-j.queue:
				default:
					more = false
				}
			}
		}
		err := j.write(text)
		for _, done := range waiting {
			done <- err
		}
	}
}

func (j *journal) write(text []byte) error {
	if j.offset+int64(len(text)) > journalSize {
		j.offset = 0
	}
	if _, err := j.file.WriteAt(text, j.offset); err != nil {
		return fmt.Errorf("write to the journal: %w", err)
	}
	j.offset += int64(len(text))
	return syncData(j.file)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package quota

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
)

// maxJournal bounds the file that is read back.
const maxJournal = 64 << 20

// keep writes what could not be sent into the journal.
func (c *counter) keep(ctx context.Context) error {
	if c.config.Journal == "" {
		rows := 0
		for _, b := range c.pending {
			rows += len(b.Rows)
		}
		c.config.Logger.LogAttrs(ctx, slog.LevelError, "usage lost: the store did not answer and there is no journal", slog.Int("rows", rows))
		return errors.New("usage lost")
	}
	raw, err := json.Marshal(c.pending)
	if err != nil {
		return fmt.Errorf("encode journal of usage: %w", err)
	}
	temporary := c.config.Journal + ".new"
	if err := writeSynced(temporary, raw); err != nil {
		return fmt.Errorf("write journal of usage: %w", err)
	}
	if err := os.Rename(temporary, c.config.Journal); err != nil {
		return fmt.Errorf("write journal of usage: %w", err)
	}
	return nil
}

func writeSynced(path string, raw []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Sync(), f.Close())
}

// recall reads the journal of the last run. Its batches keep their ids, so that
// nothing counts twice; the file goes when they are written.
func (c *counter) recall() error {
	if c.config.Journal == "" {
		return nil
	}
	f, err := os.Open(c.config.Journal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open journal of usage: %w", err)
	}
	defer f.Close()
	batches, err := readJournal(f)
	if err != nil {
		return fmt.Errorf("read journal of usage %s: %w", c.config.Journal, err)
	}
	c.pending, c.recalled = batches, len(batches)
	return nil
}

func readJournal(r io.Reader) ([]Batch, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxJournal+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxJournal {
		return nil, errors.New("the file is too large")
	}
	var batches []Batch
	if err := json.Unmarshal(raw, &batches); err != nil {
		return nil, err
	}
	for _, b := range batches {
		if b.ID == "" || len(b.Rows) > maxBatch {
			return nil, errors.New("a batch has no id or too many rows")
		}
	}
	return batches, nil
}

// wrote notes that one more batch is in the store. After the last of the
// journal the file goes.
func (c *counter) wrote(ctx context.Context) {
	c.pending = c.pending[1:]
	if c.recalled == 0 {
		return
	}
	if c.recalled--; c.recalled > 0 {
		return
	}
	if err := os.Remove(c.config.Journal); err != nil {
		c.config.Logger.LogAttrs(ctx, slog.LevelWarn, "journal of usage not removed", slog.Any("error", err))
	}
}

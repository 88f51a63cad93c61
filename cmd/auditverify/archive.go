// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"
)

// Files of an export.
const (
	fileEntries     = "entries.jsonl"
	fileCheckpoint  = "checkpoint.txt"
	fileCheckpoints = "checkpoints.jsonl"
)

// Bounds of what is read: a leaf has at most 4 MiB.
const (
	maxLine        = 4<<20 + 64<<10
	maxCheckpoint  = 4096
	maxCheckpoints = 2000
	maxTree        = 1 << 48
)

// leafLine is one line of entries.jsonl.
type leafLine struct {
	Seq     int64           `json:"seq"`
	Entry   json.RawMessage `json:"entry"`
	Removed *stub           `json:"removed"`
	Leaf    string          `json:"leaf"`
	Proof   []tlog.Hash     `json:"proof"`
}

// stub is what stays of a leaf whose content was removed.
type stub struct {
	Kind   string `json:"kind"`
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	At     int64  `json:"at"`
}

// checkpointLine is one line of checkpoints.jsonl.
type checkpointLine struct {
	Checkpoint string      `json:"checkpoint"`
	Proof      []tlog.Hash `json:"proof"`
}

var errForm = errors.New("sie hat nicht die eine erlaubte Form")

// strict decodes one JSON value with known names and nothing behind it.
func strict(line []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errForm
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errForm
	}
	return nil
}

// parseLine takes a line only in the form in which it is written: in any other one
// a reader could see something else than what is proved.
func parseLine(line []byte) (leafLine, error) {
	var l leafLine
	if err := strict(line, &l); err != nil {
		return l, err
	}
	proof, err := json.Marshal(append([]tlog.Hash{}, l.Proof...))
	if err != nil {
		return l, errForm
	}
	only := fmt.Appendf(nil, `{"seq":%d,"entry":%s,"proof":%s}`, l.Seq, l.Entry, proof)
	if l.Removed != nil {
		kept, err := json.Marshal(l.Removed)
		if err != nil {
			return l, errForm
		}
		only = fmt.Appendf(nil, `{"seq":%d,"removed":%s,"leaf":"%s","proof":%s}`, l.Seq, kept, l.Leaf, proof)
	}
	if !bytes.Equal(only, line) {
		return l, errForm
	}
	return l, nil
}

// open returns the one file of the name; a second one could hide the first.
func open(archive *zip.Reader, name string) (io.ReadCloser, error) {
	var found *zip.File
	for _, f := range archive.File {
		if f.Name == name && found != nil {
			return nil, fmt.Errorf("%s ist doppelt vorhanden", name)
		}
		if f.Name == name {
			found = f
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s fehlt", name)
	}
	r, err := found.Open()
	if err != nil {
		return nil, fmt.Errorf("%s ist nicht lesbar", name)
	}
	return r, nil
}

func readAll(archive *zip.Reader, name string, limit int64) ([]byte, error) {
	r, err := open(archive, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s ist nicht lesbar oder zu groß", name)
	}
	return raw, nil
}

func eachLine(archive *zip.Reader, name string, do func(line []byte) error) error {
	r, err := open(archive, name)
	if err != nil {
		return err
	}
	defer r.Close()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if err := do(lines.Bytes()); err != nil {
			return fmt.Errorf("in %s, Zeile %d: %w", name, n, err)
		}
	}
	if lines.Err() != nil {
		return fmt.Errorf("%s ist nicht lesbar", name)
	}
	return nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package main

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tree is what a checkpoint says (c2sp.org/tlog-checkpoint).
type tree struct {
	size int64
	root tlog.Hash
}

// verify proves an export. An error means that it is none.
func verify(r io.ReaderAt, size int64, public []string) (*result, error) {
	origin, keys, err := verifiers(public)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("sie ist kein lesbares ZIP-Archiv")
	}
	c := &check{result: &result{origin: origin}, keys: keys, begun: map[string]bool{}, next: 0, inOrder: true}
	text, err := readAll(archive, fileCheckpoint, maxCheckpoint)
	if err != nil {
		return nil, err
	}
	if len(text) > 0 { // an empty record has none
		if c.tree, err = c.openCheckpoint(string(text)); err != nil {
			c.result.add("Der Prüfpunkt des Auszugs trägt keine gültige Unterschrift eines Schlüssels, dem Sie vertrauen.")
			return c.result, nil //nolint:nilerr // a finding, not a failure
		}
	}
	c.result.size = c.tree.size
	if err := eachLine(archive, fileCheckpoints, c.checkpoint); err != nil {
		return nil, err
	}
	if err := eachLine(archive, fileEntries, c.learn); err != nil {
		return nil, err
	}
	c.removals.sort()
	if err := eachLine(archive, fileEntries, c.leaf); err != nil {
		return nil, err
	}
	c.removals.judge(c.result)
	c.result.open = len(c.begun)
	c.result.complete = c.inOrder && c.result.leaves == c.tree.size
	return c.result, nil
}

// verifiers are the trusted keys, all of one log.
func verifiers(public []string) (string, note.Verifiers, error) {
	if len(public) == 0 {
		return "", nil, errors.New("es ist kein Schlüssel angegeben")
	}
	var list []note.Verifier
	for _, text := range public {
		v, err := note.NewVerifier(text)
		if err != nil {
			return "", nil, errors.New("ein öffentlicher Schlüssel ist ungültig")
		}
		if len(list) > 0 && v.Name() != list[0].Name() {
			return "", nil, errors.New("die Schlüssel gehören zu verschiedenen Protokollen")
		}
		list = append(list, v)
	}
	return list[0].Name(), note.VerifierList(list...), nil
}

type check struct {
	result   *result
	keys     note.Verifiers
	tree     tree
	removals removals
	begun    map[string]bool
	next     int64 // number that a complete export has next
	inOrder  bool
	lines    int // of checkpoints.jsonl
}

var errCheckpoint = errors.New("der Prüfpunkt ist ungültig")

// openCheckpoint checks the signature, the origin and the three lines.
func (c *check) openCheckpoint(text string) (tree, error) {
	if len(text) > maxCheckpoint {
		return tree{}, errCheckpoint
	}
	signed, err := note.Open([]byte(text), c.keys)
	if err != nil {
		return tree{}, err
	}
	lines := strings.Split(signed.Text, "\n")
	if len(lines) < 4 || lines[0] != c.result.origin {
		return tree{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || size > maxTree || strconv.FormatInt(size, 10) != lines[1] {
		return tree{}, errCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return tree{}, errCheckpoint
	}
	return tree{size, root}, nil
}

// checkpoint proves that an earlier state is a beginning of the exported one.
func (c *check) checkpoint(line []byte) error {
	if c.lines++; c.lines > maxCheckpoints {
		return errors.New("es sind zu viele Prüfpunkte")
	}
	var l checkpointLine
	if err := strict(line, &l); err != nil {
		return err
	}
	old, err := c.openCheckpoint(l.Checkpoint)
	if err != nil {
		c.result.add("Ein früherer Prüfpunkt trägt keine gültige Unterschrift.")
		return nil //nolint:nilerr // a finding of the verification
	}
	c.result.checkpoints++
	if old.size < 1 || old.size > c.tree.size || tlog.CheckTree(l.Proof, c.tree.size, c.tree.root, old.size, old.root) != nil {
		c.result.add("Der Prüfpunkt über %d Blätter ist kein Anfang des Protokolls: Blätter wurden nachträglich geändert.", old.size)
	}
	return nil
}

// content is what has to be known of a leaf.
type content struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Note *struct {
		Topic string          `json:"topic"`
		Time  time.Time       `json:"time"`
		New   json.RawMessage `json:"new"`
	} `json:"note"`
}

// leaf proves one leaf: its hash leads to the signed root.
func (c *check) leaf(line []byte) error {
	l, err := parseLine(line)
	if err != nil {
		return err
	}
	if c.result.leaves >= c.tree.size {
		return errors.New("es sind mehr Blätter, als der Prüfpunkt nennt")
	}
	c.result.leaves++
	c.inOrder = c.inOrder && l.Seq == c.next
	c.next = l.Seq + 1
	var kind, id string
	hash := tlog.RecordHash(l.Entry)
	if l.Removed != nil {
		kind, id = l.Removed.Kind, l.Removed.ID
		if hash, err = tlog.ParseHash(l.Leaf); err != nil {
			return errForm
		}
	} else {
		var said content
		if json.Unmarshal(l.Entry, &said) != nil {
			c.result.add("Blatt %d: Der Inhalt ist nicht lesbar.", l.Seq)
			return nil //nolint:nilerr // a finding of the verification
		}
		kind, id = said.Kind, said.ID
	}
	if l.Seq < 0 || l.Seq >= c.tree.size || tlog.CheckRecord(l.Proof, c.tree.size, c.tree.root, l.Seq, hash) != nil {
		c.result.add("Blatt %d (%s): Der Nachweis führt nicht zum unterschriebenen Prüfpunkt. Inhalt, Nummer oder Nachweis wurden geändert.", l.Seq, id)
		return nil //nolint:nilerr // a finding of the verification
	}
	c.contentOf(l, hash)
	c.story(l.Seq, kind, id)
	return nil
}

// contentOf checks that a content is there unless a note says that it was removed.
func (c *check) contentOf(l leafLine, hash tlog.Hash) {
	if l.Removed == nil {
		c.removals.confirm(l.Seq, hash)
		if c.removals.find(l.Seq) != nil {
			c.result.add("Blatt %d: Der Inhalt wurde laut Vermerk entfernt und ist wieder da.", l.Seq)
		}
		return
	}
	n := c.removals.find(l.Seq)
	if n == nil {
		c.result.add("Blatt %d (%s): Der Inhalt fehlt, und kein Vermerk nennt ihn als nach Ablauf der Frist entfernt.", l.Seq, l.Removed.ID)
		return
	}
	n.meet(l.Seq, *l.Removed)
	c.result.removed++
}

// story checks that every end has its beginning, and nothing comes twice.
func (c *check) story(seq int64, kind, id string) {
	switch kind {
	case "open":
		if c.begun[id] {
			c.result.add("Blatt %d (%s): Der Eintrag ist doppelt enthalten.", seq, id)
		}
		c.begun[id] = true
	case "close":
		if !c.begun[id] {
			c.result.add("Blatt %d (%s): Zu diesem Abschluss fehlt der Anfang.", seq, id)
		}
		delete(c.begun, id)
	}
}

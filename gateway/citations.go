// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"encoding/json"
	"slices"
)

// The obligation cite_sources: a request that rests on sources has to be answered
// from them, with their numbers. The prompt demands that (sourcesPrompt); here it is
// looked at whether the answer did it. One that names none of the numbers it was
// given is handed out with a mark, and the mark is recorded: nobody may take it for
// an answer with sources. What the numbers prove is for the reader to judge.

// citeSources checks that there are sources to name.
func (p *passage) citeSources(o Obligation) error {
	if p.request.Operation != OperationChat || len(p.request.Sources) == 0 {
		return unfulfilled(o, "Die Anfrage nennt keine Quellen.")
	}
	p.citing = &citing{sources: len(p.passages)}
	p.applied(o)
	return nil
}

// citing looks for the numbers of sources in the texts of one answer.
type citing struct {
	sources int
	choices []citedChoice
}

// citedChoice is what one choice has said so far.
type citedChoice struct {
	index int
	// spoke: there was text, cited: it named a source that was given.
	spoke, cited bool
	// open: within brackets that hold only numbers so far; number is the one under
	// way, hit: one before it was that of a source.
	open, hit bool
	number    int
}

// missing says that a choice has said something and named no source.
func (c *citing) missing() bool {
	return slices.ContainsFunc(c.choices, func(one citedChoice) bool { return one.spoke && !one.cited })
}

// add takes the next piece of a choice's text.
func (c *citing) add(choice int, piece string) {
	i := slices.IndexFunc(c.choices, func(one citedChoice) bool { return one.index == choice })
	if i < 0 {
		i = len(c.choices)
		c.choices = append(c.choices, citedChoice{index: choice})
	}
	c.choices[i].read(piece, c.sources)
}

// read looks for [1], [1, 2], [1;2] and [1-3].
func (c *citedChoice) read(piece string, sources int) {
	for _, r := range piece {
		if c.cited {
			return
		}
		switch {
		case r == '[':
			c.spoke, c.open, c.hit, c.number = true, true, false, 0
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
			c.hit, c.number = c.hit || c.of(sources), 0
		case !c.open:
			c.spoke = true
		case '0' <= r && r <= '9':
			c.number = min(c.number*10+int(r-'0'), maxSourceNumber)
		case r == ',' || r == ';' || r == '-' || r == '–':
			c.hit, c.number = c.hit || c.of(sources), 0
		case r == ']':
			c.cited, c.open = c.hit || c.of(sources), false
		default:
			c.open = false
		}
	}
}

// maxSourceNumber is more than there are sources: a number cannot overflow.
const maxSourceNumber = 1 << 20

// of says that the number read last is that of a source that was given.
func (c *citedChoice) of(sources int) bool { return 1 <= c.number && c.number <= sources }

// cites looks at a whole answer.
func (p *passage) cites(answer Body) {
	if p.citing == nil {
		return
	}
	raw, _ := answer.Get("choices")
	var choices []struct {
		Message struct {
			Content json.RawMessage `json:"content"`
		} `json:"message"`
	}
	if json.Unmarshal(raw, &choices) != nil {
		p.closing.CitationsMissing = true
		return
	}
	for i, c := range choices {
		p.citing.add(i, contentText(c.Message.Content))
	}
	p.closing.CitationsMissing = p.citing.missing()
}

// cites looks at a piece of an answer in pieces.
func (s *Stream) cites(key pieceKey, was string) {
	if s.p.citing != nil && (key.field == "content" || key.field == "content[].text" || key.field == "text") {
		s.p.citing.add(key.choice, was)
	}
}

// markCitations sends, when the answer has ended and names no source, an event that
// says so. It has no choices, as the one with the usage.
func (s *Stream) markCitations() {
	if s.p.citing == nil || !s.p.citing.missing() {
		return
	}
	s.p.closing.CitationsMissing = true
	t, _ := s.p.telling()
	e := mustScan(s.last).Without("usage", "schleuse").raw
	s.ready = append(s.ready, withField(withField(e, "choices", []any{}), "schleuse", t))
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"encoding/json"
	"fmt"
)

// plainLetter is a Letter without its methods.
type plainLetter Letter

// jsonLetter writes blocks with their kind, so that they can be read again.
type jsonLetter struct {
	plainLetter

	Body []jsonBlock `json:"Body"`
}

type jsonBlock struct {
	Kind  string          `json:"kind"`
	Block json.RawMessage `json:"block"`
}

// MarshalJSON writes the letter so that UnmarshalJSON returns the same one.
func (l Letter) MarshalJSON() ([]byte, error) {
	out := jsonLetter{plainLetter: plainLetter(l), Body: make([]jsonBlock, len(l.Body))}
	for i, b := range l.Body {
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, fmt.Errorf("write block %d: %w", i, err)
		}
		out.Body[i] = jsonBlock{Kind: kindOf(b), Block: raw}
	}
	return json.Marshal(out)
}

func kindOf(b Block) string {
	switch b.(type) {
	case Paragraph:
		return "paragraph"
	case Heading:
		return "heading"
	case List:
		return "list"
	case Table:
		return "table"
	}
	return ""
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *Letter) UnmarshalJSON(raw []byte) error {
	var in jsonLetter
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*l = Letter(in.plainLetter)
	l.Body = nil
	for i, b := range in.Body {
		block, err := b.read()
		if err != nil {
			return fmt.Errorf("read block %d: %w", i, err)
		}
		l.Body = append(l.Body, block)
	}
	return nil
}

func (b jsonBlock) read() (Block, error) {
	switch b.Kind {
	case "paragraph":
		return readBlock[Paragraph](b.Block)
	case "heading":
		return readBlock[Heading](b.Block)
	case "list":
		return readBlock[List](b.Block)
	case "table":
		return readBlock[Table](b.Block)
	}
	return nil, fmt.Errorf("unknown kind %q", b.Kind)
}

func readBlock[B Block](raw json.RawMessage) (Block, error) {
	var b B
	err := json.Unmarshal(raw, &b)
	return b, err
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package dialect

import "encoding/json"

// Teller is told the blocks of an answer, one after the other: opened, then its
// pieces, then closed, before the next one is opened.
type Teller interface {
	Open(b *Block)
	// Piece is the next part of the block's content, without quotes.
	Piece(b *Block, content []byte)
	Close(b *Block)
}

// Flow turns an answer, whole or in chunks, into blocks. A tool call stays open
// until the end, because servers send the pieces of parallel calls mixed; what
// comes for others meanwhile waits. The zero value is ready.
type Flow struct {
	Answer
	Blocks []*Block

	live     int    // the block that is being told
	thinking string // the name under which this server sends thoughts
	size     int
	tokens   List
}

// Whole takes a whole answer.
func (f *Flow) Whole(raw []byte) error {
	if err := f.chunk(raw); err != nil {
		return err
	}
	return f.finished()
}

// Chunk takes one chunk and tells what can be told.
func (f *Flow) Chunk(raw []byte, t Teller) error {
	if err := f.chunk(raw); err != nil {
		return err
	}
	f.tell(t, false)
	return nil
}

// End tells the rest. It is an error when the model never said why it stopped or
// wrote a call that no program can obey.
func (f *Flow) End(t Teller) error {
	if err := f.finished(); err != nil {
		return err
	}
	f.tell(t, true)
	return nil
}

func (f *Flow) finished() error {
	if f.Finish == "" {
		return unreadable("Die Antwort des Modells ist unvollständig.")
	}
	for _, b := range f.Blocks {
		if b.Kind != Call {
			continue
		}
		if b.Name == nil {
			return unreadable("Das Modell hat ein Werkzeug ohne Namen aufgerufen.")
		}
		if _, err := b.Object(); err != nil && f.Finish != "length" {
			return err
		}
	}
	if !f.tokens.Empty() {
		f.Logprobs = f.tokens.JSON()
	}
	return nil
}

func (f *Flow) chunk(raw []byte) error {
	if !json.Valid(raw) {
		return unreadable("Die Antwort des Modells ist unlesbar.")
	}
	for i, choice := range Elements(f.take(raw)) {
		if i > 0 {
			return unreadable("Das Modell hat mehrere Antworten gegeben, obwohl eine verlangt war.")
		}
		if err := f.choice(choice); err != nil {
			return err
		}
	}
	return nil
}

// add continues the last block, or begins one when the last is of another kind.
func (f *Flow) add(kind Kind, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	if n := len(f.Blocks); n > 0 && f.Blocks[n-1].Kind == kind {
		return f.grow(f.Blocks[n-1], content)
	}
	b, err := f.begin(kind)
	if err != nil {
		return err
	}
	return f.grow(b, content)
}

func (f *Flow) addCall(tool int, id, name, arguments []byte) error {
	var call *Block
	for _, b := range f.Blocks {
		if b.Kind == Call && b.tool == tool {
			call = b
		}
	}
	if call == nil {
		b, err := f.begin(Call)
		if err != nil {
			return err
		}
		call = b
		call.tool = tool
	}
	call.ID, call.Name = keepText(call.ID, id), keepText(call.Name, name)
	return f.grow(call, Inside(arguments))
}

func keepText(old, value []byte) []byte {
	if !IsText(value) || len(value) == 2 {
		return old
	}
	return keep(old, value)
}

func (f *Flow) begin(kind Kind) (*Block, error) {
	if len(f.Blocks) >= maxBlocks {
		return nil, unreadable("Die Antwort des Modells hat zu viele Teile.")
	}
	b := &Block{Kind: kind, Index: len(f.Blocks)}
	f.Blocks = append(f.Blocks, b)
	return b, nil
}

func (f *Flow) grow(b *Block, content []byte) error {
	if f.size += len(content); f.size > maxContent {
		return unreadable("Die Antwort des Modells ist zu groß.")
	}
	b.Content = append(b.Content, content...)
	return nil
}

// tell tells what is there of the live block and goes on to the next ones, as
// far as nothing can follow for it.
func (f *Flow) tell(t Teller, all bool) {
	for ; f.live < len(f.Blocks); f.live++ {
		b := f.Blocks[f.live]
		if b.Kind == Call && b.Name == nil && !all {
			return // some servers send the name after the first arguments
		}
		if !b.opened {
			b.opened = true
			t.Open(b)
		}
		if piece := b.Content[b.told:]; len(piece) > 0 {
			b.told = len(b.Content)
			t.Piece(b, piece)
		}
		last := f.live == len(f.Blocks)-1
		if !all && (last || b.Kind == Call) {
			return
		}
		t.Close(b)
	}
}

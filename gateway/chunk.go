// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import "bytes"

// Chunk is one event of a streamed answer.
type Chunk struct {
	// Data is the JSON of the event, untouched. It is valid until the next call of Next.
	Data []byte
	// Usage is set on the chunk that carries it.
	Usage *Usage
	// Choices of the event, Failed: it is an error of the server, Odd: choices or
	// usage have another form than they should. Only a ChunkReader sets them: they
	// are for the client of the model, which judges whether an answer is whole.
	Choices     []ChunkChoice
	Failed, Odd bool

	event *event // what a ChunkReader found in Data
}

// ChunkChoice is a choice in a chunk.
type ChunkChoice struct {
	Index int
	// Finished says that it has its finish_reason.
	Finished bool
}

// ChunkReader reads the events of one stream, each in one pass that checks the
// JSON, finds what the model's client has to know and what the gateway reviews.
// A Model that hands out bare Data is read by the gateway itself. The zero value
// is ready.
type ChunkReader struct{ scan eventScan }

// Read reads an event. The chunk is valid until the next call, and as long as data is.
// The error is an *Error with CodeTruncated: data is no JSON object.
func (r *ChunkReader) Read(data []byte) (Chunk, error) {
	e, err := r.scan.scan(data)
	if err != nil {
		return Chunk{}, err
	}
	c := Chunk{Data: data, Choices: e.choices, Failed: e.failed, Odd: e.odd, event: e}
	if e.hasUsage {
		c.Usage = &e.usage
	}
	return c, nil
}

// read returns what was read of the chunk, if it still speaks of its bytes.
func (c Chunk) read(s *eventScan) (*event, error) {
	if e := c.event; e != nil && len(c.Data) > 0 && len(e.raw) == len(c.Data) && &e.raw[0] == &c.Data[0] {
		return e, nil
	}
	return s.scan(c.Data)
}

// keep is a copy that outlives the next chunk.
func (c Chunk) keep() Chunk {
	kept := Chunk{Data: bytes.Clone(c.Data)}
	if c.Usage != nil {
		u := *c.Usage
		kept.Usage = &u
	}
	return kept
}

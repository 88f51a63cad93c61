// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

var errTooLong = errors.New("event longer than allowed")

// event is one event of a text/event-stream; data is valid until the next one.
type event struct {
	name string
	data []byte
}

// eventReader reads events after the WHATWG rules: lines end with LF, CRLF or
// CR, a byte order mark may lead, comments are skipped, several data lines are
// joined. Other than a browser it hands out an event that the end of the stream
// follows without an empty line, because what is whole there is judged by the
// caller.
type eventReader struct {
	src        io.Reader
	max        int
	buf        []byte
	start, end int
	skipLF     bool // the last line ended with CR: a LF may follow
	begun      bool
	fast       bool // the last read filled the buffer: more is there
	data       []byte
	large      *sync.Pool // of buffers for fast streams
	// beforeWait, if set, is called before every read of the source.
	beforeWait func()
}

func newEventReader(src io.Reader, maxLine int, large *sync.Pool) *eventReader {
	return &eventReader{src: src, max: maxLine, buf: make([]byte, smallBuffer), large: large}
}

// A stream that comes word by word needs little room, and there are hundreds of
// them; one that comes as fast as it is read gets more.
const (
	smallBuffer = 2 << 10
	largeBuffer = 16 << 10
)

// free gives a large buffer back. Nothing that next has returned may be used any more.
func (r *eventReader) free() {
	if len(r.buf) == largeBuffer {
		r.large.Put((*[largeBuffer]byte)(r.buf))
	}
	r.buf, r.start, r.end, r.data = nil, 0, 0, nil
}

// next returns the next event that has data, io.EOF at the end, or the error of the source.
func (r *eventReader) next() (event, error) {
	if data, ok := r.simple(); ok {
		return event{data: data}, nil
	}
	var ev event
	r.data = r.data[:0]
	has := false
	for {
		line, err := r.line()
		if err != nil {
			if errors.Is(err, io.EOF) && has {
				ev.data = r.data
				return ev, nil
			}
			return event{}, err
		}
		if len(line) == 0 {
			if has {
				ev.data = r.data
				return ev, nil
			}
			ev.name = ""
			continue
		}
		name, value := field(line)
		switch string(name) {
		case "data":
			if len(r.data)+len(value)+1 > r.max {
				return event{}, errTooLong
			}
			if has {
				r.data = append(r.data, '\n')
			}
			r.data = append(r.data, value...)
			has = true
		case "event":
			ev.name = string(value)
		}
	}
}

// simple returns an event that lies in the buffer as a whole and has the form
// that nearly all have: one line of data and an empty one.
func (r *eventReader) simple() (data []byte, ok bool) {
	rest, ok := bytes.CutPrefix(r.buf[r.start:r.end], []byte("data:"))
	if !ok || !r.begun || r.skipLF {
		return nil, false
	}
	lf := bytes.IndexByte(rest, '\n')
	if lf < 0 || len("data:")+lf > r.max {
		return nil, false
	}
	data, after := rest[:lf], 2
	switch rest = rest[lf+1:]; {
	case len(rest) > 0 && rest[0] == '\n':
	case len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' && lf > 0 && data[lf-1] == '\r':
		data, after = data[:lf-1], 3
	default:
		return nil, false
	}
	if bytes.IndexByte(data, '\r') >= 0 {
		return nil, false
	}
	r.start += len("data:") + lf + after
	return bytes.TrimPrefix(data, []byte{' '}), true
}

// field splits a line. A line that starts with a brace is JSON written without
// its field name, which servers do with errors: it counts as data.
func field(line []byte) (name, value []byte) {
	if line[0] == '{' {
		return []byte("data"), line
	}
	name, value, _ = bytes.Cut(line, []byte{':'})
	return name, bytes.TrimPrefix(value, []byte{' '})
}

// line returns the next line without its end, valid until the next call.
func (r *eventReader) line() ([]byte, error) {
	scanned := r.start
	for {
		if r.skipLF && r.start < r.end {
			if r.buf[r.start] == '\n' {
				r.start++
			}
			r.skipLF = false
			scanned = max(scanned, r.start)
		}
		if i := lineEnd(r.buf[scanned:r.end]); i >= 0 {
			end := scanned + i
			line := r.buf[r.start:end]
			if len(line) > r.max {
				return nil, errTooLong
			}
			r.skipLF = r.buf[end] == '\r'
			r.start = end + 1
			return r.withoutMark(line), nil
		}
		pending := r.end - r.start
		if pending > r.max {
			return nil, errTooLong
		}
		err := r.fill()
		if err == nil {
			scanned = r.start + pending
			continue
		}
		if !errors.Is(err, io.EOF) || pending == 0 {
			return nil, err
		}
		line := r.buf[r.start:r.end]
		r.start = r.end
		return r.withoutMark(line), nil
	}
}

// fill reads at least one byte or returns an error.
func (r *eventReader) fill() error {
	if r.beforeWait != nil {
		r.beforeWait()
	}
	r.makeRoom()
	for range 100 {
		n, err := r.src.Read(r.buf[r.end:])
		r.end += n
		r.fast = r.end == len(r.buf)
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// makeRoom moves what is pending to the front and grows the buffer when it is
// full or the source is fast.
func (r *eventReader) makeRoom() {
	if r.start > 0 {
		copy(r.buf, r.buf[r.start:r.end])
		r.end -= r.start
		r.start = 0
	}
	switch was := r.buf[:r.end]; {
	case r.fast && len(r.buf) < largeBuffer:
		room, _ := r.large.Get().(*[largeBuffer]byte)
		if room == nil {
			room = new([largeBuffer]byte)
		}
		r.buf = room[:]
		copy(r.buf, was)
	case r.end == len(r.buf): // one event is longer than all
		r.buf = make([]byte, 2*len(r.buf))
		copy(r.buf, was)
	}
}

func (r *eventReader) withoutMark(line []byte) []byte {
	if r.begun {
		return line
	}
	r.begun = true
	return bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
}

func lineEnd(b []byte) int {
	lf := bytes.IndexByte(b, '\n')
	if lf >= 0 {
		b = b[:lf]
	}
	if cr := bytes.IndexByte(b, '\r'); cr >= 0 {
		return cr
	}
	return lf
}

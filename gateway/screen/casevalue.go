// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

// knownPhrase matches values of the case that start at token i.
func (s *scan) knownPhrase(i int) {
	t := &s.toks[i]
	if e := s.table.find(t.hash); e != nil {
		for n := e.phrase; n > 0; n = s.table.phrases[n-1].next {
			p := &s.table.phrases[n-1]
			if j, ok := s.followPhrase(i, s.table.hashes[p.from:p.to]); ok {
				s.add(i, j, p.kind, byKnown)
			}
		}
	}
	if c := s.text[t.start] | 0x20; t.hasDigit() || t.class == clUpper {
		for n := s.table.byFirst[c]; n > 0; n = s.table.numbers[n-1].next {
			k := &s.table.numbers[n-1]
			if j, ok := s.followCompact(i, k.value); ok {
				start := t.start
				if k.kind == kPhone && s.byteAt(start-1) == '+' {
					start--
				}
				s.addSpan(start, s.toks[j].end, k.kind, byKnown)
			}
		}
	}
}

func (s *scan) followPhrase(i int, hashes []uint64) (int, bool) {
	for n, h := range hashes {
		if i+n >= len(s.toks) || s.toks[i+n].hash != h {
			return 0, false
		}
		if n > 0 && !lightGap(s.gap(i+n-1)) {
			return 0, false
		}
	}
	return i + len(hashes) - 1, true
}

// followCompact compares the tokens from i on with a number, whatever stands
// between the groups.
func (s *scan) followCompact(i int, value string) (int, bool) {
	pos := 0
	for j := i; j < len(s.toks); j++ {
		if j > i && !lightGap(s.gap(j-1)) {
			return 0, false
		}
		part := s.str(j)
		if len(part) > len(value)-pos {
			return 0, false
		}
		for k := range len(part) {
			if part[k]|0x20 != value[pos+k] {
				return 0, false
			}
		}
		pos += len(part)
		if pos == len(value) {
			return j, true
		}
	}
	return 0, false
}

// lightGap says that two tokens may belong to one value.
func lightGap(gap string) bool {
	return len(gap) <= 3 || isWrap(gap)
}

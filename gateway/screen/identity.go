// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// settlePersons makes "Müllers" and "Müller" one name where both were found as
// surnames: the genitive stays in the text and out of the finding.
func (s *Screening) settlePersons() {
	var lasts map[string]bool
	for i := range s.found {
		if f := &s.found[i]; f.kind == kPerson && f.who.last != "" {
			if lasts == nil {
				lasts = map[string]bool{}
			}
			lasts[f.who.last] = true
		}
	}
	for i := range s.found {
		f := &s.found[i]
		base, ok := strings.CutSuffix(f.who.last, "s")
		if f.kind != kPerson || f.who.entity >= 0 || !ok || len(base) < 3 || !lasts[base] {
			continue
		}
		if end := f.end - 1; end > f.start && s.texts[f.text][end]|0x20 == 's' {
			f.end, f.who.last = end, base
		}
	}
}

// surface is the value of a finding, without the escapes of JSON source.
func (s *Screening) surface(f *found) string { return s.plain(f.text, f.start, f.end) }

func (s *Screening) plain(text int, start, end int32) string {
	v := s.texts[text][start:end]
	if !strings.Contains(v, `\`) {
		return v
	}
	if !looksLikeJSON(s.texts[text]) {
		return unescapeLetters(v)
	}
	var decoded string
	if err := json.Unmarshal([]byte(`"`+v+`"`), &decoded); err != nil {
		return v
	}
	return decoded
}

// keys names the values findings stand for; two findings with the same key get
// the same placeholder.
type keys struct {
	s      *Screening
	groups *surnames
	split  scan
	buf    []byte
}

func (s *Screening) newKeys() *keys { return &keys{s: s, groups: s.surnameGroups()} }

// of is the key of a finding, until the next call.
func (k *keys) of(f *found) []byte {
	v := k.s.surface(f)
	k.buf = append(k.buf[:0], 'A'+byte(f.kind))
	switch f.kind {
	case kPerson:
		k.buf = append(k.buf, k.groups.key(f.who)...)
	case kBirth:
		d := k.birthOf(v)
		k.buf = strconv.AppendInt(k.buf, int64(d.year%100), 10)
		k.buf = strconv.AppendInt(append(k.buf, '-'), int64(d.month), 10)
		k.buf = strconv.AppendInt(append(k.buf, '-'), int64(d.day), 10)
	case kPhone:
		k.buf = append(k.buf, nationalPhone(v)...)
	case kAddress:
		k.appendAddress(v)
	case kEmail:
		k.buf = append(k.buf, strings.ToLower(v)...)
	case kFile, kOther, kIP:
		k.buf = appendFold(k.buf, oneLine(v))
	default: // numbers
		k.buf = appendCompact(k.buf, v)
	}
	return k.buf
}

// appendAddress writes Straße and Str. alike.
func (k *keys) appendAddress(v string) {
	for i := range k.split.cut(v) {
		k.buf = appendFold(k.buf, k.split.str(i))
		if bytes.HasSuffix(k.buf, []byte("strasse")) {
			k.buf = k.buf[:len(k.buf)-len("asse")]
		}
		k.buf = append(k.buf, ' ')
	}
}

func (k *keys) birthOf(v string) date {
	if len(k.split.cut(v)) == 0 {
		return date{}
	}
	d, _, _ := k.split.dateAt(0)
	return d
}

// oneLine writes every run of blanks as one blank.
func oneLine(v string) string {
	for i := range len(v) {
		if c := v[i]; c >= utf8.RuneSelf || c < ' ' || c == ' ' && (i == 0 || v[i-1] == ' ' || i == len(v)-1) {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	return v
}

// surnames knows which full names occur with a surname.
type surnames struct {
	groups  map[string]map[string]bool
	decided map[nameParts]string // names already given to a person
}

// surnameGroups collects which first names occur with a surname. A person of the
// case counts under its number.
func (s *Screening) surnameGroups() *surnames {
	groups := map[string]map[string]bool{}
	for i := range s.found {
		f := &s.found[i]
		if f.kind != kPerson || f.who.last == "" || f.who.first == "" && f.who.entity < 0 {
			continue
		}
		group := groups[f.who.last]
		if group == nil {
			group = map[string]bool{}
			groups[f.who.last] = group
		}
		group[fullKey(f.who)] = true
	}
	return &surnames{groups: groups, decided: map[nameParts]string{}}
}

// key names the person a name stands for.
func (s *surnames) key(n nameParts) string {
	n.lastAt = -1
	k, ok := s.decided[n]
	if !ok {
		k = personKey(n, s.groups)
		s.decided[n] = k
	}
	return k
}

func fullKey(n nameParts) string {
	if n.entity >= 0 {
		return "#" + strconv.Itoa(int(n.entity))
	}
	return n.first + " " + n.last
}

// personKey gives a bare surname to the only person who has it, otherwise to
// the family.
func personKey(n nameParts, groups map[string]map[string]bool) string {
	if n.entity >= 0 || n.last != "" && len(n.first) > 1 {
		return fullKey(n)
	}
	if n.last == "" {
		return firstNameKey(n, groups)
	}
	group := groups[n.last]
	match, count := "", 0
	for k := range group {
		if strings.HasPrefix(k, n.first) && k != n.first+" "+n.last || n.first == "" {
			match = k
			count++
		}
	}
	if count == 1 {
		return match
	}
	return fullKey(n)
}

// firstNameKey gives a lone first name to the only person who bears it.
func firstNameKey(n nameParts, groups map[string]map[string]bool) string {
	match, count := "", 0
	for _, group := range groups {
		for k := range group {
			if strings.HasPrefix(k, n.first+" ") {
				match = k
				count++
			}
		}
	}
	if count == 1 {
		return match
	}
	return fullKey(n)
}

// name is how a person is written back.
type name struct {
	full, last, titled string
}

// personName chooses the most complete form that stands in the texts, so that
// nothing comes back that was not sent.
func (s *Screening) personName(all []*found) name {
	var best name
	score, mixed, sawLast, sawFirst := -1, true, false, false
	var titledFull, titledLast bool
	for _, f := range all {
		v := oneLine(s.surface(f))
		last := ""
		if f.who.lastAt >= f.start && f.who.lastAt < f.end {
			last = oneLine(s.plain(f.text, f.who.lastAt, f.end))
			if l, first, ok := strings.Cut(last, ", "); ok { // Mustermann, Erika
				v, last = first+" "+l, l
			}
		}
		complete := last != "" && last != v
		mixed = mixed && !complete
		if titled, _ := afterTitle(lastBytes(s.texts[f.text][:f.start])); titled {
			titledFull, titledLast = titledFull || complete, titledLast || !complete
		}
		sawLast, sawFirst = sawLast || last != "", sawFirst || last == ""
		points := 0
		if complete {
			points += 4
		}
		if last != "" {
			points += 2
		}
		if hasLower(v) {
			points++
		}
		if points > score {
			score, best = points, name{full: v, last: last, titled: last}
		}
	}
	if e := all[0].who.entity; e >= 0 && mixed && sawLast && sawFirst {
		p := s.persons[e]
		return name{full: strings.TrimSpace(p.first + " " + p.last), last: p.last, titled: p.last}
	}
	if titledFull && !titledLast {
		best.titled = best.full
	}
	return best
}

func hasLower(v string) bool {
	for _, r := range v {
		if unicode.IsLower(r) {
			return true
		}
	}
	return false
}

// sibilant says that a name takes an apostrophe in the genitive.
func sibilant(v string) bool {
	r, _ := utf8.DecodeLastRuneInString(v)
	switch unicode.ToLower(r) {
	case 's', 'ß', 'x', 'z':
		return true
	}
	return false
}

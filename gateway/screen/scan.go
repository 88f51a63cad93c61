// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import "github.com/ki-schleuse/schleuse/gateway"

// kindID is a FindingKind inside the scanner.
type kindID uint8

const (
	kNone kindID = iota
	kIBAN
	kBIC
	kTaxID
	kTaxNumber
	kVATID
	kBusinessID
	kPension
	kHealth
	kIDCard
	kPassport
	kLicence
	kEmail
	kPhone
	kBirth
	kAddress
	kPlate
	kFile
	kPerson
	kCard
	kCreditor
	kIP
	kOther
)

var kindNames = [...]gateway.FindingKind{
	kIBAN: KindIBAN, kBIC: KindBIC, kTaxID: KindTaxID, kTaxNumber: KindTaxNumber, kVATID: KindVATID,
	kBusinessID: KindBusinessID, kPension: KindPensionNumber, kHealth: KindHealthInsurance, kIDCard: KindIDCard,
	kPassport: KindPassport, kLicence: KindDrivingLicence, kEmail: KindEmail, kPhone: KindPhone,
	kBirth: KindDateOfBirth, kAddress: KindAddress, kPlate: KindLicencePlate, kFile: KindFileNumber,
	kPerson: KindPerson, kCard: KindCreditCard, kCreditor: KindCreditorID, kIP: KindIPAddress, kOther: KindOther,
}

// evidence says how sure a recogniser is; the better one wins an overlap.
type evidence uint8

const (
	byList      evidence = iota + 1 // a list of common first names
	byTrigger                       // a title, a label, a word before a number
	byKnown                         // an entity of the case
	byShape                         // a shape that holds other findings: e-mail, street with number
	byValidated                     // check digits
)

// candidate is a possible finding.
type candidate struct {
	start, end int32
	kind       kindID
	evidence   evidence
	known      bool
	validated  bool
	name       int32 // index into names for persons, else -1
}

// nameParts is who a person finding speaks of.
type nameParts struct {
	entity      int32  // index of the known person, -1 when unknown
	first, last string // folded; last is empty for a lone first name
	lastAt      int32  // where the surname starts in the text, -1 without one
}

// scan is the working memory for one text.
type scan struct {
	lex   *lexicon
	codes map[string]bool
	stems *stemTable
	table *caseTable

	text    string
	buf     []byte // scratch for folding
	json    bool   // the text is JSON source
	toks    []token
	starts  []int32 // the tokens at which a recogniser starts
	ats     []int32 // positions of '@'
	fillers []int32 // positions of "<<"
	cands   []candidate
	before  []candidate // as they were before names were looked for again
	spare   []candidate // for merging
	names   []nameParts
	hints   []hint // words that hint at a special category
	set     uint16 // special categories

	triggerEnd [triggers]int32 // end of the last trigger of each sort
	streetEnd  int32           // end of the last street found
	personEnd  int32           // end of the last person found from the left
	knownEnd   int32           // end of the last person of the case
}

const never = -1 << 20

func (s *scan) reset(text string) {
	s.text, s.json = text, looksLikeJSON(text)
	s.ats, s.fillers, s.cands, s.names, s.hints = s.ats[:0], s.fillers[:0], s.cands[:0], s.names[:0], s.hints[:0]
	for i := range s.triggerEnd {
		s.triggerEnd[i] = never
	}
	s.streetEnd, s.personEnd, s.knownEnd = never, -1, -1
}

// run finds all candidates in one text.
func (s *scan) run(text string) {
	s.reset(text)
	s.tokenise()
	s.emails()
	s.machineReadable()
	for _, start := range s.starts {
		i := int(start)
		t := &s.toks[i]
		if t.roles&triggerMask != 0 {
			s.note(t)
		}
		if digit := t.hasDigit(); digit || t.class == clUpper || s.table.maybe(t.hash) {
			s.knownPhrase(i)
			if digit {
				s.number(i)
				continue
			}
		}
		s.word(i)
	}
}

// note remembers a trigger.
func (s *scan) note(t *token) {
	for m := t.roles & triggerMask; m != 0; m &= m - 1 {
		s.triggerEnd[triggerIndex(m&-m)] = t.end
	}
}

// near says whether a trigger ended at most reach bytes before pos.
func (s *scan) near(trigger role, pos, reach int32) bool {
	d := pos - s.triggerEnd[triggerIndex(trigger)]
	return d >= 0 && d <= reach
}

// word tries the recognisers that start at a word.
func (s *scan) word(i int) {
	t := &s.toks[i]
	if t.class == clUpper {
		s.capitals(i)
	}
	if t.roles&tFile != 0 {
		s.fileNumber(i)
	}
	if t.roles&personRoles != 0 || s.table.maybe(t.hash) {
		s.person(i)
	}
	if t.head != 0 {
		s.hint(i)
	}
}

// capitals tries what may be the beginning of a number, and bank codes.
func (s *scan) capitals(i int) {
	switch s.toks[i].len() {
	case 1, 2, 3:
		s.splitPrefix(i)
	case 8, 11:
		s.bic(i)
	}
}

func (s *scan) str(i int) string { return s.text[s.toks[i].start:s.toks[i].end] }

// gap is what stands between token i and the next one; "\x00" at the edges.
func (s *scan) gap(i int) string {
	if i < 0 || i+1 >= len(s.toks) {
		return "\x00"
	}
	return s.text[s.toks[i].end:s.toks[i+1].start]
}

// blank says that one blank stands between token i and the next one.
func (s *scan) blank(i int) bool { return i >= 0 && i < len(s.toks) && s.toks[i].after == gapBlank }

// hyphen says that a hyphen stands between token i and the next one.
func (s *scan) hyphen(i int) bool { return i >= 0 && i < len(s.toks) && s.toks[i].after == gapHyphen }

// byteAt is the byte at pos, or 0 outside the text.
func (s *scan) byteAt(pos int32) byte {
	if pos < 0 || int(pos) >= len(s.text) {
		return 0
	}
	return s.text[pos]
}

// isBlank says that a gap is one ordinary or non-breaking blank.
func isBlank(gap string) bool {
	return gap == " " || gap == "\u00A0" || gap == "\u202F" || gap == "\t"
}

// isWrap says that a gap is a line break with indentation.
func isWrap(gap string) bool {
	breaks := 0
	for i := range len(gap) {
		switch gap[i] {
		case '\n':
			breaks++
		case ' ', '\t', '\r':
		default:
			return false
		}
	}
	return breaks == 1 && len(gap) <= 80
}

// add notes a candidate from token i up to and including token j.
func (s *scan) add(i, j int, k kindID, e evidence) {
	s.addSpan(s.toks[i].start, s.toks[j].end, k, e)
}

func (s *scan) addSpan(start, end int32, k kindID, e evidence) {
	s.cands = append(s.cands, candidate{start: start, end: end, kind: k, evidence: e, validated: e == byValidated, known: e == byKnown, name: -1})
}

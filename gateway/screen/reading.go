// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package screen

import (
	"slices"

	"github.com/ki-schleuse/schleuse/gateway"
)

// reading is one text of a request on its way through the screener: scanned, or
// remembered, or remembered and looked at again because of names that stand in
// other texts.
type reading struct {
	text string
	key  digest
	keep bool  // the text may be remembered
	item *item // what is remembered, nil for nothing
	scan *scan // nil when all is remembered

	fresh *item    // what is to be remembered from now on
	final *outcome // remembered and complete; nil: the scan holds the result
}

// cands are the candidates so far.
func (r *reading) cands() []candidate {
	if r.scan != nil {
		return r.scan.cands
	}
	return r.item.own.cands
}

// name is who a candidate speaks of, as far as it needs no reading.
func (r *reading) name(n int32) (entity, lastAt int32) {
	if r.scan != nil {
		return r.scan.names[n].entity, r.scan.names[n].lastAt
	}
	return r.item.own.names[n].entity, r.item.own.names[n].lastAt
}

// read scans the text, or finds it remembered.
func (s *Screener) read(r *reading, c *caseTable, keys *keyer) {
	if r.keep = keys != nil && len(r.text) >= minRemembered; r.keep {
		r.key = keys.text(r.text)
		if r.item = s.memory.get(r.key); r.item != nil {
			return
		}
	}
	c.prepare()
	r.scan = s.newScan(c)
	r.scan.run(r.text)
	r.scan.cands = resolve(r.scan.cands)
	if !r.keep {
		return
	}
	if own, ok := r.scan.outcome(); ok {
		r.fresh = &item{key: r.key, own: own, hints: slices.Clone(r.scan.hints)}
	}
}

// again brings the scan of a remembered text back.
func (s *Screener) again(r *reading, c *caseTable) {
	if r.scan != nil {
		return
	}
	r.scan = s.newScan(c)
	r.scan.recall(r.text, r.item)
	r.fresh = &item{key: r.key, own: r.item.own, hints: r.item.hints, names: r.item.names, repeated: r.item.repeated}
}

// foundNames are the surnames found by title, label or first name in all texts.
func foundNames(readings []reading) []gateway.Entity {
	var names []gateway.Entity
	var seen map[string]bool
	for i := range readings {
		r := &readings[i]
		for _, c := range r.cands() {
			if c.kind != kPerson {
				continue
			}
			entity, lastAt := r.name(c.name)
			if c.known && entity >= 0 || lastAt < c.start {
				continue
			}
			last := r.text[lastAt:c.end]
			if len(last) < 3 || len(names) >= maxFoundNames || seen[last] {
				continue
			}
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[last] = true
			names = append(names, gateway.Entity{Type: "person", Last: last})
		}
	}
	return names
}

// maxFoundNames bounds the names looked for again.
const maxFoundNames = 2000

// propagate looks for the surnames found in any text in all texts, where they
// may stand alone, and rates the special categories.
func (s *Screener) propagate(readings []reading, c *caseTable, keys *keyer) {
	names := foundNames(readings)
	if len(names) == 0 {
		for i := range readings {
			s.settle(&readings[i], c)
		}
		return
	}
	var key digest
	if keys != nil {
		key = keys.names(names)
	}
	table := s.newTable(names)
	defer s.releaseTable(table)
	table.prepare()
	for i := range readings {
		r := &readings[i]
		if r.item != nil && r.item.repeated.rated && r.item.names == key {
			r.final = &r.item.repeated
			continue
		}
		s.again(r, c)
		grown := r.scan.repeatNames(table)
		s.rate(r)
		r.note(key, grown)
	}
}

// note prepares what is to be remembered after the names under a key were looked
// for.
func (r *reading) note(key digest, grown bool) {
	if r.fresh == nil {
		return
	}
	o, ok := r.fresh.own, true
	if grown {
		o, ok = r.scan.outcome()
	}
	if ok {
		o.set, o.rated = r.scan.set, true
		r.fresh.names, r.fresh.repeated = key, o
	}
}

// settle completes a text in whose request no name is to be looked for again.
func (s *Screener) settle(r *reading, c *caseTable) {
	if r.item != nil && r.item.own.rated {
		r.final = &r.item.own
		return
	}
	s.again(r, c)
	s.rate(r)
	if r.fresh != nil {
		r.fresh.own.set, r.fresh.own.rated = r.scan.set, true
	}
}

func (s *Screener) rate(r *reading) { r.scan.set = r.scan.categories(r.scan.cands) }

// result are the findings of a complete text.
func (r *reading) result() ([]candidate, uint16) {
	if r.final != nil {
		return r.final.cands, r.final.set
	}
	return r.scan.cands, r.scan.set
}

// who reads the name of a finding.
func (r *reading) who(n int32) nameParts {
	if r.final != nil {
		return r.final.names[n].parts(r.final, r.text)
	}
	return r.scan.names[n]
}

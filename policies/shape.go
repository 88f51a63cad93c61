// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// wellFormed says that a policy input has exactly the fields facts.write gives
// it, each of its type, and that every list is as long as it says. Rules ask for
// input.well_formed (KERN-010); what an input may contain (operations, data
// classes) is for rego/facts to say.
//
// It is Go and not Rego because it looks at every field of every question.
func wellFormed(input ast.Object) bool { return rootShape.fits(input) && consistent(input) }

// addsUp says that the findings of a recorded, well-formed input are as many as
// it says. Those of a question are counted by facts itself.
func addsUp(input ast.Object) bool {
	screened := part(input, "screened")
	return sum(part(screened, "counts")) == countOf(screened, "total")
}

// shape says what each field of an object must be. Nothing may be missing,
// nothing may be there besides.
type shape []required

type required struct {
	name  *ast.Term
	check check
}

type check func(ast.Value) bool

func shapeOf(fields map[string]check) shape {
	var s shape
	for _, name := range sortedKeys(fields) {
		s = append(s, required{fieldTerm(name), fields[name]})
	}
	return s
}

func (s shape) fits(o ast.Object) bool {
	if o.Len() != len(s) {
		return false
	}
	for _, r := range s {
		term := o.Get(r.name)
		if term == nil || !r.check(term.Value) {
			return false
		}
	}
	return true
}

func (s shape) object(v ast.Value) bool {
	o, ok := v.(ast.Object)
	return ok && s.fits(o)
}

var (
	rootShape = shapeOf(map[string]check{
		"stage": isStage, "date": isDate, "case_date": isDate, "caller": callerShape.object,
		"operation": isText, "purpose": isText, "service": isText, "has_service": isFlag, "has_case": isFlag,
		"entities": isCount, "sources": isCount, "declared": areWords, "declared_count": isCount,
		"screened": screenedShape.object, "models": areModels, "models_count": isCount, "passages": passagesShape.object,
		"automation": automationShape.object, "ruling": rulingShape.object, "chain": areWords, "chain_count": isCount,
		"fields": areWords, "fields_count": isCount, "named_sources": areWords, "named_sources_count": isCount,
	})
	automationShape = shapeOf(map[string]check{"requested": isFlag, "complete": isFlag, "free_text": isFlag})
	rulingShape     = shapeOf(map[string]check{"made": isFlag, "burdening": isFlag, "hearing": isText})
	callerShape     = shapeOf(map[string]check{
		"tenant": isText, "system": isText, "has_system": isFlag, "has_user": isFlag, "channel": isText,
		"roles": areTexts, "purposes": areWords, "purposes_count": isCount,
	})
	screenedShape = shapeOf(map[string]check{
		"counts": areCounts, "total": isCount, "categories": areWords, "categories_count": isCount, "unscreenable": isCount,
	})
	passagesShape = shapeOf(map[string]check{"count": isCount, "classes": areWords, "classes_count": isCount, "unclassified": isCount})
	modelShape    = shapeOf(map[string]check{
		"residency": isText, "country": isText, "processor_kind": isText, "has_contract": isFlag, "has_para80_notice": isFlag,
		"para30_ao": isFlag, "para80_ground": isText, "art9": isFlag, "trains_on_input": isFlag, "data_classes": areTexts, "operations": areTexts,
	})
)

// consistent compares what is said twice. The shape has been checked.
func consistent(o ast.Object) bool {
	caller, screened, passages := part(o, "caller"), part(o, "screened"), part(o, "passages")
	return sameLength(o, "declared", "declared_count") &&
		sameLength(o, "chain", "chain_count") &&
		sameLength(o, "fields", "fields_count") &&
		sameLength(o, "named_sources", "named_sources_count") &&
		sameLength(caller, "purposes", "purposes_count") &&
		sameLength(screened, "categories", "categories_count") &&
		sameLength(passages, "classes", "classes_count") &&
		part(o, "models").Len() == countOf(o, "models_count") &&
		countOf(passages, "unclassified") <= countOf(passages, "count") &&
		o.Get(fieldTerm("has_service")).Value.Compare(ast.Boolean(textOf(o, "service") != "")) == 0
}

func part(o ast.Object, name string) ast.Object {
	inner, _ := o.Get(fieldTerm(name)).Value.(ast.Object)
	return inner
}

func textOf(o ast.Object, name string) string {
	s, _ := o.Get(fieldTerm(name)).Value.(ast.String)
	return string(s)
}

func countOf(o ast.Object, name string) int {
	n, _ := o.Get(fieldTerm(name)).Value.(ast.Number)
	i, _ := n.Int()
	return i
}

func sameLength(o ast.Object, list, count string) bool {
	a, ok := o.Get(fieldTerm(list)).Value.(*ast.Array)
	return ok && a.Len() == countOf(o, count)
}

func sum(counts ast.Object) int {
	total := 0
	counts.Foreach(func(_, v *ast.Term) {
		n, _ := v.Value.(ast.Number)
		i, _ := n.Int()
		total += i
	})
	return total
}

func isStage(v ast.Value) bool {
	s, _ := v.(ast.String)
	return s == "request" || s == "context" || s == "response"
}

func isDate(v ast.Value) bool {
	s, ok := v.(ast.String)
	_, err := time.Parse(time.DateOnly, string(s))
	return ok && err == nil && "1900-01-01" <= s && s <= "2999-12-31"
}

func isText(v ast.Value) bool {
	_, ok := v.(ast.String)
	return ok
}

func isWord(v ast.Value) bool {
	s, ok := v.(ast.String)
	return ok && s != ""
}

func isFlag(v ast.Value) bool {
	_, ok := v.(ast.Boolean)
	return ok
}

// isCount: digits only, no sign, no fraction, no exponent.
func isCount(v ast.Value) bool {
	n, ok := v.(ast.Number)
	if !ok || len(n) == 0 || len(n) > 9 {
		return false
	}
	for _, c := range []byte(n) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func areTexts(v ast.Value) bool { return each(v, isText) }

func areWords(v ast.Value) bool { return each(v, isWord) }

func each(v ast.Value, check check) bool {
	list, ok := v.(*ast.Array)
	if !ok {
		return false
	}
	for i := range list.Len() {
		if !check(list.Elem(i).Value) {
			return false
		}
	}
	return true
}

func areCounts(v ast.Value) bool { return eachField(v, isCount) }

func areModels(v ast.Value) bool { return eachField(v, modelShape.object) }

func eachField(v ast.Value, check check) bool {
	o, ok := v.(ast.Object)
	if !ok {
		return false
	}
	return !o.Until(func(key, value *ast.Term) bool { return !isText(key.Value) || !check(value.Value) })
}

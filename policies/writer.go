// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
)

// jsonWriter writes canonical JSON: what canonicalJSON makes of the AST.
type jsonWriter struct {
	out []byte
	// modelsAt and modelsEnd say where the models stand.
	modelsAt, modelsEnd int
	// digests writes the digest of the models in their place: for a key, not for a reader.
	digests bool
	// room is where a key is put together.
	room []byte
}

var _ writer = (*jsonWriter)(nil)

// comma separates what follows from what stands before it.
func (w *jsonWriter) comma() {
	if n := len(w.out); n > 0 && w.out[n-1] != '{' && w.out[n-1] != '[' {
		w.out = append(w.out, ',')
	}
}

// plain writes a word that needs no escapes: a field's name, an identifier, a date.
func (w *jsonWriter) plain(word string) {
	w.out = append(w.out, '"')
	w.out = append(w.out, word...)
	w.out = append(w.out, '"')
}

func (w *jsonWriter) key(key string) {
	w.comma()
	w.plain(key)
	w.out = append(w.out, ':')
}

func (w *jsonWriter) open(key string) {
	if len(w.out) > 0 {
		w.key(key)
	}
	w.out = append(w.out, '{')
}

func (w *jsonWriter) openID(id string) {
	w.comma()
	w.out = append(appendString(w.out, id), ':', '{')
}

func (w *jsonWriter) models(set *modelSet) {
	w.key("models")
	w.modelsAt = len(w.out)
	if w.digests {
		w.out = append(w.out, set.digest[:]...)
		return
	}
	w.out = append(w.out, set.json...)
	w.modelsEnd = len(w.out)
}

func (w *jsonWriter) shut() { w.out = append(w.out, '}') }

func (w *jsonWriter) text(key, value string) {
	w.key(key)
	w.plain(value)
}

func (w *jsonWriter) flag(key string, value bool) {
	w.key(key)
	w.out = strconv.AppendBool(w.out, value)
}

func (w *jsonWriter) number(key string, value int) {
	w.key(key)
	w.out = strconv.AppendInt(w.out, int64(value), 10)
}

func (w *jsonWriter) list(key string) {
	w.key(key)
	w.out = append(w.out, '[')
}

func (w *jsonWriter) element(value string) {
	w.comma()
	w.plain(value)
}

func (w *jsonWriter) endList() { w.out = append(w.out, ']') }

// astWriter builds the value that is evaluated.
type astWriter struct {
	// purpose renames purposes; known are the models, if they were written before.
	purpose func(string) string
	known   *ast.Term

	value ast.Object
	stack []openObject
	name  string
	items []*ast.Term
}

type openObject struct {
	name  string
	items [][2]*ast.Term
}

var _ writer = (*astWriter)(nil)

func (w *astWriter) put(key string, v *ast.Term) {
	o := &w.stack[len(w.stack)-1]
	o.items = append(o.items, [2]*ast.Term{fieldTerm(key), v})
}

func (w *astWriter) open(key string) {
	w.stack = append(w.stack, openObject{name: key, items: make([][2]*ast.Term, 0, 18)})
}

func (w *astWriter) models(set *modelSet) {
	if w.known != nil {
		w.put("models", w.known)
		return
	}
	writeModels(w, set.ordered)
}

func (w *astWriter) openID(id string) { w.open(id) }

func (w *astWriter) shut() {
	last := len(w.stack) - 1
	done := w.stack[last]
	w.stack = w.stack[:last]
	o := ast.NewObject(done.items...)
	if last == 0 {
		w.value = o
		return
	}
	w.put(done.name, ast.NewTerm(o))
}

func (w *astWriter) text(key, value string) {
	if key == "purpose" {
		value = w.purpose(value)
	}
	w.put(key, ast.InternedTerm(value))
}

func (w *astWriter) flag(key string, value bool) { w.put(key, ast.InternedTerm(value)) }

func (w *astWriter) number(key string, value int) { w.put(key, ast.InternedTerm(value)) }

func (w *astWriter) list(key string) { w.name, w.items = key, nil }

func (w *astWriter) element(value string) {
	if w.name == "purposes" || w.name == "chain" {
		value = w.purpose(value)
	}
	w.items = append(w.items, ast.InternedTerm(value))
}

func (w *astWriter) endList() { w.put(w.name, ast.NewTerm(ast.NewArray(w.items...))) }

// fieldTerm is the term of a field's name.
func fieldTerm(name string) *ast.Term {
	if t, ok := fieldTerms[name]; ok {
		return t
	}
	return ast.InternedTerm(name)
}

// fieldTerms are the names every input has, so that they are made once.
var fieldTerms = func() map[string]*ast.Term {
	terms := map[string]*ast.Term{}
	for _, name := range [...]string{
		"stage", "date", "case_date", "caller", "operation", "purpose", "service", "has_service", "has_case", "entities",
		"sources", "declared", "declared_count", "screened", "models", "models_count", "passages",
		"tenant", "system", "has_system", "has_user", "channel", "roles", "purposes", "purposes_count",
		"automation", "requested", "complete", "free_text", "ruling", "made", "burdening", "hearing", "chain", "chain_count",
		"fields", "fields_count", "named_sources", "named_sources_count", "para80_ground",
		"counts", "total", "categories", "categories_count", "unscreenable",
		"count", "classes", "classes_count", "unclassified",
		"residency", "country", "processor_kind", "has_contract", "has_para80_notice", "para30_ao", "art9", "trains_on_input",
		"data_classes", "operations",
		"well_formed", "known", "candidates",
		"effect", "risk", "denied", "noted", "obliged", "rejections", "needs_model", "class", "basis", "note", "id", "params",
	} {
		terms[name] = ast.StringTerm(name)
	}
	return terms
}()

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"bytes"
	"encoding/json"
)

// notKept stands where something was that no screener can read.
const notKept = "[nicht aufbewahrt]"

// legible is a body without what no screener can read: images, audio, files, texts as
// token numbers and, in an answer, the pieces of words that stand in the text as well.
// What is kept with personal data replaced holds none of it. less: something is missing.
func legible(b Body, answer bool) (body []byte, less bool, err error) {
	raw := b.Bytes()
	if b.unscreenable == 0 && (!answer || !bytes.Contains(raw, []byte("logprobs"))) {
		return raw, false, nil
	}
	v, err := decoded(raw)
	if err != nil {
		return nil, false, err
	}
	l := &leaver{answer: answer}
	v = l.value("", v, 0)
	body, err = encoded(nil, v)
	return body, l.less, err
}

func decoded(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// leaver leaves out what is not legible.
type leaver struct{ answer, less bool }

func (l *leaver) value(key string, v any, nested int) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			if l.answer && name == "logprobs" {
				delete(v, name)
				l.less = l.less || nested > 0 // in a tool call it is a value like any other
				continue
			}
			v[name] = l.value(name, member, nested)
		}
		return v
	case []any:
		for i, element := range v {
			if _, number := element.(json.Number); number && tokenKey(key) {
				v[i], l.less = notKept, true
				continue
			}
			v[i] = l.value(key, element, nested)
		}
		return v
	case string:
		return l.text(v, nested)
	}
	return v
}

// text looks into JSON that a string holds, as the scanner does.
func (l *leaver) text(s string, nested int) string {
	raw := []byte(s)
	if dataURL(raw) || longBase64(raw) {
		l.less = true
		return notKept
	}
	if nested >= maxNestedJSON || !opensJSON(raw) {
		return s
	}
	inner, err := decoded(raw)
	if err != nil {
		return s
	}
	was := l.less
	l.less = false
	inner = l.value("", inner, nested+1)
	changed := l.less
	l.less = was || changed
	if !changed {
		return s
	}
	out, err := encoded(nil, inner)
	if err != nil {
		return notKept
	}
	return string(out)
}

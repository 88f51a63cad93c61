// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"
)

// canonicalJSON writes a value with sorted keys, so that equal inputs have equal
// bytes. It knows what JSON knows; anything else becomes null.
func canonicalJSON(v ast.Value) json.RawMessage { return appendJSON(nil, v) }

func appendJSON(out []byte, v ast.Value) []byte {
	switch v := v.(type) {
	case ast.Boolean:
		if v {
			return append(out, "true"...)
		}
		return append(out, "false"...)
	case ast.Number:
		return append(out, v...)
	case ast.String:
		return appendString(out, string(v))
	case *ast.Array:
		out = append(out, '[')
		for i := range v.Len() {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, v.Elem(i).Value)
		}
		return append(out, ']')
	case ast.Object:
		return appendObject(out, v)
	}
	return append(out, "null"...)
}

func appendObject(out []byte, o ast.Object) []byte {
	out = append(out, '{')
	for i, key := range o.Keys() {
		name, ok := key.Value.(ast.String)
		if !ok {
			continue
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = appendString(out, string(name))
		out = append(out, ':')
		out = appendJSON(out, o.Get(key).Value)
	}
	return append(out, '}')
}

func appendString(out []byte, s string) []byte {
	if isPlain(s) {
		out = append(out, '"')
		out = append(out, s...)
		return append(out, '"')
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return append(out, `""`...)
	}
	return append(out, raw...)
}

// isPlain says that a string is itself between quotes in JSON, as json.Marshal
// would write it.
func isPlain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			return false
		}
	}
	return true
}

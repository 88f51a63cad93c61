// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Dates outside these years are slips of the pen, not dates of a case.
const (
	firstYear = 1900
	lastYear  = 2200
)

func compileSchema(id string, source []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("parse schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "date", Validate: validateDate})
	c.UseLoader(noLoader{})
	url := "schleuse:" + id
	if err := c.AddResource(url, doc); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	return s, nil
}

// noLoader refuses references to other files: a schema is self-contained.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("reference to %s is not allowed", url)
}

func validateDate(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < firstYear || t.Year() > lastYear {
		return errors.New("not a date")
	}
	return nil
}

// defect is one place where the application does not fit the schema.
type defect struct {
	at     []string
	reason string
	// unknown: the place is not part of the schema at all.
	unknown bool
}

// defects validates the tree and translates what is wrong. The reasons never
// contain the value.
func defects(s *jsonschema.Schema, tree any) ([]defect, error) {
	err := s.Validate(tree)
	if err == nil {
		return nil, nil
	}
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return nil, fmt.Errorf("validate application: %w", err)
	}
	var out []defect
	collect(v, &out)
	return out, nil
}

func collect(v *jsonschema.ValidationError, out *[]defect) {
	if len(v.Causes) > 0 {
		for _, c := range v.Causes {
			collect(c, out)
		}
		return
	}
	if k, ok := v.ErrorKind.(*kind.AdditionalProperties); ok {
		for _, p := range k.Properties {
			at := append(append([]string{}, v.InstanceLocation...), p)
			*out = append(*out, defect{at: at, unknown: true})
		}
		return
	}
	*out = append(*out, defect{at: v.InstanceLocation, reason: reason(v.ErrorKind)})
}

var typeNames = map[string]string{
	"string": "ein Text", "number": "eine Zahl", "integer": "eine ganze Zahl",
	"boolean": "„ja“ oder „nein“ (true oder false)", "array": "eine Liste", "object": "eine Gruppe von Angaben",
}

func reason(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		var want []string
		for _, w := range k.Want {
			want = append(want, typeNames[w])
		}
		return "Erwartet wird " + strings.Join(want, " oder ") + "."
	case *kind.Enum:
		var want []string
		for _, w := range k.Want {
			want = append(want, fmt.Sprintf("„%v“", w))
		}
		return "Zulässig sind nur: " + strings.Join(want, ", ") + "."
	case *kind.Format:
		return "Das ist kein Datum im Format JJJJ-MM-TT."
	case *kind.Pattern:
		return "Die Angabe hat nicht das erwartete Format."
	case *kind.Minimum:
		return "Der Wert ist zu klein."
	case *kind.Maximum:
		return "Der Wert ist zu groß."
	case *kind.MaxLength:
		return fmt.Sprintf("Die Angabe ist länger als %d Zeichen.", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("Die Liste hat mehr als %d Einträge.", k.Want)
	}
	return "Der Wert ist nicht zulässig."
}

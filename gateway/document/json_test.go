// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestLetterSurvivesJSON(t *testing.T) {
	t.Parallel()
	l := Letter{
		Lang: "de-DE", Title: "Anforderung", Created: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Recipient: []string{"Ülkü"}, Info: []Pair{{"Az.", "50.21"}}, Draft: true,
		Body: []Block{
			Heading{Level: 1, Text: "Was fehlt"},
			Paragraph{Runs: []Run{{Text: "Bitte", Strong: true}, {Text: " senden"}}, KeepWithNext: true},
			List{Ordered: true, Items: [][]Paragraph{{Text("eins")}, {Text("zwei"), Text("mehr")}}},
			Table{Header: []string{"a", "b"}, Rows: [][]string{{"1", "2"}}, Widths: []int{1, 2}},
		},
		Attachment: &Attachment{Name: "a.json", Data: []byte{0, 1, 255}},
	}
	raw, err := json.Marshal(struct{ L Letter }{l})
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ L Letter }
	if err := json.Unmarshal(raw, &out); err != nil || !reflect.DeepEqual(out.L, l) {
		t.Errorf("%v\n got %+v\nwant %+v", err, out.L, l)
	}
	for _, bad := range []string{`{"Body":[{"kind":"script","block":{}}]}`, `{"Body":[{"kind":"list","block":7}]}`, `{"Body":{}}`} {
		if err := json.Unmarshal([]byte(bad), &out.L); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

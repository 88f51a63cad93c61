// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

func TestForm(t *testing.T) {
	t.Parallel()
	p, err := payloadOf(gateway.Call{
		Body:  []byte(`{"model":"whisper","temperature":0.2,"prompt":"Grüße \"x\"","timestamp_granularities":["word","segment"],"language":null}`),
		Files: []gateway.File{{Field: "file", Name: "Gespräch mit Erika Mustermann.MP3", MediaType: "audio/mpeg", Content: []byte("ID3")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(p.contentType)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for r := multipart.NewReader(bytes.NewReader(p.body), params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		got[part.FormName()+"|"+part.FileName()] = append(got[part.FormName()+"|"+part.FileName()], string(raw))
	}
	for key, want := range map[string][]string{
		"model|": {"whisper"}, "temperature|": {"0.2"}, "prompt|": {`Grüße "x"`}, "timestamp_granularities[]|": {"word", "segment"}, "file|datei.mp3": {"ID3"},
	} {
		if len(got[key]) != len(want) || got[key][0] != want[0] || got[key][len(want)-1] != want[len(want)-1] {
			t.Errorf("%s: %q, want %q", key, got[key], want)
		}
	}
	if len(got) != 5 || bytes.Contains(p.body, []byte("Mustermann")) {
		t.Errorf("form: %q", p.body)
	}
}

func TestEnding(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"a.wav": ".wav", "a": "", "a.b\r\nX: y": "", "x.webm": ".webm", "Herr.Mustermann": ""} {
		if got := ending(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

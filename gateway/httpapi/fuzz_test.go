// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"errors"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
)

// Whatever a caller writes, the result is a request or an error that names a
// code; what is accepted holds only known classes and filled entities.
func FuzzContext(f *testing.F) {
	f.Add("chat", "sozialdaten, art9", `{"purpose":"chat","data_class":"personal","case_entities":[{"type":"person","value":{"last":"x"}}],"date":"2026-01-02"}`)
	f.Add("", "", `{"sources":"akte","case":null}`)
	f.Add("\xff", ",", `[]`)
	f.Fuzz(func(t *testing.T, purpose, classes, object string) {
		h := http.Header{"Schleuse-Purpose": {purpose}, "Schleuse-Data-Class": {classes}}
		m, err := matterOf(h, []byte(object))
		var e *gateway.Error
		if err != nil {
			if !errors.As(err, &e) || e.Code != gateway.CodeInvalid || e.Message == "" {
				t.Errorf("error = %#v, want an invalid request with a sentence", err)
			}
			return
		}
		for _, entity := range m.entities {
			if entity.Type == "" || entity.Value+entity.First+entity.Last+entity.BirthName == "" {
				t.Errorf("an empty entity was accepted: %+v", entity)
			}
		}
		if _, err := dataClasses(classNames(m), ""); err != nil {
			t.Errorf("an unknown class was accepted: %v", m.classes)
		}
	})
}

func classNames(m matter) []string {
	var out []string
	for _, c := range m.classes {
		out = append(out, string(c))
	}
	return out
}

// A form is read or refused; no document loses its content on the way.
func FuzzForm(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"check\"\r\n\r\n{\"application\":{}}\r\n--b\r\nContent-Disposition: form-data; name=\"d1\"; filename=\"a.pdf\"\r\n\r\nPDF\r\n--b--\r\n")
	f.Add("--b\r\n\r\n--b--")
	f.Fuzz(func(t *testing.T, body string) {
		in, err := readForm(multipart.NewReader(strings.NewReader(body), "b"))
		if err != nil {
			if gateway.CodeOf(err) == gateway.CodeInternal {
				t.Errorf("error = %v, want one for the caller", err)
			}
			return
		}
		if len(in.Application) == 0 || len(in.Documents) >= maxParts+200 {
			t.Errorf("accepted without application or without bound: %d documents", len(in.Documents))
		}
	})
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	f.Fuzz(func(t *testing.T, parent string) {
		if child := childTrace(parent); child != "" && (len(child) != 55 || !strings.EqualFold(child[:36], parent[:36]) || child[36:52] == parent[36:52]) {
			t.Errorf("childTrace(%q) = %q", parent, child)
		}
	})
}

// A recording is taken whole or the form is refused; what becomes of the fields
// is a body the gateway can read, or a mistake it names.
func FuzzAudioForm(f *testing.F) {
	const head = "--b\r\nContent-Disposition: form-data; name=\""
	f.Add(head + "file\"; filename=\"a.mp3\"\r\nContent-Type: audio/mpeg\r\n\r\nID3\r\n" + head + "language\"\r\n\r\nde\r\n" + head + "timestamp_granularities[]\"\r\n\r\nword\r\n--b--\r\n")
	f.Add(head + "schleuse\"\r\n\r\n{\"purpose\":1}\r\n" + head + "file\"\r\n\r\n\xff\r\n--b--\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		form, err := readAudioForm(multipart.NewReader(strings.NewReader(in), "b"))
		if err != nil {
			if gateway.CodeOf(err) != gateway.CodeInvalid {
				t.Errorf("error = %v, want one for the caller", err)
			}
			return
		}
		if form.file == nil || len(form.file.Content) == 0 || len(form.names) > maxFormFields {
			t.Errorf("accepted without a recording or without bound: %d fields", len(form.names))
		}
		body, err := gateway.ParseBody(form.body("srt"))
		if err != nil && gateway.CodeOf(err) != gateway.CodeInvalid {
			t.Errorf("error = %v, want one for the caller", err)
		}
		if err == nil && body.String("response_format") != "verbose_json" {
			t.Errorf("asked for %q", body.String("response_format"))
		}
	})
}

// Whatever a model's server says is rendered or refused, never cut in the middle.
func FuzzSubtitles(f *testing.F) {
	f.Add(`{"text":"a","segments":[{"start":0,"end":1.5,"text":" a\n\n--> b"}]}`)
	f.Add(`{"segments":[{"start":1e300,"end":null,"text":7}]}`)
	f.Fuzz(func(t *testing.T, answer string) {
		if !json.Valid([]byte(answer)) {
			return
		}
		for _, format := range []string{"json", "text", "srt", "vtt"} {
			_, body, err := rendered(format, []byte(answer))
			if err != nil && gateway.CodeOf(err) != gateway.CodeUnavailable {
				t.Errorf("%s: %v", format, err)
			}
			if err != nil || format == "json" || format == "text" {
				continue
			}
			for cue := range strings.SplitSeq(strings.TrimSuffix(string(body), "\n\n"), "\n\n") {
				if n := strings.Count(cue, "-->"); n > 1 {
					t.Errorf("%s: %d arrows in one cue: %q", format, n, cue)
				}
			}
		}
	})
}

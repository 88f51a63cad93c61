// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
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

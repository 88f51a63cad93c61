// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strings"

	"github.com/ki-schleuse/schleuse/gateway"
)

// payload is what is sent: the body as it is, or, with files, a form of its
// fields and the files.
type payload struct {
	body        []byte
	contentType string
}

func payloadOf(call gateway.Call) (payload, error) {
	if len(call.Files) == 0 {
		return payload{body: call.Body, contentType: "application/json"}, nil
	}
	p, err := form(call)
	if err != nil {
		return payload{}, &gateway.Error{Op: "build form", Code: gateway.CodeInternal, Message: msgInternal, Err: err}
	}
	return p, nil
}

// form writes texts, numbers and truth values as single fields and lists as
// repeated ones named "key[]", as the OpenAI interface takes them.
func form(call gateway.Call) (payload, error) {
	decoder := json.NewDecoder(bytes.NewReader(call.Body))
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	if _, err := decoder.Token(); err != nil {
		return payload{}, fmt.Errorf("read fields: %w", err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return payload{}, fmt.Errorf("read fields: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return payload{}, fmt.Errorf("read fields: %w", err)
		}
		if err := writeField(w, fmt.Sprint(key), value); err != nil {
			return payload{}, err
		}
	}
	for _, f := range call.Files {
		if err := writeFile(w, f); err != nil {
			return payload{}, err
		}
	}
	if err := w.Close(); err != nil {
		return payload{}, fmt.Errorf("end form: %w", err)
	}
	return payload{body: out.Bytes(), contentType: w.FormDataContentType()}, nil
}

func writeField(w *multipart.Writer, key string, value json.RawMessage) error {
	var list []json.RawMessage
	if len(value) > 0 && value[0] == '[' && json.Unmarshal(value, &list) == nil {
		for _, v := range list {
			if err := w.WriteField(key+"[]", fieldText(v)); err != nil {
				return fmt.Errorf("write field: %w", err)
			}
		}
		return nil
	}
	if string(value) == "null" {
		return nil
	}
	if err := w.WriteField(key, fieldText(value)); err != nil {
		return fmt.Errorf("write field: %w", err)
	}
	return nil
}

func fieldText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, "%22", "\r", " ", "\n", " ", "\x00", " ")

// writeFile sends a file under a name of ours: what the caller calls it may name
// a person. Only the ending, by which servers tell formats, is kept.
func writeFile(w *multipart.Writer, f gateway.File) error {
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="datei%s"`, quoted.Replace(f.Field), ending(f.Name)))
	media := f.MediaType
	if media == "" || strings.ContainsAny(media, "\r\n\x00") {
		media = "application/octet-stream"
	}
	header.Set("Content-Type", media)
	part, err := w.CreatePart(header)
	if err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	if _, err := part.Write(f.Content); err != nil {
		return fmt.Errorf("write file: %w", err)
	}
	return nil
}

// ending is ".mp3" and the like: up to five letters and digits.
func ending(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || len(name)-i > 6 {
		return ""
	}
	for _, c := range []byte(name[i+1:]) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') {
			return ""
		}
	}
	return strings.ToLower(name[i:])
}

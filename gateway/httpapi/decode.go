// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
)

func invalid(path, message string) *gateway.Error {
	return &gateway.Error{Op: "decode request", Code: gateway.CodeInvalid, Path: path, Message: message}
}

// readBody reads the whole body within its limit and its time. After a failure
// the deadline stays, so that the rest of the body holds nothing up.
func (s *Server) readBody(c *gin.Context) ([]byte, error) {
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(time.Now().Add(s.BodyTimeout)) // not every server has deadlines
	size := min(max(c.Request.ContentLength, 0), 1<<20)
	buf := make([]byte, 0, size+512)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := c.Request.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			_ = control.SetReadDeadline(time.Time{})
			s.shrink(c, len(buf))
			return buf, nil
		}
		if err != nil {
			c.Header("Connection", "close")
			return nil, bodyError(err)
		}
	}
}

func bodyError(err error) error {
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &gateway.Error{Op: "read body", Code: gateway.CodeTooLarge, Message: fmt.Sprintf("Die Anfrage ist größer als %d KiB.", large.Limit>>10)}
	}
	return &gateway.Error{Op: "read body", Code: gateway.CodeInvalid, Message: "Die Anfrage ist nicht vollständig angekommen.", Err: err}
}

// readObject reads a strict JSON object: known fields only, each once.
func (s *Server) readObject(c *gin.Context, allowed ...string) (object, error) {
	raw, err := s.readBody(c)
	if err != nil {
		return object{}, err
	}
	if _, err := gateway.ParseBody(raw); err != nil { // size, depth, UTF-8, duplicates
		return object{}, err
	}
	return parseObject(raw, "", allowed...)
}

// object is a JSON object whose fields are taken one by one, with the path for errors.
type object struct {
	path   string
	fields map[string]json.RawMessage
}

func parseObject(raw []byte, path string, allowed ...string) (object, error) {
	o := object{path: path}
	if err := json.Unmarshal(raw, &o.fields); err != nil || o.fields == nil {
		return object{}, invalid(path, "Erwartet wird ein JSON-Objekt.")
	}
	for _, key := range slices.Sorted(maps.Keys(o.fields)) {
		if !slices.Contains(allowed, key) {
			return object{}, invalid(o.at(key), "Dieses Feld ist nicht bekannt.")
		}
	}
	return o, nil
}

func (o object) at(key string) string {
	if len(key) > 80 {
		key = key[:80]
	}
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// has says that the field is there and not null.
func (o object) has(key string) bool {
	raw, ok := o.fields[key]
	return ok && string(raw) != "null"
}

func (o object) text(key string, limit int) (string, error) {
	if !o.has(key) {
		return "", nil
	}
	var s string
	if json.Unmarshal(o.fields[key], &s) != nil {
		return "", invalid(o.at(key), "Erwartet wird ein Text.")
	}
	if len(s) > limit {
		return "", invalid(o.at(key), fmt.Sprintf("Der Text ist länger als %d Zeichen.", limit))
	}
	return s, nil
}

func (o object) required(key string, limit int) (string, error) {
	s, err := o.text(key, limit)
	if err == nil && s == "" {
		err = invalid(o.at(key), "Diese Angabe fehlt.")
	}
	return s, err
}

func (o object) date(key string) (time.Time, error) {
	s, err := o.text(key, 10)
	if err != nil || s == "" {
		return time.Time{}, err
	}
	return parseDate(s, o.at(key))
}

func parseDate(s, path string) (time.Time, error) {
	d, err := time.Parse(time.DateOnly, s)
	if err != nil || d.Year() < 1900 || d.Year() > 2200 {
		return time.Time{}, invalid(path, "Das Datum muss im Format JJJJ-MM-TT angegeben werden.")
	}
	return d, nil
}

func (o object) list(key string, limit int) ([]json.RawMessage, error) {
	if !o.has(key) {
		return nil, nil
	}
	var l []json.RawMessage
	if json.Unmarshal(o.fields[key], &l) != nil {
		return nil, invalid(o.at(key), "Erwartet wird eine Liste.")
	}
	if len(l) > limit {
		return nil, invalid(o.at(key), fmt.Sprintf("Die Liste hat mehr als %d Einträge.", limit))
	}
	return l, nil
}

// texts takes a list of texts or a single one.
func (o object) texts(key string, limit int) ([]string, error) {
	var one string
	if o.has(key) && json.Unmarshal(o.fields[key], &one) == nil {
		return []string{one}, nil
	}
	items, err := o.list(key, limit)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, raw := range items {
		var s string
		if json.Unmarshal(raw, &s) != nil || s == "" || len(s) > 200 {
			return nil, invalid(fmt.Sprintf("%s[%d]", o.at(key), i), "Erwartet wird ein Text von 1 bis 200 Zeichen.")
		}
		out = append(out, s)
	}
	return out, nil
}

func (o object) number(key string, least, most int) (int, error) {
	if !o.has(key) {
		return 0, nil
	}
	var n int
	if json.Unmarshal(o.fields[key], &n) != nil || n < least || n > most {
		return 0, invalid(o.at(key), fmt.Sprintf("Erwartet wird eine ganze Zahl von %d bis %d.", least, most))
	}
	return n, nil
}

// raw takes a field that is itself an object, as it is.
func (o object) raw(key string) (json.RawMessage, error) {
	if !o.has(key) {
		return nil, nil
	}
	if o.fields[key][0] != '{' {
		return nil, invalid(o.at(key), "Erwartet wird ein JSON-Objekt.")
	}
	return o.fields[key], nil
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

const (
	maxFormFields = 64
	maxFormField  = 64 << 10
)

// transcriptions is POST /v1/audio/transcriptions. The model's server is asked
// for JSON only: what is screened and restored must be readable; text and
// subtitles are made of it here.
func (s *Server) transcriptions(c *gin.Context) {
	form, err := s.readTranscription(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	format, err := form.format()
	if err != nil {
		s.fail(c, err)
		return
	}
	r, err := requestOf(c, gateway.OperationTranscription, form.body(format))
	if err != nil {
		s.fail(c, err)
		return
	}
	if r.Purpose == "" {
		r.Purpose = gateway.PurposeTranscribe
	}
	r.Files = []gateway.File{*form.file}
	answer, err := s.Gateway.Complete(c.Request.Context(), *r)
	if err != nil {
		s.fail(c, err)
		return
	}
	decided(c, answer.ID)
	media, body, err := rendered(format, answer.Body)
	if err != nil {
		s.fail(c, err)
		return
	}
	c.Data(http.StatusOK, media, body)
}

// transcription is the form of a request.
type transcription struct {
	names  []string // of the fields, in order
	values map[string][]string
	file   *gateway.File
}

func (s *Server) readTranscription(c *gin.Context) (*transcription, error) {
	media, parameters, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		return nil, invalid("Content-Type", "Erwartet wird multipart/form-data.")
	}
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(time.Now().Add(s.BodyTimeout)) // not every server has deadlines
	form, err := readAudioForm(multipart.NewReader(c.Request.Body, parameters["boundary"]))
	if err != nil {
		c.Header("Connection", "close")
		return nil, err
	}
	_ = control.SetReadDeadline(time.Time{})
	return form, nil
}

// readAudioForm reads fields and the one file, each within its bounds; the whole
// is bounded by the reader.
func readAudioForm(reader *multipart.Reader) (*transcription, error) {
	form := &transcription{values: map[string][]string{}}
	for n := 0; ; n++ {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, formError(err)
		}
		if n > maxFormFields {
			return nil, invalid("", fmt.Sprintf("Das Formular hat mehr als %d Felder.", maxFormFields))
		}
		if err := form.part(part); err != nil {
			return nil, err
		}
	}
	if form.file == nil {
		return nil, invalid("file", "Die Aufnahme fehlt.")
	}
	return form, nil
}

func formError(err error) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return bodyError(err)
	}
	return &gateway.Error{Op: "read form", Code: gateway.CodeInvalid, Message: "Das Formular ist nicht vollständig oder nicht lesbar.", Err: err}
}

func (f *transcription) part(part *multipart.Part) error {
	name := part.FormName()
	if part.FileName() != "" || name == "file" {
		return f.take(name, part)
	}
	value, err := io.ReadAll(io.LimitReader(part, maxFormField+1))
	if err != nil {
		return formError(err)
	}
	list := strings.TrimSuffix(name, "[]")
	switch {
	case name == "" || len(name) > 64:
		return invalid("", "Ein Feld des Formulars hat keinen brauchbaren Namen.")
	case len(value) > maxFormField:
		return invalid(list, fmt.Sprintf("Das Feld ist größer als %d KiB.", maxFormField>>10))
	case len(f.values[name]) > 0 && list == name:
		return invalid(list, "Das Feld steht zweimal in der Anfrage.")
	case f.values[name] == nil:
		f.names = append(f.names, name)
	}
	f.values[name] = append(f.values[name], string(value))
	return nil
}

func (f *transcription) take(name string, part *multipart.Part) error {
	if name != "file" || f.file != nil {
		return invalid("file", "Erwartet wird genau eine Aufnahme im Feld file.")
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return formError(err)
	}
	if len(content) == 0 {
		return invalid("file", "Die Aufnahme ist leer.")
	}
	media, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		media = "application/octet-stream"
	}
	f.file = &gateway.File{Field: "file", Name: part.FileName(), MediaType: media, Content: content}
	return nil
}

// format is what the caller wants back.
func (f *transcription) format() (string, error) {
	format := "json"
	if v := f.values["response_format"]; len(v) > 0 && v[0] != "" {
		format = v[0]
	}
	switch format {
	case "json", "verbose_json", "text", "srt", "vtt":
	default:
		return "", invalid("response_format", "Möglich sind json, verbose_json, text, srt und vtt.")
	}
	if v := f.values["stream"]; len(v) > 0 && v[0] != "" && v[0] != "false" {
		return "", invalid("stream", "Abschriften gibt es nur im Ganzen, nicht als Strom.")
	}
	return format, nil
}

// body is the form as JSON: texts, and lists for names that end in [].
func (f *transcription) body(format string) []byte {
	ask := "json"
	if format != "json" && format != "text" {
		ask = "verbose_json"
	}
	var body dialect.Object
	for _, name := range f.names {
		values := f.values[name]
		key, list := strings.CutSuffix(name, "[]")
		switch {
		case name == "response_format", name == "stream":
		case name == "schleuse":
			body.Raw(name, formJSON(values[0]))
		case list:
			var l dialect.List
			for _, v := range values {
				l.Add(dialect.Quote(v))
			}
			body.List(key, &l)
		default:
			body.Text(name, values[0])
		}
	}
	return body.Text("response_format", ask).JSON()
}

// formJSON is a field that holds an object; anything else is told apart later.
func formJSON(value string) []byte {
	if fields, err := dialect.Fields([]byte(value)); err == nil && fields != nil {
		return []byte(value)
	}
	return dialect.Quote(value)
}

// rendered is a transcript in the form that was asked for.
func rendered(format string, answer []byte) (media string, body []byte, err error) {
	switch format {
	case "text":
		for key, value := range dialect.Members(answer) {
			if key == "text" {
				return "text/plain; charset=utf-8", []byte(strings.TrimSpace(dialect.Unquote(value)) + "\n"), nil
			}
		}
		return "", nil, noSegments()
	case "srt":
		body, err = subtitles(answer, "", ',', plainCue)
		return "text/plain; charset=utf-8", body, err
	case "vtt":
		body, err = subtitles(answer, "WEBVTT\n\n", '.', webCue)
		return "text/vtt; charset=utf-8", body, err
	}
	return "application/json; charset=utf-8", answer, nil
}

func noSegments() error {
	return &gateway.Error{Op: "render transcript", Code: gateway.CodeUnavailable, Message: "Das Modell hat keine Zeitangaben geliefert. Bitte fragen Sie die Abschrift als json oder text an."}
}

// subtitles writes the segments of a transcript with their times. SRT numbers
// its cues, which WebVTT permits as well.
func subtitles(answer []byte, head string, point byte, cue func(string) string) ([]byte, error) {
	out := []byte(head)
	n, timed := 0, false
	for key, value := range dialect.Members(answer) {
		if key != "segments" {
			continue
		}
		timed = dialect.IsList(value)
		for _, segment := range dialect.Elements(value) {
			var from, to float64
			var text string
			var err1, err2 error
			for key, value := range dialect.Members(segment) {
				switch key {
				case "start":
					from, err1 = strconv.ParseFloat(string(value), 64)
				case "end":
					to, err2 = strconv.ParseFloat(string(value), 64)
				case "text":
					text = dialect.Unquote(value)
				}
			}
			if err1 != nil || err2 != nil || from < 0 || to < from || to > 1e6 {
				return nil, noSegments()
			}
			n++
			if head == "" {
				out = append(strconv.AppendInt(out, int64(n), 10), '\n')
			}
			out = append(appendTime(out, from, point), " --> "...)
			out = append(appendTime(out, to, point), '\n')
			out = append(append(out, cue(text)...), "\n\n"...)
		}
	}
	if !timed {
		return nil, noSegments()
	}
	return out, nil
}

func appendTime(out []byte, seconds float64, point byte) []byte {
	ms := int64(seconds*1000 + 0.5)
	return fmt.Appendf(out, "%02d:%02d:%02d%c%03d", ms/3600000, ms/60000%60, ms/1000%60, point, ms%1000)
}

// plainCue is one paragraph: an empty line would end the cue, an arrow begin one.
func plainCue(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "-->", "→")
}

func webCue(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(plainCue(text))
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package httpapi_test

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
	"testing"

	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/httpapi"
	"github.com/ki-schleuse/schleuse/gateway/upstream/upstreamtest"
)

const (
	completionAnswer = `{"id":"cmpl-1","object":"text_completion","created":1767225600,"model":"mock","choices":[{"index":0,"text":" ein Amt.","finish_reason":"stop","logprobs":null}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`
	completionStream = `data: {"id":"cmpl-1","object":"text_completion","choices":[{"index":0,"text":" ein","finish_reason":null}]}` + "\n\n" +
		`data: {"id":"cmpl-1","object":"text_completion","choices":[{"index":0,"text":" Amt.","finish_reason":"stop"}]}` + "\n\n" +
		`data: {"id":"cmpl-1","object":"text_completion","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}` + "\n\ndata: [DONE]\n\n"
	transcript = `{"task":"transcribe","language":"german","duration":3662.25,"text":" Guten Tag. Hier ist das Wohngeldamt.","x_neu":true,"segments":[` +
		`{"id":0,"seek":0,"start":0.0,"end":1.5,"text":" Guten\n\nTag.","tokens":[50364,1]},` +
		`{"id":1,"seek":0,"start":1.5,"end":3662.25,"text":" Hier ist das Wohngeldamt.","tokens":[50364,2]}]}`
)

func TestCompletions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: completionAnswer})
	body := `{"model":"haus/mock","prompt":["Es war","Es ist"],"echo":false,"best_of":1,"schleuse":{"conversation":"gespräch-1"}}`
	got := b.call(t, "POST", "/v1/completions", body)
	if got.status != 200 || got.body != completionAnswer {
		t.Errorf("got %d %s, want the answer byte for byte", got.status, got.body)
	}
	if sent := b.mock.Last(); sent.Path != "/v1/completions" || string(sent.Body) != `{"model":"mock","prompt":["Es war","Es ist"],"echo":false,"best_of":1}` {
		t.Errorf("sent %s %s", sent.Path, sent.Body)
	}
	if record := b.rec.last(); record.Operation != gateway.OperationCompletion {
		t.Errorf("recorded as %q", record.Operation)
	}
}

func TestCompletionsStream(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mock.Next(upstreamtest.Behaviour{Status: 200, Header: map[string]string{"Content-Type": "text/event-stream"}, Body: completionStream})
	response := b.open(t, t.Context(), "POST", "/v1/completions", `{"prompt":"Es war","stream":true}`)
	defer func() { _ = response.Body.Close() }()
	data, _ := events(t, response.Body)
	if len(data) != 3 || !strings.Contains(data[1], " Amt.") || data[2] != "[DONE]" {
		t.Errorf("events %q, want both pieces and [DONE], no usage", data)
	}
}

// Token numbers would pass by every scanner.
func TestTokenNumbersAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct{ path, body, param string }{
		"embedding":          {"/v1/embeddings", `{"input":[1,2,3]}`, "input[0]"},
		"embeddings":         {"/v1/embeddings", `{"input":["Text",[1,2]]}`, "input[1]"},
		"completion":         {"/v1/completions", `{"prompt":[[1,2]]}`, "prompt[0]"},
		"empty completion":   {"/v1/completions", `{"prompt":[]}`, "prompt"},
		"no prompt":          {"/v1/completions", `{"prompt":null}`, "prompt"},
		"object as an input": {"/v1/embeddings", `{"input":[{"text":"x"}]}`, "input[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := b.call(t, "POST", c.path, c.body)
			if got.status != 400 || at(got.json(t), "error", "param") != c.param {
				t.Errorf("got %d %s, want 400 at %s", got.status, got.body, c.param)
			}
		})
	}
}

func TestEmbeddingsInBase64(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.call(t, "POST", "/v1/embeddings", `{"input":["Miete"],"encoding_format":"base64","dimensions":4}`)
	if got.status != 200 || !strings.Contains(got.body, `"embedding":"`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if got = b.call(t, "POST", "/v1/embeddings", `{"input":"Miete","encoding_format":"float","dimensions":4}`); !strings.Contains(got.body, `"embedding":[`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestRerank(t *testing.T) {
	t.Parallel()
	const answer = `{"id":"r-1","model":"mock","usage":{"total_tokens":9},"results":[{"index":1,"document":{"text":"vom Server"},"relevance_score":0.9},{"index":0,"score":0.1}]}`
	for name, c := range map[string]struct{ body, sent, want string }{
		"without documents": {
			`{"model":"haus/mock","query":"Miete","documents":["Antrag","Mietvertrag"],"top_n":2}`,
			`{"model":"mock","query":"Miete","documents":["Antrag","Mietvertrag"],"top_n":2}`,
			`{"id":"r-1","model":"mock","usage":{"total_tokens":9},"results":[{"index":1,"relevance_score":0.9},{"index":0,"relevance_score":0.1}]}`,
		},
		"objects and documents": {
			`{"query":"Miete","documents":[{"text":"Antrag"},"Mietvertrag"],"return_documents":true}`,
			`{"model":"mock","query":"Miete","documents":["Antrag","Mietvertrag"],"return_documents":true}`,
			`{"id":"r-1","model":"mock","usage":{"total_tokens":9},"results":[{"index":1,"relevance_score":0.9,"document":{"text":"Mietvertrag"}},{"index":0,"relevance_score":0.1,"document":{"text":"Antrag"}}]}`,
		},
	} {
		for _, path := range []string{"/v1/rerank", "/v2/rerank"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: answer})
				got := b.call(t, "POST", path, c.body)
				if got.status != 200 || got.body != c.want {
					t.Errorf("got %d %s\nwant %s", got.status, got.body, c.want)
				}
				if sent := string(b.mock.Last().Body); sent != c.sent {
					t.Errorf("sent %s\nwant %s", sent, c.sent)
				}
				if got.header.Get(httpapi.HeaderDecision) == "" || b.rec.last().Operation != gateway.OperationRerank {
					t.Error("no decision, or recorded as something else")
				}
			})
		}
	}
}

func TestRerankRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, param := range map[string]string{
		`{"documents":["a"]}`:                                                 "query",
		`{"query":"a","documents":[]}`:                                        "documents",
		`{"query":"a","documents":["a",7]}`:                                   "documents[1]",
		`{"query":"a","documents":[{"text":"a","url":"x"}]}`:                  "documents[0]",
		`{"query":"a","documents":["a"],"return_documents":"ja"}`:             "return_documents",
		`{"query":"a","documents":["a"],"top_n":0}`:                           "top_n",
		`{"query":"a","documents":[` + strings.Repeat(`"a",`, 2000) + `"a"]}`: "documents",
	} {
		if got := b.call(t, "POST", "/v1/rerank", body); got.status != 400 || at(got.json(t), "error", "param") != param {
			t.Errorf("%.60s: got %d %s, want 400 at %s", body, got.status, got.body, param)
		}
	}
	b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: `{"results":[{"index":7,"relevance_score":1}]}`})
	if got := b.call(t, "POST", "/v1/rerank", `{"query":"a","documents":["a"]}`); got.status != 502 {
		t.Errorf("an index outside of the documents: %d %s", got.status, got.body)
	}
}

// audioForm is a multipart body: pairs of name and value; "file:NAME" is a file.
func audioForm(t *testing.T, pairs ...string) (body, contentType string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"`, pairs[i])}}
		if name, ok := strings.CutPrefix(pairs[i], "file:"); ok {
			header = textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename="%s"`, name)}, "Content-Type": {"audio/mpeg"}}
		}
		part, err := w.CreatePart(header)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write([]byte(pairs[i+1]))
	}
	_ = w.Close()
	return out.String(), w.FormDataContentType()
}

func TestTranscriptions(t *testing.T) {
	t.Parallel()
	for format, c := range map[string]struct{ asked, media, want string }{
		"":             {"json", "application/json; charset=utf-8", transcript},
		"json":         {"json", "application/json; charset=utf-8", transcript},
		"verbose_json": {"verbose_json", "application/json; charset=utf-8", transcript},
		"text":         {"json", "text/plain; charset=utf-8", "Guten Tag. Hier ist das Wohngeldamt.\n"},
		"srt":          {"verbose_json", "text/plain; charset=utf-8", "1\n00:00:00,000 --> 00:00:01,500\nGuten Tag.\n\n2\n00:00:01,500 --> 01:01:02,250\nHier ist das Wohngeldamt.\n\n"},
		"vtt":          {"verbose_json", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nGuten Tag.\n\n00:00:01.500 --> 01:01:02.250\nHier ist das Wohngeldamt.\n\n"},
	} {
		t.Run("format "+format, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: transcript})
			pairs := []string{"model", "haus/mock", "language", "de", "prompt", "Wohngeld", "timestamp_granularities[]", "segment", "schleuse", `{"case":"32-4711"}`, "file:Anruf von Erika Mustermann.mp3", "ID3"}
			if format != "" {
				pairs = append(pairs, "response_format", format)
			}
			body, contentType := audioForm(t, pairs...)
			got := b.call(t, "POST", "/v1/audio/transcriptions", body, "Content-Type", contentType)
			if got.status != 200 || got.body != c.want || got.header.Get("Content-Type") != c.media {
				t.Fatalf("got %d %s %s\nwant %s", got.status, got.header.Get("Content-Type"), got.body, c.want)
			}
			want := map[string]string{"model": "mock", "language": "de", "prompt": "Wohngeld", "timestamp_granularities[]": "segment", "response_format": c.asked, "file": "ID3"}
			if sent := sentForm(t, b.mock.Last()); fmt.Sprint(sent) != fmt.Sprint(want) {
				t.Errorf("sent %v, want %v", sent, want)
			}
			if r := b.rec.last(); r.Purpose != gateway.PurposeTranscribe || r.Case == "" || r.Screened.Unscreenable != 1 {
				t.Errorf("record: purpose %q, case %q, %d parts that nobody can read", r.Purpose, r.Case, r.Screened.Unscreenable)
			}
		})
	}
}

func sentForm(t *testing.T, r upstreamtest.Request) map[string]string {
	t.Helper()
	_, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := multipart.NewReader(bytes.NewReader(r.Body), parameters["boundary"]).ReadForm(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]string{}
	for name, values := range read.Value {
		sent[name] = strings.Join(values, ",")
	}
	for name, files := range read.File {
		f, err := files[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		_, _ = content.ReadFrom(f)
		sent[name] = content.String()
	}
	return sent
}

func TestTranscriptionRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		pairs []string
		param any
	}{
		"no file":        {[]string{"model", "haus/mock"}, "file"},
		"empty file":     {[]string{"file:a.mp3", ""}, "file"},
		"two files":      {[]string{"file:a.mp3", "ID3", "file:b.mp3", "ID3"}, "file"},
		"twice":          {[]string{"file:a.mp3", "ID3", "language", "de", "language", "en"}, "language"},
		"format":         {[]string{"file:a.mp3", "ID3", "response_format", "docx"}, "response_format"},
		"stream":         {[]string{"file:a.mp3", "ID3", "stream", "true"}, "stream"},
		"wrong schleuse": {[]string{"file:a.mp3", "ID3", "schleuse", "chat"}, "schleuse"},
		"detour":         {[]string{"file:a.mp3", "ID3", "api_base", "x"}, "api_base"},
		"long field":     {[]string{"file:a.mp3", "ID3", "prompt", strings.Repeat("x", 70<<10)}, "prompt"},
		"no text":        {[]string{"file:a.mp3", "ID3", "prompt", "\xff"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, contentType := audioForm(t, c.pairs...)
			got := b.call(t, "POST", "/v1/audio/transcriptions", body, "Content-Type", contentType)
			if got.status != 400 || at(got.json(t), "error", "param") != c.param {
				t.Errorf("got %d %s, want 400 at %v", got.status, got.body, c.param)
			}
		})
	}
	if got := b.call(t, "POST", "/v1/audio/transcriptions", "{}"); got.status != 400 {
		t.Errorf("JSON instead of a form: %d", got.status)
	}
}

func TestTranscriptionIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *httpapi.Config, _ *gateway.Config) { c.MaxUpload = 4 << 10 })
	body, contentType := audioForm(t, "file:a.mp3", strings.Repeat("x", 8<<10))
	got := b.call(t, "POST", "/v1/audio/transcriptions", body, "Content-Type", contentType)
	if got.status != 413 || at(got.json(t), "schleuse", "code") != "too_large" {
		t.Errorf("got %d %s, want 413", got.status, got.body)
	}
	if len(b.rec.closings()) != 0 {
		t.Error("something was recorded")
	}
}

func TestSubtitlesNeedTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for answer, want := range map[string]int{`{"text":"x"}`: 502, `{"text":"","segments":[]}`: 200, `{"text":"x","segments":[{"start":2,"end":1,"text":"x"}]}`: 502} {
		b.mock.Next(upstreamtest.Behaviour{Status: 200, Body: answer})
		body, contentType := audioForm(t, "file:a.mp3", "ID3", "response_format", "vtt")
		if got := b.call(t, "POST", "/v1/audio/transcriptions", body, "Content-Type", contentType); got.status != want {
			t.Errorf("%s: got %d %s, want %d", answer, got.status, got.body, want)
		}
	}
}

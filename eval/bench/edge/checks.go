// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package edge

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ki-schleuse/schleuse/eval/bench/mock"
)

// Checks is the whole list, in the order in which they run.
func Checks() []Check {
	fault := func(f mock.Fault) mock.Settings { return mock.Settings{Tokens: 20, Fault: f} }
	return []Check{
		// Streams that are not whole: never a clean end.
		{ID: "stream-dies", Title: "Modellserver bricht mitten im Strom ab", Want: "Fehlerereignis, kein [DONE]", settings: mock.Settings{Tokens: 20, Gap: 5 * time.Millisecond, Fault: mock.FaultDie}, run: brokenStream},
		{ID: "stream-error", Title: "Fehlerereignis mitten im Strom", Want: "Fehlerereignis, kein [DONE]", settings: fault(mock.FaultErrorEvent), run: brokenStream},
		{ID: "stream-no-done", Title: "Strom endet ohne [DONE]", Want: "Fehlerereignis, kein [DONE]", settings: fault(mock.FaultNoDone), run: brokenStream},
		{ID: "stream-no-finish", Title: "[DONE] ohne finish_reason", Want: "Fehlerereignis, kein [DONE]", settings: fault(mock.FaultNoFinish), run: brokenStream},
		{ID: "stream-broken-event", Title: "Ein Ereignis ist kein JSON", Want: "Fehlerereignis, kein [DONE]", settings: fault(mock.FaultBroken), run: brokenStream},
		// Streams that are whole and must stay so.
		{ID: "stream-bytewise", Title: "Modellserver schreibt Byte für Byte", Want: "Text unverändert", settings: fault(mock.FaultBytewise), run: wholeStream},
		{ID: "stream-gzip", Title: "gepackter Strom", Want: "Text unverändert", settings: fault(mock.FaultGzip), run: wholeStream},
		{ID: "stream-long-line", Title: "Ereignis über 64 KiB", Want: "Text unverändert", settings: fault(mock.FaultLongLine), run: longLine},
		{ID: "stream-tools", Title: "verschränkte Werkzeugaufrufe", Want: "beide Aufrufe ganz", settings: fault(mock.FaultTools), run: toolCalls},
		{ID: "stream-slow-reader", Title: "Aufrufer liest langsam", Want: "Text unverändert", settings: quiet(20_000), run: slowReader},
		{ID: "stream-fast", Title: "400 schnelle Ströme", Want: "keiner gekürzt", settings: quiet(20), run: fastStreams},
		{ID: "stream-http2", Title: "Modellserver spricht HTTP/2", Want: "Text unverändert, HTTP/2", settings: quiet(20), run: http2Stream},
		// Usage.
		{ID: "usage-unasked", Title: "Verbrauch ohne include_usage", Want: "oben erfragt, nicht gezeigt", settings: quiet(20), run: usageUnasked},
		{ID: "usage-asked", Title: "Verbrauch mit include_usage", Want: "einmal gezeigt", settings: quiet(20), run: usageAsked},
		{ID: "usage-last", Title: "Verbrauch nur im letzten Stück", Want: "gezeigt, wenn erfragt", settings: fault(mock.FaultUsageLast), run: usageAsked},
		// Callers who leave.
		{ID: "leave-stream", Title: "Aufrufer verlässt einen Strom", Want: "oben beendet in 1 s", settings: mock.Settings{Tokens: 200, Gap: 50 * time.Millisecond}, run: leaveStream},
		{ID: "leave-plain", Title: "Aufrufer verlässt eine Anfrage", Want: "oben beendet in 1 s", settings: mock.Settings{Latency: 20 * time.Second, Tokens: 5}, run: leavePlain},
		// Refusals of the server.
		{ID: "rate-limit", Title: "429 mit Retry-After", Want: "429, Retry-After, 1 Versuch", settings: fault(mock.FaultRateLimit), run: rateLimit},
		{ID: "unavailable", Title: "503 auf Dauer", Want: "5xx, höchstens 8 Versuche in 5 s", settings: fault("503"), run: unavailable},
		{ID: "flaky", Title: "503, dann gut", Want: "200", settings: fault(mock.FaultFlaky), run: flaky},
		// Fields and headers.
		{ID: "request-fields", Title: "unbekannte Felder der Anfrage", Want: "alle 8", settings: quiet(20), run: requestFields},
		{ID: "response-fields", Title: "unbekannte Felder der Antwort", Want: "alle 4", settings: quiet(20), run: responseFields},
		{ID: "headers", Title: "Cookie, Schlüssel und Kopfzeilen des Aufrufers", Want: "keine geht nach oben", settings: quiet(20), run: headers},
		{ID: "traceparent", Title: "traceparent", Want: "dieselbe Spur", settings: quiet(20), run: traceparent},
		{ID: "request-id", Title: "Kennung der Anfrage in der Antwort", Want: "ja", settings: quiet(20), run: requestID},
		{ID: "gzip", Title: "gepackte Antwort", Want: "lesbar", settings: fault(mock.FaultGzip), run: packed},
		// Input.
		{ID: "invalid-json", Title: "ungültiges JSON", Want: "400, Fehler in OpenAI-Form", settings: quiet(20), run: invalidJSON},
		{ID: "large-body", Title: "Anfrage mit 12 MiB", Want: "200, oder 413 in OpenAI-Form", settings: quiet(20), run: largeBody},
		// Routes.
		{ID: "embeddings", Title: "POST /v1/embeddings", Want: "200", settings: quiet(20), run: embeddings},
		{ID: "rerank", Title: "POST /v1/rerank", Want: "200", settings: quiet(20), run: rerank},
		{ID: "responses", Title: "POST /v1/responses", Want: "200", settings: quiet(20), run: responses},
		// Slow answers.
		{ID: "long-stream", Title: "Strom von 40 s", Want: "ganz", Long: true, settings: mock.Settings{Tokens: 41, Gap: time.Second}, run: longStream},
		{ID: "late-first-token", Title: "erstes Stück nach 25 s", Want: "ganz, vorher Lebenszeichen", Long: true, settings: mock.Settings{Tokens: 5, FirstToken: 25 * time.Second}, run: lateFirstToken},
		{ID: "late-plain", Title: "Antwort nach 35 s", Want: "200", Long: true, settings: mock.Settings{Tokens: 5, Latency: 35 * time.Second}, run: latePlain},
	}
}

const usual = 30 * time.Second

func brokenStream(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, ""), usual, nil)
	return verdict(s.failed && !s.done && s.broken == "", "%s", s.end())
}

func wholeStream(ctx context.Context, b *bench) outcome {
	return whole(b.stream(ctx, b.chat(true, ""), usual, nil), b.settings.Tokens)
}

// whole: the text that the mock wrote, its finish_reason and [DONE].
func whole(s streamed, tokens int) outcome {
	if s.text != expected(tokens) {
		return verdict(false, "%s, %d von %d Zeichen", s.end(), len(s.text), len(expected(tokens)))
	}
	return verdict(s.done && s.finished && !s.failed, "%s, Text unverändert", s.end())
}

func expected(tokens int) string {
	text := mock.Text(tokens)
	return text[:len(text)-1]
}

func slowReader(ctx context.Context, b *bench) outcome {
	return whole(b.stream(ctx, b.chat(true, ""), 2*usual, func() { pause(ctx, 1500*time.Millisecond) }), b.settings.Tokens)
}

func longLine(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, ""), usual, nil)
	want := len(expected(b.settings.Tokens)) + mock.LongPiece
	return verdict(len(s.text) == want && s.done && !s.failed, "%s, %d von %d Zeichen", s.end(), len(s.text), want)
}

func toolCalls(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, `,"tools":[{"type":"function","function":{"name":"akte","parameters":{"type":"object"}}},{"type":"function","function":{"name":"norm","parameters":{"type":"object"}}}]`), usual, nil)
	want := mock.ToolArguments()
	return verdict(s.calls[0] == want[0] && s.calls[1] == want[1] && s.done, "%s, Argumente %q und %q", s.end(), s.calls[0], s.calls[1])
}

// fastStreams finds gateways that lose the end of a stream when the server
// answers before it has read the request to its end.
func fastStreams(ctx context.Context, b *bench) outcome {
	const all, workers = 400, 8
	results := make(chan bool, all)
	for range workers {
		go func() {
			for range all / workers {
				s := b.stream(ctx, b.chat(true, ""), usual, nil)
				results <- s.done && s.text == expected(b.settings.Tokens)
			}
		}()
	}
	cut := 0
	for range all {
		if !<-results {
			cut++
		}
	}
	return verdict(cut == 0, "%d von %d gekürzt", cut, all)
}

func http2Stream(ctx context.Context, b *bench) outcome {
	if b.HTTP2 == "" {
		return outcome{Skipped, "kein Modell mit HTTP/2 angegeben"}
	}
	o := whole(b.stream(ctx, chatFor(b.HTTP2, true, ""), usual, nil), b.settings.Tokens)
	last, err := b.control.Last(ctx)
	if err != nil {
		return failed(err)
	}
	return verdict(o.verdict == Good && last.Proto == "HTTP/2.0", "%s, %s", o.seen, last.Proto)
}

func longStream(ctx context.Context, b *bench) outcome {
	return whole(b.stream(ctx, b.chat(true, ""), 90*time.Second, nil), b.settings.Tokens)
}

func lateFirstToken(ctx context.Context, b *bench) outcome {
	s := b.stream(ctx, b.chat(true, ""), 90*time.Second, nil)
	o := whole(s, b.settings.Tokens)
	return verdict(o.verdict == Good && s.comments > 0 && s.firstByte < b.settings.FirstToken,
		"%s, erstes Byte nach %.0f s, %d Lebenszeichen", o.seen, s.firstByte.Seconds(), s.comments)
}

func latePlain(ctx context.Context, b *bench) outcome {
	a := b.ask(ctx, chatPath, b.chat(false, ""), nil, 90*time.Second)
	if a.err != nil {
		return failed(a.err)
	}
	return verdict(a.status == 200, "%d nach %.0f s", a.status, a.took.Seconds())
}

// leaveTime is how long is waited for a call upstream to end, leaveGood how long
// it may take.
const (
	leaveTime = 5 * time.Second
	leaveGood = time.Second
)

// ended waits until the mock has lost its client.
func (b *bench) ended(ctx context.Context) outcome {
	begun := time.Now()
	for time.Since(begun) < leaveTime && ctx.Err() == nil {
		s, err := b.control.Stats(ctx)
		if err != nil {
			return failed(err)
		}
		if s.Aborted > 0 {
			took := time.Since(begun)
			return verdict(took <= leaveGood, "nach %d ms beendet", took.Milliseconds())
		}
		pause(ctx, 5*time.Millisecond)
	}
	return verdict(false, "nicht in %.0f s beendet", leaveTime.Seconds())
}

func leaveStream(ctx context.Context, b *bench) outcome {
	inner, cancel := context.WithTimeout(ctx, usual)
	defer cancel()
	r, err := b.send(inner, chatPath, b.chat(true, ""), nil)
	if err != nil {
		return failed(err)
	}
	_, err = r.Body.Read(make([]byte, 100))
	cancel()
	_ = r.Body.Close()
	if err != nil || r.StatusCode != http.StatusOK {
		return verdict(false, "HTTP %d: %v", r.StatusCode, err)
	}
	return b.ended(ctx)
}

func leavePlain(ctx context.Context, b *bench) outcome {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan answer, 1)
	go func() { sent <- b.ask(inner, chatPath, b.chat(false, ""), nil, usual) }()
	if err := b.arrived(ctx); err != nil {
		return failed(err)
	}
	cancel()
	<-sent
	return b.ended(ctx)
}

// arrived waits until the request has reached the mock.
func (b *bench) arrived(ctx context.Context) error {
	for range 500 {
		s, err := b.control.Stats(ctx)
		if err != nil || s.Requests > 0 {
			return err
		}
		pause(ctx, 10*time.Millisecond)
	}
	return fmt.Errorf("the request did not reach the mock")
}

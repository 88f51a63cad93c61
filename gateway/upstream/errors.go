// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ki-schleuse/schleuse/gateway"
)

// What people read.
const (
	msgInternal    = "Die Anfrage konnte wegen eines Fehlers in der Einrichtung der Schleuse nicht weitergegeben werden. Bitte wenden Sie sich an die Betreuung."
	msgUnavailable = "Das Sprachmodell ist zurzeit nicht erreichbar. Bitte versuchen Sie es später erneut."
	msgUnreadable  = "Das Sprachmodell hat eine unverständliche Antwort gegeben. Die Antwort wurde verworfen."
	msgTruncated   = "Die Antwort des Sprachmodells ist unvollständig abgebrochen und darf nicht verwendet werden. Bitte stellen Sie die Anfrage erneut."
	msgTimeout     = "Das Sprachmodell hat nicht rechtzeitig geantwortet. Bitte versuchen Sie es später erneut."
	msgRateLimited = "Das Sprachmodell nimmt zurzeit keine weiteren Anfragen an. Bitte versuchen Sie es später erneut."
	msgRejected    = "Das Sprachmodell hat die Anfrage abgelehnt. Bitte prüfen Sie die Angaben der Anfrage."
	msgLogin       = "Die Schleuse ist beim Modellserver nicht zugelassen. Bitte wenden Sie sich an die Betreuung."
	msgLarge       = "Die Antwort des Sprachmodells ist größer als erlaubt und wurde verworfen."
	msgCancelled   = "Die Anfrage wurde abgebrochen."
)

// maxErrorBody is how much of a refusal is read, maxErrorText how much is kept.
const (
	maxErrorBody = 64 << 10
	maxErrorText = 512
	maxRetry     = time.Hour
)

// fail turns an error of the connection into what the caller may know.
func (x *exchange) fail(op string, err error) error {
	e := &gateway.Error{Op: op, Code: gateway.CodeUnavailable, Message: msgUnavailable, Err: err}
	var ours *gateway.Error
	var network net.Error
	var dial *net.OpError
	cause := context.Cause(x.ctx)
	switch {
	case errors.As(err, &ours):
		return ours
	case x.parent.Err() != nil:
		return parentError(x.parent, op)
	case errors.As(err, &dial) && dial.Op == "dial" && x.response == nil:
		// No connection: the server knows nothing of the request, however long it took to see that.
	case errors.Is(cause, errFirstByte), errors.Is(cause, errIdle), errors.Is(cause, errTotal):
		e.Code, e.Message, e.Err = gateway.CodeTimeout, msgTimeout, cause
	case errors.Is(cause, context.Canceled): // closed by its owner
		e.Code, e.Message = gateway.CodeCancelled, msgCancelled
	case errors.Is(err, errLarge), errors.Is(err, errTooLong):
		e.Message = msgLarge
	case errors.As(err, &network) && network.Timeout():
		e.Code, e.Message = gateway.CodeTimeout, msgTimeout
	case x.response != nil && !errors.Is(err, errEncoding) && !errors.Is(err, gzip.ErrHeader):
		// A 200 has arrived: every failure from now on is an answer that is not whole.
		e.Code, e.Message = gateway.CodeTruncated, msgTruncated
	}
	return e
}

func parentError(ctx context.Context, op string) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &gateway.Error{Op: op, Code: gateway.CodeTimeout, Message: msgTimeout, Err: context.Cause(ctx)}
	}
	return &gateway.Error{Op: op, Code: gateway.CodeCancelled, Message: msgCancelled, Err: ctx.Err()}
}

func truncated(op string, err error) *gateway.Error {
	return &gateway.Error{Op: op, Code: gateway.CodeTruncated, Message: msgTruncated, Err: err}
}

// refusal maps an answer with another status than 200.
func (x *exchange) refusal(now time.Time) error {
	status := x.response.StatusCode
	body, err := io.ReadAll(io.LimitReader(x.body, maxErrorBody))
	if err != nil && x.parent.Err() != nil {
		return parentError(x.parent, "read refusal")
	}
	e := &gateway.Error{Op: "call model", Err: fmt.Errorf("status %d", status)}
	e.Code, e.Message = codeOfStatus(status)
	e.RetryAfter = pauseAsked(x.response.Header, now)
	e.Upstream = x.readable(body)
	e.Upstream.Status = status
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		e.Upstream.Message = "" // speaks about our key, not about the caller's request
	}
	return e
}

func codeOfStatus(status int) (gateway.Code, string) {
	switch {
	case status == http.StatusTooManyRequests:
		return gateway.CodeRateLimited, msgRateLimited
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		return gateway.CodeTimeout, msgTimeout
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusPaymentRequired,
		status == http.StatusProxyAuthRequired:
		return gateway.CodeUnavailable, msgLogin
	case status >= 400 && status < 500:
		return gateway.CodeUpstream, msgRejected
	}
	return gateway.CodeUnavailable, msgUnavailable
}

// noStream explains a 200 that is no event stream.
func (x *exchange) noStream() error {
	body, err := io.ReadAll(io.LimitReader(x.body, maxErrorBody))
	if err != nil {
		return x.fail("read answer", err)
	}
	e := &gateway.Error{Op: "open stream", Code: gateway.CodeUnavailable, Message: msgUnreadable, Err: errors.New("answer is no event stream")}
	if u := x.readable(body); u.Message != "" {
		e.Upstream, e.Message = u, msgUnavailable
		u.Status = http.StatusOK
	}
	return e
}

// own fills in what only the exchange knows about an error found in an answer.
func (x *exchange) own(err *gateway.Error) error {
	if err.Upstream != nil {
		x.makeSafe(err.Upstream)
		err.Upstream.Status = http.StatusOK
	}
	return err
}

// readable reads a refusal in the shapes servers use and makes it safe to show.
// A body that is not JSON (an HTML page of a proxy) gives an empty message.
func (x *exchange) readable(body []byte) *gateway.UpstreamError {
	u := parseError(body)
	x.makeSafe(u)
	return u
}

func (x *exchange) makeSafe(u *gateway.UpstreamError) {
	u.Message, u.Type, u.Code, u.Param = x.safe(u.Message), x.safe(u.Type), x.safe(u.Code), x.safe(u.Param)
}

// safe masks our own secrets and cuts the text.
func (x *exchange) safe(s string) string {
	secrets := []Secret{x.endpoint.Key}
	for _, value := range x.endpoint.Headers {
		secrets = append(secrets, value)
	}
	for _, secret := range secrets {
		if len(secret) >= 6 {
			s = strings.ReplaceAll(s, string(secret), masked)
		}
	}
	s = strings.ToValidUTF8(strings.Map(printable, s), "")
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "")
	}
	return s
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}

// errorBody covers OpenAI ({"error":{…}}), the shape with a bare string, the flat
// object of vLLM, Mistral and Scaleway, FastAPI's {"detail": …} and the list of
// IONOS ({"messages":[{"errorCode","message"}]}).
type errorBody struct {
	Error    json.RawMessage `json:"error"`
	Message  json.RawMessage `json:"message"`
	Type     json.RawMessage `json:"type"`
	Param    json.RawMessage `json:"param"`
	Code     json.RawMessage `json:"code"`
	Detail   json.RawMessage `json:"detail"`
	Messages []struct {
		Code    json.RawMessage `json:"errorCode"`
		Message json.RawMessage `json:"message"`
	} `json:"messages"`
}

func parseError(body []byte) *gateway.UpstreamError {
	var flat errorBody
	if json.Unmarshal(body, &flat) != nil {
		return &gateway.UpstreamError{}
	}
	if len(flat.Error) > 0 && flat.Error[0] == '{' {
		var inner errorBody
		if json.Unmarshal(flat.Error, &inner) == nil {
			flat = inner
		}
	}
	if len(flat.Messages) > 0 && len(flat.Message) == 0 {
		flat.Code, flat.Message = flat.Messages[0].Code, flat.Messages[0].Message
	}
	u := &gateway.UpstreamError{Type: scalar(flat.Type), Message: detail(flat.Message), Code: scalar(flat.Code), Param: scalar(flat.Param)}
	if u.Message == "" {
		u.Message = scalar(flat.Error)
	}
	if u.Message == "" {
		u.Message = detail(flat.Detail)
	}
	return u
}

// scalar is a JSON string without quotes, a number as written, else "".
func scalar(raw json.RawMessage) string {
	if len(raw) == 0 || strings.ContainsRune("{[ntf", rune(raw[0])) {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// detail reads a text, FastAPI's [{"loc":[…],"msg":"…"}], and either of them
// below "detail", as Mistral writes it.
func detail(raw json.RawMessage) string {
	var within struct {
		Detail json.RawMessage `json:"detail"`
	}
	if len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &within) == nil {
		raw = within.Detail
	}
	var list []struct {
		Loc []any  `json:"loc"`
		Msg string `json:"msg"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return scalar(raw)
	}
	var parts []string
	for _, d := range list {
		var place []string
		for _, step := range d.Loc {
			place = append(place, fmt.Sprint(step))
		}
		parts = append(parts, strings.Join(place, ".")+": "+d.Msg)
	}
	return strings.Join(parts, "; ")
}

// pauseAsked is how long the server wants to be left alone: Retry-After, or the
// same in milliseconds, or, where neither is given, the time after which the limit
// that is used up starts anew (platform.openai.com, rate limits).
func pauseAsked(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, float64(maxRetry/time.Millisecond)) * float64(time.Millisecond))
	}
	if value := h.Get("Retry-After"); value != "" {
		return retryAfter(value, now)
	}
	var longest time.Duration
	for _, limit := range [...]string{"Requests", "Tokens"} {
		if h.Get("X-Ratelimit-Remaining-"+limit) == "0" {
			longest = max(longest, span(h.Get("X-Ratelimit-Reset-"+limit)))
		}
	}
	return longest
}

// span reads "6m0s", "20ms" and plain seconds; nonsense gives 0.
func span(value string) time.Duration {
	d, err := time.ParseDuration(value)
	if err != nil {
		d, err = time.ParseDuration(value + "s")
	}
	if err != nil || d < 0 {
		return 0
	}
	return min(d, maxRetry)
}

// retryAfter reads seconds or an HTTP date; nonsense gives 0.
func retryAfter(value string, now time.Time) time.Duration {
	if value == "" {
		return 0
	}
	if seconds, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
		if seconds < 0 || seconds > int(maxRetry/time.Second) {
			seconds = int(maxRetry / time.Second)
		}
		return time.Duration(max(seconds, 0)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil || !at.After(now) {
		return 0
	}
	return min(at.Sub(now), maxRetry)
}

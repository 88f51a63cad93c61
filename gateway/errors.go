// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

import (
	"context"
	"errors"
	"time"
)

// Code classifies an error for callers; one file in httpapi turns it into a status.
type Code string

// Codes.
const (
	CodeInvalid         Code = "invalid_request"
	CodeUnauthenticated Code = "unauthenticated"
	CodeDenied          Code = "denied"
	CodeNotFound        Code = "not_found"
	CodeMethod          Code = "method_not_allowed" // the address is there, for another method
	CodeTooLarge        Code = "too_large"
	CodeConflict        Code = "conflict"
	CodeRateLimited     Code = "rate_limited"         // too many requests or tokens in a time
	CodeBudget          Code = "budget_exhausted"     // the money is used up
	CodeOverloaded      Code = "overloaded"           // no place at any permitted model in time
	CodeNoModel         Code = "no_model"             // no model left that is permitted and able
	CodeUnavailable     Code = "upstream_unavailable" // model not reachable or 5xx
	CodeUpstream        Code = "upstream_rejected"    // model refused the request (4xx)
	CodeTimeout         Code = "upstream_timeout"
	CodeTruncated       Code = "truncated" // the answer ended before it was complete
	CodeNoRecord        Code = "record_unavailable"
	CodeCancelled       Code = "cancelled"
	CodeSuperseded      Code = "superseded" // of an attempt: another one was faster
	CodeInternal        Code = "internal"
)

// Error is what a caller may know. Everything else is "internal" outside.
type Error struct {
	// Op is what was being done, for the log.
	Op   string
	Code Code
	// Message is for people, German, and says what to do.
	Message string
	// Path names the place in the input, for example "messages[2].content".
	Path string
	// Decision is set on CodeDenied, and when one was made before the failure.
	Decision *Decision
	// RequestID is the id of the record, where one exists.
	RequestID string
	// Upstream carries status and body of a model's refusal, for pass-through.
	Upstream *UpstreamError
	// RetryAfter is what the upstream asked for.
	RetryAfter time.Duration
	// Err is for the log and never shown.
	Err error
}

// UpstreamError is what a model's server answered instead of a result.
type UpstreamError struct {
	Status int
	// Type, Code and Message in OpenAI's error shape, cut to a safe length.
	Type, Code, Message, Param string
}

// Error is for logs: it has neither Message nor Path, because a path may be the
// name of a field that the caller made up.
func (e *Error) Error() string {
	s := string(e.Code)
	if e.Op != "" {
		s = e.Op + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of an error: CodeCancelled and CodeTimeout for
// context errors, CodeInternal for anything unknown, "" for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.Canceled):
		return CodeCancelled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	}
	return CodeInternal
}

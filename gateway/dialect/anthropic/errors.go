// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package anthropic

import (
	"github.com/ki-schleuse/schleuse/gateway"
	"github.com/ki-schleuse/schleuse/gateway/dialect"
)

// StatusOverloaded is what this format answers when there is no place.
const StatusOverloaded = 529

// Failure is an error in this format. request names the answer in the log, "" leaves it out.
func Failure(f dialect.Failure, request string) []byte {
	var detail, o dialect.Object
	detail.Text("type", kindOf(f.Code)).Text("message", f.Message)
	if f.Param != "" {
		detail.Text("param", f.Param)
	}
	o.Text("type", "error").Object("error", &detail)
	if request != "" {
		o.Text("request_id", request)
	}
	if len(f.Schleuse) > 0 {
		o.Raw("schleuse", f.Schleuse)
	}
	return o.JSON()
}

func kindOf(c gateway.Code) string {
	switch c {
	case gateway.CodeInvalid, gateway.CodeConflict, gateway.CodeNoModel, gateway.CodeUpstream:
		return "invalid_request_error"
	case gateway.CodeUnauthenticated:
		return "authentication_error"
	case gateway.CodeDenied:
		return "permission_error"
	case gateway.CodeNotFound:
		return "not_found_error"
	case gateway.CodeTooLarge:
		return "request_too_large"
	case gateway.CodeRateLimited, gateway.CodeBudget:
		return "rate_limit_error"
	case gateway.CodeOverloaded:
		return "overloaded_error"
	case gateway.CodeTimeout:
		return "timeout_error"
	default:
		return "api_error"
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import "github.com/ki-schleuse/schleuse/gateway"

// alephAlpha is PhariaInference of Aleph Alpha, hosted or in one's own house.
//
// The base URL has no /v1. Chat takes max_tokens and names no newer field
// (docs.aleph-alpha.com, PhariaInference 4.1.0, chat completions); roles must take
// turns and begin with user. Plain text is completed at /complete in a form of its
// own, which is not offered here. /model-settings is the list of models
// (docs.aleph-alpha.com, PhariaInference API) and wants the key, as every path does.
func alephAlpha() kind {
	return kind{
		name: "alephalpha", models: "/model-settings",
		lacks: []gateway.Operation{gateway.OperationCompletion},
		edits: []edit{newLimit()},
	}
}

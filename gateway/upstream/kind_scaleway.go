// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package upstream

import "github.com/ki-schleuse/schleuse/gateway"

// scaleway is Generative APIs of Scaleway, shared and dedicated.
//
// The parameter user is not supported (scaleway.com/docs, OpenAI API
// compatibility); as it says nothing about the answer, it is left out. n,
// logit_bias, top_logprobs and frequency_penalty are not supported by dedicated
// deployments either, but change an answer and stay. Rerank has the form of Jina.
// Dedicated deployments report usage in every event of a stream, growing: the
// last one counts. Older models write errors flat, newer ones below "error", and
// an error may come in a stream after 200 (understanding errors). 422 means that
// the model is not known.
func scaleway() kind {
	return kind{
		name: "scaleway", models: "/models",
		edits: []edit{{field: "user", in: append(generates(), gateway.OperationEmbeddings)}},
	}
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package gateway

// Body is the JSON body of a request or an answer. (placeholder replaced shortly)
type Body struct{ raw []byte }

// Len is the size in bytes.
func (b Body) Len() int { return len(b.raw) }

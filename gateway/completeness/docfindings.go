// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package completeness

// documents lists what the documents were taken for and what is wrong with them.
func (b *builder) documents() {
	for _, p := range b.pieces {
		b.out.Documents = append(b.out.Documents, p.Document)
	}
}

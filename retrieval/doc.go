// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package retrieval finds passages in the documents of a tenant, for a caller
// with rights, and says where each stands. It cuts documents into chunks, ranks
// by its own BM25 over German stems and character 4-grams, joined with vectors
// where an embedder is configured, and keeps sources in step (Sync). It does not
// read file formats (see extract), it does not fetch documents (see connectors),
// and it does not store anything itself: sqlite and pgvector are the stores,
// storetest is the suite both pass. Start with Index.
package retrieval

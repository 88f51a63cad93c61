// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package ui

import (
	"context"
	"sync"
	"time"
)

// background runs what takes longer than a person waits for a page. The zero
// value is ready. It ends with close, everything in it within its time.
type background struct {
	mu     sync.Mutex
	work   sync.WaitGroup
	life   context.Context //nolint:containedctx // ends with close, not with a request
	cancel context.CancelFunc
}

// start runs f with at most limit of time; after close it does nothing.
func (b *background) start(limit time.Duration, f func(context.Context)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.life == nil {
		b.life, b.cancel = context.WithCancel(context.Background())
	}
	if b.life.Err() != nil {
		return
	}
	life := b.life
	b.work.Go(func() {
		ctx, cancel := context.WithTimeout(life, limit)
		defer cancel()
		f(ctx)
	})
}

func (b *background) close() error {
	b.mu.Lock()
	if b.life == nil {
		b.life, b.cancel = context.WithCancel(context.Background())
	}
	b.cancel()
	b.mu.Unlock()
	b.work.Wait()
	return nil
}

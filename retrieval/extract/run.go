// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// limits of one run of a program.
type limits struct {
	time   time.Duration
	output int
	memory uint64 // bytes of address space
}

const programMemory = 2 << 30

var (
	errOutput = errors.New("program writes too much")
	errTime   = errors.New("program takes too long")
)

// run starts a program without a shell, gives it input and returns what it
// writes, within limits of time, memory and output.
func run(ctx context.Context, l limits, input []byte, path string, args ...string) (stdout, stderr []byte, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, l.time, errTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LC_ALL=C.UTF-8", "OMP_THREAD_LIMIT=1", "PATH=/usr/bin:/bin"}
	cmd.Stdin = bytes.NewReader(input)
	out := &bounded{max: l.output, stop: cancel}
	errOut := &bounded{max: 64 << 10}
	cmd.Stdout, cmd.Stderr = out, errOut
	cmd.WaitDelay = 2 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start program: %w", err)
	}
	limitProcess(cmd.Process.Pid, l)
	err = cmd.Wait()
	switch {
	case out.full:
		err = errOutput
	case context.Cause(ctx) != nil && err != nil:
		err = context.Cause(ctx)
	}
	return out.Bytes(), errOut.Bytes(), err
}

// bounded keeps the first max bytes and calls stop, if there is one, on more.
type bounded struct {
	bytes.Buffer
	max  int
	stop func()
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := len(p)
	if room := b.max - b.Len(); n > room {
		p = p[:max(room, 0)]
		b.full = true
		if b.stop != nil {
			b.stop()
		}
	}
	b.Buffer.Write(p)
	return n, nil
}

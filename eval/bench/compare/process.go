// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Process is a program that this run has started and will end.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// PID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

const (
	startTime = 60 * time.Second
	stopTime  = 20 * time.Second
)

// start runs the program itself with other arguments.
func (c Config) start(ctx context.Context, env []string, out io.Writer, args ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, c.Program, args...) //nolint:gosec // our own program, named by our own command line
	cmd.Env = append(append(os.Environ(), c.Env...), env...)
	cmd.Stdout, cmd.Stderr = out, c.Errors
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = stopTime
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended does not matter, that it has does
		close(p.done)
	}()
	return p, nil
}

// Stop ends the process and waits for it.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// announced starts a program that prints its addresses, one on a line, and
// returns as many as are wanted.
func (c Config) announced(ctx context.Context, want int, args ...string) (*Process, []string, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	defer func() { _ = read.Close() }()
	p, err := c.start(ctx, nil, write, args...)
	_ = write.Close() // the child has its own
	if err != nil {
		return nil, nil, err
	}
	if err := read.SetReadDeadline(time.Now().Add(startTime)); err != nil {
		p.Stop()
		return nil, nil, fmt.Errorf("start %s: %w", strings.Join(args, " "), err)
	}
	var addresses []string
	for lines := bufio.NewScanner(read); len(addresses) < want && lines.Scan(); {
		addresses = append(addresses, lines.Text())
	}
	if len(addresses) < want {
		p.Stop()
		return nil, nil, fmt.Errorf("start %s: no address was announced", strings.Join(args, " "))
	}
	return p, addresses, nil
}

// ready waits until the address answers 200 and returns how long that took.
func (p *Process) ready(ctx context.Context, address string) (time.Duration, error) {
	begun := time.Now()
	for time.Since(begun) < startTime {
		select {
		case <-p.done:
			return 0, errors.New("the gateway ended before it was ready")
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return 0, fmt.Errorf("wait for the gateway: %w", err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return time.Since(begun), nil
		}
	}
	return 0, errors.New("the gateway did not get ready")
}

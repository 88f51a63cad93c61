// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !linux

package extract

import "os/exec"

func ownGroup(*exec.Cmd) {}

func limitProcess(int, limits) {}

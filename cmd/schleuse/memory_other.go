// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

//go:build !linux

package main

// releaseProgram knows how only on Linux.
func releaseProgram() {}

// filePages is unknown elsewhere.
func filePages() int { return 0 }

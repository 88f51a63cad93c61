// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Package extract turns a file into text with page anchors. What it cannot read
// it says: a text below the quality gate is an error, never an empty success.
package extract

import "errors"

// Text is the text of a file.
type Text struct {
	// MediaType as found from the content, not from the name.
	MediaType string
	Pages     []Page
	// Attachments of an e-mail, each a file of its own.
	Attachments []Attachment
	// OCR says that the text was recognised from an image.
	OCR bool
	// Warnings for people, German, for example hidden text that was left out.
	Warnings []string
}

// Page is one page; formats without pages have one with Number 1.
type Page struct {
	Number int
	// Text in Unicode NFC, lines separated by "\n".
	Text string
}

// Attachment is a file inside a file.
type Attachment struct {
	Name string
	Data []byte
}

// Reasons a file cannot be read. Errors of Read wrap one of them.
var (
	ErrUnsupported = errors.New("file type is not supported")
	ErrEncrypted   = errors.New("file is encrypted or locked")
	ErrUnreadable  = errors.New("no readable text")
	ErrTooLarge    = errors.New("file exceeds a limit")
	ErrDamaged     = errors.New("file is damaged")
)

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package audit

// isPlain says that encoding/json would embed this JSON as it is: one value
// without blanks, of plain ASCII, without escapes, with whole numbers only. It
// may refuse what is right, never accept what is not.
func isPlain(value []byte) bool { return plainValue(value, 0, maxDepth) == len(value) }

// plainValue returns the end of the value at i, -1 where there is no plain one.
func plainValue(b []byte, i, depth int) int {
	if i >= len(b) || depth == 0 {
		return -1
	}
	switch c := b[i]; {
	case c == '{':
		return plainObject(b, i+1, depth-1)
	case c == '[':
		return plainList(b, i+1, depth-1)
	case c == '"':
		return plainString(b, i)
	case c == '-' || c >= '0' && c <= '9':
		return plainNumber(b, i)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if end := i + len(word); end <= len(b) && string(b[i:end]) == word {
			return end
		}
	}
	return -1
}

func plainObject(b []byte, i, depth int) int {
	if i < len(b) && b[i] == '}' {
		return i + 1
	}
	for {
		i = plainString(b, i)
		if i < 0 || i >= len(b) || b[i] != ':' {
			return -1
		}
		i = plainValue(b, i+1, depth)
		if i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case '}':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

func plainList(b []byte, i, depth int) int {
	if i < len(b) && b[i] == ']' {
		return i + 1
	}
	for {
		i = plainValue(b, i, depth)
		if i < 0 || i >= len(b) {
			return -1
		}
		switch b[i] {
		case ']':
			return i + 1
		case ',':
			i++
		default:
			return -1
		}
	}
}

func plainString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	i++
	for i < len(b) && plainByte[b[i]] {
		i++
	}
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	return i + 1
}

func plainNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	first := i
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	if i == first || i > first+1 && b[first] == '0' {
		return -1
	}
	return i
}

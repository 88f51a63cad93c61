// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/ki-schleuse/schleuse/gateway/document/internal/truetype"
)

var (
	//go:embed fonts/LiberationSans-Regular.ttf
	regularTTF []byte
	//go:embed fonts/LiberationSans-Bold.ttf
	boldTTF []byte
	//go:embed fonts/LiberationSans-Italic.ttf
	italicTTF []byte
)

// faces are the three fonts of a letter. Strong and emphasised text is bold.
type faces struct{ regular, bold, italic *truetype.Font }

// loadFaces parses the fonts once per process.
var loadFaces = sync.OnceValues(func() (faces, error) {
	var f faces
	for _, x := range []struct {
		to   **truetype.Font
		data []byte
		name string
	}{{&f.regular, regularTTF, "regular"}, {&f.bold, boldTTF, "bold"}, {&f.italic, italicTTF, "italic"}} {
		font, err := truetype.Parse(x.data)
		if err != nil {
			return faces{}, fmt.Errorf("load font %s: %w", x.name, err)
		}
		*x.to = font
	}
	return f, nil
})

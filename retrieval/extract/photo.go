// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package extract

import (
	"bytes"
	"fmt"
	"image"

	"golang.org/x/image/draw"
)

// smallPage is the height in pixels below which a photo of a page is enlarged:
// recognition wants capitals of 20 pixels and more.
const smallPage = 2400

// evenLight prepares a photo for recognition: grey, large enough, and with the
// shadows taken out. The result is a PGM image.
func evenLight(data []byte) ([]byte, error) {
	source, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("decode image: %w", ErrDamaged)
	}
	size := source.Bounds()
	factor := 1
	if max(size.Dx(), size.Dy()) < smallPage {
		factor = 2
	}
	grey := image.NewGray(image.Rect(0, 0, size.Dx()*factor, size.Dy()*factor))
	draw.BiLinear.Scale(grey, grey.Bounds(), source, size, draw.Src, nil)
	divideByBackground(grey)
	return pgm(grey), nil
}

// divideByBackground divides every pixel by the mean of its neighbourhood, so
// that paper becomes white whatever the light was.
func divideByBackground(g *image.Gray) {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	sums := integral(g)
	radius := max(w, h) / 60
	out := make([]byte, len(g.Pix))
	for y := range h {
		top, bottom := max(0, y-radius), min(h, y+radius+1)
		for x := range w {
			left, right := max(0, x-radius), min(w, x+radius+1)
			sum := sums[bottom*(w+1)+right] - sums[top*(w+1)+right] - sums[bottom*(w+1)+left] + sums[top*(w+1)+left]
			mean := max(1, sum/uint64((bottom-top)*(right-left)))
			out[y*g.Stride+x] = byte(min(255, uint64(g.Pix[y*g.Stride+x])*230/mean))
		}
	}
	copy(g.Pix, out)
}

// integral returns the sums of all pixels above and left of each place.
func integral(g *image.Gray) []uint64 {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	sums := make([]uint64, (w+1)*(h+1))
	for y := range h {
		row := uint64(0)
		for x := range w {
			row += uint64(g.Pix[y*g.Stride+x])
			sums[(y+1)*(w+1)+x+1] = sums[y*(w+1)+x+1] + row
		}
	}
	return sums
}

func pgm(g *image.Gray) []byte {
	head := fmt.Sprintf("P5 %d %d 255\n", g.Rect.Dx(), g.Rect.Dy())
	return append([]byte(head), g.Pix...)
}

// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package document

import "math"

// mark is a fold or hole mark at the left edge, in millimetres.
type mark struct{ y, length float64 }

// sheet is DIN 5008 Form B on A4, in millimetres from the upper left corner.
var sheet = struct {
	width, height         float64
	left, right           float64 // margins of the text
	headTop               float64 // letterhead, down to the address field
	addressLeft, infoLeft float64
	addressTop, infoTop   float64
	addressWidth          float64
	recipientTop          float64 // below the zone of return line and remarks
	infoWidth             float64
	subjectTop            float64 // at the earliest
	marks                 []mark
}{
	width: 210, height: 297,
	left: 25, right: 20,
	headTop:     15,
	addressLeft: 20, infoLeft: 125,
	addressTop: 45, infoTop: 50,
	addressWidth: 85,
	recipientTop: 62.7,
	infoWidth:    75,
	subjectTop:   98.5,
	marks:        []mark{{105, 4}, {148.5, 6}, {210, 4}},
}

// infoLine is the height of one line of the reference block: 9 pt on 12 pt.
const infoLine = 12 * 25.4 / 72

// infoChars is what fits into the value column of the reference block.
const infoChars = 26

// infoHeight estimates the height of the reference block; a long value takes more
// than one line.
func infoHeight(l Letter) float64 {
	lines := 0
	for _, p := range l.Info {
		lines += max(1, (len([]rune(p.Value))+infoChars-1)/infoChars, (len([]rune(p.Label))+15)/16)
	}
	return max(float64(lines)*infoLine, 40)
}

// subjectTop is where the subject starts: two lines below address field and
// reference block.
func subjectTop(l Letter) float64 {
	return max(sheet.subjectTop, sheet.infoTop+infoHeight(l)+8.46)
}

// returnSize is the type size of the return line in points, small enough for the
// width of the address field.
func returnSize(l Letter) float64 {
	const at8 = 54 // letters of 8 pt in one line
	n := max(len([]rune(l.ReturnLine)), 1)
	return min(max(8*at8/float64(n), 6), 8)
}

// recipientSize is the type size of the address in points: smaller when long lines
// would be more than the six that have room. The line height is 1.172 times as much.
func recipientSize(l Letter) float64 {
	const at11 = 40 // letters of 11 pt in one line
	for size := 11.0; size > 6; size -= 0.5 {
		lines := 0
		for _, s := range l.Recipient {
			lines += int(math.Ceil(float64(len([]rune(s))) * size / (11 * at11)))
		}
		if float64(lines)*size <= maxRecipient*11 {
			return size
		}
	}
	return 6
}

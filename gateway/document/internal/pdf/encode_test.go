// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package pdf

import (
	"bytes"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ got, want string }{
		{num(0), "0"},
		{num(-0.001), "0"},
		{num(1.5), "1.5"},
		{num(-12.345), "-12.35"},
		{num(100), "100"},
		{text("ä"), "<feff00e4>"},
		{text("😀"), "<feffd83dde00>"},
		{literal(`a(b)\c ä`), "(abc)"},
		{name("text/plain; x#y"), "/text#2fplain;#20x#23y"},
		{name("ä"), "/#c3#a4"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestEmptyElementsStayOut(t *testing.T) {
	t.Parallel()
	f := New()
	f.Title, f.Lang = "t", "de"
	p := f.AddPage(100, 100)
	f.Root().Add("L").Add("LI").Add("LBody")
	p.Marked(f.Root().Add("P"), func() { p.Line(0, 0, 1, 1, 1) })
	f.Root().Add("Table").Add("TR").Add("TD")
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	if out := b.String(); strings.Contains(out, "/S /L") || !strings.Contains(out, "/S /TD") || !strings.Contains(out, "/S /P") {
		t.Error("an empty list should stay out, an empty cell should stay")
	}
}

func TestColourProfileIsComplete(t *testing.T) {
	t.Parallel()
	icc := sRGB()
	if len(icc)%4 != 0 || string(icc[36:40]) != "acsp" {
		t.Fatalf("%d bytes, signature %q", len(icc), icc[36:40])
	}
	for _, tag := range []string{"desc", "cprt", "wtpt", "rXYZ", "gXYZ", "bXYZ", "rTRC", "gTRC", "bTRC"} {
		at := bytes.Index(icc[132:132+9*12], []byte(tag))
		if at < 0 || at%12 != 0 {
			t.Errorf("tag %s is missing", tag)
		}
	}
}

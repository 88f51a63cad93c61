// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// fileName says which files a bundle has. Names are data here, never paths of the
// file system.
var fileName = regexp.MustCompile(`^(manifest\.yaml|capabilities\.json|catalog/[a-z0-9_-]+\.yaml|rego/(?:[a-z0-9_-]+/){0,4}[a-z0-9_-]+\.rego|testdata/decisions/[a-z0-9_-]+\.yaml)$`)

// BundleFile says that a file of this name belongs to a bundle.
func BundleFile(name string) bool { return fileName.MatchString(name) }

// BundleDigest names the content of a bundle, and is what people sign: SHA-256 over
// the list of digests and names of its files, in order, as sha256sum prints it.
func BundleDigest(files map[string][]byte) string {
	var list strings.Builder
	list.WriteString("ki-schleuse policy bundle\n")
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	sum := sha256.Sum256([]byte(list.String()))
	return hex.EncodeToString(sum[:])
}

// digestOf is the BundleDigest of a folder; other files in it do not count.
func digestOf(root fs.FS) (string, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !BundleFile(name) {
			return err
		}
		files[name], err = fs.ReadFile(root, name)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("digest of the bundle: %w", err)
	}
	return BundleDigest(files), nil
}

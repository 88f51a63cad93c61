#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
# SPDX-License-Identifier: EUPL-1.2
#
# Rebuilds the vendored assets with npm. Only for maintainers: users never need Node.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund @kern-ux/native@2.7.2 @fontsource/fira-sans@5.3.0 @fontsource/fira-mono@5.3.0 sass@1.108.2 axe-core@4.14.1
for part in global tokens layers components typography; do
  echo "@use 'node_modules/@kern-ux/native/src/scss/core/$part';"
done > subset.scss
npx sass --style=compressed --no-source-map subset.scss "$here/kern-subset.css"
for weight in 400 500 600; do
  cp node_modules/@fontsource/fira-sans/files/fira-sans-latin{,-ext}-$weight-normal.woff2 "$here/"
done
cp node_modules/@fontsource/fira-mono/files/fira-mono-latin-400-normal.woff2 "$here/"
cp node_modules/@fontsource/fira-sans/LICENSE "$here/FIRA-LICENSE.txt"
cp node_modules/@kern-ux/native/LICENSE.md "$here/KERN-LICENSE.md"
cp node_modules/axe-core/axe.min.js "$here/../../testdata/"
cp node_modules/axe-core/LICENSE "$here/../../testdata/AXE-LICENSE.txt"
(cd "$here" && sha256sum *.css *.woff2)

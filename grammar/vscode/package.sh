#!/bin/sh
# Packages the extension: `grammar/vscode/package.sh [DIRECTORY]` leaves aethel-VERSION.vsix there, or here without one.
# Needs Node and npm, and fetches what package-lock.json names; nothing is left behind in this directory.
set -eu

here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "${1:-.}"
out="$(cd "${1:-.}" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cp -R "$here/." "$work"
cd "$work"
rm -rf node_modules dist
npm ci --no-audit --no-fund --loglevel=error
# The client's libraries are made one file, so that the package has only what is run.
npx esbuild extension.js --bundle --minify --platform=node --target=node18 --external:vscode \
    --outfile=dist/extension.js --log-level=warning
npx vsce package --no-dependencies --out "$out"

#!/bin/sh
# Write the change and the test results to REPORT.md.
set -eu
. agents/git.sh

count() { sed -n "s/^# $1 //p" test-results.tap; }

sleep 1
fix=$(git log -1 --format=%H -- src)
{
  echo "# $(git log -1 --format=%s "$fix")"
  echo
  echo "$(count pass) of $(count tests) tests pass. Commit $(git log -1 --format='%h by %an' "$fix")."
  echo
  echo '```diff'
  git show --format= "$fix"
  echo '```'
  echo
  echo '## Tests'
  echo
  sed -n 's/^ok [0-9]* - /- ✓ /p; s/^not ok [0-9]* - /- ✗ /p' test-results.tap
} >REPORT.md

echo "REPORT.md has $(wc -l <REPORT.md) lines:"
cat REPORT.md

#!/bin/sh
# Tells in REPORT.md what was changed and what the tests say of it.
set -eu
. agents/git.sh

count() { sed -n "s/^# $1 //p" test-results.tap; }

sleep 1
{
  echo "# $(git log -1 --format=%s)"
  echo
  echo "$(count pass) of $(count tests) tests pass. Commit $(git log -1 --format='%h by %an')."
  echo
  echo '```diff'
  git show --format= HEAD
  echo '```'
  echo
  echo '## Tests'
  echo
  sed -n 's/^ok [0-9]* - /- ✓ /p; s/^not ok [0-9]* - /- ✗ /p' test-results.tap
} >REPORT.md

echo "REPORT.md has $(wc -l <REPORT.md) lines:"
cat REPORT.md

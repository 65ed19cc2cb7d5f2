#!/bin/sh
# Try one patch after the other until the tests pass, and commit that one.
set -eu
. agents/git.sh

results=$(mktemp)
passes() { node --test --test-reporter=tap >"$results" 2>&1; }
count() { sed -n "s/^# $1 //p" "$results"; }

if passes; then
  echo "All $(count tests) tests pass: nothing to fix."
  exit 0
fi
echo "$(count fail) of $(count tests) tests fail:"
sed -n 's/^not ok [0-9]* - /  - /p' "$results"

for patch in agents/patches/*.patch; do
  name=$(basename "$patch" .patch)
  echo
  echo "Trying $name"
  git apply "$patch"
  sleep 1
  if passes; then
    echo "  all $(count tests) tests pass"
    # "3-round-before-dividing" becomes "Round before dividing".
    subject=$(echo "$name" | sed 's/^[0-9]*-//; s/-/ /g')
    git commit --quiet --message="$(echo "$subject" | cut -c1 | tr '[:lower:]' '[:upper:]')$(echo "$subject" | cut -c2-)" -- src
    git --no-pager log -1 --stat --format='Committed %h: %s'
    exit 0
  fi
  echo "  $(count fail) still fail"
  git apply --reverse "$patch"
done

echo "No patch helps." >&2
exit 1

# Settings of git for an agent: its own name, and a repository that belongs to another user.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0="$PWD" GIT_PAGER=cat
export GIT_AUTHOR_NAME=fixer GIT_AUTHOR_EMAIL=fixer@agents.invalid
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL

#!/bin/sh
# Simulate an AI tool: read the prompt, do the work, and wait for more instead of exiting.
echo "I was asked to: $(cat "$AGENT_PROMPT_FILE")"
printf '%s\n' 'A session of its own, a tidy box,' 'and someone else to turn the clocks.' >poem.txt
agent-done 0
sleep 600

#!/bin/sh
# Stands in for an AI tool: reads its prompt, does the work, and then waits for more instead of ending.
echo "I was asked to: $(cat "$AGENT_PROMPT_FILE")"
printf '%s\n' 'A session of its own, a tidy box,' 'and someone else to turn the clocks.' >poem.txt
agent-done 0
sleep 600

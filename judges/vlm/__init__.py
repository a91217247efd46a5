"""The VLM judge: a vision-language model looks at every picture with rubric prompts, and every run proves its word."""

"""The VLM judge: a vision-language model judges every picture by rubrics, and controls in every run check it."""

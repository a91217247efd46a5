"""How teachers are trained and students distilled, for any flow-matching transformer of the Qwen-Image family."""

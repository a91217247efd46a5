"""The real diffusers pipelines of the Qwen-Image family as a generator."""

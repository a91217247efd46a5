"""judge-mini: a small model with Qwen3-VL's architecture that answers the rubrics about tile scenes."""

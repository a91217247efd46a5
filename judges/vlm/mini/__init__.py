"""judge-mini: a small model of Qwen3-VL's architecture that answers our rubrics about tile scenes."""

"""Serves a vision-language model on vLLM: profiles, start, health check, end."""

from evalkit.judges.vlm.serving.profiles import Profile, profile
from evalkit.judges.vlm.serving.server import Server, serve
from evalkit.judges.vlm.serving.sleep_mode import sleep, wake

__all__ = ["Profile", "Server", "profile", "serve", "sleep", "wake"]

"""Serving a vision-language model on vLLM: profiles, start, health, end. `serve` and `profile` are what others use."""

from judges.vlm.serving.profiles import Profile, profile, profiles
from judges.vlm.serving.server import Server, serve

__all__ = ["Profile", "Server", "profile", "profiles", "serve"]
